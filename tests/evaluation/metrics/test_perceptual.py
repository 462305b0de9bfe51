"""Perceptual numbers of a photo against the map of the whole picture."""

import pytest
import torch
from tests.evaluation.metrics.samples import sample

from retouch.evaluation.metrics.perceptual import perceptual
from retouch.evaluation.metrics.st_lpips import st_lpips

torch.set_num_threads(1)


@torch.no_grad()
def test_perceptual_numbers_are_those_of_the_whole_map():
    fill, truth, hole = sample(64, 80)
    first, second = (torch.from_numpy(each).permute(2, 0, 1)[None] / 255 for each in (fill, truth))
    distances = st_lpips()(first, second)[0, 0].numpy()
    image, in_hole = perceptual(st_lpips(), fill, truth, hole)
    assert in_hole == pytest.approx(distances[hole].mean(), rel=1e-4)
    levels = st_lpips().scores(st_lpips().features(first), st_lpips().features(second))
    assert image == pytest.approx(sum(float(level.mean()) for level in levels), rel=1e-4)

"""Filling on a plane: a floor whose rows meet again, what must not change, and where nothing may happen."""

import numpy as np
import pytest

from retouch.errors import RetouchError
from retouch.models.exemplar import Exemplar, ExemplarOptions
from retouch.native import library
from retouch.synthesis.planes import Plane, find_plane
from retouch.synthesis.rectified import certain_frame, fill_frame, rectify

HEIGHT, WIDTH = 240, 320
needs_compiled = pytest.mark.skipif(library() is None, reason="the compiled part is missing")


def floor(turn=0.3, tile=24.0):
    """A chequered floor below its horizon, in perspective; each pixel is the mean of 16 samples."""
    rows, columns = (np.arange(4 * side) / 4 - 0.375 for side in (HEIGHT, WIDTH))
    y, x = np.meshgrid(rows, columns, indexing="ij")
    depth = 1 / (y + 90)
    across, along = (x - 160) * depth * 200, -40000 * depth
    one = across * np.cos(turn) - along * np.sin(turn)
    two = across * np.sin(turn) + along * np.cos(turn)
    light = (np.floor(one / tile) + np.floor(two / tile)) % 2
    grey = light.reshape(HEIGHT, 4, WIDTH, 4).mean((1, 3))
    return (0.2 + 0.6 * grey[..., None] * np.array([1, 0.9, 0.8])).astype(np.float32)


def square(top=80, left=110, side=90):
    hole = np.zeros((HEIGHT, WIDTH), bool)
    hole[top : top + side, left : left + side] = True
    return hole


def blanked(image, hole):
    return np.where(hole[..., None], np.float32(0), image)


def fill(image, hole, planes, allowed=None, seed=0):
    usable = ~hole if allowed is None else allowed & ~hole
    model = Exemplar(ExemplarOptions(planes=planes), threads=1)
    return model.fill_array(blanked(image, hole), hole, usable, seed=seed, on_progress=lambda _: None)

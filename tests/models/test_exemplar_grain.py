"""A plain sky with grain must not show a weave: no part of the fill may look like another."""

import cv2
import numpy as np
import pytest

import retouch

SIZE, HOLE = 512, slice(128, 384)


def sky(blur):
    """A slope of tone with grain that differs by channel."""
    slope = np.linspace(0, 1, SIZE)[:, None, None] * np.array([60, 50, 30]) + np.array([90, 130, 190])
    grain = np.random.default_rng(0).normal(0, 1, (SIZE, SIZE, 3)).astype(np.float32)
    grain = cv2.GaussianBlur(grain, (0, 0), blur)
    grain = 0.6 * grain + 0.4 * grain.mean(2, keepdims=True)
    return np.rint(slope + 4 * grain / grain.std()).clip(0, 255).astype(np.uint8)


def self_likeness(grey):
    """The greatest correlation of a picture's grain with itself, 4 to 64 pixels away, in [-1, 1]."""
    grain = grey - cv2.GaussianBlur(grey, (0, 0), 4)
    grain = grain[4:-4, 4:-4]
    height, width = grain.shape

    def correlated(values):
        spectrum = np.fft.rfft2(values, (2 * height, 2 * width))
        return np.fft.fftshift(np.fft.irfft2(np.abs(spectrum) ** 2))

    mean = correlated(grain) / np.maximum(correlated(np.ones_like(grain)), 1)
    rows, columns = np.mgrid[-height:height, -width:width]
    away = np.hypot(rows, columns)
    far = (away >= 4) & (away <= 64) & (abs(rows) < 0.6 * height) & (abs(columns) < 0.6 * width)
    return float(mean[far].max() / mean[height, width])


def test_likeness_tells_a_weave_from_grain():
    grain = np.random.default_rng(1).normal(0, 4, (256, 256)).astype(np.float32)
    assert self_likeness(grain) < 0.1
    assert self_likeness(np.tile(grain[:16, :16], (16, 16))) > 0.9


@pytest.mark.parametrize("blur", [0.7, 1.2])
def test_a_grainy_sky_has_no_weave(blur):
    photo = sky(blur)
    hole = np.zeros((SIZE, SIZE), bool)
    hole[HOLE, HOLE] = True
    filled = np.asarray(retouch.inpaint(np.where(hole[..., None], 0, photo).astype(np.uint8), hole))
    inside = filled[HOLE, HOLE].mean(2, dtype=np.float32)
    for scale in (1, 2, 4):
        smaller = cv2.resize(inside, None, fx=1 / scale, fy=1 / scale, interpolation=cv2.INTER_AREA)
        assert self_likeness(smaller) < 0.25, scale
    # and it is grain, not a smear
    true = photo[HOLE, HOLE].mean(2, dtype=np.float32)
    assert np.std(inside - cv2.GaussianBlur(inside, (0, 0), 4)) > 0.85 * np.std(
        true - cv2.GaussianBlur(true, (0, 0), 4)
    )

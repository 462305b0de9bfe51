"""Models in processes of their own."""

import os

import numpy as np
import pytest

import retouch
from retouch import RetouchError
from retouch.evaluation import fillers
from retouch.evaluation.candidates import WeightsFile
from retouch.evaluation.fillers import Filler
from retouch.files import file_digest


@pytest.fixture
def pair():
    photo = np.random.default_rng(0).integers(0, 256, (40, 48, 3), np.uint8)
    hole = np.zeros((40, 48), bool)
    hole[10:20, 12:25] = True
    return photo, hole


def filled(name, photo, hole):
    filler = Filler(name, "cpu", 0, 1)
    try:
        return filler(photo, hole)
    finally:
        filler.close()


@pytest.mark.parametrize(
    "name", ["telea", "pypatchmatch", pytest.param("biharmonic", marks=pytest.mark.slow)]
)
def test_a_hole_is_filled_and_what_was_in_it_is_hidden(pair, name):
    photo, hole = pair
    first = filled(name, photo, hole)
    assert first.pixels.shape == photo.shape
    assert first.pixels.dtype == np.uint8
    assert first.seconds is not None
    assert first.seconds > 0
    assert first.peak_mb is None or 0 <= first.peak_mb < 2000
    second = filled(name, np.where(hole[..., None], 255 - photo, photo), hole)
    assert np.array_equal(first.pixels[hole], second.pixels[hole])


@pytest.mark.slow
def test_a_process_that_dies_is_one_sentence_and_the_next_one_lives(pair, monkeypatch):
    filler = Filler("telea", "cpu", 0, 1)
    try:
        with monkeypatch.context() as patch:
            patch.setattr(fillers, "_fill", _die)
            with pytest.raises(RetouchError, match="ended unexpectedly"):
                filler(*pair)
        assert filler(*pair).pixels.shape == pair[0].shape
    finally:
        filler.close()


def _die(*_):
    os._exit(1)


def test_a_weights_file_fills_and_must_not_change_meanwhile(pair, weights_file):
    weights = WeightsFile(str(weights_file), file_digest(weights_file))
    filler = Filler("tiny", "cpu", 0, 1, weights)
    try:
        photo, hole = pair
        pixels = filler(photo, hole).pixels
        assert np.array_equal(
            pixels, retouch.inpaint(np.where(hole[..., None], np.uint8(128), photo), hole, model=weights_file)
        )
    finally:
        filler.close()
    filler = Filler("tiny", "cpu", 0, 1, weights._replace(sha256="0" * 64))
    try:
        with pytest.raises(RetouchError, match="has changed"):
            filler(photo, hole)
    finally:
        filler.close()

"""Steps of colour across the border of a hole: pictures whose steps are known, and fills of the engine."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from retouch.contract import Fill, Model
from retouch.engine.pipeline import fill_photo
from retouch.evaluation.metrics.seam import RING, colour_steps, measure
from retouch.imaging import photo_from_array
from retouch.models.exemplar import Exemplar

SIDE = 96


def box(rows, columns, side=SIDE):
    hole = np.zeros((side, side), dtype=bool)
    hole[rows, columns] = True
    return hole


HOLES = {
    "square": box(slice(30, 60), slice(30, 60)),
    "wide": box(slice(40, 50), slice(10, 80)),
    "corner": box(slice(0, 20), slice(70, SIDE)),
    "two": box(slice(10, 20), slice(10, 50)) | box(slice(60, 61), slice(3, 4)),
}
EVERY_HOLE = pytest.mark.parametrize("hole", HOLES.values(), ids=HOLES.keys())


@EVERY_HOLE
def test_a_planted_step_is_found(hole):
    plain = np.full((SIDE, SIDE, 3), 100, dtype=np.uint8)
    plain[hole] = (130, 100, 85)
    seam = colour_steps(plain, hole)
    assert seam.across == pytest.approx((30 + 0 + 15) / 3)
    assert seam.around == 0


@EVERY_HOLE
@pytest.mark.parametrize(("down", "right"), [(1, 0), (0, 2), (3, 1)])
def test_a_slope_has_the_same_steps_everywhere(hole, down, right):
    rows, columns = np.indices((SIDE, SIDE))
    slope = (down * rows + right * columns)[..., None].astype(np.uint16)
    seam = colour_steps(slope, hole)
    assert seam.across == pytest.approx(seam.around)
    assert seam.across > 0


@EVERY_HOLE
def test_a_chequerboard_steps_at_every_pixel(hole):
    board = np.indices((SIDE, SIDE)).sum(axis=0) % 2 * 50.0
    seam = colour_steps(board[..., None], hole)
    assert (seam.across, seam.around) == (50, 50)
    shifted = np.where(hole, 50 - board, board)[..., None]
    assert colour_steps(shifted, hole).across == 0


def test_only_the_surroundings_count():
    hole = HOLES["square"]
    picture = np.zeros((SIDE, SIDE, 1))
    near = ndimage.distance_transform_edt(~hole) <= RING
    picture[~near] = np.random.default_rng(0).random((int((~near).sum()), 1))
    assert colour_steps(picture, hole).around == 0
    picture[near & ~hole] = np.random.default_rng(1).random((int((near & ~hole).sum()), 1))
    # Two independent draws from [0, 1] differ by a third on average.
    assert colour_steps(picture, hole).around == pytest.approx(1 / 3, rel=0.05)


@pytest.mark.parametrize("hole", [np.zeros((9, 9), bool), np.ones((9, 9), bool)])
def test_without_a_border_there_is_no_step(hole):
    assert colour_steps(np.zeros((9, 9, 3), np.uint8), hole) is None


def test_surroundings_without_a_step():
    assert colour_steps(np.zeros((1, 2, 3), np.uint8), np.array([[True, False]])) is None


def test_grain_that_goes_on_makes_no_seam():
    random = np.random.default_rng(0)
    seam = colour_steps(random.normal(size=(SIDE, SIDE, 3)), HOLES["square"])
    assert seam.across == pytest.approx(seam.around, rel=0.1)


@pytest.fixture(scope="module")
def evening():
    """A sky: a slope of tone that differs by channel, and grain; 240×240×3 uint8."""
    rows, columns = np.indices((240, 240)) / 240
    tones = [60 + 120 * rows, 90 + 60 * rows + 20 * columns, 190 - 70 * rows + 15 * np.sin(4 * columns)]
    grain = np.random.default_rng(0).normal(0, 3, (240, 240, 1))
    return np.rint(np.stack(tones, axis=2) + grain).clip(0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def disc():
    """A hole for it whose border lies in no way with the cells of a lower resolution."""
    rows, columns = np.indices((240, 240))
    return np.hypot(rows - 117, columns - 122) < 51.5


@pytest.mark.parametrize("working_size", [512, 110, 55])
def test_a_slope_of_tone_is_filled_without_a_seam(evening, disc, working_size):
    filled = fill_photo(photo_from_array(evening), disc, Exemplar(), working_size=working_size)
    seam = colour_steps(filled.photo.pixels, disc)
    assert seam.across <= seam.around
    plain = evening.copy()
    plain[disc] = 128
    assert colour_steps(plain, disc).across > 3 * seam.around


def test_a_model_that_misses_the_tone_is_met_halfway(evening, disc):
    # The engine mends what it can see: at a lower resolution the cells at the border are partly known.
    class TooBright(Model):
        name = "too bright"

        def infer(self, image, mask, allowed, *, seed, on_progress):
            return Fill(torch.full_like(image, 0.7))

    filled = fill_photo(photo_from_array(evening), disc, TooBright(), working_size=55)
    seam = colour_steps(filled.photo.pixels, disc)
    missed = evening.copy()
    missed[disc] = round(0.7 * 255)
    assert seam.across < colour_steps(missed, disc).across / 3


def test_the_metric_is_the_ratio_and_needs_something_to_compare_with():
    hole = HOLES["square"]
    picture = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    seam = colour_steps(picture, hole)
    assert measure(picture, picture, hole) == {"seam": pytest.approx(seam.across / seam.around)}
    flat = np.where(hole[..., None], np.uint8(9), np.zeros_like(picture))
    assert measure(flat, flat, hole) == {}

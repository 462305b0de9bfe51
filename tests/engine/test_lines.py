"""Lines that users draw, on their way to the model."""

import numpy as np
import pytest
from tests.engine.fakes import Nearest
from tests.engine.test_pipeline import box_mask, noise

from retouch.contract import ArrayFill, LineModel
from retouch.engine.pipeline import fill_photo
from retouch.engine.rolling import Edges
from retouch.engine.wrapping import fill_wrapping
from retouch.errors import RetouchError
from retouch.imaging import photo_from_array
from retouch.ops.masks import depth
from retouch.upsampling.fill_small import TONE


class Marking(LineModel):
    """Fills lines with white, and the rest with black."""

    name = "marking"

    def __init__(self):
        self.seen = []

    def fill_array(self, image, hole, allowed, *, seed, on_progress, lines=None):
        self.seen.append(None if lines is None else lines.copy())
        white = np.zeros(hole.shape, bool) if lines is None else lines
        return ArrayFill(np.repeat(white[..., None], 3, 2).astype(np.float32))


def marked(array, mask, lines, edges=None, **options):
    """Where a fill is white; and what the model was shown. Colours are not made to meet deep in the hole."""
    model, photo = Marking(), photo_from_array(array)
    if edges is None:
        filled = fill_photo(photo, mask, model, lines=lines, **options)
    else:
        filled = fill_wrapping(photo, mask, model, lines=lines, edges=edges, **options)
    np.testing.assert_array_equal(filled.photo.pixels[~mask], array[~mask])
    return filled.photo.pixels[..., 0] > 127, model.seen


GREY = np.full((400, 900, 3), 127, np.uint8)
TWO = box_mask(400, 900, slice(30, 70), slice(40, 90)) | box_mask(400, 900, slice(280, 330), slice(700, 780))


def test_lines_lie_where_they_were_drawn_in_each_window():
    lines = box_mask(400, 900, slice(46, 53), slice(10, 150)) | box_mask(
        400, 900, slice(250, 360), slice(730, 737)
    )
    white, seen = marked(GREY, TWO, lines)
    assert len(seen) == 2
    assert all(max(each.shape) < 400 for each in seen)
    inside = depth(TWO) > TONE
    np.testing.assert_array_equal(white & inside, lines & inside)


def test_a_window_without_lines_in_its_hole_is_filled_as_ever():
    lines = box_mask(400, 900, slice(46, 53), slice(10, 150)) | box_mask(
        400, 900, slice(240, 270), slice(730, 737)
    )
    _, seen = marked(GREY, TWO, lines)
    assert [each is None for each in seen] == [False, True]


def test_a_smaller_copy_of_the_photo_comes_with_a_smaller_copy_of_its_lines():
    mask = box_mask(260, 420, slice(60, 200), slice(120, 300))
    lines = box_mask(260, 420, slice(128, 136), slice(60, 360))
    white, (seen,) = marked(GREY[:260, :420], mask, lines, working_size=110)
    assert max(seen.shape) <= 110
    assert seen.any(0).sum() * 4 >= 240  # from side to side
    inside = box_mask(260, 420, slice(80, 180), slice(140, 280))
    assert (white[lines & inside]).all()
    assert not white[inside & ~lines & ~box_mask(260, 420, slice(120, 144), slice(0, 420))].any()


def test_lines_go_on_across_edges_that_meet():
    mask = np.roll(box_mask(80, 160, slice(20, 60), slice(60, 100)), 80, axis=1)
    lines = np.roll(box_mask(80, 160, slice(36, 43), slice(40, 120)), 80, axis=1)
    white, seen = marked(noise(80, 160) // 4 + np.uint8(90), mask, lines, Edges(across=True))
    deep = np.roll(box_mask(80, 160, slice(29, 51), slice(69, 91)), 80, axis=1)
    np.testing.assert_array_equal(white & deep, lines & deep)
    assert seen[0].any(1).sum() == 7


def test_no_lines_are_no_lines():
    mask = box_mask(80, 160, slice(20, 60), slice(60, 100))
    assert marked(noise(80, 160), mask, None)[1] == [None]


def test_what_cannot_be_followed_is_refused():
    mask = box_mask(80, 160, slice(20, 60), slice(60, 100))
    lines = box_mask(80, 160, slice(36, 43), slice(40, 120))
    photo = photo_from_array(noise(80, 160))
    with pytest.raises(RetouchError, match="Only exemplar follows lines"):
        fill_photo(photo, mask, Nearest(), lines=lines)
    with pytest.raises(RetouchError, match="--upsampling network"):
        fill_photo(photo, mask, Marking(), lines=lines, upsampling="network")
    for seen, allowed in ((lines & mask, None), (lines, ~lines)):
        with pytest.raises(RetouchError, match="cannot be seen beside it"):
            fill_photo(photo, mask, Marking(), lines=seen, allowed=allowed)
    with pytest.raises(RetouchError, match=r"map of lines \(80 × 100\) must have"):
        fill_photo(photo, mask, Marking(), lines=lines[:, :100])

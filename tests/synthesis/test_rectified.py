"""Filling on a plane: rows of a floor meet again, and what a fill must not change."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.synthesis.floors import HEIGHT, WIDTH, floor, square
from tests.synthesis.test_planes import frontal, leaves, noise, sky

from retouch.errors import RetouchError
from retouch.models.exemplar import Exemplar, ExemplarOptions, open_exemplar
from retouch.native import library
from retouch.synthesis.planes import Plane, find_plane
from retouch.synthesis.rectified import fill_frame, rectify
from retouch.synthesis.repetition import residual_ratio

compiled = pytest.mark.skipif(library() is None, reason="the compiled part is missing")


def fill(image, hole, planes, allowed=None, seed=0):
    model = Exemplar(ExemplarOptions(planes=planes), threads=1)
    usable = ~hole if allowed is None else allowed & ~hole
    return model.fill_array(image, hole, usable, seed=seed, on_progress=lambda _: None)


def error(made, truth, hole):
    return float(np.abs(made - truth)[hole].mean())


def nearest(picture, hole, readable):
    """A synthesis that needs nothing compiled: each pixel of the hole is its nearest readable one."""
    _, label = cv2.distanceTransformWithLabels(
        (~readable).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    places = np.zeros((label.max() + 1, 2), np.int32)
    places[label[readable]] = np.argwhere(readable)
    sources = np.where(hole[..., None], places[label], -1).astype(np.int32)
    made = np.where(hole[..., None], picture[sources[..., 0], sources[..., 1]], picture)
    return made, sources


@compiled
@pytest.mark.parametrize("turn", [0.0, 0.3, 0.6])
def test_the_rows_of_a_floor_meet_again(turn):
    truth, hole = floor(turn), square()
    image = np.where(hole[..., None], np.float32(0), truth)
    plain, rectified = (fill(image, hole, planes).image for planes in (False, True))
    assert error(rectified, truth, hole) < 0.6 * error(plain, truth, hole)


@compiled
def test_known_pixels_stay_and_sources_are_readable():
    image, hole = floor(), square()
    allowed = np.ones_like(hole)
    allowed[:, :60] = False
    made = fill(image, hole, True, allowed)
    assert np.array_equal(made.image[~hole], image[~hole])
    assert not np.array_equal(made.image, fill(image, hole, False, allowed).image)  # the plane was used
    rows, columns = made.sources[hole].T
    assert (allowed & ~hole)[rows, columns].all()
    assert (made.sources[~hole] == -1).all()


@compiled
def test_the_same_seed_gives_the_same_fill_whatever_the_hole_shows():
    image, hole = floor(), square()
    other = np.where(hole[..., None], noise(0, 0), image)
    one, two = fill(image, hole, True), fill(other, hole, True)
    assert np.array_equal(one.image[hole], two.image[hole])
    assert np.array_equal(one.sources, two.sources)


@compiled
@pytest.mark.parametrize("image", [noise(0, 1.5), leaves(0), sky()], ids=["grain", "leaves", "sky"])
def test_without_a_plane_the_fill_is_the_usual_one(image):
    hole = square()
    one, two = fill(image, hole, True), fill(image, hole, False)
    assert np.array_equal(one.image, two.image)
    assert np.array_equal(one.sources, two.sources)


def tilted(hole, down):
    """A plane whose columns get nearer downwards."""
    centre = np.argwhere(hole).mean(0)[::-1]
    shift = np.array([[1, 0, -centre[0]], [0, 1, -centre[1]], [0, 0, 1]])
    return Plane(np.array([[1, 0, 0], [0, 1, 0], [0, down, 1]]) @ shift)


def ratio(image, hole, plane):
    frame = rectify(image, hole, ~hole, plane)
    return residual_ratio(image, hole, ~hole, frame.picture, frame.readable, frame.homography)


def test_the_picture_repeats_best_on_its_own_plane():
    hole = square()
    assert ratio(floor(), hole, find_plane(floor(), hole)) < 0.5
    assert ratio(frontal(), hole, tilted(hole, 0.003)) > 2
    assert 0.8 < ratio(leaves(0), hole, tilted(hole, 0)) < 1.05  # resampling blurs, and so alone lowers it


@given(
    tilt=st.tuples(st.floats(-0.002, 0.002), st.floats(-0.002, 0.002)),
    top=st.integers(0, HEIGHT - 90),
    left=st.integers(0, WIDTH - 90),
)
@settings(max_examples=25, deadline=None)
def test_each_pixel_has_the_colours_of_its_source(tilt, top, left):
    """Of a picture of even slopes, whose colours tell the place to a fraction of a pixel."""
    hole = square(top, left)
    rows, columns = np.indices(hole.shape)
    slopes = [columns / WIDTH, rows / HEIGHT, (columns + rows) / (WIDTH + HEIGHT)]
    image = np.stack(slopes, 2).astype(np.float32)
    centre = np.array([left + 44.5, top + 44.5])
    shift = np.array([[1, 0, -centre[0]], [0, 1, -centre[1]], [0, 0, 1]])
    plane = Plane(np.array([[1, 0, 0], [0, 1, 0], [*tilt, 1]]) @ shift)
    frame = rectify(np.where(hole[..., None], np.float32(1), image), hole, ~hole, plane)
    if frame is None:
        return
    made, sources = fill_frame(frame, image, hole, ~hole, nearest)
    rows, columns = sources[hole].T
    assert (~hole)[rows, columns].all()
    # Sources are rounded to readable pixels, which at the hole's border may be two pixels away.
    assert np.abs(made[hole] - image[rows, columns])[:, 0].max() < 3 / WIDTH
    assert np.abs(made[hole] - image[rows, columns])[:, 1].max() < 3 / HEIGHT
    assert np.array_equal(made[~hole], image[~hole])


def test_planes_need_the_compiled_model():
    with pytest.raises(RetouchError, match="leave planes out"):
        open_exemplar(ExemplarOptions(planes=True, patch=11))

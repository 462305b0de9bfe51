"""Planes by their vanishing points: against a floor drawn from its formula, and where there is none."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.synthesis.floors import HEIGHT, MIDDLE, WIDTH, floor, on_floor, square

from retouch.synthesis.planes import find_plane
from retouch.synthesis.vanishing import segments, vanishing_points


def noise(seed, grain):
    made = np.random.default_rng(seed).random((HEIGHT, WIDTH, 3)).astype(np.float32)
    return cv2.GaussianBlur(made, (0, 0), grain) if grain else made


def leaves(seed):
    """Ellipses of every size, place and way."""
    draw, made = np.random.default_rng(seed), np.zeros((HEIGHT, WIDTH, 3), np.float32)
    for _ in range(900):
        centre = int(draw.integers(WIDTH)), int(draw.integers(HEIGHT))
        axes = int(draw.integers(4, 14)), int(draw.integers(2, 6))
        colour = tuple(map(float, draw.random(3)))
        cv2.ellipse(made, centre, axes, float(draw.integers(180)), 0, 360, colour, -1, cv2.LINE_AA)
    return made


def sky():
    rows, columns = np.indices((HEIGHT, WIDTH))
    light = 0.4 + 0.5 * rows / HEIGHT + 0.05 * np.sin(columns / 40)
    return np.repeat(light[..., None], 3, 2).astype(np.float32)


def frontal():
    rows, columns = np.indices((HEIGHT, WIDTH))
    return np.repeat(((rows // 20 + columns // 20) % 2)[..., None], 3, 2).astype(np.float32)


@given(turn=st.floats(-0.6, 0.6), top=st.integers(60, 110), left=st.integers(80, 150))
@settings(max_examples=15, deadline=None)
def test_lines_of_the_floor_become_rows_and_columns(turn, top, left):
    hole = square(top, left)
    plane = find_plane(floor(turn), hole)
    assert plane is not None
    draw = np.random.default_rng(0)
    columns, rows = draw.uniform(0, WIDTH, 400), draw.uniform(0, HEIGHT, 400)
    x, y, third = plane.homography @ np.stack([columns, rows, np.ones(400)])
    one, two = on_floor(columns, rows, turn)
    for way in (x / third, y / third):
        # It follows one coordinate of the floor, and hardly depends on the other.
        weights = abs(np.linalg.lstsq(np.stack([one, two, np.ones(400)], 1), way, rcond=None)[0][:2])
        assert min(weights) < 0.01 * max(weights)


def test_the_middle_of_the_hole_keeps_its_scale():
    hole = square()
    plane = find_plane(floor(), hole)
    centre = np.array([np.nonzero(hole)[1].mean(), np.nonzero(hole)[0].mean()])

    def place(point):
        x, y, third = plane.homography @ np.append(point, 1)
        return np.array([x, y]) / third

    assert plane.homography[2] @ np.append(centre, 1) == pytest.approx(1)
    for angle in np.radians([0, 90]):  # back along rows and columns of the plane
        inverse = np.linalg.inv(plane.homography)
        x, y, third = inverse @ np.append(place(centre) + 1e-3 * np.array([np.cos(angle), np.sin(angle)]), 1)
        assert np.hypot(*(np.array([x, y]) / third - centre)) == pytest.approx(1e-3, rel=1e-3)


def test_the_vanishing_point_of_a_floor():
    lines = segments(floor(0.0), ~square())
    scaled = (lines - [MIDDLE, 120] * 2) / 160
    points = [point / np.linalg.norm(point) for point, _ in vanishing_points(scaled)]
    ahead = np.array([0, (-90 - 120) / 160, 1])
    assert max(abs(point @ ahead) for point in points) / np.linalg.norm(ahead) > 0.999


@pytest.mark.parametrize(
    "image",
    [noise(0, 0), noise(1, 1.5), noise(2, 4), leaves(0), leaves(1), sky(), frontal(), np.zeros_like(sky())],
    ids=["grain", "soft grain", "clouds", "leaves", "more leaves", "sky", "frontal", "black"],
)
def test_no_plane_is_found_where_none_is(image):
    assert find_plane(image, square()) is None


def test_a_hole_across_the_horizon_lies_in_no_plane():
    image = np.full((HEIGHT, WIDTH, 3), 0.7, np.float32)
    image[120:] = floor()[:120]  # its horizon is row 30
    assert find_plane(image, square(150, 110, 60)) is not None
    assert find_plane(image, square(20, 110, 130)) is None


def test_small_holes_are_left_alone():
    assert find_plane(floor(), square(side=30)) is None
    assert find_plane(floor(), square(side=34)) is not None


def test_the_hole_is_not_looked_at():
    image, hole = floor(), square()
    other = np.where(hole[..., None], noise(3, 0), image)
    assert np.array_equal(find_plane(image, hole).homography, find_plane(other, hole).homography)

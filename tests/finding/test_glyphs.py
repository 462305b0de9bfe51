import cv2
import numpy as np
import pytest

from retouch.finding.glyphs import glyphs

CORNERS = np.array([[60, 138], [330, 138], [330, 172], [60, 172]], np.float64)


def written(colour, outline=None, seed=0):
    """A photo with a caption, and where its strokes are."""
    random = np.random.default_rng(seed)
    soft = cv2.GaussianBlur(random.normal(0, 1, (240, 400, 3)), (0, 0), 9)
    picture = np.rint((0.45 + 1.2 * soft).clip(0.2, 0.7) * 255).astype(np.uint8)
    strokes = np.zeros((240, 400), np.uint8)
    put = ((64, 165), cv2.FONT_HERSHEY_SIMPLEX, 0.9)
    if outline is not None:
        cv2.putText(picture, "by the lake 1962", *put, outline, 5, cv2.LINE_AA)
    cv2.putText(picture, "by the lake 1962", *put, colour, 2, cv2.LINE_AA)
    cv2.putText(strokes, "by the lake 1962", *put, 1, 2)
    return picture.astype(np.float32) / 255, strokes > 0


WHITE, BLACK, YELLOW = (250, 250, 250), (5, 5, 5), (255, 225, 40)


@pytest.mark.parametrize(
    ("colour", "outline"), [(WHITE, None), (BLACK, None), (YELLOW, BLACK), (WHITE, BLACK)]
)
def test_strokes_are_covered_and_what_is_between_them_mostly_not(colour, outline):
    image, strokes = written(colour, outline)
    found = glyphs(image, CORNERS)
    assert found[strokes].mean() > 0.99
    box = np.zeros_like(found)
    box[138:173, 60:331] = True
    assert found.sum() < 0.8 * box.sum()
    assert not found[:130].any()
    assert not found[180:].any()


def test_a_box_without_strokes_is_covered_whole():
    image = np.full((240, 400, 3), 0.5, np.float32)
    assert glyphs(image, CORNERS)[140:170, 62:328].all()


def test_a_box_beyond_the_edge():
    image, _ = written((250, 250, 250))
    found = glyphs(image, CORNERS + np.array([120, 80]))
    assert found.shape == (240, 400)
    assert not glyphs(image, CORNERS + np.array([1000, 0])).any()


def test_the_same_box_gives_the_same_strokes():
    image, _ = written((255, 225, 40), (0, 0, 0))
    assert np.array_equal(glyphs(image, CORNERS), glyphs(image, CORNERS))

import sys
from types import ModuleType, SimpleNamespace

import cv2
import numpy as np
import pytest
from tests.finding.test_date_stamps import background, stamped

from retouch.errors import RetouchError
from retouch.finding import text
from retouch.finding.text import find_text
from retouch.imaging import photo_from_array


@pytest.fixture
def photo():
    """A photo with a date in the right corner, a caption in the left one and a sign in the middle."""
    image, digits = stamped(background())
    pixels = np.rint(image * 255).astype(np.uint8)
    for words, at in (("Lake", (30, 570)), ("STOP", (360, 300))):
        cv2.putText(pixels, words, at, cv2.FONT_HERSHEY_SIMPLEX, 1, (250, 250, 250), 2, cv2.LINE_AA)
    return pixels, digits


LAKE, STOP, DATE = (25, 540, 110, 580), (355, 272, 450, 308), (535, 515, 690, 550)


@pytest.fixture
def detector(monkeypatch):
    """Finds three texts, something doubtful and a single letter, in place of rapidocr."""

    def corners(box):
        left, top, right, bottom = box
        return [[left, top], [right, top], [right, bottom], [left, bottom]]

    class RapidOCR:
        def __init__(self, params):
            assert params["Global.use_cls"] is False

        def __call__(self, image, use_cls):
            assert image.dtype == np.uint8
            assert not use_cls
            boxes = np.array(
                [corners(box) for box in (LAKE, STOP, DATE, (0, 0, 50, 30), (0, 0, 50, 40))], np.float32
            )
            return SimpleNamespace(
                boxes=boxes,
                scores=(0.9, 0.8, 0.9, 0.2, 0.9),
                txts=("Lake", "STOP", "'98 07 12", "iiii", "I -"),
            )

    module = ModuleType("rapidocr")
    module.RapidOCR = RapidOCR
    monkeypatch.setitem(sys.modules, "rapidocr", module)
    monkeypatch.setattr(text, "has_detector", lambda: True)
    text._engine.cache_clear()
    yield
    text._engine.cache_clear()


@pytest.fixture
def no_detector(monkeypatch):
    monkeypatch.setattr(text, "has_detector", lambda: False)


def test_without_a_detector_dates_are_found(photo, no_detector):
    pixels, digits = photo
    mask, found = find_text(photo_from_array(pixels))
    assert [each.kind for each in found] == ["date stamp"]
    assert mask[digits].mean() > 0.99
    assert not mask[540:580, 25:110].any()


def test_text_in_the_corners(photo, detector):
    pixels, digits = photo
    mask, found = find_text(photo_from_array(pixels))
    assert [(each.kind, each.reading) for each in found] == [("date stamp", ""), ("text", "Lake")]
    assert mask[digits].mean() > 0.99
    assert mask[540:580, 25:110].any()
    assert not mask[272:308, 355:450].any()


def test_text_anywhere(photo, detector):
    mask, found = find_text(photo_from_array(photo[0]), where="anywhere")
    assert len(found) == 3  # the date is not found twice, and what is doubtful not at all
    assert mask[272:308, 355:450].any()
    assert not mask[:60].any()


def test_protected_text_stays(photo, detector):
    protect = np.zeros(photo[0].shape[:2], bool)
    protect[:, :300] = True
    mask, _ = find_text(photo_from_array(photo[0]), protect=protect)
    assert mask.any()
    assert not (mask & protect).any()


def test_what_is_missing_is_said(photo, no_detector):
    with pytest.raises(RetouchError, match="rapidocr is not installed"):
        find_text(photo_from_array(photo[0]), where="anywhere")


@pytest.mark.skipif(not text.has_detector(), reason="rapidocr is not installed")
def test_the_detector_itself(photo):
    mask, found = find_text(photo_from_array(photo[0]), where="anywhere")
    assert mask[272:308, 355:450].any()
    assert {"Lake", "STOP"} <= {each.reading for each in found}

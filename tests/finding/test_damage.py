"""Finding damage with the weights that ship, and what becomes of probabilities."""

from itertools import pairwise

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import retouch
from retouch.errors import RetouchError
from retouch.finding import damage
from retouch.finding.arrays import shipped_arrays
from retouch.finding.damage import Levels, area_levels, areas, evidence, levels, marked, spots
from retouch.finding.looking import probability, stored


@pytest.fixture(scope="module")
def clean():
    """A slope of light with soft round shapes and grain, 160×224×3."""
    rows, columns = np.mgrid[:160, :224]
    photo = 90 + 0.3 * columns + 25 * np.sin(rows / 30) * np.cos(columns / 40)
    photo = np.stack([photo, photo * 0.9, photo * 0.8], 2)
    return (photo + np.random.default_rng(0).normal(0, 2, photo.shape)).clip(0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def scratched(clean):
    """The same with a light scratch and dark specks, and where they are."""
    drawn = np.zeros(clean.shape[:2], np.uint8)
    cv2.line(drawn, (70, 8), (82, 150), 255, 2, cv2.LINE_AA)
    photo = np.where(drawn[..., None] > 100, np.uint8(245), clean)
    specks = np.zeros_like(drawn)
    for x, y in ((150, 40), (180, 100), (30, 120)):
        cv2.circle(specks, (x, y), 4, 255, -1, cv2.LINE_AA)
    photo = np.where(specks[..., None] > 100, np.uint8(25), photo)
    return photo, (drawn > 100) | (specks > 100)


def near(mask, pixels=2):
    return cv2.dilate(mask.astype(np.uint8), np.ones((2 * pixels + 1,) * 2, np.uint8)) > 0


def test_a_clean_photo_stays_clean(clean):
    assert not retouch.find_damage(clean).any()


def test_scratch_and_specks_are_found(scratched):
    photo, true = scratched
    found = retouch.find_damage(photo)
    assert (found & near(true)).sum() >= 0.9 * found.sum() > 0
    assert (true & near(found)).sum() >= 0.9 * true.sum()


def test_every_kind_of_photo_is_looked_at(scratched):
    photo, true = scratched
    deep = photo.astype(np.uint16) * 257
    assert np.array_equal(retouch.find_damage(deep), retouch.find_damage(photo))
    grey = retouch.find_damage(photo[..., 1])
    assert (true & near(grey)).sum() >= 0.8 * true.sum()


def test_protected_places_are_left_alone(scratched):
    photo, _ = scratched
    protect = np.zeros(photo.shape[:2], bool)
    protect[:, :100] = True
    found, kept = retouch.find_damage(photo), retouch.find_damage(photo, protect=protect)
    assert np.array_equal(kept, found & ~protect)
    assert kept.any()


def test_more_sensitivity_finds_more(scratched):
    photo, _ = scratched
    least, usual, most = (retouch.find_damage(photo, sensitivity=each) for each in (0, 0.5, 1))
    assert not (least & ~usual).any()
    assert not (usual & ~most).any()
    assert most.sum() > least.sum()


@pytest.mark.parametrize("value", [float("nan"), 2.0, -1.0])
def test_values_that_are_no_colours_are_refused(value):
    picture = np.full((32, 32), 0.5, np.float32)
    picture[3, 4] = value
    with pytest.raises(RetouchError, match=r"must lie in \[0, 1\]"):
        retouch.find_damage(picture)


@pytest.mark.parametrize("wrong", [True, -0.1, 1.5, "much", float("nan")])
def test_sensitivities_are_checked(clean, wrong):
    with pytest.raises(RetouchError, match="from 0 to 1"):
        retouch.find_damage(clean, sensitivity=wrong)


def test_a_spot_needs_a_peak_and_keeps_its_slopes():
    probable = np.zeros((5, 9), np.uint8)
    low, high, between = (round(stored(each)) for each in (0.45, 0.94, 0.8))
    probable[1, 1:4] = low, high, low  # reaches the peak
    probable[2, 4] = low  # touches it at a corner
    probable[3, 7] = between  # does not
    found = spots(probable, Levels(0.9, 0.4))
    assert np.argwhere(found).tolist() == [[1, 1], [1, 2], [1, 3], [2, 4]]
    assert spots(np.full((3, 4), 255, np.uint8), Levels(0.9, 0.4)).all()


def test_evidence_of_both_networks_is_added():
    probable, small = np.zeros((5, 9), np.uint8), np.zeros((3, 4), np.uint8)
    probable[2, 2], small[1, 1] = 128 + 16 * 6, 128 + 16 * 3
    assert evidence(probable, small) == 7.5
    assert marked(probable, small, 0.5).sum() == 5  # the area is too doubtful to be marked itself
    small[1, 1] -= 1
    assert not marked(probable, small, 0.5).any()
    assert marked(probable, small, 0.6).any()


def enlarged(small, height, width):
    """Bilinear, between the middles of pixels, one by one."""
    made = np.empty((height, width))
    for row in range(height):
        for column in range(width):
            y = min(max((row + 0.5) * small.shape[0] / height - 0.5, 0), small.shape[0] - 1)
            x = min(max((column + 0.5) * small.shape[1] / width - 0.5, 0), small.shape[1] - 1)
            top, left = int(y), int(x)
            below, after = min(top + 1, small.shape[0] - 1), min(left + 1, small.shape[1] - 1)
            above = small[top, left] * (1 - x + left) + small[top, after] * (x - left)
            under = small[below, left] * (1 - x + left) + small[below, after] * (x - left)
            made[row, column] = above * (1 - y + top) + under * (y - top)
    return made


def test_areas_are_enlarged_as_their_probability_is():
    """A round area on a copy gets a round outline; a doubtful one beside it does not count."""
    rows, columns = np.mgrid[:12, :16]
    round_one = 220 - 30 * np.hypot(rows - 5, columns - 5)
    doubtful = 150 - 30 * np.hypot(rows - 5, columns - 13)
    small = np.maximum(round_one, doubtful).clip(0, 255).astype(np.uint8)
    wanted = Levels(0.97, 0.5)
    found = areas(small, wanted, (61, 83))
    reach = enlarged(np.where(columns < 11, small, 0).astype(float), 61, 83)
    sure = np.abs(reach - stored(0.5)) > 1  # OpenCV rounds
    assert np.array_equal(found[sure], (reach >= stored(0.5))[sure])
    assert 0 < found.sum() < 61 * 45
    assert not areas(small, Levels(0.999, 0.5), (61, 83)).any()


def test_large_damage_counts_beside_other_damage_alone(monkeypatch):
    """The whole way, with networks that see a spot, or nothing, at full size, and one area in the copy."""
    seen = []

    def look(values, arrays, *, worth, progress=None):
        seen.append((values.shape, arrays is shipped_arrays("damage", "-areas"), worth > 0))
        made = np.zeros(values.shape, np.uint8)
        if max(values.shape) == damage.COPY:
            made[: values.shape[0] // 2] = 255
        elif spotted:
            made[-3, 3] = 255
        return made

    monkeypatch.setattr(damage, "look", look)
    photo = np.zeros((600, 768, 3), np.uint8)
    spotted = False
    assert not retouch.find_damage(photo).any()
    spotted = True
    found = retouch.find_damage(photo)
    assert seen == 2 * [((600, 768), False, True), ((300, 384), True, False)]
    assert found[:299].all()
    assert np.argwhere(found[302:]).tolist() == [[294, 3], [295, 2], [295, 3], [295, 4], [296, 3]]


def test_a_network_that_is_certain_of_most_of_a_photo_says_nothing():
    probable, small = np.zeros((40, 60), np.uint8), np.zeros((20, 30), np.uint8)
    probable[30, 30], small[:10] = 255, 250
    assert marked(probable, small, 0.5).sum() > 20 * 60  # half of it
    small[10, 0] = 250
    assert marked(probable, small, 0.5).sum() == 5
    probable[:] = 250
    assert not marked(probable, small, 1).any()


@given(st.integers(0, 2**32 - 1), st.floats(0, 1))
def test_more_sensitivity_never_finds_less(seed, share):
    random = np.random.default_rng(seed)
    probable, small = (
        np.where(random.random(shape) < share, random.integers(0, 256, shape), 0).astype(np.uint8)
        for shape in ((12, 16), (6, 8))
    )
    found = [marked(probable, small, each) for each in (0, 0.3, 0.5, 0.8, 1)]
    assert all((less <= more).all() for less, more in pairwise(found))


def test_probabilities_are_stored_as_log_odds():
    assert stored(0.5) == 128
    assert stored(0.9) - 128 == pytest.approx(16 * np.log(9))
    assert stored(0.1) + stored(0.9) == pytest.approx(256)
    held = np.array([[round(stored(each)) for each in (0.01, 0.5, 0.98)]], np.uint8)
    assert probability(held) == pytest.approx(np.array([[0.01, 0.5, 0.98]]), abs=0.01)
    # Every sensitivity's levels fit into a byte, and differ there.
    for each in np.linspace(0, 1, 11):
        assert all(0 < stored(level) < 255 for level in levels(each))


def test_levels_fall_with_sensitivity():
    for name in Levels._fields:
        values = [getattr(levels(each), name) for each in np.linspace(0, 1, 11)]
        assert values == sorted(values, reverse=True)
        values = [getattr(area_levels(each), name) for each in np.linspace(0, 1, 11)]
        assert values == sorted(values, reverse=True)
    for of in (levels, area_levels):
        assert all(each.rest <= each.peak for each in map(of, np.linspace(0, 1, 11)))


def test_progress_is_told(clean):
    told = []
    retouch.find_damage(clean, on_progress=told.append)
    assert [(each.stage, each.done, each.total) for each in told] == [("find", 1, 1)]


def test_a_stain_is_found_whole():
    """On a photo larger than the copy: the shipped weights, all the way."""
    rows, columns = np.mgrid[:600, :720]
    photo = 120 + 0.1 * columns + 20 * np.sin(rows / 60) * np.cos(columns / 80)
    photo = np.stack([photo, photo, photo * 0.95], 2) + np.random.default_rng(0).normal(0, 3, (600, 720, 1))
    stain = np.hypot(rows - 320, (columns - 300) * 0.8) + 6 * np.sin(
        np.arctan2(rows - 320, columns - 300) * 5
    )
    inside = stain < 75
    photo[inside] *= np.array([0.78, 0.66, 0.45])
    photo[np.abs(stain - 75) < 4] *= 0.7
    photo = photo.clip(0, 255).astype(np.uint8)
    cv2.line(photo, (500, 60), (540, 420), (245, 245, 240), 2, cv2.LINE_AA)
    found = retouch.find_damage(photo)
    assert found[inside].mean() > 0.8
    assert (found & ~near(inside, 12))[:, :480].mean() < 0.01

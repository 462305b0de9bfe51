import cv2
import numpy as np
import pytest
from tests.references.made import HEIGHT, WIDTH, hole, moved, punched, scene, shot

from retouch.contract import Stop
from retouch.imaging import photo_from_array
from retouch.references.filling import Reference, align, fill_from


def filled(photo, mask, *others, **options):
    references = [
        Reference(f"{number}.png", lambda other=other: photo_from_array(other))
        for number, other in enumerate(others, 1)
    ]
    return fill_from(photo_from_array(photo), mask, references, **options)


def error(taken, truth, mask):
    done = mask & ~taken.left
    assert done.sum() > 0.9 * mask.sum()
    return np.abs(taken.fill.photo.pixels.astype(float) - truth)[done].mean()


def test_an_identical_reference_brings_the_truth_back():
    truth, mask = shot(scene()), hole()
    taken = filled(punched(truth, mask), mask, shot(scene(), noise=1.5))
    assert not taken.left.any()
    assert error(taken, truth, mask) < 3
    assert taken.notes == ()


def test_known_pixels_stay_and_the_photo_is_not_changed():
    truth, mask = shot(scene()), hole()
    given = punched(truth, mask)
    before = given.copy()
    taken = filled(given, mask, shot(scene(), moved()))
    assert np.array_equal(taken.fill.photo.pixels[~mask], truth[~mask])
    assert np.array_equal(given, before)


def test_a_planted_homography_returns_the_planted_pixels_and_their_places():
    truth, mask, matrix = shot(scene()), hole(), moved()
    taken = filled(punched(truth, mask), mask, shot(scene(), matrix, gain=0.85))
    assert error(taken, truth, mask) < 6
    places = np.full((HEIGHT, WIDTH, 3), -1)
    for region in taken.fill.regions:
        places[region.box.rows, region.box.columns][region.hole] = region.places[region.hole]
    rows, columns = np.nonzero(mask & ~taken.left)
    x, y, z = matrix @ np.stack([columns, rows, np.ones_like(rows)])
    found = places[rows, columns]
    assert (found[:, 0] == 1).all()
    assert np.abs(found[:, 1] - y / z).max() < 2
    assert np.abs(found[:, 2] - x / z).max() < 2


def test_a_passer_by_in_one_of_three_is_not_pasted():
    truth, mask = shot(scene()), hole()
    others = [shot(scene(), moved(right=right)) for right in (5.0, 9.0, -7.0)]
    others[0][130:165, 170:205] = (20, 250, 20)
    taken = filled(punched(truth, mask), mask, *others)
    green = (taken.fill.photo.pixels == (20, 250, 20)).all(axis=2)
    assert not green[mask & ~taken.left].any()
    assert error(taken, truth, mask) < 6


def test_another_place_and_a_mirror_image_fill_nothing_and_are_named():
    truth, mask = shot(scene()), hole()
    taken = filled(punched(truth, mask), mask, shot(scene(9)), truth[:, ::-1])
    assert np.array_equal(taken.left, mask)
    assert taken.fill.regions == ()
    assert taken.notes == (
        "Nothing in 1.png matches; it was left out.",
        "2.png shows the place mirrored and was left out; flip it to use it.",
    )


def test_the_one_who_stands_in_both_photos_is_no_match():
    mask, other = hole(90, 120, 110, 130), shot(scene(9))
    given = np.where(mask[..., None], other, np.uint8(120))  # a plain place, and a thing to be removed
    reference = Reference("other", lambda: photo_from_array(shot(scene(9), moved())))
    aligned, _ = align(photo_from_array(given), mask, [reference], None)
    assert aligned == []


def test_another_light_is_said():
    truth, mask = shot(scene()), hole()
    other = np.rint(shot(scene(), moved()) * (0.9, 0.5, 0.25)).astype(np.uint8)
    (note,) = filled(punched(truth, mask), mask, other).notes
    assert "1.png" in note
    assert "--any-light" in note


def grey_of(picture):
    return np.repeat(picture.mean(axis=2, keepdims=True).astype(np.uint8), 3, axis=2)


@pytest.mark.parametrize("any_light", [False, True])
def test_a_reference_without_colour_does_not_serve_a_photo_in_colour(any_light):
    truth, mask = shot(scene()), hole()
    taken = filled(punched(truth, mask), mask, grey_of(shot(scene(), moved())), any_light=any_light)
    assert np.array_equal(taken.left, mask)
    assert taken.notes == ("1.png has no colour, and the photo has; it was left out.",)


def test_a_photo_without_colour_gets_none_from_a_reference():
    """Though its file has three channels, and what is painted over the hole is in colour."""
    truth, mask = grey_of(shot(scene())), hole()
    taken = filled(punched(truth, mask), mask, shot(scene(), moved()))
    made = taken.fill.photo.pixels[mask & ~taken.left].astype(int)
    assert np.ptp(made, axis=1).max() <= 1
    assert error(taken, truth, mask) < 12


def test_a_coarse_reference_is_said_and_a_far_coarser_one_left_out():
    truth, mask = shot(scene()).repeat(3, 0).repeat(3, 1), hole().repeat(3, 0).repeat(3, 1)
    other = shot(scene(), moved())
    taken = filled(punched(truth, mask), mask, other, cv2.resize(other, None, fx=0.4, fy=0.4))
    assert taken.notes == (
        "1.png is 2.9 times as coarse as the photo, so what it fills is soft.",
        "2.png is 7.4 times as coarse as the photo and was left out.",
    )


def test_a_copy_of_the_photo_is_suspected():
    truth, mask = shot(scene()), hole()
    (note,) = filled(truth, mask, shot(scene(), noise=0.5)).notes
    assert "looked before" in note


def test_structure_alone_is_trusted_at_the_users_wish():
    truth, mask = shot(scene()), hole()
    season = np.array([[0.2, 0.7, 0.1], [0.5, 0.3, 0.2], [0.1, 0.3, 0.6]])  # colours of other colours
    other = np.rint(shot(scene(), moved()) @ season).astype(np.uint8)
    strict, lenient = (filled(punched(truth, mask), mask, other, any_light=any_) for any_ in (False, True))
    assert strict.left.sum() > 0.8 * mask.sum()
    assert lenient.left.sum() < 0.6 * strict.left.sum()


@pytest.mark.parametrize("kind", ["16 bit", "grey", "half the size"])
def test_references_of_another_kind_serve(kind):
    truth, mask, other = shot(scene()), hole(), shot(scene(), moved())
    if kind == "16 bit":
        other = other.astype(np.uint16) * 257
    elif kind == "grey":
        truth = truth.mean(axis=2).astype(np.uint8)
        taken = filled(np.where(mask, 255, truth).astype(np.uint8), mask, other)
        assert error(taken, truth[..., None], mask) < 12
        return
    else:
        other = other[:, :].reshape(HEIGHT // 2, 2, WIDTH // 2, 2, 3).mean(axis=(1, 3)).astype(np.uint8)
    assert error(filled(punched(truth, mask), mask, other), truth, mask) < 10


def test_a_float_photo_keeps_its_range():
    truth, mask = shot(scene()).astype(np.float32) * 3 - 100, hole()
    given = truth.copy()
    given[mask] = np.nan
    taken = filled(given, mask, shot(scene(), moved()))
    assert np.abs(taken.fill.photo.pixels - truth)[mask & ~taken.left].mean() < 20


def test_the_same_photos_give_the_same_bits():
    truth, mask = shot(scene()), hole()
    once, again = (filled(punched(truth, mask), mask, shot(scene(), moved())) for _ in range(2))
    assert np.array_equal(once.fill.photo.pixels, again.fill.photo.pixels)


def test_progress_is_told_and_may_stop_the_work():
    truth, mask = shot(scene()), hole()
    steps = []
    filled(punched(truth, mask), mask, truth, on_progress=steps.append)
    assert [(each.stage, each.done, each.total) for each in steps] == [
        ("align", 0, 1),
        ("align", 1, 1),
        ("references", 0, 1),
        ("references", 1, 1),
    ]

    def stop(progress):
        raise Stop

    with pytest.raises(Stop):
        filled(punched(truth, mask), mask, truth, on_progress=stop)


def test_no_hole_is_no_work():
    truth = shot(scene())
    taken = filled(truth, np.zeros((HEIGHT, WIDTH), bool), truth)
    assert np.array_equal(taken.fill.photo.pixels, truth)

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retouch.engine.boxes import Box
from retouch.engine.windows import Sources, windows


def blank(height=2000, width=3000):
    return np.zeros((height, width), dtype=bool)


def inside(box, shape):
    return (
        box.top >= 0
        and box.left >= 0
        and box.top + box.height <= shape[0]
        and box.left + box.width <= shape[1]
    )


def check(mask, found, working_size=512):
    """What must hold of any list of windows."""
    owned = np.zeros(mask.shape, dtype=int)
    for window in found:
        assert inside(window.box, mask.shape)
        assert inside(window.hole_box, mask.shape)
        shown = np.zeros(mask.shape, dtype=bool)
        shown[window.box.rows, window.box.columns] = True
        assert shown[window.hole_box.rows, window.hole_box.columns].all()
        assert window.hole.any(axis=1)[[0, -1]].all()
        assert window.hole.any(axis=0)[[0, -1]].all()
        assert 1 <= window.scale <= max(1, -(-window.box.long_side // working_size))
        owned[window.hole_box.rows, window.hole_box.columns] += window.hole
    assert np.array_equal(owned, mask.astype(int)), "each hole pixel belongs to exactly one window"


def test_no_hole_no_window():
    assert windows(blank()) == []


def test_a_small_hole_gets_a_small_window_at_full_resolution():
    mask = blank()
    mask[1000:1020, 1500:1540] = True
    (window,) = windows(mask)
    check(mask, [window])
    assert window.hole_box == Box(1000, 1500, 20, 40)
    assert window.box == Box(1000 - 64, 1500 - 64, 20 + 128, 40 + 128)
    assert window.scale == 1


def test_at_the_border_the_context_is_on_the_other_side():
    mask = blank()
    mask[:20, -40:] = True
    (window,) = windows(mask)
    assert window.box == Box(0, 3000 - 168, 148, 168)


def test_a_large_hole_is_scaled_and_its_window_divides():
    mask = blank()
    mask[500:1500, 1000:2000] = True
    (window,) = windows(mask)
    check(mask, [window])
    assert window.scale == 3
    assert window.box.height % 3 == window.box.width % 3 == 0
    assert window.box.long_side <= 3 * 512
    assert window.box.top <= 500 - 250
    assert window.box.left <= 1000 - 250


def test_less_context_is_taken_if_that_keeps_full_resolution():
    mask = blank()
    mask[800:1130, 1000:1330] = True  # half of 330 on each side would make 660
    (window,) = windows(mask)
    assert window.scale == 1
    assert window.box.height == window.box.width == 512


def test_near_holes_share_a_window_and_far_ones_do_not():
    mask = blank()
    mask[100:120, 100:120] = mask[100:120, 200:220] = mask[1500:1520, 2500:2520] = True
    found = windows(mask)
    check(mask, found)
    assert {window.hole_box for window in found} == {Box(100, 100, 20, 120), Box(1500, 2500, 20, 20)}
    assert len(found) == 2


def test_a_speck_beside_a_large_hole_keeps_its_resolution():
    mask = blank()
    mask[500:1500, 1000:2000] = True
    mask[1000:1010, 940:950] = True
    found = windows(mask)
    check(mask, found)
    assert [window.scale for window in found] == [1, 3]


def test_a_wire_is_cut_into_pieces_at_full_resolution():
    mask = blank()
    row = np.arange(2000)
    for thickness in range(12):
        mask[row, row + 300 + thickness] = True
    found = windows(mask)
    check(mask, found)
    assert len(found) > 4
    assert {window.scale for window in found} == {1}


def test_dust_all_over_makes_few_windows():
    mask = blank()
    random = np.random.default_rng(0)
    mask[random.integers(0, 2000, 20_000), random.integers(0, 3000, 20_000)] = True
    found = windows(mask)
    check(mask, found)
    assert {window.scale for window in found} == {1}
    assert len(found) < 200


def test_a_hole_with_little_around_it_gets_more_context():
    mask = blank(400, 3000)
    mask[:, 1000:1300] = True
    mask[:5, :] = False
    (window,) = windows(mask)
    shown = ~mask[window.box.rows, window.box.columns]
    assert shown.sum() >= mask.sum()


def test_the_window_reaches_the_allowed_area():
    mask, allowed = blank(), blank()
    mask[100:150, 100:150] = True
    allowed[1500:1510, 2500:2510] = True
    (window,) = windows(mask, allowed)
    assert allowed[window.box.rows, window.box.columns].any()


def test_a_sliver_of_known_pixels_is_not_scaled_away():
    mask = np.ones((900, 900), dtype=bool)
    mask[450, :] = False
    (window,) = windows(mask)
    assert window.scale == 1


@pytest.mark.parametrize("shape", [(1, 2), (2, 1), (3, 1000), (16, 16), (17, 31)])
def test_tiny_and_narrow_photos(shape):
    mask = blank(*shape)
    mask[0, 0] = True
    found = windows(mask)
    check(mask, found)
    assert len(found) == 1


@given(
    st.integers(0, 2**31), st.integers(1, 300), st.integers(2, 300), st.integers(1, 12), st.integers(16, 128)
)
@settings(max_examples=60, deadline=None)
def test_any_holes(seed, height, width, count, working_size):
    random = np.random.default_rng(seed)
    mask = blank(height, width)
    for _ in range(count):
        top, left = random.integers(0, height), random.integers(0, width)
        mask[top : top + random.integers(1, 120), left : left + random.integers(1, 120)] = True
    mask[random.integers(0, height), random.integers(0, width)] = False
    check(mask, windows(mask, working_size=working_size), working_size)


@given(st.integers(0, 2**31), st.sampled_from([0, 0.5, 1]), st.sampled_from([None, 0, 0.5]))
def test_sources_of_a_box_are_those_of_the_photo(seed, holes, share):
    random = np.random.default_rng(seed)
    mask = random.random((9, 14)) < holes
    allowed = None if share is None else random.random((9, 14)) < share
    whole = ~mask if allowed is None else allowed & ~mask
    sources, box = Sources(mask, allowed), Box(2, 3, 5, 8)
    assert sources.count() == whole.sum()
    assert np.array_equal(sources.inside(box), whole[2:7, 3:11])


def specks(count, shape=(1500, 2000)):
    mask = blank(*shape)
    random = np.random.default_rng(0)
    for row, column in random.integers(5, np.array(shape) - 10, (count, 2)):
        mask[row : row + 4, column : column + 3] = True
    return mask


def test_many_specks_share_windows_that_hardly_overlap():
    mask = specks(1500)
    found = windows(mask, working_size=2048, context=24)
    check(mask, found, 2048)
    assert len(found) <= 12 + 6  # a grid of 3 × 4, and clusters that are longer than a speck
    assert sum(each.box.height * each.box.width for each in found) < 1.5 * mask.size


def test_many_specks_beside_a_large_hole_leave_its_window_as_it_is():
    mask = specks(1500)
    mask[400:800, 500:900] = True
    found = windows(mask, working_size=2048, context=24)
    check(mask, found, 2048)
    large = max(found, key=lambda each: each.hole.sum())
    assert large.hole.sum() < 1.1 * 400**2


def test_shared_windows_are_no_larger_than_a_model_sees():
    mask = specks(1500)
    assert all(each.scale == 1 for each in windows(mask, working_size=256, context=64))


def test_a_few_specks_keep_windows_of_their_own():
    mask = specks(30)
    found = windows(mask, working_size=2048, context=24)
    check(mask, found, 2048)
    assert len(found) > 20
    assert all(each.box.long_side <= 4 * 64 for each in found)

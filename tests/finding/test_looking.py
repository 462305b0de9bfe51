"""Photos in windows: values, tiles, and early exit."""

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retouch.finding import looking
from retouch.finding.looking import CORE, MARGIN, SMALLEST, Values, _cover, look
from retouch.finding.networks import DEEPEST
from retouch.imaging import photo_from_array

random = np.random.default_rng(0)


class Bright:
    """Stands for both networks: what is bright is damaged."""

    windows = ()

    def __init__(self, arrays, side):
        self.side = side

    def __call__(self, window):
        assert window.shape == (3, self.side, self.side)
        assert window.dtype == np.float32
        Bright.windows.append(self.side)
        says = 20 * window.mean(0)
        half = says.reshape(self.side // 2, 2, self.side // 2, 2)
        return half.transpose(1, 3, 0, 2).reshape(4, self.side // 2, self.side // 2)


class BrightSquares(Bright):
    def __call__(self, window):
        assert window.shape == (3, self.side, self.side)
        cells = self.side // 16
        return 20 * window.mean(0).reshape(cells, 16, cells, 16).max((1, 3))[None]


@pytest.fixture(autouse=True)
def bright(monkeypatch):
    Bright.windows = []
    monkeypatch.setattr(looking, "finder", Bright)
    monkeypatch.setattr(looking, "scout", BrightSquares)


def shown(pixels, worth=0.5):
    return look(Values(photo_from_array(pixels)), {}, worth=worth)


@pytest.mark.parametrize("size", [(1, 1), (20, 700), (449, 130), (1100, 900)])
def test_every_pixel_is_looked_at(size):
    pixels = random.choice(np.array([0, 255], np.uint8), size)
    wanted = np.where(pixels > 0, 255, 0)
    assert np.array_equal(shown(pixels), wanted)
    assert np.array_equal(shown(pixels, worth=0), wanted)


def test_only_what_is_worth_it_is_looked_at():
    pixels = np.zeros((2 * CORE, 3 * CORE, 3), np.uint8)
    assert not shown(pixels).any()
    assert Bright.windows == []
    pixels[CORE + 5, 7] = 255  # one corner of one core
    found = shown(pixels)
    assert np.argwhere(found > 127).tolist() == [[CORE + 5, 7]]
    assert Bright.windows == [SMALLEST + 2 * MARGIN]
    pixels[CORE + 5 : 2 * CORE - 5, 7 : CORE - 7] = 255  # all of it
    Bright.windows.clear()
    shown(pixels)
    assert Bright.windows == [CORE + 2 * MARGIN]


def cheapest(squares, top, left, side):
    """The least number of pixels of windows that cover what is worth it, found by trying everything."""
    if not squares[top // 16 : (top + side) // 16, left // 16 : (left + side) // 16].any():
        return 0
    ways = [(side + 2 * MARGIN) ** 2]
    if side > SMALLEST:
        half = side // 2
        ways.append(sum(cheapest(squares, top + y, left + x, half) for y in (0, half) for x in (0, half)))
    return min(ways)


@given(st.lists(st.tuples(st.integers(0, 39), st.integers(0, 51)), max_size=40), st.booleans())
def test_windows_cover_what_is_worth_it_and_are_as_small_as_can_be(places, every):
    squares = np.full((40, 52), every)
    for place in places:
        squares[place] = not every
    covered = np.zeros((1024, 1024), int)
    for core in [(top, left) for top in (0, CORE) for left in (0, CORE)]:
        pixels, cores = _cover(squares, *core, CORE)
        assert (
            pixels == sum((side + 2 * MARGIN) ** 2 for _, _, side in cores) == cheapest(squares, *core, CORE)
        )
        for top, left, side in cores:
            assert SMALLEST <= side <= CORE
            assert top % DEEPEST == left % DEEPEST == 0
            covered[top : top + side, left : left + side] += 1
    assert covered.max() <= 1
    assert covered[:640, :832][squares.repeat(16, 0).repeat(16, 1)].all()


@pytest.mark.parametrize("threads", [1, 3])
def test_each_thread_has_networks_of_its_own(monkeypatch, threads):
    monkeypatch.setenv("OMP_NUM_THREADS", str(threads))
    users = {}

    class Mine(Bright):
        def __call__(self, window):
            users.setdefault(id(self), (set(), self))[0].add(threading.get_ident())
            return super().__call__(window)

    monkeypatch.setattr(looking, "finder", Mine)
    pixels = random.choice(np.array([0, 255], np.uint8), (CORE, 8 * CORE))
    assert np.array_equal(shown(pixels), np.where(pixels > 0, 255, 0))
    assert 1 <= len(users) <= threads
    assert all(len(seen) == 1 for seen, _ in users.values())


def test_progress_ends_with_the_photo():
    told = []
    pixels = np.zeros((CORE + 1, 2 * CORE), np.uint8)
    look(Values(photo_from_array(pixels)), {}, worth=0.5, progress=told.append)
    assert [(each.stage, each.done, each.total) for each in told] == [("find", n, 4) for n in (1, 2, 3, 4)]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_depths_mean_the_same(dtype):
    grey = random.random((40, 60, 1))
    most = 1 if dtype == np.float32 else np.iinfo(dtype).max
    window = Values(photo_from_array((grey * most).astype(dtype))).window(0, 0, 32)
    assert window == pytest.approx(np.repeat(grey[:32, :32], 3, axis=2).transpose(2, 0, 1) - 0.5, abs=0.005)


def test_deep_values_in_a_narrow_range_are_stretched():
    dark = random.integers(1000, 5000, (40, 60)).astype(np.uint16)
    window = Values(photo_from_array(dark)).window(0, 0, 40)
    assert window[0] == pytest.approx((dark[:, :40] - 1000.0) / 4000 - 0.5, abs=0.02)


def test_beyond_its_edges_a_photo_is_mirrored():
    pixels = random.integers(0, 256, (5, 7, 3), np.uint8)
    window = Values(photo_from_array(pixels)).window(-8, -3, 32)
    rows, columns = (np.abs((np.arange(32) - before) % (2 * side - 2)) for before, side in ((8, 5), (3, 7)))
    rows, columns = np.minimum(rows, 8 - rows), np.minimum(columns, 12 - columns)
    mirrored = pixels[rows][:, columns].transpose(2, 0, 1) / 255 - 0.5
    assert window == pytest.approx(mirrored, abs=1e-6)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
def test_a_small_copy_has_the_means_of_whole_squares(kind):
    pixels = random.integers(0, 256, (60, 90, 3), np.uint8)
    held = pixels if kind == np.uint8 else (pixels * kind(257 if kind == np.uint16 else 1 / 255)).astype(kind)
    values = Values(photo_from_array(held))
    small = values.small(30)
    assert small.shape == (20, 30)
    means = pixels.reshape(20, 3, 30, 3, 3).mean((1, 3)).transpose(2, 0, 1) / 255 - 0.5
    assert small.window(0, 0, 20) == pytest.approx(means[:, :, :20], abs=0.6 / 255)
    assert values.small(90) is values
    assert values.small(1).shape == (1, 1)
    assert np.array_equal(values.window(0, 0, 60), Values(photo_from_array(held)).window(0, 0, 60))


@pytest.mark.parametrize("hot", [5.0, np.inf])
def test_what_lies_beyond_the_range_does_not_outshine_a_copy(hot):
    pixels = random.random((300, 300)).astype(np.float32)
    pixels[::150, ::150] = hot
    means = pixels.clip(0, 1).reshape(30, 10, 30, 10).mean((1, 3)) - 0.5
    assert Values(photo_from_array(pixels)).small(30).window(0, 0, 30)[0] == pytest.approx(means, abs=0.003)
    narrow = np.full((300, 300), 4000, np.uint16)  # stretched: 3,000 to 5,000 is all there is
    narrow[:150] = 3000
    narrow[150:] = 5000
    narrow[100:200] = 4000
    narrow[::100, ::100] = 65535
    small = Values(photo_from_array(narrow)).small(3).window(0, 0, 3)[0]
    assert small[:, 1] == pytest.approx(np.array([-0.5, 0, 0.5]), abs=0.01)


def test_a_grey_copy_is_grey_and_what_is_no_number_is_dark():
    grey = random.random((40, 40)).astype(np.float32)
    grey[:10] = np.nan
    small = Values(photo_from_array(grey)).small(4).window(0, 0, 4)
    assert small.shape == (3, 4, 4)
    assert np.array_equal(small[0], small[2])
    assert (small[:, 0] == -0.5).all()
    assert np.isfinite(small).all()

"""Photos in windows: values, tiles, and early exit."""

import numpy as np
import pytest

from retouch.finding import looking
from retouch.finding.looking import CORE, MARGIN, Values, look
from retouch.imaging import photo_from_array

random = np.random.default_rng(0)


class Bright:
    """Stands for both networks: what is bright is damaged."""

    windows = ()

    def __init__(self, arrays, side):
        self.side = side

    def __call__(self, window):
        assert window.shape == (self.side, self.side, 3)
        assert window.dtype == np.float32
        Bright.windows.append(self.side)
        says = 20 * window.mean(2) - 10
        half = says.reshape(self.side // 2, 2, self.side // 2, 2)
        return half.transpose(1, 3, 0, 2).reshape(4, self.side // 2, self.side // 2)


class BrightSquares(Bright):
    def __call__(self, window):
        assert window.shape == (self.side, self.side, 3)
        cells = self.side // 16
        return 20 * window.mean(2).reshape(cells, 16, cells, 16).max((1, 3))[None] - 10


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
    pixels[CORE + 5, 7] = 255  # one part of one core
    found = shown(pixels)
    assert np.argwhere(found > 127).tolist() == [[CORE + 5, 7]]
    assert Bright.windows == [CORE // 2 + 2 * MARGIN]
    pixels[CORE + 5 : CORE + 400, 7:400] = 255  # all parts of it
    Bright.windows.clear()
    shown(pixels)
    assert Bright.windows == [CORE + 2 * MARGIN]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_depths_mean_the_same(dtype):
    grey = random.random((40, 60, 1))
    most = 1 if dtype == np.float32 else np.iinfo(dtype).max
    window = Values(photo_from_array((grey * most).astype(dtype))).window(0, 0, 32)
    assert window == pytest.approx(np.repeat(grey[:32, :32], 3, axis=2), abs=0.005)


def test_deep_values_in_a_narrow_range_are_stretched():
    dark = random.integers(1000, 5000, (40, 60)).astype(np.uint16)
    window = Values(photo_from_array(dark)).window(0, 0, 40)
    assert window[..., 0] == pytest.approx((dark[:, :40] - 1000.0) / 4000, abs=0.02)


def test_beyond_its_edges_a_photo_is_mirrored():
    pixels = random.integers(0, 256, (5, 7, 3), np.uint8)
    window = Values(photo_from_array(pixels)).window(-8, -3, 32)
    mirrored = np.pad(pixels, [(8, 19), (3, 22), (0, 0)], mode="reflect") / 255
    assert window == pytest.approx(mirrored, abs=1e-6)

"""The compiled painting: the same bits everywhere, the caller's own values, and a way to stop."""

import signal
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retouch.contract import Stop
from retouch.native import library
from retouch.native.painting import paint

pytestmark = pytest.mark.skipif(library() is None, reason="nothing was compiled")
HOW = {"rounds": (2, 3), "coherence": 0.15, "guidance": 0.4, "trust": 0.05, "fading": 0.35}


def sample(height, width, seed, part=0.3):
    """A picture of smooth and grainy parts, a hole in blocks, and some pixels that may not be borrowed."""
    random = np.random.default_rng(seed)
    image = random.random((height, width, 3), np.float32)
    image[: height // 2] = np.linspace(0, 1, width, dtype=np.float32)[:, None]
    blocks = random.random((-(-height // 6), -(-width // 6))) < part
    hole = blocks.repeat(6, 0).repeat(6, 1)[:height, :width].copy()
    hole[0, 0], hole[-1, -1] = True, False
    allowed = ~hole & (random.random((height, width)) > 0.02)
    allowed[-1, -1] = True
    return image, hole, allowed


@given(
    st.integers(1, 40), st.integers(1, 300), st.sampled_from([1, 3, 5, 7, 9]), st.integers(0, 2**31),
    st.floats(0.05, 0.8),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_every_thread_count_and_processor_gives_the_same_bits(height, width, patch, seed, part):
    if height * width == 1:
        width = 2
    pair = sample(height, width, seed, part)
    lines = np.random.default_rng(seed).random((height, 1)) < 0.3 if seed % 2 else None
    how = {**HOW, "lines": None if lines is None else lines.repeat(width, 1)}
    one = paint(*pair, patch=patch, seed=seed, threads=1, **how)
    for threads, portable in ((1, True), (2, False), (3, True)):
        other = paint(*pair, patch=patch, seed=seed, threads=threads, portable=portable, **how)
        for each, same in zip(one, other, strict=True):
            np.testing.assert_array_equal(each, same)
    image, hole, allowed = pair
    made, sources = one
    np.testing.assert_array_equal(made[~hole], image[~hole])
    assert (sources[~hole] == -1).all()
    rows, columns = sources[hole].T
    assert allowed[rows, columns].all()


def test_where_patches_agree_the_photos_own_values_are_copied():
    """Values between two bytes survive, though patches are compared in bytes."""
    tile = np.random.default_rng(1).random((6, 6, 3), np.float32)
    image = np.tile(tile, (12, 14, 1))
    hole = np.zeros(image.shape[:2], bool)
    hole[20:50, 24:60] = True
    made, sources = paint(image, hole, ~hole, patch=5, seed=0, **HOW)
    rows, columns = sources[hole].T
    copied = (made[hole] == image[rows, columns]).all(1)
    assert copied.mean() > 0.9
    assert (made[hole] == image[hole]).all(1).mean() > 0.9


def test_what_is_reported_is_the_present_state():
    image, hole, allowed = sample(120, 90, 3)
    seen = []
    made, _ = paint(
        image,
        hole,
        allowed,
        patch=5,
        seed=0,
        report=lambda done, render: seen.append((done, render())),
        **HOW,
    )
    parts = [done for done, _ in seen]
    assert parts == sorted(parts)
    assert parts[-1] == pytest.approx(1)
    assert seen[0][1].shape == (60, 45, 3)
    assert seen[-1][1].shape == image.shape
    # Bytes of the painting; where the hole is, of the round before.
    apart = np.abs(seen[-1][1] - made)
    assert apart[~hole].max() < 1.01 / 255
    assert apart[hole].mean() < 0.02


def test_a_listener_can_stop_it():
    image, hole, allowed = sample(120, 90, 3)
    calls = []

    def stop(done, render):
        calls.append(done)
        raise Stop

    with pytest.raises(Stop):
        paint(image, hole, allowed, patch=5, seed=0, report=stop, **HOW)
    assert len(calls) == 1


@pytest.fixture
def ctrl_c():
    """Python's own handler, also where the tests were started with Ctrl-C ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield signal.default_int_handler
    signal.signal(signal.SIGINT, before)


def test_an_interruption_in_compiled_code_ends_the_work_and_comes_out(monkeypatch, ctrl_c):
    """Ctrl-C: Python notices where C++ calls it, but nothing can be raised through C++."""
    unraisable = []
    monkeypatch.setattr("sys.unraisablehook", unraisable.append)
    image, hole, allowed = sample(300, 300, 0)

    def paint_on():
        for seed in range(1000):
            paint(image, hole, allowed, patch=7, seed=seed, threads=1, report=lambda *_: None, **HOW)

    for wait in (0.01, 0.03, 0.05):
        timer = threading.Timer(wait, signal.raise_signal, (signal.SIGINT,))
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            paint_on()
        timer.join()
    assert not unraisable
    assert signal.getsignal(signal.SIGINT) is ctrl_c

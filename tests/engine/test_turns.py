"""Windows that are filled at the same time."""

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retouch.contract import ArrayFill, ArrayModel, Progress, Stop
from retouch.engine.boxes import Box
from retouch.engine.pipeline import fill_photo
from retouch.engine.turns import next_turn
from retouch.engine.windows import Window
from retouch.imaging import photo_from_array
from retouch.models.exemplar import Exemplar
from retouch.models.opencv import Telea
from retouch.native import library
from retouch.native.threads import processors
from retouch.restoration.mending import Mend

compiled = pytest.mark.skipif(library() is None, reason="nothing was compiled here")


def specks(height, width, count=90):
    """Dust all over a photo, so dense that some windows show the holes of others."""
    random, mask = np.random.default_rng(1), np.zeros((height, width), bool)
    for row, column in random.integers(0, (height - 9, width - 9), (count, 2)):
        mask[row : row + random.integers(1, 9), column : column + random.integers(1, 9)] = True
    return mask


def noise(*shape, dtype=np.uint8):
    return np.random.default_rng(0).integers(0, np.iinfo(dtype).max, shape, dtype=dtype)


def far_apart(count=4):
    """Holes that do not meet, and a photo of them."""
    mask = np.zeros((60, 400 * count), bool)
    for each in range(count):
        mask[20:30, 400 * each + 100 : 400 * each + 110] = True
    return photo_from_array(noise(*mask.shape, 3)), mask


class Grey(ArrayModel):
    """Does something while it fills."""

    name = "grey"
    fills_by = "continuing"

    def __init__(self, work, concurrent=True):
        self.work, self.concurrent = work, concurrent

    def fill_array(self, image, hole, allowed, *, seed, on_progress):
        on_progress(Progress("fill", 0, 1))
        self.work()
        return ArrayFill(np.full_like(image, 0.5))


@st.composite
def some_windows(draw):
    made = []
    for _ in range(draw(st.integers(1, 12))):
        top, left = (draw(st.integers(0, 700)) for _ in "yx")
        size = draw(st.integers(1, 60))
        margin = draw(st.sampled_from([0, 10, 80, 400]))
        box = Box(top, left, size + 2 * margin, size + 2 * margin)
        hole = np.ones((size, size), bool)
        made.append(
            Window(
                box, draw(st.sampled_from([1, 1, 1, 2])), Box(top + margin, left + margin, size, size), hole
            )
        )
    return made


def painted(box, shape=(1700, 1700)):
    mask = np.zeros(shape, bool)
    mask[box.rows, box.columns] = True
    return mask


@given(some_windows())
def test_no_window_of_a_turn_shows_a_hole_that_another_fills(todo):
    count = next_turn(todo, 2)
    assert 1 <= count <= len(todo)
    turn = todo[:count]
    for one in turn:
        for other in turn:
            assert one is other or not (painted(one.box) & painted(other.hole_box)).any()
    if count > 1:
        assert all(each.scale == 1 for each in turn)
        assert next_turn(todo, 1) == 1


def test_a_turn_ends_only_where_it_has_to():
    hole = np.ones((10, 10), bool)
    todo = [
        Window(Box(0, 200 * each, 58, 58), 1, Box(24, 200 * each + 24, 10, 10), hole) for each in range(5)
    ]
    assert next_turn(todo, 2) == 5
    holes = np.ones((130, 130), bool)
    thick = Window(Box(0, 2000, 200, 200), 1, Box(30, 2030, 130, 130), holes)
    assert next_turn([*todo, thick, *todo], 2) == 5
    large = Window(Box(0, 2000, 2000, 2000), 1, Box(900, 2900, 10, 10), hole)
    assert next_turn([*todo, large, *todo], 2) == 5
    assert next_turn([large, *todo], 2) == 1
    assert next_turn([todo[0], todo[0]], 2) == 1


@compiled
@pytest.mark.parametrize("model", [Exemplar(), Mend(), Telea()], ids=lambda each: each.name)
@pytest.mark.parametrize(("channels", "dtype"), [(3, np.uint8), (4, np.uint8), (1, np.uint16)])
def test_the_fill_is_that_of_one_window_after_another(monkeypatch, model, channels, dtype):
    photo, mask = photo_from_array(noise(500, 1300, channels, dtype=dtype)), specks(500, 1300)
    results = []
    for threads in (1, 3):
        monkeypatch.setenv("OMP_NUM_THREADS", str(threads))
        results.append(fill_photo(photo, mask, model))
    one, other = results
    assert np.array_equal(one.photo.pixels, other.photo.pixels)
    assert (one.photo.alpha is None) == (channels != 4)
    assert one.photo.alpha is None or np.array_equal(one.photo.alpha, other.photo.alpha)
    assert len(one.regions) == len(other.regions) > 2
    for mine, theirs in zip(one.regions, other.regions, strict=True):
        assert (mine.box, mine.by) == (theirs.box, theirs.by)
        assert (mine.sources is None) == (theirs.sources is None)
        assert mine.sources is None or np.array_equal(mine.sources, theirs.sources)


def test_several_windows_are_filled_at_once(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    seen = []
    meet = threading.Barrier(2)

    def work():
        meet.wait(timeout=30)  # breaks unless another window gets here meanwhile
        seen.append(processors())

    photo, mask = far_apart()
    result = fill_photo(photo, mask, Grey(work)).photo
    assert (result.pixels[mask] == 128).all()
    assert np.array_equal(result.pixels[~mask], photo.pixels[~mask])
    assert seen == [1] * 4, "each has one thread"
    assert processors() == 2


def test_other_models_fill_one_window_at_a_time(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    names = set()
    fill_photo(*far_apart(), Grey(lambda: names.add(threading.current_thread().name), concurrent=False))
    assert names == {threading.current_thread().name}


def test_an_error_of_one_window_comes_out_and_the_photo_stays(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")

    def work():
        raise ArithmeticError("as expected")

    photo, mask = far_apart()
    before = photo.pixels.copy()
    with pytest.raises(ArithmeticError, match="as expected"):
        fill_photo(photo, mask, Grey(work), in_place=True)
    assert np.array_equal(photo.pixels, before)


def test_windows_are_written_and_told_as_they_come(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    told, begun, lock = [], [0], threading.Lock()
    first_told = threading.Event()

    def work():
        with lock:
            begun[0] += 1
            late = begun[0] == 8
        if late:
            assert first_told.wait(timeout=30), "nothing is told before all are done"

    def listen(progress):
        told.append(progress.stage)
        if progress.stage == "blend":
            first_told.set()

    photo, mask = far_apart(8)
    fill_photo(photo, mask, Grey(work), on_progress=listen)
    assert told.count("blend") == 8


def test_progress_is_told_window_by_window(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    told = []
    photo, mask = far_apart()
    fill_photo(photo, mask, Grey(lambda: None), on_progress=told.append)
    blends = [each.done for each in told if each.stage == "blend"]
    assert blends == [1, 2, 3, 4]
    fills = [each.done / each.total for each in told if each.stage == "fill"]
    assert fills == sorted(fills)
    assert fills[-1] == 1


def test_a_stop_ends_the_work_after_the_windows_that_were_begun(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    filled = []
    photo, mask = far_apart(20)

    def stop(progress):
        if progress.stage == "blend":
            raise Stop

    with pytest.raises(Stop):
        fill_photo(photo, mask, Grey(lambda: filled.append(1)), on_progress=stop)
    assert 0 < len(filled) < 20

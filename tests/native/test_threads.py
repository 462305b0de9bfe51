"""Threads to use, and work that is shared out to them."""

import threading

import cv2
import pytest

from retouch.native.threads import at_once, one_thread, processors


def test_one_thread_is_for_this_thread_alone(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    seen = []
    with one_thread():
        other = threading.Thread(target=lambda: seen.append(processors()))
        other.start()
        other.join()
        assert processors() == 1
    assert seen == [3]
    assert processors() == 3


@pytest.mark.parametrize("asked", ["", "0", "-3", "many"])
def test_without_a_number_there_are_as_many_as_processors(monkeypatch, asked):
    monkeypatch.setenv("OMP_NUM_THREADS", asked)
    assert processors() >= 1


@pytest.mark.parametrize("threads", [1, 3])
def test_results_come_in_order(threads):
    assert list(at_once(lambda each: each * each, range(20), threads)) == [each * each for each in range(20)]


def test_each_works_on_one_thread_and_several_at_a_time():
    meet = threading.Barrier(3)

    def work(_):
        meet.wait(timeout=30)
        return processors()

    assert list(at_once(work, range(3), 3)) == [1, 1, 1]


def test_after_an_error_nothing_begins():
    begun = []

    def work(each):
        begun.append(each)
        if each == 0:
            raise ArithmeticError("as expected")
        threading.Event().wait(0.05)

    with pytest.raises(ArithmeticError, match="as expected"):
        list(at_once(work, range(1000), 2))
    assert len(begun) < 1000


def test_who_leaves_off_is_not_worked_for():
    begun = []

    def work(each):
        begun.append(each)
        threading.Event().wait(0.02)

    results = at_once(work, range(1000), 2)
    next(results)
    results.close()
    assert len(begun) < 1000


def test_opencv_gets_its_threads_back():
    before = cv2.getNumThreads()
    cv2.setNumThreads(3)
    try:
        outer = at_once(lambda _: cv2.getNumThreads(), range(4), 2)
        assert next(outer) == 1
        assert list(at_once(lambda _: cv2.getNumThreads(), range(4), 2)) == [1] * 4
        assert cv2.getNumThreads() == 1, "the outer work goes on"
        assert list(outer) == [1] * 3
        assert cv2.getNumThreads() == 3
    finally:
        cv2.setNumThreads(before)


def test_one_thing_alone_keeps_all_threads(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert list(at_once(lambda _: processors(), [0], 2)) == [3]
    assert list(at_once(lambda _: processors(), [], 2)) == []

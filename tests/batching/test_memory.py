import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retouch import RetouchError
from retouch.batching.jobs import Job
from retouch.batching.memory import Budget, default_memory, needs, read_memory, threads_for


@given(st.lists(st.integers(0, 12), min_size=1, max_size=30))
def test_what_is_held_never_exceeds_the_budget(sizes):
    budget, lock, held, most = Budget(10), threading.Lock(), 0, 0

    def work(size):
        nonlocal held, most
        with budget.hold(size):
            with lock:
                held += min(size, 10)
                most = max(most, held)
            with lock:
                held -= min(size, 10)

    threads = [threading.Thread(target=work, args=(size,)) for size in sizes]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert held == 0
    assert most <= 10


def test_who_asks_first_gets_it_first():
    budget, order = Budget(10), []
    large_waits = threading.Event()

    def large():
        large_waits.set()
        with budget.hold(10):
            order.append("large")

    def small():
        with budget.hold(1):
            order.append("small")

    with budget.hold(5):
        first = threading.Thread(target=large)
        first.start()
        large_waits.wait()
        while not budget._turn.locked():
            pass
        second = threading.Thread(target=small)
        second.start()
    first.join()
    second.join()
    assert order == ["large", "small"]


@pytest.mark.parametrize(
    ("text", "size"),
    [("4G", 4 * 2**30), ("1.5g", 3 * 2**29), ("500MB", 500 * 2**20), ("2GiB", 2**31), ("1000", 1000)],
)
def test_memory_as_people_write_it(text, size):
    assert read_memory(text) == size


@pytest.mark.parametrize("text", ["", "G", "-1G", "0", "four", "1e400", "nan"])
def test_what_is_no_memory_is_refused(text):
    with pytest.raises(RetouchError, match="like 4G"):
        read_memory(text)


def test_large_photos_and_networks_need_more(tmp_path, write):
    small, large = (str(write(tmp_path / f"{side}.png", side=side)) for side in (16, 500))
    assert needs(Job(large, None, "a")) - needs(Job(small, None, "a")) == 95 * (500**2 - 16**2)
    assert needs(Job(small, None, "a", {"model": "pen-net"})) > needs(Job(small, None, "a")) * 4
    assert (
        needs(Job(small, None, "a", {"model": "exemplar", "refine": True})) > needs(Job(small, None, "a")) * 4
    )


def test_threads_and_processes_never_exceed_the_processors(monkeypatch):
    monkeypatch.setattr("retouch.batching.memory.cores", lambda: 16)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert [threads_for(workers) for workers in (1, 3, 5, 16)] == [16, 5, 3, 1]
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert [threads_for(workers) for workers in (1, 5, 16)] == [2, 2, 1]


def test_there_is_memory():
    assert 2**20 < default_memory() < 2**50

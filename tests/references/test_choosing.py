import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from retouch.references.choosing import NEVER, choose, energy


def problem(seed, height, width, count):
    random = np.random.default_rng(seed)
    data = random.random((height, width, count)).astype(np.float32)
    seams = [
        (random.random((*shape, count, count)) * 0.6 * (1 - np.eye(count))).astype(np.float32)
        for shape in ((height - 1, width), (height, width - 1))
    ]
    return data, *seams


def test_it_is_nearly_as_good_as_trying_everything():
    more = []
    for seed in range(12):
        made = problem(seed, 2, 3, 3)
        tried = itertools.product(range(3), repeat=6)
        best = min(energy(np.array(each).reshape(2, 3), *made) for each in tried)
        more.append(energy(choose(*made), *made) / best)
    assert np.mean(more) < 1.01
    assert max(more) < 1.15


@settings(max_examples=20)
@given(st.integers(0, 10_000))
def test_it_is_never_worse_than_one_label_for_all(seed):
    made = problem(seed, 5, 6, 3)
    alone = [np.full((5, 6), each) for each in range(3)]
    assert energy(choose(*made), *made) <= min(energy(each, *made) for each in alone)


def test_a_line_of_cells_is_solved_exactly():
    data, down, across = problem(3, 1, 7, 3)
    best = min(
        energy(np.array(each).reshape(1, 7), data, down, across)
        for each in itertools.product(range(3), repeat=7)
    )
    assert np.isclose(energy(choose(data, down, across), data, down, across), best)


def test_what_cannot_be_is_not_chosen():
    data, down, across = problem(1, 6, 6, 3)
    data[:, :3, 0] = NEVER
    data[2:, 3:, 1] = NEVER
    labels = choose(data, down, across)
    assert (labels[:, :3] != 0).all()
    assert (labels[2:, 3:] != 1).all()

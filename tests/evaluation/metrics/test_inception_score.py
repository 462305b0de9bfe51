"""The Inception Score in closed form and by loops."""

import numpy as np
import pytest

from retouch.evaluation.metrics.inception_score import inception_score


def test_inception_score_in_closed_form():
    assert inception_score(np.eye(7)) == pytest.approx(7)
    assert inception_score(np.tile([0.2, 0.5, 0.3], (4, 1))) == pytest.approx(1)
    # Two kinds of pictures, sure by 3 to 1: the divergence of (3/4, 1/4) from (1/2, 1/2).
    rows = np.array([[0.75, 0.25], [0.25, 0.75]])
    assert inception_score(rows) == pytest.approx(np.exp(0.75 * np.log(1.5) + 0.25 * np.log(0.5)))


def test_inception_score_by_loops():
    random = np.random.default_rng(0).random((9, 5))
    rows = random / random.sum(axis=1, keepdims=True)
    total = 0.0
    for row in rows:
        total += sum(row[k] * np.log(row[k] / np.mean(rows[:, k])) for k in range(5))
    assert inception_score(rows) == pytest.approx(np.exp(total / 9))

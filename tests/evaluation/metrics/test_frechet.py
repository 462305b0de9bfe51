"""Fréchet distances in closed form and by scipy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import linalg

from retouch.errors import RetouchError
from retouch.evaluation.metrics.frechet import frechet_distance


def gaussian(mean, covariance, count=50, seed=0):
    """Samples whose mean and covariance are exactly these."""
    samples = np.random.default_rng(seed).normal(size=(count, len(mean)))
    samples -= samples.mean(axis=0)
    samples = samples @ np.linalg.inv(np.linalg.cholesky(np.cov(samples.T))).T
    return samples @ np.linalg.cholesky(covariance).T + mean


def test_two_gaussians_in_closed_form():
    """Along shared axes the distance is |Δμ|² + Σ(σa − σb)²."""
    rotation = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
    one = gaussian([1.0, 2.0, 3.0], rotation @ np.diag([4.0, 1.0, 9.0]) @ rotation.T, seed=1)
    other = gaussian([1.0, 0.0, 2.0], rotation @ np.diag([1.0, 1.0, 16.0]) @ rotation.T, count=70, seed=2)
    assert frechet_distance(one, other) == pytest.approx((4 + 1) + (1 + 0 + 1))


@pytest.mark.parametrize(("count", "other_count", "width"), [(40, 60, 5), (30, 30, 29), (200, 9, 8)])
def test_the_root_is_that_of_scipy(count, other_count, width):
    random = np.random.default_rng(3)
    one = random.normal(size=(count, width)) @ random.normal(size=(width, width))
    other = random.normal(size=(other_count, width)) @ random.normal(size=(width, width)) + 0.5
    a, b = np.cov(one.T), np.cov(other.T)
    root = linalg.sqrtm(a @ b).real
    expected = ((one.mean(0) - other.mean(0)) ** 2).sum() + np.trace(a + b - 2 * root)
    assert frechet_distance(one, other) == pytest.approx(expected, rel=1e-6)


def test_fewer_pictures_than_features():
    """In a plane of a wide space the distance is that within the plane."""
    random = np.random.default_rng(5)
    plane = np.linalg.qr(random.normal(size=(100, 2)))[0].T
    one, other = gaussian([0.0, 0.0], np.diag([4.0, 1.0])), gaussian([3.0, 0.0], np.diag([1.0, 1.0]), 12, 1)
    assert frechet_distance(one @ plane, other @ plane) == pytest.approx(9 + 1)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1), st.integers(2, 12), st.integers(2, 12), st.integers(1, 8))
def test_what_a_distance_must_do(seed, count, other_count, width):
    random = np.random.default_rng(seed)
    one, other = random.normal(size=(count, width)), random.normal(size=(other_count, width))
    distance = frechet_distance(one, other)
    assert distance >= 0
    assert distance == pytest.approx(frechet_distance(other, one), abs=1e-9)
    assert distance == pytest.approx(frechet_distance(one[::-1], random.permutation(other)), abs=1e-9)
    assert frechet_distance(one, one[::-1]) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(one, one + 2) == pytest.approx(4 * width)


def test_float32_features_are_compared_in_float64():
    one = np.random.default_rng(0).normal(1e3, 1, (20, 4)).astype(np.float32)
    assert frechet_distance(one, one + np.float32(1)) == pytest.approx(4, rel=1e-5)


def test_one_picture_is_no_distribution():
    with pytest.raises(RetouchError, match="at least two pictures"):
        frechet_distance(np.zeros((1, 3)), np.zeros((5, 3)))

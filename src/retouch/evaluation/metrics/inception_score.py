"""The Inception Score of a set of fills (Salimans et al., NeurIPS 2016)."""

from __future__ import annotations

import numpy as np

from retouch.evaluation.metrics.frechet import Values
from retouch.evaluation.metrics.inception import INCEPTION_FEATURES
from retouch.evaluation.metrics.metric import Column, SetMetric


def inception_score(probabilities: Values) -> float:
    """The exponential of the mean divergence of each picture's classes from those of the set.

    It is computed over all pictures at once. Published figures average ten parts of 5,000 pictures; dividing
    a small set would only lower the score.

    Args:
        probabilities: ``N×K``; rows sum to 1.

    Returns:
        From 1, if all pictures look the same, to the number of pictures or classes. Higher is better.
    """
    marginal = probabilities.mean(axis=0, keepdims=True)
    # A class of probability 0 adds nothing: the limit of p·log p.
    ratio = np.divide(probabilities, marginal, out=np.ones_like(probabilities), where=probabilities > 0)
    return float(np.exp((probabilities * np.log(ratio)).sum(axis=1).mean()))


METRIC = SetMetric(
    "inception_score",
    Column("Inception Score", "higher"),
    "inception",
    lambda fills, truths: inception_score(fills[:, INCEPTION_FEATURES:]),
)

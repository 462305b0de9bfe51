"""The Fréchet distance between two sets of features."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from retouch.errors import RetouchError

Values = NDArray[np.float64]


def frechet_distance(features_a: Values, features_b: Values) -> float:
    """Fréchet distance between two sets of features, each taken as a Gaussian (Heusel et al., NeurIPS 2017).

    ``|μa − μb|² + tr(Σa + Σb − 2(ΣaΣb)^½)`` in float64. With centred features ``A`` and ``B``, the trace of
    the root is the sum of the singular values of ``ABᵀ``. This avoids the root of a nearly singular matrix,
    and it is exact for sets with fewer pictures than features. Few pictures still bias the distance upwards
    (sets of thousands are usual), so compare only distances over equally many pictures.

    Args:
        features_a: ``N×D``, one row per picture.
        features_b: ``M×D``.

    Returns:
        The distance, at least 0.

    Raises:
        RetouchError: A set has fewer than two pictures.
    """
    features_a, features_b = np.asarray(features_a, np.float64), np.asarray(features_b, np.float64)
    factors: list[Values] = []
    for features in (features_a, features_b):
        if len(features) < 2:
            raise RetouchError("A Fréchet distance needs at least two pictures in each set; give more.")
        centred = (features - features.mean(axis=0)) / (len(features) - 1) ** 0.5
        # RᵀR is the covariance, whatever the number of pictures, and R has at most D rows.
        factors.append(np.asarray(np.linalg.qr(centred, mode="r"), np.float64))
    one, other = factors
    root = np.linalg.svd(one @ other.T, compute_uv=False).sum()
    between = ((features_a.mean(axis=0) - features_b.mean(axis=0)) ** 2).sum()
    return max(0.0, float(between + (one**2).sum() + (other**2).sum() - 2 * root))

"""Fills, photos and holes for the tests of metrics."""

import numpy as np
from hypothesis.extra import numpy as arrays
from scipy import ndimage

PIXELS = arrays.arrays(np.uint8, (5, 4, 3))
HOLES = arrays.arrays(np.bool_, (5, 4)).filter(np.any)


def sample(height=40, width=48, seed=0, spread=12.0):
    """A smooth picture, a fill that differs in the hole, and the hole, away from the edges."""
    random = np.random.default_rng(seed)
    smooth = ndimage.gaussian_filter(random.normal(size=(height, width, 3)), (2, 2, 0)) * 300 + 128
    truth = smooth.clip(0, 255).astype(np.uint8)
    hole = np.zeros((height, width), bool)
    hole[height // 4 : -height // 4, width // 4 : -width // 3] = True
    noisy = (truth + spread * random.normal(size=truth.shape)).clip(0, 255).astype(np.uint8)
    return np.where(hole[..., None], noisy, truth), truth, hole


def similarity_maps(one, other):
    """Wang et al. 2004, eq. 12 and 13, in float64; the edge is mirrored as torch's reflection does."""

    def blur(values):
        return ndimage.gaussian_filter(values, (1.5, 1.5, 0), truncate=3.5, mode="mirror")

    luminance, structure = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    mean_one, mean_other = blur(one), blur(other)
    variance = blur(one**2) - mean_one**2 + blur(other**2) - mean_other**2
    covariance = blur(one * other) - mean_one * mean_other
    contrast = (2 * covariance + structure) / (variance + structure)
    return contrast * (2 * mean_one * mean_other + luminance) / (
        mean_one**2 + mean_other**2 + luminance
    ), contrast

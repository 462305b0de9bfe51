"""Find points that two photos share: SIFT, compared by RootSIFT, best for each other."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from retouch.ops.masks import Mask
from retouch.references.views import Grey, View

Points = NDArray[np.float64]

MOST = 5000
"""Features of a photo, at most."""
_RATIO = 0.87  # of the distances to the best and the second best; 0.8 in Lowe, IJCV 2004, for less repetition
_FEW = 25  # with fewer matches, the photos are looked at from simulated directions as well
_TILTED_SIDE = 640  # which takes 40 pictures, so they are small


class Features(NamedTuple):
    """Points of a small picture (``N×2``, column and row) and their descriptors (``N×128``, of length 1)."""

    points: NDArray[np.float32]
    descriptors: NDArray[np.float32]


class Matches(NamedTuple):
    """Points that match, ``N×2`` each, column and row in pixels of the whole photos."""

    here: Points
    there: Points


def features(grey: Grey, mask: Mask | None = None, *, tilted: bool = False) -> Features:
    """Find features.

    Args:
        grey: the picture.
        mask: True where features may lie; None for everywhere.
        tilted: also look from simulated directions (Morel and Yu, "ASIFT", SIAM J. Imaging Sciences 2009).
    """
    detector = cv2.SIFT.create(nfeatures=MOST, contrastThreshold=0.02)
    finder = cv2.AffineFeature.create(detector, 3) if tilted else detector
    keypoints, descriptors = finder.detectAndCompute(grey, None if mask is None else mask.view(np.uint8))
    if descriptors is None or not len(keypoints):
        return Features(np.empty((0, 2), np.float32), np.empty((0, 128), np.float32))
    # The root of the parts that sum to 1 (Arandjelović and Zisserman, CVPR 2012).
    sums = np.maximum(descriptors.sum(axis=1, keepdims=True), 1e-9)
    points = np.array([each.pt for each in keypoints], np.float32)
    return Features(points, np.sqrt(descriptors / sums))


def matches(one: Features, other: Features) -> NDArray[np.intp]:
    """Pairs of features that are each other's best and clearly so, ``N×2`` numbers, the clearest first."""
    if len(one.points) < 2 or len(other.points) < 2:
        return np.empty((0, 2), np.intp)
    alike = one.descriptors @ other.descriptors.T
    best = alike.argmax(axis=1)
    number = np.arange(len(best))
    top = alike[number, best]
    # A second product takes less time than a maximum along the first axis.
    back = (other.descriptors @ one.descriptors.T).argmax(axis=1)
    mutual = back[best] == number
    alike[number, best] = -1
    second = alike.max(axis=1)
    nearness = np.sqrt(np.maximum(2 - 2 * top, 0)) / np.sqrt(np.maximum(2 - 2 * second, 1e-9))
    kept = np.flatnonzero(mutual & (nearness < _RATIO))
    kept = kept[np.argsort(nearness[kept], kind="stable")]
    return np.stack([kept, best[kept]], axis=1)


def match_views(here: View, there: View, known: Features, other: Features) -> Matches:
    """Match two photos whose features are known; from simulated directions where few match."""
    found = matches(known, other)
    if len(found) >= _FEW:
        return Matches(*_whole(here, there, known, other, found))
    small = [_shrunk(each) for each in (here, there)]
    tilted = [features(each.grey, tilted=True) for each in small]
    more = matches(tilted[0], tilted[1])
    near = _whole(here, there, known, other, found)
    far = _whole(small[0], small[1], tilted[0], tilted[1], more)
    return Matches(*(np.concatenate(both) for both in zip(near, far, strict=True)))


def is_mirrored(known: Features, there: View, least: int) -> bool:
    """Whether at least so many features match the mirror image of a photo, on one plane."""
    other = features(np.ascontiguousarray(there.grey[:, ::-1]))
    pairs = matches(known, other)
    if len(pairs) < least:
        return False
    one, two = known.points[pairs[:, 0]], other.points[pairs[:, 1]]
    _, fitting = cv2.findHomography(one, two, cv2.USAC_MAGSAC, 3.0)
    return fitting is not None and int(fitting.sum()) >= least


def _whole(
    here: View, there: View, known: Features, other: Features, pairs: NDArray[np.intp]
) -> tuple[Points, Points]:
    one, two = known.points[pairs[:, 0]].astype(np.float64), other.points[pairs[:, 1]].astype(np.float64)
    return (one + 0.5) / here.scale - 0.5, (two + 0.5) / there.scale - 0.5


def _shrunk(view: View) -> View:
    height, width = view.grey.shape
    share = min(1.0, _TILTED_SIDE / max(height, width))
    size = (max(1, round(width * share)), max(1, round(height * share)))
    grey = np.asarray(cv2.resize(view.grey, size, interpolation=cv2.INTER_AREA), np.uint8)
    return View(view.name, view.photo, grey, view.scale * size[0] / width)

"""Decide, hole by hole, whether a refined fill is better than its content.

This is not in the paper (Yang et al., CVPR 2017). A hole that is painted with known patches shows seams where
neighbouring patches do not continue each other. Texture hides them. In front of a blurred background they
look like a jigsaw puzzle, and the content may have fewer of them.

Only a content that is itself painted with known patches, such as exemplar's, is kept. It has seams that can
be compared. The fill of a network has none, but it is usually smeared, and refining it is usually right.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from retouch.contract import Fill
from retouch.models.neural_patch.correspondence import MixedCorrespondence
from retouch.ops.masks import Mask, bounding_box, depth

RING = 48
"""Pixels around a hole whose steps of colour tell which seams can be seen in it."""
VISIBLE = 0.98
"""A seam can be seen where its step of colour exceeds this quantile of the steps in the ring."""
FAINTEST = 0.02
"""No smaller step of colour can be seen, however smooth the ring is: the length of the step in RGB."""
LONGER = 0.6
"""The content is kept if the refined fill has more visible seams by this length, in sides of a square as
large as the hole. Smaller differences are not worth what else the refinement improves."""
_ALIKE = 2.0  # A content this much farther from its sources than the refined fill was not painted with them,
_ROUNDING = 0.5 / 255  # unless it is closer than this.


@dataclass(frozen=True)
class _Painted:
    """A fill, ``H×W×3`` in [0, 1], and the row and column each pixel was taken from, ``H×W×2``."""

    image: NDArray[np.float32]
    sources: NDArray[np.int64]


def better_fill(mask: Tensor, content: Fill, refined: Fill) -> Fill:
    """Put the content back into the holes where it should be kept; see :func:`keep_content`."""
    keep = keep_content(mask, content, refined)
    if not bool(keep.any()):
        return refined
    assert content.correspondence is not None
    assert refined.correspondence is not None
    return Fill(
        torch.where(keep, content.image, refined.image),
        refined.confidence,
        MixedCorrespondence(keep, content.correspondence, refined.correspondence),
    )


def keep_content(mask: Tensor, content: Fill, refined: Fill) -> Tensor:
    """Find the holes whose content should be kept.

    Args:
        mask: ``1×1×H×W``, 1 = hole.
        content: the fill that was refined, ``1×3×H×W`` in [0, 1].
        refined: the refined fill; its known pixels are those of the content.

    Returns:
        ``1×1×H×W`` bool. A connected hole is either True or False as a whole, and known pixels are False. All
        is False if one of the fills has no correspondence.
    """
    keep = torch.zeros_like(mask, dtype=torch.bool)
    if content.correspondence is None or refined.correspondence is None:
        return keep
    hole = mask[0, 0].cpu().numpy() > 0
    fills = [_painted(content), _painted(refined)]
    count, labels = cv2.connectedComponents(hole.astype(np.uint8), connectivity=8)
    for label in range(1, count):
        if _has_fewer_seams(hole, labels == label, *fills):
            keep[0, 0] |= torch.from_numpy(labels == label).to(keep.device)
    return keep


def _painted(fill: Fill) -> _Painted:
    assert fill.correspondence is not None
    arrays = (
        each[0].permute(1, 2, 0).cpu().numpy() for each in (fill.image, fill.correspondence.source_map())
    )
    return _Painted(*arrays)


def _has_fewer_seams(holes: Mask, hole: Mask, content: _Painted, refined: _Painted) -> bool:
    """Whether the content of one connected ``hole`` should be kept; ``holes`` are all of them."""
    if (content.sources[hole] < 0).any() or (refined.sources[hole] < 0).any():
        return False
    if _remoteness(hole, content) > max(_ROUNDING, _ALIKE * _remoteness(hole, refined)):
        return False
    box = bounding_box(hole)
    assert box is not None
    part = tuple(slice(max(0, each.start - RING), each.stop + RING) for each in box)
    ring = ~holes[part] & (depth(~hole[part]) <= RING)
    known = refined.image[part]
    steps = np.concatenate([_steps(known, axis)[_both(ring, axis)] for axis in (0, 1)])
    if not len(steps):
        return False
    visible = max(FAINTEST, float(np.quantile(steps, VISIBLE)))
    longer = _seam_length(refined, hole, part, visible) - _seam_length(content, hole, part, visible)
    return bool(longer > LONGER * np.sqrt(hole.sum()))


def _remoteness(hole: Mask, fill: _Painted) -> float:
    """Mean absolute difference between a hole's colours and those at their sources."""
    row, column = fill.sources[hole].T
    return float(np.abs(fill.image[hole] - fill.image[row, column]).mean())


def _seam_length(fill: _Painted, hole: Mask, part: tuple[slice, ...], visible: float) -> int:
    """Number of pairs of neighbours, at least one in the hole, with a seam that can be seen between them."""
    inside = hole[part]
    places = np.moveaxis(np.indices(hole.shape), 0, 2)[part]
    sources = np.where(inside[..., None], fill.sources[part], places)
    length = 0
    for axis in (0, 1):
        # Of two neighbours from one piece of the photo, the sources are neighbours too.
        seam = (np.diff(sources, axis=axis) != np.diff(places, axis=axis)).any(axis=2)
        seam &= _either(inside, axis) & (_steps(fill.image[part], axis) > visible)
        length += int(seam.sum())
    return length


def _steps(image: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
    """Length, in RGB, of the difference of each pixel and the next one along an axis."""
    return np.asarray(np.linalg.norm(np.diff(image, axis=axis), axis=2), dtype=np.float32)


def _both(area: Mask, axis: int) -> Mask:
    first, second = _pair(area, axis)
    return np.asarray(first & second)


def _either(area: Mask, axis: int) -> Mask:
    first, second = _pair(area, axis)
    return np.asarray(first | second)


def _pair(area: Mask, axis: int) -> tuple[Mask, Mask]:
    """The area without its last and without its first row (axis 0) or column (axis 1)."""
    return (area[:-1], area[1:]) if axis == 0 else (area[:, :-1], area[:, 1:])

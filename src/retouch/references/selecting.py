"""Which candidate fills which part of a hole, or none."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from retouch.ops.masks import Mask, bounding_box
from retouch.references.agreement import differences
from retouch.references.candidates import Candidate
from retouch.references.choosing import NEVER, Costs, Labels, choose
from retouch.references.foreign import disagreement, owners
from retouch.references.views import Image

NONE = -1
"""The label of what no candidate fills."""
_CELLS = 110  # along the longer side of a hole
_LABELS = 9  # candidates at most
_NONE = 0.6  # the cost of no candidate; one that is trusted less costs more
_MAJORITY = 0.6  # the cost of showing what no other reference shows
_FOREIGN = 0.45  # the cost of a thing that, to go by its outline, stands before the place
_BENT = (0.015, 4.0, 0.5)  # a stretch that costs nothing, what more costs, and the most
_ALIKE = 0.06  # difference of colour between references that is 1/e alike
_VOTERS, _MINORITY = 5, (0.4, 0.65)  # votes are averaged over so many cells; shares that are none and enough
_WITNESS = 0.5  # by how much less the surroundings count where another reference shows the same
_SEAM, _STEP = 3.0, 0.02  # the cost of a seam: for each difference of colour, and in any case
_END = 0.12  # the cost of a seam to where nothing fills
_BEARABLE = 0.25  # more than none costs, which is borne in small pieces
_SHARE = 0.01  # of a hole; smaller pieces of none are not worth a seam


@dataclass(frozen=True)
class Selection:
    """What fills a hole.

    Attributes:
        labels: ``h×w``, the number of the candidate for each pixel of the frame; -1 for none, and outside.
        trust: ``h×w`` in [0, 1], how sure that is; 0 where there is none.
    """

    labels: NDArray[np.int16]
    trust: Image


def select(found: list[Candidate], hole: Mask) -> Selection:
    """Choose for each pixel of a frame's hole.

    A candidate is cheap where its surroundings agree with the photo, and where other references show the
    same. Seams are cheap where both sides look alike.
    """
    labels = np.full(hole.shape, NONE, np.int16)
    trust = np.zeros(hole.shape, np.float32)
    box = bounding_box(hole)
    if not found or box is None:
        return Selection(labels, trust)
    kept = _best(found, hole)
    chosen = [found[each] for each in kept]
    inner = hole[box]
    factor = max(1.0, max(inner.shape) / _CELLS)
    size = tuple(max(1, round(side / factor)) for side in inner.shape)
    images = [_small(each.image[box], size) for each in chosen]
    valid = [_small((each.valid[box] | ~inner).astype(np.float32), size) > 0.99 for each in chosen]
    lost = [_small(each.lost[box].astype(np.float32), size) > 0.5 for each in chosen]
    votes, things, witnesses = _compared([each.number for each in chosen], images, valid, lost)
    sure = [_small(each.trust[box], size) for each in chosen]
    cells = _small(inner.astype(np.float32), size) > 0
    data = np.empty((*size, len(chosen) + 1), np.float32)
    for number, each in enumerate(chosen):
        cost = (
            (1 - sure[number]) * (1 - _WITNESS * witnesses[number])
            + _MAJORITY * (1 - votes[number])
            + _FOREIGN * things[number]
        )
        cost += _small(_stretched(each)[box], size)
        data[..., number] = np.where(valid[number], cost, NEVER)
    data[..., -1] = _NONE
    data[~cells] = 0
    numbers = choose(data, *(_seams(images, cells, axis) for axis in (0, 1)))
    numbers = _without_crumbs(numbers, data, cells)
    whole = cv2.resize(numbers.astype(np.int16), inner.shape[::-1], interpolation=cv2.INTER_NEAREST)
    table = np.array([*kept, NONE], np.int16)
    labels[box][inner] = table[whole][inner]
    for number, place in enumerate(kept):
        mine = labels == place
        labels[mine & ~found[place].valid] = NONE
        mine = labels == place
        seen = np.zeros(hole.shape, np.float32)
        seen[box] = cv2.resize(votes[number], inner.shape[::-1], interpolation=cv2.INTER_LINEAR)
        trust[mine] = (found[place].trust * (0.5 + 0.5 * seen))[mine]
    return Selection(labels, trust)


def _best(found: list[Candidate], hole: Mask) -> list[int]:
    """The candidates that together promise most, one after the other; all, if there are few."""
    promised = [(each.trust * each.valid)[hole] for each in found]
    kept: list[int] = []
    best = np.zeros_like(promised[0])
    while len(kept) < min(_LABELS, len(found)):
        gains = [
            -1.0 if n in kept else float(np.maximum(best, each).sum()) for n, each in enumerate(promised)
        ]
        kept.append(int(np.argmax(gains)))
        best = np.maximum(best, promised[kept[-1]])
    return kept


def _without_crumbs(numbers: Labels, data: Costs, cells: Mask) -> Labels:
    """Take out what is too small to do anything for: pieces of none, and filled islands among it."""
    least = max(4, _SHARE * np.count_nonzero(cells))
    nothing = data.shape[-1] - 1
    none = ((numbers == nothing) & cells).astype(np.uint8)
    _, parts, measures, _ = cv2.connectedComponentsWithStats(none, connectivity=8)
    small = (measures[:, cv2.CC_STAT_AREA] < least)[parts] & (none > 0)
    best, costs = data[..., :-1].argmin(axis=-1), data[..., :-1].min(axis=-1)
    numbers = np.where(small & (costs < _NONE + _BEARABLE), best, numbers)
    # A cell beside none may hold a part of what was left out there.
    none = ((numbers == nothing) & cells).astype(np.uint8)
    numbers = np.where((cv2.dilate(none, np.ones((3, 3), np.uint8)) > 0) & cells, nothing, numbers)
    # What touches nothing known was compared with nothing known.
    filled = np.pad((numbers != nothing) & cells, 1)
    count, parts = cv2.connectedComponents(filled.astype(np.uint8), connectivity=4)
    edge = np.pad(~cells, 1, constant_values=True)
    beside = cv2.dilate(edge.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    touching = np.bincount(parts[beside & filled], minlength=count) >= 2
    large = np.bincount(parts.ravel(), minlength=count) >= least
    alone = filled & ~(touching & large)[parts]
    return np.where(alone[1:-1, 1:-1], nothing, numbers)


def _small(values: Image, size: tuple[int, ...]) -> Image:
    return np.asarray(cv2.resize(values, size[::-1], interpolation=cv2.INTER_AREA), np.float32)


def _stretched(candidate: Candidate) -> Image:
    """The cost of how a candidate's mesh stretches its reference."""
    free, slope, most = _BENT
    strain = np.zeros(candidate.valid.shape, np.float32)
    for axis in (0, 1):
        strain += np.square(np.gradient(candidate.flow, axis=axis)).sum(axis=2)
    return np.asarray((slope * (np.sqrt(strain) - free)).clip(0, most), np.float32)


def _compared(
    numbers: list[int], images: list[Image], valid: list[Mask], lost: list[Mask]
) -> tuple[list[Image], list[Image], list[Image]]:
    """Compare each candidate with the other references.

    Args:
        numbers: of the references, one for each candidate.
        images: the candidates, ``h×w×3``.
        valid: ``h×w``, where they show the place …
        lost: … and where they show only that it is light.

    Returns:
        For each whether the majority shows the same, 0 to 1; how much, by its outline, what it alone shows is
        a thing before the place; and whether any other reference shows the same.
    """
    votes, things, witnesses = [], [], []
    for number, mine in enumerate(numbers):
        # Of each other reference the best that a candidate says: alike, a thing here, a thing there.
        others: dict[int, tuple[Image, Image, Image, Mask]] = {}
        for place, other in enumerate(numbers):
            if other == mine:
                continue
            both = valid[number] & (valid[place] | lost[place])
            # What is too light to show anything agrees with all that is lighter.
            theirs = np.maximum(images[place], np.where(lost[place][..., None], images[number], -1))
            alike = np.exp(-((differences(images[number], theirs) / _ALIKE) ** 2)) * both
            regions, count = disagreement(images[number], theirs, both)
            owner = owners(images[number], theirs, regions, count, both)
            here, there = (np.where(both, sign * owner, 1).clip(0, 1) for sign in (1, -1))
            if other in others:
                before = others[other]
                alike, both = np.maximum(before[0], alike), before[3] | both
                here, there = np.minimum(before[1], here), np.minimum(before[2], there)
            others[other] = alike, here, there, both
        total, weight, thing, seen = (np.zeros(valid[number].shape, np.float32) for _ in range(4))
        for alike, here, there, both in others.values():
            says = (1 - there) * both  # what shows a thing itself is no witness
            total += says * alike
            weight += says
            thing += here * both
            seen += both
        vote = (total + 1) / (weight + 1)  # its own vote counts
        # The rim of a thing that is voted out must not stay behind.
        shared = cv2.blur(cv2.erode(vote, np.ones((3, 3), np.uint8)), (_VOTERS, _VOTERS))
        low, high = _MINORITY
        witnesses.append(cv2.erode(np.minimum(total, 1), np.ones((3, 3), np.uint8)).astype(np.float32))
        votes.append(((shared - low) / (high - low)).clip(0, 1).astype(np.float32))
        things.append((thing / np.maximum(seen, 1)).astype(np.float32))
    return votes, things, witnesses


def _seams(images: list[Image], cells: Mask, axis: int) -> NDArray[np.float32]:
    """The cost of each pair of labels in neighbouring cells along an axis."""
    first, last = (slice(None, -1), slice(1, None))
    before = (first, slice(None)) if axis == 0 else (slice(None), first)
    after = (last, slice(None)) if axis == 0 else (slice(None), last)
    inside = (cells[before] & cells[after]).astype(np.float32)
    count = len(images) + 1
    made = np.zeros((*inside.shape, count, count), np.float32)
    for one in range(count):
        for other in range(one + 1, count):
            if other == count - 1:
                cost = np.full_like(inside, _END)
            else:
                off = np.abs(images[one] - images[other]).mean(axis=2)
                cost = _STEP + _SEAM * 0.5 * (off[before] + off[after])
            made[..., one, other] = made[..., other, one] = cost * inside
    return made

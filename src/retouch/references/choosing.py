"""Choose for each cell of a hole what fills it: an energy on a grid, made small by belief propagation.

Max-flow libraries that could serve (Boykov and Kolmogorov's, and what wraps it) are under the GPL or for
research only, and min-cuts cover two labels at a time. Min-sum belief propagation (Felzenszwalb and
Huttenlocher, "Efficient belief propagation for early vision", IJCV 2006) needs numpy alone. Deviations: half
of the cells are updated at a time, from what the others said last; the cost of a seam depends on both labels
and the place, as in "Graphcut textures" (Kwatra et al., SIGGRAPH 2003); the result is improved cell by cell,
and compared with one label for all.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Costs = NDArray[np.float32]
Labels = NDArray[np.intp]

NEVER = np.float32(1e4)
"""The cost of a label that cannot be."""
_ROUNDS = 40
_KEEP = np.float32(0.3)  # of a message's last value, so that loops settle


def choose(data: Costs, down: Costs, across: Costs) -> Labels:
    """Find labels of a low energy.

    Args:
        data: ``h×w×L``, the cost of each label in each cell.
        down: ``(h-1)×w×L×L``, the cost of a label above and a label below.
        across: ``h×(w-1)×L×L``, the cost of a label on the left and one on the right.

    Returns:
        ``h×w``, numbers of labels.
    """
    height, width, count = data.shape
    # Labels come first here: a reduction along a short last axis takes several times as long.
    own = np.ascontiguousarray(np.moveaxis(data, 2, 0))
    costs = [np.ascontiguousarray(each.transpose(2, 3, 0, 1)) for each in (down, across)]
    said = np.zeros((2, 2, *own.shape), np.float32)  # along each axis, by the cell before and the one after
    board = (np.arange(height)[:, None] + np.arange(width)) % 2
    for turn in range(_ROUNDS):
        now = board == turn % 2
        whole = own + said.sum(axis=(0, 1))
        for axis, seams in enumerate(costs):
            first, last = ((np.s_[..., :-1, :], np.s_[..., 1:, :]), (np.s_[..., :-1], np.s_[..., 1:]))[axis]
            before, after = said[axis]
            # To the next cell, all but what that cell said; and to the cell before.
            onward = ((whole - after)[first][:, None] + seams).min(axis=0)
            returned = ((whole - before)[last][None] + seams).min(axis=1)
            for heard, message, speaks in (
                (before[last], onward, now[first]),
                (after[first], returned, now[last]),
            ):
                message -= message.min(axis=0)
                heard[...] = np.where(speaks, _KEEP * heard + (1 - _KEEP) * message, heard)
    labels = _settled(np.argmin(own + said.sum(axis=(0, 1)), axis=0), data, down, across)
    alone = [np.full((height, width), each) for each in range(count)]
    return min([labels, *alone], key=lambda each: energy(each, data, down, across))


def _grid(shape: tuple[int, ...]) -> tuple[Labels, Labels]:
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    return rows, columns


def energy(labels: Labels, data: Costs, down: Costs, across: Costs) -> float:
    """The sum of all costs of a labelling."""
    rows, columns = _grid(labels.shape)
    total = data[rows, columns, labels].sum(dtype=np.float64)
    total += down[rows[:-1], columns[:-1], labels[:-1], labels[1:]].sum(dtype=np.float64)
    total += across[rows[:, :-1], columns[:, :-1], labels[:, :-1], labels[:, 1:]].sum(dtype=np.float64)
    return float(total)


def _settled(labels: Labels, data: Costs, down: Costs, across: Costs) -> Labels:
    """Change each cell to the label that is best beside its neighbours, until nothing changes."""
    rows, columns = _grid(labels.shape)
    board, changed = (rows + columns) % 2, (True, True)
    for turn in range(2 * _ROUNDS):
        costs = data.copy()
        costs[1:] += down[rows[:-1], columns[:-1], labels[:-1]]
        costs[:-1] += np.swapaxes(down, 2, 3)[rows[:-1], columns[:-1], labels[1:]]
        costs[:, 1:] += across[rows[:, :-1], columns[:, :-1], labels[:, :-1]]
        costs[:, :-1] += np.swapaxes(across, 2, 3)[rows[:, :-1], columns[:, :-1], labels[:, 1:]]
        better = np.where(board == turn % 2, costs.argmin(axis=-1), labels)
        changed = (better != labels).any(), *changed[:1]
        labels = better
        if not any(changed):
            break
    return labels

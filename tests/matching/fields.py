"""Random grids, comparisons and sources, and the energy of a field in plain loops."""

import torch

from retouch.matching.coherence import Comparison
from retouch.matching.patches import patch_grid


def block(height, width, patch, rows, columns):
    """A grid with one rectangular hole; all the rest may be borrowed."""
    hole = torch.zeros(height, width, dtype=torch.bool)
    hole[rows, columns] = True
    return patch_grid(hole, ~hole, patch)


def random_grid(height, width, patch, seed):
    """A grid with a random hole of separate cells and blocks, and at least one source."""
    generator = torch.Generator().manual_seed(seed)
    hole = torch.rand(height, width, generator=generator) < 0.05
    top, left = (int(torch.randint(size, (1,), generator=generator)) for size in (height, width))
    hole[top : top + 5, left : left + 5] = True
    readable = ~hole
    row = patch // 2
    hole[: 2 * row + 1, : 2 * row + 1] = False
    readable[: 2 * row + 1, : 2 * row + 1] = True
    hole[-1, -1], readable[-1, -1] = True, False
    return patch_grid(hole, readable, patch)


def random_comparison(grid, seed, depth=4, weighted=False):
    generator = torch.Generator().manual_seed(seed)
    rows = (torch.rand(size, depth, generator=generator) for size in (len(grid.queries), grid.cells))
    weights = torch.rand(len(grid.queries), depth, generator=generator) if weighted else None
    return Comparison(*rows, weights)


def random_sources(grid, seed):
    valid = grid.sources.nonzero()[:, 0]
    generator = torch.Generator().manual_seed(seed)
    return valid[torch.randint(len(valid), grid.queries.shape, generator=generator)]


def naive_distance(comparison, query, source):
    total = 0.0
    for part in range(comparison.queries.shape[1]):
        difference = float(comparison.queries[query, part]) - float(comparison.table[source, part])
        weight = 1.0 if comparison.weights is None else float(comparison.weights[query, part])
        total += weight * difference**2
    return total


def disagreements(grid, sources):
    """Pairs of neighbouring queries whose sources are not neighbours in the same way, each counted once."""
    asked, found = (
        map(tuple, torch.stack(grid.row_column(flat), 1).tolist()) for flat in (grid.queries, sources)
    )
    places = dict(zip(asked, found, strict=True))
    count = 0
    for (row, column), (there, across) in places.items():
        for down, right in ((0, 1), (1, 0)):
            beside = places.get((row + down, column + right))
            count += beside is not None and beside != (there + down, across + right)
    return count


def energy(grid, comparison, sources, fee):
    """Distance, plus the price of each pair of neighbours that disagrees, as the module's text has it."""
    distance = sum(naive_distance(comparison, query, source) for query, source in enumerate(sources.tolist()))
    return distance + fee * disagreements(grid, sources)


def two_maps(patch):
    """A grid whose sources lie in two maps of different sizes."""
    hole = torch.ones(6, 7, dtype=torch.bool)
    return patch_grid(hole, None, patch, [torch.ones(size, dtype=torch.bool) for size in ((8, 11), (9, 6))])

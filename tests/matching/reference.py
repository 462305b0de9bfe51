"""Correspondence once more, in plain loops: slow, and easy to believe."""

import itertools

import torch
from torch.nn import functional as F


def neighbours(row, column, patch):
    reach = range(-(patch // 2), patch // 2 + 1)
    return [(row + y, column + x) for y in reach for x in reach]


def queries(hole, patch):
    height, width = hole.shape
    return [
        (row, column)
        for row in range(height)
        for column in range(width)
        if any(
            0 <= y < height and 0 <= x < width and bool(hole[y, x]) for y, x in neighbours(row, column, patch)
        )
    ]


def sources(readable, patch):
    height, width = readable.shape
    return [
        (row, column)
        for row in range(height)
        for column in range(width)
        if all(
            0 <= y < height and 0 <= x < width and bool(readable[y, x])
            for y, x in neighbours(row, column, patch)
        )
    ]


def patch_at(features, row, column, patch):
    """A patch of C×H×W features as a vector; beyond the edge the edge repeats."""
    height, width = features.shape[1:]
    places = neighbours(row, column, patch)
    return torch.cat(
        [features[:, min(max(y, 0), height - 1), min(max(x, 0), width - 1)] for y, x in places]
    ).double()


def similarity(query, source, kind):
    if kind == "cosine":
        return query @ source / (query.norm().clamp_min(1e-8) * source.norm().clamp_min(1e-8))
    return -(query - source).square().mean()


def scores(features, hole, readable, patch, kind):
    """Queries, sources, and the matrix of their similarities."""
    asked, offered = queries(hole, patch), sources(readable, patch)
    there = [patch_at(features, *source, patch) for source in offered]
    rows = [
        torch.stack([similarity(patch_at(features, *query, patch), each, kind) for each in there])
        for query in asked
    ]
    return asked, offered, torch.stack(rows)


def scores_of_maps(features, hole, maps, readable, patch, kind):
    """:func:`scores` with sources (map, row, column) in several C×h×w maps."""
    asked = queries(hole, patch)
    offered = [(index, *place) for index, area in enumerate(readable) for place in sources(area, patch)]
    there = [patch_at(maps[index], row, column, patch) for index, row, column in offered]
    rows = [
        torch.stack([similarity(patch_at(features, *query, patch), each, kind) for each in there])
        for query in asked
    ]
    return asked, offered, torch.stack(rows)


def vote_from_maps(values, maps, hole, weights, asked, offered, patch, scale):
    """:func:`vote` with sources (map, row, column); ``maps`` are the D×(h·scale)×(w·scale) values there."""
    depth, height, width = values.shape
    total, count = torch.zeros(depth, height, width, dtype=torch.float64), torch.zeros(height, width)
    before = (patch - 1) * scale // 2
    for query, weight in zip(asked, weights, strict=True):
        for y, x in itertools.product(range(-before, patch * scale - before), repeat=2):
            row, column = query[0] * scale + y, query[1] * scale + x
            if not (0 <= row < height and 0 <= column < width):
                continue
            count[row, column] += 1
            for (index, down, right), each in zip(offered, weight.tolist(), strict=True):
                if each > 0:
                    carried = maps[index][:, down * scale + y, right * scale + x]
                    total[:, row, column] += each * carried.double()
    fine = F.interpolate(hole[None, None].float(), scale_factor=scale)[0, 0] > 0
    return torch.where(fine, total / count.clamp_min(1), values.double())


def vote(values, hole, weights, asked, offered, patch, scale):
    """Paste, pixel by pixel, the weighted source patches of every query; average; keep known pixels."""
    depth, height, width = values.shape
    total, count = torch.zeros(depth, height, width, dtype=torch.float64), torch.zeros(height, width)
    before = (patch - 1) * scale // 2
    for query, weight in zip(asked, weights, strict=True):
        chosen = [(source, float(each)) for source, each in zip(offered, weight, strict=True) if each > 0]
        for y, x in itertools.product(range(-before, patch * scale - before), repeat=2):
            row, column = query[0] * scale + y, query[1] * scale + x
            if not (0 <= row < height and 0 <= column < width):
                continue
            count[row, column] += 1
            for source, each in chosen:
                carried = values[:, source[0] * scale + y, source[1] * scale + x]
                total[:, row, column] += each * carried.double()
    fine = F.interpolate(hole[None, None].float(), scale_factor=scale)[0, 0] > 0
    return torch.where(fine, total / count.clamp_min(1), values.double())


def contextual_paste(finer, probabilities, allowed):
    """The published paste of contextual attention: 4×4 patches, stride 2, as transposed kernels.

    ``finer`` 1×D×2H×2W; ``probabilities`` (H·W)×(H·W), query by source; ``allowed`` H·W booleans.
    """
    depth, height, width = finer.shape[1], finer.shape[2] // 2, finer.shape[3] // 2
    kernels = F.unfold(finer, 4, padding=1, stride=2)[0].T.reshape(-1, depth, 4, 4)
    maps = (probabilities * allowed).T.reshape(1, -1, height, width)
    return F.conv_transpose2d(maps, kernels, stride=2, padding=1) / 4

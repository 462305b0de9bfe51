"""Pictures and holes that the exemplar's tests share, and what must hold of every fill."""

import pytest
import torch

from retouch.models.exemplar import Exemplar
from retouch.models.exemplar_torch import TorchExemplar
from retouch.native import library

compiled = pytest.mark.skipif(library() is None, reason="nothing was compiled")
HERE = TorchExemplar if library() is None else Exemplar
"""The one that this machine runs."""
BOTH = [pytest.param(Exemplar, id="compiled", marks=compiled), pytest.param(TorchExemplar, id="torch")]


def hole(height, width, rows, columns):
    mask = torch.zeros(1, 1, height, width)
    mask[..., rows, columns] = 1
    return mask


def all_but(height, width, rows, columns):
    return 1 - hole(height, width, rows, columns)


def noise(height, width, seed=0, batch=1):
    return torch.rand(batch, 3, height, width, generator=torch.Generator().manual_seed(seed))


def tiles(height, width, period, seed=0):
    """A random tile, repeated in both directions."""
    tile = noise(period, period, seed)
    return tile.repeat(1, 1, height // period + 1, width // period + 1)[..., :height, :width].contiguous()


def check(image, mask, fill, allowed=None):
    """What every fill must keep, whatever the photo and its hole."""
    allowed = 1 - mask if allowed is None else allowed * (1 - mask)
    assert fill.image.shape == image.shape
    assert fill.image.dtype == torch.float32
    assert not bool(fill.image.isnan().any())
    known = (mask == 0).expand_as(image)
    assert torch.equal(fill.image[known], image[known])
    sources = fill.correspondence.source_map()
    assert sources.shape == (len(image), 2, *image.shape[2:])
    for item in range(len(image)):
        inside = mask[item, 0] == 1
        assert bool((sources[item][:, ~inside] == -1).all())
        row, column = sources[item][:, inside]
        assert bool(((row >= 0) & (column >= 0)).all())
        assert bool((allowed[item, 0, row, column] == 1).all())
        if not bool(inside.any()):
            continue
        # Means of what may be borrowed lie between its extremes.
        seen = image[item][:, allowed[item, 0] == 1]
        filled = fill.image[item][:, inside]
        assert bool((filled.amin(1) >= seen.amin(1) - 1e-5).all())
        assert bool((filled.amax(1) <= seen.amax(1) + 1e-5).all())

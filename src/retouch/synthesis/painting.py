"""A canvas: compares the patches of a hole with known ones, and paints the hole with the sources found."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from retouch.matching.coherence import Comparison
from retouch.matching.patches import PatchGrid
from retouch.ops.masks import depth
from retouch.ops.principal_components import principal_directions
from retouch.synthesis.pyramid import Level, gradients, smooth_fill

# Levels of at most so many pixels compare whole patches, larger ones their principal components.
_WHOLE_PATCHES = 2**17
_COMPONENTS, _SAMPLE = 20, 3000
# Queries described at once, to bound memory.
_CHUNK = 2**16
# This part of all patches lies below the distance that about halves a vote.
_GOOD_PART = 0.2
# Pixels from the known area; there the nearest source is searched for after a layout too.
_SHALLOW = 2
# Weight of texture beside colour.
_TEXTURE_WEIGHT = 1.5


class Canvas:
    """One level of an image, and the painting of its hole.

    Attributes:
        grid: where patches lie.
        painted: ``3×H×W``, the image with its hole as it is painted now; at first a smooth guess.
            :meth:`paint` replaces this tensor and leaves the old one as it was.
        share: ``Q``, for each query the part of its patch that lies in the hole.
        deep: ``Q`` booleans, queries more than two pixels from the known area.
    """

    def __init__(
        self, level: Level, grid: PatchGrid, *, guidance: float, trust: float, fading: float,
        generator: torch.Generator, guess: Tensor | None = None, guide: Tensor | None = None,
    ) -> None:  # fmt: skip
        """Prepare what stays the same while the level is painted.

        Args:
            level: the image and its hole.
            grid: its patches.
            guidance: weight of the guess of colours and texture in a comparison, beside the patch.
            trust: weight of a painted pixel in a comparison; a known pixel has 1.
            fading: factor by which a patch's vote fades with each pixel of depth in the hole.
            generator: draws the sample that principal components are computed from.
            guess: ``3×H×W``, a better guess; its known pixels are the level's.
            guide: ``D×H×W``, of the guess, what guides beside its colours; None for the level's texture.
        """
        self.grid, self._level = grid, level
        self.painted = guess = smooth_fill(level.image, level.known) if guess is None else guess
        hole = (~level.known).to(guess.dtype)
        self.share = self._average(hole[None])[grid.queries, 0]
        depths = torch.from_numpy(depth((~level.known).cpu().numpy())).to(guess)
        self.deep = grid.rows(depths[None])[grid.queries, 0] > _SHALLOW
        self._votes = (fading ** grid.rows(depths[None])[grid.queries, 0]).clamp_min(1e-8)
        self._colours = grid.rows(torch.cat([level.image, torch.ones_like(hole)[None]]))

        self._steps = torch.tensor(grid.square(), device=guess.device)
        self._basis: Tensor | None = None
        self._weights: Tensor | None = None
        if level.known.numel() <= _WHOLE_PATCHES:
            table = grid.rows(F.unfold(grid_pad(level.image, grid), grid.patch).reshape(-1, *hole.shape))
            # Unfolding orders by channel, and so do the weights.
            trusted = grid.rows(level.certainty.clamp_min(trust)[None], "constant")
            inside = self._patches(trusted, grid.queries).repeat(1, 3)
            self._weights = inside / inside.mean(1, keepdim=True)
        else:
            # Of the guess: a gradient beside the hole must not depend on what lies in it.
            channels = self._channels(guess)
            self._basis = self._components(channels, generator)
            kernel = self._basis.t().reshape(-1, len(channels), grid.patch, grid.patch)
            table = grid.rows(F.conv2d(grid_pad(channels, grid), kernel)[0])
        # The guess competes with a sum over a patch, so it is weighed by the patch's side.
        self._guidance = guidance * grid.patch
        if guide is None:
            guide = level.image[:0] if level.texture is None else level.texture * _TEXTURE_WEIGHT
        self._guide = self._average(torch.cat([guess, guide]))[grid.queries] * self._guidance
        guides = self._average(torch.cat([level.image, guide])) * self._guidance
        self._table = torch.cat([table, guides], 1)
        if self._weights is not None:
            self._weights = torch.cat([self._weights, self.share[:, None].expand_as(self._guide)], 1)

    def compare(self) -> Comparison:
        """Compare the patches of the present painting with the known ones."""
        if self._basis is None:
            queries = self._patches(self.grid.rows(self.painted), self.grid.queries)
        else:
            rows = self.grid.rows(self._channels(self.painted))
            chunks = torch.split(self.grid.queries, _CHUNK)
            queries = torch.cat([self._patches(rows, each) @ self._basis for each in chunks])
        return Comparison(torch.cat([queries, self._guide], 1), self._table, self._weights)

    def paint(self, sources: Tensor, distances: Tensor | None = None, unknown: Tensor | None = None) -> None:
        """Paint the hole: each pixel is the weighted mean of what the patches over it show.

        Votes fade with depth, because the fill is best known near the known area. They also fade with the
        distance of a patch to its source (Wexler et al., section 3.1).

        Args:
            sources: ``Q`` flat positions.
            distances: ``Q`` distances of the queries to their sources; None if they were not measured.
            unknown: ``Q`` booleans, queries that do not vote; pixels that only they cover stay as they are.
        """
        votes = self._votes
        if distances is not None and len(distances):
            good = distances.kthvalue(1 + int(_GOOD_PART * (len(distances) - 1))).values.clamp_min(1e-8)
            # The floor decides where all patches over a pixel are bad.
            votes = votes * torch.exp(-distances / (2 * good)).clamp_min(1e-12)
        if unknown is not None:
            votes = votes.masked_fill(unknown, 0)
        grid = self.grid
        ranks = grid.ranks(grid.queries)
        # The last row belongs to no query: it stands for places without one.
        sources = torch.cat([sources, sources.new_full((1,), grid.source_layout.first)])
        votes = torch.cat([votes, votes.new_zeros(1)])
        total = self._colours.new_zeros(len(grid.hole), 4)
        for step in grid.square():
            voter = ranks[grid.hole - step]
            total.addcmul_(self._colours.index_select(0, sources[voter] + step), votes[voter][:, None])
        weight = total[:, 3:]
        row, column = grid.row_column(grid.hole)
        before = self.painted[:, row, column]
        self.painted = self.painted.clone()
        mean = total[:, :3] / weight.clamp_min(1e-30)
        self.painted[:, row, column] = torch.where(weight > 0, mean, before.t()).t()

    def _patches(self, rows: Tensor, positions: Tensor) -> Tensor:
        """``n×(C·patch²)`` patches at flat positions, ordered by channel."""
        return rows[positions[:, None] + self._steps].transpose(1, 2).flatten(1)

    def _average(self, values: Tensor) -> Tensor:
        """Means over patches, as rows of the grid."""
        return self.grid.rows(F.avg_pool2d(grid_pad(values, self.grid), self.grid.patch, 1)[0])

    @staticmethod
    def _channels(image: Tensor) -> Tensor:
        """Colour, and the gradient of brightness: ``5×H×W``."""
        return torch.cat([image, gradients(image)])

    def _components(self, channels: Tensor, generator: torch.Generator) -> Tensor:
        """``(C·patch²)×d`` principal directions of a sample of the sources."""
        valid = self.grid.sources.nonzero()[:, 0]
        draw = torch.randint(len(valid), (_SAMPLE,), generator=generator, device=valid.device)
        sample = self._patches(self.grid.rows(channels), valid[draw])
        return principal_directions(sample - sample.mean(0), _COMPONENTS)


def grid_pad(values: Tensor, grid: PatchGrid) -> Tensor:
    """``1×C×…`` of ``C×H×W`` with the grid's margin, in which the edge is repeated."""
    return F.pad(values[None], (grid.margin,) * 4, mode="replicate") if grid.margin else values[None]

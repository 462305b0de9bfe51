"""Multi-Scale Neural Patch Synthesis (Yang et al., CVPR 2017, arXiv 1611.09969): fills, refined.

Another model's fill is the content. From a coarse scale to the full one, the hole's pixels are moved until
the features that VGG sees in them are those of known patches, while the pixels stay near the content.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from retouch.contract import Fill, Model, OnProgress, Progress, SizeRequirements, Stop
from retouch.errors import RetouchError
from retouch.models.neural_patch_fit import Objective, fit
from retouch.models.neural_patch_texture import textures
from retouch.models.vgg import Vgg
from retouch.ops.cells import hole_window
from retouch.ops.resize import enlarge, shrink, shrink_mask

CELL = 8
"""Pixels along the side of a cell of the deepest layer that is usual, relu4_1."""
REACH = 32
"""Known pixels around the hole that take part: nearly all that features of the hole depend on."""


@dataclass(frozen=True)
class NeuralPatchOptions:
    """How the optimisation is done.

    Attributes:
        layers: of VGG, whose patches are compared.
        finest_layers: those at the full scale, where deep layers cost most and say least.
        scales: the full size, and so many less one halvings of it.
        iterations: how often the objective is computed at each scale, coarse to fine; the last number stands
            for all further scales.
        rematch: so many computations lie between two searches for the nearest patches; 0 = one a scale.
        content: weight of the squared difference to the content.
        texture: weight of the difference to the known patches' features.
        smoothness: weight of the squared differences of neighbouring pixels.
        channels: so many principal channels of the features are compared in the search; 0 = all.
        rotations: degrees by which the picture is turned to find more patches to borrow.
        sizes: factors by which it is resized for that.
    """

    layers: tuple[str, ...] = ("relu3_1", "relu4_1")
    finest_layers: tuple[str, ...] = ("relu3_1",)
    scales: int = 3
    iterations: tuple[int, ...] = (24, 18, 12)
    rematch: int = 6
    content: float = 100.0
    texture: float = 1.0
    smoothness: float = 0.0
    channels: int = 48
    rotations: tuple[float, ...] = ()
    sizes: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if not 1 <= self.scales <= 6:
            raise RetouchError(f"Scales must be from 1 to 6, not {self.scales}.")
        if not self.iterations or min(self.iterations) < 1:
            raise RetouchError(f"Each scale needs at least one iteration, not {self.iterations}.")
        if not self.layers or not self.finest_layers:
            raise RetouchError("At least one layer must be compared at each scale.")
        if self.rematch < 0 or self.channels < 0:
            raise RetouchError(
                f"Rematch ({self.rematch}) and channels ({self.channels}) must not be negative."
            )
        if min(self.content, self.texture, self.smoothness) < 0:
            raise RetouchError("Weights must not be negative.")
        if any(not 0.5 <= each <= 2 for each in self.sizes):
            raise RetouchError(f"Sizes must be from 0.5 to 2, not {self.sizes}.")

    def rounds(self, scale: int) -> list[int]:
        """How often the objective may be computed after each search, at a scale counted from the coarsest."""
        total = self.iterations[min(scale, len(self.iterations) - 1)]
        step = self.rematch or total
        return [min(step, total - done) for done in range(0, total, step)]


class NeuralPatch(Model):
    """Refines the fill of another model, so that it has the texture of the known area.

    Fills holes of any shape. Confidence and correspondence are those of the content. A listener that raises
    :class:`~retouch.contract.Stop` gets the best fill so far.
    """

    name = "neural-patch"
    size = SizeRequirements(multiple_of=CELL, minimum=CELL)

    def __init__(self, content: Model, vgg: Vgg, options: NeuralPatchOptions | None = None) -> None:
        """Build it.

        Args:
            content: the model whose fill is refined; it decides the working size and the device.
            vgg: what sees the features; it is moved to that device.
            options: how the optimisation is done.
        """
        self.content = content
        self.vgg = vgg.to(content.device)
        self.options = options or NeuralPatchOptions()
        self.working_size = content.working_size
        self.device = content.device
        for layer in (*self.options.layers, *self.options.finest_layers):
            if self.vgg.cell(layer) > CELL:
                raise RetouchError(f"Patches are compared in layers up to relu4_4; leave out {layer}.")

    def infer(
        self, image: Tensor, mask: Tensor, allowed: Tensor, *, seed: int, on_progress: OnProgress
    ) -> Fill:
        """Fill with the content's model, then refine each item of the batch on its own."""
        report = _Report(on_progress, self._total(mask))
        fill = self.content(image, mask, allowed=allowed, seed=seed, on_progress=report.content)
        refined = fill.image.clone()
        for item in range(len(image)):
            one = slice(item, item + 1)
            if bool(mask[item].any()):
                refined[one] = self._refine(fill.image[one], mask[one], allowed[one], report)
        return Fill(refined, fill.confidence, fill.correspondence, fill.levels)

    def _total(self, mask: Tensor) -> int:
        options = self.options
        per_item = sum(sum(options.rounds(number)) for number in range(options.scales))
        return per_item * int(mask.flatten(1).any(1).sum())

    def _refine(self, filled: Tensor, mask: Tensor, allowed: Tensor, report: _Report) -> Tensor:
        """The fill of one picture, scale by scale."""
        correction: Tensor | None = None
        refined = filled
        for number in range(self.options.scales):
            factor = 2 ** (self.options.scales - 1 - number)
            content, hole, usable = _shrunken(filled, mask, allowed, factor)
            start = content
            if correction is not None:
                # What the coarser scale changed; the content's own detail stays.
                moved = enlarge(correction, 2)[..., : content.shape[2], : content.shape[3]]
                start = torch.where(hole > 0, (content + moved).clamp(0, 1), content)
            refined = self._scale(start, hole, usable, number, factor == 1, report)
            correction = refined - content
        return torch.where(mask > 0, refined[..., : mask.shape[2], : mask.shape[3]], filled)

    def _scale(
        self, start: Tensor, mask: Tensor, usable: Tensor, number: int, last: bool, report: _Report
    ) -> Tensor:
        options = self.options
        if report.stopped:
            return start
        layers = options.finest_layers if last else options.layers
        rows, columns = _window(mask)
        with torch.no_grad():
            others = list(_turned(start, usable, options))
            compared = textures(
                self.vgg, layers, start, mask, usable, (rows, columns), options.channels, others
            )
        rounds = options.rounds(number)
        if not compared:
            # No whole patch is known at this scale.
            report.reach(sum(rounds))
            return start
        objective = Objective(options.content, options.texture, options.smoothness)
        side = f"{start.shape[3]}×{start.shape[2]}"
        result = start.clone()
        result[..., rows, columns] = fit(
            start[..., rows, columns],
            mask[..., rows, columns] > 0,
            self.vgg,
            compared,
            objective,
            rounds,
            lambda: report.computed(side),
        )
        report.reach(sum(rounds))
        return result


def _shrunken(filled: Tensor, mask: Tensor, allowed: Tensor, factor: int) -> tuple[Tensor, Tensor, Tensor]:
    """The picture, its hole and what may be borrowed, at a scale; padded to whole cells."""
    below, right = (-side % (CELL * factor) for side in filled.shape[2:])
    margins = (0, right, 0, below)
    picture = F.pad(filled, margins, mode="replicate")
    hole, usable = F.pad(mask, margins), F.pad(allowed, margins)
    return shrink(picture, factor), shrink_mask(hole, factor), 1 - shrink_mask(1 - usable, factor)


def _window(mask: Tensor) -> tuple[slice, slice]:
    """Rows and columns that the features of the hole depend on, in whole cells."""
    around = hole_window(mask)
    assert around is not None  # only pictures with a hole are refined
    rows, columns = (
        slice(max(0, each.start - REACH) // CELL * CELL, min(side, -(-(each.stop + REACH) // CELL) * CELL))
        for each, side in zip(around, mask.shape[2:], strict=True)
    )
    return rows, columns


def _turned(image: Tensor, usable: Tensor, options: NeuralPatchOptions) -> Iterator[tuple[Tensor, Tensor]]:
    """The picture turned and resized about its middle, and which of its pixels may be borrowed from."""
    height, width = image.shape[2:]
    for degrees in (0.0, *options.rotations):
        for factor in (1.0, *options.sizes):
            if degrees == 0 and factor == 1:
                continue
            cosine, sine = (each(math.radians(degrees)) / factor for each in (math.cos, math.sin))
            # Grids run from -1 to 1 on both axes, whatever the sides are.
            turn = [[cosine, -sine * height / width, 0], [sine * width / height, cosine, 0]]
            grid = F.affine_grid(
                torch.tensor([turn], device=image.device), [1, 1, height, width], align_corners=False
            )
            picture = F.grid_sample(image, grid, padding_mode="border", align_corners=False)
            # A pixel that mixes in what may not be borrowed may not be either.
            free = F.grid_sample(usable, grid, align_corners=False)
            yield picture, (free > 0.999).to(usable)


class _Report:
    """Counts computations of the objective, and hears whether to stop."""

    def __init__(self, listen: OnProgress, total: int) -> None:
        self._listen = listen
        self._total = total
        self._before = 0  # the ones of all earlier scales
        self._done = 0
        self.stopped = False

    def content(self, progress: Progress) -> None:
        """Pass on the content's progress; a stop takes effect once there is something to give."""
        self._tell(Progress(f"content: {progress.stage}", 0, self._total))

    def computed(self, side: str) -> bool:
        """Another one was computed; returns whether to stop."""
        self._done += 1
        self._tell(Progress(f"scale {side}", min(self._before + self._done, self._total), self._total))
        return self.stopped

    def reach(self, count: int) -> None:
        """A scale of ``count`` computations is over."""
        self._before += count
        self._done = 0

    def _tell(self, progress: Progress) -> None:
        if self.stopped:
            return
        try:
            self._listen(progress)
        except Stop:
            self.stopped = True

"""Multi-Scale Neural Patch Synthesis (Yang et al., CVPR 2017, arXiv 1611.09969): fills, refined.

Another model's fill is the content. From a coarse scale to the full one, the hole is painted with known
patches that VGG finds similar to the content. Then its pixels are optimised: their features come close to
those of known patches, while the pixels stay close to the painting.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from retouch.contract import Correspondence, Fill, Model, OnProgress, SizeRequirements, crop_correspondence
from retouch.errors import RetouchError
from retouch.matching.cells import hole_window
from retouch.matching.coherence import CoherentField
from retouch.matching.patches import patch_grid
from retouch.models.neural_patch.content import content_fill
from retouch.models.neural_patch.correspondence import BatchCorrespondence
from retouch.models.neural_patch.fit import Objective, fit
from retouch.models.neural_patch.judge import better_fill
from retouch.models.neural_patch.options import PRESETS, NeuralPatchOptions
from retouch.models.neural_patch.painting import PATCH, pixel_features, rounds
from retouch.models.neural_patch.report import Report
from retouch.models.neural_patch.texture import textures, turned
from retouch.networks.vgg import Vgg, shift_tolerant_vgg, vgg19, vgg_on
from retouch.ops.resize import enlarge, shrink
from retouch.options import make_options
from retouch.synthesis.coherent_search import largest_patch, usable_patches
from retouch.synthesis.options import PaintOptions
from retouch.synthesis.paint import Painting, correspondence_of, paint
from retouch.synthesis.pyramid import Level, halve

CELL = 8
"""Pixels along the side of a cell of the deepest layers that may be compared, relu4_1 to relu4_4."""
REACH = 32
"""Known pixels around the hole that take part: nearly all that features of the hole depend on."""
GUIDE, COARSEST_GUIDE = ("relu3_1",), ("relu2_1",)
"""Layers of VGG that guide the painting, at finer scales and at the coarsest."""
FINER_SHARE = 0.25
"""Share of the guide's weight at finer scales. They follow the coarser; more of it blurs what they add."""
_FEWEST = 30  # patches to borrow that a scale needs; the full scale may have fewer


class NeuralPatch(Model):
    """Refines the fill of another model, so that it has the texture of the known area.

    Fills holes of any shape. A listener that raises :class:`~retouch.contract.Stop` gets the best fill so
    far. Confidence is that of the content.
    """

    name = "neural-patch"
    size = SizeRequirements(multiple_of=CELL, minimum=CELL)

    def __init__(self, content: Model, vgg: Vgg, options: NeuralPatchOptions | None = None) -> None:
        """Build it.

        Args:
            content: the model whose fill is refined; it decides the device.
            vgg: the network that sees the features; it is copied to that device if it lies elsewhere.
            options: how it is done.
        """
        self.content = content
        self.vgg = vgg_on(vgg, content.device)
        self.options = options or NeuralPatchOptions()
        self.device = content.device
        for layer in (*self.options.layers, *self.options.finest_layers):
            if self.vgg.cell(layer) > CELL:
                raise RetouchError(f"Patches are compared in layers up to relu4_4; leave out {layer}.")

    def infer(
        self, image: Tensor, mask: Tensor, allowed: Tensor, *, seed: int, on_progress: OnProgress
    ) -> Fill:
        """Fill with the content's model, then refine each item of the batch on its own."""
        steps = sum(self._steps(number) for number in range(self.options.count(*image.shape[2:])))
        report = Report(on_progress, steps * len(image), (image.shape[2], image.shape[3]))
        fills = []
        # The optimiser needs its own gradients, whatever the caller does with gradients.
        with torch.inference_mode(False), torch.no_grad():
            image, mask, allowed = (each.detach().clone() for each in (image, mask, allowed))
            contents = content_fill(self.content, image, mask, allowed, seed=seed, on_progress=report.content)
            for item, content in enumerate(contents):
                one = slice(item, item + 1)
                refined = self._refine(content, mask[one], allowed[one], seed, report)
                fills.append(better_fill(mask[one], content, refined))
        return _batch(fills)

    def _steps(self, number: int) -> int:
        """Steps of progress of a scale, counted from the finest."""
        painted = rounds(number) if self.options.matching == "coherent" else 0
        return painted + sum(self.options.searches(number))

    def _refine(self, unrefined: Fill, mask: Tensor, allowed: Tensor, seed: int, report: Report) -> Fill:
        """Refine one picture, scale by scale. The correspondence is the painting's at the full scale."""
        filled = unrefined.image
        height, width = filled.shape[2:]
        scales = self.options.count(height, width)
        step = CELL * 2 ** (scales - 1)
        margins = (0, -width % step, 0, -height % step)
        content = F.pad(filled, margins, mode="replicate")
        # Beside a hole the padding is hole too: filled pixels must not count as known.
        hole = F.pad(mask, margins, mode="replicate")[0, 0] > 0
        usable = F.pad(allowed, margins)[0, 0] > 0
        if not bool(hole.any()):
            grid = patch_grid(hole, usable, PATCH)
            nothing = CoherentField(grid, grid.queries, 0, filled.new_zeros(0))
            report.begin("", sum(self._steps(number) for number in range(scales)))
            report.end()
            nothing_painted = Painting(content[0], grid, nothing)
            return replace(unrefined, correspondence=_correspondence(nothing_painted, height, width))
        levels = [Level(content[0], (~hole).to(filled), usable & ~hole)]
        while len(levels) < scales:
            levels.append(halve(levels[-1]))
        generator = torch.Generator(filled.device).manual_seed(seed)
        made, correction, painting = content[0], None, None
        for number in reversed(range(scales)):
            level = levels[number]
            own = torch.where(level.known, level.image, shrink(content, 2**number)[0])
            made = own
            if correction is not None:
                # Add the change of the coarser scale; the content's own detail stays.
                moved = (own + enlarge(correction[None], 2)[0]).clamp(0, 1)
                made = torch.where(level.known, own, moved)
            name = "×".join(str(max(1, side >> number)) for side in (width, height))
            report.begin(name, self._steps(number), 2**number)
            if number == 0 or (not bool(level.known.all()) and usable_patches(level, 3) >= _FEWEST):
                made, painting = self._scale(level, made, painting, generator, number, report)
            else:
                painting = None  # sources go from one scale to the next, never over one
            report.end()
            correction = made - own
        found = None if painting is None else _correspondence(painting, height, width)
        return Fill(made[None, :, :height, :width], unrefined.confidence, found)

    def _scale(
        self,
        level: Level,
        start: Tensor,
        coarser: Painting | None,
        generator: torch.Generator,
        number: int,
        report: Report,
    ) -> tuple[Tensor, Painting | None]:
        """Paint and optimise one scale; returns its picture, ``3×H×W``, and how it was painted."""
        options = self.options
        layers = options.layers if number else options.finest_layers
        picture, painting = start[None], None
        known = level.known[None, None].to(picture)
        if options.matching == "coherent":
            # After a stop each scale is still painted once: this is quick and gives the sources.
            layers_seen, share = (COARSEST_GUIDE, 1.0) if coarser is None else (GUIDE, FINER_SHARE)
            features = pixel_features(self.vgg, layers_seen, picture, known, share * options.guide)
            painting = paint(
                level,
                largest_patch(level, PATCH),
                PaintOptions(coherence=options.coherence),
                rounds=rounds(number),
                coarser=coarser,
                finest=number == 0,
                generator=generator,
                report=lambda painted: report.step("paint", lambda: painted[None]),
                guess=start,
                guide=features,
                begin=start,
            )
            picture = painting.image[None]
        searches, window = options.searches(number), _window(1 - known)
        if report.stopped or not searches or window is None:
            return picture[0], painting
        # Fewer cells hold no patch, and an anti-aliased network cannot blur them.
        shortest = min(each.stop - each.start for each in window)
        layers = tuple(each for each in layers if shortest >= 3 * self.vgg.cell(each))
        usable = level.readable[None, None].to(picture)
        others = list(turned(picture, usable, options.rotations, options.sizes))
        compared = textures(self.vgg, layers, picture, 1 - known, usable, window, options.channels, others)
        if compared:  # some whole patch is known at this scale
            objective = Objective(options.content_weight, options.texture_weight, options.smoothness_weight)
            part = (..., *window)
            inside = known[part] == 0

            def step(fitted: Tensor) -> bool:
                return report.step("optimise", lambda: _with_part(picture, window, fitted))

            fitted = fit(picture[part], inside, self.vgg, compared, objective, searches, step)
            return _with_part(picture, window, fitted)[0], painting
        return picture[0], painting


def open_with(content: Model, given: Mapping[str, Any]) -> NeuralPatch:
    """Make the model around another one, with options given by name.

    There are two options besides those of :class:`NeuralPatchOptions`. "preset" names a set of them
    (:data:`~retouch.models.neural_patch.options.PRESETS`); other options given override it. "vgg19" is the
    path of torchvision's file of VGG-19, which then sees the features.

    Raises:
        RetouchError: an option does not exist or has a wrong value, or the file is not VGG-19.
    """
    rest = dict(given)
    preset, file = rest.pop("preset", "default"), rest.pop("vgg19", None)
    if preset not in PRESETS:
        raise RetouchError(f"There is no preset {preset!r}; choose from {', '.join(PRESETS)}.")
    if file is not None and not isinstance(file, str | Path):
        raise RetouchError(f"The option vgg19 takes the path of a file, not {file!r}.")
    options = make_options(NeuralPatchOptions, {**PRESETS[preset], **rest}, NeuralPatch.name)
    vgg = shift_tolerant_vgg() if file is None else vgg19(Path(file))
    return NeuralPatch(content, vgg, options)


def _with_part(picture: Tensor, window: tuple[slice, slice], part: Tensor) -> Tensor:
    """A copy of the picture with ``part`` in the window."""
    picture = picture.clone()
    picture[(..., *window)] = part
    return picture


def _window(mask: Tensor) -> tuple[slice, slice] | None:
    """Rows and columns that the features of the hole depend on, in whole cells; None without a hole."""
    around = hole_window(mask)
    if around is None:
        return None
    rows, columns = (
        slice(max(0, each.start - REACH) // CELL * CELL, min(side, -(-(each.stop + REACH) // CELL) * CELL))
        for each, side in zip(around, mask.shape[2:], strict=True)
    )
    return rows, columns


def _correspondence(painting: Painting, height: int, width: int) -> Correspondence:
    """Where a picture of this size was painted from, without the padding."""
    grid = painting.grid
    return crop_correspondence(correspondence_of([painting]), grid.height - height, grid.width - width)


def _batch(fills: Sequence[Fill]) -> Fill:
    """Join the fills of the items; what one of them lacks is left out."""
    confidences = [each.confidence for each in fills if each.confidence is not None]
    found = [each.correspondence for each in fills if each.correspondence is not None]
    whole = len(fills)
    return Fill(
        torch.cat([each.image for each in fills]),
        torch.cat(confidences) if len(confidences) == whole else None,
        BatchCorrespondence(found) if len(found) == whole else None,
    )

"""Exemplar-based inpainting in torch: on any device, and what the compiled one is compared with.

Coarse levels compare whole patches, large ones their principal components, one gathered row a candidate.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from retouch.contract import Fill, Model, OnProgress, Progress
from retouch.models.exemplar import ExemplarOptions, Guess
from retouch.synthesis.assembly import assemble
from retouch.synthesis.coherent_search import largest_patch, usable_patches
from retouch.synthesis.layout_torch import find_layout
from retouch.synthesis.paint import Painting, correspondence_of, paint
from retouch.synthesis.pyramid import Level, halve

# The coarsest level has at least so many pixels along its short side, and so many sources.
_SHORTEST, _FEWEST = 24, 30
_ROUNDS = (4, 6, 8, 12, 16)


class TorchExemplar(Model):
    """Fills holes with patches of the known area; see :mod:`retouch.models.exemplar`."""

    name = "exemplar"
    fills_by = "copying"
    by_network = False

    def __init__(
        self, options: ExemplarOptions | None = None, device: str = "cpu", guide: Guess | None = None
    ) -> None:
        """Build it, to run on a device; the guide as in :class:`retouch.models.exemplar.Exemplar`."""
        self.options = options or ExemplarOptions()
        self._guide = guide
        self.device = torch.device(device)

    def infer(
        self, image: Tensor, mask: Tensor, allowed: Tensor, *, seed: int, on_progress: OnProgress
    ) -> Fill:
        """Fill each item of the batch on its own."""
        paintings = []
        for item in range(len(image)):
            known = 1 - mask[item, 0]
            level = Level(image[item], known, (known > 0) & (allowed[item, 0] > 0))

            def report(done: int, total: int, painted: Tensor, item: int = item) -> None:
                # Items differ in their number of levels, so each counts 100.
                step = 100 * item + 100 * done // total
                on_progress(Progress("fill", step, 100 * len(image), image=lambda: painted[None]))

            guess = None
            if self._guide is not None:
                picture = image[item].permute(1, 2, 0).cpu().numpy()
                hole, usable = (each.cpu().numpy() for each in (known == 0, level.readable))
                guess = self._guide(picture, hole, usable, seed)
            paintings.append(_synthesise(level, self.options, seed, report, guess))
        correspondence = correspondence_of(paintings)
        sources = correspondence.source_map()
        assembled = [
            _assembled(*each)
            for each in zip(image, [one.image for one in paintings], mask, allowed, sources, strict=True)
        ]
        return Fill(torch.stack(assembled), None, correspondence)


def _assembled(image: Tensor, painted: Tensor, mask: Tensor, allowed: Tensor, sources: Tensor) -> Tensor:
    """Let tones meet; on the processor, whatever the device."""
    before, fill, places = (each.permute(1, 2, 0).cpu().numpy() for each in (image, painted, sources))
    hole, usable = (each[0].cpu().numpy() > 0 for each in (mask, allowed))
    made = assemble(before, fill, hole, usable, places.astype(np.int32))
    return torch.from_numpy(made).permute(2, 0, 1).to(painted)


def _synthesise(
    finest: Level,
    options: ExemplarOptions,
    seed: int,
    report: Callable[[int, int, Tensor], None],
    guess: NDArray[np.float32] | None,
) -> Painting:
    """Fill one image, level by level."""
    generator = torch.Generator(finest.image.device).manual_seed(seed)
    side = largest_patch(finest, options.patch)
    levels = [finest]
    while min(levels[-1].known.shape) >= 2 * _SHORTEST:
        coarser = halve(levels[-1])
        if bool(coarser.known.all()) or usable_patches(coarser, side) < _FEWEST:
            break
        levels.append(coarser)
    layout = find_layout(levels, side, seed, guess)
    if layout is not None:
        levels = levels[: layout.number + 1]
    wanted = options.rounds or _ROUNDS
    rounds = [wanted[min(number, len(wanted) - 1)] for number in range(len(levels))]
    # A level has four times the pixels of the next.
    costs = [count * 4 ** (len(levels) - number) for number, count in enumerate(rounds)]

    painting: Painting | None = None
    for number in reversed(range(len(levels))):
        turns = 0

        def step(painted: Tensor, number: int = number) -> bool:
            nonlocal turns
            turns += 1
            done = sum(costs[number + 1 :]) + costs[number] * turns // rounds[number]
            report(done, sum(costs), painted)
            return False

        first = layout is not None and painting is None
        painting = paint(
            levels[number],
            side,
            options,
            rounds=rounds[number],
            coarser=painting,
            finest=number == 0,
            generator=generator,
            report=step,
            guess=None if layout is None else layout.enlarged(levels[number], number),
            begin=layout.colours if first and layout else None,
            sources=layout.first_sources(levels[number], side, generator) if first and layout else None,
        )
    assert painting is not None  # there is at least one level
    return painting

"""What every model promises: ranges, shapes, the meaning of a mask, written once.

Image: float32 sRGB in [0, 1], ``B×3×H×W``. Mask: ``B×1×H×W`` of zeros and ones, **1 = fill this**.
Known pixels (mask 0) come back bit-identical. A paper's own conventions (a [-1, 1] range, an inverted
mask) live inside that model's file and nowhere else.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

from retouch.errors import RetouchError


@dataclass(frozen=True)
class Progress:
    """How far a stage has come: ``done`` of ``total`` steps. The engine reports, viewers listen.

    ``detail`` says more of what is being done in it, in few words; it may be empty.
    """

    stage: str
    done: int
    total: int
    detail: str = ""


OnProgress = Callable[[Progress], None]


class Stop(Exception):
    """Raised by a listener to end the work: a model that improves step by step then gives the best so far.

    From other models it comes back to whoever called them, and nothing is filled.
    """


@dataclass(frozen=True)
class SizeRequirements:
    """What a model needs of height and width; :class:`Model` pads to it and crops back."""

    multiple_of: int = 1
    minimum: int = 1

    def padding(self, height: int, width: int) -> tuple[int, int]:
        """Rows to add below and columns to add at the right, in pixels."""

        def missing(length: int) -> int:
            wanted = max(length, self.minimum)
            return -(-wanted // self.multiple_of) * self.multiple_of - length

        return missing(height), missing(width)


class Correspondence(Protocol):
    """What a fill was made from: for the pixels of the hole, their sources in the known area."""

    def source_map(self) -> Tensor:
        """Row and column each pixel was taken from, ``B×2×H×W`` int64; -1 where nothing was borrowed.

        Where several sources were mixed, the one with the greatest weight.
        """
        ...

    def transfer(self, values: Tensor, scale: int = 1) -> Tensor:
        """Carry ``values`` (``B×C×(H·scale)×(W·scale)``) over from the sources into the hole."""
        ...


@dataclass(frozen=True)
class CroppedCorrespondence:
    """That of a padded picture, for the picture without its padding.

    Attributes:
        padded: the correspondence, which has no source in the padding.
        below: rows that were added below.
        right: columns that were added at the right.
    """

    padded: Correspondence
    below: int
    right: int

    def source_map(self) -> Tensor:
        """See :class:`Correspondence`."""
        found = self.padded.source_map()
        return found[..., : found.shape[2] - self.below, : found.shape[3] - self.right]

    def transfer(self, values: Tensor, scale: int = 1) -> Tensor:
        """See :class:`Correspondence`."""
        height, width = values.shape[2:]
        margins = (0, self.right * scale, 0, self.below * scale)
        carried = self.padded.transfer(F.pad(values, margins, mode="replicate"), scale)
        return carried[..., :height, :width]


def crop_correspondence(found: Correspondence, below: int, right: int) -> Correspondence:
    """The correspondence of a picture to which so many rows and columns were added, without them."""
    return CroppedCorrespondence(found, below, right) if below or right else found


@dataclass(frozen=True)
class Fill:
    """What a model returns.

    Attributes:
        image: ``B×3×H×W`` in [0, 1]; known pixels are those of the input, bit for bit.
        confidence: ``B×1×H×W`` in [0, 1], 1 on known pixels; None if the model has none.
        correspondence: where the fill was taken from; None if the model is one that borrows nothing.
        levels: where a model that borrows at several resolutions did so at each, coarse to fine; the last
            is ``correspondence``. Empty for other models.
    """

    image: Tensor
    confidence: Tensor | None = None
    correspondence: Correspondence | None = None
    levels: tuple[Correspondence, ...] = ()


def check_pair(image: Tensor, mask: Tensor) -> None:
    """Raise :class:`RetouchError` unless image and mask keep the contract of this module."""
    if image.ndim != 4 or image.shape[1] != 3:
        raise RetouchError(f"The image must be a B×3×H×W tensor, not {tuple(image.shape)}.")
    if mask.ndim != 4 or mask.shape[1] != 1:
        raise RetouchError(f"The mask must be a B×1×H×W tensor, not {tuple(mask.shape)}.")
    if image.shape[0] != mask.shape[0] or image.shape[2:] != mask.shape[2:]:
        raise RetouchError(
            f"Image {tuple(image.shape)} and mask {tuple(mask.shape)} must agree in batch, height and width."
        )
    if 0 in image.shape:
        raise RetouchError(f"The image is empty: {tuple(image.shape)}.")
    if image.dtype != torch.float32:
        raise RetouchError(f"The image must be float32, not {image.dtype}.")
    low, high = (float(bound) for bound in torch.aminmax(image.detach()))
    if not (low >= 0.0 and high <= 1.0):  # also false for NaN
        raise RetouchError(f"The image must lie in [0, 1]; it holds values from {low:g} to {high:g}.")
    if bool(((mask != 0) & (mask != 1)).any()):
        raise RetouchError("The mask must hold only 0 (keep) and 1 (fill).")
    if bool((mask != 0).flatten(1).all(dim=1).any()):
        raise RetouchError("The mask covers the whole image; leave some of it known to fill from.")


class Model(ABC):
    """An inpainting model: call it with an image and a mask.

    A subclass sets ``name`` and ``size`` and writes :meth:`infer`; checking, padding, cropping and the
    promise about known pixels are kept here, in one place, for all of them.

    Attributes:
        name: as users write it.
        size: what it needs of height and width.
        working_size: the longest side, in pixels, at which it fills well; of a larger picture it should be
            shown a smaller copy.
        device: where it runs.
    """

    name: ClassVar[str]
    size: ClassVar[SizeRequirements] = SizeRequirements()
    working_size: int = 512
    device: torch.device = torch.device("cpu")

    @abstractmethod
    def infer(
        self, image: Tensor, mask: Tensor, allowed: Tensor, *, seed: int, on_progress: OnProgress
    ) -> Fill:
        """Fill the holes of a checked and padded pair.

        Args:
            image: ``B×3×H×W`` in [0, 1]; grey (0.5) inside the hole, so that no model can look at it.
            mask: ``B×1×H×W``, 1 = hole; at least one item of the batch has a hole.
            allowed: ``B×1×H×W``, 1 where the model may borrow from; 0 wherever ``mask`` is 1.
            seed: the one source of randomness.
            on_progress: told how far the work has come.
        """

    def __call__(
        self,
        image: Tensor,
        mask: Tensor,
        *,
        allowed: Tensor | None = None,
        seed: int = 0,
        on_progress: OnProgress | None = None,
    ) -> Fill:
        """Fill the holes of ``image``.

        Args:
            image: ``B×3×H×W`` float32 in [0, 1].
            mask: ``B×1×H×W`` of zeros and ones, 1 = fill this.
            allowed: ``B×1×H×W``, 1 where the model may borrow from (all known pixels when None).
            seed: the same seed gives the same fill on the same device.
            on_progress: called with :class:`Progress` as the work goes on.

        Raises:
            RetouchError: the pair breaks the contract, or nothing is left to borrow from.
        """
        check_pair(image, mask)
        mask = mask.to(image.dtype)
        if allowed is None:
            allowed = 1 - mask
        else:
            if allowed.shape != mask.shape:
                raise RetouchError(
                    f"The map of allowed sources {tuple(allowed.shape)} must have "
                    f"the mask's shape {tuple(mask.shape)}."
                )
            allowed = (allowed > 0.5).to(mask) * (1 - mask)
        if not bool(mask.any()):
            return Fill(image.clone(), torch.ones_like(mask), None)
        if bool(((allowed.flatten(1).amax(1) == 0) & (mask.flatten(1).amax(1) == 1)).any()):
            raise RetouchError("No known pixel is left to borrow from; allow some of the known area.")

        height, width = image.shape[2:]
        below, right = self.size.padding(height, width)
        hidden = torch.where(mask > 0, 0.5, image)
        inputs = [hidden, mask, allowed]
        if below or right:
            # Beside a hole the padding is hole too, elsewhere known; nothing is borrowed from it.
            margins = (0, right, 0, below)
            inputs = [F.pad(each, margins, mode="replicate") for each in (hidden, mask)]
            inputs.append(F.pad(allowed, margins))
        fill = self.infer(*inputs, seed=seed, on_progress=on_progress or (lambda _: None))
        filled = fill.image[..., :height, :width].clamp(0, 1)
        confidence = fill.confidence
        if confidence is not None:
            confidence = torch.where(mask > 0, confidence[..., :height, :width].clamp(0, 1), 1.0)
        found = fill.correspondence
        return Fill(
            torch.where(mask > 0, filled, image),
            confidence,
            None if found is None else crop_correspondence(found, below, right),
            tuple(crop_correspondence(each, below, right) for each in fill.levels),
        )

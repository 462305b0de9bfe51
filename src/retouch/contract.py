"""The contract of every model: ranges, shapes and the meaning of a mask, written once.

Image: float32 sRGB in [0, 1], ``B×3×H×W``. Mask: ``B×1×H×W`` of zeros and ones, **1 = fill this**.
Known pixels (mask 0) come back bit-identical. A paper's own conventions (a [-1, 1] range, an inverted
mask) stay inside that model's files.

A model that needs no torch is an :class:`ArrayModel`. It works on one numpy picture, ``H×W×3``, with bool
masks. This module imports torch only inside the functions that handle tensors, so that such a model can be
used without it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, ClassVar, Protocol

from retouch.errors import RetouchError

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray
    from torch import Tensor


@dataclass(frozen=True)
class Progress:
    """How far the work has come: ``done`` of ``total`` steps of a stage.

    Pictures are computed only when they are asked for. Ask inside the callback: a picture requested later
    may show a later state.

    Attributes:
        stage: what is being done: "fill", "upsample" or "blend" while a photo is filled.
        done: steps that are done.
        total: steps of the whole stage.
        detail: a few words on the present step; may be empty.
        image: set by a model that improves its fill step by step. Renders the present state as
            ``1×3×h×w`` (or ``B×3×h×w``) in [0, 1]. ``h×w`` may be a coarser resolution of the model's input.
            Only its hole counts.
        preview: set while a photo is filled. Renders a window of the photo as it looks now, ``h×w×3`` float32
            sRGB in [0, 1].
        place: the rows and columns of the photo that ``preview`` shows.
    """

    stage: str
    done: int
    total: int
    detail: str = ""
    image: Callable[[], Tensor] | None = field(default=None, repr=False, compare=False)
    preview: Callable[[], NDArray[np.float32]] | None = field(default=None, repr=False, compare=False)
    place: tuple[slice, slice] | None = field(default=None, repr=False, compare=False)


OnProgress = Callable[[Progress], None]


class Stop(RetouchError):
    """A progress callback raises this to end the work early.

    A model that improves step by step catches it and returns the best fill so far. Every other model lets it
    pass: there is no fill to return, and the caller gets this exception, which is a
    :class:`~retouch.errors.RetouchError` like any other. Nothing is written then.
    """

    def __init__(self, message: str = "The work was stopped before it was done; start it again.") -> None:
        super().__init__(message)


@dataclass(frozen=True)
class SizeRequirements:
    """The heights and widths a model accepts. :class:`Model` pads its input to them and crops the result."""

    multiple_of: int = 1
    minimum: int = 1

    def padding(self, height: int, width: int) -> tuple[int, int]:
        """Rows to add at the bottom and columns to add at the right, in pixels."""

        def missing(length: int) -> int:
            wanted = max(length, self.minimum)
            return -(-wanted // self.multiple_of) * self.multiple_of - length

        return missing(height), missing(width)


class Correspondence(Protocol):
    """Where a fill was taken from: for each pixel of the hole, its source in the known area."""

    def source_map(self) -> Tensor:
        """Row and column each pixel was taken from, ``B×2×H×W`` int64; -1 where nothing was borrowed.

        Where several sources were mixed, this is the one with the greatest weight.
        """
        ...

    def transfer(self, values: Tensor, scale: int = 1) -> Tensor:
        """Copy ``values`` (``B×C×(H·scale)×(W·scale)``) from the sources into the hole."""
        ...


@dataclass(frozen=True)
class CroppedCorrespondence:
    """The correspondence of a padded picture, cropped to the picture without its padding.

    Attributes:
        padded: the correspondence of the padded picture. It has no source in the padding.
        below: rows that were added at the bottom.
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
        from torch.nn import functional as F

        height, width = values.shape[2:]
        margins = (0, self.right * scale, 0, self.below * scale)
        carried = self.padded.transfer(F.pad(values, margins, mode="replicate"), scale)
        return carried[..., :height, :width]


def crop_correspondence(found: Correspondence, below: int, right: int) -> Correspondence:
    """Undo a padding: crop ``below`` rows and ``right`` columns from a correspondence."""
    return CroppedCorrespondence(found, below, right) if below or right else found


@dataclass(frozen=True)
class Fill:
    """What a model returns.

    Attributes:
        image: ``B×3×H×W`` in [0, 1]; known pixels are those of the input, bit for bit.
        confidence: ``B×1×H×W`` in [0, 1], 1 on known pixels; None if the model has none.
        correspondence: where the fill was taken from; None if the model borrows nothing.
        levels: the correspondence at each resolution, coarse to fine, of a model that borrows at several. The
            last one is ``correspondence``. Empty for other models.
    """

    image: Tensor
    confidence: Tensor | None = None
    correspondence: Correspondence | None = None
    levels: tuple[Correspondence, ...] = ()


def check_pair(image: Tensor, mask: Tensor) -> None:
    """Raise :class:`RetouchError` unless image and mask keep the contract of this module."""
    import torch

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

    A subclass sets ``name`` and ``size`` and implements :meth:`infer`. Checking, padding, cropping and the
    promise about known pixels live here, in one place, for all models.

    Attributes:
        name: the name that users write.
        size: the heights and widths it accepts.
        working_size: the longest side, in pixels, that it fills well. Show it a smaller copy of anything
            larger.
    """

    name: ClassVar[str]
    size: ClassVar[SizeRequirements] = SizeRequirements()
    working_size: int = 512

    @cached_property
    def device(self) -> torch.device:
        """Where the model runs: the CPU unless somebody sets this attribute."""
        import torch

        return torch.device("cpu")

    @abstractmethod
    def infer(
        self, image: Tensor, mask: Tensor, allowed: Tensor, *, seed: int, on_progress: OnProgress
    ) -> Fill:
        """Fill the holes of a checked and padded pair.

        Args:
            image: ``B×3×H×W`` in [0, 1]; grey (0.5) inside the hole, so that no model can look at it.
            mask: ``B×1×H×W``, 1 = hole; at least one item of the batch has a hole.
            allowed: ``B×1×H×W``, 1 where the model may borrow from; 0 wherever ``mask`` is 1.
            seed: the only source of randomness.
            on_progress: called as the work goes on; it may raise :class:`Stop`.
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
            on_progress: called with :class:`Progress` as the work goes on. It may raise :class:`Stop`.

        Raises:
            RetouchError: the pair breaks the contract, or nothing is left to borrow from; or
                ``on_progress`` raised :class:`Stop`, and the model has no fill to give yet.
        """
        import torch
        from torch.nn import functional as F

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
            # Next to a hole the padding is hole too; elsewhere it is known. Nothing is borrowed from it.
            margins = (0, right, 0, below)
            inputs = [F.pad(each, margins, mode="replicate") for each in (hidden, mask)]
            inputs.append(F.pad(allowed, margins))

        def report(progress: Progress) -> None:
            if on_progress is not None:
                if progress.image is not None:
                    whole = partial(_unpadded, progress.image, (height, width), (below, right))
                    progress = replace(progress, image=whole)
                on_progress(progress)

        fill = self.infer(*inputs, seed=seed, on_progress=report)
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


class ArrayModel(Model):
    """A model that works on one numpy picture and needs no torch.

    It accepts pictures of any size, runs on the CPU, and has neither confidence nor correspondence.
    A subclass implements :meth:`fill_array`; calling the model with tensors works too.
    """

    @abstractmethod
    def fill_array(
        self, image: NDArray[np.float32], hole: NDArray[np.bool_], allowed: NDArray[np.bool_], *, seed: int
    ) -> NDArray[np.float32]:
        """Fill the hole of one picture.

        Args:
            image: ``H×W×3`` sRGB in [0, 1]. The model must not look into its hole, nor change it.
            hole: ``H×W``, True = fill this.
            allowed: ``H×W``, True where the model may borrow from; False in the hole.
            seed: the only source of randomness.

        Returns:
            ``H×W×3`` in [0, 1]. Only its hole is used.
        """

    def infer(
        self, image: Tensor, mask: Tensor, allowed: Tensor, *, seed: int, on_progress: OnProgress
    ) -> Fill:
        """Fill each item of the batch with :meth:`fill_array`."""
        import torch

        filled = torch.empty_like(image)
        for item in range(len(image)):
            picture = image[item].detach().permute(1, 2, 0).cpu().numpy()
            hole, usable = (each[item, 0].cpu().numpy() > 0 for each in (mask, allowed))
            made = self.fill_array(picture, hole, usable, seed=seed)
            filled[item] = torch.from_numpy(made).permute(2, 0, 1).to(image)
            on_progress(Progress("fill", item + 1, len(image)))
        return Fill(filled)


def _unpadded(render: Callable[[], Tensor], size: tuple[int, int], padding: tuple[int, int]) -> Tensor:
    """Bring a model's intermediate picture to the size of its padded input, and crop the padding."""
    from torch.nn import functional as F

    image = render()
    padded = (size[0] + padding[0], size[1] + padding[1])
    if image.shape[2:] != padded:
        image = F.interpolate(image, size=padded, mode="bilinear", align_corners=False)
    return image[..., : size[0], : size[1]].clamp(0, 1)

"""Models that work on tensors, and what all models share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, ClassVar, Literal

from retouch.contract.correspondence import Correspondence, crop_correspondence
from retouch.contract.progress import OnProgress, Progress
from retouch.errors import RetouchError

if TYPE_CHECKING:
    import torch
    from torch import Tensor


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
        context: the known area, in pixels on each side, that suffices it for the smallest hole.
        fills_by: how it makes a fill. "painting" invents colours; "copying" puts it together from patches,
            and needs some that are known as a whole; "continuing" goes on with what lies around the hole, and
            meets it by itself.
        concurrent: whether several threads may fill with it at the same time.
        by_network: whether a trained network takes part in its fills, which files must say
            (:mod:`retouch.imaging.provenance`). :func:`retouch.load` sets it by what the name means.
    """

    name: ClassVar[str]
    size: ClassVar[SizeRequirements] = SizeRequirements()
    working_size: int = 512
    context: int = 64
    by_network: bool = True
    fills_by: Literal["painting", "copying", "continuing"] = "painting"
    concurrent: bool = False

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

    def replaced(self, other: Model) -> Model:
        """Return ``other``, which fills a hole in this model's place, with what this one adds to a fill."""
        return other

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


def _unpadded(render: Callable[[], Tensor], size: tuple[int, int], padding: tuple[int, int]) -> Tensor:
    """Bring a model's intermediate picture to the size of its padded input, and crop the padding."""
    from torch.nn import functional as F

    image = render()
    padded = (size[0] + padding[0], size[1] + padding[1])
    if image.shape[2:] != padded:
        image = F.interpolate(image, size=padded, mode="bilinear", align_corners=False)
    return image[..., : size[0], : size[1]].clamp(0, 1)

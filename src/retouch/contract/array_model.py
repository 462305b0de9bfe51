"""Models that work on numpy arrays."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from retouch.contract.correspondence import SourceMap
from retouch.contract.model import Fill, Model
from retouch.contract.progress import OnProgress, Progress

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

_STEPS = 100  # of progress for each item of a batch: items may differ in their number of steps


@dataclass(frozen=True)
class ArrayFill:
    """What a model that works on arrays returns.

    Attributes:
        image: ``H×W×3`` in [0, 1]. Only its hole is used.
        sources: ``H×W×2``, row and column that each pixel of the hole was taken from, -1 where nothing was
            borrowed. Only the hole is used. None if the model borrows nothing.
        confidence: ``H×W`` in [0, 1]. Only its hole is used. None if nobody judged the fill.
    """

    image: NDArray[np.float32]
    sources: NDArray[np.int32] | None = None
    confidence: NDArray[np.float32] | None = None


class ArrayModel(Model):
    """A model that works on one numpy picture and needs no torch.

    It accepts pictures of any size, runs on the CPU, and has no confidence of its own.
    A subclass implements :meth:`fill_array`; calling the model with tensors works too.
    """

    by_network = False

    @abstractmethod
    def fill_array(
        self,
        image: NDArray[np.float32],
        hole: NDArray[np.bool_],
        allowed: NDArray[np.bool_],
        *,
        seed: int,
        on_progress: OnProgress,
    ) -> ArrayFill:
        """Fill the hole of one picture.

        Args:
            image: ``H×W×3`` in [0, 1], of any encoding. The model must not look into its hole, nor change it.
            hole: ``H×W``, True = fill this.
            allowed: ``H×W``, True where the model may borrow from; False in the hole.
            seed: the only source of randomness.
            on_progress: called before the work begins, and as it goes on; it may raise
                :class:`~retouch.contract.Stop`. Pictures of the present state go into ``picture``.
        """

    def infer(
        self, image: Tensor, mask: Tensor, allowed: Tensor, *, seed: int, on_progress: OnProgress
    ) -> Fill:
        """Fill each item of the batch with :meth:`fill_array`."""
        import torch

        filled = torch.empty_like(image)
        sources = torch.full((len(image), 2, *image.shape[2:]), -1, dtype=torch.long, device=image.device)
        confidence = torch.ones_like(mask, dtype=image.dtype)
        borrowed = sure = False
        for item in range(len(image)):
            picture = image[item].detach().permute(1, 2, 0).cpu().numpy()
            hole, usable = (each[item, 0].cpu().numpy() > 0 for each in (mask, allowed))
            if not hole.any():  # of a batch, some items may have none
                filled[item] = image[item]
                continue

            def report(progress: Progress, item: int = item) -> None:
                done = _STEPS * item + _STEPS * progress.done // max(1, progress.total)
                render = None if progress.picture is None else partial(_tensor, progress.picture, image)
                on_progress(
                    replace(progress, done=done, total=_STEPS * len(image), image=render, picture=None)
                )

            made = self.fill_array(picture, hole, usable, seed=seed, on_progress=report)
            filled[item] = torch.from_numpy(made.image).permute(2, 0, 1).to(image)
            if made.sources is not None:
                borrowed = True
                found = torch.from_numpy(made.sources).permute(2, 0, 1).to(sources)
                sources[item] = torch.where(mask[item] > 0, found, -1)
            if made.confidence is not None:
                sure = True
                confidence[item, 0] = torch.from_numpy(made.confidence).to(confidence)
        return Fill(filled, confidence if sure else None, SourceMap(sources) if borrowed else None)


class LineModel(ArrayModel):
    """A model that can let lines go on through the hole: cables, rails, horizons."""

    @abstractmethod
    def fill_array(
        self,
        image: NDArray[np.float32],
        hole: NDArray[np.bool_],
        allowed: NDArray[np.bool_],
        *,
        seed: int,
        on_progress: OnProgress,
        lines: NDArray[np.bool_] | None = None,
    ) -> ArrayFill:
        """Fill the hole of one picture.

        Args:
            image: as in :meth:`ArrayModel.fill_array`, and so are the next four.
            hole: see there.
            allowed: see there.
            seed: see there.
            on_progress: see there.
            lines: ``H×W``, True on lines that go on through the hole: somewhere in it, and somewhere that is
                allowed. None if there are none.
        """


def _tensor(render: Callable[[], NDArray[np.float32]], like: Tensor) -> Tensor:
    """Render a picture ``h×w×3`` as ``1×3×h×w``."""
    import torch

    return torch.from_numpy(render()).permute(2, 0, 1)[None].to(like)

"""Progress of Neural Patch Synthesis by scale and step, and stopping between steps."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from retouch.contract import OnProgress, Progress, Stop
from retouch.ops.resize import enlarge


class Report:
    """Counts rounds and computations, and remembers whether the listener asked to stop.

    Attributes:
        stopped: whether the listener asked to stop; the work then ends with the best so far.
    """

    def __init__(self, listen: OnProgress, total: int, size: tuple[int, int]) -> None:
        """Report ``total`` steps to ``listen``. ``size`` is the height and width of the input."""
        self._listen = listen
        self._total = total
        self._size = size
        self._done, self._end, self._scale, self._factor = 0, 0, "", 1
        self.stopped = False

    def content(self, progress: Progress) -> None:
        """Pass on the content's progress; a stop takes effect once there is something to give."""
        image = progress.image
        if image is None and progress.preview is not None:  # the content is filled small
            image = partial(_as_tensor, progress.preview)
        self._tell(Progress("content", 0, self._total, image=image))

    def begin(self, scale: str, steps: int, factor: int = 1) -> None:
        """Begin a scale of so many steps, at a resolution smaller by ``factor``."""
        self._scale, self._end, self._factor = scale, self._done + steps, factor

    def step(self, what: str, image: Callable[[], Tensor]) -> bool:
        """Count one step.

        L-BFGS may need a few more steps than it was given.

        Args:
            what: what was done.
            image: renders the scale's picture, ``1×3×h×w``, padded at the bottom and right. It is only called
                if the listener asks for the picture.

        Returns:
            Whether to stop.
        """
        self._done = min(self._done + 1, self._end)
        shown = partial(self._full, image, self._factor)
        self._tell(Progress(f"{what} {self._scale}", self._done, self._total, image=shown))
        return self.stopped

    def end(self) -> None:
        """End the scale, however many steps it needed."""
        if self._done < self._end:
            self._done = self._end
            self._tell(Progress(self._scale, self._done, self._total))

    def _full(self, image: Callable[[], Tensor], factor: int) -> Tensor:
        """Bring a scale's picture to the size of the input."""
        height, width = self._size
        return enlarge(image(), factor)[..., :height, :width]

    def _tell(self, progress: Progress) -> None:
        if self.stopped:
            return
        try:
            self._listen(progress)
        except Stop:
            self.stopped = True


def _as_tensor(preview: Callable[[], NDArray[np.float32]]) -> Tensor:
    return torch.from_numpy(preview()).permute(2, 0, 1)[None]

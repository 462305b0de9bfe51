"""Give any model confidence, and let it fill in passes, as in Zeng et al. (ECCV 2020, section 3.1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from retouch.confidence.head import ConfidenceHead, open_head
from retouch.confidence.passes import fill_in_passes
from retouch.contract import ArrayFill, ArrayModel, Fill, Model, OnProgress, Progress, Stop
from retouch.errors import RetouchError
from retouch.options import make_options

MOST = 8
"""The greatest number of passes."""


@dataclass(frozen=True)
class PassesOptions:
    """How a model fills in passes.

    Attributes:
        passes: the most passes, from 1 to 8; 1 only adds the confidence.
        threshold: pixels with a confidence above this, from 0 to 1, are known to the next pass.
    """

    passes: int = 2
    threshold: float = 0.5

    def __post_init__(self) -> None:
        if not 1 <= self.passes <= MOST:
            raise RetouchError(f"Passes must be from 1 to {MOST}, not {self.passes}.")
        if not 0 <= self.threshold <= 1:
            raise RetouchError(f"The threshold of confidence must be from 0 to 1, not {self.threshold}.")


class ConfidenceAround(Model):
    """Another model, with confidence, and with filling in passes if the options ask for it.

    Deviation from the paper: by default there is only one pass. The paper's generator was trained to fill in
    passes; for models that were not, more passes either made the fill worse by ST-LPIPS or changed nothing.

    If the inner model has its own confidence, that is used instead of the head's. When a listener raises
    :class:`~retouch.contract.Stop` in a later pass, the result is that of the earlier passes.
    """

    def __init__(self, model: Model, head: ConfidenceHead, options: PassesOptions | None = None) -> None:
        """Build it.

        Args:
            model: the inner model; name, sizes and device are taken from it.
            head: judges its fills; must be on the model's device.
            options: passes and threshold; one pass when None.
        """
        self.model, self.head, self.options = model, head, options or PassesOptions(passes=1)
        self.device = model.device
        _take_over(self, model)

    def replaced(self, other: Model) -> Model:
        """See :meth:`retouch.contract.Model.replaced`: it is judged, too."""
        return judged(other, self.head)

    def infer(
        self, image: Tensor, mask: Tensor, allowed: Tensor, *, seed: int, on_progress: OnProgress
    ) -> Fill:
        """See :meth:`retouch.contract.Model.infer`."""
        passes = self.options.passes
        before: Fill | None = None
        told = Progress("fill", 0, 0)

        def fill_once(picture: Tensor, left: Tensor, number: int) -> Fill:
            nonlocal before

            def listen(progress: Progress) -> None:
                nonlocal told
                done, total = progress.done + number * progress.total, passes * progress.total
                told = replace(progress, done=done, total=total)
                on_progress(told)

            try:
                # `allowed` is 0 in the whole hole, so nothing is borrowed from earlier passes.
                fill = self.model(picture, left, allowed=allowed, seed=seed, on_progress=listen)
            except Stop:
                if before is None:
                    raise
                return before
            # The head judges the whole hole: the fill of an earlier pass is no truth to compare with.
            confidence = (
                self.head.confidence(fill.image, mask) if fill.confidence is None else fill.confidence
            )
            before = Fill(fill.image, confidence, fill.correspondence, fill.levels)
            return before

        fill = fill_in_passes(fill_once, image, mask, passes=passes, threshold=self.options.threshold)
        if told.done < told.total:  # fewer passes were enough
            on_progress(replace(told, done=told.total))
        return fill


class Judged(ArrayModel):
    """A model that works on arrays, whose fills a head judges and leaves as they are."""

    def __init__(self, model: ArrayModel, head: ConfidenceHead) -> None:
        """Build it.

        Args:
            model: it fills; its name, sizes and needs are taken over.
            head: it judges, on the CPU.
        """
        self.model, self.head = model, head
        _take_over(self, model)

    def replaced(self, other: Model) -> Model:
        """See :meth:`retouch.contract.Model.replaced`: it is judged, too."""
        return judged(other, self.head)

    def fill_array(
        self,
        image: NDArray[np.float32],
        hole: NDArray[np.bool_],
        allowed: NDArray[np.bool_],
        *,
        seed: int,
        on_progress: OnProgress,
    ) -> ArrayFill:
        """See :meth:`retouch.contract.ArrayModel.fill_array`."""
        made = self.model.fill_array(image, hole, allowed, seed=seed, on_progress=on_progress)
        filled = np.where(hole[..., None], made.image, image).clip(0, 1).transpose(2, 0, 1)
        mask = torch.from_numpy(hole)[None, None].float()
        sure = self.head.confidence(torch.from_numpy(np.ascontiguousarray(filled))[None], mask)
        return replace(made, confidence=sure[0, 0].numpy())


def _take_over(wrapper: Model, model: Model) -> None:
    """Let the engine treat a wrapper as the model inside, so that it cuts the same windows."""
    wrapper.name, wrapper.size = model.name, model.size  # type: ignore[misc] # ClassVars elsewhere
    wrapper.working_size, wrapper.context = model.working_size, model.context
    wrapper.fills_by, wrapper.by_network = model.fills_by, model.by_network


def judged(model: Model, head: ConfidenceHead, options: PassesOptions | None = None) -> Model:
    """Wrap a model so that it has confidence; arguments as of :class:`ConfidenceAround`."""
    if isinstance(model, ArrayModel) and (options is None or options.passes == 1):
        return Judged(model, head)
    return ConfidenceAround(model, head, options)


def with_confidence(model: Model) -> Model:
    """Wrap a model so that it has confidence; its fills stay the same."""
    if isinstance(model, ConfidenceAround | Judged):
        return model
    return judged(model, open_head(model.device))


def open_with(model: Model, given: Mapping[str, Any]) -> Model:
    """Wrap a model, with options given by name.

    Besides the options of :class:`PassesOptions` there is "head": the path of exported weights of a
    confidence head, used instead of the head that ships with the package.

    Raises:
        RetouchError: an option is invalid, or the file does not hold a confidence head.
    """
    rest = dict(given)
    file = rest.pop("head", None)
    if file is not None and not isinstance(file, str | Path):
        raise RetouchError(f"The option head takes the path of a file, not {file!r}.")
    options = make_options(PassesOptions, {"passes": 1, **rest}, f"{model.name}+confidence-feedback")
    head = open_head(model.device, None if file is None else Path(file))
    return judged(model, head, options)

"""Any model with confidence, filled in passes as in Zeng et al. (ECCV 2020, section 3.1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from retouch.confidence.head import ConfidenceHead, open_head
from retouch.confidence.passes import fill_in_passes
from retouch.contract import Fill, Model, OnProgress, Progress, Stop
from retouch.errors import RetouchError
from retouch.options import make_options

MOST = 8
"""Passes that may be asked for."""


@dataclass(frozen=True)
class PassesOptions:
    """How a model fills in passes.

    Attributes:
        passes: at most so many, from 1 to 8; 1 = only the confidence is added.
        threshold: pixels of greater confidence are known to the next pass.
    """

    passes: int = 2
    threshold: float = 0.5

    def __post_init__(self) -> None:
        if not 1 <= self.passes <= MOST:
            raise RetouchError(f"Passes must be from 1 to {MOST}, not {self.passes}.")
        if not 0 <= self.threshold <= 1:
            raise RetouchError(f"The threshold of confidence must be from 0 to 1, not {self.threshold}.")


class ConfidenceAround(Model):
    """Another model, with confidence, filled in passes if that is asked for.

    Deviation from the paper, whose generator has learned to fill in passes: without being asked, there is one
    pass alone. More of them made fills of models that have not learned it worse by ST-LPIPS, or changed none.

    If that model has a confidence of its own, it is used instead of the head's. A listener that raises
    :class:`~retouch.contract.Stop` in a later pass gets what the passes before it made.
    """

    def __init__(self, model: Model, head: ConfidenceHead, options: PassesOptions | None = None) -> None:
        """Build it.

        Args:
            model: the one inside; name, sizes and device are its own.
            head: judges its fills; on the model's device.
            options: how it is done.
        """
        self.model, self.head, self.options = model, head, options or PassesOptions(passes=1)
        self.name, self.size = model.name, model.size  # type: ignore[misc] # whose, is known only here
        self.working_size, self.device = model.working_size, model.device

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
                # What was allowed at first has no part in the hole: nothing is borrowed from earlier passes.
                fill = self.model(picture, left, allowed=allowed, seed=seed, on_progress=listen)
            except Stop:
                if before is None:
                    raise
                return before
            # The head judges the whole hole: what an earlier pass put there is no truth to compare with.
            confidence = (
                self.head.confidence(fill.image, mask) if fill.confidence is None else fill.confidence
            )
            before = Fill(fill.image, confidence, fill.correspondence, fill.levels)
            return before

        fill = fill_in_passes(fill_once, image, mask, passes=passes, threshold=self.options.threshold)
        if told.done < told.total:  # fewer passes were enough
            on_progress(replace(told, done=told.total))
        return fill


def with_confidence(model: Model) -> Model:
    """Give a model confidence, if it has none, and leave its fills as they are."""
    if isinstance(model, ConfidenceAround):
        return model
    return ConfidenceAround(model, open_head(model.device))


def open_with(model: Model, given: Mapping[str, Any]) -> ConfidenceAround:
    """Make the model around another one, with options given by name.

    Beside those of :class:`PassesOptions` there is "head": the path of exported weights of a confidence head,
    instead of those of the package.

    Raises:
        RetouchError: an option cannot be, or the file is not what it should be.
    """
    rest = dict(given)
    file = rest.pop("head", None)
    if file is not None and not isinstance(file, str | Path):
        raise RetouchError(f"The option head takes the path of a file, not {file!r}.")
    options = make_options(PassesOptions, {"passes": 1, **rest}, f"{model.name}+confidence-feedback")
    head = open_head(model.device, None if file is None else Path(file))
    return ConfidenceAround(model, head, options)

"""The progress of a photo, made of the progress of its windows, with previews and timings."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial

from retouch.contract import OnProgress, Progress, Stop
from retouch.engine.windows import Window
from retouch.upsampling.crop import Crop, Image

Show = Callable[[Image], Image]
STEPS = 100
"""Steps of progress that one window counts for while its model is at work."""


class Reporter:
    """Tells a listener how far a photo has come; the listener may stop the work.

    Attributes:
        seconds: spent so far, by stage.
    """

    def __init__(self, on_progress: OnProgress | None) -> None:
        """Start the clock; ``on_progress`` is the listener, or None for nobody."""
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._lap = time.perf_counter()
        self._listen = on_progress or (lambda _: None)
        self._total: dict[str, int] = {}
        self._done: dict[str, int] = {}
        self._within = 0
        self._stopped = False
        self._stopped_before = False
        self._window: tuple[Window, Crop, Show] | None = None

    @property
    def stopped(self) -> bool:
        """Whether the listener asked to stop."""
        return self._stopped

    def begin(self, windows: Sequence[Window]) -> None:
        """The holes are found; work on their windows begins."""
        self.spent("windows")
        self._total = {
            "fill": len(windows) * STEPS,
            "upsample": sum(each.scale > 1 for each in windows),
            "blend": len(windows),
        }
        self._done = dict.fromkeys(self._total, 0)
        self._tell("fill", 0)

    def enter(self, window: Window, crop: Crop, show: Show) -> None:
        """A window was cut out of the photo; later previews show it as the sRGB that ``show`` makes of it."""
        self.spent("colour")
        self._window, self._within = (window, crop, show), 0
        self._stopped_before = self._stopped

    def leave(self) -> None:
        """The window was written back to the photo, in the photo's own colours."""
        self.spent("colour")

    def forward(self, progress: Progress) -> None:
        """Pass on the progress of the model at work. Its stages may start anew; the photo's never go back.

        Raises:
            Stop: the listener wants to stop, and the model is not done. A model that can then gives what it
                has, for this window and for the remaining ones, so that the photo is completed.
        """
        if progress.total > 0:
            self._within = max(self._within, progress.done * STEPS // progress.total)
            done = self._done["fill"] + min(self._within, STEPS - 1)
            self._tell("fill", done, "" if progress.stage == "fill" else progress.stage, progress.preview)
        if self._stopped_before or (self._stopped and progress.done < progress.total):
            raise Stop

    def finish(self, stage: str, render: Callable[[], Image]) -> None:
        """A window has finished a stage; ``render`` gives its crop as it is now."""
        self.spent(stage)
        self._done[stage] += STEPS if stage == "fill" else 1
        self._tell(stage, self._done[stage], "", render)

    def spent(self, stage: str) -> None:
        """Count the time since the last call as spent on a stage."""
        now = time.perf_counter()
        self.seconds[stage] += now - self._lap
        self._lap = now

    def _tell(
        self, stage: str, done: int, detail: str = "", render: Callable[[], Image] | None = None
    ) -> None:
        if self._stopped:
            return
        preview, place = None, None
        if render is not None and self._window is not None:
            window, crop, show = self._window
            preview = partial(_preview, window, crop, render, show)
            place = window.box.rows, window.box.columns
        try:
            self._listen(Progress(stage, done, self._total[stage], detail, preview=preview, place=place))
        except Stop:
            self._stopped = True


def _preview(window: Window, crop: Crop, render: Callable[[], Image], show: Show) -> Image:
    """The window with its own holes as they are rendered, and the photo everywhere else."""
    shown = crop.image.copy()
    shown[window.inner][window.hole] = render()[window.inner][window.hole]
    return show(shown)

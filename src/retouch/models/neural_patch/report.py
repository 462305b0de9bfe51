"""Progress of Neural Patch Synthesis by scale and step, and stopping between steps."""

from __future__ import annotations

from retouch.contract import OnProgress, Progress, Stop


class Report:
    """Counts rounds and computations, and remembers whether the listener asked to stop.

    Attributes:
        stopped: whether the listener asked to stop; the work then ends with the best so far.
    """

    def __init__(self, listen: OnProgress, total: int) -> None:
        """Report to ``listen``; there are ``total`` steps in all."""
        self._listen = listen
        self._total = total
        self._done, self._end, self._scale = 0, 0, ""
        self.stopped = False

    def content(self, progress: Progress) -> None:
        """Pass on the content's progress; a stop takes effect once there is something to give."""
        self._tell(Progress("content", 0, self._total))

    def begin(self, scale: str, steps: int) -> None:
        """Begin a scale of so many steps."""
        self._scale, self._end = scale, self._done + steps

    def step(self, what: str) -> bool:
        """Count one step; returns whether to stop. L-BFGS may need a few more steps than it was given."""
        self._done = min(self._done + 1, self._end)
        self._tell(Progress(f"{what} {self._scale}", self._done, self._total))
        return self.stopped

    def end(self) -> None:
        """End the scale, however many steps it needed."""
        if self._done < self._end:
            self._done = self._end
            self._tell(Progress(self._scale, self._done, self._total))

    def _tell(self, progress: Progress) -> None:
        if self.stopped:
            return
        try:
            self._listen(progress)
        except Stop:
            self.stopped = True

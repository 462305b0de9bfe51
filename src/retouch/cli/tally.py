"""What ``retouch batch`` says: how far it is, and in the end what failed."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from retouch.batching.running import Outcome
from retouch.cli.terminal import on_a_line

_EVERY = 60.0  # seconds between two lines where there is no terminal
_SHOWN = 50  # failures, and photos without a mask, that are named; the journal has all
_TITLES = {
    "filled": "filled",
    "done": "done before",
    "failed": "failed",
    "unmasked": "without a mask",
}
_OF_SCANS = {"filled": "restored", "unmasked": "without their mask or infrared scan"}


class Tally:
    """Counts outcomes, and shows them.

    Args:
        total: how many photos there are; None if nobody knows.
        quiet: show nothing but what went wrong.
        scans: whether the photos are scans to restore.
    """

    def __init__(self, total: int | None, *, quiet: bool, scans: bool = False) -> None:
        self._total, self._quiet = total, quiet
        self._titles = _TITLES | (_OF_SCANS if scans else {})
        self._counts: Counter[str] = Counter()
        self._wrong: dict[str, list[Outcome]] = {"failed": [], "unmasked": []}
        self._started = self._told = time.monotonic()

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Show a bar while it goes on, if there is a terminal to show it on."""
        if self._quiet or not sys.stderr.isatty():
            yield
            return
        from rich import progress
        from rich.console import Console

        columns = (progress.BarColumn(), progress.TextColumn("{task.description}"))
        with progress.Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            self._bar, self._task = bar, bar.add_task(self._line(), total=self._total)
            yield

    def count(self, outcome: Outcome) -> None:
        """Count what became of a photo."""
        self._counts[outcome.outcome] += 1
        if outcome.outcome in self._wrong:
            self._wrong[outcome.outcome].append(outcome)
        if self._quiet:
            return
        if hasattr(self, "_bar"):
            self._bar.update(self._task, completed=self._counts.total(), description=self._line())
        elif time.monotonic() - self._told >= _EVERY:
            self._told = time.monotonic()
            typer.echo(self._line(), err=True)

    def report(self) -> int:
        """Print what was done and what went wrong; returns the exit code."""
        for key, found in self._wrong.items():
            if found:
                typer.echo(f"{len(found):,} {self._titles[key]}:", err=True)
            for each in found[:_SHOWN]:
                typer.echo(on_a_line(f"  {each.photo}: {each.error}"), err=True)
            if len(found) > _SHOWN:
                typer.echo(f"  and {len(found) - _SHOWN:,} more; --dry-run lists all of them", err=True)
        if not self._quiet:
            typer.echo(self._line(), err=True)
        return 1 if any(self._wrong.values()) else 0

    def _line(self) -> str:
        seconds = time.monotonic() - self._started
        done, filled = self._counts.total(), self._counts["filled"]
        parts = [f"{done:,} photos" if self._total is None else f"{done:,} of {self._total:,} photos"]
        parts += [
            f"{self._counts[key]:,} {title}" for key, title in self._titles.items() if self._counts[key]
        ]
        if filled and self._total is not None:
            parts.append(f"{60 * filled / seconds:.1f} a minute")
            if done < self._total:
                parts.append(f"{_clock((self._total - done) * seconds / filled)} left")
        return ", ".join(parts)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"

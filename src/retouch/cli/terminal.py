"""What the commands share: plain errors, pipes and the progress bar."""

from __future__ import annotations

import errno
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

import typer

from retouch.errors import RetouchError, missing_extra

if TYPE_CHECKING:
    from types import FrameType

    from rich.progress import TaskID

    from retouch.contract import Progress

PIPE = "-"
_CONTROLS = {each: repr(chr(each))[1:-1] for each in (*range(32), *range(127, 160))}


def on_a_line(text: str) -> str:
    """Escape what a name may hold and a line must not: line ends, tabs, commands for the terminal."""
    return text.translate(_CONTROLS)


@contextmanager
def plain_errors() -> Iterator[None]:
    """Print a mistake that the user can correct as one sentence and exit with 2; exit with 130 on Ctrl-C."""
    try:
        yield
    except RetouchError as error:
        typer.echo(f"retouch: {error}", err=True)
        raise SystemExit(2) from error
    except OSError as error:  # what no closer place told better
        if error.filename is not None and error.strerror is not None:
            named = on_a_line(os.fsdecode(error.filename))
            told = f"{named} cannot be used ({error.strerror}); check it, and who may use it."
        elif error.errno == errno.ENOSPC:  # help and lists, which are not written by say
            sys.stdout = None  # or it fails once more when Python exits
            told = (
                f"There is no room for what is to be written ({error.strerror}); redirect it, or make room."
            )
        else:
            raise
        typer.echo(f"retouch: {told}", err=True)
        raise SystemExit(2) from error
    except (KeyboardInterrupt, typer.Abort) as interrupt:  # a prompt tells of Ctrl-C and Ctrl-D so
        typer.echo("retouch: interrupted", err=True)
        raise SystemExit(130) from interrupt


def check_installed(extra: str, *modules: str) -> None:
    """Raise :class:`RetouchError` if a module that an extra brings is not installed."""
    for module in modules:
        if find_spec(module) is None:
            raise missing_extra(extra, module)


def read_pipe(what: str) -> bytes:
    """Return all of standard input; error messages call it ``what`` ("photo", "mask")."""
    if sys.stdin is None or sys.stdin.isatty():  # None: who started this one closed it
        raise RetouchError(f"Nothing is piped in, so there is no {what} to read; give a file instead of -.")
    content = sys.stdin.buffer.read()
    if not content:
        raise RetouchError(f"The pipe that should bring the {what} is empty; check what writes to it.")
    return content


def check_pipe() -> None:
    """Raise :class:`RetouchError` if standard output is a terminal, or closed."""
    _check_open()
    if sys.stdout.isatty():
        raise RetouchError("A photo is not written to a terminal; redirect it or name a file with -o.")


def write_pipe(content: bytes) -> None:
    """Write all of ``content``, a photo, to standard output."""
    with _whole("the whole photo was written to it"):
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()


def say(text: str | bytes) -> None:
    """Print what a command was called for, such as JSON, to standard output."""
    with _whole("all of it was written"):
        typer.echo(text)


@contextmanager
def _whole(what: str) -> Iterator[None]:
    """Turn what fails on standard output into sentences; ``what`` says what a closed pipe came before."""
    _check_open()
    try:
        yield
    except OSError as error:
        # Python flushes once more when it exits. That would fail too, and print a traceback.
        sys.stdout = None
        if isinstance(error, BrokenPipeError):
            raise RetouchError(f"The pipe was closed before {what}; check what reads from it.") from error
        raise RetouchError(
            f"Standard output cannot be written to ({error.strerror}); redirect it to another place."
        ) from error


def _check_open() -> None:
    if sys.stdout is None:
        raise RetouchError(
            "Standard output is closed, so nothing can be written to it; redirect it to a file."
        )


@contextmanager
def progress_bar(*, quiet: bool) -> Iterator[Callable[[Progress], None] | None]:
    """Show a bar for each stage on a terminal; yields the listener, or None if nothing is shown."""
    if quiet or sys.stderr is None or not sys.stderr.isatty():
        yield None
        return
    from rich import progress
    from rich.console import Console

    columns = (
        progress.TextColumn("{task.description:>9}"),
        progress.BarColumn(),
        progress.TaskProgressColumn(),
        progress.TimeElapsedColumn(),
        progress.TextColumn("{task.fields[detail]}"),
    )
    with progress.Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        tasks: dict[str, TaskID] = {}

        def listen(step: Progress) -> None:
            if step.stage not in tasks:
                tasks[step.stage] = bar.add_task(step.stage, detail="")
            bar.update(tasks[step.stage], completed=step.done, total=step.total, detail=step.detail)

        yield listen


def progress_line(step: Progress) -> None:
    """Print one step as a line of JSON on standard error, for the program that started this one.

    Raises:
        RetouchError: nobody reads any more; what that program wanted is not wanted any longer.
    """
    if sys.stderr is None:  # it was closed; print would take standard output, where the photo may go
        return
    told = {"stage": step.stage, "done": step.done, "total": step.total, "detail": step.detail}
    try:
        print(json.dumps(told), file=sys.stderr, flush=True)
    except BrokenPipeError as error:
        sys.stderr = None
        raise RetouchError("The program that wanted this fill has ended; start it again.") from error


@contextmanager
def good_enough(
    listen: Callable[[Progress], None] | None, stoppable: bool, quiet: bool
) -> Iterator[Callable[[Progress], None] | None]:
    """Let the first Ctrl-C finish with the fill so far, and the second one give up.

    Args:
        listen: called with the progress; None = nobody is.
        stoppable: whether the model improves its fill step by step. For other models Ctrl-C gives up at once.
        quiet: print nothing.

    Yields:
        The function to call with the progress, None if there is none.
    """
    # The program that started this one may have set Ctrl-C to be ignored. That stays so.
    if not stoppable or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield listen
        return
    from retouch.contract import Stop

    wanted = False

    def interrupt(number: int, frame: FrameType | None) -> None:
        nonlocal wanted
        if wanted:
            raise KeyboardInterrupt
        wanted = True

    def on_progress(step: Progress) -> None:
        if listen is not None:
            listen(step)
        if wanted:
            if not quiet:
                typer.echo("retouch: finishing early with the best fill; Ctrl-C again gives up", err=True)
            raise Stop

    signal.signal(signal.SIGINT, interrupt)
    try:
        yield on_progress
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)

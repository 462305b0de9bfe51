"""``retouch restore``: find the damage of an old or scanned photo, and mend only that."""

from __future__ import annotations

import shlex
import time
from types import SimpleNamespace
from typing import Annotated

import typer

import retouch
from retouch.api.restoring import DEFAULTS
from retouch.cli.common import AllowHuge, Quiet, ResizeMask, TrustMask
from retouch.cli.files import report as say_written
from retouch.cli.find import counted
from retouch.cli.terminal import PIPE, plain_errors, progress_bar
from retouch.errors import RetouchError
from retouch.finding import SENSITIVITY

default = SimpleNamespace(**DEFAULTS, mask=None)


def restore(
    context: typer.Context,
    photo: Annotated[str, typer.Argument(metavar="SCAN", help="The scan; it is never changed.")],
    mask: Annotated[
        str | None,
        typer.Option(
            "--mask", "-m", metavar="MASK", help="White = mend this, instead of what would be found."
        ),
    ] = default.mask,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="OUT",
            help="The file or folder to write to. Left out: the scan's folder. In a folder, the file is "
            "called <stem>-restored<ext>.",
        ),
    ] = default.output,
    sensitivity: Annotated[
        float | None,
        typer.Option(
            metavar="0..1",
            help=f"0 mends only what is certain, 1 whatever might be damage; {SENSITIVITY} if left out.",
        ),
    ] = default.sensitivity,
    protect: Annotated[
        str | None, typer.Option(metavar="MASK", help="White = nothing is mended there.")
    ] = default.protect,
    resize_mask: ResizeMask = default.resize_mask,
    trust_mask: TrustMask = default.trust_mask,
    infrared: Annotated[
        str | None,
        typer.Option(
            metavar="SCAN",
            help="The infrared scan of the frame, in which dust is dark: it says what is damage. The scan's "
            "own name means its fourth channel.",
        ),
    ] = default.infrared,
    dilate: Annotated[
        int, typer.Option(metavar="PX", help="Grow what is mended by this many pixels.")
    ] = default.dilate,
    report: Annotated[
        str | None,
        typer.Option(metavar="HTML", help="Write a page that shows each mended place before and after."),
    ] = default.report,
    seed: Annotated[int, typer.Option(help="The same seed gives the same fill.")] = default.seed,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace files that exist; never the scan.")
    ] = default.overwrite,
    allow_huge: AllowHuge = default.allow_huge,
    quiet: Quiet = False,
) -> None:
    """Find the damage of a scan and mend it; beside the result lie a mask and a record of it."""
    with plain_errors():
        started = time.perf_counter()
        if PIPE in (photo, output, mask, protect, infrared, report):
            raise RetouchError(
                "retouch restore writes a record beside the result, so it takes files, not pipes; "
                "retouch fill takes a photo from a pipe."
            )
        with progress_bar(quiet=quiet) as listen:
            made = retouch.restore(
                photo,
                mask,
                sensitivity=sensitivity,
                protect=protect,
                resize_mask=resize_mask,
                trust_mask=trust_mask,
                infrared=infrared,
                dilate=dilate,
                seed=seed,
                output=output,
                report=report,
                command=shlex.join(["retouch", *context.obj]),
                overwrite=overwrite,
                allow_huge=allow_huge,
                on_progress=listen,
            )
        if not quiet:
            found = made.record["found"]
            verb = "mended" if found["by"] == "mask" else "found"
            typer.echo(counted(made.kinds, found["share"], verb), err=True)
            say_written(made.image, time.perf_counter() - started)
            for note in made.notes:
                typer.echo(note, err=True)

"""``retouch clear-crowd``: take passers-by out of a series of shots."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated

import typer

import retouch
from retouch.api.crowd import DEFAULTS, ENDING, is_result, second_file
from retouch.cli.common import AllowHuge, Device, Overwrite, Quiet
from retouch.cli.extra import check_pictures, draw
from retouch.cli.files import check_names, report, target_file
from retouch.cli.terminal import PIPE, plain_errors, progress_bar
from retouch.errors import RetouchError

default = SimpleNamespace(**DEFAULTS)


def clear_crowd(
    shots: Annotated[
        list[str], typer.Argument(metavar="SHOT", help="Two or more photos of one place, or a folder.")
    ],
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="OUT",
            help="The file or folder to write to. Left out: the shot's folder. In a folder, the file is "
            "called <stem>-empty<ext>.",
        ),
    ] = default.output,
    frame: Annotated[
        int, typer.Option(metavar="N", help="The shot whose frame and metadata the result has, from 1.")
    ] = default.frame,
    model: Annotated[str, typer.Option(help="What fills what no other shot shows.")] = default.model,
    device: Device = default.device,
    seed: Annotated[int, typer.Option(help="The same seed gives the same result.")] = default.seed,
    sources: Annotated[
        str | None, typer.Option(metavar="PNG", help="Draw which shot each filled pixel came from.")
    ] = None,
    confidence: Annotated[
        str | None, typer.Option(metavar="PNG", help="Draw how sure it is: white = sure.")
    ] = None,
    overwrite: Overwrite = default.overwrite,
    allow_huge: AllowHuge = default.allow_huge,
    quiet: Quiet = False,
) -> None:
    """Take passers-by out of a series of shots of one place; what does not move stays as it is."""
    with plain_errors():
        started = time.perf_counter()
        if PIPE in shots or output == PIPE:
            raise RetouchError("Shots are files, and so is what is made of them; name them instead of -.")
        from retouch import imaging
        from retouch.api.referring import files_of, unseen

        seen: set[Path] = set()
        paths = [path for each in shots for path in unseen(files_of(each, None, passed=is_result), seen)]
        if not paths:
            raise RetouchError(
                f"All photos there are called …{ENDING}, as results are; name the shots themselves."
            )
        chosen = paths[frame - 1] if 1 <= frame <= len(paths) else paths[0]
        target = target_file(str(chosen), output, ENDING)
        extra = {"--sources": sources, "--confidence": confidence}
        masks: dict[str, str | None] = {str(path): str(path) for path in paths if path != chosen}
        check_names(str(chosen), masks, target, extra)
        check_names(str(chosen), masks, second_file(target), extra)
        check_pictures(extra, overwrite=overwrite)
        with progress_bar(quiet=quiet) as on_progress:
            results = retouch.clear_crowd(
                paths,
                frame=frame,
                model=model,
                device=device,
                seed=seed,
                on_progress=on_progress,
                output=target,
                overwrite=overwrite,
                allow_huge=allow_huge,
            )
        for name, array in draw(results[0], extra, colour_wheel=False).items():
            imaging.write_png(array, Path(name), overwrite=overwrite)
        if quiet:
            return
        for each in results:
            report(each.image, time.perf_counter() - started)
        for note in dict.fromkeys(note for each in results for note in each.notes):
            typer.echo(note, err=True)

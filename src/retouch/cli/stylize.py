"""``retouch stylize``: give a photo the style of another picture."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated

import typer

import retouch
from retouch.api.style_transfer import DEFAULTS, ENDING
from retouch.cli.common import AllowHuge, Device, Overwrite, Quiet
from retouch.cli.files import check_apart, check_one_pipe, open_photo, report, target_file
from retouch.cli.terminal import PIPE, plain_errors, progress_bar, read_pipe, write_pipe

default = SimpleNamespace(**DEFAULTS)


def stylize(
    photo: Annotated[str, typer.Argument(metavar="PHOTO", help="The photo; - reads a pipe.")],
    style: Annotated[
        str, typer.Argument(metavar="STYLE", help="The picture that gives the style; - reads a pipe.")
    ],
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="OUT",
            help="The file or folder to write to; - writes a pipe. Left out: the photo's folder. In a "
            "folder, the file is called <stem>-stylized<ext>.",
        ),
    ] = default.output,
    strength: Annotated[
        float,
        typer.Option(metavar="0..1", help="The share of the style; a lower value keeps more of the photo."),
    ] = default.strength,
    patch: Annotated[
        int,
        typer.Option(
            metavar="ODD", help="Side of the patches that are swapped; larger ones keep more of the style."
        ),
    ] = default.patch,
    model: Annotated[
        str, typer.Option(help="infer-match-translate, or a weights file of your own for that model.")
    ] = default.model,
    device: Device = default.device,
    seed: Annotated[int, typer.Option(help="The same seed gives the same picture.")] = default.seed,
    overwrite: Overwrite = default.overwrite,
    allow_huge: AllowHuge = default.allow_huge,
    quiet: Quiet = False,
) -> None:
    """Give a photo the style of another picture: the photo's content, made of the other's patches."""
    with plain_errors():
        started = time.perf_counter()
        target = target_file(photo, output, ENDING)
        check_one_pipe(photo, style, "STYLE")
        # -o may be the photo itself (with --overwrite), but not the style.
        if target is not None and style != PIPE:
            check_apart("-o", target, "STYLE", Path(style))

        from retouch import pictures

        source, opened = open_photo(photo, target, overwrite=overwrite, allow_huge=allow_huge)
        with progress_bar(quiet=quiet) as on_progress:
            made = retouch.stylize(
                opened,
                read_pipe("style") if style == PIPE else style,
                strength=strength,
                patch=patch,
                model=model,
                device=device,
                seed=seed,
                on_progress=on_progress,
                allow_huge=allow_huge,
            )
        if not quiet:
            for note in pictures.losses(source, made, target, changed=strength > 0):  # before writing
                typer.echo(note, err=True)
        written = pictures.save(source, made, target, changed=strength > 0, overwrite=overwrite)
        if written is not None:
            write_pipe(written)
        if not quiet:
            report(target, time.perf_counter() - started)

"""``retouch find``: find what does not belong in a photo, and write a mask of it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from retouch.cli.files import check_apart, check_one_pipe, open_photo, report, target_file
from retouch.cli.terminal import PIPE, plain_errors, progress_bar, read_pipe
from retouch.errors import RetouchError

ENDING = "-damage"
_PLURALS = {"speck": "specks", "hair": "hairs", "scratch": "scratches", "area": "areas"}


def find(
    photo: Annotated[str, typer.Argument(metavar="PHOTO", help="The photo; - reads a pipe.")],
    damage: Annotated[
        bool,
        typer.Option(
            "--damage", help="Find dust, hairs, scratches, cracks, folds, tears, stains and missing corners."
        ),
    ] = False,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="MASK",
            help="The PNG file to write, white = found. Left out: <stem>-damage.png beside the photo.",
        ),
    ] = None,
    sensitivity: Annotated[
        float,
        typer.Option(metavar="0..1", help="0 finds only what is certain, 1 whatever might be damage."),
    ] = 0.5,
    protect: Annotated[
        str | None,
        typer.Option(metavar="MASK", help="A mask, white where nothing is to be found; - reads a pipe."),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that exist.")] = False,
    allow_huge: Annotated[
        bool, typer.Option("--allow-huge", help="Read files with more pixels than the safety limit.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")] = False,
) -> None:
    """Find damage in a photo, and write a mask of it that retouch fill takes."""
    with plain_errors():
        if not damage:
            raise RetouchError("What is to be found? Add --damage.")
        started = time.perf_counter()
        target = _mask_file(photo, output)
        check_one_pipe(photo, protect, "--protect")
        if photo != PIPE:
            check_apart("-o", target, "PHOTO", Path(photo))

        from retouch import imaging, pictures
        from retouch.finding.damage import find_damage
        from retouch.finding.kinds import count_kinds

        _, opened = open_photo(photo, target, overwrite=overwrite, allow_huge=allow_huge)
        kept = None
        if protect is not None:
            given = read_pipe("mask") if protect == PIPE else protect
            kept = pictures.to_mask(given, opened, name="protect mask", allow_huge=allow_huge)
        with progress_bar(quiet=quiet) as listen:
            found = find_damage(opened, sensitivity=sensitivity, protect=kept, progress=listen)
        imaging.write_png(found.astype("uint8") * 255, target, overwrite=overwrite)
        if not quiet:
            typer.echo(_counted(count_kinds(found), found.mean()), err=True)
            report(target, time.perf_counter() - started)


def _mask_file(photo: str, output: str | None) -> Path:
    """Return the PNG file to write."""
    target = target_file(photo, output, ENDING)
    if target is not None and output is None:
        target = target.with_suffix(".png")
    if target is None or target.suffix.lower() != ".png":
        raise RetouchError("The mask is written to a file; name one that ends in .png after -o.")
    return target


def _counted(kinds: dict[str, int], share: float) -> str:
    """Say what was found, by kind."""
    if not kinds:
        return "found no damage"
    counts = (f"{count:,} {kind if count == 1 else _PLURALS[kind]}" for kind, count in kinds.items())
    return f"found {', '.join(counts)}: {100 * share:.2g} % of the photo"

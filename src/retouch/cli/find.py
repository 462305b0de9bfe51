"""``retouch find``: find what does not belong in a photo, and write a mask of it."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated, Literal

import typer

from retouch.cli.common import AllowHuge, Overwrite, Quiet, ResizeMask, TrustMask
from retouch.cli.files import check_apart, check_one_pipe, open_photo, report, target_file
from retouch.cli.terminal import PIPE, plain_errors, progress_bar, read_pipe, say
from retouch.errors import RetouchError
from retouch.finding import SENSITIVITY

ENDING, TEXT_ENDING = "-damage", "-text"
_PLURALS = {"speck": "specks", "hair": "hairs", "scratch": "scratches", "area": "areas"}


def find(
    photo: Annotated[str, typer.Argument(metavar="PHOTO", help="The photo; - reads a pipe.")],
    damage: Annotated[
        bool,
        typer.Option(
            "--damage", help="Find dust, hairs, scratches, cracks, folds, tears, stains and missing corners."
        ),
    ] = False,
    text: Annotated[
        bool,
        typer.Option(
            "--text", help="Find orange date stamps; with the extra text also captions and other text."
        ),
    ] = False,
    where: Annotated[Literal["corners", "anywhere"], typer.Option(help="Where --text looks.")] = "corners",
    as_json: Annotated[
        bool, typer.Option("--json", help="With --text: print the boxes of what was found as JSON.")
    ] = False,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="MASK",
            help="The PNG file to write, white = found. Left out: <stem>-damage.png, or for --text alone "
            "<stem>-text.png, beside the photo.",
        ),
    ] = None,
    sensitivity: Annotated[
        float | None,
        typer.Option(
            metavar="0..1",
            help=f"0 finds only what is certain, 1 whatever might be damage; {SENSITIVITY} if left out.",
        ),
    ] = None,
    protect: Annotated[
        str | None,
        typer.Option(metavar="MASK", help="A mask, white where nothing is to be found; - reads a pipe."),
    ] = None,
    resize_mask: ResizeMask = False,
    trust_mask: TrustMask = False,
    overwrite: Overwrite = False,
    allow_huge: AllowHuge = False,
    quiet: Quiet = False,
) -> None:
    """Find damage or text in a photo, and write a mask of it that retouch fill takes."""
    with plain_errors():
        if not damage and not text:
            raise RetouchError("What is to be found? Add --damage or --text.")
        if not text and (as_json or where != "corners"):
            raise RetouchError("--where and --json are for --text; add it.")
        if not damage and sensitivity is not None:
            raise RetouchError("--sensitivity is for --damage; add it.")
        started = time.perf_counter()
        target = _mask_file(photo, output, ENDING if damage else TEXT_ENDING)
        check_one_pipe(photo, protect, "--protect")
        if photo != PIPE:
            check_apart("-o", target, "PHOTO", Path(photo))
        if protect not in (None, PIPE):
            check_apart("-o", target, "--protect", Path(protect))

        from retouch import imaging
        from retouch.api.finding import protected
        from retouch.finding.damage import find_damage
        from retouch.finding.kinds import count_kinds
        from retouch.finding.text import find_text, has_detector

        _, opened = open_photo(photo, target, overwrite=overwrite, allow_huge=allow_huge)
        kept = None
        if protect is not None:
            given = read_pipe("mask") if protect == PIPE else protect
            kept = protected(given, opened, resize=resize_mask, trust=trust_mask, allow_huge=allow_huge)
        marks, said = [], []
        if damage:
            with progress_bar(quiet=quiet) as listen:
                level = SENSITIVITY if sensitivity is None else sensitivity
                marks.append(find_damage(opened, sensitivity=level, protect=kept, progress=listen))
            said.append(counted(count_kinds(marks[0]), marks[0].mean()))
        if text:
            written, texts = find_text(opened, where=where, protect=kept)
            marks.append(written)
            said.append(_counted_texts([each.kind for each in texts]))
            if not has_detector():
                said.append("only orange dates were looked for; for all text: pip install '.[text]'")
        found = marks[0] if len(marks) == 1 else marks[0] | marks[1]
        imaging.write_png(found.astype("uint8") * 255, target, overwrite=overwrite)
        if as_json:
            height, width = found.shape
            listed = {"width": width, "height": height, "texts": [each.as_json() for each in texts]}
            say(json.dumps(listed))
        if not quiet:
            for line in said:
                typer.echo(line, err=True)
            report(target, time.perf_counter() - started)


def _mask_file(photo: str, output: str | None, ending: str) -> Path:
    """Return the PNG file to write."""
    target = target_file(photo, output, ending)
    if target is not None and output is None:
        target = target.with_suffix(".png")
    if target is None or target.suffix.lower() != ".png":
        raise RetouchError("The mask is written to a file; name one that ends in .png after -o.")
    return target


def counted(kinds: dict[str, int], share: float, verb: str = "found") -> str:
    """Say what was found, or what else was done to it, by kind."""
    if not kinds:
        return f"{verb} no damage"
    counts = (f"{count:,} {kind if count == 1 else _PLURALS[kind]}" for kind, count in kinds.items())
    return f"{verb} {', '.join(counts)}: {100 * share:.2g} % of the photo"


def _counted_texts(kinds: list[str]) -> str:
    """Say what text was found, by kind."""
    counts = [(kinds.count(kind), kind) for kind in ("date stamp", "text")]
    said = [f"{count} {kind}{'' if count == 1 else 's'}" for count, kind in counts if count]
    return f"found {', '.join(said)}" if said else "found no text"

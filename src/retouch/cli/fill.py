"""``retouch fill``: fill the holes of one photo."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Literal

import typer

import retouch
from retouch.api import recorded
from retouch.api.arguments import DEFAULTS
from retouch.api.inpainting import ENDING
from retouch.cli.common import AllowHuge, Device, Overwrite, Quiet, ResizeMask, TrustMask
from retouch.cli.extra import check_pictures, draw
from retouch.cli.files import check_names, check_one_pipe, open_photo, report, target_file, where
from retouch.cli.terminal import (
    PIPE,
    good_enough,
    plain_errors,
    progress_bar,
    progress_line,
    read_pipe,
    write_pipe,
)
from retouch.errors import RetouchError
from retouch.models.specification import Specification

default = SimpleNamespace(**DEFAULTS, mask=None)


def fill(
    photo: Annotated[str, typer.Argument(metavar="PHOTO", help="The photo; - reads a pipe.")],
    mask: Annotated[
        str | None,
        typer.Argument(
            metavar="MASK",
            help="A picture; white = fill this. - reads a pipe. Left out: fill what is transparent.",
        ),
    ] = default.mask,
    mask_file: Annotated[
        str | None, typer.Option("--mask", "-m", metavar="MASK", help="The mask, as an option.")
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="OUT",
            help="The file or folder to write to; - writes a pipe. Left out: the photo's folder. In a "
            "folder, the file is called <stem>-filled<ext>.",
        ),
    ] = default.output,
    model: Annotated[
        str, typer.Option(help="A model's name (`retouch models`), or a weights file of your own.")
    ] = default.model,
    refine: Annotated[
        bool,
        typer.Option("--refine", help="Refine the model's fill with neural-patch; Ctrl-C ends that early."),
    ] = default.refine,
    options: Annotated[
        list[str] | None,
        typer.Option(
            "--option",
            metavar="NAME=VALUE",
            help="An option of the model, such as patch=7; with --refine an option of neural-patch, such as "
            "preset=fast. Repeatable.",
        ),
    ] = default.options,
    device: Device = default.device,
    seed: Annotated[int, typer.Option(help="The same seed gives the same fill.")] = default.seed,
    dilate: Annotated[
        int, typer.Option(metavar="PX", help="Grow the hole by this many pixels.")
    ] = default.dilate,
    close: Annotated[
        int,
        typer.Option(
            metavar="PX",
            help="Also fill islands that the hole encloses, such as gaps between strokes, if they reach at "
            "most this many pixels from the hole.",
        ),
    ] = default.close,
    invert_mask: Annotated[
        bool, typer.Option("--invert-mask", help="Black = fill this.")
    ] = default.invert_mask,
    mask_from: Annotated[
        Literal["auto", "alpha", "inverted-alpha", "luminance"],
        typer.Option(help="Fill where the mask is opaque, transparent, or bright; auto tells it by content."),
    ] = default.mask_from,
    resize_mask: ResizeMask = default.resize_mask,
    trust_mask: TrustMask = default.trust_mask,
    include: Annotated[
        str | None, typer.Option(metavar="PNG", help="White = the fill may borrow only from here.")
    ] = default.include,
    avoid: Annotated[
        str | None, typer.Option(metavar="PNG", help="White = the fill may not borrow from here.")
    ] = default.avoid,
    lines: Annotated[
        str | None,
        typer.Option(
            metavar="PNG",
            help="White = lines that go on through the hole, drawn through it and on both sides of it: "
            "cables, rails, a horizon.",
        ),
    ] = default.lines,
    references: Annotated[
        list[str] | None,
        typer.Option(
            "--from",
            metavar="PHOTO",
            help="Another photo of the same place, or a folder of them: fill what they show from them, and "
            "the rest by the model. Repeatable.",
        ),
    ] = default.references,
    references_only: Annotated[
        bool,
        typer.Option("--references-only", help="Fill nothing that no photo after --from shows."),
    ] = default.references_only,
    any_light: Annotated[
        bool,
        typer.Option("--any-light", help="Trust photos of another hour or season by their structure alone."),
    ] = default.any_light,
    working_size: Annotated[
        int | None,
        typer.Option(
            metavar="PX",
            help="Where a hole and its surroundings are larger than this, fill them at a lower resolution "
            "and add detail from the photo. Left out: what suits the model.",
        ),
    ] = default.working_size,
    upsampling: Annotated[
        Literal["auto", "network", "residual"],
        typer.Option(
            help="How to add that detail: the photo's residual corrected by a network, or as it is."
        ),
    ] = default.upsampling,
    wrap: Annotated[
        Literal["auto", "none", "horizontal", "both"],
        typer.Option(
            help="Which edges of the photo meet: left and right (a 360° photo, which auto recognises), or "
            "both pairs (a texture that tiles)."
        ),
    ] = default.wrap,
    sources: Annotated[
        str | None,
        typer.Option(
            metavar="PNG",
            help="Draw where in the photo each filled pixel came from, for each level from coarse to fine.",
        ),
    ] = None,
    colour_wheel: Annotated[
        bool,
        typer.Option(
            "--colour-wheel",
            help="Let --sources draw the direction and distance of each source, with a colour wheel as the "
            "legend.",
        ),
    ] = False,
    confidence: Annotated[
        str | None,
        typer.Option(
            metavar="PNG",
            help="Draw how sure the model is: white = sure. Where a model does not say, a network "
            "judges its fill.",
        ),
    ] = None,
    overwrite: Overwrite = default.overwrite,
    allow_huge: AllowHuge = default.allow_huge,
    record: Annotated[
        bool,
        typer.Option(
            "--record",
            help="Write beside the result what was done (.json), for retouch replay; and say it in the file: "
            "XMP history, IPTC Digital Source Type.",
        ),
    ] = default.record,
    sign: Annotated[
        tuple[str, str] | None,
        typer.Option(
            metavar="CERT KEY",
            help="Sign the result as an edit of the photo (C2PA), with your certificate and key (PEM).",
        ),
    ] = default.sign,
    tsa: Annotated[
        str | None,
        typer.Option(metavar="URL", help="The authority that adds the time to the signature."),
    ] = default.tsa,
    quiet: Quiet = False,
    progress: Annotated[
        Literal["bar", "json"],
        typer.Option(help="How to show progress: a bar, or for programs a line of JSON for each step."),
    ] = "bar",
) -> None:
    """Fill the holes of a photo; every known pixel stays as it is."""
    with plain_errors():
        started = time.perf_counter()
        if mask is not None and mask_file is not None:
            raise RetouchError("The mask is given twice; leave out --mask, or the second picture.")
        mask = mask_file if mask is None else mask
        target = target_file(photo, output, ENDING)
        extra = {"--sources": sources, "--confidence": confidence}
        check_one_pipe(photo, mask, "MASK")
        others = None if references is None else _others(references, photo, target)
        read = {"MASK": mask, "--include": include, "--avoid": avoid, "--lines": lines}
        read |= {f"--from {each}": each for each in others or ()}
        beside = recorded.record_file(target) if record and target is not None else None
        check_names(photo, read, target, {**extra, "--record": None if beside is None else str(beside)})
        if colour_wheel and sources is None:
            raise RetouchError("--colour-wheel says how --sources draws; add --sources and a file name.")
        check_pictures(extra, overwrite=overwrite)
        identity = recorded.identity_of(sign, tsa)
        if record and target is None:
            raise RetouchError("--record writes a file beside the result; name the result's file after -o.")
        if record and target is not None:
            recorded.check_record_file(target, overwrite=overwrite)

        from retouch import imaging, pictures
        from retouch.recording.fills import with_original, with_result

        source, opened = open_photo(photo, target, overwrite=overwrite, allow_huge=allow_huge)
        if identity is not None:
            recorded.check_parent(opened)
        stoppable = refine or Specification.parse(model).improves
        lines_of_json = progress == "json"
        with (
            progress_bar(quiet=quiet or lines_of_json) as bar,
            good_enough(progress_line if lines_of_json else bar, stoppable, quiet) as on_progress,
        ):
            result = retouch.fill(
                opened,
                read_pipe("mask") if mask == PIPE else mask,
                model=model,
                refine=refine,
                options=read_options(options),
                device=device,
                seed=seed,
                dilate=dilate,
                close=close,
                invert_mask=invert_mask,
                mask_from=mask_from,
                resize_mask=resize_mask,
                trust_mask=trust_mask,
                include=include,
                avoid=avoid,
                lines=lines,
                references=others,
                references_only=references_only,
                any_light=any_light,
                working_size=working_size,
                upsampling=upsampling,
                wrap=wrap,
                confidence=confidence is not None,
                in_place=True,
                trace=sources is not None,
                on_progress=on_progress,
                allow_huge=allow_huge,
                record=record or identity is not None,
            )
        drawn = draw(result, extra, colour_wheel=colour_wheel)
        said = None if result.record is None else with_original(result.record, source)
        seal = recorded.seal_for(identity, source, opened.format, said)
        lost = pictures.losses(source, result.image, target, changed=result.changed, sealed=seal is not None)
        if not quiet:
            for note in lost:  # before anything is written
                typer.echo(note, err=True)
        written = pictures.save(
            source, result.image, target, changed=result.changed, overwrite=overwrite, seal=seal
        )
        if said is not None and record and target is not None:
            said = with_result(said, target, DEFAULTS, signed=seal is not None)
            recorded.write(said, target, overwrite=overwrite)
        for name, array in drawn.items():
            imaging.write_png(array, Path(name), overwrite=overwrite)
        if written is not None:
            write_pipe(written)
        if not quiet:
            if result.changed:
                report(target, time.perf_counter() - started)
            else:
                _report_unchanged(target)
            for note in result.notes:
                typer.echo(note, err=True)


def _others(references: list[str], photo: str, target: Path | None) -> list[str]:
    """The photos to fill from; of a folder, neither the photo itself nor results."""
    from retouch.api.referring import files_of, results_and

    found = (files_of(each, photo, passed=results_and(target)) for each in references)
    return [str(path) for each in found for path in each]


def read_options(given: list[str] | None) -> dict[str, str] | None:
    """Split each NAME=VALUE that follows --option."""
    if given is None:
        return None
    found: dict[str, str] = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not name or not equals:
            raise RetouchError(f"--option takes NAME=VALUE, such as preset=fast, not {each!r}.")
        if name in found:
            raise RetouchError(f"The option {name} is given twice; give it once.")
        found[name] = value
    return found


def _report_unchanged(target: Path | None) -> None:
    place = where(target)
    typer.echo(f"nothing to fill: the mask is empty; {place} is an unchanged copy of the photo", err=True)

"""``retouch fill``: fill the holes of one photo."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

import retouch
from retouch.api.arguments import DEFAULTS
from retouch.api.inpainting import ENDING
from retouch.cli.files import check_apart, check_one_pipe, open_photo, report, target_file, where
from retouch.cli.terminal import PIPE, good_enough, plain_errors, progress_bar, read_pipe, write_pipe
from retouch.errors import RetouchError
from retouch.models.specification import Specification

if TYPE_CHECKING:
    import numpy as np

    from retouch.imaging import Photo

default = SimpleNamespace(**DEFAULTS, mask=None)


def fill(
    photo: Annotated[str, typer.Argument(metavar="PHOTO", help="The photo; - reads a pipe.")],
    mask: Annotated[
        str | None,
        typer.Argument(
            metavar="MASK", help="White = fill this; - reads a pipe. Left out: fill what is transparent."
        ),
    ] = default.mask,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="OUT",
            help="Where to write; - writes a pipe. Left out: <stem>-filled<ext> beside the photo.",
        ),
    ] = default.output,
    model: Annotated[
        str, typer.Option(help="A model's name (`retouch models`), or a weights file of your own.")
    ] = default.model,
    refine: Annotated[
        bool, typer.Option("--refine", help="Refine the model's fill with neural-patch. Ctrl-C: good enough.")
    ] = default.refine,
    options: Annotated[
        list[str] | None,
        typer.Option(
            "--option",
            metavar="NAME=VALUE",
            help="Of the model, such as patch=7; with --refine of neural-patch, such as preset=fast.",
        ),
    ] = default.options,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, mps.")] = default.device,
    seed: Annotated[int, typer.Option(help="The same seed gives the same fill.")] = default.seed,
    dilate: Annotated[
        int, typer.Option(metavar="PX", help="Grow the hole by so many pixels.")
    ] = default.dilate,
    invert_mask: Annotated[
        bool, typer.Option("--invert-mask", help="Black = fill this.")
    ] = default.invert_mask,
    resize_mask: Annotated[
        bool, typer.Option("--resize-mask", help="Bring a mask of another size to the photo's.")
    ] = default.resize_mask,
    include: Annotated[
        str | None, typer.Option(metavar="PNG", help="White = the fill may borrow from here alone.")
    ] = default.include,
    avoid: Annotated[
        str | None, typer.Option(metavar="PNG", help="White = the fill may not borrow from here.")
    ] = default.avoid,
    working_size: Annotated[
        int | None,
        typer.Option(
            metavar="PX",
            help="Larger surroundings are filled at a lower resolution and get their detail from the photo. "
            "Left out: what suits the model.",
        ),
    ] = default.working_size,
    upsampling: Annotated[
        Literal["auto", "network", "residual"],
        typer.Option(help="How that detail is made: mended by a network, or the photo's residual as it is."),
    ] = default.upsampling,
    sources: Annotated[
        str | None,
        typer.Option(
            metavar="PNG",
            help="Draw where in the photo each filled pixel came from; at each level, coarse to fine.",
        ),
    ] = None,
    colour_wheel: Annotated[
        bool,
        typer.Option(
            "--colour-wheel",
            help="Let --sources draw direction and distance of each source, with a colour wheel as legend.",
        ),
    ] = False,
    confidence: Annotated[
        str | None,
        typer.Option(
            metavar="PNG",
            help="Write how sure the model is: white = sure. One that does not say is judged by a network.",
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace files that are there.")
    ] = default.overwrite,
    allow_huge: Annotated[
        bool, typer.Option("--allow-huge", help="Read files of more pixels than is prudent.")
    ] = default.allow_huge,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")] = False,
) -> None:
    """Fill the holes of a photo; every known pixel stays as it is."""
    with plain_errors():
        started = time.perf_counter()
        target = target_file(photo, output, ENDING)
        extra = {"--sources": sources, "--confidence": confidence}
        check_one_pipe(photo, mask, "MASK")
        masks = {"MASK": mask, "--include": include, "--avoid": avoid}
        _check_names(photo, masks, target, extra)
        if colour_wheel and sources is None:
            raise RetouchError("--colour-wheel says how --sources draws; add --sources and a file name.")

        from retouch import imaging, pictures

        for option, name in extra.items():
            if name is not None:
                _check_picture(option, Path(name), overwrite)
        source, opened = open_photo(photo, target, overwrite=overwrite, allow_huge=allow_huge)
        stoppable = refine or Specification.parse(model).improves
        with progress_bar(quiet=quiet) as listen, good_enough(listen, stoppable, quiet) as on_progress:
            result = retouch.fill(
                opened,
                read_pipe("mask") if mask == PIPE else mask,
                model=model,
                refine=refine,
                options=_options(options),
                device=device,
                seed=seed,
                dilate=dilate,
                invert_mask=invert_mask,
                resize_mask=resize_mask,
                include=include,
                avoid=avoid,
                working_size=working_size,
                upsampling=upsampling,
                confidence=confidence is not None,
                in_place=True,
                trace=sources is not None,
                on_progress=on_progress,
                allow_huge=allow_huge,
            )
        drawn = _draw(result, extra, colour_wheel)
        written = pictures.save(source, result.image, target, changed=result.changed, overwrite=overwrite)
        for name, array in drawn.items():
            imaging.write_png(array, Path(name), overwrite=overwrite)
        if written is not None:
            write_pipe(written)
        if not quiet:
            if result.changed:
                report(target, time.perf_counter() - started)
            else:
                _report_unchanged(target)


def _options(given: list[str] | None) -> dict[str, str] | None:
    """Split what follows --option."""
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


def _check_names(
    photo: str, masks: dict[str, str | None], target: Path | None, extra: dict[str, str | None]
) -> None:
    """Refuse names that would have one file be two things."""
    # -o may be the photo itself (with --overwrite); nothing else that is written may replace what is read.
    places = {option: Path(name) for option, name in masks.items() if name not in (None, PIPE)}
    if target is not None:
        for option, place in places.items():
            check_apart("-o", target, option, place)
        places["-o"] = target
    places["PHOTO"] = Path(photo)
    for option, name in extra.items():
        if name is None:
            continue
        for other, place in places.items():
            check_apart(option, Path(name), other, place)
        places[option] = Path(name)


def _check_picture(option: str, target: Path, overwrite: bool) -> None:
    import numpy as np

    from retouch import imaging

    if target.suffix.lower() != ".png":
        raise RetouchError(f"{option} writes a PNG file; give it a name that ends in .png.")
    pixel = imaging.photo_from_array(np.zeros((1, 1, 3), np.uint8))
    imaging.check_target(target, overwrite=overwrite, photo=pixel)


def _draw(
    result: retouch.Result[Photo], extra: dict[str, str | None], colour_wheel: bool
) -> dict[str, np.ndarray[Any, np.dtype[np.uint8]]]:
    """Draw the extra pictures that were asked for, by file name, before anything is written."""
    import numpy as np

    from retouch.drawing.sources import sheet

    drawn = {}
    if (name := extra["--sources"]) is not None:
        if result.changed and result.correspondence is None:
            raise RetouchError("This model borrows nothing; leave out --sources, or choose another model.")
        style: Literal["places", "wheel"] = "wheel" if colour_wheel else "places"
        drawn[name] = sheet((each.draw_sources(style) for each in result.levels), len(result.levels))
    if (name := extra["--confidence"]) is not None:
        whole = np.ones(result.image.pixels.shape[:2]) if result.confidence is None else result.confidence
        drawn[name] = np.rint(255 * whole).astype(np.uint8)
    return drawn


def _report_unchanged(target: Path | None) -> None:
    place = where(target)
    typer.echo(f"nothing to fill: the mask is empty, the photo went to {place} unchanged", err=True)

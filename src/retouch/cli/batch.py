"""``retouch batch``: fill or restore many photos."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextlib import closing
from typing import Annotated, Any, Literal, get_type_hints

import typer

from retouch.batching.jobs import OPTIONS
from retouch.batching.plan import Batch
from retouch.cli.common import Quiet
from retouch.cli.fill import fill, read_options
from retouch.cli.tally import Tally
from retouch.cli.terminal import on_a_line, plain_errors, say
from retouch.errors import RetouchError


def _with_options_of_fill(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of ``retouch fill`` that a batch knows, as they are written there."""
    own = inspect.signature(command, eval_str=True).parameters
    hints = get_type_hints(fill, include_extras=True)
    theirs = [
        parameter.replace(annotation=hints[name], kind=inspect.Parameter.KEYWORD_ONLY)
        for name, parameter in inspect.signature(fill).parameters.items()
        if (name in OPTIONS or name == "overwrite") and name not in own
    ]
    named = [each for each in own.values() if each.kind is not inspect.Parameter.VAR_KEYWORD]
    whole = inspect.Signature([*named, *theirs])
    command.__signature__ = whole  # type: ignore[attr-defined] # functions take any attribute
    command.__annotations__ = {name: each.annotation for name, each in whole.parameters.items()}
    return command


@_with_options_of_fill
def batch(
    photos: Annotated[
        str,
        typer.Argument(
            metavar="PHOTOS", help="A folder; or a CSV file with columns photo, mask and options."
        ),
    ],
    masks: Annotated[
        str | None,
        typer.Argument(
            metavar="MASKS",
            help="The folder of the masks: the same names, perhaps with _mask; or one mask for all photos. "
            "Left out: fill what is transparent, or with --restore find what is damaged.",
        ),
    ] = None,
    *,
    output: Annotated[
        str,
        typer.Option("--output", "-o", metavar="OUT", help="The folder of the results, and of the journal."),
    ],
    recursive: Annotated[
        bool, typer.Option("--recursive", "-r", help="Also take the photos in the folder's folders.")
    ] = False,
    format: Annotated[
        Literal["jpg", "png", "webp", "tif", "avif", "heic"] | None,
        typer.Option(help="The format of the results. Left out: that of each photo."),
    ] = None,
    workers: Annotated[
        str, typer.Option(metavar="N", help="Processes at a time; auto: one for each processor.")
    ] = "auto",
    memory: Annotated[
        str | None,
        typer.Option(
            metavar="SIZE", help="Memory for all of them, such as 4G. Left out: 80 % of what is free."
        ),
    ] = None,
    shard: Annotated[
        str | None,
        typer.Option(metavar="K/N", help="Only the K-th of N parts, for machines that share the work."),
    ] = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Also fill what arrives in the folder, until Ctrl-C.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only list what would be filled, with which mask.")
    ] = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Try once more what failed before.")
    ] = False,
    cluster: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Let a Ray cluster do the work; auto finds or starts one."),
    ] = None,
    sources: Annotated[
        bool, typer.Option("--sources", help="Also draw where pixels came from: NAME-sources.png.")
    ] = False,
    colour_wheel: Annotated[
        bool, typer.Option("--colour-wheel", help="Draw the sources by direction and distance.")
    ] = False,
    confidence: Annotated[
        bool, typer.Option("--confidence", help="Also draw how sure the model is: NAME-confidence.png.")
    ] = False,
    restore: Annotated[
        bool, typer.Option("--restore", help="Restore scans instead, as retouch restore does.")
    ] = False,
    sensitivity: Annotated[
        float | None,
        typer.Option(
            metavar="0..1", help="With --restore: 0 mends only what is certain, 1 whatever might be damage."
        ),
    ] = None,
    protect: Annotated[
        str | None,
        typer.Option(
            metavar="MASKS", help="With --restore: nothing is mended where these are white; one, or a folder."
        ),
    ] = None,
    infrared: Annotated[
        str | None,
        typer.Option(
            metavar="SCANS",
            help="With --restore: the folder of the infrared scans. PHOTOS means their fourth channel.",
        ),
    ] = None,
    report: Annotated[
        bool, typer.Option("--report", help="With --restore: also write before and after as NAME.html.")
    ] = False,
    quiet: Quiet = False,
    **of_fill: Any,
) -> None:
    """Fill or restore many photos; started again, it goes on where it was."""
    with plain_errors():
        overwrite = of_fill.pop("overwrite")
        options = {
            **of_fill,
            "options": read_options(of_fill["options"]),
            "sources": sources,
            "colour_wheel": colour_wheel,
            "confidence": confidence,
            "restore": restore,
            "sensitivity": sensitivity,
            "protect": protect,
            "infrared": infrared,
            "report": report,
        }
        if colour_wheel and not sources:
            raise RetouchError("--colour-wheel says how --sources draws; add --sources.")
        whole = Batch(
            photos,
            masks,
            output,
            options,
            recursive,
            format,
            shard,
            workers,
            memory,
            cluster,
            overwrite,
            retry_failed,
        )
        if dry_run:
            _preview(whole)
            return
        jobs = None if watch else whole.jobs()
        tally = Tally(None if jobs is None else len(jobs), quiet=quiet, scans=restore)
        try:
            with tally.shown(), closing(whole.watch() if jobs is None else whole.run(jobs)) as outcomes:
                for outcome in outcomes:
                    tally.count(outcome)
        except KeyboardInterrupt:
            if jobs is not None:
                tally.report()
                raise
        raise SystemExit(tally.report())


def _preview(whole: Batch) -> None:
    """List what would be filled, a line each with tabs between, for people and for programs."""
    for job, known in whole.preview():
        restore = job.options.get("restore")
        what = ("restore" if restore else "fill") if known is None else known.outcome
        mask = job.mask or ("-" if job.problem else "(found)" if restore else "(transparency)")
        more = [known.error] if known is not None and known.error else []
        more += [f"{kind}: {place}" for kind, place in job.inputs().items() if kind not in ("photo", "mask")]
        line = "\t".join(map(on_a_line, (what, job.photo, mask, job.name, *more)))
        say(line.encode("utf-8", "surrogateescape"))  # a name may be no text

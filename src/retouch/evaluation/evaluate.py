"""Measure models on photos and write the report."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from retouch.contract import Progress
from retouch.evaluation.candidates import WeightsFile
from retouch.evaluation.report import write_report
from retouch.evaluation.result import collect
from retouch.evaluation.run import Case, Source, measure_all
from retouch.evaluation.store import Settings


def evaluate_cases(
    cases: Sequence[Case],
    models: Sequence[str],
    out: Path,
    settings: Settings,
    *,
    command: str,
    workers: int = 1,
    resume: bool = False,
    sources: Mapping[str, Source] | None = None,
    published: Sequence[dict[str, Any]] | None = None,
    weights: Mapping[str, WeightsFile | None] | None = None,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> dict[str, Any]:
    """Fill and score all cases, summarise the rows and write the report.

    Args:
        cases: See :func:`~retouch.evaluation.run.measure_all`, also for the other arguments not listed here.
        models: Their names, in the order of the tables.
        out: The report's folder.
        settings: How to measure.
        command: The command that produces this report, to be shown in it.
        workers: How many pairs to work on at a time.
        resume: Continue the report in ``out``.
        sources: Functions that fill, by name, for what is not a model of this package.
        published: Published figures to show beside the measured ones.
        weights: The files of the models that are weights files.
        on_progress: Called after each row.

    Returns:
        The result; see :func:`~retouch.evaluation.result.collect`.

    Raises:
        RetouchError: The report's folder cannot be used or written to, or the scoring process ended.
    """
    rows = measure_all(
        cases,
        models,
        out,
        settings,
        workers=workers,
        resume=resume,
        sources=sources,
        weights=weights,
        on_progress=on_progress,
    )
    masks = list(dict.fromkeys(case.masks for case in cases))
    result = collect(
        rows, models, masks, out, settings, command=command, published=published, weights=weights
    )
    write_report(result, out)
    return result

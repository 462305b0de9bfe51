"""The measuring itself: every pair through every model in turn, one row each, kept as soon as it is there."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from retouch.contract import Progress
from retouch.errors import RetouchError
from retouch.evaluation.fillers import Filled, Filler, Hole, Pixels
from retouch.evaluation.pictures import features_path, fill_path, keep, keep_features, mask_path, truth_path
from retouch.evaluation.scoring import Scorer
from retouch.evaluation.store import Settings, append, open_report


@dataclass(frozen=True)
class Case:
    """A photo with a hole, read when its turn comes.

    Attributes:
        photo: its id.
        masks: the kind of its mask.
        read: gives the photo, ``H×W×3`` uint8 sRGB, and its hole, ``H×W`` bool, True = fill.
    """

    photo: str
    masks: str
    read: Callable[[], tuple[Pixels, Hole]]


Source = Callable[[Case, Pixels, Hole], Filled]
"""Gives a fill of a case."""


def measure_all(
    cases: Sequence[Case],
    models: Sequence[str],
    out: Path,
    settings: Settings,
    *,
    workers: int = 1,
    resume: bool = False,
    source: Source | None = None,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> list[dict[str, Any]]:
    """Fill and score all cases.

    Each pair goes through all models before the next pair, so that what else the machine does hits all alike.

    Args:
        cases: what to fill.
        models: names, see :func:`~retouch.evaluation.fillers.check_names`; with ``source`` the one name of
            what it gives.
        out: folder of the report; rows and pictures are kept there as they come.
        settings: what must not change when a report is resumed.
        workers: pairs that are worked on at a time. Only times depend on it.
        resume: go on with the report that is there.
        source: gives fills that exist already; None to let the models fill.
        on_progress: called after each row.

    Returns:
        All rows, in the order of cases and models. One that failed says so in ``error``.
    """
    rows = {_key(row): row for row in open_report(out, settings, resume)}
    todo = [
        (case, missing)
        for case in cases
        if (missing := [name for name in models if (case.photo, case.masks, name) not in rows])
    ]
    lock, local = threading.Lock(), threading.local()
    lanes: list[_Lane] = []
    total = len(cases) * len(models)
    on_progress(Progress("evaluate", total - sum(len(missing) for _, missing in todo), total))

    def work(case: Case, missing: list[str]) -> None:
        if not hasattr(local, "lane"):
            local.lane = _Lane(settings, source)
            with lock:
                lanes.append(local.lane)
        for row in local.lane.rows(case, missing, out):
            with lock:
                rows[_key(row)] = row
                append(out, row)
                on_progress(Progress("evaluate", min(total, len(rows)), total))

    threads = ThreadPoolExecutor(workers)
    try:
        for done in [threads.submit(work, *each) for each in todo]:
            done.result()
    finally:
        threads.shutdown(wait=True, cancel_futures=True)
        for lane in lanes:
            lane.close()
    keys = [(case.photo, case.masks, name) for case in cases for name in models]
    return [rows[key] for key in keys]


def _key(row: dict[str, Any]) -> tuple[str, str, str]:
    return row["photo"], row["masks"], row["model"]


class _Lane:
    """What one worker needs: a process for each model, and one that scores."""

    def __init__(self, settings: Settings, source: Source | None) -> None:
        self._settings, self._source = settings, source
        self._fillers: dict[str, Filler] = {}
        self._scorer = Scorer(settings.threads, settings.inception)

    def close(self) -> None:
        self._scorer.close()
        for filler in self._fillers.values():
            filler.close()

    def rows(self, case: Case, models: Sequence[str], out: Path) -> list[dict[str, Any]]:
        try:
            truth, hole = case.read()
            keep(truth, out / truth_path(case.photo))
            keep(hole, out / mask_path(case.masks, case.photo))
            if not features_path(out, truth_path(case.photo)).exists():
                keep_features(self._scorer.features(truth), out, truth_path(case.photo))
        except RetouchError as error:
            return [_row(case, name, error=str(error)) for name in models]
        return [self._row(case, name, truth, hole, out) for name in models]

    def _row(self, case: Case, name: str, truth: Pixels, hole: Hole, out: Path) -> dict[str, Any]:
        size: dict[str, Any] = {
            "height": hole.shape[0],
            "width": hole.shape[1],
            "hole": float(hole.mean()),
        }
        try:
            filled = self._fill(case, name, truth, hole)
            if filled.pixels.shape != truth.shape:
                sizes = [f"{each.shape[1]} × {each.shape[0]}" for each in (filled.pixels, truth)]
                raise RetouchError(f"The fill is {sizes[0]} pixels and the photo {sizes[1]}.")
            changed = int(((filled.pixels != truth).any(-1) & ~hole).sum())
            pixels = np.where(hole[..., None], filled.pixels, truth)
            metrics = self._scorer.metrics(pixels, truth, hole)
            where = fill_path(name, case.masks, case.photo)
            keep(pixels, out / where)
            keep_features(self._scorer.features(pixels), out, where)
        except BrokenProcessPool:
            raise RetouchError("The process that scores ended unexpectedly; go on with --resume.") from None
        except Exception as error:
            # One failure must not stop the rest, whatever a foreign tool may raise.
            sentence = str(error) if isinstance(error, RetouchError) else f"{type(error).__name__}: {error}"
            return _row(case, name, error=sentence, **size)
        return _row(
            case,
            name,
            metrics=metrics,
            changed=changed,
            seconds=filled.seconds,
            peak_mb=filled.peak_mb,
            **size,
        )

    def _fill(self, case: Case, name: str, truth: Pixels, hole: Hole) -> Filled:
        if self._source is not None:
            return self._source(case, truth, hole)
        if name not in self._fillers:
            options = self._settings
            self._fillers[name] = Filler(name, options.device, options.seed, options.threads)
        return self._fillers[name](truth, hole)


def _row(case: Case, model: str, **found: Any) -> dict[str, Any]:
    empty: dict[str, Any] = {
        "photo": case.photo,
        "masks": case.masks,
        "model": model,
        "height": None,
        "width": None,
        "hole": None,
        "changed": 0,
        "seconds": None,
        "peak_mb": None,
        "error": None,
        "metrics": {},
    }
    return empty | found

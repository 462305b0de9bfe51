"""The measuring itself: every pair through every model in turn, one row each, kept as soon as it is there."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from retouch.contract import Progress
from retouch.errors import RetouchError
from retouch.evaluation.candidates import WeightsFile
from retouch.evaluation.fillers import Filled, Filler, Hole, Pixels
from retouch.evaluation.pairs import size_text
from retouch.evaluation.pictures import fill_path, keep, keep_features, mask_path, truth_path
from retouch.evaluation.scoring import Scorer
from retouch.evaluation.store import Settings, append, fingerprint, open_report, package_digest


@dataclass(frozen=True)
class Case:
    """A photo with a hole, read when its turn comes.

    Attributes:
        photo: its id.
        masks: the kind of its mask.
        read: gives the photo, ``H×W×3`` uint8 sRGB, and its hole, ``H×W`` bool, True = fill.
        stamp: what else a row of this case rests on, such as the content of the file with the fill.
    """

    photo: str
    masks: str
    read: Callable[[], tuple[Pixels, Hole]]
    stamp: str = ""


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
    weights: Mapping[str, WeightsFile | None] | None = None,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> list[dict[str, Any]]:
    """Fill and score all cases.

    Each pair goes through all models before the next pair, so that what else the machine does hits all alike.

    Args:
        cases: what to fill.
        models: names, see :func:`~retouch.evaluation.candidates.check_models`; with ``source`` the one name
            of what it gives.
        out: folder of the report; rows and pictures are kept there as they come.
        settings: what must not change when a report is resumed.
        workers: pairs that are worked on at a time. Only times depend on it.
        resume: go on with the report that is there. Rows whose photo, hole, stamp or weights file has changed
            since are measured anew, and all of them if this package has.
        source: gives fills that exist already; None to let the models fill.
        weights: the files of those models that are weights files.
        on_progress: called after each row.

    Returns:
        All rows, in the order of cases and models. One that failed says so in ``error``.
    """
    rows = {_key(row): row for row in open_report(out, settings, resume)}
    lock, local = threading.Lock(), threading.local()
    lanes: list[_Lane] = []
    done, total = 0, len(cases) * len(models)

    def work(case: Case) -> None:
        nonlocal done
        if not hasattr(local, "lane"):
            local.lane = _Lane(settings, source, weights or {})
            with lock:
                lanes.append(local.lane)
        before = [rows.get((case.photo, case.masks, name)) for name in models]
        for name, old, row in zip(models, before, local.lane.rows(case, models, before, out), strict=True):
            with lock:
                if row is not old:
                    rows[case.photo, case.masks, name] = row
                    append(out, row)
                done += 1
                on_progress(Progress("evaluate", done, total))

    threads = ThreadPoolExecutor(workers)
    try:
        for finished in [threads.submit(work, case) for case in cases]:
            finished.result()
    except OSError as error:
        raise RetouchError(
            f"Cannot write to {out} ({error.strerror}); make room and go on with --resume."
        ) from error
    finally:
        threads.shutdown(wait=True, cancel_futures=True)
        for lane in lanes:
            lane.close()
    return [rows[case.photo, case.masks, name] for case in cases for name in models]


def _key(row: dict[str, Any]) -> tuple[str, str, str]:
    return row["photo"], row["masks"], row["model"]


class _Lane:
    """What one worker needs: a process for each model, and one that scores."""

    def __init__(
        self, settings: Settings, source: Source | None, weights: Mapping[str, WeightsFile | None]
    ) -> None:
        self._settings, self._source, self._weights = settings, source, weights
        self._fillers: dict[str, Filler] = {}
        self._scorer = Scorer(settings.threads, settings.inception, settings.metrics)
        self._described = ""  # the truth whose features were kept last

    def close(self) -> None:
        self._scorer.close()
        for filler in self._fillers.values():
            filler.close()

    def rows(
        self, case: Case, models: Sequence[str], before: Sequence[dict[str, Any] | None], out: Path
    ) -> Iterator[dict[str, Any]]:
        """A row for each model, the one from before where that still holds."""
        try:
            truth, hole = case.read()
        except RetouchError as error:
            yield from (_row(case, name, error=str(error)) for name in models)
            return
        pair = fingerprint(truth, hole, stamp=case.stamp + package_digest())
        inputs = [self._inputs(pair, name) for name in models]
        holds = [
            old is not None and old["error"] is None and old["inputs"] == wanted
            for old, wanted in zip(before, inputs, strict=True)
        ]
        if not all(holds):
            self._keep_inputs(case, truth, hole, out)
        for name, old, still, wanted in zip(models, before, holds, inputs, strict=True):
            yield (
                old
                if old is not None and still
                else self._row(case, name, truth, hole, out) | {"inputs": wanted}
            )

    def _inputs(self, pair: str, name: str) -> str:
        """What a row rests on: its pair, this package and, of a weights file, its content."""
        file = self._weights.get(name)
        return pair if file is None else fingerprint(stamp=pair + file.sha256)

    def _keep_inputs(self, case: Case, truth: Pixels, hole: Hole, out: Path) -> None:
        keep(hole, out / mask_path(case.masks, case.photo))
        if (described := fingerprint(truth, stamp=case.photo)) != self._described:
            keep(truth, out / truth_path(case.photo))
            keep_features(self._scorer.features(truth), out, truth_path(case.photo))
            self._described = described

    def _row(self, case: Case, name: str, truth: Pixels, hole: Hole, out: Path) -> dict[str, Any]:
        size = {"height": hole.shape[0], "width": hole.shape[1], "hole": float(hole.mean())}
        try:
            filled = self._fill(case, name, truth, hole)
            if filled.pixels.shape != truth.shape:
                raise RetouchError(
                    f"The fill is {size_text(filled.pixels)} pixels and the photo {size_text(truth)}."
                )
        except Exception as error:
            # One failure must not stop the rest, whatever a foreign tool may raise.
            sentence = str(error) if isinstance(error, RetouchError) else f"{type(error).__name__}: {error}"
            return _row(case, name, error=sentence, **size)
        changed = int(((filled.pixels != truth).any(-1) & ~hole).sum())
        pixels = np.where(hole[..., None], filled.pixels, truth)
        where = fill_path(name, case.masks, case.photo)
        keep(pixels, out / where)
        keep_features(self._scorer.features(pixels), out, where)
        metrics = self._scorer.metrics(pixels, truth, hole)
        costs = {"seconds": filled.seconds, "peak_mb": filled.peak_mb}
        return _row(case, name, metrics=metrics, changed=changed, **costs, **size)

    def _fill(self, case: Case, name: str, truth: Pixels, hole: Hole) -> Filled:
        if self._source is not None:
            return self._source(case, truth, hole)
        if name not in self._fillers:
            options = self._settings
            self._fillers[name] = Filler(
                name, options.device, options.seed, options.threads, self._weights.get(name)
            )
        return self._fillers[name](truth, hole)


def _row(case: Case, model: str, **found: Any) -> dict[str, Any]:
    empty: dict[str, Any] = {
        "photo": case.photo,
        "masks": case.masks,
        "model": model,
        "inputs": None,
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

"""The measuring loop: every model fills every pair, and each row is written as soon as it is measured."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from retouch.contract import Progress
from retouch.errors import RetouchError
from retouch.evaluation.arrays import Hole, Pixels, size_text
from retouch.evaluation.candidates import WeightsFile
from retouch.evaluation.fillers import Filled, Filler
from retouch.evaluation.metrics import missing
from retouch.evaluation.pictures import fill_path, keep, keep_features, mask_path, truth_path
from retouch.evaluation.scoring import NoScorer, Scorer
from retouch.evaluation.store import Settings, append, fingerprint, open_report, package_digest
from retouch.files import file_digest


@dataclass(frozen=True)
class Case:
    """A photo with a hole, read when its turn comes.

    Attributes:
        photo: The photo's id.
        masks: The kind of its mask.
        read: Returns the photo, ``H×W×3`` uint8 sRGB, and its hole, ``H×W`` bool, True = fill.
        stamp: Anything else that a row of this case depends on, such as the digest of a file with the fill.
    """

    photo: str
    masks: str
    read: Callable[[], tuple[Pixels, Hole]]
    stamp: str = ""


Source = Callable[[Case, Pixels, Hole], Filled]
"""Fills a case: takes the case, its photo and its hole."""


def measure_all(
    cases: Sequence[Case],
    models: Sequence[str],
    out: Path,
    settings: Settings,
    *,
    workers: int = 1,
    resume: bool = False,
    sources: Mapping[str, Source] | None = None,
    weights: Mapping[str, WeightsFile | None] | None = None,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> list[dict[str, Any]]:
    """Fill and score all cases.

    All models fill a pair before the next pair begins, so that other load on the machine affects all alike.

    Args:
        cases: What to fill.
        models: Their names; see :func:`~retouch.evaluation.candidates.check_models`.
        out: The report's folder. Rows and pictures are written there as they come.
        settings: What must not change when a report is resumed.
        workers: How many pairs to work on at a time. Only times depend on it.
        resume: Continue the report in ``out``. A row is measured again if its photo, hole, stamp or weights
            file has changed since, or if this package, the set of available metrics, the file of the
            Inception network or what the device "auto" means has.
        sources: Functions that fill in this process, by name, for those of ``models`` that are not models of
            this package.
        weights: The files of the models that are weights files.
        on_progress: Called after each row.

    Returns:
        All rows, in the order of cases and models. A row that failed says why in ``error``.

    Raises:
        RetouchError: The report's folder cannot be used or written to, or no process can score.
    """
    rows = {_key(row): row for row in open_report(out, settings, resume)}
    lock, local = threading.Lock(), threading.local()
    workers_made: list[_Worker] = []
    done, total = 0, len(cases) * len(models)

    def work(case: Case) -> None:
        nonlocal done
        if not hasattr(local, "worker"):
            local.worker = _Worker(settings, sources or {}, weights or {})
            with lock:
                workers_made.append(local.worker)
        before = [rows.get((case.photo, case.masks, name)) for name in models]
        for name, old, row in zip(models, before, local.worker.rows(case, models, before, out), strict=True):
            with lock:
                if row is not old:
                    rows[case.photo, case.masks, name] = row
                    append(out, row)
                done += 1
                with suppress(BrokenPipeError):  # who watched is gone; the report is wanted all the same
                    on_progress(Progress("evaluate", done, total))

    threads = ThreadPoolExecutor(workers)
    try:
        for finished in [threads.submit(work, case) for case in cases]:
            finished.result()
    except OSError as error:
        raise RetouchError(
            f"Cannot write to {out} ({error.strerror}); make room, then go on with --resume."
        ) from error
    finally:
        threads.shutdown(wait=True, cancel_futures=True)
        for worker in workers_made:
            worker.close()
    return [rows[case.photo, case.masks, name] for case in cases for name in models]


def _key(row: dict[str, Any]) -> tuple[str, str, str]:
    return row["photo"], row["masks"], row["model"]


class _Worker:
    """The processes of one worker thread: one for each model, and one that scores."""

    def __init__(
        self, settings: Settings, sources: Mapping[str, Source], weights: Mapping[str, WeightsFile | None]
    ) -> None:
        self._settings, self._sources, self._weights = settings, sources, weights
        self._fillers: dict[str, Filler] = {}
        self._scorer = Scorer(settings.threads, settings.inception, settings.metrics)
        self._described = ""  # fingerprint of the photo whose features were written last
        self._version = _version(settings)

    def close(self) -> None:
        self._scorer.close()
        for filler in self._fillers.values():
            filler.close()

    def rows(
        self, case: Case, models: Sequence[str], before: Sequence[dict[str, Any] | None], out: Path
    ) -> Iterator[dict[str, Any]]:
        """One row per model: the earlier row if it is still valid, else a new one."""
        try:
            truth, hole = case.read()
        except RetouchError as error:
            yield from (_row(case, name, error=str(error)) for name in models)
            return
        pair = fingerprint(truth, hole, stamp=case.stamp + self._version)
        inputs = [self._inputs(pair, name) for name in models]
        valid = [
            old if old is not None and old["error"] is None and old["inputs"] == wanted else None
            for old, wanted in zip(before, inputs, strict=True)
        ]
        problem = self._keep_inputs(case, truth, hole, out) if None in valid else None
        for name, old, wanted in zip(models, valid, inputs, strict=True):
            if old is None and problem is not None:
                yield _row(case, name, error=problem)
            else:
                yield old or self._row(case, name, truth, hole, out) | {"inputs": wanted}

    def _inputs(self, pair: str, name: str) -> str:
        """A fingerprint of what a row depends on: its pair, this package and the weights file, if any."""
        file = self._weights.get(name)
        return pair if file is None else fingerprint(stamp=pair + file.sha256)

    def _keep_inputs(self, case: Case, truth: Pixels, hole: Hole, out: Path) -> str | None:
        """Write what all rows of a pair share; returns why the photo cannot be scored, or None."""
        keep(hole, out / mask_path(case.masks, case.photo))
        if (described := fingerprint(truth, stamp=case.photo)) != self._described:
            keep(truth, out / truth_path(case.photo))
            try:
                features = self._scorer.features(truth)
            except Exception as error:
                return _sentence(error)
            keep_features(features, out, truth_path(case.photo))
            self._described = described
        return None

    def _row(self, case: Case, name: str, truth: Pixels, hole: Hole, out: Path) -> dict[str, Any]:
        size = {"height": hole.shape[0], "width": hole.shape[1], "hole": float(hole.mean())}
        try:
            filled = self._fill(case, name, truth, hole)
            if filled.pixels.shape != truth.shape:
                raise RetouchError(
                    f"The fill is {size_text(filled.pixels)} pixels and the photo {size_text(truth)}."
                )
            pixels = np.where(hole[..., None], filled.pixels, truth)
            features = self._scorer.features(pixels)
            metrics = self._scorer.metrics(pixels, truth, hole)
        except Exception as error:
            return _row(case, name, error=_sentence(error), **size)
        changed = int(((filled.pixels != truth).any(-1) & ~hole).sum())
        where = fill_path(name, case.masks, case.photo)
        keep(pixels, out / where)
        keep_features(features, out, where)
        costs = {"seconds": filled.seconds, "peak_mb": filled.peak_mb}
        return _row(case, name, metrics=metrics, changed=changed, **costs, **size)

    def _fill(self, case: Case, name: str, truth: Pixels, hole: Hole) -> Filled:
        if name in self._sources:
            return self._sources[name](case, truth, hole)
        if name not in self._fillers:
            options = self._settings
            self._fillers[name] = Filler(
                name, options.device, options.seed, options.threads, self._weights.get(name)
            )
        return self._fillers[name](truth, hole)


def _version(settings: Settings) -> str:
    """What all rows depend on, besides their pair and model."""
    network = [] if settings.inception is None else [file_digest(Path(settings.inception))]
    gpu = settings.device == "auto" and torch.cuda.is_available()
    return "".join([package_digest(), *missing(), *network, "cuda" if gpu else ""])


def _sentence(error: Exception) -> str:
    """Why a row failed. One failure must not stop the rest, and another tool may raise anything."""
    if isinstance(error, NoScorer):
        raise error
    return str(error) if isinstance(error, RetouchError) else f"{type(error).__name__}: {error}"


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

"""Fill or restore one photo, in whichever process: read it by path, and write under a name of its own."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from hashlib import sha256
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from retouch.batching import places
from retouch.batching.jobs import MASKS, OPTIONS, RESTORING, Job
from retouch.batching.restoring import restore_job
from retouch.batching.transfer import fetched, inputs_of, result_of, sent
from retouch.errors import RetouchError

if TYPE_CHECKING:
    from retouch.contract import Model


def limit_threads(threads: int) -> None:
    """Let everything that fills use at most so many threads; before the first fill."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VIPS_CONCURRENCY"):
        os.environ[name] = str(threads)
    import cv2

    cv2.setNumThreads(threads)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(threads)


def check(options: Mapping[str, Any]) -> str:
    """Say what is wrong with options that all jobs share; "" if nothing is."""
    from retouch.api.shared import check_seed

    try:
        given = {**OPTIONS, **options}
        check_seed(given["seed"])
        if not given["restore"]:
            _model(given["model"], given["refine"], given["device"], _frozen(given["options"]))
        for name in ("dilate", "close"):
            if given[name] < 0:
                raise RetouchError(f"--{name} takes 0 or more pixels, not {given[name]}.")
    except RetouchError as error:
        return str(error)
    except Exception as failure:
        return f"The model cannot be loaded ({type(failure).__name__}: {failure}); check its file."
    return ""


def fill_job(job: Job, out: str, staging: str) -> dict[str, Any]:
    """Fill a photo, and write the result into ``staging``.

    Args:
        job: the job.
        out: the folder of the results, or its URL.
        staging: a folder in it, for results without a name.

    Returns:
        What the journal says of it: ``inputs``, ``outcome`` ("filled" or "failed"), ``error``, ``notes``,
        ``seconds``, and ``files``, each with its place in staging.
    """
    started = time.perf_counter()
    inputs: dict[str, Any] = {}
    error = ""
    notes: tuple[str, ...] = ()
    files: dict[str, dict[str, Any]] = {}
    local: dict[str, str] = {}
    try:
        inputs = inputs_of(job, read=True)
        with TemporaryDirectory(prefix="retouch-") as temporary:
            for kind, place in job.inputs().items():
                local[kind] = place if kind == "model" else fetched(place, kind, temporary)
            folder = Path(temporary if places.is_url(out) else staging)
            waiting = {kind: folder / name for kind, name in replace(job, name=_staged(job)).names.items()}
            notes = _fill(job, local, waiting)
            sent_to = {name: sent(waiting[kind], staging) for kind, name in job.names.items()}
            files = {name: result_of(out, place) for name, place in sent_to.items()}
    except RetouchError as mistake:
        error = str(mistake)
        for kind, path in local.items():
            error = error.replace(path, job.inputs()[kind])  # a URL's copy has another name
        target = Path(staging, _staged(job)).absolute()
        error = error.replace(str(target), places.join(out, job.name))  # such as where the disk is full
    except MemoryError:
        error = "There is not enough memory for this photo; give more with --memory, or fill a smaller hole."
    except Exception as failure:
        error = f"The fill failed ({type(failure).__name__}: {failure}); try another model."
    return {
        "inputs": inputs,
        "outcome": "failed" if error else "filled",
        "error": error,
        "notes": list(notes),
        "seconds": round(time.perf_counter() - started, 3),
        "files": {} if error else files,
    }


def _fill(job: Job, local: Mapping[str, str], waiting: Mapping[str, Path]) -> tuple[str, ...]:
    """Fill a photo; its files, by what they are, wait under names of their own."""
    import retouch
    from retouch import imaging
    from retouch.api.drawn import draw_confidence, draw_sources

    if job.options.get("restore"):
        return restore_job(job, local, waiting)
    given = {name: value for name, value in {**OPTIONS, **job.options}.items() if name not in RESTORING}
    wheel, sources = given.pop("colour_wheel"), given.pop("sources")
    if not given["record"]:  # a record names the model, so that the fill can be made again
        name, refine, device = (given.pop(each) for each in ("model", "refine", "device"))
        given["model"] = _model(name, refine, device, _frozen(given.pop("options")))
    given |= {name: local[name] for name in MASKS if name in local}
    result = retouch.fill(
        local["photo"], local.get("mask"), output=waiting["photo"], overwrite=True, trace=sources, **given
    )
    if "record" in waiting:
        _rename(result.record, job, waiting["record"])
    if "sources" in waiting:
        imaging.write_png(draw_sources(result, colour_wheel=wheel), waiting["sources"], overwrite=True)
    if "confidence" in waiting:
        imaging.write_png(draw_confidence(result), waiting["confidence"], overwrite=True)
    return result.notes


def _staged(job: Job) -> str:
    stem = sha256(job.name.encode("utf-8", "surrogateescape")).hexdigest()[:24]
    return stem + PurePosixPath(job.name).suffix


def _rename(record: Any, job: Job, place: Path) -> None:
    """Let a record call its files as people do, not as they were called for the work."""
    from retouch.api.arguments import DEFAULTS
    from retouch.api.recorded import write
    from retouch.recording.fills import renamed

    names = {kind: places.name_of(each) for kind, each in job.inputs().items()}
    write(renamed(record, names | {"result": places.name_of(job.name)}, DEFAULTS), place, overwrite=True)


@lru_cache(maxsize=2)
def _model(name: str, refine: bool, device: str, options: tuple[tuple[str, str], ...]) -> Model:
    from retouch.api.shared import to_model

    return to_model(name, device=device, refine=refine, options=dict(options) or None)


def _frozen(options: Mapping[str, str] | None) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((options or {}).items()))

"""Export a run to a weights file that ``retouch fill`` can use."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from retouch.errors import RetouchError
from retouch.files import file_digest
from retouch.training.checkpoint import load_checkpoint
from retouch.training.finetune import fitting, told
from retouch.training.settings import build_config
from retouch.weights import read_weights, write_weights


def export(
    folder: Path,
    output: Path,
    *,
    other: str | Path | None = None,
    share: float | None = None,
    report: Path | None = None,
    overwrite: bool = False,
) -> tuple[int, list[Path]]:
    """Write the averaged weights of a run's newest checkpoint, or their mean with other weights.

    The mean of the weights before and after a run that began with them often fills better than either
    (Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR 2022, section 3). The file records how
    they were trained: configuration, pictures, steps, seed, seconds; and what else the mean is of.

    Args:
        folder: Folder of the run.
        output: The file to write; its name ends in ``.safetensors``.
        other: Weights of the same network to take the mean with: a file, or the name of a shipped one.
        share: How much of that mean is the run's, from 0 to 1; None for a half.
        report: A report of ``retouch evaluate`` on the existing file ``output``, which must hold the same
            weights. Its scores are written into the file; this needs ``overwrite``.
        overwrite: Replace ``output`` if it exists.

    Returns:
        The step of the checkpoint, and the paths of newer checkpoints that are damaged.

    Raises:
        RetouchError: There is no checkpoint, the other weights do not fit, the report is invalid or about
            other weights, or the file cannot be written.
    """
    content, refused = load_checkpoint(folder)
    config = content["config"]
    average: Mapping[str, Tensor] = content["average"]
    mean = {}
    if other is None and share is not None:
        raise RetouchError("--share is the run's share of a mean; say with --with WEIGHTS of which.")
    if other is not None:
        share = 0.5 if share is None else share
        if not 0 <= share <= 1:
            raise RetouchError(f"The share of the run must be from 0 to 1, not {share:g}.")
        given = fitting(other, build_config(config), option="--with")
        average = _mean(average, given.tensors, share)
        mean = {"mean": {"share": share, "with": told(given)}}
    about = {
        "config": config,
        "data": content["data"],
        "steps": content["step"],
        "seed": config["seed"],
        "seconds": round(content["seconds"]),
        "scores": {} if report is None else _scores(report, output, average),
        **mean,
    }
    write_weights(output, config["model"], average, about, overwrite=overwrite)
    return content["step"], refused


def _mean(run: Mapping[str, Tensor], other: Mapping[str, Tensor], share: float) -> dict[str, Tensor]:
    """Mix weights; whole numbers, such as counters of normalisations, are the run's."""
    return {
        name: torch.lerp(other[name].to(each), each, share) if each.is_floating_point() else each
        for name, each in run.items()
    }


def _scores(report: Path, output: Path, average: Mapping[str, Tensor]) -> dict[str, dict[str, float]]:
    """Read mean scores by kind of mask and metric; the report must be about these weights."""
    path = report / "report.json" if report.is_dir() else report
    try:
        content: dict[str, Any] = json.loads(path.read_text("utf-8"))
        digest = content["weights"].get(output.stem, {}).get("sha256")
        scores = {
            entry["masks"]: {metric: round(each["mean"], 4) for metric, each in entry["metrics"].items()}
            for entry in content["summary"]
            if entry["model"] == output.stem
        }
    except OSError as error:
        raise RetouchError(
            f"Cannot read {path} ({error.strerror}); name a report of retouch evaluate."
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RetouchError(f"{path} is no report of retouch evaluate.") from error
    measured = output.is_file() and file_digest(output) == digest
    if not measured or not _same(read_weights(output).tensors, average):
        raise RetouchError(
            f"{path} has not measured these weights as {output.name}; export them without --report, evaluate "
            "that file, and export again with the report."
        )
    return scores


def _same(exported: Mapping[str, Tensor], average: Mapping[str, Tensor]) -> bool:
    return exported.keys() == average.keys() and all(
        torch.equal(exported[name], each.half().float() if each.is_floating_point() else each)
        for name, each in average.items()
    )

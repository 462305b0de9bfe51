"""What all forms of the report share: which metrics they show, with how many digits, and which is best."""

from __future__ import annotations

import math
from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any

from retouch.evaluation.metrics import METRICS
from retouch.evaluation.statistics import badness

Result = dict[str, Any]

MAIN = {
    "l1_hole": "L1 % hole",
    "psnr_image": "PSNR",
    "ssim_image": "SSIM",
    "lpips_hole": "LPIPS hole",
    "st_lpips_hole": "ST-LPIPS hole",
    "frequency_ratio": "detail ratio",
    "frechet_vgg": "Fréchet VGG",
    "fid": "FID",
}
"""The metrics of the short tables, few enough for a terminal, with names short enough for one."""

RATIO_NOTE = (
    "For a ratio, where 1 is best, the mean is geometric, and the difference that of the absolute "
    "logarithms, which also decides what is best: smear and speckle do not cancel."
)


def cleaned(value: Any) -> Any:
    """The same, made of what JSON can hold: numbers that are not finite become None."""
    if isinstance(value, Mapping):
        return {str(key): cleaned(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [cleaned(each) for each in value]
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value) if math.isfinite(value) else None
    return str(value)


def weights_files(result: Result) -> list[str]:
    """A line for each model that was a weights file: its name, the file, and what tells its content."""
    files = result.get("weights") or {}
    return [f"{name}: {file['path']} (sha256 {file['sha256']})" for name, file in files.items()]


def entries(result: Result, masks: str) -> list[dict[str, Any]]:
    """The summary of one kind of masks, one entry a model."""
    return [entry for entry in result["summary"] if entry["masks"] == masks]


def kinds(result: Result) -> list[str]:
    """The kinds of masks in the summary, "all" among them where it is there."""
    return list(dict.fromkeys(entry["masks"] for entry in result["summary"]))


def mean(entry: Mapping[str, Any], metric: str) -> float | None:
    """Mean of a metric over the pairs, or its value for the whole set; of a published entry its figure."""
    found = entry.get("metrics", {}).get(metric)
    if isinstance(found, Mapping):
        found = found.get("mean")
    if found is None:
        found = entry.get("set", {}).get(metric)
    return None if found is None else float(found)


def published(result: Result, masks: str) -> list[dict[str, Any]]:
    """The published figures that stand beside one kind of masks."""
    return [entry for entry in result.get("published") or [] if entry["masks"] == masks]


def shown(result: Result) -> list[str]:
    """The metrics there is any value of, in the order of tables."""
    everything = [*result["summary"], *(result.get("published") or []), *result["rows"]]
    found = {
        key
        for entry in everything
        for key in (*entry.get("metrics", {}), *entry.get("set", {}))
        if mean(entry, key) is not None
    }
    return [metric for metric in METRICS if metric in found]


def digits(result: Result, metric: str) -> int:
    """So many digits after the point that the largest mean has four that count."""
    everything = [*result["summary"], *(result.get("published") or [])]
    values = [abs(value) for entry in everything if (value := mean(entry, metric))]
    return min(5, max(0, 3 - math.floor(math.log10(max(values))))) if values else 3


def is_best(result: Result, entry: Mapping[str, Any], metric: str) -> bool:
    """Whether a model has the best value of a metric, judged on the pairs that all models have.

    Metrics of whole sets have no pairs, so they are compared only if no model lacks any.
    """
    rivals = [each for each in entries(result, entry["masks"]) if mean(each, metric) is not None]
    if len(rivals) < 2 or mean(entry, metric) is None:
        return False
    if metric in entry.get("metrics", {}):
        ranks = [each["metrics"][metric].get("rank") for each in rivals]
    else:
        if len({each.get("count") for each in rivals}) > 1:
            return False
        ranks = [badness(metric, mean(each, metric) or 0.0) for each in rivals]
    mine = ranks[[each["model"] for each in rivals].index(entry["model"])]
    return mine is not None and all(each is None or mine <= each for each in ranks)


def failures(result: Result) -> dict[tuple[str, str, str], list[str]]:
    """What could not be scored: photo, kind of masks and what was wrong, each with the models."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for row in result["rows"]:
        if row.get("error"):
            found.setdefault((row["photo"], row["masks"], row["error"]), []).append(row["model"])
    return found

"""The report as one web page; apart from it, only the pictures are needed."""

from __future__ import annotations

import json
import re
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

from retouch.evaluation.metrics import COLUMNS
from retouch.evaluation.pictures import fill_path, mask_path, truth_path
from retouch.evaluation.report.values import (
    RATIO_NOTE,
    Result,
    digits,
    failures,
    is_best,
    mean,
    shown,
    weights_files,
)

_PLACE = re.compile(r"\{\{(\w+)\}\}")


def page(result: Result) -> str:
    """Build the page, with its data, style and scripts inside.

    Args:
        result: Cleaned; see :func:`~retouch.evaluation.report.values.cleaned`.
    """
    here = files("retouch.evaluation.report")
    parts = {
        "title": escape(f"Evaluation on {result['data']}"),
        "style": here.joinpath("style.css").read_text("utf-8"),
        # A "<" could end the script element. JSON strings can escape it.
        "data": json.dumps(_data(result), separators=(",", ":")).replace("<", "\\u003c"),
        "summary": here.joinpath("summary.js").read_text("utf-8"),
        "strips": here.joinpath("strips.js").read_text("utf-8"),
        "viewer": here.joinpath("viewer.js").read_text("utf-8"),
    }
    template = here.joinpath("template.html").read_text("utf-8")
    return _PLACE.sub(lambda found: parts[found[1]], template)


def _data(result: Result) -> dict[str, Any]:
    """What the scripts show. Values are in lists, in the order of the metrics, to keep the page small."""
    metrics = shown(result)
    scored = {key for row in result["rows"] for key in row["metrics"]}
    return {
        "command": result["command"],
        "about": _about(result),
        "notes": result.get("notes") or [],
        "ratioNote": RATIO_NOTE,
        "models": result["models"],
        "masks": result["masks"],
        "metrics": [
            {
                "label": COLUMNS[key].label,
                "better": COLUMNS[key].better,
                "digits": digits(result, key),
                "main": COLUMNS[key].short is not None,
                "inRows": key in scored,
            }
            for key in metrics
        ],
        "shownFirst": [metrics.index(key) for key in ("st_lpips_hole", "l1_hole") if key in metrics],
        "summary": [_entry(result, entry, metrics) for entry in result["summary"]],
        "published": [
            {
                "label": entry["label"],
                "masks": entry["masks"],
                "means": [_short(mean(entry, key)) for key in metrics],
            }
            for entry in result.get("published") or []
        ],
        "pairs": _pairs(result, metrics),
        "failures": [
            {"photo": photo, "masks": masks, "error": error, "models": models}
            for (photo, masks, error), models in failures(result).items()
        ],
    }


def _about(result: Result) -> list[str]:
    machine = [f"{key} {value}" for key, value in result.get("machine", {}).items()]
    protocol = [f"protocol {result['protocol']}"] if result.get("protocol") else []
    protocol += [f"shrunk to {result['size']} pixels (shorter side)"] if result.get("size") else []
    made = [str(result["date"]), f"retouch {result['retouch']}"]
    return [str(result["data"]), *protocol, *made, *machine, *weights_files(result)]


def _entry(result: Result, entry: dict[str, Any], metrics: list[str]) -> dict[str, Any]:
    """One row of the summary."""
    compared = [entry["metrics"].get(key, {}) for key in metrics]
    means = [mean(entry, key) for key in metrics]
    return {
        **{key: entry.get(key) for key in ("masks", "model", "count", "errors", "changed")},
        "seconds": _short(entry.get("seconds")),
        "peak": _short(entry.get("peak_mb")),
        "means": [_short(value) for value in means],
        "best": [is_best(result, entry, key) for key in metrics],
        "differences": [
            None
            if found.get("difference") is None
            else [_short(found.get(part)) for part in ("difference", "low", "high", "wins", "of")]
            for found in compared
        ],
    }


def _pairs(result: Result, metrics: list[str]) -> list[dict[str, Any]]:
    """One entry for each pair that was scored for any model, with its fills in the order of the models."""
    pairs: dict[tuple[str, str], dict[str, Any]] = {}
    places = {model: place for place, model in enumerate(result["models"])}
    for row in result["rows"]:
        photo, masks = row["photo"], row["masks"]
        pair = pairs.setdefault(
            (photo, masks),
            {
                "photo": photo,
                "masks": masks,
                "truth": _address(truth_path(photo)),
                "mask": _address(mask_path(masks, photo)),
                "fills": [None] * len(places),
            },
        )
        for key in ("hole", "height", "width"):
            pair[key] = _short(row.get(key)) or pair.get(key)
        pair["fills"][places[row["model"]]] = {
            "picture": _address(fill_path(row["model"], masks, photo)),
            "values": [_short(row["metrics"].get(key)) for key in metrics],
            "error": row.get("error"),
            "changed": row.get("changed"),
        }
    return [pair for pair in pairs.values() if any(fill and not fill["error"] for fill in pair["fills"])]


def _short(value: float | None) -> float | None:
    """Round to six digits, which is enough and takes a third of the space."""
    return None if value is None else float(f"{value:.6g}")


def _address(path: Path) -> str:
    return quote(path.as_posix())

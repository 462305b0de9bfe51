"""The report as Markdown that is also readable in a terminal."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from retouch.evaluation.metrics import COLUMNS
from retouch.evaluation.report.values import (
    RATIO_NOTE,
    Result,
    digits,
    entries,
    failures,
    is_best,
    mask_kinds,
    mean,
    published,
    shown,
    weights_files,
)

_EMPTY = "–"
# Names are full of underscores. Between letters they mean nothing in Markdown.
_SPECIAL = re.compile(r"[\\`*\[\]<>|~&#]|(?<![^\W_])_|_(?![^\W_])")


def tables(result: Result) -> str:
    """Write the whole report as Markdown.

    Args:
        result: Cleaned; see :func:`~retouch.evaluation.report.values.cleaned`.
    """
    return "\n".join(_lines(result)) + "\n"


def _lines(result: Result) -> Iterator[str]:
    yield from ("# Evaluation", "", "    " + " ".join(str(result["command"]).split()), "")
    machine = ", ".join(f"{key} {value}" for key, value in result.get("machine", {}).items())
    size = f" Photos were shrunk to {result['size']} pixels (shorter side)." if result.get("size") else ""
    followed = f" Protocol: {_text(result['protocol'])}." if result.get("protocol") else ""
    yield (
        f"Data: {_text(result['data'])}.{size}{followed} Measured {result['date']} "
        f"with retouch {result['retouch']} ({_text(machine)})."
    )
    if files := weights_files(result):
        yield from ("", f"Weights: {_text('; '.join(files))}.")
    for note in result.get("notes") or []:
        yield from ("", f"Note: {_text(note)}")
    metrics = shown(result)
    for masks in mask_kinds(result):
        title = "All masks" if masks == "all" else f"Masks: {masks}"
        yield from ("", f"## {_text(title)}", "")
        yield from _short(result, masks, metrics)
    if any(COLUMNS[metric].better == "one" for metric in metrics):
        yield from ("", RATIO_NOTE)
    yield from _unplaced(result)
    for masks in mask_kinds(result):
        title = "all masks" if masks == "all" else f"masks: {masks}"
        yield from ("", f"## Every metric, {_text(title)}", "")
        yield from _full(result, masks, metrics)
    yield from _failures(result)


def _short(result: Result, masks: str, metrics: Sequence[str]) -> Iterator[str]:
    """The means of the main metrics, and their differences to the first model."""
    models, papers = entries(result, masks), published(result, masks)
    chosen = [
        metric
        for metric in metrics
        if (COLUMNS[metric].short and any(mean(entry, metric) is not None for entry in models))
        or any(mean(entry, metric) is not None for entry in papers)
    ]
    yield f"{_counts(models)}. The best value is bold. Seconds are the median."
    yield ""
    head = ["model", *(_label(metric, short=True) for metric in chosen), "seconds", "peak MB"]
    body = []
    columns = [_means(result, metric, models) for metric in chosen]
    for place, entry in enumerate(models):
        cost = [_number(entry.get("seconds"), 2), _number(entry.get("peak_mb"), 0)]
        body.append([_text(entry["model"]), *(column[place] for column in columns), *cost])
    for entry in papers:
        values = [_number(mean(entry, metric), digits(result, metric)) for metric in chosen]
        body.append([f"{_text(entry['label'])} (published)", *values, _EMPTY, _EMPTY])
    yield from _table(head, body)
    others = models[1:]
    compared = [metric for metric in chosen if any(_has_difference(entry, metric) for entry in others)]
    if compared:
        name = _text(result["models"][0])
        intervals = any(_has_interval(entry, metric) for entry in others for metric in compared)
        interval = "95 % interval" if intervals else "no interval: fewer than five photos"
        yield from ("", f"Difference to {name} [{interval}], and number of pairs where it is better:", "")
        head = ["metric", *(_text(entry["model"]) for entry in others)]
        body = [
            [_label(metric, short=True), *(_difference(result, entry, metric) for entry in others)]
            for metric in compared
        ]
        yield from _table(head, body)


def _full(result: Result, masks: str, metrics: Sequence[str]) -> Iterator[str]:
    """Means, differences and wins for every metric."""
    models = entries(result, masks)
    name = _text(result["models"][0])
    head = ["metric", *(_text(entry["model"]) for entry in models)]
    head += [f"{_text(entry['model'])} − {name}" for entry in models[1:]]
    body = []
    for metric in metrics:
        differences = [_difference(result, entry, metric) for entry in models[1:]]
        body.append([_label(metric), *_means(result, metric, models), *differences])
    yield from _table(head, body)


def _unplaced(result: Result) -> Iterator[str]:
    """Published figures for kinds of masks that were not measured."""
    there = mask_kinds(result)
    rest = [entry for entry in result.get("published") or [] if entry["masks"] not in there]
    chosen = [metric for metric in COLUMNS if any(mean(entry, metric) is not None for entry in rest)]
    if rest:
        yield from ("", "## Published, for other masks", "")
        head = ["source", "masks", *(_label(metric) for metric in chosen)]
        body = [
            [
                _text(entry["label"]),
                _text(entry["masks"]),
                *(_number(mean(entry, metric), digits(result, metric)) for metric in chosen),
            ]
            for entry in rest
        ]
        yield from _table(head, body)


def _failures(result: Result) -> Iterator[str]:
    failed = failures(result)
    if failed:
        yield from ("", "## Could not be scored", "")
        for (photo, masks, error), models in failed.items():
            yield f"- {_text(photo)}, {_text(masks)}, {_text(', '.join(models))}: {_text(error)}"


def _counts(models: Sequence[dict[str, Any]]) -> str:
    """How many pairs were scored, and what went wrong."""
    counts = {entry["model"]: entry.get("count", 0) for entry in models}
    if len(set(counts.values())) == 1:
        count = next(iter(counts.values()))
        parts = [f"{count} {'pair' if count == 1 else 'pairs'} for each model"]
    else:
        parts = ["Pairs: " + ", ".join(f"{_text(model)} {count}" for model, count in counts.items())]
    problems = {
        "errors": "not scored",
        "changed": "fills that changed known pixels (restored before scoring)",
    }
    for key, what in problems.items():
        found = {entry["model"]: entry[key] for entry in models if entry.get(key)}
        if found:
            parts.append(f"{what}: " + ", ".join(f"{_text(model)} {count}" for model, count in found.items()))
    return "; ".join(parts)


def _label(metric: str, *, short: bool = False) -> str:
    column = COLUMNS[metric]
    arrow = {"lower": "↓", "higher": "↑", "one": "→1"}[column.better]
    return f"{_text((short and column.short) or column.label)} {arrow}"


def _means(result: Result, metric: str, models: Sequence[dict[str, Any]]) -> list[str]:
    """The mean of each model, with the best in bold."""
    values = [mean(entry, metric) for entry in models]
    shown_digits = digits(result, metric)
    texts = [_number(value, shown_digits) for value in values]
    return [
        f"**{text}**" if is_best(result, entry, metric) else text
        for text, entry in zip(texts, models, strict=True)
    ]


def _has_difference(entry: dict[str, Any], metric: str) -> bool:
    return entry.get("metrics", {}).get(metric, {}).get("difference") is not None


def _has_interval(entry: dict[str, Any], metric: str) -> bool:
    found = entry.get("metrics", {}).get(metric, {})
    return found.get("low") is not None and found.get("high") is not None


def _difference(result: Result, entry: dict[str, Any], metric: str) -> str:
    if not _has_difference(entry, metric):
        return _EMPTY
    found, places = entry["metrics"][metric], digits(result, metric)
    text = _number(found["difference"], places, sign=True)
    if _has_interval(entry, metric):
        low, high = (_number(found[end], places, sign=True) for end in ("low", "high"))
        text += f" [{low}, {high}]"
    wins, of = found.get("wins"), found.get("of")
    return text if wins is None else f"{text} {wins}/{of}"


def _number(value: float | None, places: int, *, sign: bool = False) -> str:
    if value is None:
        return _EMPTY
    return f"{value:{'+' if sign else ''}.{places}f}".replace("-", "−")


def _text(text: object) -> str:
    """Put a text on one line and escape what Markdown would interpret."""
    return _SPECIAL.sub(lambda found: "\\" + found[0], " ".join(str(text).split()))


def _table(head: Sequence[str], body: Sequence[Sequence[str]]) -> Iterator[str]:
    """A table with aligned columns: names to the left, numbers to the right."""
    widths = [max(3, *(len(row[column]) for row in [head, *body])) for column in range(len(head))]
    for row in (head, None, *body):
        if row is None:
            cells = [
                "-" * width if column == 0 else "-" * (width - 1) + ":" for column, width in enumerate(widths)
            ]
        else:
            cells = [
                text.ljust(width) if column == 0 else text.rjust(width)
                for column, (text, width) in enumerate(zip(row, widths, strict=True))
            ]
        yield "| " + " | ".join(cells) + " |"

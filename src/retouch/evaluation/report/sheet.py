"""The contact sheet: a few pairs side by side, from worst to best."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from retouch.errors import RetouchError
from retouch.evaluation.arrays import Pixels
from retouch.evaluation.metrics import COLUMNS
from retouch.evaluation.pictures import fill_path, mask_path, truth_path
from retouch.evaluation.report.values import Result, digits
from retouch.evaluation.statistics import badness
from retouch.imaging import read_mask, read_photo, to_srgb

Pair = tuple[str, str]

TILE, GAP, LINE = 256, 8, 28
PAIRS = 8
PAPER, INK, HOLE_COLOUR = (255, 255, 255), (30, 30, 30), (232, 61, 140)


def draw_sheet(result: Result, folder: Path) -> Pixels:
    """Draw about eight pairs: the input with the hole painted over, each model's fill, and the photo.

    For each kind of masks it shows the worst, median and best pairs, judged by the last model's ST-LPIPS in
    the hole, or by L1 if no pair has that.

    Args:
        result: Cleaned; see :func:`~retouch.evaluation.report.values.cleaned`.
        folder: The report's folder, which holds the pictures.

    Returns:
        The sheet, ``H×W×3`` uint8 sRGB. A tile says so where its picture is missing.
    """
    models = result["models"]
    rows = {(row["photo"], row["masks"], row["model"]): row for row in result["rows"]}
    metric = _metric(result)
    places, empty = digits(result, metric), [""] * (len(models) + 1)
    label = COLUMNS[metric].label
    lines = [_line([f"The number beside each model: {label} ({COLUMNS[metric].better} is better)", *empty])]
    for (photo, masks), rank in _chosen(result, metric):
        values = [rows.get((photo, masks, model), {}).get("metrics", {}).get(metric) for model in models]
        names = [
            model if value is None else f"{model} {value:.{places}f}"
            for model, value in zip(models, values, strict=True)
        ]
        truth = _read(folder / truth_path(photo))
        fills = [_read(folder / fill_path(model, masks, photo)) for model in models]
        tiles = [_painted(truth, folder / mask_path(masks, photo)), *fills, truth]
        lines += [
            _line([f"{masks}, {rank}: {photo}", *empty]),
            _line(["input", *names, "photo"]),
            _joined([_tile(each) for each in tiles]),
        ]
    sheet: Pixels = np.concatenate(lines)
    return np.pad(sheet, ((GAP, GAP), (GAP, GAP), (0, 0)), constant_values=PAPER[0])


def _metric(result: Result) -> str:
    rows = [row for row in result["rows"] if row["model"] == result["models"][-1]]
    measured = [key for row in rows for key, value in row["metrics"].items() if value is not None]
    return next((key for key in ("st_lpips_hole", "l1_hole", *COLUMNS) if key in measured), "l1_hole")


def _chosen(result: Result, metric: str) -> Iterator[tuple[Pair, str]]:
    """Pick at least three pairs of each kind of masks, spread evenly from worst to best."""
    each = max(3, PAIRS // max(1, len(result["masks"])))
    for masks in result["masks"]:
        scored = [
            (-badness(metric, value), row["photo"])
            for row in result["rows"]
            if row["masks"] == masks
            and row["model"] == result["models"][-1]
            and (value := row["metrics"].get(metric)) is not None
        ]
        order = [(photo, masks) for _, photo in sorted(scored)]
        places = np.unique(np.linspace(0, len(order) - 1, min(each, len(order))).round().astype(int))
        for place in places:
            yield order[place], rank(int(place), len(order))


def rank(place: int, count: int) -> str:
    """Say which of ``count`` pairs, ordered from the worst, is number ``place``, from 0."""
    middle = {(count - 1) // 2: "median", count // 2: "median"}
    ends = {0: "worst", count - 1: "best"} if count > 1 else {}
    return (middle | ends).get(place, f"{place + 1} of {count}")


def _read(path: Path) -> Pixels | None:
    try:
        photo = read_photo(path)
    except RetouchError:
        return None
    return np.rint(255 * to_srgb(photo, slice(None), slice(None))).astype(np.uint8)


def _painted(truth: Pixels | None, mask: Path) -> Pixels | None:
    if truth is None:
        return None
    try:
        hole = read_mask(mask, truth.shape)
    except RetouchError:
        return None
    return np.where(hole[..., None], np.array(HOLE_COLOUR, np.uint8), truth)


def _tile(picture: Pixels | None) -> Pixels:
    """Fit a picture into the middle of a square."""
    tile = np.full((TILE, TILE, 3), 225, np.uint8)
    if picture is None:
        cv2.putText(tile, "missing", (80, 134), cv2.FONT_HERSHEY_SIMPLEX, 0.7, INK, 1, cv2.LINE_AA)
        return tile
    height, width = picture.shape[:2]
    scale = TILE / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST)
    top, left = (TILE - size[1]) // 2, (TILE - size[0]) // 2
    tile[top : top + size[1], left : left + size[0]] = small
    return tile


def _joined(tiles: list[Pixels]) -> Pixels:
    gap = np.full((TILE, GAP, 3), PAPER, np.uint8)
    pieces: list[Any] = [tiles[0]]
    for tile in tiles[1:]:
        pieces += [gap, tile]
    joined: Pixels = np.concatenate(pieces, axis=1)
    return joined


def _line(texts: list[str]) -> Pixels:
    """Write a line with one text above each column."""
    line = np.full((LINE, len(texts) * (TILE + GAP) - GAP, 3), PAPER, np.uint8)
    for place, text in enumerate(texts):
        # OpenCV writes ASCII only. A text is cut where the next one begins.
        plain = "".join(letter if " " <= letter <= "~" else "?" for letter in text)
        room = next((after for after in range(place + 1, len(texts)) if texts[after]), len(texts)) - place
        piece = np.ascontiguousarray(line[:, place * (TILE + GAP) : (place + room) * (TILE + GAP) - GAP])
        cv2.putText(piece, plain, (2, 19), cv2.FONT_HERSHEY_SIMPLEX, 0.5, INK, 1, cv2.LINE_AA)
        line[:, place * (TILE + GAP) : place * (TILE + GAP) + piece.shape[1]] = piece
    return line

"""Whether confidence can be trusted, and what filling in passes is worth.

Calibration: how confidence and true error of hole pixels go together, model by model, and a plot of how often
pixels of each confidence are right::

    python benchmarks/confidence.py calibration --data ../shared/data/eval --limit 40 --plot plot.png

A model without confidence of its own gets that of the head. ``--write FILE`` measures the head of that file
instead of the package's, and writes the figures into it; ``--sheet`` shows fills, confidence and error.

Passes: fills made in 1, 2 and 4 passes, each compared with one pass on the same holes::

    python benchmarks/confidence.py passes --data ../shared/data/eval --models exemplar+confidence-feedback

Both print Markdown tables.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

import retouch
from retouch.confidence.around import ConfidenceAround
from retouch.confidence.head import WITHIN, open_head
from retouch.evaluation.metrics import measure
from retouch.evaluation.pairs import find_pairs, read_pair
from retouch.evaluation.statistics import paired_interval
from retouch.imaging import write_png
from retouch.ops.masks import depth
from retouch.weights import read_weights, write_weights

MODELS = [
    "exemplar",
    "telea",
    "navier-stokes",
    "contextual-attention",
    "pen-net",
    "context-encoder",
    "infer-match-translate",
    "exemplar+neural-patch",
]
BINS = 10
FEWEST = 1e-3  # share of the pixels that a dot of the plot stands for at least; a few pixels show chance
COLUMNS = ("st_lpips_hole", "l1_hole")
Values = NDArray[np.float64]


def grey(values: np.ndarray) -> np.ndarray:
    """``H×W×3`` uint8 of ``H×W`` values, 0 = black and 1 = white."""
    return np.rint(255 * values.clip(0, 1))[..., None].repeat(3, 2).astype(np.uint8)


def ranks(values: Values) -> Values:
    """Ranks from 0; equal values share the mean of theirs."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts + 1) / 2)[places]


def correlation(one: Values, other: Values) -> float:
    """Pearson's; 0 if one is constant."""
    return float(np.corrcoef(one, other)[0, 1]) if one.std() and other.std() else 0.0


def reliability(confidence: Values, correct: Values) -> list[tuple[float, float, float]]:
    """For each tenth of confidence that occurs: its mean, how often such pixels are right, their share."""
    number = np.minimum((confidence * BINS).astype(int), BINS - 1)
    groups = [number == each for each in range(BINS)]
    return [
        (float(confidence[each].mean()), float(correct[each].mean()), float(each.mean()))
        for each in groups
        if each.any()
    ]


class Pixels:
    """Hole pixels of all pairs, for one model."""

    def __init__(self) -> None:
        self._rows: list[np.ndarray] = []
        self._better: list[bool] = []

    def add(self, confidence: np.ndarray, error: np.ndarray, deep: np.ndarray) -> None:
        """Add the hole pixels of a pair: confidence, error and depth in the hole."""
        self._rows.append(np.stack([confidence, error, deep]))
        sure = confidence > 0.5
        if sure.any() and not sure.all():
            self._better.append(bool(error[sure].mean() < error[~sure].mean()))

    def curve(self) -> list[tuple[float, float, float]]:
        """See :func:`reliability`."""
        confidence, error, _ = np.concatenate(self._rows, 1).astype(np.float64)
        return reliability(confidence, error <= WITHIN)

    def scores(self) -> dict[str, float]:
        """The row of the table; errors are in % of the range."""
        confidence, error, deep = np.concatenate(self._rows, 1).astype(np.float64)
        sure = confidence > 0.5
        found = {
            "pearson": correlation(confidence, error),
            "spearman": correlation(ranks(confidence), ranks(error)),
            "spearman_of_depth": correlation(ranks(-deep), ranks(error)),
            "calibration_error": sum(n * abs(said - seen) for said, seen, n in self.curve()),
            "right": float((error <= WITHIN).mean()),
            "confident": float(sure.mean()),
        }
        for name, pixels in (("error_confident", sure), ("error_doubtful", ~sure)):
            if pixels.any():
                found[name] = 100 * float(error[pixels].mean())
        if self._better:
            found["confident_is_better"] = float(np.mean(self._better))
        return {name: round(value, 4) for name, value in found.items()}


def plot(curves: dict[str, list[tuple[float, float, float]]], path: Path) -> None:
    """Draw how often pixels of each confidence are right; a perfect head lies on the diagonal."""
    side, margin, legend = 560, 60, 300
    sheet = np.full((side + 2 * margin, side + 2 * margin + legend, 3), 255, np.uint8)

    def place(x: float, y: float) -> tuple[int, int]:
        return margin + round(x * side), margin + round((1 - y) * side)

    def write(text: str, x: int, y: int, colour: Sequence[int] = (0, 0, 0)) -> None:
        cv2.putText(sheet, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, 0.5, colour, 1, cv2.LINE_AA)

    for tenth in range(11):
        value = tenth / 10
        for one, other in (((0, value), (1, value)), ((value, 0), (value, 1))):
            cv2.line(sheet, place(*one), place(*other), (225, 225, 225), 1)
        if tenth % 2 == 0:
            write(f"{value:.1f}", margin - 38, place(0, value)[1] + 5)
            write(f"{value:.1f}", place(value, 0)[0] - 12, side + margin + 20)
    cv2.line(sheet, place(0, 0), place(1, 1), (150, 150, 150), 1, cv2.LINE_AA)
    write("confidence", margin + side // 2 - 40, side + margin + 45)
    write(f"share of pixels within {WITHIN} of the truth", margin, margin - 20)
    for number, (name, curve) in enumerate(curves.items()):
        hue = np.uint8([[[180 * number // len(curves), 220, 180]]])
        colour = [int(each) for each in cv2.cvtColor(hue, cv2.COLOR_HSV2RGB)[0, 0]]
        curve = [each for each in curve if each[2] >= FEWEST]
        points = [place(said, seen) for said, seen, _ in curve]
        cv2.polylines(sheet, [np.array(points)], False, colour, 2, cv2.LINE_AA)
        for point, (_, _, share) in zip(points, curve, strict=True):
            cv2.circle(sheet, point, 2 + round(12 * share**0.5), colour, -1, cv2.LINE_AA)
        write(name, side + 2 * margin, margin + 25 * number, colour)
    write("area of a dot: share of the pixels", side + 2 * margin, side + margin)
    write_png(sheet, path, overwrite=True)


def calibration(given: argparse.Namespace) -> None:
    """Measure confidence against the truth."""
    head = open_head(torch.device("cpu"), given.write)
    models = {
        name: ConfidenceAround(retouch.load(name, device="cpu"), head) for name in given.models or MODELS
    }
    found = {name: Pixels() for name in models}
    rows = []
    for pair in find_pairs(given.data, given.masks or ["object", "irregular-high"], given.limit):
        pixels, hole = read_pair(pair, given.size)
        deep = depth(hole)[hole]
        shown = [[np.where(hole[..., None], np.uint8(128), pixels)] for _ in range(3)]
        for name, model in models.items():
            fill = retouch.fill(pixels, hole, model=model)
            assert fill.confidence is not None
            error = np.abs(fill.image.astype(np.float32) - pixels).mean(2) / 255
            found[name].add(fill.confidence[hole], error[hole], deep)
            # White as confidence is: a pixel that differs by twice what is still right is black.
            pictures = fill.image, grey(fill.confidence), grey(1 - error / (2 * WITHIN))
            for line, picture in zip(shown, pictures, strict=True):
                line.append(picture)
        if given.sheet and len(rows) < given.rows and pixels.shape[0] == pixels.shape[1]:
            rows.append(np.concatenate([np.concatenate(line, 1) for line in shown]))
    if rows:
        write_png(np.concatenate(rows), given.sheet, overwrite=True)
    if given.plot:
        plot({name: each.curve() for name, each in found.items()}, given.plot)
    scores = {name: each.scores() for name, each in found.items()}
    keys = list(dict.fromkeys(key for each in scores.values() for key in each))
    print("| model | " + " | ".join(keys) + " |\n|---|" + "---:|" * len(keys))
    for name, each in scores.items():
        print(f"| {name} | " + " | ".join(f"{each[key]:.3g}" if key in each else "" for key in keys) + " |")
    if given.write:
        weights = read_weights(given.write)
        about = {**weights.about, "scores": scores}
        write_weights(given.write, weights.model, weights.tensors, about, overwrite=True)


def passes(given: argparse.Namespace) -> None:
    """Compare numbers of passes."""
    names = given.models or ["exemplar+confidence-feedback"]
    found: defaultdict[tuple[str, str, int], list[dict[str, float]]] = defaultdict(list)
    photos: defaultdict[str, list[str]] = defaultdict(list)
    models = {
        (name, count): retouch.load(name, device="cpu", options={"passes": count})
        for name in names
        for count in given.passes
    }
    for pair in find_pairs(given.data, given.masks or ["center", "irregular-high"], given.limit):
        pixels, hole = read_pair(pair, given.size)
        photos[pair.masks].append(pair.photo)
        for (name, count), model in models.items():
            made = retouch.inpaint(pixels, hole, model=model)
            found[pair.masks, name, count].append(measure(made, pixels, hole))
    print("| masks | model | passes | " + " | ".join(f"{key} | difference (95 %)" for key in COLUMNS) + " |")
    print("|---|---|---:|" + "---:|---:|" * len(COLUMNS))
    for (masks, name, count), measured in found.items():
        cells = []
        first = found[masks, name, given.passes[0]]
        for key in COLUMNS:
            values = np.array([each[key] for each in measured])
            differences = values - [each[key] for each in first]
            low, high = paired_interval(differences.tolist(), photos[masks])
            interval = "" if low is None else f" ({low:+.2g} to {high:+.2g})"
            cells += [f"{values.mean():.4g}", f"{differences.mean():+.2g}{interval}"]
        print(f"| {masks} | {name} | {count} | " + " | ".join(cells) + " |")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["calibration", "passes"])
    parser.add_argument("--data", type=Path, required=True, help="photos with masks, as for retouch evaluate")
    parser.add_argument("--models", nargs="+", help="names or weights files")
    parser.add_argument("--masks", nargs="+", help="kinds; left out: object, or center, and irregular-high")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--passes", type=int, nargs="+", default=[1, 2, 4], help="the first is compared with")
    parser.add_argument("--plot", type=Path, help="PNG of the reliability of all models")
    parser.add_argument("--sheet", type=Path, help="PNG of fills, confidence and error")
    parser.add_argument("--rows", type=int, default=8, help="pairs on the sheet")
    parser.add_argument("--write", type=Path, help="weights file of a head, which gets the figures")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    (calibration if given.what == "calibration" else passes)(given)


if __name__ == "__main__":
    main()

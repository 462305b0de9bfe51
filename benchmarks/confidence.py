"""Confidence: can it be trusted, and is filling in passes worth it?

    python benchmarks/confidence.py calibration --data DIR --limit 40 --plot plot.png
    python benchmarks/confidence.py passes --data DIR --models confidence-feedback --limit 40

``calibration`` prints how confidence and true error go together in the pixels of the holes. Models without
a confidence of their own get that of the head. ``--plot`` draws how often pixels of each confidence are
right. ``--write FILE`` measures the head in that file and writes the figures into it.

``passes`` compares fills made in 1, 2 and 4 passes, as `retouch evaluate` compares models. ``--out`` keeps
the report.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import pearsonr, spearmanr

import retouch
from retouch.confidence.around import judged
from retouch.confidence.head import WITHIN, open_head
from retouch.evaluation.pairs import find_pairs, read_pair
from retouch.imaging import write_png
from retouch.ops.masks import depth
from retouch.weights import read_weights, write_weights
from shared import cases_of, compare_fills, model_source

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
PASSES = (1, 2, 4)
BINS = 10
FEWEST = 1e-3  # a dot of the plot stands for at least this share of the pixels; fewer would show chance
Values = NDArray[np.float64]


def reliability(confidence: Values, correct: Values) -> list[tuple[float, float, float]]:
    """For each tenth of confidence that occurs: its mean, the share of right pixels, the share of pixels."""
    number = np.minimum((confidence * BINS).astype(int), BINS - 1)
    groups = [number == each for each in range(BINS)]
    return [
        (float(confidence[each].mean()), float(correct[each].mean()), float(each.mean()))
        for each in groups
        if each.any()
    ]


def scores(confidence: Values, error: Values, deep: Values) -> dict[str, float]:
    """One row of the table, from the pixels of all holes; errors are in % of the full range."""
    sure = confidence > 0.5
    curve = reliability(confidence, error <= WITHIN)
    found = {
        "pearson": float(pearsonr(confidence, error).statistic),
        "spearman": float(spearmanr(confidence, error).statistic),
        "spearman_of_depth": float(spearmanr(-deep, error).statistic),
        "calibration_error": sum(share * abs(said - seen) for said, seen, share in curve),
        "right": float((error <= WITHIN).mean()),
        "confident": float(sure.mean()),
    }
    for name, pixels in (("error_confident", sure), ("error_doubtful", ~sure)):
        if pixels.any():
            found[name] = 100 * float(error[pixels].mean())
    return {name: round(value, 4) for name, value in found.items() if np.isfinite(value)}


def plot(curves: dict[str, list[tuple[float, float, float]]], path: Path) -> None:
    """Draw how often pixels of each confidence are right. A perfect head lies on the diagonal."""
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
    """Compare confidence with the true error."""
    head = open_head(torch.device("cpu"), given.write)
    models = {name: judged(retouch.load(name, device="cpu"), head) for name in given.models or MODELS}
    pixels: dict[str, list[Values]] = {name: [] for name in models}
    for pair in find_pairs(given.data, given.masks or ["object", "irregular-high"], given.limit):
        photo, hole = read_pair(pair, given.size)
        for name, model in models.items():
            fill = retouch.fill(photo, hole, model=model)
            assert fill.confidence is not None
            error = np.abs(fill.image.astype(np.float64) - photo).mean(2) / 255
            pixels[name].append(np.stack([fill.confidence[hole], error[hole], depth(hole)[hole]]))
    found = {name: np.concatenate(each, 1).astype(np.float64) for name, each in pixels.items()}
    if given.plot:
        curves = {name: reliability(each[0], each[1] <= WITHIN) for name, each in found.items()}
        plot(curves, given.plot)
    rows = {name: scores(*each) for name, each in found.items()}
    keys = list(dict.fromkeys(key for each in rows.values() for key in each))
    print("| model | " + " | ".join(keys) + " |\n|---|" + "---:|" * len(keys))
    for name, each in rows.items():
        print(f"| {name} | " + " | ".join(f"{each[key]:.3g}" if key in each else "" for key in keys) + " |")
    if given.write:
        weights = read_weights(given.write)
        about = {**weights.about, "scores": rows}
        write_weights(given.write, weights.model, weights.tensors, about, overwrite=True)


def passes(given: argparse.Namespace) -> None:
    """Compare numbers of passes, each with one pass of the same model."""
    for name in given.models or ["exemplar+confidence-feedback"]:
        sources = {
            f"{name} passes={count}": model_source(
                retouch.load(name, device="cpu", options={"passes": count})
            )
            for count in PASSES
        }
        compare_fills(
            cases_of(given.data, given.masks or ["center", "irregular-high"], given.limit, given.size),
            sources,
            metrics=["l1", "st_lpips"],
            data=given.data,
            threads=given.threads,
            out=given.out and given.out / name,
            size=given.size,
        )


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["calibration", "passes"])
    parser.add_argument("--data", type=Path, required=True, help="photos with masks, as for retouch evaluate")
    parser.add_argument("--models", nargs="+", help="names or weights files")
    parser.add_argument("--masks", nargs="+", help="default: object, or center, and irregular-high")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--plot", type=Path, help="PNG for the plot of calibration")
    parser.add_argument("--write", type=Path, help="weights file of a head, which gets the figures")
    parser.add_argument("--out", type=Path, help="folder for the reports of passes")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    (calibration if given.what == "calibration" else passes)(given)


if __name__ == "__main__":
    main()

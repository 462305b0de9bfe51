"""How well damage is found: precision and recall on made damage, and what is found in photos without any.

    python benchmarks/damage.py --photos FOLDER --made retouch --out FOLDER
    python benchmarks/damage.py --photos ../shared/data/eval/images --made damage_made:damage --out FOLDER

``--made`` names what damages the photos: "retouch" for the generator that the network was trained with, or
MODULE:FUNCTION, called with a photo (``H×W×3`` uint8) and a seed, which returns the damaged photo and a mask.
Pixels count as right within a tolerance of 2 pixels: a found pixel that near to damage, and a damaged pixel
that near to something found. The folder gets ``curve.png`` (precision over recall, for all sensitivities) and
contact sheets: the photo, what is there, and what was found (green right, red in error, blue missed).
"""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np

from retouch.finding.arrays import read_arrays, shipped_arrays
from retouch.finding.damage import AREAS, COPY, WORTH, marked
from retouch.finding.looking import Values, look
from retouch.finding.networks import NAME
from retouch.imaging import photo_from_array
from retouch.ops.masks import dilate
from retouch.training.damage import Damage
from retouch.training.data import decode
from retouch.training.shards import Shards

TOLERANCE = 2
SENSITIVITIES = np.linspace(0, 1, 21)
DEFAULT = 10  # place of sensitivity 0.5

Damaged = tuple[np.ndarray, np.ndarray]


def photos(paths: list[Path], limit: int | None, side: int | None) -> Iterator[np.ndarray]:
    """The photos of folders and tar files; with ``side``, a crop of their middle."""
    shards = Shards(paths)
    for number in range(len(shards.members))[:: max(1, len(shards.members) // limit) if limit else 1][:limit]:
        photo = decode(shards[number])
        assert photo is not None
        if side is not None:
            top, left = (max(0, (each - side) // 2) for each in photo.shape[:2])
            photo = photo[top : top + side, left : left + side]
        yield np.ascontiguousarray(photo)


def maker(name: str) -> Callable[[np.ndarray, int], Damaged]:
    """The function that damages a photo."""
    if name == "retouch":
        made = Damage(clean=0.0)
        return lambda photo, seed: made.spoil(np.random.default_rng(seed), photo)
    module, _, function = name.partition(":")
    found: Callable[[np.ndarray, int], Damaged] = getattr(importlib.import_module(module), function)
    return found


def sheet(photo: np.ndarray, true: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Photo, truth and findings side by side."""
    shown = np.zeros_like(photo)
    shown[found & dilate(true, TOLERANCE)] = (0, 200, 0)
    shown[found & ~dilate(true, TOLERANCE)] = (255, 0, 0)
    shown[true & ~dilate(found, TOLERANCE)] = (60, 90, 255)
    return np.hstack([photo, np.repeat(true[..., None] * np.uint8(255), 3, 2), shown])


def curve(precision: np.ndarray, recall: np.ndarray, title: str) -> np.ndarray:
    """Draw precision over recall."""
    side, edge = 640, 70
    plot = np.full((side + 2 * edge, side + 2 * edge, 3), 255, np.uint8)
    font, grey = cv2.FONT_HERSHEY_SIMPLEX, (120, 120, 120)
    at = [
        (round(edge + side * x), round(edge + side * (1 - y))) for x, y in zip(recall, precision, strict=True)
    ]
    for tick in np.linspace(0, 1, 11):
        x, y = round(edge + side * tick), round(edge + side * (1 - tick))
        cv2.line(plot, (x, edge), (x, edge + side), (230, 230, 230), 1)
        cv2.line(plot, (edge, y), (edge + side, y), (230, 230, 230), 1)
        cv2.putText(plot, f"{tick:.1f}", (x - 12, edge + side + 22), font, 0.45, grey, 1, cv2.LINE_AA)
        cv2.putText(plot, f"{tick:.1f}", (edge - 36, y + 5), font, 0.45, grey, 1, cv2.LINE_AA)
    cv2.polylines(plot, [np.array(at, np.int32)], False, (200, 80, 20), 2, cv2.LINE_AA)
    for place, point in enumerate(at):
        cv2.circle(plot, point, 7 if place == DEFAULT else 3, (200, 80, 20), -1, cv2.LINE_AA)
    cv2.putText(plot, title, (edge, 40), font, 0.6, (0, 0, 0), 1, cv2.LINE_AA)
    cv2.putText(
        plot, "recall", (edge + side // 2 - 25, side + 2 * edge - 15), font, 0.55, (0, 0, 0), 1, cv2.LINE_AA
    )
    cv2.putText(plot, "precision", (5, edge - 12), font, 0.55, (0, 0, 0), 1, cv2.LINE_AA)
    return plot


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=Path, nargs="+", required=True)
    parser.add_argument("--made", help="what damages the photos; left out: they stay clean")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--weights", type=Path, help="another weights file, for damage of any size")
    parser.add_argument("--areas", type=Path, help="another weights file, for large damage")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--crop", type=int, help="side of a crop of the middle of each photo")
    parser.add_argument("--worth", type=float, default=WORTH, help="0 looks everywhere")
    given = parser.parse_args()
    arrays = shipped_arrays(NAME) if given.weights is None else read_arrays(given.weights, NAME)
    of_areas = shipped_arrays(NAME, AREAS) if given.areas is None else read_arrays(given.areas, NAME)
    make = None if given.made is None else maker(given.made)
    given.out.mkdir(parents=True, exist_ok=True)
    sums = np.zeros((len(SENSITIVITIES), 4))  # found, of that right, true, of that found
    shares_of: list[np.ndarray] = []  # share of the pixels, by photo and sensitivity
    shown: list[tuple[float, np.ndarray]] = []
    for number, photo in enumerate(photos(given.photos, given.limit, given.crop)):
        true = np.zeros(photo.shape[:2], bool)
        if make is not None:
            photo, true = make(photo, number)
        values = Values(photo_from_array(photo))
        probable = look(values, arrays, worth=given.worth)
        small = look(values.small(COPY), of_areas, worth=0)
        near = dilate(true, TOLERANCE)
        shares = []
        for place, sensitivity in enumerate(SENSITIVITIES):
            found = marked(probable, small, float(sensitivity))
            sums[place] += (
                found.sum(),
                (found & near).sum(),
                true.sum(),
                (true & dilate(found, TOLERANCE)).sum(),
            )
            shares.append(found.mean())
            if place == DEFAULT and (make is not None or found.any()):
                errors = (found & ~near).sum() + (true & ~dilate(found, TOLERANCE)).sum()
                shown.append((float(errors), sheet(photo, true, found)))
        shares_of.append(np.array(shares))
    all_marked = np.array(shares_of)
    precision, recall = sums[:, 1] / sums[:, 0].clip(1), sums[:, 3] / sums[:, 2].clip(1)
    print("sensitivity  precision  recall  marked  photos without any")
    for place, sensitivity in enumerate(SENSITIVITIES):
        print(
            f"{sensitivity:11.2f}  {precision[place]:9.3f}  {recall[place]:6.3f}  "
            f"{100 * all_marked[:, place].mean():5.3f} %  {100 * (all_marked[:, place] == 0).mean():.1f} %"
        )
    if make is not None:
        cv2.imwrite(
            str(given.out / "curve.png"), curve(precision, recall, f"{given.made}, {len(shares_of)} photos")
        )
    shown.sort(key=lambda each: -each[0])
    for place, (_, picture) in enumerate(shown[:40]):
        cv2.imwrite(str(given.out / f"worst-{place:02d}.png"), picture[..., ::-1])


if __name__ == "__main__":
    main()

"""Scratches of 2 to 8 pixels on photos of 16 bits with film grain: how each way of filling mends them.

    python benchmarks/thin_damage.py --data FOLDER --count 12

Prints for each width the mean error against the photo without its grain (what can be known at all), in dB,
and the smoothness ratio: how much of the finest detail there is in the mended line, by that in the ring
around it, both compared with the same of the true photo. 1 is right; below it the line shows as a smooth
trace.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

import retouch
from damage_found import photos
from retouch.contract import ArrayModel
from retouch.engine.smooth import Smooth
from retouch.imaging import write_png
from retouch.models.exemplar import Exemplar
from retouch.models.opencv import NavierStokes, Telea
from retouch.restoration.mending import Mend

SIDE = 256
WIDTHS = (2, 3, 4, 6, 8)
GRAINS = (0.0, 0.012, 0.03)  # deviations, of 1
Deep = NDArray[np.uint16]
Mask = NDArray[np.bool_]


def scratched(width: int, seed: int) -> Mask:
    """Six scratches of a width across a square: the pixels whose centres are near enough to a line."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    drawn = np.zeros((SIDE, SIDE), bool)
    for start, end in random.uniform(0, SIDE, (6, 2, 2)):
        way = (end - start) / np.linalg.norm(end - start)
        down, aside = rows - start[0], columns - start[1]
        along = down * way[0] + aside * way[1]
        beside = np.abs(aside * way[0] - down * way[1]) <= width / 2
        drawn |= beside & (along >= 0) & (along <= np.linalg.norm(end - start))
    return drawn


def grained(photo: NDArray[np.uint8], grain: float, seed: int) -> tuple[NDArray[np.float32], Deep]:
    """A photo in [0, 1] and the same with grain, in 16 bits."""
    random = np.random.default_rng(seed)
    clean = photo.astype(np.float32) / np.float32(255)
    noise = cv2.GaussianBlur(random.normal(0, 1, photo.shape).astype(np.float32), (0, 0), 0.6)
    noisy = clean + noise / noise.std() * np.float32(grain)
    return clean, np.rint(noisy.clip(0, 1) * 65535).astype(np.uint16)


def fineness(photo: NDArray[np.float32], hole: Mask) -> float:
    """The finest detail in a hole by that in the ring around it."""
    detail = np.square(photo - cv2.GaussianBlur(photo, (0, 0), 1)).mean(2)
    ring = cv2.dilate(hole.astype(np.uint8), np.ones((17, 17), np.uint8)) > 0
    ring &= cv2.dilate(hole.astype(np.uint8), np.ones((5, 5), np.uint8)) == 0
    return float(np.sqrt(detail[hole].mean() / detail[ring].mean()))


def ways(names: list[str]) -> dict[str, Callable[[Deep, Mask], Deep]]:
    """Ways to fill, by name."""

    def by(model: ArrayModel) -> Callable[[Deep, Mask], Deep]:
        def fill(photo: Deep, hole: Mask) -> Deep:
            image = photo.astype(np.float32) / np.float32(65535)
            made = model.fill_array(image, hole, ~hole, seed=0, on_progress=lambda _: None).image
            filled = np.rint(made.clip(0, 1) * 65535).astype(np.uint16)
            return np.where(hole[..., None], filled, photo)

        return fill

    def model(name: str) -> Callable[[Deep, Mask], Deep]:
        return lambda photo, hole: retouch.inpaint(photo, hole, model=name, trust_mask=True)

    plain: dict[str, ArrayModel] = {
        "patches": Exemplar(),
        "telea": Telea(),
        "navier-stokes": NavierStokes(),
        "thin plate": Smooth(),
        "mend": Mend(),
    }
    return {name: by(plain[name]) if name in plain else model(name) for name in names}


def main() -> None:
    """Read the arguments, and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="photos: folders or tar files")
    parser.add_argument("--count", type=int, default=12, help="how many photos; default: 12")
    parser.add_argument(
        "--ways",
        nargs="+",
        default=["patches", "telea", "navier-stokes", "thin plate", "auto", "mend"],
        help="ways to fill: patches (exemplar alone), thin plate, mend (as retouch restore), or names of "
        "models",
    )
    parser.add_argument("--sheet", type=Path, help="draw some of them into a PNG file")
    given = parser.parse_args()
    large = [each for each in photos(given.data, 4 * given.count, 0) if min(each.shape[:2]) >= SIDE]
    pieces = [each[:SIDE, :SIDE] for each in large[: given.count]]
    fillers = ways(given.ways)
    print("| grain | width |", " | ".join(fillers), "|")
    print("|---:|---:|" + "---:|" * len(fillers))
    rows = []
    for grain in GRAINS:
        for width in WIDTHS:
            told = []
            holes = [scratched(width, number) for number in range(len(pieces))]
            pairs = [grained(each, grain, number) for number, each in enumerate(pieces)]
            shown = []
            for fill in fillers.values():
                errors, ratios = [], []
                for hole, (clean, noisy) in zip(holes, pairs, strict=True):
                    filled = fill(np.where(hole[..., None], np.uint16(60000), noisy), hole) / np.float32(
                        65535
                    )
                    errors.append(np.square(filled - clean)[hole].mean())
                    ratios.append(fineness(filled, hole) / fineness(noisy / np.float32(65535), hole))
                shown.append(filled)
                told.append(f"{-10 * np.log10(np.mean(errors)):.1f} dB {np.median(ratios):.2f}")
            print(f"| {grain:g} | {width} |", " | ".join(told), "|", flush=True)
            if grain == GRAINS[-1] and width in (2, 4, 8):
                damaged = np.where(hole[..., None], np.float32(0.9), noisy / np.float32(65535))
                rows.append(np.hstack([damaged, *shown]))
    if given.sheet is not None:
        write_png(np.rint(np.vstack(rows) * 255).astype(np.uint8), given.sheet, overwrite=True)


if __name__ == "__main__":
    main()

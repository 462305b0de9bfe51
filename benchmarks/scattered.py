"""Scattered pixels and thin lines, filled with patches and in smooth ways, and what retouch chooses.

    python benchmarks/scattered.py PHOTO [PHOTO …]

Each photo is cut to its central 192 × 192 pixels. Prints the mean PSNR in the hole, in dB, for each kind of
hole.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

import retouch
from retouch.engine.smooth import Smooth
from retouch.imaging import read_photo, to_srgb
from retouch.models.exemplar import Exemplar
from retouch.models.opencv import NavierStokes, Telea
from retouch.ops.thin_plate import continue_smoothly

SIDE = 192
Bytes = NDArray[np.uint8]
Mask = NDArray[np.bool_]


def holes() -> Iterator[tuple[str, Mask]]:
    """Yield kinds of holes and their names."""
    random = np.random.default_rng(0)
    for share in (0.0005, 0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99):
        yield f"{share:.2%} missing", random.random((SIDE, SIDE)) < share
    for name, step, width in (("every 7th line", 7, 1), ("2 of 12 lines", 12, 2), ("every 2nd line", 2, 1)):
        yield name, np.repeat((np.arange(SIDE) % step < width)[:, None], SIDE, axis=1)
    for width in (1, 2, 3, 5, 8):
        drawn = np.zeros((SIDE, SIDE), np.uint8)
        for start, end in random.integers(0, SIDE, (12, 2, 2)).tolist():
            cv2.line(drawn, start, end, 1, width)
        yield f"strokes of {width}", drawn > 0


def ways() -> dict[str, Callable[[Bytes, Mask], NDArray[np.float32]]]:
    """Ways to fill, by name: each returns values in [0, 1]."""

    def by(model: Exemplar | Telea | NavierStokes | Smooth) -> Callable[[Bytes, Mask], NDArray[np.float32]]:
        def fill(photo: Bytes, hole: Mask) -> NDArray[np.float32]:
            image = photo.astype(np.float32) / np.float32(255)
            return model.fill_array(image, hole, ~hole, seed=0, on_progress=lambda _: None).image

        return fill

    def pyramid(photo: Bytes, hole: Mask) -> NDArray[np.float32]:
        return continue_smoothly(photo.astype(np.float32) / np.float32(255), ~hole, hole, rounds=0)

    def auto(photo: Bytes, hole: Mask) -> NDArray[np.float32]:
        return retouch.inpaint(photo, hole, trust_mask=True).astype(np.float32) / np.float32(255)

    return {
        "patches": by(Exemplar()),
        "telea": by(Telea()),
        "navier-stokes": by(NavierStokes()),
        "pyramid": pyramid,
        "thin plate": by(Smooth()),
        "auto": auto,
    }


def main() -> None:
    """Read the arguments, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photo", nargs="+")
    photos = []
    for path in parser.parse_args().photo:
        image = to_srgb(read_photo(path), slice(None), slice(None))
        top, left = ((side - SIDE) // 2 for side in image.shape[:2])
        if min(top, left) >= 0:
            photos.append(np.rint(255 * image[top : top + SIDE, left : left + SIDE]).astype(np.uint8))
    fillers = ways()
    print(f"{len(photos)} photos", *fillers, sep=" | ")
    for name, hole in holes():
        row = []
        for fill in fillers.values():
            values = []
            for photo in photos:
                filled = fill(np.where(hole[..., None], 0, photo).astype(np.uint8), hole)
                values.append(-10 * np.log10(np.square(filled - photo / 255)[hole].mean()))
            row.append(np.mean(values))
        print(name, *(f"{each:.1f}" for each in row), sep=" | ", flush=True)


if __name__ == "__main__":
    main()

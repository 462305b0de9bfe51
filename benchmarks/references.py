"""Fills from other photos of the same place, on made pairs with known truth.

    python benchmarks/references.py PHOTO [PHOTO …] [--sheet sheet.png]
    python benchmarks/references.py PHOTO [PHOTO …] --wrong
    python benchmarks/references.py PHOTO PHOTO --speed

Each photo becomes a case (made_views.py): seen as two planes from elsewhere, with another exposure,
vignetting, noise, blur and JPEG, and a passer-by in each reference. Prints PSNR and LPIPS inside the hole for
`auto` without references, for a plain paste by the one best homography of the first reference, and for the
fill from all of them, and how much of the hole they filled. With --wrong, the references show another scene.
With --speed, the time and the peak memory of a fill at 12 megapixels with three references, and of a dense
alignment (DIS flow of the whole pictures, the first half of any such fill) of the same.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

import retouch
from made_views import Bytes, Case, case
from retouch.evaluation.metrics.lpips import measure
from retouch.evaluation.metrics.psnr import psnr
from retouch.imaging import photo_from_array, read_photo, to_srgb
from retouch.references import matching
from retouch.references.views import view_of

SIDE_OF_12_MEGAPIXELS = 4000
TILE = 260


def main() -> None:
    """Read the arguments, and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photo", nargs="+")
    parser.add_argument("--side", type=int, default=1400, help="long side of the made photos")
    parser.add_argument("--count", type=int, nargs="+", default=[1, 3], help="references of a case")
    parser.add_argument("--wrong", action="store_true", help="references of another place")
    parser.add_argument("--sheet", help="draw truth, auto, paste and fill side by side")
    parser.add_argument("--speed", action="store_true")
    parser.add_argument("--once", choices=("fill", "dense"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.once:
        return once(given.once, Path(given.photo[0]))
    pictures = [read(each) for each in given.photo]
    if given.speed:
        return speed(case(pictures[0], pictures[1], 3, 3, SIDE_OF_12_MEGAPIXELS))
    print("photo | references | auto | paste | references | filled")
    rows: list[list[float]] = []
    tiles: list[Bytes] = []
    for count in given.count:
        for number, picture in enumerate(pictures):
            other = pictures[(number + 5) % len(pictures)]
            made = case(picture, other, number + 100 * count, count, given.side)
            if given.wrong:
                third = pictures[(number + 3) % len(pictures)]  # whose passers-by are not of the photo
                strange = case(other, third, number + 100 * count, count, given.side)
                made = made._replace(references=strange.references)
            row, pieces = compared(made)
            rows.append([count, *row])
            tiles.append(pieces)
            print(Path(given.photo[number]).stem, count, *shown(row), sep=" | ", flush=True)
        mean = np.mean([each[1:] for each in rows if each[0] == count], axis=0).tolist()
        print(f"mean of {len(pictures)}", count, *shown(mean), sep=" | ", flush=True)
    if given.sheet:
        wide = max(each.shape[1] for each in tiles)
        padded = [np.pad(each, ((0, 4), (0, wide - each.shape[1]), (0, 0))) for each in tiles]
        cv2.imwrite(given.sheet, np.vstack(padded)[..., ::-1])
    return None


def read(path: str) -> Bytes:
    """A photo as sRGB bytes."""
    return np.rint(255 * to_srgb(read_photo(path), slice(None), slice(None))).astype(np.uint8)


def shown(row: list[float]) -> list[str]:
    """A row of the table."""
    pairs = [f"{row[at]:.1f} dB {row[at + 1]:.3f}" for at in (0, 2, 4)]
    return [*pairs, f"{row[6]:.0%}"]


def compared(made: Case) -> tuple[list[float], Bytes]:
    """PSNR and LPIPS in the hole by three ways, the share that references filled, and the pictures."""
    mask = made.hole.astype(np.uint8) * 255
    auto = retouch.inpaint(made.photo, mask, trust_mask=True)
    result = retouch.fill(made.photo, mask, references=made.references, trust_mask=True)
    filled = 0.0 if result.places is None else float((result.places[..., 0] > 0).sum() / made.hole.sum())
    fills = auto, pasted(made), result.image
    row: list[float] = []
    for each in fills:
        row += [psnr(each, made.truth, made.hole)["psnr_hole"]]
        row += [measure(each, made.truth, made.hole)["lpips_hole"]]
    rows, columns = np.nonzero(made.hole)
    part = np.s_[max(0, rows.min() - 40) : rows.max() + 40, max(0, columns.min() - 40) : columns.max() + 40]
    pieces = [each[part] for each in (made.photo, made.truth, *fills)]
    size = (round(TILE * pieces[0].shape[1] / pieces[0].shape[0]), TILE)
    return [*row, filled], np.hstack(
        [cv2.resize(each, size, interpolation=cv2.INTER_AREA) for each in pieces]
    )


def pasted(made: Case) -> Bytes:
    """The first reference pasted by one homography (RANSAC), as it is."""
    here, there = (view_of(photo_from_array(each), "") for each in (made.photo, made.references[0]))
    found = matching.match_views(here, there, matching.features(here.grey), matching.features(there.grey))
    paste = made.photo.copy()
    if len(found.here) >= 4:
        matrix, _ = cv2.findHomography(found.there, found.here, cv2.RANSAC, 3.0)
        if matrix is not None:
            size = made.photo.shape[1::-1]
            warped = cv2.warpPerspective(made.references[0], matrix, size, flags=cv2.INTER_CUBIC)
            paste[made.hole] = warped[made.hole]
    return paste


def speed(made: Case) -> None:
    """Measure a fill and a dense alignment, each from files and in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        cv2.imwrite(str(place / "photo.png"), made.photo[..., ::-1])
        cv2.imwrite(str(place / "mask.png"), made.hole.astype(np.uint8) * 255)
        for number, each in enumerate(made.references):
            cv2.imwrite(
                str(place / f"reference{number}.jpg"), each[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95]
            )
        for what in ("fill", "dense"):
            command = [sys.executable, __file__, folder, "--once", what]
            print(what, subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip())


def once(what: str, folder: Path) -> None:
    """Print the seconds of one fill, or of one dense alignment, and the peak memory of the process."""
    photo, references = folder / "photo.png", sorted(folder.glob("reference*.jpg"))
    idle = peak_memory()
    begin, busy = time.perf_counter(), time.process_time()
    if what == "fill":
        output = folder / "filled.png"
        retouch.fill(photo, folder / "mask.png", references=references, output=output, trace=False)
    else:
        dense(read(str(photo)), [read(str(each)) for each in references])
    seconds, busy = time.perf_counter() - begin, time.process_time() - busy
    peak = peak_memory()
    print(
        f"{seconds:.1f} s, {busy:.1f} s of the processor, peak {peak / 1024:.0f} MB, "
        f"{(peak - idle) / 1024:.0f} MB more than this program alone"
    )


def peak_memory() -> int:
    """The peak of this process in kB. Linux hands the one that getrusage tells down from who started it."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0])


def dense(photo: Bytes, references: list[Bytes]) -> None:
    """Align whole pictures: a homography, then DIS flow at full resolution, for each reference."""
    here = view_of(photo_from_array(photo), "")
    known = matching.features(here.grey)
    for each in references:
        there = view_of(photo_from_array(each), "")
        found = matching.match_views(here, there, known, matching.features(there.grey))
        matrix, _ = cv2.findHomography(found.there, found.here, cv2.USAC_MAGSAC, 3.0)
        assert matrix is not None
        warped = cv2.warpPerspective(each, matrix, photo.shape[1::-1])
        greys = [cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in (photo, warped)]
        flow = np.zeros((*greys[0].shape, 2), np.float32)
        cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM).calc(*greys, flow)


if __name__ == "__main__":
    main()

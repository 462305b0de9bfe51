"""A stroke and its fill, transfers included: this server, and servers of IOPaint's interface beside it.

    iopaint start --model cv2 --port 8931           # IOPaint, in an environment of its own
    python benchmarks/compat.py examples/photo.jpg --other http://127.0.0.1:8931

The photo is made 1 megapixel large; the stroke is a disc 150 pixels across. "whole photo" sends photo and
mask to /api/v1/inpaint and reads the filled photo, as IOPaint's page does with each stroke. "editor" opens
the photo once; then each stroke sends its box of the mask to /v1, follows the job, and reads the tiles that
changed. All take turns. Prints medians and quartiles in milliseconds as Markdown, and how long the library
alone takes for the same hole.
"""

from __future__ import annotations

import argparse
import base64
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

import cv2
import httpx2 as httpx
import numpy as np
from PIL import Image

import retouch
from shared import machine

PIXELS, ACROSS, TILE = 1_000_000, 150, 256


def encoded(picture: np.ndarray, ending: str) -> bytes:
    """A picture, RGB or grey, as the bytes of a file."""
    swapped = picture if picture.ndim == 2 else picture[..., ::-1]
    return cv2.imencode(ending, swapped)[1].tobytes()


def whole_photo(http: httpx.Client, photo: bytes, hole: np.ndarray) -> Callable[[], None]:
    """Fill as IOPaint's page does."""
    mask = encoded(hole.astype(np.uint8) * 255, ".png")

    def stroke() -> None:
        sent = {name: base64.b64encode(each).decode() for name, each in (("image", photo), ("mask", mask))}
        answer = http.post("/api/v1/inpaint", json=sent)
        answer.raise_for_status()

    return stroke


def editor(http: httpx.Client, photo: bytes, hole: np.ndarray, model: str) -> Callable[[], None]:
    """Fill as the editor does; each stroke fills the same hole again."""
    place = f"/v1/photos/{http.post('/v1/photos?name=photo', content=photo).json()['id']}"
    rows, columns = np.flatnonzero(hole.any(1)), np.flatnonzero(hole.any(0))
    top, bottom, left, right = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1

    def stroke() -> None:
        mask = encoded(hole[top:bottom, left:right].astype(np.uint8) * 255, ".png")
        box = [left, top, right - left, bottom - top]
        sent = {"box": box, "mask": base64.b64encode(mask).decode(), "model": model}
        job = http.post(f"{place}/fills", json=sent).json()["job"]
        assert "event: done" in http.get(f"/v1/jobs/{job}/events").text
        for row in range(top // TILE, (bottom - 1) // TILE + 1):
            for column in range(left // TILE, (right - 1) // TILE + 1):
                http.get(f"{place}/tiles/0/{column}/{row}").raise_for_status()

    return stroke


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photo")
    parser.add_argument(
        "--other", default=[], nargs="*", metavar="URL", help="servers of IOPaint's interface"
    )
    parser.add_argument("--models", default=["exemplar", "telea"], nargs="+", help="of this server")
    parser.add_argument("--repeats", type=int, default=15)
    given = parser.parse_args()
    opened = Image.open(given.photo).convert("RGB")
    scale = (PIXELS / (opened.width * opened.height)) ** 0.5
    photo = np.asarray(opened.resize((round(opened.width * scale), round(opened.height * scale))))
    row, column = np.ogrid[: photo.shape[0], : photo.shape[1]]
    centre = photo.shape[0] // 2, photo.shape[1] // 2
    hole = (row - centre[0]) ** 2 + (column - centre[1]) ** 2 < (ACROSS / 2) ** 2
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "retouch", "serve", "--port", "0", "--sessions", folder]
        server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert server.stderr is not None
        url = next(word for word in server.stderr.readline().split() if word.startswith("http"))
        try:
            measure(given, url, photo, hole)
        finally:
            server.terminate()
            server.wait()


def measure(given: argparse.Namespace, url: str, photo: np.ndarray, hole: np.ndarray) -> None:
    """Let all ways take turns, and print."""
    ours = httpx.Client(base_url=url, timeout=120)
    ways: dict[str, Callable[[], None]] = {}
    between: dict[str, Callable[[], object]] = {}
    for ending in (".jpg", ".png"):
        file = encoded(photo, ending)
        for other in given.other:
            http = httpx.Client(base_url=other, timeout=120)
            name = json.loads(http.get("/api/v1/model").text)["name"]
            ways[f"{other} {name}, whole photo, {ending[1:]}"] = whole_photo(http, file, hole)
        for model in given.models:
            name = f"retouch {model}, whole photo, {ending[1:]}"
            ways[name] = whole_photo(ours, file, hole)
            between[name] = lambda model=model: ours.post("/api/v1/model", json={"name": model})
    for model in given.models:
        ways[f"retouch {model}, editor"] = editor(ours, encoded(photo, ".jpg"), hole, model)
        ways[f"retouch {model}, library alone"] = lambda model=model: retouch.inpaint(
            photo, hole, model=model
        )
    times: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(given.repeats + 1):
        for name, stroke in ways.items():
            between.get(name, lambda: None)()
            begin = time.perf_counter()
            stroke()
            if number:  # the first warms up
                times[name].append(1000 * (time.perf_counter() - begin))
    print(machine())
    print(f"{photo.shape[1]} × {photo.shape[0]} pixels, medians of {given.repeats}\n")
    print("| way | ms | quartiles |\n|---|---:|---:|")
    for name, rows in times.items():
        low, middle, high = statistics.quantiles(rows, n=4)
        print(f"| {name} | {middle:.0f} | {low:.0f} to {high:.0f} |")


if __name__ == "__main__":
    main()

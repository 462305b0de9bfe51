#!/usr/bin/env bash
# jpeglib: coefficients written back are exact, but each round trip adds a JFIF header, and progressive files end so.
#
# Versions     jpeglib 1.0.2 (libjpeg 6b, its default, libjpeg-turbo 2.1 and mozjpeg 4.0.3 in it), numpy 2.2.6
# Expected     read_dct and write_dct are lossless: a file that is read and written again has the same segments
#              before its picture, and is progressive if it was.
# Found        The coefficients and quantization tables are the same. But libjpeg writes a JFIF segment of its own
#              before those that were read, so a file gets one more with each round trip, and two programs may
#              take its resolution from different ones. With libjpeg and libjpeg-turbo a progressive file comes
#              back sequential and larger, also with the flag +PROGRESSIVE_MODE. mozjpeg writes every file
#              progressive, also with the flag -PROGRESSIVE_MODE.
# Remedy       Take tables and scans from what was written, and all application segments from the file that was
#              read. Choose the library by what the file was: jpeglib.version.set("mozjpeg403") for progressive.
#
# It runs without retouch, needs Python 3.11 or newer and a package index, and fails once this has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/python" -m pip install --quiet --disable-pip-version-check jpeglib==1.0.2 numpy==2.2.6 pillow==12.0.0
cd "$folder"
env/bin/python - <<'PYTHON'
from pathlib import Path

import jpeglib
import numpy as np
from PIL import Image

file = Path("made.jpg")
slope = np.add.outer(np.arange(96), np.arange(128)).astype(np.uint8)


def segments(data):
    """The markers before the picture."""
    at, found = 2, []
    while data[at + 1] != 0xDA:
        found.append(data[at + 1])
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return found


def round_trip(flags):
    """Read and write; whether the coefficients stayed."""
    read = jpeglib.read_dct(str(file))
    read.load()
    read.write_dct(str(file), flags=flags)
    again = jpeglib.read_dct(str(file))
    return np.array_equal(read.Y, again.Y) and np.array_equal(read.qt, again.qt)


for library in ("6b", "turbo210", "mozjpeg403"):
    jpeglib.version.set(library)
    for progressive in (False, True):
        for flags in ([], ["+PROGRESSIVE_MODE"], ["-PROGRESSIVE_MODE"]):
            Image.fromarray(slope).convert("RGB").save(file, quality=80, progressive=progressive)
            headers = [segments(file.read_bytes()).count(0xE0)]
            for _ in range(3):
                assert round_trip(flags), "this has changed: the coefficients are others"
                headers.append(segments(file.read_bytes()).count(0xE0))
            after = 0xC2 in segments(file.read_bytes())
            print(f"{library}, progressive {progressive}, {flags}: JFIF headers {headers}, progressive then {after}")
            assert headers == [1, 2, 3, 4], "this has changed"
            assert after == (library == "mozjpeg403"), "this has changed"
PYTHON

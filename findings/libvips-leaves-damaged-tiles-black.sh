#!/usr/bin/env bash
# libvips: a tile of a TIFF that cannot be decoded comes out black, whatever fail_on says, except "warning".
#
# Versions     pyvips 3.2.0, pyvips-binary 8.18.7 (libvips 8.18.7), tifffile 2026.3.3, numpy 2.4.6
# Expected     fail_on="error" fails "on serious error or truncation". The manual says so, and so it is for a TIFF
#              with strips.
# Found        For a TIFF with tiles, it returns a picture and raises nothing. The tiles that are cut off, damaged
#              or compressed in a way that this libvips was not built for (Zstandard, LZMA, …) are black.
#              Only fail_on="warning" raises; but that also refuses intact files that libtiff warns about, such
#              as one with four channels and no ExtraSamples.
# Remedy       Decode with "warning". If that fails without any detail, there were only warnings: clear
#              libvips' buffer of errors, decode with "error", and look whether the buffer is still empty.
#
# It runs without retouch, needs Python 3.11 or newer and a package index, and fails once this has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    pyvips==3.2.0 pyvips-binary==8.18.7 tifffile==2026.3.3 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import io

import numpy as np
import pyvips
import tifffile

PICTURE = np.random.default_rng(0).integers(1, 256, (64, 64, 3), np.uint8)


def black(data, fail_on):
    """How many pixels of the picture come out black; None if libvips raises."""
    try:
        return int((pyvips.Image.new_from_buffer(data, "", fail_on=fail_on).numpy() == 0).all(axis=2).sum())
    except pyvips.Error:
        return None


def tiff(**options):
    file = io.BytesIO()
    tifffile.imwrite(file, PICTURE, photometric="rgb", metadata=None, **options)
    return file.getvalue()


def corrupted(data):
    data = bytearray(data)
    for at in range(len(data) // 2, len(data) // 2 + 300):
        data[at] ^= 0x55
    return bytes(data)


for name, layout in (("strips", {"rowsperstrip": 16}), ("tiles", {"tile": (16, 16)})):
    plain, packed = tiff(**layout), tiff(**layout, compression="zlib")
    files = {"cut off": plain[: len(plain) * 2 // 3], "corrupted": corrupted(packed)}
    for what, data in files.items():
        found = {fail_on: black(data, fail_on) for fail_on in ("error", "warning")}
        print(f"{name}, {what}: black pixels {found} (None: it raises)")
        if name == "strips":
            assert found["error"] is None, "this has changed"
        else:
            assert found["error"] is not None and found["warning"] is None, "this has changed"
PYTHON

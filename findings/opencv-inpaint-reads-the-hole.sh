#!/usr/bin/env bash
# cv2.inpaint: where a hole comes within two pixels of the picture's edge, what lies IN the hole changes the fill.
#
# Versions     opencv-python-headless 5.0.0.93 and 4.11.0.86, numpy 2.2.6
# Expected     Inpainting depends on the known pixels alone. A hole that holds 0 and one that holds 255 are filled
#              alike: that is what a mask is for.
# Found        So it is for holes that keep two pixels away from the edge. For a hole at the edge, the two fills
#              differ: by up to 3 of 255 (Telea) and by more than 50 of 255 (Navier-Stokes) in the pictures below.
#              So the object that was to be removed can shine through at the border of a photo.
# Remedy       Pad the picture by two pixels all around and count the padding as hole; then nothing comes through.
#
# It runs without retouch, needs Python 3.11 or newer and a package index, and fails once this has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for version in 5.0.0.93 4.11.0.86; do
    python3 -m venv "$folder/$version"
    "$folder/$version/bin/python" -m pip install --quiet --disable-pip-version-check \
        "opencv-python-headless==$version" numpy==2.2.6
    "$folder/$version/bin/python" - <<'PYTHON'
import cv2
import numpy as np


def difference(margin, padding, method):
    """The greatest difference between fills of holes that hold 0, and that hold 255; over 60 pictures."""
    random, worst = np.random.default_rng(0), 0
    for _ in range(60):
        image = random.integers(0, 256, (24, 24, 3), np.uint8)
        hole = np.zeros((24, 24), bool)
        inner = slice(margin, 24 - margin)
        hole[inner, inner] = random.random((24 - 2 * margin,) * 2) < 0.3
        fills = []
        for value in (0, 255):
            picture = np.pad(image, ((padding, padding), (padding, padding), (0, 0)), mode="edge")
            mask = np.pad(hole, padding, constant_values=True)
            picture[mask] = value
            filled = cv2.inpaint(picture, mask.astype(np.uint8), 3, method)
            fills.append(filled[padding : padding + 24, padding : padding + 24].astype(int))
        worst = max(worst, int(np.abs(fills[0] - fills[1]).max()))
    return worst


print(f"OpenCV {cv2.__version__}")
for name, method, least in (("Telea", cv2.INPAINT_TELEA, 1), ("Navier-Stokes", cv2.INPAINT_NS, 50)):
    away, edge, padded = difference(2, 0, method), difference(0, 0, method), difference(0, 2, method)
    print(f"{name:>13}: two pixels from the edge {away}, at the edge {edge}, at the edge and padded {padded}")
    assert away == 0 and edge >= least and padded == 0, "this has changed"
PYTHON
done

#!/usr/bin/env bash
# cv2.inpaint, INPAINT_TELEA on float32: a picture in [0, 1] is filled with values that are off by its whole range.
#
# Versions     opencv-python-headless 5.0.0.93 and 4.11.0.86, numpy 2.2.6
# Expected     The documentation allows "16-bit unsigned or 32-bit float 1-channel" images, so a picture that is
#              multiplied by a number is filled with values that are multiplied by that number. Navier-Stokes does so.
# Found        Telea adds the direction of the gradient, of length 1, to each value it fills, whatever the range of
#              the values: one level of 255, but the whole range of a picture in [0, 1]. Holes in a ramp from 0 to 1
#              are filled with values off by 0.96 on average; in the same ramp from 0 to a million, by 0.0001 of its range.
# Remedy       Multiply a float picture, so that 1 is little, before cv2.inpaint, and divide afterwards.
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

row, column = np.mgrid[:240, :320].astype(np.float32)
ramp = (4 * row + 1.5 * column) / 1440
hole = np.random.default_rng(0).random(ramp.shape) < 0.02


def error(scale, method):
    """The mean error of a fill of the ramp times ``scale``, in units of the ramp."""
    picture = np.where(hole, 0, ramp * np.float32(scale)).astype(np.float32)
    filled = cv2.inpaint(picture, hole.astype(np.uint8), 3, method) / np.float32(scale)
    return float(np.abs(filled - ramp)[hole].mean())


print(f"OpenCV {cv2.__version__}")
for name, method in (("Telea", cv2.INPAINT_TELEA), ("Navier-Stokes", cv2.INPAINT_NS)):
    print(f"{name:>13}: 0 to 1 {error(1, method):.5f}, 0 to a million {error(1e6, method):.5f}")
assert error(1, cv2.INPAINT_TELEA) > 0.5, "this has changed"
assert error(1e6, cv2.INPAINT_TELEA) < 0.001
assert error(1, cv2.INPAINT_NS) < 0.001
PYTHON
done

#!/usr/bin/env bash
# cv2.xphoto.inpaint, frequency selective reconstruction: a 16-bit or float result is never written, without an error.
#
# Versions     opencv-contrib-python-headless 5.0.0.93 and 4.11.0.86, numpy 2.2.6
# Expected     The function takes 8-bit, 16-bit and float pictures without complaint, so a result array of the
#              picture's own type holds the filled picture afterwards: what was known, and something near it in
#              the hole. INPAINT_SHIFTMAP does nearly so: 96 % of what was known stays.
# Found        INPAINT_FSR_FAST and INPAINT_FSR_BEST work in 8 bits and give their result as 8 bits. An array of
#              another type is not what they write to, so in Python it keeps what it held: zeros give a black
#              picture. An 8-bit array for a 16-bit picture is filled. And of an 8-bit colour picture more than a
#              third of the known values come back one level off.
# Remedy       Hand over an 8-bit array, and take only the hole from it. For 16 bits there is no way.
#
# It runs without retouch, needs Python 3.11 or newer and a package index, and fails once this has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for version in 5.0.0.93 4.11.0.86; do
    python3 -m venv "$folder/$version"
    "$folder/$version/bin/python" -m pip install --quiet --disable-pip-version-check \
        "opencv-contrib-python-headless==$version" numpy==2.2.6
    "$folder/$version/bin/python" - <<'PYTHON'
import cv2
import numpy as np

random = np.random.default_rng(0)
squares = np.kron(random.integers(40, 215, (12, 12, 3)), np.ones((8, 8, 1))).astype(np.uint8)
photo = cv2.GaussianBlur(squares, (0, 0), 2)
hole = np.zeros(photo.shape[:2], bool)
hole[40:56, 40:60] = True
known = np.where(hole, 0, 255).astype(np.uint8)  # in xphoto, what is not zero is known
print(f"OpenCV {cv2.__version__}")


def filled(picture, method, kind):
    """What the function leaves in an array of a type that held sevens."""
    result = np.full(picture.shape, 7, kind)
    cv2.xphoto.inpaint(np.where(hole[..., None], 0, picture).astype(picture.dtype), known, result, method)
    return result


for name in ("INPAINT_FSR_FAST", "INPAINT_FSR_BEST"):
    method = getattr(cv2.xphoto, name)
    for picture in (photo.astype(np.uint16) * 257, photo.astype(np.float32) / 255):
        left = np.unique(filled(picture, method, picture.dtype))
        print(f"{name}, {picture.dtype}: the result holds {left.tolist()}")
        assert left.tolist() == [7], "this has changed"
    narrow = filled(photo.astype(np.uint16) * 257, method, np.uint8)
    apart = abs(float(narrow[hole].mean()) - float(photo[hole].mean()))
    print(f"{name}, uint16 into uint8: the hole's mean is {apart:.1f} levels off")
    assert apart < 10
    changed = filled(photo, method, np.uint8)[~hole] != photo[~hole]
    print(f"{name}, uint8 colour: {changed.mean():.0%} of the known values changed")
    assert changed.mean() > 1 / 3, "this has changed"
deep = photo.astype(np.uint16) * 257
shifted = filled(deep, cv2.xphoto.INPAINT_SHIFTMAP, np.uint16)
print(f"INPAINT_SHIFTMAP, uint16: {(shifted[~hole] == deep[~hole]).mean():.0%} of the known values are as they were")
assert (shifted[~hole] == deep[~hole]).mean() > 0.9
PYTHON
done

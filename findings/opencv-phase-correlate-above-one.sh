#!/usr/bin/env bash
# cv2.phaseCorrelate: the "response", said to lie between 0 and 1, is above 1 where two pictures agree only in part.
#
# Versions     opencv-python-headless 5.0.0.93 and 4.11.0.86, numpy 2.2.6
# Expected     The documentation calls it the signal power within the 5×5 centroid around the peak, between 0 and 1. So
#              a picture against itself gives the most, 1, and noise in both lowers it.
# Found        A picture of dots against itself gives 0.93. With a little noise of its own in each of both, the
#              response rises to 1.22 (noise of 0.1 % of the range) and 1.35 (1 %): power at the other
#              places is negative in part, and is not counted. So it can neither be read as a share nor compared with
#              that of other pictures, and a threshold just below 1 does not ask for pictures that are alike.
# Remedy       Judge an alignment by how well the shifted pictures agree, not by the response.
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

random = np.random.default_rng(0)
dots = np.zeros((256, 256), np.float32)
dots[random.integers(10, 246, 80), random.integers(10, 246, 80)] = 1
dots = cv2.GaussianBlur(dots, (0, 0), 2)
dots /= dots.max()


def response(noise):
    """How alike two exposures of the dots are said to be, each with noise of its own."""
    one, other = (dots + noise * random.standard_normal(dots.shape).astype(np.float32) for _ in range(2))
    (across, down), said = cv2.phaseCorrelate(one, other)
    assert abs(across) < 0.1 and abs(down) < 0.1, (across, down)
    return said


print(f"OpenCV {cv2.__version__}")
said = {noise: response(noise) for noise in (0, 0.001, 0.01, 0.03)}
print(", ".join(f"noise {noise}: {each:.3f}" for noise, each in said.items()))
assert said[0] <= 1.05
assert said[0.01] > 1.2, "this has changed"
assert said[0.01] > said[0]
PYTHON
done

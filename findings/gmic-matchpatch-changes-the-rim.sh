#!/usr/bin/env bash
# G'MIC, inpaint_matchpatch: known pixels around the hole are changed too, and no two fills are alike.
#
# Versions     gmic 3.6.3.post1 (the Python package of G'MIC 3.6.3), numpy 2.2.6
# Expected     What the mask does not name stays, as with G'MIC's own `inpaint`, `inpaint_pde`, `inpaint_morpho` and
#              `inpaint_flow`, and with OpenCV's and scikit-image's. The same command on the same picture gives the same.
# Found        Two known pixels around the hole are mixed with the fill, here by up to 18 levels of 255, since
#              `allow_outer_blending` is 1 if left out. Patches are looked for at random: two runs differ by 50 to 90 levels
#              in the hole, and by up to 20 beside it.
# Remedy       The sixth argument 0 keeps all known pixels; `srand 1` before the command makes fills repeatable.
#
# It runs without retouch, needs Python 3.11 and a package index, and fails once this has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/python" -m pip install --quiet --disable-pip-version-check gmic==3.6.3.post1 numpy==2.2.6
"$folder/bin/python" - "$folder/told" <<'PYTHON' >"$folder/progress" 2>&1 || { cat "$folder/progress"; exit 1; }
import sys

import gmic
import numpy as np

walk = np.random.default_rng(0).normal(0, 1, (80, 100, 3)).cumsum(0).cumsum(1)
photo = ((walk - walk.min()) / np.ptp(walk) * 255).astype(np.float32)
hole = np.zeros((80, 100, 1), np.float32)
hole[30:50, 40:65] = 1
known = hole[..., 0] == 0


def filled(command):
    """The photo filled by a command."""
    pair = gmic.ImageList([gmic.Image.from_yxc(photo), gmic.Image.from_yxc(hole)])
    return gmic.run(command, pair)[0].to_numpy()[:, :, 0].transpose(1, 0, 2)


def changed(fill):
    """How many known pixels changed, and by how much at most."""
    difference = np.abs(fill - photo).max(2)[known]
    return int((difference > 0.01).sum()), float(difference.max())


with open(sys.argv[1], "w") as told:  # what G'MIC says of its progress goes to standard output
    default = filled("srand 1 inpaint_matchpatch[0] [1] keep[0]")
    many, most = changed(default)
    rim = np.argwhere((np.abs(default - photo).max(2) > 0.01) & known)
    print(f"inpaint_matchpatch: {many} known pixels changed, by up to {most:.1f} of 255,", file=told)
    print(f"  in rows {rim[:, 0].min()} to {rim[:, 0].max()} (the hole has 30 to 49)", file=told)
    assert many > 100 and most > 5, "this has changed"
    again = np.abs(filled("inpaint_matchpatch[0] [1] keep[0]") - filled("inpaint_matchpatch[0] [1] keep[0]"))
    print(f"two runs differ by up to {again.max():.0f} in the hole, {again[known].max():.1f} beside it", file=told)
    assert again.max() > 10
    inner = "inpaint_matchpatch[0] [1],0,9,10,5,0 keep[0]"
    for command in (inner, *(f"{name}[0] [1] keep[0]" for name in ("inpaint", "inpaint_pde", "inpaint_morpho"))):
        print(f"{command}: {changed(filled(command))[0]} known pixels changed", file=told)
        assert changed(filled(command))[0] == 0
    same = f"srand 1 {inner}"
    assert np.array_equal(filled(same), filled(same))
PYTHON
cat "$folder/told"

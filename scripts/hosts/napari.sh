#!/usr/bin/env bash
# Tries the widget in napari itself: scripts/hosts/napari.sh FOLDER makes an environment in FOLDER. Needs xvfb-run. A
# picture of the window lies in it then.
set -euo pipefail
clone=$(cd "$(dirname "$0")/../.." && pwd)
root=${1:?name a folder outside of the clone}
if [ ! -e "$root/ready" ]; then
    python3 -m venv "$root"
    "$root/bin/pip" install -q napari PyQt6 -e "$clone"
    touch "$root/ready"
fi
xvfb-run -a "$root/bin/python" "$clone/scripts/hosts/napari_case.py" "$root/napari.png"

#!/usr/bin/env bash
# magicgui: with "from __future__ import annotations", options in Annotated[…] are dropped, or cannot be found.
#
# Versions     magicgui 0.10.2 and 0.9.1, ipywidgets 8.1.8
# Expected     A function makes the same widget with and without that import: typing.get_type_hints resolves its
#              annotations, names of the module included, in both modules alike.
# Found        With the import, Annotated[int, {"max": 7}] makes a box that goes up to 999: the options are dropped
#              without a word. Annotated[str, {"choices": models}] ends in a ModuleNotFoundError that takes the
#              function `models` beside it for a module.
# Remedy       Leave that import out of a module whose functions become widgets (of napari, for example), and quote
#              only annotations that must not be imported at once.
#
# It runs without retouch, needs Python 3.11 or newer and a package index, and fails once this has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat >"$folder/now.py" <<'PYTHON'
from typing import Annotated


def models(*_):
    return ["one", "two"]


def grow(pixels: Annotated[int, {"max": 7}] = 0):
    return pixels


def choose(model: Annotated[str, {"choices": models}] = "one"):
    return model
PYTHON
{ echo "from __future__ import annotations" && cat "$folder/now.py"; } >"$folder/later.py"
for version in 0.10.2 0.9.1; do
    python3 -m venv "$folder/$version"
    "$folder/$version/bin/python" -m pip install --quiet --disable-pip-version-check \
        "magicgui==$version" ipywidgets==8.1.8
    (cd "$folder" && "$folder/$version/bin/python" -) <<'PYTHON'
from importlib.metadata import version
from typing import get_type_hints

import later
import now
from magicgui import magicgui, use_app

use_app("ipynb")
print(f"magicgui {version('magicgui')}")
for module in (now, later):
    assert get_type_hints(module.choose, include_extras=True)["model"].__metadata__[0]["choices"] is module.models
    greatest = magicgui(module.grow).pixels.max
    try:
        choices = magicgui(module.choose).model.choices
    except ModuleNotFoundError as error:
        choices = f"{type(error).__name__}: {error}"
    print(f"{module.__name__:>6}: up to {greatest:g}; {choices}")
    if module is now:
        assert (greatest, choices) == (7, ("one", "two"))
    else:
        assert greatest == 999 and "No module named 'models'" in choices, "this has changed"
PYTHON
done

#!/usr/bin/env bash
# pyvips: one damaged file, whose error message is no UTF-8, makes every later call of the process fail.
#
# Versions     pyvips 3.2.0 with pyvips-binary 8.18.7
# Expected     A damaged file raises pyvips.Error, which a program catches, and the next picture is read as usual.
# Found        libheif quotes the name of an unknown box from the file. pyvips decodes the message as UTF-8 before
#              it clears libvips' buffer, so it raises UnicodeDecodeError, not pyvips.Error, and the message stays.
#              pyvips reads the buffer whenever it looks up an operation, so every later call fails in the same way,
#              on any picture, until the process ends.
# Remedy       Catch UnicodeDecodeError beside pyvips.Error, and call pyvips.vips_lib.vips_error_clear().
#
# It runs without retouch, needs Python 3.11 or newer and a package index, and fails once this has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/python" -m pip install --quiet --disable-pip-version-check \
    "pyvips==3.2.0" "pyvips-binary==8.18.7"
"$folder/env/bin/python" - <<'PYTHON'
import pyvips

good = pyvips.Image.black(16, 16)
turned = good.copy()
turned.set_type(pyvips.GValue.gint_type, "orientation", 6)
damaged = turned.heifsave_buffer(compression="av1").replace(b"irot", b"ir\xd0t")
raised = []
for read in (lambda: pyvips.Image.new_from_buffer(damaged, ""), lambda: good.invert(), lambda: good.invert()):
    try:
        read()
        raised.append("nothing")
    except Exception as error:
        raised.append(type(error).__name__)
print("the damaged file, then a good one, twice:", raised)
assert raised == ["UnicodeDecodeError"] * 3, "this has changed"
pyvips.vips_lib.vips_error_clear()
assert good.invert().avg() == 255
PYTHON

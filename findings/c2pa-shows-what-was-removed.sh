#!/usr/bin/env bash
# c2pa-python, intent "edit": the signed result holds thumbnails of its parent, so what an edit removed is still there.
#
# Versions     c2pa-python 0.38.1 (c2pa-rs 0.91.3), cryptography 48.0.0, Pillow 12.0.0
# Expected     The parent is an ingredient: its hash and, if it has one, its manifest go into the result.
# Found        By default (builder.thumbnail) a JPEG of the parent, up to 1,024 pixels wide, goes in, too. With
#              thumbnails off, those in the parent's own manifest, which a camera or an editor made, still come along:
#              a red square that was painted over is seen again in the file that was signed as its removal.
# Remedy       Set builder.thumbnail.enabled to false, read the parent's manifests, and name their thumbnails in
#              "redactions"; the parent's signatures stay valid. (In the settings the intent is "create": {"Create": …},
#              which the documentation has, is refused.)
#
# It runs without retouch, needs Python 3.11 or newer, openssl and a package index, and fails once this has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout root.key -out root.pem -days 2 \
    -subj "/CN=Root" -addext keyUsage=critical,keyCertSign 2>/dev/null
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out me.csr -subj "/O=Me/CN=Me" 2>/dev/null
printf '%s\n' basicConstraints=critical,CA:FALSE keyUsage=critical,digitalSignature \
    extendedKeyUsage=emailProtection authorityKeyIdentifier=keyid >me.ext
openssl x509 -req -in me.csr -CA root.pem -CAkey root.key -CAcreateserial -days 2 -extfile me.ext -out me.pem 2>/dev/null
cat me.pem root.pem >chain.pem
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check \
    c2pa-python==0.38.1 cryptography==48.0.0 pillow==12.0.0
venv/bin/python - <<'PYTHON'
import io
import json
from pathlib import Path

import c2pa
from PIL import Image

certificates, key = Path("chain.pem").read_bytes(), Path("key.pem").read_bytes()


def jpeg(square):
    """A grey picture, with a red square if it is asked for."""
    picture = Image.new("RGB", (400, 300), (128, 128, 128))
    if square:
        picture.paste((255, 0, 0), (150, 100, 250, 200))
    file = io.BytesIO()
    picture.save(file, "JPEG")
    return file.getvalue()


def signed(data, parent=None, settings=None, **manifest):
    context = c2pa.Context.from_dict({"builder": settings or {}})
    information = c2pa.C2paSignerInfo("es256", certificates, key, None)
    out = io.BytesIO()
    with c2pa.Signer.from_info(information) as signer, c2pa.Builder(manifest, context=context) as builder:
        if parent is None:
            builder.set_intent(c2pa.C2paBuilderIntent.CREATE, c2pa.C2paDigitalSourceType.DIGITAL_CAPTURE)
        else:
            builder.set_intent(c2pa.C2paBuilderIntent.EDIT)
            builder.add_ingredient({"relationship": "parentOf"}, "image/jpeg", io.BytesIO(parent))
        builder.sign(signer, "image/jpeg", io.BytesIO(data), out)
    return out.getvalue()


def manifests(data):
    with c2pa.Reader("image/jpeg", io.BytesIO(data)) as reader:
        assert reader.get_validation_state() == "Valid"
        return json.loads(reader.json())["manifests"].values()


def shows_red(data):
    """Whether a thumbnail in a file's manifests shows the square."""
    with c2pa.Reader("image/jpeg", io.BytesIO(data)) as reader:
        for place in thumbnails(data):
            file = io.BytesIO()
            reader.resource_to_stream(place, file)
            red, green, _ = Image.open(file).convert("RGB").resize((8, 6)).getpixel((4, 3))
            if red > 200 and green < 100:
                return True
    return False


def thumbnails(data):
    parts = [part for each in manifests(data) for part in (each, *each.get("ingredients", ()))]
    return sorted({part["thumbnail"]["identifier"] for part in parts if "thumbnail" in part})


print(f"c2pa-python {c2pa.__version__}, c2pa-rs {c2pa.sdk_version()}")
before, after = jpeg(True), jpeg(False)
off = {"thumbnail": {"enabled": False}}
camera = signed(before)  # with a thumbnail, as by default
assert shows_red(signed(after, before)), "this has changed: no thumbnail of the parent by default"
assert not shows_red(signed(after, before, off))
assert shows_red(signed(after, camera, off)), "this has changed: the parent's own thumbnails stay behind"
assert not shows_red(signed(after, camera, off, redactions=thumbnails(camera)))
print("The removed square is seen again in the signed file, unless thumbnails are off and the parent's are redacted.")
PYTHON

"""Fill the example's hole in the photo that `retouch edit` shows, and press Done: press_done.py URL."""

import json
import sys
import time
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

MASK = Path(__file__).parent.parent.parent / "examples" / "mask.png"


def ask(path, data=None):
    """Ask the server; returns its answer."""
    kind = "json" if data and data.startswith(b"{") else "octet-stream"
    request = Request(f"{sys.argv[1]}/v1{path}", data, {"Content-Type": f"application/{kind}"})
    try:
        with urlopen(request) as answer:
            return json.load(answer)
    except HTTPError as error:
        sys.exit(error.read().decode())


photo = f"/photos/{ask('/info')['photo']}"
area = ask(f"{photo}/mask", MASK.read_bytes())
wanted = {"box": area["box"], "mask": area["mask"], "model": "telea"}
job = ask(f"{photo}/fills", json.dumps(wanted).encode())["job"]
while ask(f"/jobs/{job}")["state"] not in ("done", "failed"):
    time.sleep(0.2)
print(ask("/done", b"{}"))

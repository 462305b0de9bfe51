"""What clients of lama-cleaner 1.2 say."""

import numpy as np
import pytest
from tests.server.client import decoded, png

import retouch
from retouch.server.errors import Limits


def files(photo, mask):
    return {"image": ("a.png", photo, "image/png"), "mask": ("blob", png(mask.astype(np.uint8) * 255))}


def failed(answer, status):
    """Check that an error is text; returns it."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.text.endswith(".")
    return answer.text


@pytest.mark.parametrize(
    "fields", [{}, {"sdSeed": "7", "ldmSteps": "25", "hdStrategy": "Crop", "prompt": ""}]
)
def test_a_fill_is_the_library_s(client, photo, hole, fields):
    answer = client.http.post("/inpaint", files=files(png(photo), hole), data=fields)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "image/png"
    seed = int(fields.get("sdSeed", 42))
    assert answer.headers["x-seed"] == str(seed)
    assert np.array_equal(decoded(answer.content), retouch.inpaint(photo, hole, seed=seed))


def test_mistakes_are_told_as_text(client, photo, hole):
    http = client.http
    assert "96" in failed(http.post("/inpaint", files=files(png(photo), hole[:90])), 400)
    assert "mask" in failed(http.post("/inpaint", files={"image": png(photo)}), 400)
    assert "image" in failed(http.post("/inpaint", data={"image": "x"}, files={"mask": b"x"}), 400)
    failed(http.post("/inpaint", files=files(b"no photo", hole)), 422)
    failed(http.post("/inpaint", files=files(png(photo), hole), data={"sdSeed": "x"}), 400)
    failed(http.post("/inpaint", json={}), 400)
    for kind in ("multipart/form-data", "multipart/form-data; boundary=x"):
        failed(http.post("/inpaint", content=b"--y\r\nx", headers={"Content-Type": kind}), 400)


def test_limits_are_kept(serve, photo, hole):
    with serve(limits=Limits(request=1000)) as client:
        failed(client.http.post("/inpaint", files=files(png(photo), hole)), 413)

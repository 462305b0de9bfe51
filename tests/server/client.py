"""A client of the server, for tests."""

import base64
import io
import json

import numpy as np
from PIL import Image


class Client:
    """Asks a server through an httpx client."""

    def __init__(self, http):
        self.http = http
        self._opened = []

    def close(self):
        for photo in self._opened:
            self.http.delete(f"/v1/photos/{photo}")

    def open(self, data, name="photo.png"):
        """Open the bytes of a file; returns the photo's state."""
        answer = self.http.post("/v1/photos", params={"name": name}, content=data)
        assert answer.status_code == 201, answer.text
        self._opened.append(answer.json()["id"])
        return answer.json()

    def edit(self, data, name="photo.png"):
        """Open the bytes of a file as ``retouch edit`` opens its photo; returns the photo's state."""

        async def receive(file):
            file.write_bytes(data)

        service = self.http.app.state.service
        return self.state({"id": self.http.portal.call(service.open, name, receive, name).id})

    def state(self, photo):
        return self.http.get(f"/v1/photos/{photo['id']}").json()

    def start(self, photo, **fill):
        """Start a fill; returns the job's id."""
        answer = self.http.post(f"/v1/photos/{photo['id']}/fills", json=fill)
        assert answer.status_code == 202, answer.text
        return answer.json()["job"]

    def events(self, job):
        """Follow a job to its end: pairs of a name and what was told."""
        with self.http.stream("GET", f"/v1/jobs/{job}/events") as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            parts = "".join(answer.iter_text()).strip().split("\n\n")
        told = []
        for part in parts:
            if not part.startswith(":"):
                name, data = part.split("\n")
                told.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
        return told

    def fill(self, photo, **fill):
        """Fill and wait; returns the job."""
        name, job = self.events(self.start(photo, **fill))[-1]
        assert name == job["state"]
        return job

    def post(self, photo, what, **content):
        return self.http.post(f"/v1/photos/{photo['id']}/{what}", json=content)

    def get(self, photo, what, **query):
        return self.http.get(f"/v1/photos/{photo['id']}/{what}", params=query)

    def picture(self, photo, level=0, **query):
        """All tiles of a level put together, ``H×W×3`` or ``H×W×4``."""
        state, rows = self.state(photo), []
        height, width = (-(-state[side] >> level) for side in ("height", "width"))
        for row in range(-(-height // 256)):
            line = []
            for column in range(-(-width // 256)):
                answer = self.get(photo, f"tiles/{level}/{column}/{row}", **query)
                assert answer.status_code == 200, answer.text
                line.append(decoded(answer.content))
            rows.append(np.hstack(line))
        picture = np.vstack(rows)
        assert picture.shape[:2] == (height, width)
        return picture


def decoded(data):
    """The pixels of an image file."""
    return np.asarray(Image.open(io.BytesIO(data)))


def png(array):
    file = io.BytesIO()
    Image.fromarray(array).save(file, "PNG")
    return file.getvalue()


def area(mask):
    """A mask, ``H×W`` bool or uint8, as ``{box, mask}``: only the box that holds it."""
    mask = mask.astype(np.uint8) * (255 if mask.dtype == np.bool_ else 1)
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    top, left = int(rows[0]), int(columns[0])
    cut = mask[top : rows[-1] + 1, left : columns[-1] + 1]
    text = base64.b64encode(png(np.ascontiguousarray(cut))).decode()
    return {"box": [left, top, cut.shape[1], cut.shape[0]], "mask": text}


def unpacked(given, shape):
    """``{box, mask}`` as ``H×W`` bool."""
    whole = np.zeros(shape, np.bool_)
    if given["box"] is not None:
        left, top, width, height = given["box"]
        whole[top : top + height, left : left + width] = decoded(base64.b64decode(given["mask"])) > 127
    return whole


def refused(answer, status, code):
    """Check that a request was refused in one sentence; returns it."""
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert error["code"] == code
    assert error["message"].endswith(".")
    return error["message"]

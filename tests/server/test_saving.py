import numpy as np
import pytest
from tests.imaging.samples import noise
from tests.server.client import area, decoded, png, refused

import retouch
from retouch.imaging import read_photo
from retouch.imaging.provenance import WITH_TRAINED


@pytest.fixture
def root(tmp_path, photo):
    root = tmp_path / "root"
    (root / "more").mkdir(parents=True)
    (root / "more" / "a.png").write_bytes(png(photo))
    return root


def test_a_photo_of_the_root_is_saved_beside_itself(serve, root, photo, hole):
    with serve(root=root) as client:
        state = client.http.post("/v1/photos", json={"path": "more/a.png"}).json()
        client.fill(state, **area(hole))
        told = client.post(state, "save").json()
        assert told["path"] == "more/a-filled.png"
        assert np.array_equal(decoded((root / told["path"]).read_bytes()), retouch.inpaint(photo, hole))
        assert client.state(state)["unsaved"] is False
        client.post(state, "undo")
        assert client.state(state)["unsaved"] is True
        # The file is this session's own, so it may be written again.
        assert client.post(state, "save").status_code == 200
        assert np.array_equal(decoded((root / told["path"]).read_bytes()), photo)


def test_a_file_says_that_a_network_filled_it(serve, root, hole):
    with serve(root=root) as client:
        state = client.http.post("/v1/photos", json={"path": "more/a.png"}).json()
        client.fill(state, **area(hole), model="contextual-attention")
        saved = root / client.post(state, "save").json()["path"]
        assert WITH_TRAINED.encode() in read_photo(saved).header.xmp
        client.post(state, "undo")
        client.fill(state, **area(hole))
        client.post(state, "save")
        assert read_photo(saved).header.xmp is None


def test_nothing_is_overwritten_unasked(serve, root, hole):
    with serve(root=root) as client:
        state = client.http.post("/v1/photos", json={"path": "more/a.png"}).json()
        client.fill(state, **area(hole))
        before = (root / "more" / "a.png").read_bytes()
        refused(client.post(state, "save", path="more/a.png"), 409, "exists")
        assert (root / "more" / "a.png").read_bytes() == before
        assert client.post(state, "save", path="more/a.png", overwrite=True).status_code == 200
        assert (root / "more" / "a.png").read_bytes() != before
        refused(client.post(state, "save", path="none/a.png"), 422, "refused")
        refused(client.post(state, "save", path="b.psd"), 422, "refused")
        assert client.state(state)["unsaved"] is False


def test_what_a_format_cannot_hold_is_told(serve, root, hole):
    from retouch.server.errors import Refusal  # the sentence is the library's

    assert issubclass(Refusal, retouch.RetouchError)
    with serve(root=root) as client:
        state = client.open(png(np.dstack([noise(96, 128, 3), noise(96, 128, seed=1)])))
        assert "transparency" in refused(client.post(state, "save", path="x.jpg"), 422, "refused")
        refused(client.post(state, "save"), 400, "no_path")


def test_done_writes_the_photo_and_lets_the_program_go_on(serve, tmp_path, photo, hole):
    target = tmp_path / "out.png"
    with serve(mode="edit", wait=True, target=target) as client:
        refused(client.http.post("/v1/done"), 409, "not_editing")
        state = client.open(png(photo))
        info = client.http.get("/v1/info").json()
        assert (info["mode"], info["wait"], info["photo"], info["files"]) == (
            "edit",
            True,
            state["id"],
            False,
        )
        client.fill(state, **area(hole))
        service = client.http.app.state.service
        assert not service.ended.done()
        assert client.http.post("/v1/done").json()["path"] == target.as_posix()
        assert service.ended.result() == "done"
        assert np.array_equal(decoded(target.read_bytes()), retouch.inpaint(photo, hole))


def test_discard_writes_nothing(serve, tmp_path, photo):
    target = tmp_path / "out.png"
    with serve(mode="edit", wait=True, target=target) as client:
        client.open(png(photo))
        client.http.post("/v1/discard")
        assert client.http.app.state.service.ended.result() == "discarded"
        assert not target.exists()


def test_an_edited_photo_is_saved_in_its_own_folder_only(serve, tmp_path, photo, hole):
    folder = tmp_path / "photos"
    folder.mkdir()
    with serve(mode="edit", target=folder / "a-filled.png") as client:
        state = client.open(png(photo))
        client.fill(state, model="telea", **area(hole))
        assert (
            client.post(state, "save", path="other.tif").json()["path"] == (folder / "other.tif").as_posix()
        )
        refused(client.post(state, "save", path="../other.png"), 403, "outside")
        refused(client.http.post("/v1/discard"), 409, "nobody_waits")
        client.http.post("/v1/done")
        assert (folder / "a-filled.png").exists()
        assert not client.http.app.state.service.ended.done()  # no program waits

import io

import numpy as np
import pytest
from PIL import Image
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


def test_done_writes_the_photo_and_lets_the_program_go_on(serve, tmp_path, photo, hole):
    target = tmp_path / "out.png"
    with serve(mode="edit", wait=True, target=target) as client:
        refused(client.http.post("/v1/done"), 409, "not_editing")
        state = client.edit(png(photo))
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
        client.edit(png(photo))
        client.http.post("/v1/discard")
        assert client.http.app.state.service.ended.result() == "discarded"
        assert not target.exists()


def test_an_edited_photo_is_saved_in_its_own_folder_only(serve, tmp_path, photo, hole):
    folder = tmp_path / "photos"
    folder.mkdir()
    with serve(mode="edit", target=folder / "a-filled.png") as client:
        state = client.edit(png(photo))
        client.fill(state, model="telea", **area(hole))
        assert (
            client.post(state, "save", path="other.tif").json()["path"] == (folder / "other.tif").as_posix()
        )
        refused(client.post(state, "save", path="../other.png"), 403, "outside")
        refused(client.http.post("/v1/discard"), 409, "nobody_waits")
        client.http.post("/v1/done")
        assert (folder / "a-filled.png").exists()
        assert not client.http.app.state.service.ended.done()  # no program waits


def test_only_the_photo_of_the_command_is_edited(serve, tmp_path, photo, hole):
    target = tmp_path / "a.png"
    target.write_bytes(png(photo))
    other = png(255 - photo)
    with serve(mode="edit", wait=True, target=target, overwrite=True) as client:
        refused(client.http.post("/v1/photos", content=other), 409, "one_photo")
        state = client.edit(png(photo), "a.png")
        refused(client.http.post("/v1/photos", content=other), 409, "one_photo")
        refused(client.http.post("/v1/photos", json={"path": "b.png"}), 409, "one_photo")
        refused(client.http.delete(f"/v1/photos/{state['id']}"), 409, "one_photo")
        added = client.http.post(f"/v1/photos/{state['id']}/references", content=other)
        assert added.status_code == 201
        client.fill(state, model="telea", **area(hole))
        client.http.post("/v1/done")
        assert np.array_equal(decoded(target.read_bytes()), retouch.inpaint(photo, hole, model="telea"))


def test_no_other_photo_of_the_sessions_reaches_the_target(serve, tmp_path, photo):
    with serve() as client:  # what a server left that let pages open others
        left = client.http.post("/v1/photos?name=b.png", content=png(255 - photo)).json()
    target = tmp_path / "out.png"
    with serve(mode="edit", target=target) as client:
        refused(client.http.post("/v1/done"), 409, "not_editing")
        state = client.edit(png(photo))
        refused(client.post(left, "save"), 409, "one_photo")
        client.http.post("/v1/done")
        assert client.http.get("/v1/info").json()["photo"] == state["id"]
        assert np.array_equal(decoded(target.read_bytes()), photo)


@pytest.mark.parametrize(
    ("kind", "name", "saved"),
    [
        ("PNG", "beach.png", "beach-filled.png"),
        ("JPEG", "beach.JPEG", "beach-filled.JPEG"),
        ("TIFF", "beach.tiff", "beach-filled.tiff"),
        ("GIF", "beach.gif", "beach-filled.png"),
        ("PNG", "beach.jpg", "beach-filled.png"),
        ("PNG", "beach", "beach-filled.png"),
    ],
)
def test_an_upload_is_saved_under_the_root(serve, root, photo, hole, kind, name, saved):
    file = io.BytesIO()
    Image.fromarray(photo).save(file, kind)
    with serve(root=root) as client:
        state = client.open(file.getvalue(), name)
        client.fill(state, model="telea", **area(hole))
        assert client.post(state, "save").json()["path"] == saved
        assert client.state(state)["unsaved"] is False
        assert (root / saved).exists()
        again = client.open(file.getvalue(), name)
        refused(client.post(again, "save"), 409, "exists")
        assert client.post(again, "save", overwrite=True).json()["path"] == saved

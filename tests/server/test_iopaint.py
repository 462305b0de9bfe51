"""What clients of IOPaint 1.6 say; its own page says it in test_iopaint_page.py."""

import base64
import io
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx2 as httpx
import numpy as np
import pytest
from PIL import Image, ImageCms
from starlette.testclient import WebSocketDenialResponse
from tests.imaging.samples import noise
from tests.server.client import area, decoded, png

import retouch
from retouch.server.errors import Limits

API = "/api/v1"


def text(data):
    return base64.b64encode(data).decode()


def asked(photo, hole, **more):
    return {"image": text(photo), "mask": text(png(hole.astype(np.uint8) * 255))} | more


def failed(answer, status):
    """Check that an error has IOPaint's shape; returns its sentence."""
    assert answer.status_code == status, answer.text
    error = answer.json()
    assert sorted(error) == ["body", "detail", "error", "errors"]
    assert error["errors"] == error["detail"]
    assert error["errors"].endswith(".")
    return error["errors"]


@pytest.fixture
def http(client):
    """The shared server, with the model that it starts with."""
    yield client.http
    client.http.post(f"{API}/model", json={"name": "exemplar"})


@pytest.mark.parametrize("prefix", ["", "data:image/png;base64,", "data:application/octet-stream;base64,"])
def test_a_fill_is_the_library_s(http, photo, hole, prefix):
    body = {name: prefix + each for name, each in asked(png(photo), hole).items()}
    body |= {"sd_seed": 7, "hd_trategy_resize_imit": 2048, "cv2_flag": None, "prompt": ""}
    answer = http.post(f"{API}/inpaint", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["x-seed"] == "7"
    assert np.array_equal(decoded(answer.content), retouch.inpaint(photo, hole, seed=7))


def test_nothing_is_kept(serve, photo, hole):
    with serve() as client:
        sessions = client.http.app.state.service.settings.sessions
        for body in (asked(png(photo), hole), asked(b"no photo", hole), asked(png(photo), ~hole | hole)):
            client.http.post(f"{API}/inpaint", json=body)
            assert list(sessions.iterdir()) == []
        assert client.http.app.state.service.jobs._known == {}
        assert client.http.app.state.service.photos == {}


def test_depth_profile_and_transparency_are_kept(http, hole):
    pixels = noise(*hole.shape, 4, dtype=np.uint16)
    pixels[..., 3] = 65535
    expected = retouch.inpaint(pixels, hole)
    import cv2

    file = cv2.imencode(".png", pixels[..., [2, 1, 0, 3]])[1].tobytes()
    answer = http.post(f"{API}/inpaint", json=asked(file, hole, sd_seed=0))
    filled = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_UNCHANGED)[..., [2, 1, 0, 3]]
    assert filled.dtype == np.uint16
    assert np.array_equal(filled, expected)


def test_a_jpeg_stays_one_with_its_profile(http, photo, hole):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    file = io.BytesIO()
    Image.fromarray(photo).save(file, "JPEG", quality=95, icc_profile=profile)
    answer = http.post(f"{API}/inpaint", json=asked(file.getvalue(), hole))
    assert answer.headers["content-type"] == "image/jpeg"
    filled = Image.open(io.BytesIO(answer.content))
    assert filled.format == "JPEG"
    assert filled.info["icc_profile"] == profile


def test_what_cannot_be_written_comes_as_png(http, photo, hole):
    file = io.BytesIO()
    Image.fromarray(photo).save(file, "BMP")
    answer = http.post(f"{API}/inpaint", json=asked(file.getvalue(), hole, sd_seed=0))
    assert answer.headers["content-type"] == "image/png"
    assert np.array_equal(decoded(answer.content), retouch.inpaint(photo, hole))


def test_above_127_is_filled_whatever_its_alpha(http, photo, hole):
    mask = np.zeros((*hole.shape, 4), np.uint8)
    mask[..., :3] = np.where(hole, 128, 127)[..., None]
    mask[..., 3] = np.where(hole, 1, 255)
    answer = http.post(f"{API}/inpaint", json=asked(png(photo), hole, mask=text(png(mask)), sd_seed=0))
    assert np.array_equal(decoded(answer.content), retouch.inpaint(photo, hole))


def test_an_empty_mask_changes_nothing(http, photo, hole):
    file = png(photo)
    answer = http.post(f"{API}/inpaint", json=asked(file, hole & ~hole))
    assert answer.content == file
    assert answer.headers["content-type"] == "image/png"


def test_a_seed_of_minus_one_is_drawn_and_told(http, photo, hole):
    seeds = [
        http.post(f"{API}/inpaint", json=asked(png(photo), hole, sd_seed=-1)).headers["x-seed"]
        for _ in range(2)
    ]
    assert seeds[0] != seeds[1]
    assert all(0 < int(seed) < 10**8 for seed in seeds)
    assert http.post(f"{API}/inpaint", json=asked(png(photo), hole)).headers["x-seed"] == "42"


def test_mistakes_are_told(http, photo, hole):
    def inpaint(status, **fields):
        return failed(http.post(f"{API}/inpaint", json=asked(png(photo), hole) | fields), status)

    assert "96" in inpaint(400, mask=text(png(np.zeros((95, 128), np.uint8))))
    assert "image" in inpaint(400, image=None)
    assert "mask" in inpaint(400, mask="")
    assert "base64" in inpaint(400, image="x")
    inpaint(422, image=text(b"no photo"))
    inpaint(422, mask=text(b"no mask"))
    inpaint(422, mask=text(png(np.full(hole.shape, 255, np.uint8))))
    for seed in ("x", [], 2**63, 1e400):
        inpaint(400, sd_seed=str(seed) if seed == 1e400 else seed)
    for body in (b"", b"{", b"[]", b"[" * 100_000, b"\xff"):
        failed(http.post(f"{API}/inpaint", content=body), 400)
    failed(http.get(f"{API}/samplers/x"), 404)
    failed(http.get(f"{API}/inpaint"), 404)


def test_limits_are_kept(serve, photo, hole):
    with serve(limits=Limits(request=1000, photos=1)) as client:
        failed(client.http.post(f"{API}/inpaint", json={"image": "x" * 4001}), 413)
        failed(client.http.post(f"{API}/adjust_mask", json={"mask": "x" * 4001}), 413)
        client.open(png(photo))
        failed(client.http.post(f"{API}/inpaint", json=asked(png(photo), hole)), 429)
    with serve(limits=Limits(pixels=96 * 100)) as client:
        assert "megapixels" in failed(client.http.post(f"{API}/inpaint", json=asked(png(photo), hole)), 422)
    with serve(limits=Limits(waiting=0)) as client:
        failed(client.http.post(f"{API}/inpaint", json=asked(png(photo), hole)), 429)


def test_all_requests_together_are_limited(serve):
    with serve(limits=Limits(request=100)) as client:
        desk = next(
            route.endpoint.args[0] for route in client.http.app.routes if route.path == f"{API}/inpaint"
        )
        desk.intake._held = 1500
        failed(client.http.post(f"{API}/inpaint", content=b"x" * 101), 429)
        assert desk.intake._held == 1500
        failed(client.http.post(f"{API}/inpaint", content=b"x" * 99), 400)


def test_who_may_ask_is_as_everywhere(serve, photo, hole):
    with serve(host="0.0.0.0", token="secret") as client:
        for method, path in (("GET", f"{API}/model"), ("POST", "/inpaint"), ("GET", "/socket.io/")):
            assert client.http.request(method, path).status_code == 401
            headers = {"Authorization": "Bearer secret", "Origin": "http://evil.example"}
            assert client.http.request(method, path, headers=headers).status_code == 403
            headers = {"Authorization": "Bearer secret", "Host": "evil.example"}
            assert client.http.request(method, path, headers=headers).status_code == 421
        answer = client.http.get(f"{API}/model", headers={"Authorization": "Bearer secret"})
        assert answer.status_code == 200
        assert not any(name.startswith("access-control") for name in answer.headers)


def test_the_configuration_names_the_models_and_the_plugin(http):
    told = http.get(f"{API}/server-config").json()
    assert [each["name"] for each in told["modelInfos"]] == [card.name for card in retouch.list_models()]
    assert {each["model_type"] for each in told["modelInfos"]} == {"inpaint"}
    assert told["plugins"] == [
        {"name": "InteractiveSeg", "support_gen_image": False, "support_gen_mask": True}
    ]
    assert told["enableFileManager"] is False
    assert told["enableAutoSaving"] is False
    assert http.post(f"{API}/gen-info", files={"file": b"x"}).json() == {"prompt": "", "negative_prompt": ""}


def test_the_model_is_switched(http, photo, hole):
    assert http.get(f"{API}/model").json()["name"] == "exemplar"
    assert http.post(f"{API}/model", json={"name": "telea"}).json()["name"] == "telea"
    assert http.get(f"{API}/model").json()["name"] == "telea"
    answer = http.post(f"{API}/inpaint", json=asked(png(photo), hole))
    assert np.array_equal(decoded(answer.content), retouch.inpaint(photo, hole, model="telea"))
    for name in ("lama", "../weights.safetensors", None, []):
        assert "telea" in failed(http.post(f"{API}/model", json={"name": name}), 422)


def test_a_click_finds_an_object(http, photo):
    row, column = np.mgrid[:96, :128]
    disc = (row - 24) ** 2 + (column - 100) ** 2 < 15**2
    body = {"name": "InteractiveSeg", "image": text(png(photo)), "clicks": [[100.4, 24, 1], [20, 80, 0, 1]]}
    answer = http.post(f"{API}/run_plugin_gen_mask", json=body)
    assert answer.headers["content-type"] == "image/png"
    mask = decoded(answer.content)
    assert mask.shape == (96, 128, 4)
    found = mask[..., 3] > 0
    assert np.array_equal(np.unique(mask[found], axis=0), [[255, 203, 0, 186]])
    assert not mask[~found].any()
    assert found[disc].mean() > 0.95
    assert (found & ((row - 24) ** 2 + (column - 100) ** 2 > 22**2)).sum() < 20


def test_clicks_that_find_nothing_are_refused(http, photo):
    def click(status, *clicks, **more):
        body = {"name": "InteractiveSeg", "image": text(png(photo)), "clicks": list(clicks)} | more
        return failed(http.post(f"{API}/run_plugin_gen_mask", json=body), status)

    click(400)
    click(400, [5, 5, 0])
    for bad in ([128, 5, 1], [5, -1, 1], [5, 5, 2], [5, 5], ["5", 5, 1], [float("1e300"), 5, 1], 5):
        click(400, bad)
    click(400, clicks=None)
    assert "InteractiveSeg" in click(422, [5, 5, 1], name="RemoveBG")
    click(422, [5, 5, 1], image=text(b"no photo"))


@pytest.mark.parametrize("radius", [0, 3])
def test_masks_are_adjusted(http, radius):
    mask = np.zeros((40, 50), np.bool_)
    mask[10:20, 15:30] = True
    mask[0, 0] = True
    row, column = np.mgrid[:40, :50]
    rows, columns = np.nonzero(mask)
    near = ((row[..., None] - rows) ** 2 + (column[..., None] - columns) ** 2).min(2) <= radius**2
    rows, columns = np.nonzero(~mask)
    kept = ((row[..., None] - rows) ** 2 + (column[..., None] - columns) ** 2).min(2) > radius**2

    def adjust(operate):
        body = {"mask": text(png(mask.astype(np.uint8) * 255)), "operate": operate, "kernel_size": radius}
        return decoded(http.post(f"{API}/adjust_mask", json=body).content)

    for operate, expected in (("expand", near), ("shrink", kept), ("reverse", ~mask)):
        adjusted = adjust(operate)
        assert np.array_equal(adjusted[..., 3] > 0, expected), operate
        assert np.array_equal(np.unique(adjusted[expected], axis=0), [[255, 203, 0, 186]])
    # What the server paints, it reads again.
    again = http.post(f"{API}/adjust_mask", json={"mask": text(png(adjusted)), "operate": "reverse"})
    assert np.array_equal(decoded(again.content)[..., 3] > 0, mask)


def test_adjustments_that_make_no_sense_are_refused(http):
    body = {"mask": text(png(np.zeros((4, 4), np.uint8))), "operate": "expand"}
    assert not decoded(http.post(f"{API}/adjust_mask", json=body).content).any()
    for bad in ({"operate": "melt"}, {"kernel_size": -1}, {"kernel_size": "x"}, {"kernel_size": 10**6}):
        failed(http.post(f"{API}/adjust_mask", json=body | bad), 422)
    failed(http.post(f"{API}/adjust_mask", json=body | {"mask": "x"}), 400)


def test_the_edited_photo_is_the_input_image(serve, photo, hole, tmp_path):
    with serve() as client:
        answer = client.http.get(f"{API}/inputimage")
        failed(answer, 200)  # as IOPaint, whose page asks whenever it opens
    with serve(mode="edit", target=tmp_path / "out.png") as client:
        failed(client.http.get(f"{API}/inputimage"), 200)
        state = client.edit(png(photo), "a photo.png")
        answer = client.http.get(f"{API}/inputimage")
        assert answer.headers["content-type"] == "image/png"
        assert answer.headers["content-disposition"] == "inline; filename=a%20photo.png"
        assert np.array_equal(decoded(answer.content), photo)
        client.fill(state, model="telea", **area(hole))
        filled = decoded(client.http.get(f"{API}/inputimage").content)
        assert np.array_equal(filled, retouch.inpaint(photo, hole, model="telea"))


def test_a_name_that_is_too_long_is_no_photo(serve, tmp_path):
    with serve(root=tmp_path) as client:
        for path in ("media_file", "media_thumbnail_file"):
            query = {"tab": "input", "filename": "a" * 300 + ".png", "width": "64", "height": "0"}
            answer = client.http.get(f"{API}/{path}", params=query)
            failed(answer, 422)
            assert answer.json()["error"] == "no_file"


@pytest.fixture
def managed(serve, tmp_path, photo):
    """A server with a root: two photos, one of them on its side, and what is none of its business."""

    @contextmanager
    def make():
        root, outside = tmp_path / "root", tmp_path / "outside"
        for each in (root / "more", outside):
            each.mkdir(parents=True, exist_ok=True)
        (root / "a.png").write_bytes(png(photo))
        exif = Image.Exif()
        exif[0x0112] = 6
        Image.fromarray(photo).save(root / "side.jpg", exif=exif)
        (root / "fake.png").write_bytes(b"no photo")
        (root / ".hidden.png").write_bytes(png(photo))
        (root / "notes.txt").write_text("x")
        (root / "more" / "b.png").write_bytes(png(photo))
        (outside / "secret.png").write_bytes(png(photo))
        if not (root / "link.png").is_symlink():
            (root / "link.png").symlink_to(outside / "secret.png")
        with serve(root=root) as client:
            yield client.http, root

    return make


def test_the_file_manager_shows_the_root(managed, photo):
    with managed() as (http, root):
        assert http.get(f"{API}/server-config").json()["enableFileManager"] is True
        listed = http.get(f"{API}/medias", params={"tab": "input"}).json()
        assert [(each["name"], each["width"], each["height"]) for each in listed] == [
            ("a.png", 128, 96),
            ("side.jpg", 96, 128),
        ]
        assert listed[0]["mtime"] == (root / "a.png").stat().st_mtime
        assert http.get(f"{API}/medias", params={"tab": "output"}).json() == []
        assert http.get(f"{API}/medias", params={"tab": "mask"}).json() == []
        failed(http.get(f"{API}/medias", params={"tab": "other"}), 422)
        failed(http.get(f"{API}/medias"), 422)
        file = http.get(f"{API}/media_file", params={"tab": "input", "filename": "a.png"})
        assert file.headers["content-type"] == "image/png"
        assert np.array_equal(decoded(file.content), photo)


@pytest.mark.parametrize(
    "name",
    ["../outside/secret.png", "link.png", ".hidden.png", "notes.txt", "none.png", "more/b.png", "", "\0"],
)
def test_no_name_leads_elsewhere(managed, name):
    with managed() as (http, _):
        for path in ("media_file", "media_thumbnail_file"):
            answer = http.get(f"{API}/{path}", params={"tab": "input", "filename": name})
            assert answer.status_code in (400, 403, 422)
            failed(answer, answer.status_code)


def test_thumbnails_have_the_width_that_is_asked_for(managed):
    with managed() as (http, _):

        def thumbnail(name, **size):
            given = {"tab": "input", "filename": name} | size
            answer = http.get(f"{API}/media_thumbnail_file", params=given)
            assert answer.headers["content-type"] == "image/jpeg"
            picture = decoded(answer.content)
            assert answer.headers["x-width"] == str(picture.shape[1])
            assert answer.headers["x-height"] == str(picture.shape[0])
            return picture.shape

        assert thumbnail("a.png", width=64, height=1) == (48, 64, 3)
        assert thumbnail("side.jpg", width=48) == (64, 48, 3)
        assert thumbnail("a.png", height=24) == (24, 32, 3)
        assert thumbnail("a.png") == (192, 256, 3)
        given = {"tab": "input", "filename": "a.png", "width": "x"}
        failed(http.get(f"{API}/media_thumbnail_file", params=given), 422)


def test_saving_replaces_only_what_was_saved_by_the_same_name(managed, photo):
    def save(http, name, data):
        return http.post(f"{API}/save_image", files={"file": (name, data, "image/png")})

    first, second = png(photo), png(255 - photo)
    with managed() as (http, root):
        before = (root / "a.png").read_bytes()
        for data in (first, second):
            answer = save(http, "a.png", data)
            assert answer.status_code == 200
            assert answer.json() is None
            assert (root / "filled" / "a.png").read_bytes() == data
        assert save(http, "../../b.png", first).status_code == 200
        assert sorted(each.name for each in (root / "filled").iterdir()) == ["a.png", "b.png"]
        assert [each["name"] for each in http.get(f"{API}/medias", params={"tab": "output"}).json()] == [
            "a.png",
            "b.png",
        ]
        assert (root / "a.png").read_bytes() == before
        for name in ("page.html", ".png", "..", "x"):
            failed(save(http, name, first), 400)
        failed(save(http, "c.png", b"no photo"), 422)
        failed(http.post(f"{API}/save_image", data={"file": "text"}, files={"x": b""}), 400)
        failed(http.post(f"{API}/save_image", json={}), 400)
    with managed() as (http, root):  # the server knows no more who wrote it
        save(http, "a.png", first)
        assert (root / "filled" / "a.png").read_bytes() == second
        assert (root / "filled" / "a-2.png").read_bytes() == first


def test_without_a_root_nothing_is_saved(http, photo):
    failed(http.post(f"{API}/save_image", files={"file": ("a.png", png(photo))}), 400)
    failed(http.get(f"{API}/media_file", params={"tab": "input", "filename": "a.png"}), 422)
    assert http.get(f"{API}/medias", params={"tab": "input"}).json() == []


def test_a_folder_for_what_is_saved_that_leads_out_is_refused(managed, photo, tmp_path):
    with managed() as (http, root):
        (root / "filled").symlink_to(tmp_path / "outside")
        failed(http.post(f"{API}/save_image", files={"file": ("a.png", png(photo))}), 403)
        failed(http.get(f"{API}/medias", params={"tab": "output"}), 403)


def test_a_mistake_in_the_server_tells_clients_nothing(http, monkeypatch):
    def broken(*_):
        raise RuntimeError("a secret")

    monkeypatch.setattr(retouch, "list_models", broken)
    assert "secret" not in failed(http.get(f"{API}/server-config"), 500)


def test_socket_io_tells_how_far_a_fill_has_come(http, photo, hole):
    def poll(**more):
        return http.get("/socket.io/", params={"EIO": "4", "transport": "polling"} | more)

    opened = poll()
    assert opened.text.startswith("0{")
    assert not any(name.startswith("access-control") for name in opened.headers)
    sid = opened.text.partition('"sid":"')[2].partition('"')[0]
    given = {"EIO": "4", "transport": "polling", "sid": sid}
    assert http.post("/socket.io/", params=given, content="40").status_code == 200
    assert poll(sid=sid).text.startswith("40")
    large = np.tile(photo, (4, 4, 1))
    mask = np.zeros(large.shape[:2], np.bool_)
    mask[100:250, 100:300] = True
    http.post(f"{API}/inpaint", json=asked(png(large), mask, sd_steps=20))
    told = ""
    until = time.monotonic() + 30
    while "diffusion_finish" not in told and time.monotonic() < until:
        told += poll(sid=sid).text
    assert '42["diffusion_progress",{"step":' in told
    assert '42["diffusion_finish"]' in told


@pytest.mark.slow
def test_a_client_that_goes_away_frees_what_it_held(server, photo):
    started = server()
    large = np.tile(photo, (12, 12, 1))
    mask = np.zeros(large.shape[:2], np.bool_)
    mask[100:1000, 300:1200] = True
    patience = httpx.Timeout(30, read=0.3)  # no machine fills 0.8 megapixels so fast
    with pytest.raises(httpx.ReadTimeout):
        started.http.post(f"{API}/inpaint", json=asked(png(large), mask), timeout=patience)
    until = time.monotonic() + 30
    while [each.name for each in started.folder.iterdir()] != ["lock"]:
        assert time.monotonic() < until
        time.sleep(0.1)
    small = np.zeros(photo.shape[:2], np.bool_)
    small[20:24, 20:24] = True
    assert started.http.post(f"{API}/inpaint", json=asked(png(photo), small)).status_code == 200


def test_socket_io_takes_no_page_of_another_site(client):
    url = "ws://127.0.0.1:8080/socket.io/?EIO=4&transport=websocket"
    own = {"Origin": "http://127.0.0.1:8080", "Upgrade": "websocket"}
    with client.http.websocket_connect(url, headers=own) as socket:
        assert socket.receive_text().startswith("0{")
    with (
        pytest.raises(WebSocketDenialResponse) as refused,
        client.http.websocket_connect(url, headers=own | {"Origin": "http://evil.example"}),
    ):
        pass
    assert refused.value.status_code == 403


@pytest.mark.slow
def test_fifty_clients_at_once(server, photo):
    started = server()
    started.http.post(f"{API}/model", json={"name": "telea"})
    holes = [np.zeros(photo.shape[:2], np.bool_) for _ in range(4)]
    for number, hole in enumerate(holes):
        hole[10 + 20 * number : 18 + 20 * number, 40:50] = True
    expected = [retouch.inpaint(photo, hole, model="telea") for hole in holes]

    def fill(number):
        answer = started.http.post(f"{API}/inpaint", json=asked(png(photo), holes[number % 4]))
        return np.array_equal(decoded(answer.content), expected[number % 4])

    with ThreadPoolExecutor(50) as clients:
        assert all(clients.map(fill, range(300)))
    assert [each.name for each in started.folder.iterdir()] == ["lock"]

import json
import os
import sys

import pytest
from starlette.testclient import TestClient
from tests.imaging.samples import noise
from tests.server.client import area, png, refused

from retouch.cli.serve import serve as serve_command
from retouch.server.app import create_app
from retouch.server.errors import Limits
from retouch.server.security import is_loopback
from retouch.server.service import Settings


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8080", "localhost.evil.example", "10.0.0.1", "", "["]
)
def test_another_name_for_this_computer_is_refused(client, host):
    # A page can turn a name of its own to 127.0.0.1; the browser still sends that name.
    refused(client.http.get("/v1/info", headers={"Host": host}), 421, "wrong_host")


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost:8080", "LOCALHOST", "[::1]:8080"])
def test_this_computer_s_own_names_are_accepted(client, host):
    assert client.http.get("/v1/info", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_pages_of_other_sites_are_refused(client, headers, photo):
    for method, path in (
        ("GET", "/v1/info"),
        ("POST", "/v1/photos"),
        ("GET", "/static/x.js"),
        ("DELETE", "/v1/x"),
    ):
        refused(client.http.request(method, path, headers=headers, content=b""), 403, "cross_site")


def test_its_own_page_and_programs_are_accepted(client):
    own = {"Origin": "http://127.0.0.1:8080", "Sec-Fetch-Site": "same-origin"}
    for headers in ({}, own, {"Sec-Fetch-Site": "none"}):
        assert client.http.get("/v1/info", headers=headers).status_code == 200
    # A link on another page may lead to the editor.
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert client.http.get("/", headers=link).status_code != 403


def test_every_answer_says_what_a_page_may_do(client):
    for path in ("/", "/v1/info", "/v1/nothing"):
        headers = client.http.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "*" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
    asked = {"Origin": "http://127.0.0.1:8080", "Access-Control-Request-Method": "POST"}
    answer = client.http.options("/v1/photos", headers=asked)
    assert not any(name.startswith("access-control") for name in answer.headers)


def test_the_token_opens_the_page_and_the_interface(tmp_path):
    settings = Settings(tmp_path, host="0.0.0.0", token="secret")
    with TestClient(create_app(settings), "http://192.0.2.7:8080", follow_redirects=False) as http:
        refused(http.get("/v1/info"), 401, "no_token")
        refused(http.get("/v1/info", headers={"Authorization": "Bearer wrong"}), 401, "no_token")
        refused(http.get("/v1/info?token=secret"), 401, "no_token")  # only the page takes it from its address
        refused(http.get("/?token=wrong"), 401, "no_token")
        refused(http.get("/v1/info", headers={"Host": "evil.example"}), 421, "wrong_host")
        assert http.get("/v1/info", headers={"Authorization": "Bearer secret"}).json()["token"] is True
        answer = http.get("/?token=secret&lang=de")
        assert answer.status_code == 303
        assert answer.headers["location"] == "/?lang=de"
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert http.get("/v1/info").status_code == 200  # with the cookie


@pytest.mark.parametrize("other", ['{"a": 1}', '"half', "\xe9", "a[b]=c"])
def test_cookies_of_other_programs_do_not_hide_the_token(tmp_path, other):
    with TestClient(create_app(Settings(tmp_path, token="secret")), "http://127.0.0.1") as http:
        cookie = f"x={other}; retouch-token=secret".encode("latin-1")
        assert http.get("/v1/info", headers={"Cookie": cookie}).status_code == 200


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("photos.example.org", "https://photos.example.org"),
        ("Photos.example.org:8443", "https://Photos.example.org:8443"),
        ("scanner", "http://scanner"),
        ("127.0.0.1:8080", "https://photos.example.org"),  # the proxy passes on no Host
        ("127.0.0.1:8080", "http://127.0.0.1:8080"),
    ],
)
def test_names_that_it_was_given_are_its_own(serve, host, origin):
    with serve(names=("photos.Example.org", "scanner")) as client:
        for headers in ({"Host": host}, {"Host": host, "Origin": origin, "Sec-Fetch-Site": "same-origin"}):
            assert client.http.get("/v1/info", headers=headers).status_code == 200
        for other in ("example.org", "x.photos.example.org", "evil.example"):
            refused(client.http.get("/v1/info", headers={"Host": other}), 421, "wrong_host")
            elsewhere = {"Host": host, "Origin": f"https://{other}"}
            refused(client.http.get("/v1/info", headers=elsewhere), 403, "cross_site")


def test_a_server_is_started_with_names(server):
    asked = {"Host": "photos.example.org"}
    started = server("--name", "scanner", "--name", "photos.example.org")
    assert started.http.get("/v1/info", headers=asked).status_code == 200
    refused(started.http.get("/v1/info", headers={"Host": "example.org"}), 421, "wrong_host")


@pytest.mark.parametrize("token", ["", "two words", "schlüssel", "a\n"])
def test_a_token_that_no_header_can_carry_is_refused(token):
    with pytest.raises(SystemExit):
        serve_command(token=token, port=0)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "example.com"])
def test_what_others_can_reach_is_no_loopback(host):
    assert not is_loopback(host)
    assert is_loopback("127.0.0.1")
    assert is_loopback("::1")
    assert is_loopback("localhost")


@pytest.fixture
def root(tmp_path, photo):
    """A folder to show: a photo, a folder with another one, and links that lead out of it."""
    root, outside = tmp_path / "root", tmp_path / "outside"
    (root / "more").mkdir(parents=True)
    outside.mkdir()
    for place in (root / "a.png", root / "more" / "b.png", outside / "secret.png"):
        place.write_bytes(png(photo))
    (root / "notes.txt").write_text("no photo")
    (root / ".hidden.png").write_bytes(png(photo))
    (root / "link.png").symlink_to(outside / "secret.png")
    (root / "linked").symlink_to(outside)
    (root / "within.png").symlink_to(root / "a.png")
    return root


def test_a_root_shows_its_photos_and_nothing_else(serve, root):
    with serve(root=root) as client:
        listing = client.http.get("/v1/files").json()
        assert [each["path"] for each in listing["folders"]] == ["more"]
        assert [each["path"] for each in listing["photos"]] == ["a.png", "within.png"]
        assert listing["photos"][0]["bytes"] == (root / "a.png").stat().st_size
        inner = client.http.get("/v1/files", params={"path": "more"}).json()
        assert inner["path"] == "more"
        assert inner["photos"][0]["path"] == "more/b.png"
        refused(client.http.get("/v1/files", params={"path": "none"}), 404, "no_folder")


@pytest.mark.parametrize(
    "path", ["../outside/secret.png", "link.png", "linked/secret.png", "/etc/hostname", ".."]
)
def test_no_path_leads_out_of_the_root(serve, root, path):
    with serve(root=root) as client:
        refused(client.http.post("/v1/photos", json={"path": path}), 403, "outside")
        refused(client.http.get("/v1/files", params={"path": path}), 403, "outside")
        state = client.http.post("/v1/photos", json={"path": "a.png"}).json()
        refused(client.post(state, "save", path=path, overwrite=True), 403, "outside")


def test_without_a_root_no_file_is_read_or_written(client, photo):
    refused(client.http.get("/v1/files"), 403, "no_root")
    refused(client.http.post("/v1/photos", json={"path": "a.png"}), 403, "no_root")
    refused(client.post(client.open(png(photo)), "save", path="a.png"), 403, "no_root")


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are text there")
def test_names_that_are_no_text_are_served_too(serve, root, photo, hole):
    (root / "more" / os.fsdecode(b"\xff.png")).write_bytes(png(photo))
    with serve(root=root) as client:
        told = client.http.get("/v1/files", params={"path": "more"}).json()["photos"][-1]
        body = json.dumps({"path": told["path"]})
        state = client.http.post(
            "/v1/photos", content=body, headers={"Content-Type": "application/json"}
        ).json()
        client.fill(state, model="telea", **area(hole))
        assert client.get(state, "file").status_code == 200
        assert client.post(state, "save").status_code == 200
        assert (root / "more" / os.fsdecode(b"\xff-filled.png")).exists()
    with serve(root=root) as client:
        assert client.state(state)["name"] == os.fsdecode(b"\xff.png")


def test_a_path_with_a_null_byte_is_refused(serve, root):
    with serve(root=root) as client:
        refused(client.http.post("/v1/photos", json={"path": "a\0.png"}), 400, "bad_path")


def test_a_path_that_is_too_long_is_no_file(serve, root, photo):
    long = {"path": "a" * 300 + ".png"}
    with serve(root=root) as client:
        refused(client.http.post("/v1/photos", json=long), 404, "no_file")
        state = client.open(png(photo))
        refused(client.post(state, "references", **long), 404, "no_file")


def test_limits_are_kept(serve, photo):
    limits = Limits(bytes=50_000, request=1000, pixels=200 * 100, photos=2)
    with serve(limits=limits) as client:
        state = client.open(png(photo))
        refused(client.http.post("/v1/photos", content=b"x" * 50_001), 413, "too_large")
        refused(client.post(state, "fills", mask="x" * 1001), 413, "too_large")
        large = client.http.post("/v1/photos", content=png(noise(101, 200) // 255))
        assert "megapixels" in refused(large, 422, "refused")
        client.open(png(photo))
        refused(client.http.post("/v1/photos", content=png(photo)), 429, "too_many_photos")
        client.http.delete(f"/v1/photos/{state['id']}")
        client.open(png(photo))
        told = client.http.get("/v1/info").json()["limits"]
        assert (told["bytes"], told["photos"], told["variants"]) == (50_000, 2, 8)


def test_a_mistake_in_the_server_tells_clients_nothing(tmp_path, monkeypatch):
    def broken(*_):
        raise RuntimeError("a secret")

    app = create_app(Settings(tmp_path))
    with TestClient(app, "http://127.0.0.1", raise_server_exceptions=False) as http:
        monkeypatch.setattr(app.state.service, "find", broken)
        answer = http.get("/v1/photos/x")
        assert refused(answer, 500, "broken")
        assert "secret" not in answer.text

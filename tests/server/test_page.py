import pytest
from tests.server.client import refused

from retouch.server import app


@pytest.fixture
def page(tmp_path, monkeypatch):
    folder = tmp_path / "static"
    folder.mkdir()
    monkeypatch.setattr(app, "STATIC", folder)
    return folder


def test_the_page_and_its_files_are_served(serve, page):
    (page / "index.html").write_text("<!doctype html><title>retouch</title>")
    (page / "editor.js").write_text("let x = 1;")
    (page.parent / "secret.txt").write_text("secret")
    with serve() as client:
        answer = client.http.get("/")
        assert "<title>retouch" in answer.text
        assert answer.headers["content-type"].startswith("text/html")
        script = client.http.get("/static/editor.js")
        assert script.text == "let x = 1;"
        for each in (answer, script):
            assert each.headers["cache-control"] == "no-cache"
            again = client.http.get(each.request.url, headers={"If-None-Match": each.headers["etag"]})
            assert again.text in ("", each.text)
        assert client.http.get("/static/%2e%2e/secret.txt").status_code == 404
        refused(client.http.get("/static/none.js"), 404, "no_place")


def test_without_a_page_the_interface_is_named(serve, page):
    with serve() as client:
        assert "/v1" in refused(client.http.get("/"), 404, "no_page")
        refused(client.http.put("/v1/info"), 405, "no_method")

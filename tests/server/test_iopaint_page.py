"""IOPaint's own page, from its wheel, in a real browser, against this server."""

import base64
import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from tests.server.client import decoded

import retouch

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
CENTRE, RADIUS = (320, 240), 30


@pytest.fixture(scope="module")
def browser():
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    executable = next(filter(None, map(shutil.which, BROWSERS)), None)
    if executable is None:
        pytest.skip(f"needs a browser: none of {', '.join(BROWSERS)} is installed")
    with sync_api.sync_playwright() as playwright:
        # Containers seldom allow Chromium's own sandbox; the page is one that is known.
        running = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture(scope="module")
def web_app(browser, tmp_path_factory):
    """The folder of IOPaint's built page."""
    folder = tmp_path_factory.mktemp("iopaint")
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "-q",
        "--no-deps",
        "--target",
        folder,
        "iopaint==1.6.0",
    ]
    installed = subprocess.run(command, capture_output=True, text=True)
    if installed.returncode:
        pytest.skip(f"pip cannot install iopaint: {installed.stderr.strip().splitlines()[-1:]}")
    return folder / "iopaint" / "web_app"


@pytest.fixture
def spot():
    """Stripes with a red spot, 480×640×3."""
    row, column = np.mgrid[:480, :640]
    stripes = 60 + row // 4 + 40 * np.sign(np.sin(column / 5))
    picture = np.stack([stripes, 80 + column // 8, 200 - row // 4], 2).clip(0, 255).astype(np.uint8)
    picture[(row - CENTRE[1]) ** 2 + (column - CENTRE[0]) ** 2 < RADIUS**2] = (230, 20, 20)
    return picture


@pytest.fixture
def page(browser, web_app, spot, tmp_path):
    """IOPaint's page, for a folder with one photo; what fails or is refused fails the test at its end."""
    for each in ("root", "sessions"):
        (tmp_path / each).mkdir()
    Image.fromarray(spot).save(tmp_path / "root" / "spot.png")
    command = [
        sys.executable,
        "-m",
        "tests.server.iopaint_app",
        web_app,
        tmp_path / "sessions",
        tmp_path / "root",
    ]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        address, complaints = server.stdout.readline().strip(), []
        with browser.new_page(viewport={"width": 1280, "height": 900}) as page:
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
            page.set_default_timeout(60_000)  # milliseconds; a busy machine is no failure
            page.goto(address)
            yield page
    finally:
        server.terminate()
        server.wait()
    assert complaints == []
    assert [each.name for each in (tmp_path / "sessions").iterdir()] == []


def stroke(page, *points):
    """Paint from point to point, in pixels of the photo; returns the answer to the fill that follows."""
    box = page.locator("canvas").first.bounding_box()
    places = [(box["x"] + x * box["width"] / 640, box["y"] + y * box["height"] / 480) for x, y in points]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places:
        page.mouse.move(*place, steps=5)
    with page.expect_response(lambda answer: answer.url.endswith("/api/v1/inpaint")) as told:
        page.mouse.up()
    page.mouse.move(5, 400)  # the brush hides what is below
    return told.value


def saved(page, folder):
    """Save; returns the picture, which the page had as a file from the server."""
    with page.expect_response(lambda answer: "save_image" in answer.url) as told:
        page.keyboard.press("Control+s")
    assert told.value.status == 200
    return decoded((folder / "root" / "filled" / "spot.png").read_bytes())


def mask_of(answer):
    """What the page asked to fill, by IOPaint's rule."""
    sent = json.loads(answer.request.post_data)["mask"].partition(",")[2]
    colours = decoded(base64.b64decode(sent))[..., :3].astype(float)
    return np.rint(colours @ (0.299, 0.587, 0.114)) > 127


def shown(page, x, y):
    """The colour on the screen at a pixel of the photo, when all strokes are gone from it."""
    box = page.locator("canvas").first.bounding_box()
    page.wait_for_timeout(1000)
    picture = decoded(page.screenshot())
    return picture[round(box["y"] + y * box["height"] / 480), round(box["x"] + x * box["width"] / 640), :3]


def is_red(colour):
    return colour[0] > 180 and colour[1] < 60 and colour[2] < 60


@pytest.mark.slow
def test_the_page_paints_fills_selects_switches_and_saves(page, spot, tmp_path):
    frames = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: frames.append(str(frame))))
    # Before it knows the server's abilities, the page hears no key.
    with page.expect_response(lambda answer: "server-config" in answer.url):
        page.reload()
    page.locator("button").first.wait_for()
    page.wait_for_timeout(1000)

    # The file manager shows the folder.
    page.keyboard.press("f")
    with page.expect_response(lambda answer: "media_file" in answer.url):
        page.locator("img[src*=media_thumbnail_file]").click()
    page.get_by_text("640x480").wait_for()
    assert is_red(shown(page, *CENTRE))

    # A stroke is filled at once.
    answer = stroke(page, (300, 225), (340, 225), (340, 255), (300, 255), (300, 240), (340, 240))
    assert answer.status == 200
    mask = mask_of(answer)
    assert mask[CENTRE[1], CENTRE[0]]
    assert not is_red(shown(page, *CENTRE))
    assert any("diffusion_progress" in each for each in frames)
    assert any("diffusion_finish" in each for each in frames)

    # The page has the library's fill, and what it saves leaves the original alone.
    filled = retouch.inpaint(spot, mask, seed=int(answer.headers["x-seed"]))
    assert np.array_equal(saved(page, tmp_path), filled)
    assert np.array_equal(decoded((tmp_path / "root" / "spot.png").read_bytes()), spot)

    # Undone, the object is found by a click, another model is chosen, and both masks are filled.
    page.keyboard.press("Control+z")
    assert is_red(shown(page, *CENTRE))
    page.mouse.click(43, 87)
    page.get_by_text("Interactive Segmentation").click()
    box = page.locator("canvas").first.bounding_box()
    with page.expect_response(lambda answer: "run_plugin_gen_mask" in answer.url) as told:
        page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert told.value.status == 200
    page.wait_for_timeout(500)
    page.get_by_text("Accept").click()
    page.keyboard.press("s")
    page.get_by_text("telea", exact=True).click()
    with page.expect_response(lambda answer: answer.request.method == "POST" and "/model" in answer.url):
        page.keyboard.press("Escape")
    page.wait_for_timeout(1000)
    answer = stroke(page, (100, 100), (110, 110))
    row, column = np.mgrid[:480, :640]
    disc = (row - CENTRE[1]) ** 2 + (column - CENTRE[0]) ** 2 < RADIUS**2
    mask = mask_of(answer)
    assert mask[disc].mean() > 0.95
    assert mask[105, 105]
    assert not is_red(shown(page, *CENTRE))
    assert np.array_equal(saved(page, tmp_path), retouch.inpaint(spot, mask, model="telea"))

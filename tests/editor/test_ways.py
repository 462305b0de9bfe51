"""Other ways to work: touch, the keyboard alone, two tabs, after a crash, in German, and what axe finds."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"


def touch(editor, kind, *points):
    session = editor.touches
    session.send(
        "Input.dispatchTouchEvent",
        {
            "type": kind,
            "touchPoints": [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)],
        },
    )


def zoom(editor):
    return float(editor.page.locator(".percent").inner_text().split()[0])


def test_one_finger_paints_and_two_zoom(server, new_editor, red_spot):
    editor = new_editor(
        server.address, has_touch=True, is_mobile=True, viewport={"width": 390, "height": 844}
    )
    editor.touches = editor.context.new_cdp_session(editor.page)
    editor.open(red_spot)
    filling = editor.page.get_by_role("button", name="Fill", exact=True)
    box = editor.page.locator("#photo").bounding_box()
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    touch(editor, "touchStart", middle)
    touch(editor, "touchMove", (middle[0] + 30, middle[1] + 10))
    touch(editor, "touchEnd")
    editor.wait_enabled("Fill")
    filling.click()
    editor.wait_message("Filled")
    before = zoom(editor)
    touch(editor, "touchStart", middle)
    touch(editor, "touchStart", middle, (middle[0] + 40, middle[1]))
    for step in range(1, 6):
        touch(editor, "touchMove", middle, (middle[0] + 40 + 20 * step, middle[1]))
    touch(editor, "touchEnd")
    editor.page.wait_for_timeout(100)
    assert zoom(editor) > 2 * before
    assert filling.is_disabled()  # what the first finger had begun is gone


def test_a_tap_shows_a_variant_and_another_takes_it(server, new_editor, red_spot):
    editor = new_editor(
        server.address, has_touch=True, is_mobile=True, viewport={"width": 390, "height": 844}
    )
    editor.page.evaluate("localStorage.setItem('retouch.variants', '2')")
    editor.page.reload()
    editor.open(red_spot)
    box = editor.page.locator("#photo").bounding_box()
    editor.page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    editor.page.get_by_role("button", name="Fill", exact=True).tap()
    offered = editor.page.locator("button.variant")
    offered.nth(1).tap()
    offered.nth(1).and_(editor.page.locator("[aria-current=true]")).wait_for()
    offered.nth(1).tap()
    offered.nth(1).wait_for(state="detached")
    editor.wait_enabled("Undo")


def test_the_keyboard_alone_suffices(start_server, new_editor, red_spot):
    editor = new_editor(start_server("edit", str(red_spot), "--no-browser").address)
    editor.wait_open()
    for _ in range(60):
        editor.press("Tab")
        if editor.page.evaluate("document.activeElement.id") == "photo":
            break
    assert editor.page.evaluate("document.activeElement.id") == "photo"
    editor.press("]", "]", "ArrowRight", "ArrowRight", "p")
    for _ in range(5):
        editor.press("ArrowRight")
    editor.press("p")
    editor.fill()
    editor.press("Control+s")
    editor.wait_message("photo-filled.png")
    assert red_spot.with_name("photo-filled.png").exists()


@pytest.mark.slow
def test_two_tabs_show_the_same_photo(editor, red_spot):
    editor.open(red_spot)
    first, address = editor.page, editor.page.url
    editor.address = address
    second = editor.tab()
    editor.turn_to(second)
    editor.wait_open()
    editor.turn_to(first)
    editor.set_size(60)
    editor.drag((300, 200), (301, 200))
    editor.fill()
    editor.turn_to(second)
    editor.wait_enabled("Undo")
    assert not editor.is_red(300, 200)
    editor.press("Control+z")
    assert editor.is_red(300, 200)
    editor.turn_to(first)
    assert editor.is_red(300, 200)


@pytest.mark.slow
def test_a_killed_server_goes_on_where_it_was(start_server, new_editor, red_spot):
    server = start_server("serve")
    editor = new_editor(server.address)
    editor.expected = ["ERR_CONNECTION_REFUSED", "Failed to load resource"]
    editor.open(red_spot)
    editor.set_size(60)
    editor.drag((300, 200), (301, 200))
    editor.fill()
    server.kill()
    editor.set_size(20)
    editor.drag((100, 100), (130, 100))
    editor.press("Enter")
    editor.wait_message("The server does not answer")
    assert editor.page.get_by_role("button", name="Fill", exact=True).is_enabled()
    server.start("serve")
    editor.fill()
    editor.page.on("dialog", lambda dialog: dialog.accept())
    editor.page.reload()
    editor.wait_open()
    assert not editor.is_red(300, 200)
    editor.press("Control+z", "Control+z")
    editor.wait_disabled("Undo")
    assert editor.is_red(300, 200)


def test_speaks_german(server, new_editor, red_spot):
    editor = new_editor(server.address, locale="de-DE")
    editor.open(red_spot)
    assert editor.page.locator("html").get_attribute("lang") == "de"
    editor.page.get_by_role("button", name="Füllen", exact=True).wait_for()
    editor.press("?")
    editor.page.get_by_role("dialog", name="Tasten").wait_for()
    wide = editor.page.evaluate(
        "[...document.querySelectorAll('.keys kbd')].filter((key) =>"
        " key.getBoundingClientRect().right > key.parentElement.getBoundingClientRect().right + 1).length"
    )
    assert wide == 0


@pytest.mark.skipif(not AXE.exists(), reason="needs axe-core: npm ci in web/")
@pytest.mark.parametrize("look", ["dark", "light"])
@pytest.mark.slow
def test_axe_finds_nothing(server, new_editor, red_spot, look):
    editor = new_editor(server.address, color_scheme=look)

    def check(where):
        editor.page.evaluate(AXE.read_text())
        editor.page.wait_for_timeout(150)  # colours fade for a tenth of a second
        found = editor.page.evaluate("axe.run().then((result) => result.violations)")
        assert [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found] == [], where

    check("welcome")
    editor.open(red_spot)
    editor.set_size(60)
    editor.drag((300, 200), (301, 200))
    check("marked")
    for panel in ("Menu", "Mask", "View", "Options for filling"):
        editor.page.get_by_role("button", name=panel, exact=True).click()
        check(panel)
        editor.press("Escape")
    editor.drag_over(red_spot, target="#photo")
    check("dragging")
    Image.fromarray(np.full((30, 40, 3), 90, np.uint8)).save(red_spot.with_name("other.png"))
    held = editor.drag_over(red_spot.with_name("other.png"), target="#photo")
    editor.let_go(held, "#references")
    editor.page.get_by_role("img", name="other.png").wait_for()
    check("references")
    editor.press("?")
    check("keys")
    editor.press("Escape")
    editor.page.evaluate("localStorage.setItem('retouch.variants', '2')")
    editor.page.reload()
    editor.wait_open()
    editor.drag((300, 200), (310, 200))
    editor.press("Enter")
    editor.page.locator("button.variant").nth(1).wait_for()
    check("variants")
    editor.press("Enter")
    editor.wait_message("Filled")
    editor.press("Shift+C")
    check("before and after")

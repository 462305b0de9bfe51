"""Open, paint, fill, undo, redo, compare, save."""

import gzip
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import retouch


def read(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB"))


def disc(radius: float) -> np.ndarray:
    row, column = np.mgrid[:360, :480]
    return (row - 199.5) ** 2 + (column - 299.5) ** 2 < radius**2


def test_open_paint_fill_undo_redo_compare_and_download(editor, red_spot):
    editor.open(red_spot)
    assert editor.is_red(300, 200)
    editor.set_size(60)
    editor.drag((300, 200), (301, 200))
    editor.fill()
    assert not editor.is_red(300, 200)

    editor.press("Control+z")
    editor.wait_enabled("Fill")  # the marks are back
    editor.press("Control+z")
    assert editor.is_red(300, 200)
    editor.press("Control+Shift+z", "Control+Shift+z")
    editor.wait_disabled("Redo")
    assert not editor.is_red(300, 200)

    editor.page.keyboard.down("c")
    assert editor.is_red(300, 200)
    editor.page.keyboard.up("c")
    assert not editor.is_red(300, 200)

    before, after = read(red_spot), editor.download()
    assert (after == before)[~disc(33)].all()
    assert (after != before)[disc(17)].any(-1).all()


def test_a_file_dialog_outlives_the_collection_of_garbage(editor, red_spot):
    editor.page.evaluate("""() => {
        const click = HTMLElement.prototype.click;
        HTMLInputElement.prototype.click = function () {
            click.call(this);
            for (const wait of [0, 1, 5]) setTimeout(gc, wait);
        };
    }""")
    for _ in range(3):
        with editor.page.expect_file_chooser(timeout=10_000) as chooser:
            editor.page.locator(".welcome .primary").click()
        assert not chooser.value.is_multiple()
    chooser.value.set_files(red_spot)
    editor.wait_open()
    assert editor.page.locator("input[type=file]").count() == 2  # two are left open


@pytest.mark.slow
def test_the_slider_shows_before_at_its_left(editor, red_spot):
    editor.open(red_spot)
    editor.set_size(60)
    editor.drag((300, 200), (301, 200))
    editor.fill()
    editor.press("Shift+C")
    slider = editor.page.get_by_role("slider", name="Where before and after meet")
    slider.press("End")
    assert editor.is_red(300, 200)
    slider.press("Home")
    assert not editor.is_red(300, 200)


@pytest.mark.slow
def test_edit_saves_beside_the_photo(start_server, new_editor, red_spot):
    server = start_server("edit", str(red_spot), "--no-browser")
    editor = new_editor(server.address)
    editor.wait_open()
    editor.set_size(60)
    editor.drag((300, 200), (301, 200))
    editor.fill()
    editor.press("Control+s")
    editor.wait_message("photo-filled.png")
    before, after = read(red_spot), read(red_spot.with_name("photo-filled.png"))
    assert (after == before)[~disc(33)].all()
    assert (after != before)[disc(17)].any(-1).all()


@pytest.mark.slow
def test_edit_waits_for_done_and_for_discard(start_server, new_editor, red_spot):
    for answer, code, written in (("Discard", 1, False), ("Done", 0, True)):
        server = start_server("edit", str(red_spot), "--no-browser", "--wait", "--new")
        editor = new_editor(server.address)
        editor.wait_open()
        editor.set_size(60)
        editor.drag((300, 200), (301, 200))
        editor.fill()
        editor.page.get_by_role("button", name=answer, exact=True).click()
        assert server.process.wait(60) == code
        assert red_spot.with_name("photo-filled.png").exists() == written


def test_fills_after_each_stroke_if_told_so(editor, red_spot):
    editor.open(red_spot)
    editor.page.get_by_role("button", name="Options for filling").click()
    editor.page.get_by_role("switch", name="Fill after each stroke").check()
    editor.press("Escape")
    editor.set_size(60)
    editor.drag((300, 200), (301, 200))
    editor.wait_message("Filled")
    assert not editor.is_red(300, 200)


def test_escape_cancels_and_the_marks_are_as_they_were(editor, red_spot):
    editor.open(Path(__file__).parents[2] / "examples" / "photo.jpg")
    editor.set_size(600)
    editor.drag((1000, 700), (1010, 700))
    marked = editor.look()
    editor.page.evaluate("localStorage.setItem('retouch.variants', '8')")
    editor.press("Enter")
    editor.page.get_by_role("button", name="Cancel").wait_for()
    editor.press("Escape")
    editor.wait_message("Cancelled")
    assert (editor.look() == marked).all()


def test_a_fill_that_fails_says_why_and_loses_nothing(editor, red_spot):
    editor.expected = ["422", "400"]
    editor.open(red_spot)
    editor.press("Control+i", "Enter")  # everything is marked, so nothing is left to borrow from
    message = editor.page.locator("#message.problem")
    message.wait_for()
    assert message.inner_text().count(".") == 1
    assert editor.page.get_by_role("button", name="Fill", exact=True).is_enabled()
    assert not editor.is_red(100, 100)


def test_variants_are_side_by_side_and_one_is_taken(editor, red_spot):
    editor.open(red_spot)
    editor.page.get_by_role("button", name="Options for filling").click()
    variants = editor.page.get_by_role("spinbutton", name="Variants")
    variants.fill("3")
    variants.press("Tab")
    editor.press("Escape")
    editor.set_size(60)
    editor.drag((300, 200), (301, 200))
    editor.press("Enter")
    offered = editor.page.locator("button.variant")
    offered.nth(2).wait_for()
    assert offered.count() == 3
    editor.press("ArrowRight", "Enter")
    editor.wait_message("Filled")
    assert not editor.is_red(300, 200)
    seed = editor.page.evaluate(
        "fetch('/v1/photos/' + location.hash.slice(1)).then((answer) => answer.json())"
        ".then((state) => state.edits.at(-1).seed)"
    )
    assert seed == 1


def test_leaving_with_unsaved_fills_asks(editor, red_spot):
    editor.open(red_spot)
    editor.set_size(60)
    editor.drag((300, 200), (301, 200))
    editor.fill()
    asked = []
    editor.page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    editor.page.reload()
    assert asked == ["beforeunload"]
    editor.wait_open()
    assert not editor.is_red(300, 200)
    editor.press("Control+z")
    assert editor.is_red(300, 200)


def test_object_and_wand_mark_what_was_clicked(editor, red_spot):
    for key in "ow":
        editor.page.goto("about:blank")
        editor.page.goto(editor.address)
        editor.open(red_spot)
        editor.press(key)
        editor.page.mouse.click(*editor.place(300, 200))
        editor.wait_enabled("Fill")
        with editor.page.expect_download() as download:
            editor.page.get_by_role("button", name="Mask").click()
            editor.page.get_by_role("button", name="Save the mask").click()
        mask = np.asarray(Image.open(download.value.path()).convert("L")) > 127
        assert (mask & disc(22)).sum() / (mask | disc(22)).sum() > 0.85  # with the margin of 4


@pytest.mark.slow
def test_the_status_line_says_how_sure_a_pixel_is(editor, red_spot):
    editor.open(red_spot)
    editor.press("n")
    editor.wait_message("earlier ones are grey")
    editor.set_size(60)
    editor.drag((300, 200), (301, 200))
    editor.fill()
    editor.page.mouse.move(*editor.place(300, 200))
    position = editor.page.locator("#position", has_text="% sure")
    position.wait_for()
    assert "from" not in position.inner_text()
    editor.press("g")
    editor.page.locator("#position", has_text="from").wait_for()


def test_a_mask_is_saved_and_loaded(editor, red_spot, tmp_path):
    editor.open(red_spot)
    editor.press("r")
    editor.drag((100, 120), (200, 180))
    marked = editor.look()
    with editor.page.expect_download() as download:
        editor.page.get_by_role("button", name="Mask").click()
        editor.page.get_by_role("button", name="Save the mask").click()
    path = tmp_path / "mask.png"
    download.value.save_as(path)
    mask = Image.open(path)
    assert (mask.mode, mask.size) == ("L", (480, 360))
    editor.press("Delete")
    assert (editor.look() != marked).any()
    with editor.page.expect_file_chooser() as chooser:
        editor.page.get_by_role("button", name="Mask").click()
        editor.page.get_by_role("button", name="Load a mask").click()
    chooser.value.set_files(path)
    editor.wait_enabled("Fill")
    assert (editor.look() == marked).all()


def test_the_page_weighs_little():
    static = Path(retouch.__file__).parent / "server" / "static"
    files = [path for path in static.rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {"index.html", "editor.js", "editor.css"}
    assert sum(len(gzip.compress(path.read_bytes())) for path in files) < 300_000

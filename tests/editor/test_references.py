"""Further photos of the same place, dropped beside the first."""

import numpy as np
import pytest
from PIL import Image

from tests.references.made import hole, moved, punched, scene, shot

STRIP = "#references"


@pytest.fixture
def place(tmp_path):
    """Files: a photo with something before the place, another one of the place, and one of another place."""
    pictures = {
        "photo.png": punched(shot(scene()), hole()),
        "other.png": shot(scene(), moved()),
        "foreign.png": shot(scene(9)),
    }
    for name, picture in pictures.items():
        Image.fromarray(picture).save(tmp_path / name)
    return tmp_path


def paint_the_hole(editor):
    """Mark all of it: rows 110 to 180, columns 150 to 230, and a little more."""
    editor.press("r")
    editor.drag((147, 107), (233, 183))


def test_a_fill_is_made_from_a_photo_dropped_beside_the_first(editor, place):
    editor.open(place / "photo.png")
    held = editor.drag_over(place / "other.png", target="#photo")
    editor.page.get_by_text("Drop photos of the same place here").wait_for()
    editor.let_go(held, STRIP)
    editor.page.get_by_role("img", name="other.png").wait_for()
    editor.wait_open()
    paint_the_hole(editor)
    editor.fill()
    editor.page.get_by_text("The last fill is made from these photos.").wait_for()
    before, after = (np.asarray(Image.open(place / "photo.png")), editor.download())
    assert np.abs(after[hole()].astype(float) - shot(scene())[hole()]).mean() < 6
    outside = np.ones(hole().shape, np.bool_)
    outside[105:186, 145:236] = False
    assert np.array_equal(after[outside], before[outside])
    editor.press("g")
    editor.page.mouse.move(*editor.place(190, 145))
    editor.page.locator("#position", has_text="from other.png").wait_for()
    editor.page.locator("li.from").get_by_role("img", name="other.png").wait_for()


def test_several_are_added_told_of_and_removed_by_keys(editor, place):
    editor.open(place / "photo.png")
    held = editor.drag_over(place / "other.png", place / "foreign.png", target="#photo")
    editor.let_go(held, "#photo")  # two at once can be nothing else
    editor.page.get_by_role("img", name="foreign.png").wait_for()
    paint_the_hole(editor)
    editor.fill()
    editor.page.locator(STRIP).get_by_text("Nothing in foreign.png matches; it was left out.").wait_for()
    remove = editor.page.get_by_role("button", name="Remove foreign.png")
    remove.focus()
    remove.press("Enter")
    remove.wait_for(state="detached")
    assert editor.page.evaluate("document.activeElement.className") == "add-reference"
    editor.page.reload()
    editor.wait_open()
    editor.page.get_by_role("img", name="other.png").wait_for()


def test_only_from_references_leaves_the_rest(editor, place):
    editor.open(place / "photo.png")
    with editor.page.expect_file_chooser() as chooser:
        editor.page.get_by_role("button", name="Options for filling").click()
        editor.page.get_by_role("button", name="Fill from other photos…").click()
    chooser.value.set_files([place / "foreign.png"])
    editor.page.get_by_role("img", name="foreign.png").wait_for()
    editor.page.get_by_role("button", name="Options for filling").click()
    editor.page.get_by_role("switch", name="References only").check()
    editor.press("Escape")
    paint_the_hole(editor)
    editor.press("Enter")
    editor.wait_message("leave out “references only”")
    editor.wait_enabled("Fill")  # the marks are as they were

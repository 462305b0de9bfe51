"""Where the photo goes: one that is edited to its target, an upload into the served folder."""

import numpy as np
import pytest
from PIL import Image


def read(path):
    return np.asarray(Image.open(path).convert("RGB"))


def test_edit_is_about_one_photo_and_goes_on_after_done(start_server, new_editor, red_spot, tmp_path):
    other = tmp_path / "other.png"
    Image.fromarray(np.full((30, 40, 3), 90, np.uint8)).save(other)
    editor = new_editor(start_server("edit", str(red_spot), "--no-browser").address)
    editor.wait_open()
    editor.page.get_by_role("button", name="Menu", exact=True).click()
    editor.page.get_by_role("button", name="Download as PNG").wait_for()
    assert editor.page.get_by_text("Open…").count() == 0
    editor.press("Escape")
    editor.let_go(editor.drag_over(other, target="#photo"), "#photo")
    dialog = editor.page.get_by_role("dialog", name="A picture")
    dialog.wait_for()
    assert dialog.locator(".answers button").all_inner_texts() == [
        "Another photo of this place",
        "A mask for this photo",
        "Cancel",
    ]
    dialog.get_by_role("button", name="Cancel").click()
    editor.set_size(60)
    for x in (300, 100):
        editor.drag((x, 200), (x + 1, 200))
        editor.fill()
        editor.page.get_by_role("button", name="Done", exact=True).click()
        editor.wait_message("Saved: ")
        written = read(tmp_path / "photo-filled.png")
        assert (written != read(red_spot))[195:205, x - 5 : x + 5].any()
    editor.page.reload()  # nothing is left to ask about
    editor.wait_open()
    assert not editor.is_red(300, 200)


@pytest.mark.slow
def test_an_upload_is_saved_in_the_served_folder(start_server, new_editor, red_spot, tmp_path):
    editor = new_editor(start_server("serve", "--root", str(tmp_path)).address)
    editor.expected = ["409"]
    (tmp_path / "photo-filled.png").write_bytes(b"another one's")
    editor.open(red_spot)
    editor.set_size(60)
    editor.drag((300, 200), (301, 200))
    editor.fill()
    editor.press("Control+s")
    editor.page.get_by_role("button", name="Overwrite").click()
    editor.wait_message("Saved: photo-filled.png")
    assert (read(tmp_path / "photo-filled.png") != read(red_spot)).any()

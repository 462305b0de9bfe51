"""Pictures of the editor's main states, to look at by hand: ``python -m tests.editor.screenshots FOLDER``."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from .conftest import NAMES, Server
from .driver import Editor

PHOTO = Path(__file__).parents[2] / "examples" / "photo.jpg"
OTHER = PHOTO.with_name("before-after.jpg")
FIR = [(1490, 570), (1470, 640), (1520, 680), (1440, 760), (1530, 740), (1400, 840), (1440, 790), (1420, 850)]
"""A stroke over the fir, in pixels of the photo."""


def desktop(editor: Editor, save: object) -> None:
    """All states, in a window of 1440×900."""
    save("welcome")
    editor.open(PHOTO)
    save("open")
    for panel in ("Menu", "Mask", "View", "Options for filling"):
        editor.page.get_by_role("button", name=panel, exact=True).click()
        save(f"panel {panel}")
        editor.press("Escape")
    editor.press("?")
    save("keys")
    editor.press("Escape", "o")
    editor.page.get_by_role("button", name="Box", exact=True).click()
    editor.drag((1330, 500), (1590, 990))
    editor.wait_enabled("Fill")
    save("object")
    editor.fill()
    save("filled")
    editor.press("g")
    editor.page.mouse.move(*editor.place(1470, 770))
    editor.page.locator("#position", has_text="from").wait_for()
    save("sources")
    held = editor.drag_over(OTHER, target="#photo")
    save("dragging")
    editor.let_go(held, "#references")
    editor.page.get_by_role("img", name=OTHER.name).wait_for()
    save("references")
    editor.page.get_by_role("button", name=f"Remove {OTHER.name}").click()
    editor.page.locator("#references").wait_for(state="detached")
    editor.press("g", "Shift+C")
    save("before and after")
    editor.press("Shift+C", "Control+z", "Control+z", "b")
    editor.set_size(90)
    editor.drag(*FIR)
    save("painted")
    editor.press("s")
    editor.drag((700, 1000), (1200, 1010))
    editor.press("a")
    editor.drag((1700, 700), (1900, 800))
    save("layers")
    editor.page.get_by_role("button", name="Options for filling").click()
    variants = editor.page.get_by_role("spinbutton", name="Variants")
    variants.fill("4")
    variants.press("Tab")
    editor.press("Escape", "Enter")
    editor.page.get_by_role("button", name="Cancel").wait_for()
    save("filling")
    editor.page.locator("button.variant").nth(3).wait_for()
    save("variants")
    editor.press("Enter")
    editor.wait_message("Filled")


def phone(editor: Editor, save: object) -> None:
    """The states that differ on a phone of 390×844."""
    save("welcome")
    editor.open(PHOTO)
    save("open")
    editor.page.get_by_role("button", name="Options for filling").click()
    save("panel")
    editor.press("Escape")
    editor.set_size(90)
    editor.drag(*FIR)
    editor.fill()
    save("filled")
    editor.press("?")
    save("keys")


def pages(editor: Editor, save: object) -> None:
    """The two for the documentation: the example's mask, and where its fill came from."""
    editor.open(PHOTO)
    editor.set_size(90)
    with editor.page.expect_file_chooser() as chooser:
        editor.page.get_by_role("button", name="Mask").click()
        editor.page.get_by_role("button", name="Load a mask").click()
    chooser.value.set_files(PHOTO.with_name("mask.png"))
    editor.wait_enabled("Fill")
    editor.page.mouse.move(*editor.place(1480, 640))
    save("marked")
    editor.fill()
    editor.press("g")
    editor.page.mouse.move(*editor.place(1470, 700))
    editor.page.locator("#position", has_text="from").wait_for()
    save("sources")


def main(folder: Path) -> None:
    """Make all pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as playwright:
        server = Server(Path(temporary))
        server.start("serve")
        executable = next(filter(None, map(shutil.which, NAMES)))
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        large, small = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
        for name, act, options in (
            ("desktop", desktop, {"viewport": large}),
            ("light", desktop, {"viewport": large, "color_scheme": "light"}),
            ("pages", pages, {"viewport": {"width": 1360, "height": 850}}),
            ("phone", phone, {"viewport": small, "has_touch": True, "device_scale_factor": 2}),
        ):
            editor = Editor(browser, server.address, options)

            def save(state: str, editor: Editor = editor, name: str = name) -> None:
                editor.page.wait_for_timeout(250)
                editor.page.screenshot(path=folder / f"{name} {state}.png")

            act(editor, save)
            editor.close()
        browser.close()
        server.kill()


if __name__ == "__main__":
    main(Path(sys.argv[1]))

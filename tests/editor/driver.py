"""What a person does in the editor: point, drag, press keys, look."""

from __future__ import annotations

import base64
import re
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

_HELD = """given => {
    const held = new DataTransfer();
    for (const [name, data] of given)
        held.items.add(new File([Uint8Array.from(atob(data), (c) => c.charCodeAt(0))], name));
    return held;
}"""
WAIT = 60_000  # milliseconds; a busy machine is no failure


class Editor:
    """One page in a browser window of its own."""

    def __init__(self, browser: Any, address: str, context: dict[str, Any]) -> None:
        options = {"viewport": {"width": 1200, "height": 800}, "locale": "en-US", "color_scheme": "dark"}
        self.context = browser.new_context(**(options | context))
        self.context.set_default_timeout(WAIT)
        self.expected: list[str] = []
        self._complaints: list[str] = []
        self.address = self.origin = address
        self.page = self.tab()

    def tab(self) -> Any:
        """Open the page once more, in the same window."""
        page = self.context.new_page()
        page.on("console", lambda message: self._note(message.type, message.text))
        page.on("pageerror", lambda error: self._complaints.append(str(error)))
        page.on("request", lambda request: self._check(request.url))
        page.goto(self.address)
        return page

    def turn_to(self, page: Any) -> None:
        """Look at another tab."""
        page.bring_to_front()
        self.page = page

    def _note(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self._complaints.append(text)

    def _check(self, url: str) -> None:
        if not url.startswith((self.origin, "blob:", "data:")):
            self._complaints.append(f"asked elsewhere: {url}")

    def close(self) -> list[str]:
        """Close the window; returns what the page complained of, and did not have to."""
        self.context.close()
        return [line for line in self._complaints if not any(part in line for part in self.expected)]

    def open(self, path: Path) -> None:
        """Open a photo with the button of the first page."""
        with self.page.expect_file_chooser() as chooser:
            self.page.locator(".welcome .primary").click()
        chooser.value.set_files(path)
        self.wait_open()

    def wait_open(self) -> None:
        """Wait until the photo is there and drawn."""
        self.page.locator("#photo[aria-busy=false]").wait_for()

    def drag_over(self, *files: Path, target: str) -> Any:
        """Drag files over a part of the page, without letting go; returns what :meth:`let_go` takes."""
        given = [(path.name, base64.b64encode(path.read_bytes()).decode()) for path in files]
        held = self.page.evaluate_handle(_HELD, given)
        self.page.dispatch_event(target, "dragover", {"dataTransfer": held})
        return held

    def let_go(self, held: Any, target: str) -> None:
        """Drop what is dragged on a part of the page."""
        self.page.dispatch_event(target, "drop", {"dataTransfer": held})

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Where a pixel of the photo is in the window; read from the status line at two places."""
        box = self.page.locator("#photo").bounding_box()
        points = []
        for share in (0.4, 0.6):
            at = box["x"] + box["width"] * share, box["y"] + box["height"] * share
            self.page.mouse.move(*at)
            self.page.locator("#position", has_text=re.compile(r"\d")).wait_for(state="attached")
            read = self.page.locator("#position").text_content()
            points.append((at, tuple(map(int, re.findall(r"\d+", read)[:2]))))
        ((x0, y0), (px0, py0)), ((x1, y1), (px1, py1)) = points
        # The status line names whole pixels: their middles are half a pixel further.
        return (
            x0 + (x - px0 - 0.5) * (x1 - x0) / (px1 - px0),
            y0 + (y - py0 - 0.5) * (y1 - y0) / (py1 - py0),
        )

    def drag(self, *points: tuple[float, float]) -> None:
        """Press at the first pixel of the photo, move over the others, let go."""
        places = [self.place(*point) for point in points]
        self.page.mouse.move(*places[0])
        self.page.mouse.down()
        for at in places[1:]:
            self.page.mouse.move(*at, steps=4)
        self.page.mouse.up()

    def set_size(self, pixels: int) -> None:
        """Set the brush's diameter."""
        field = self.page.get_by_label("Size (px)")
        field.fill(str(pixels))
        field.press("Enter")

    def press(self, *keys: str) -> None:
        """Press keys one after the other."""
        for key in keys:
            self.page.keyboard.press(key)

    def wait_enabled(self, button: str) -> None:
        """Wait until a button can be pressed."""
        found = self.page.get_by_role("button", name=button, exact=True)
        found.and_(self.page.locator(":enabled")).wait_for()

    def wait_disabled(self, button: str) -> None:
        """Wait until a button cannot be pressed."""
        found = self.page.get_by_role("button", name=button, exact=True)
        found.and_(self.page.locator(":disabled")).wait_for()

    def wait_message(self, text: str) -> None:
        """Wait until the status line says this."""
        self.page.locator("#message", has_text=text).wait_for()

    def fill(self) -> None:
        """Press Enter and wait for the fill."""
        self.press("Enter")
        self.wait_message("Filled")

    def look(self) -> np.ndarray:
        """The view as it is on the screen, without the cursor, H×W×3 uint8."""
        self.page.mouse.move(2, 2)
        self.page.wait_for_timeout(50)
        self.page.locator("#photo[aria-busy=false]").wait_for()
        picture = self.page.locator("#photo").screenshot()
        return np.asarray(Image.open(BytesIO(picture)).convert("RGB"))

    def colour(self, x: float, y: float) -> np.ndarray:
        """The mean colour of 5×5 pixels of the screen around a pixel of the photo."""
        at = self.place(x, y)
        box = self.page.locator("#photo").bounding_box()
        column, row = round(at[0] - box["x"]), round(at[1] - box["y"])
        return self.look()[row - 2 : row + 3, column - 2 : column + 3].mean((0, 1))

    def is_red(self, x: float, y: float) -> bool:
        """Whether the photo is red there, on the screen."""
        red, green, blue = self.colour(x, y)
        return bool(red > green + 90 and red > blue + 90)

    def download(self) -> np.ndarray:
        """Download the photo with the button, and read it."""
        with self.page.expect_download() as download:
            self.page.locator(".save").click()
        return np.asarray(Image.open(download.value.path()).convert("RGB"))

    def show_marks(self, shown: bool) -> None:
        """Show marks or hide them."""
        self.page.get_by_role("button", name="View").click()
        self.page.get_by_role("switch", name="Marks").set_checked(shown)
        self.press("Escape")

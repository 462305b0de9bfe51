"""Draw the pictures of docs/masks.md from examples/photo.jpg.

    python scripts/mask_pictures.py

Needs Pillow, which `make setup` installs. Writes docs/images/mask-*.jpg.
"""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

import retouch

PHOTO = Path("examples/photo.jpg")
FOLDER = Path("docs/images")
CROP = (1180, 430, 1780, 1010)  # around the tree that is removed
PANEL, GAP = (300, 290), 6
RED, MAGENTA, BRUSH = (230, 30, 40), (255, 0, 255), 66
STROKES = (
    ((1490, 545), (1440, 690), (1425, 800), (1415, 905)),
    ((1490, 545), (1530, 650), (1560, 690), (1520, 770), (1440, 800), (1440, 905)),
    ((1450, 690), (1560, 690)),
    ((1485, 600), (1480, 740)),
)
# The same outline drawn in one go: its inside is missed in two places.
SLOPPY = (
    ((1490, 545), (1432, 690), (1412, 800), (1405, 905)),
    ((1490, 545), (1540, 640), (1572, 700), (1535, 770), (1470, 800), (1440, 905)),
    ((1500, 640), (1495, 660)),
)


def strokes(size: tuple[int, int], lines: tuple[tuple[tuple[int, int], ...], ...]) -> Image.Image:
    """Draw brush strokes, white on black."""
    mask = Image.new("L", size)
    draw = ImageDraw.Draw(mask)
    for line in lines:
        draw.line(line, fill=255, width=BRUSH, joint="curve")
        for x, y in line:
            draw.ellipse((x - BRUSH // 2, y - BRUSH // 2, x + BRUSH // 2, y + BRUSH // 2), fill=255)
    return mask


def over(photo: Image.Image, mask: Image.Image, colour: tuple[int, int, int], opacity: float) -> Image.Image:
    """Paint ``colour`` on the photo where the mask is white."""
    return Image.composite(
        Image.new("RGB", photo.size, colour), photo, mask.point(lambda v: int(v * opacity))
    )


def chequered(photo: Image.Image, alpha: Image.Image) -> Image.Image:
    """Show transparency as graphics programs do: a grey chequerboard behind the photo."""
    rows, columns = np.indices((photo.height, photo.width)) // 20
    board = np.where((rows + columns) % 2, 255, 200).astype(np.uint8)
    return Image.composite(photo, Image.fromarray(board).convert("RGB"), alpha)


def sheet(name: str, *pictures: Image.Image) -> None:
    """Put the crops of ``pictures`` side by side."""
    width = len(pictures) * (PANEL[0] + GAP) - GAP
    page = Image.new("RGB", (width, PANEL[1]), "white")
    for number, picture in enumerate(pictures):
        panel = picture.convert("RGB").crop(CROP).resize(PANEL, Image.Resampling.LANCZOS)
        page.paste(panel, (number * (PANEL[0] + GAP), 0))
    page.save(FOLDER / name, quality=82, optimize=True)


def main() -> None:
    """Draw all of them."""
    FOLDER.mkdir(exist_ok=True)
    photo = Image.open(PHOTO).convert("RGB")
    good, sloppy = strokes(photo.size, STROKES), strokes(photo.size, SLOPPY)
    sheet("mask-steps.jpg", photo, over(photo, good, RED, 0.6), good, retouch.inpaint(photo, good))

    outside = sloppy.copy()
    ImageDraw.floodfill(outside, (0, 0), 255)
    closed = Image.fromarray(np.where(np.asarray(outside) == 0, 255, np.asarray(sloppy)))  # as --close does
    sheet(
        "mask-leftover.jpg",
        over(photo, sloppy, RED, 0.6),
        sloppy,
        retouch.inpaint(photo, sloppy),
        retouch.inpaint(photo, closed),
    )

    alpha = good.filter(ImageFilter.GaussianBlur(12)).point(lambda v: 255 - v)
    anything = alpha.point(lambda v: 255 * (v < 255))
    sheet("mask-alpha.jpg", chequered(photo, alpha), anything, retouch.inpaint(photo, anything))

    marked = over(photo, good, MAGENTA, 1)
    difference = np.abs(np.asarray(marked, np.int16) - np.asarray(photo)).max(axis=2)
    sheet("mask-marked.jpg", photo, marked, Image.fromarray(difference > 60))


if __name__ == "__main__":
    main()

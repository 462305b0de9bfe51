"""Fill the photos of examples/README.md with the default, and draw before and after side by side.

    python scripts/gallery_pictures.py PHOTOS

PHOTOS holds rock-sunrise.jpg (4000 × 2667), forest-stream.jpg, autumn-hills.jpg and rope-bridge-sky.jpg
(4000 × 2250), whose origin examples/README.md names. The masks are drawn here. Needs Pillow, which
`make setup` installs. Writes examples/before-after.jpg and all of examples/gallery/ but restored.jpg.
"""

import random
import sys
from collections.abc import Callable
from pathlib import Path

from PIL import Image, ImageDraw

import retouch

EXAMPLES = Path("examples")
PANEL, GAP, GREY = (440, 293), 8, (128, 128, 128)
TREE, TREE_SIZE = (840, 225, 1980, 1110), (600, 466)  # a part of photo.jpg, and how large it is shown
SMALL = (1544, 1028)
CROSSING = (2580, 1400)  # where the bridge's beam and cables cross

Box = tuple[int, int, int, int]
Draw = Callable[[ImageDraw.ImageDraw], None]


def around(middle: tuple[int, int], wide: int, tall: int) -> Box:
    """A box with its middle there."""
    return (middle[0] - wide // 2, middle[1] - tall // 2, middle[0] + wide // 2, middle[1] + tall // 2)


def table(draw: ImageDraw.ImageDraw) -> None:
    """The stone table on the hill."""
    draw.ellipse((2440, 1660, 3790, 2260), fill=255)
    draw.rectangle((2770, 2100, 3350, 2667), fill=255)


def bridge(draw: ImageDraw.ImageDraw) -> None:
    """Beams, cables, and the joints that hold them."""
    draw.line(((-60, 1005), (2140, -30)), fill=255, width=130)
    draw.line(((900, 2280), (4060, 610)), fill=255, width=130)
    draw.polygon(((1830, -5), (2010, -5), (2640, 1330), (3085, 2255), (2895, 2255), (2460, 1400)), fill=255)
    for joint in ((1938, 50), CROSSING):
        draw.ellipse(around(joint, 260, 240), fill=255)


def scratches(draw: ImageDraw.ImageDraw) -> None:
    """Scratches that wander, and dust."""
    luck = random.Random(3)
    for _ in range(16):
        x, y = luck.uniform(0, SMALL[0]), luck.uniform(0, SMALL[1])
        slope, line = luck.uniform(-1.2, 1.2), [(x, y)]
        for _ in range(luck.randint(8, 30)):
            slope += luck.uniform(-0.12, 0.12)
            x, y = x + 22, y + 22 * slope
            line.append((x, y))
        draw.line(line, fill=255, width=luck.randint(5, 12), joint="curve")
    for _ in range(60):
        size = luck.randint(4, 14)
        draw.ellipse(around((luck.randrange(SMALL[0]), luck.randrange(SMALL[1])), size, size), fill=255)


def quarter(draw: ImageDraw.ImageDraw) -> None:
    """A quarter of the picture."""
    draw.rectangle((309, 226, 1003, 801), fill=255)


def crossing(draw: ImageDraw.ImageDraw) -> None:
    """An ellipse over the place where beam and cables cross."""
    draw.ellipse(around(CROSSING, 840, 610), fill=255)


def pair(photo: Image.Image, draw: Draw, crop: Box | None, shown: tuple[int, int, int] | None) -> Image.Image:
    """The photo, with ``shown`` in its hole if that is a colour, and its fill."""
    mask = Image.new("L", photo.size)
    draw(ImageDraw.Draw(mask))
    before = photo if shown is None else Image.composite(Image.new("RGB", photo.size, shown), photo, mask)
    return beside(before, retouch.inpaint(photo, mask), crop or (0, 0, *photo.size), PANEL, GAP)


def beside(
    before: Image.Image, after: Image.Image, crop: Box, size: tuple[int, int], gap: int
) -> Image.Image:
    """A part of two pictures, side by side."""
    page = Image.new("RGB", (2 * size[0] + gap, size[1]), "white")
    for number, picture in enumerate((before, after)):
        panel = picture.crop(crop).resize(size, Image.Resampling.LANCZOS)
        page.paste(panel, (number * (size[0] + gap), 0))
    return page


def main(photos: Path) -> None:
    """Draw all of them."""

    def opened(name: str, size: tuple[int, int] | None = None) -> Image.Image:
        photo = Image.open(photos / f"{name}.jpg").convert("RGB")
        return photo.resize(size, Image.Resampling.LANCZOS) if size else photo

    stream, hills = (opened(name, SMALL) for name in ("forest-stream", "autumn-hills"))
    ropes = opened("rope-bridge-sky")
    pages = {
        "removal": pair(opened("rock-sunrise"), table, None, None),
        "scratches": pair(stream, scratches, None, (235, 230, 215)),
        "large-hole": pair(hills, quarter, None, GREY),
        "high-resolution": pair(ropes, bridge, around(CROSSING, *PANEL), None),
        "failure": pair(ropes, crossing, around(CROSSING, 4 * PANEL[0], 4 * PANEL[1]), GREY),
    }
    for name, page in pages.items():
        page.save(EXAMPLES / "gallery" / f"{name}.jpg", quality=85, optimize=True)

    photo = Image.open(EXAMPLES / "photo.jpg").convert("RGB")
    filled = retouch.inpaint(photo, Image.open(EXAMPLES / "mask.png"))
    beside(photo, filled, TREE, TREE_SIZE, 12).save(EXAMPLES / "before-after.jpg", quality=85, optimize=True)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))

"""Draw each sampler of training masks eight times, for docs/training-masks.md.

    python scripts/mask_sheet.py [SILHOUETTES [TARGET]]

SILHOUETTES is a tar file or folder of them; without it the script draws some. TARGET is the picture that is
written, by default docs/training-masks.png.
"""

import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np

from retouch.imaging import write_png
from retouch.training.masks import Mixture, Objects, Rectangles, Sampler, Strokes

SIDE, DRAWS, GAP, MARGIN, LINE = 128, 8, 6, 10, 22
TARGET = Path("docs/training-masks.png")
HOLE = (225, 60, 70)
INK = (40, 40, 40)


def scene() -> np.ndarray:
    """A made-up picture, ``SIDE×SIDE×3`` uint8, in few flat colours."""
    picture = np.full((SIDE, SIDE, 3), (205, 222, 236), np.uint8)
    cv2.circle(picture, (98, 28), 13, (250, 226, 150), cv2.FILLED)
    cv2.ellipse(picture, (30, 128), (75, 58), 0, 180, 360, (160, 182, 158), cv2.FILLED)
    cv2.ellipse(picture, (112, 134), (70, 46), 0, 180, 360, (136, 164, 134), cv2.FILLED)
    cv2.rectangle(picture, (48, 68), (80, 98), (236, 224, 206), cv2.FILLED)
    cv2.fillPoly(picture, [np.array([(43, 68), (64, 48), (85, 68)], np.int32)], (172, 112, 92))
    cv2.rectangle(picture, (59, 80), (69, 98), (120, 88, 72), cv2.FILLED)
    return picture


def draw_silhouettes(folder: Path) -> None:
    """Made-up objects, white on black: a person, a bottle, a fish, a tree and a table."""
    white, names = 255, ("person", "bottle", "fish", "tree", "table")
    for name in names:
        shape = np.zeros((128, 128), np.uint8)
        if name == "person":
            cv2.circle(shape, (64, 22), 14, white, cv2.FILLED)
            cv2.ellipse(shape, (64, 62), (17, 30), 0, 0, 360, white, cv2.FILLED)
            for foot in (48, 82):
                cv2.line(shape, (64, 80), (foot, 122), white, 12)
            cv2.polylines(shape, [np.array([(30, 70), (64, 44), (96, 74)], np.int32)], False, white, 9)
        elif name == "bottle":
            cv2.rectangle(shape, (46, 50), (82, 122), white, cv2.FILLED)
            cv2.fillPoly(shape, [np.array([(46, 50), (58, 32), (70, 32), (82, 50)], np.int32)], white)
            cv2.rectangle(shape, (58, 6), (70, 34), white, cv2.FILLED)
        elif name == "fish":
            cv2.ellipse(shape, (56, 64), (46, 22), 0, 0, 360, white, cv2.FILLED)
            cv2.fillPoly(shape, [np.array([(92, 64), (122, 40), (122, 88)], np.int32)], white)
        elif name == "tree":
            cv2.rectangle(shape, (58, 70), (70, 124), white, cv2.FILLED)
            for x, y in ((64, 34), (44, 52), (84, 52), (64, 60)):
                cv2.circle(shape, (x, y), 25, white, cv2.FILLED)
        else:
            cv2.rectangle(shape, (6, 44), (122, 60), white, cv2.FILLED)
            for x in (16, 104):
                cv2.rectangle(shape, (x, 44), (x + 9, 112), white, cv2.FILLED)
        write_png(shape, folder / f"{name}.png")


def sheet(silhouettes: str) -> np.ndarray:
    """The contact sheet, a row for each sampler, ``H×W×3`` uint8."""
    rows: dict[str, Sampler] = {
        "Rectangles()": Rectangles(),
        "Strokes()": Strokes(),
        "Objects(silhouettes)": Objects(silhouettes),
        "Objects(silhouettes, disc=0.2): the removal rule made stricter": Objects(silhouettes, disc=0.2),
        "Mixture((Rectangles(), Strokes(), Objects(silhouettes)), union=1.0)": Mixture(
            (Rectangles(), Strokes(), Objects(silhouettes)), union=1.0
        ),
    }
    step = LINE + SIDE + MARGIN
    paper = np.full((MARGIN + len(rows) * step, 2 * MARGIN + DRAWS * (SIDE + GAP) - GAP, 3), 255, np.uint8)
    picture = scene()
    for row, (label, sampler) in enumerate(rows.items()):
        top = MARGIN + row * step
        place = (MARGIN, top + LINE - 8)
        cv2.putText(paper, label, place, cv2.FONT_HERSHEY_SIMPLEX, 0.45, INK, 1, cv2.LINE_AA)
        generator = np.random.default_rng(0)
        for draw in range(DRAWS):
            hole = sampler(generator, SIDE, SIDE)
            left = MARGIN + draw * (SIDE + GAP)
            cell = np.where(hole[..., None], np.uint8(HOLE), picture)
            part = f"{100 * hole.mean():.0f} %"
            cv2.putText(cell, part, (4, SIDE - 5), cv2.FONT_HERSHEY_SIMPLEX, 0.38, INK, 1, cv2.LINE_AA)
            paper[top + LINE : top + LINE + SIDE, left : left + SIDE] = cell
    return paper


def main(silhouettes: str | None = None, target: str | Path = TARGET) -> None:
    """Write the sheet."""
    with tempfile.TemporaryDirectory() as folder:
        if silhouettes is None:
            draw_silhouettes(Path(folder))
        write_png(sheet(silhouettes or folder), Path(target), overwrite=True)
    print(f"{target} ({Path(target).stat().st_size // 1000} kB)")


if __name__ == "__main__":
    if len(sys.argv) > 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])

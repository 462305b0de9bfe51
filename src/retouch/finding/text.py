"""Find text that was put over a photo: date stamps, captions, subtitles."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from retouch.errors import RetouchError, missing_extra
from retouch.finding.date_stamps import CORNER, find_date_stamps
from retouch.finding.glyphs import glyphs
from retouch.imaging import Photo, to_srgb
from retouch.ops.masks import Mask

Where = Literal["corners", "anywhere"]
_SCORE, _LEAST = 0.6, 2
"""What can be read in a box this surely, with so many letters and digits, is text.

The detector alone takes railings and chairs for text.
"""


@dataclass(frozen=True)
class Text:
    """A piece of text in a photo.

    Attributes:
        kind: "date stamp", or "text" for what the detector found.
        corners: ``4×2``, column and row of the corners of a box around it, clockwise.
        score: how surely it was read, from 0 to 1; 1 for a date stamp.
        reading: what it says; "" for a date stamp, which is not read.
    """

    kind: Literal["date stamp", "text"]
    corners: NDArray[np.float64]
    score: float
    reading: str = ""

    def as_json(self) -> dict[str, Any]:
        """The same as values that JSON holds."""
        corners = [[round(float(each), 1) for each in corner] for corner in self.corners]
        return {
            "kind": self.kind,
            "corners": corners,
            "score": round(self.score, 3),
            "reading": self.reading,
        }


def find_text(
    photo: Photo, *, where: Where = "corners", protect: Mask | None = None
) -> tuple[Mask, list[Text]]:
    """Find text in a photo.

    Orange dates of seven segments are told by colour and shape. All other text is found, and read to be sure,
    by PP-OCR (Liao et al., "Real-time scene text detection with differentiable binarization", AAAI 2020),
    which rapidocr brings; without it only such dates are found, in the corners.

    Args:
        photo: the photo; it is only read.
        where: "corners" leaves out what lies elsewhere, such as signs in the picture; "anywhere" takes all.
        protect: ``H×W`` bool, True where nothing is to be found; None for nowhere.

    Returns:
        ``H×W`` bool, the strokes with a small margin; and what was found, dates first.

    Raises:
        RetouchError: text is wanted anywhere, and rapidocr is not installed.
    """
    if where not in get_args(Where):
        raise RetouchError(f"Text is looked for in {' or '.join(get_args(Where))}, not {where!r}.")
    if where == "anywhere" and not has_detector():
        raise missing_extra("text", "rapidocr")
    image = to_srgb(photo, slice(None), slice(None))
    shape = image.shape[:2]
    if protect is not None and protect.shape != shape:
        raise RetouchError("The protected area has another size than the photo; give a mask of its size.")
    found = np.zeros(shape, bool)
    texts = []
    for stamp in find_date_stamps(image):
        found |= stamp.mask
        texts.append(Text("date stamp", stamp.corners, 1.0))
    if has_detector():
        for corners, score, reading in _read(image):
            middle = corners.mean(0)
            column, row = (
                min(max(0, int(at)), side - 1) for at, side in zip(middle, shape[::-1], strict=True)
            )
            dated = any(_holds(each.corners, middle) for each in texts if each.kind == "date stamp")
            if dated or (where == "corners" and not _in_corner(column, row, shape)):
                continue
            found |= glyphs(image, corners)
            texts.append(Text("text", corners, score, reading))
    if protect is not None:
        found &= ~protect
    return found, texts


def has_detector() -> bool:
    """Whether rapidocr, and what runs its network, is installed."""
    return all(find_spec(each) is not None for each in ("rapidocr", "onnxruntime"))


@lru_cache(maxsize=1)
def _engine() -> Any:
    from rapidocr import RapidOCR

    # The models of the wheel; nothing is downloaded.
    return RapidOCR(params={"Global.log_level": "critical", "Global.use_cls": False})


def _read(image: NDArray[np.float32]) -> list[tuple[NDArray[np.float64], float, str]]:
    """Boxes of text, ``4×2``, how surely they were read, and what they say."""
    pixels = np.rint(image[..., ::-1] * 255).astype(np.uint8)  # blue comes first there
    made = _engine()(np.ascontiguousarray(pixels), use_cls=False)
    if made.boxes is None:
        return []
    return [
        (np.asarray(box, np.float64), float(score), reading)
        for box, score, reading in zip(made.boxes, made.scores, made.txts, strict=True)
        if score >= _SCORE and sum(each.isalnum() for each in reading) >= _LEAST
    ]


def _in_corner(column: int, row: int, shape: tuple[int, ...]) -> bool:
    height, width = shape[:2]
    down, aside = min(row, height - 1 - row), min(column, width - 1 - column)
    return down < CORNER[0] * height and aside < CORNER[1] * width


def _holds(corners: NDArray[np.float64], place: NDArray[np.float64]) -> bool:
    return bool((corners.min(0) <= place).all() and (place <= corners.max(0)).all())

"""A page that shows each mended place before and after. It needs no other file and no network."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from html import escape
from importlib.resources import files
from string import Template
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from retouch.engine.boxes import Box
from retouch.imaging import Photo, photo_from_array, to_srgb, write_photo
from retouch.ops.masks import Mask
from retouch.restoration.places import places

MOST = 500
"""So many places are shown one by one, the largest first; the overview shows all of them."""
_AROUND, _LARGEST, _OVERVIEW = 16, 288, 1200  # pixels
_SMALLEST = 96  # a tiny speck is shown with more around it

Bytes = NDArray[np.uint8]


def report_page(before: Photo, after: Photo, mask: Mask, record: Mapping[str, Any]) -> str:
    """Write the page.

    Args:
        before: the scan.
        after: the same, mended.
        mask: ``H×W`` bool, what was mended.
        record: what :func:`retouch.restoration.record.record_of` says of it.
    """
    boxes = places(mask)
    shown = [_figure(number, box, before, after, mask) for number, box in enumerate(boxes[:MOST], 1)]
    more = len(boxes) - len(shown)
    found = record["found"]
    told = {
        "Scan": record["original"]["file"] or "an array",
        "Mended": f"{found['pixels']:,} pixels, {100 * found['share']:.3g} % of the photo",
        "Kinds": ", ".join(f"{kind}: {count:,}" for kind, count in found["kinds"].items()) or "nothing",
        "By": found["by"]
        + ("" if found["sensitivity"] is None else f", sensitivity {found['sensitivity']:g}"),
        "Seed": str(record["seed"]),
        "Made with": ", ".join(f"{name} {version}" for name, version in record["versions"].items()),
        "Command": record["command"],
    }
    template = Template((files("retouch.restoration") / "report.html").read_text("utf-8"))
    return template.substitute(
        title=escape(str(told["Scan"])),
        rows="".join(f"<tr><th>{escape(key)}<td>{escape(value)}" for key, value in told.items() if value),
        overview=_overview(before, mask, boxes),
        figures="\n".join(shown),
        more=f"<p>{more:,} smaller places are marked above, but not shown one by one.</p>"
        if more > 0
        else "",
    )


def _figure(number: int, box: Box, before: Photo, after: Photo, mask: Mask) -> str:
    rows, columns = (
        _span(start, length, limit)
        for start, length, limit in zip((box.top, box.left), (box.height, box.width), mask.shape, strict=True)
    )
    pair = [_bytes(to_srgb(photo, rows, columns)) for photo in (before, after)]
    outlined = pair[0].copy()
    _outline(outlined, mask[rows, columns])
    images = "".join(
        f'<img src="{_data(each)}" width="{each.shape[1]}" height="{each.shape[0]}" alt="{name}">'
        for name, each in (("before", pair[0]), ("outlined", outlined), ("after", pair[1]))
    )
    height, width = pair[0].shape[:2]
    place = f"{number}: row {rows.start}, column {columns.start}, {width} × {height}"
    return f"<figure>{images}<figcaption>{place}</figcaption></figure>"


def _span(start: int, length: int, limit: int) -> slice:
    """Rows or columns of a crop: some of what is around belongs to it."""
    around = max(_AROUND, (_SMALLEST - length) // 2)
    low, high = max(0, start - around), min(limit, start + length + around)
    return slice(low, min(high, low + _LARGEST))


def _overview(photo: Photo, mask: Mask, boxes: list[Box]) -> str:
    step = max(1, -(-max(mask.shape) // _OVERVIEW))
    # Strips of rows: the whole photo in floats would be large.
    strips = []
    height, width = (min(step, side) for side in mask.shape)  # a side may be shorter than a step
    columns = slice(0, mask.shape[1] // width * width)
    for top in range(0, mask.shape[0] - height + 1, height):
        strip = to_srgb(photo, slice(top, top + height), columns)
        strips.append(strip.reshape(height, -1, width, 3).mean((0, 2)))
    small = _bytes(np.stack(strips))
    for box in boxes:
        low = box.left // width - 2, box.top // height - 2
        high = (box.left + box.width) // width + 2, (box.top + box.height) // height + 2
        cv2.rectangle(small, low, high, (255, 60, 40), 1)
    return f'<img src="{_data(small)}" alt="overview" style="max-width:100%">'


def _outline(image: Bytes, mask: Mask) -> None:
    """Draw the border of what was mended just outside of it."""
    grown = cv2.dilate(mask.view(np.uint8), np.ones((3, 3), np.uint8)) > 0
    image[grown & ~mask] = (255, 60, 40)


def _bytes(image: NDArray[np.float32]) -> Bytes:
    return np.rint(image * 255).astype(np.uint8)


def _data(image: Bytes) -> str:
    encoded = write_photo(photo_from_array(np.ascontiguousarray(image)), None, format="jpeg")
    assert encoded is not None
    return "data:image/jpeg;base64," + b64encode(encoded).decode()

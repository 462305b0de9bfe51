"""Masks as they travel: the PNG of a box, in base64."""

from __future__ import annotations

import base64
import binascii
import struct
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from retouch.server.boxes import Box
from retouch.server.errors import Refusal
from retouch.server.messages import Area

_ROUNDING = 1e-4  # distances are roots of whole numbers
_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def read_area(given: Any, whole: Box, name: str) -> Area:
    """Read ``{box, mask}``.

    The mask is as bright as it is opaque: white on black and white on nothing say the same.

    Args:
        given: what the client sent.
        whole: the photo.
        name: what sentences call the mask.

    Raises:
        Refusal: it is no mask for this photo.
    """
    # Other fields would be kept as long as the fill waits, in many times the memory that they were sent in.
    fields = set(given) if isinstance(given, dict) else set()
    if fields != {"box", "mask"} or not isinstance(given["mask"], str):
        raise Refusal(400, "bad_mask", f"The {name} must be given as box and mask, a PNG in base64.")
    box = read_box(given.get("box"), whole, name)
    text = given["mask"]
    try:
        data = base64.b64decode(
            text[text.index(",") + 1 :] if text.startswith("data:") else text, validate=True
        )
    except (ValueError, binascii.Error) as error:
        raise Refusal(400, "bad_mask", f"The {name} is not in base64; send a PNG in base64.") from error
    return Area(box, _decode(data, box, name))


def read_box(given: Any, whole: Box, name: str) -> Box:
    """Read ``[left, top, width, height]``, which must lie in the photo.

    Raises:
        Refusal: it does not.
    """
    numbers = isinstance(given, list) and len(given) == 4 and all(type(each) is int for each in given)
    if not numbers:
        raise Refusal(
            400, "bad_box", f"The box of the {name} must be four whole numbers: left, top, width, height."
        )
    box = Box(*given)
    if box.empty or box.within(whole) != box:
        raise Refusal(
            400,
            "bad_box",
            f"The box of the {name} must lie in the photo, {whole.width} × {whole.height} pixels.",
        )
    return box


def png(picture: NDArray[np.uint8]) -> bytes:
    """Encode ``h×w``, ``h×w×3`` or ``h×w×4`` as PNG, fast."""
    if picture.ndim == 3:
        picture = picture[..., [2, 1, 0, 3][: picture.shape[2]]]
    options = [cv2.IMWRITE_PNG_COMPRESSION, 1]
    return cv2.imencode(".png", np.ascontiguousarray(picture), options)[1].tobytes()


def area_json(mask: NDArray[np.bool_], corner: Box) -> dict[str, Any]:
    """Write what is True of a mask as ``{box, mask}``; both null if nothing is.

    Args:
        mask: ``h×w``.
        corner: the box of the photo that ``mask`` covers.
    """
    box = box_of(mask)
    if box is None:
        return {"box": None, "mask": None}
    encoded = base64.b64encode(png(mask[box.place].astype(np.uint8) * 255)).decode()
    place = [corner.left + box.left, corner.top + box.top, box.width, box.height]
    return {"box": place, "mask": encoded}


def box_of(mask: NDArray[np.bool_]) -> Box | None:
    """The smallest box around what is True of a mask, ``h×w``; None if nothing is."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return None
    left, top = int(columns[0]), int(rows[0])
    return Box(left, top, int(columns[-1]) - left + 1, int(rows[-1]) - top + 1)


def softened(area: Area, whole: Box, dilate: int, feather: int) -> Area:
    """Grow a mask, and let it fade out beyond its edge.

    Args:
        area: the mask.
        whole: the photo.
        dilate: pixels that it grows by.
        feather: pixels over which it fades out.
    """
    margin = dilate + feather
    if not margin:
        return area
    box = area.box.grown(margin).within(whole)
    mask = np.zeros((box.height, box.width), np.uint8)
    mask[area.box.seen_from(box).place] = area.mask
    outside = cv2.distanceTransform(
        np.where(mask > 127, 0, 255).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE
    )
    if not (mask > 127).any():
        return area
    beyond = outside - dilate
    fading = np.where(beyond > feather + _ROUNDING, 0, 1 - beyond.clip(0) / (feather + 1))
    return Area(box, np.maximum(mask, np.rint(255 * fading).astype(np.uint8)))


def _decode(data: bytes, box: Box, name: str) -> NDArray[np.uint8]:
    """Decode a PNG, but only one that has the size it should have."""
    if not data.startswith(_SIGNATURE) or len(data) < 24:
        raise Refusal(400, "bad_mask", f"The {name} is no PNG; send a PNG in base64.")
    width, height = struct.unpack(">II", data[16:24])
    if (width, height) != (box.width, box.height):
        raise Refusal(
            400,
            "bad_mask",
            f"The {name} has {width} × {height} pixels, and its box {box.width} × {box.height}; "
            "send a PNG of the box's size.",
        )
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if image is None or image.shape[:2] != (height, width):
        raise Refusal(400, "bad_mask", f"The {name} cannot be read; send it again as a PNG.")
    if image.dtype == np.uint16:
        image = np.rint(image / 257).astype(np.uint8)
    if image.ndim == 2:
        return np.asarray(image, np.uint8)
    bright = image[..., :3].max(2)
    if image.shape[2] == 4:
        bright = np.rint(bright * (image[..., 3] / np.float32(255))).astype(np.uint8)
    return np.asarray(bright, np.uint8)

"""Write a photo that came from a JPEG so that it keeps all blocks without changed pixels.

So a photo that is filled again and again loses nothing beyond the blocks that its holes touch. What was made
is decoded and compared with the photo before it counts.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from retouch.errors import RetouchError
from retouch.imaging import containers, jpeg_blocks
from retouch.imaging.opening import decode, open_file
from retouch.imaging.photo import Photo
from retouch.imaging.turning import Turn

_MOST = 0.5  # of the pixels; a photo of which more changed is encoded as a new one
_TURNED = 6  # levels by which a pixel may differ where a block is turned: decoders round
_ENOUGH, _APART = 256, 24  # over so many new pixels, the mean colour may be so many levels off
_ROWS = 256  # compared at once
_FRAMES = (0xC0, 0xC1, 0xC2, 0xC9, 0xCA)  # those that are made of blocks


class Frame(NamedTuple):
    """What a JPEG's head says of its blocks.

    Attributes:
        components: how many there are.
        down: rows of a group of blocks that lie together, in pixels.
        across: columns of it.
        plain: whether the components are grey, or luminance and colour differences.
    """

    components: int
    down: int
    across: int
    plain: bool


def available() -> bool:
    """Whether jpeglib is installed, which reads and writes coefficients."""
    return find_spec("jpeglib") is not None


def rewritten(photo: Photo) -> bytes | None:
    """Encode a photo that came from a JPEG of the same size, without metadata.

    Args:
        photo: the photo, with new pixels anywhere.

    Returns:
        The file; None where this cannot be done: the photo came from no JPEG, too much of it changed, it
        cannot be turned without loss, or jpeglib is missing or fails.
    """
    source = photo.header.jpeg
    if source is None or photo.pixels.dtype != np.uint8 or not available():
        return None
    frame, turn = frame_of(source), Turn(photo.header.orientation)
    opened = open_file(source, True)
    size = turn.both(opened.image.width, opened.image.height)
    shape = (*size[::-1], opened.image.bands)
    if frame is None or not frame.plain or shape != photo.pixels.shape or shape[2] != frame.components:
        return None
    changed = _differs(decode(opened), photo.pixels)
    if changed.mean() > _MOST:
        return None
    with suppress(OSError, RetouchError, subprocess.SubprocessError):
        data = _made(photo, source, changed)
        if data is not None and _as_wanted(data, source, photo, changed, frame):
            return data
    return None


def frame_of(data: bytes) -> Frame | None:
    """Read what the head says; None if there is no frame of blocks."""
    jfif, adobe, frame = False, None, b""
    for marker, start, end in containers.jpeg_segments(data):
        content = data[start:end]
        jfif = jfif or (marker == 0xE0 and content.startswith(b"JFIF\0"))
        if marker == 0xEE and content.startswith(b"Adobe") and len(content) > 11:
            adobe = content[11]
        if marker in _FRAMES:
            frame = content
    if len(frame) < 6 or len(frame) < 6 + 3 * frame[5] or not frame[5]:
        return None
    names, factors = frame[6::3][: frame[5]], frame[7::3][: frame[5]]
    # As libjpeg decides it.
    if jfif or frame[5] == 1:
        plain = True
    elif adobe is not None:
        plain = adobe == 1
    else:
        plain = names != b"RGB"
    down, across = max(each & 15 for each in factors), max(each >> 4 for each in factors)
    if frame[5] == 1:  # then its blocks lie alone, whatever the factors say
        down = across = 1
    side = jpeg_blocks.SIDE
    return Frame(frame[5], side * down, side * across, plain and frame[5] in (1, 3))


def _differs(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> NDArray[np.bool_]:
    difference = cv2.absdiff(one, np.ascontiguousarray(other)).reshape(one.shape)
    return np.asarray(np.bitwise_or.reduce(difference, axis=2) > 0)


def _made(photo: Photo, source: bytes, changed: NDArray[np.bool_]) -> bytes | None:
    """What the process of :mod:`~retouch.imaging.jpeg_blocks` makes; None if it does not end well."""
    with TemporaryDirectory(prefix="retouch-") as name:
        folder = Path(name)
        # jpeglib gets no metadata: what it does not know it cannot get wrong.
        (folder / jpeg_blocks.READ).write_bytes(containers.without_metadata(source))
        np.save(folder / jpeg_blocks.PIXELS, photo.pixels)
        np.save(folder / jpeg_blocks.CHANGED, changed)
        how = {"orientation": photo.header.orientation, "progressive": photo.header.progressive}
        (folder / jpeg_blocks.HOW).write_text(json.dumps(how))
        done = subprocess.run(
            [sys.executable, "-P", "-m", "retouch.imaging.jpeg_blocks", name],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "TMPDIR": name, "TEMP": name, "TMP": name},
            timeout=60 + changed.size / 1e6,
            check=False,
        )
        if done.returncode != 0:
            return None
        return containers.without_metadata((folder / jpeg_blocks.MADE).read_bytes())


def _as_wanted(data: bytes, source: bytes, photo: Photo, changed: NDArray[np.bool_], frame: Frame) -> bool:
    """Whether a file shows what was there before, and what is wanted where that changed.

    Only blocks with changed pixels may differ, and one pixel around them, where decoders use their colours.
    """
    # The photo is decoded once more: a copy of it beside the coefficients would take much memory.
    after, before = (decode(open_file(each, True)) for each in (data, source))
    if after.shape != before.shape:
        return False
    turn, (height, width) = Turn(photo.header.orientation), changed.shape
    across, down = turn.both(frame.across, frame.down)
    groups: NDArray[np.bool_] = np.zeros((-(-height // down), -(-width // across)), bool)
    rows, columns = np.nonzero(changed)
    groups[rows // down, columns // across] = True
    touched = np.ascontiguousarray(groups.repeat(down, 0).repeat(across, 1)[:height, :width])
    near: NDArray[Any] = cv2.dilate(touched.view(np.uint8), np.ones((3, 3), np.uint8))
    if near.all():
        return False  # there is nothing to compare
    around = _TURNED if turn.needed else 0
    apart = np.zeros(before.shape[2])
    for top in range(0, height, _ROWS):
        band = slice(top, top + _ROWS)
        moved = cv2.absdiff(after[band], before[band]).reshape(before[band].shape)
        if moved[near[band] == 0].max(initial=0) > around:
            return False
        new = changed[band]
        apart += (after[band][new].astype(np.int16) - photo.pixels[band][new]).sum(0)
    count = len(rows)
    return count < _ENOUGH or bool((np.abs(apart) <= _APART * count).all())

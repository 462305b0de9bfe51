"""Put what was selected into the photo, at full resolution, so that tones meet and sharpness fits."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from retouch.engine.boxes import Box
from retouch.imaging.colour import LUMA
from retouch.ops.masks import Mask, depth
from retouch.references.candidates import Candidate, Frame
from retouch.references.selecting import NONE, Selection
from retouch.references.views import Image, in_colours_of
from retouch.synthesis.assembly import assemble

MARGIN = 24
"""Known pixels around a hole that a fill is joined to and compared with."""
_BLURS = (0.0, 0.45, 0.6, 0.8, 1.0, 1.3, 1.7, 2.2, 3.0)  # radii that are tried, in pixels
_SECOND = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
_NOISY = 0.002  # of white; less noise is not seen
_COMPARABLE = 300  # pixels, without which sharpness is not compared


@dataclass(frozen=True)
class Joined:
    """What fills a hole, for a box around it.

    Attributes:
        image: ``h×w×3`` in [0, 1].
        filled: ``h×w``, True where a reference fills.
        places: ``h×w×3`` int32, the reference's number from 1, and row and column in it; -1 elsewhere.
        trust: ``h×w`` in [0, 1].
    """

    image: Image
    filled: Mask
    places: NDArray[np.int32]
    trust: Image


def join(
    frame: Frame, found: list[Candidate], chosen: Selection, area: Box, hole: Mask, known: Mask
) -> Joined:
    """Fill at full resolution.

    Args:
        frame: the window.
        found: the candidates.
        chosen: what was selected of them.
        area: the box to fill, in the photo, with :data:`MARGIN` around the hole where there is room.
        hole: ``h×w`` of that box, what is to be filled.
        known: ``h×w``, what the fill has to meet.
    """
    rows, columns = (
        np.broadcast_to(each.astype(np.float32), hole.shape)
        for each in (
            np.arange(area.top, area.top + area.height)[:, None],
            np.arange(area.left, area.left + area.width),
        )
    )
    across, down = frame.step
    x = ((columns - frame.box.left + 0.5) / across - 0.5).astype(np.float32)
    y = ((rows - frame.box.top + 0.5) / down - 0.5).astype(np.float32)
    nearest = (
        np.rint(y).astype(np.int32).clip(0, frame.hole.shape[0] - 1),
        np.rint(x).astype(np.int32).clip(0, frame.hole.shape[1] - 1),
    )
    labels = np.where(hole, chosen.labels[nearest], NONE)
    trust = cv2.remap(chosen.trust, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    picture = frame.encoding.look(area)
    stack, readable = [picture], [known]
    fill = picture.copy()
    filled = np.zeros_like(hole)
    places = np.full((*hole.shape, 3), -1, np.int32)
    sources = np.full((*hole.shape, 2), -1, np.int32)
    own_rows, own_columns = np.indices(hole.shape, np.int32)
    for number in np.unique(labels[labels != NONE]):
        candidate = found[number]
        map_ = candidate.map_of(frame, columns, rows)
        image, valid = candidate.view.sample(map_)
        image = candidate.tone.apply(
            in_colours_of(frame.encoding.photo, image), frame.places_of(columns, rows)
        )
        image = softened(picture, quieter(picture, image, known & valid, hole), known & valid, hole)
        mine = (labels == number) & valid
        fill[mine], filled[mine] = image[mine], True
        at = np.rint(map_[mine]).astype(np.int32)
        places[mine] = np.stack([np.full(len(at), candidate.number, np.int32), at[:, 1], at[:, 0]], axis=1)
        sources[mine] = np.stack([own_rows + len(stack) * area.height, own_columns], axis=-1)[mine]
        stack.append(image)
        readable.append(valid)
    made = _assembled(stack, fill, filled, readable, sources)
    return Joined(made, filled, places, np.where(filled, trust.clip(0.02, 1), 0).astype(np.float32))


def _assembled(
    stack: list[Image], fill: Image, filled: Mask, readable: list[Mask], sources: NDArray[np.int32]
) -> Image:
    """Let tones meet: the references lie below the photo, in one tall picture that all is taken from."""
    if not filled.any():
        return fill
    height = len(fill)
    whole, wanted = np.concatenate(stack).clip(0, 1), np.concatenate([fill, *stack[1:]]).clip(0, 1)
    hole, usable = np.zeros(whole.shape[:2], np.bool_), np.concatenate(readable)
    hole[:height] = filled
    places = np.full((*hole.shape, 2), -1, np.int32)
    places[:height] = sources
    return assemble(whole, wanted, hole, usable, places)[:height]


def softened(picture: Image, image: Image, both: Mask, hole: Mask) -> Image:
    """Blur a reference that is sharper than the photo beside the hole; nothing is ever sharpened.

    Two measures must ask for it, and the lesser one is followed: the blur after which both differ least, and
    that after which both have the same amount of fine detail. Misalignment fools the one, noise the other.
    """
    near = both & (depth(~hole) < MARGIN if hole.any() else both)
    near &= cv2.erode(both.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    if np.count_nonzero(near) < _COMPARABLE:
        return image
    wanted = picture @ LUMA
    grey = image @ LUMA
    detail = np.square(cv2.Laplacian(wanted, cv2.CV_32F))[near].mean()
    apart, energies = [], []
    for blur in _BLURS:
        soft = grey if blur == 0 else cv2.GaussianBlur(grey, (0, 0), blur)
        apart.append(float(np.square(soft - wanted)[near].mean()))
        energies.append(float(np.square(cv2.Laplacian(soft, cv2.CV_32F))[near].mean()))
    by_detail = next((n for n, each in enumerate(energies) if each <= detail * 1.05), len(_BLURS) - 1)
    blur = _BLURS[min(int(np.argmin(apart)), by_detail)]
    return image if blur == 0 else np.asarray(cv2.GaussianBlur(image, (0, 0), blur), np.float32)


def quieter(picture: Image, image: Image, both: Mask, hole: Mask) -> Image:
    """Take noise from a reference that is noisier than the photo beside the hole; none is ever added."""
    near = both & (depth(~hole) < MARGIN if hole.any() else both)
    if np.count_nonzero(near) < _COMPARABLE:
        return image
    wanted, given = _noise(picture, near), _noise(image, near)
    if given < _NOISY or wanted > 0.9 * given:
        return image
    plain = cv2.bilateralFilter(image, 7, 4 * given, 1.6)
    return np.asarray(plain + np.float32(wanted / given) * (image - plain), np.float32)


def _noise(image: Image, near: Mask) -> float:
    """The noise of the plainer half of an area (Immerkær, CVIU 1996), as a part of white."""
    grey = image @ LUMA
    found = np.abs(cv2.filter2D(grey, cv2.CV_32F, _SECOND))[near]
    return float(np.quantile(found, 0.3)) / (0.385 * 6)

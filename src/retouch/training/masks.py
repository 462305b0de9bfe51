"""Samplers of training masks: rectangles, brush strokes, silhouettes of objects, and mixtures of them.

A sampler is called as ``sampler(generator, height, width)``. It returns a new ``H×W`` bool array, True =
hole, that depends on the generator alone. The hole is never empty, and covers at most the fraction ``most``
of the image (at least one pixel, and never all). Lengths are relative to the image, so one setting works for
all sizes. ``docs/training-masks.md`` shows draws of each.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from retouch.errors import RetouchError
from retouch.ops.masks import Mask, bounding_box, depth
from retouch.training.damage import Damage
from retouch.training.shards import Shards

_ATTEMPTS = 40
_SMALLER = 0.85  # factor on the area, from one attempt at placing a silhouette to the next


@lru_cache(maxsize=4)
def _silhouettes(path: str) -> Shards:
    return Shards([Path(path)], memory=2**28)


def _limited(hole: Mask, most: float, generator: Generator) -> Mask:
    """Return the hole if its area is allowed; else a round part of it, or one pixel if it is empty."""
    limit = min(max(1, int(most * hole.size)), hole.size - 1)
    candidates = np.argwhere(hole)
    if 0 < len(candidates) <= limit:
        return hole
    hole = np.zeros_like(hole)
    if len(candidates) == 0:
        hole.flat[generator.integers(hole.size)] = True
        return hole
    centre = candidates[generator.integers(len(candidates))]
    nearest = np.argsort(((candidates - centre) ** 2).sum(1), kind="stable")[:limit]
    hole[tuple(candidates[nearest].T)] = True
    return hole


def _check_part(name: str, value: float) -> None:
    _require(0 < value < 1, f"{name} must lie between 0 and 1")


def _check_range(name: str, pair: tuple[float, float], least: float, most: float = math.inf) -> None:
    _require(
        len(pair) == 2 and least <= pair[0] <= pair[1] <= most,
        f"{name} must be two numbers, the lesser first, from {least}"
        + (f" to {most}" if most < math.inf else ""),
    )


def _require(kept: bool, rule: str) -> None:
    if not kept:
        raise RetouchError(f"In the settings of the masks, {rule}.")


class Sampler(Protocol):
    """A sampler of masks."""

    def __call__(self, generator: Generator, height: int, width: int) -> Mask:
        """Draw a mask, ``height×width`` bool, True = hole."""
        ...


@dataclass(frozen=True)
class Rectangles:
    """One rectangle. Source: Contextual Attention, section 3.2 and its published code.

    A box of ``side`` is placed at random inside the margin, and then shrunk around its centre. The defaults
    give holes of 96 to 128 pixels in 256, as in the code.

    Attributes:
        side: Height and width of the box, as fractions of the image's.
        margin: Fraction of the image's height and width kept free at each border.
        jitter: The hole is smaller than the box by up to this fraction of the image's height and width.
        most: Greatest fraction of the image that is hidden.
    """

    side: float = 0.5
    margin: float = 0.0
    jitter: float = 0.125
    most: float = 0.5

    def __post_init__(self) -> None:
        _check_part("most", self.most)
        _require(
            0 < self.side <= 1 - 2 * self.margin and self.margin >= 0, "side + 2·margin must be at most 1"
        )
        _require(0 <= self.jitter < self.side, "jitter must be at least 0 and less than side")

    def __call__(self, generator: Generator, height: int, width: int) -> Mask:
        """Draw a mask, ``height×width`` bool, True = hole."""
        hole = np.zeros((height, width), bool)
        hole[self._span(generator, height), self._span(generator, width)] = True
        return _limited(hole, self.most, generator)

    def _span(self, generator: Generator, length: int) -> slice:
        side, margin = round(self.side * length), round(self.margin * length)
        first = margin + int(generator.integers(0, max(0, length - 2 * margin - side) + 1))
        # As in the code, both ends lose the same number of pixels.
        off = int(generator.integers(0, round(self.jitter * length) // 2 + 1))
        return slice(first + off, first + side - off)


@dataclass(frozen=True)
class Strokes:
    """Free-form brush strokes that zigzag. Source: Yu et al. 2019 (arXiv 1806.03589) and its code.

    Attributes:
        count: Least and greatest number of strokes.
        vertices: Least and greatest number of segments of a stroke.
        length: Mean length of a segment, as a fraction of the image's diagonal. The standard deviation is
            half of the mean, and a segment is at most twice as long as the mean.
        width: Least and greatest width of a stroke, as fractions of the shorter side.
        angle: Mean angle of a segment, in radians. Every other segment goes back.
        spread: Greatest distance, in radians, of the angles of a stroke from the mean, on either side.
        most: Greatest fraction of the image that is hidden.
    """

    count: tuple[int, int] = (1, 3)
    vertices: tuple[int, int] = (4, 11)
    length: float = 0.125
    width: tuple[float, float] = (12 / 256, 40 / 256)
    angle: float = 2 * math.pi / 5
    spread: float = 2 * math.pi / 15
    most: float = 0.5

    def __post_init__(self) -> None:
        _check_part("most", self.most)
        _check_range("count", self.count, 1)
        _check_range("vertices", self.vertices, 1)
        _check_range("width", self.width, 0, 1)
        _require(0 < self.length <= 1, "length must be greater than 0, and at most 1")
        _require(self.spread >= 0, "spread must be at least 0")

    def __call__(self, generator: Generator, height: int, width: int) -> Mask:
        """Draw a mask, ``height×width`` bool, True = hole."""
        canvas = np.zeros((height, width), np.uint8)
        for _ in range(generator.integers(*self.count, endpoint=True)):
            points = self._stroke(generator, height, width).round().astype(np.int32)
            thickness = max(1, round(generator.uniform(*self.width) * min(height, width)))
            cv2.polylines(canvas, [points], isClosed=False, color=1, thickness=thickness)
            for column, row in points.tolist():  # round joints and ends, in every version of OpenCV
                cv2.circle(canvas, (column, row), thickness // 2, 1, cv2.FILLED)
        hole = canvas.astype(bool)
        if generator.random() < 0.5:
            hole = hole[::-1]
        if generator.random() < 0.5:
            hole = hole[:, ::-1]
        return _limited(np.ascontiguousarray(hole), self.most, generator)

    def _stroke(self, generator: Generator, height: int, width: int) -> NDArray[np.float64]:
        """Draw the vertices of a stroke: column and row of each."""
        least = self.angle - generator.uniform(0, self.spread)
        greatest = self.angle + generator.uniform(0, self.spread)
        mean = self.length * math.hypot(height, width)
        point = np.array([generator.uniform(0, width - 1), generator.uniform(0, height - 1)])
        points = [point]
        for number in range(generator.integers(*self.vertices, endpoint=True)):
            angle = generator.uniform(least, greatest) * (-1 if number % 2 == 0 else 1)
            reach = min(max(generator.normal(mean, mean / 2), 0), 2 * mean)
            step = reach * np.array([math.cos(angle), math.sin(angle)])
            point = np.clip(point + step, 0, [width - 1, height - 1])
            points.append(point)
        return np.stack(points)


@dataclass(frozen=True)
class Objects:
    """The silhouette of an object, mirrored, turned, scaled and pasted anywhere.

    Source: Iterative Confidence Feedback (arXiv 2005.11742). The paper pastes silhouettes at random, but
    never over a whole salient object, so that training resembles object removal. Saliency is not known here,
    so a rule on the shape takes its place: the hole never contains a disc of diameter ``disc`` (pixels beyond
    the border count as hole). Thus an object that contains such a disc is never hidden whole. A silhouette
    that breaks the rule is placed again, 15 % smaller each time.

    Attributes:
        silhouettes: A tar file or folder of pictures, white = object, cropped tightly.
        area: Least and greatest fraction of the image that the whole silhouette would cover; drawn
            uniformly. Its centre lies in the image, but parts may lie outside.
        rotation: Greatest rotation, in degrees, either way.
        disc: Diameter of the disc that the hole must not contain, as a fraction of the shorter side.
        most: Greatest fraction of the image that is hidden.
    """

    silhouettes: str = ""
    area: tuple[float, float] = (0.05, 0.35)
    rotation: float = 45.0
    disc: float = 0.4
    most: float = 0.5

    def __post_init__(self) -> None:
        _check_part("most", self.most)
        _check_range("area", self.area, 0, 1)
        _require(self.area[0] > 0, "area must be greater than 0")
        _require(self.disc > 0, "disc must be greater than 0")

    def __call__(self, generator: Generator, height: int, width: int) -> Mask:
        """Draw a mask, ``height×width`` bool, True = hole.

        Raises:
            RetouchError: There are no silhouettes, or hardly any of them is a picture with white pixels.
        """
        shape = self._silhouette(generator)
        area = generator.uniform(*self.area) * height * width
        for attempt in range(_ATTEMPTS):
            hole = self._pasted(shape, area * _SMALLER**attempt, generator, height, width)
            if not hole.any() or hole.all():
                continue
            # Depth is the distance to the centre of a known pixel, half a pixel beyond the hole.
            if 2 * depth(hole).max() - 1 < self.disc * min(height, width):
                return _limited(hole, self.most, generator)
        return _limited(np.zeros((height, width), bool), self.most, generator)

    def check(self) -> None:
        """Raise :class:`RetouchError` unless there are silhouettes."""
        if not self.silhouettes:
            raise RetouchError(
                "Masks of objects need silhouettes; name a tar file or folder of them (--masks)."
            )
        _silhouettes(self.silhouettes)

    def _silhouette(self, generator: Generator) -> Mask:
        self.check()
        shards = _silhouettes(self.silhouettes)
        for _ in range(_ATTEMPTS):  # a few bad files must not end a run
            number = int(generator.integers(len(shards)))
            content = np.frombuffer(shards[number], np.uint8)
            try:
                picture = cv2.imdecode(content, cv2.IMREAD_GRAYSCALE)
            except cv2.error:  # it is empty, or very large
                continue
            box = None if picture is None else bounding_box(picture > 127)
            if picture is not None and box is not None:
                inside: Mask = picture[box] > 127
                return inside
        raise RetouchError(f"{shards.members[number]} is no silhouette, white on black, nor are most others.")

    def _pasted(self, shape: Mask, area: float, generator: Generator, height: int, width: int) -> Mask:
        scale = math.sqrt(area / np.count_nonzero(shape))
        angle = math.radians(generator.uniform(-self.rotation, self.rotation))
        mirror = -1 if generator.random() < 0.5 else 1
        turn = scale * np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        turn[:, 0] *= mirror
        centre = np.array([generator.uniform(0, width), generator.uniform(0, height)]) - 0.5
        middle = np.array([shape.shape[1] - 1, shape.shape[0] - 1]) / 2
        matrix = np.column_stack([turn, centre - turn @ middle])
        pasted = cv2.warpAffine(shape.astype(np.uint8) * 255, matrix, (width, height), flags=cv2.INTER_LINEAR)
        hole: Mask = pasted > 127
        return hole


Part = Rectangles | Strokes | Objects


@dataclass(frozen=True)
class Mixture:
    """A draw from one of several samplers, sometimes joined with a second draw.

    Source of the shares: Iterative Confidence Feedback trains on half objects, half strokes and boxes.
    The disc rule of :class:`Objects` does not apply to strokes, boxes and unions.

    Attributes:
        parts: The samplers.
        shares: Relative frequency of each sampler; only the ratios matter.
        union: Probability that a second draw, with the same shares, is joined with the first.
        most: Greatest fraction of the image that is hidden, unions included.
    """

    parts: tuple[Part, ...] = (Rectangles(), Strokes(), Objects())
    shares: tuple[float, ...] = (0.25, 0.25, 0.5)
    union: float = 0.25
    most: float = 0.5

    def __post_init__(self) -> None:
        _check_part("most", self.most)
        _require(len(self.shares) == len(self.parts) > 0, "a mixture needs a share for each of its parts")
        _require(min(self.shares) >= 0 < sum(self.shares), "shares must be at least 0, and not all of them 0")
        _require(0 <= self.union <= 1, "union must lie in [0, 1]")

    def __call__(self, generator: Generator, height: int, width: int) -> Mask:
        """Draw a mask, ``height×width`` bool, True = hole.

        Raises:
            RetouchError: One of the parts is objects, and there are no silhouettes.
        """
        for part, share in zip(self.parts, self.shares, strict=True):
            if share > 0 and isinstance(part, Objects):
                part.check()  # at the very first draw, whichever part it takes
        hole = self._part(generator)(generator, height, width)
        if generator.random() < self.union:
            hole |= self._part(generator)(generator, height, width)
        return _limited(hole, self.most, generator)

    def _part(self, generator: Generator) -> Part:
        shares = np.array(self.shares)
        return self.parts[int(generator.choice(len(self.parts), p=shares / shares.sum()))]


def with_silhouettes(masks: Part | Mixture | Damage, silhouettes: str) -> Part | Mixture | Damage:
    """Return the same settings with another tar file or folder of silhouettes in all objects."""
    if isinstance(masks, Mixture):
        parts = tuple(
            replace(part, silhouettes=silhouettes) if isinstance(part, Objects) else part
            for part in masks.parts
        )
        return replace(masks, parts=parts)
    return replace(masks, silhouettes=silhouettes) if isinstance(masks, Objects) else masks


def silhouettes_of(masks: Part | Mixture | Damage) -> list[str]:
    """List the tar files and folders of silhouettes that a sampler draws from, each once."""
    parts = masks.parts if isinstance(masks, Mixture) else (masks,)
    return list(dict.fromkeys(part.silhouettes for part in parts if isinstance(part, Objects)))

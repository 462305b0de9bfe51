"""Old photos made from new ones, for evaluation alone: what was done to each pixel is known.

It shares no idea and no line with the generator that trains the detector, so that a detector cannot shine by
knowing its teacher. Each photo becomes an old print or film first (tones, fading, paper texture, grain, a
border: none of that is damage). Then flaws are laid on one by one. A flaw that grain and texture hide is left
out, because nobody could find it. A pixel counts as damage only if a flaw changed it by more than the grain.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float32]
Bytes = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Random = np.random.Generator

KINDS = ("none", "dust", "fibre", "scratch", "crack", "fold", "tear", "stain", "spot", "corner")
"""What the numbers of :attr:`Made.kinds` mean."""
FINE = 4
"""Strokes are drawn this many times larger, so that their widths and places need not be whole pixels."""


class Made(NamedTuple):
    """A photo before and after.

    Attributes:
        damaged: ``H×W×3`` uint8.
        clean: the same old photo with the same grain, but without a flaw, ``H×W×3`` uint8.
        kinds: ``H×W`` uint8, what each pixel suffers from, as numbers of :data:`KINDS`.
    """

    damaged: Bytes
    clean: Bytes
    kinds: Bytes


@dataclass
class Flaw:
    """One flaw: colours laid over a part of the photo.

    Attributes:
        top: first row, may lie outside of the photo.
        left: first column.
        cover: ``h×w``, how much of the photo is hidden, 0 to 1.
        colour: three values from 0 to 255, or ``h×w×3``.
        multiply: the colour is one of ink and darkens, instead of hiding.
    """

    top: int
    left: int
    cover: Values
    colour: Any
    multiply: bool = False


def damage(photo: Bytes, seed: int) -> tuple[Bytes, Mask]:
    """Return an old, damaged print of a photo ``H×W×3`` uint8, and a bool mask ``H×W`` of its damage."""
    made = age(photo, seed)
    return made.damaged, made.kinds > 0


def age(photo: Bytes, seed: int) -> Made:
    """Make an old photo of ``H×W×3`` uint8; the same seed makes the same."""
    random = np.random.default_rng(seed)
    old, grain = _old(photo.astype(np.float32), random)
    grained = old + grain
    level = float(grain.std())
    # What the eye must tell a flaw from: the photo's own detail, and the grain.
    busy = np.abs(grained - cv2.GaussianBlur(grained, (0, 0), 2)).mean(2)
    busy = cv2.GaussianBlur(busy, (0, 0), 4)
    now, kinds = grained.copy(), np.zeros(photo.shape[:2], np.uint8)
    for kind, flaws in _chosen(grained, random):
        for flaw in flaws:
            _lay(flaw, KINDS.index(kind), now, kinds, busy, level)
    kinds[np.abs(now - grained).max(2) <= _hidden(level)] = 0
    # The scanner: a trace of blur and noise over all of it.
    blur, noise = random.uniform(0.25, 0.55), random.normal(0, random.uniform(0.4, 1.2), photo.shape)
    made = [cv2.GaussianBlur(each, (0, 0), blur) + noise.astype(np.float32) for each in (now, grained)]
    damaged, clean = (np.rint(each.clip(0, 255)).astype(np.uint8) for each in made)
    return Made(damaged, clean, kinds)


def _old(photo: Values, random: Random) -> tuple[Values, Values]:
    """Return a photo in the tones of its age, with paper texture, and the grain to add, both ``H×W×3``."""
    height, width = photo.shape[:2]
    grey = photo @ np.float32([0.299, 0.587, 0.114])
    tint = random.choice(["colour", "colour", "grey", "sepia"])
    if tint == "colour":
        old = photo * random.uniform(0.85, 1.1, 3).astype(np.float32)
        old = old + random.uniform(0, 0.6) * (grey[..., None] - old)
    elif tint == "grey":
        old = np.repeat(grey[..., None], 3, axis=2)
    else:
        warm = np.float32([1.06, 0.95, random.uniform(0.65, 0.82)])
        old = grey[..., None] * warm + np.float32([12, 6, 0])
    low, high = random.uniform(0, 50), random.uniform(205, 255)  # fading: no black, no white any more
    old = low + old.clip(0, 255) / 255 * (high - low)
    uneven = _clouds((height, width), random, max(height, width) / 3)
    old = old * (1 + random.uniform(0, 0.08) * uneven[..., None])
    if random.random() < 0.15:  # the white border of a print
        edge = int(min(height, width) * random.uniform(0.02, 0.05))
        paper = np.float32([high, high * 0.985, high * random.uniform(0.88, 0.97)])
        for part in (np.s_[:edge], np.s_[-edge:], np.s_[:, :edge], np.s_[:, -edge:]):
            old[part] = paper
    texture = random.choice(["none", "none", "silk", "rough"])
    if texture == "silk":  # the hexagons of silk papers
        rows, columns = np.mgrid[:height, :width].astype(np.float32)
        step, turn = random.uniform(4, 9), random.uniform(0, np.pi)
        waves = sum(
            np.cos((rows * np.sin(turn + each) + columns * np.cos(turn + each)) * (2 * np.pi / step))
            for each in (0, np.pi / 3, 2 * np.pi / 3)
        )
        old = old + random.uniform(1, 3) * waves[..., None].astype(np.float32)
    elif texture == "rough":
        old = old + random.uniform(1.5, 4) * _clouds((height, width), random, 1.6)[..., None]
    mono = tint != "colour" or random.random() < 0.3
    noise = random.normal(0, 1, (height, width, 1 if mono else 3)).astype(np.float32)
    noise = cv2.GaussianBlur(noise, (0, 0), random.uniform(0.4, 0.9)).reshape(height, width, -1)
    # Grain shows most in the middle tones.
    tone = old.mean(2, keepdims=True) / 255
    shown = 0.5 + 2 * tone * (1 - tone)
    strength = random.uniform(0.5, 7)
    grain = noise / noise.std() * strength * shown * np.ones(3, np.float32)
    return old.astype(np.float32), grain.astype(np.float32)


def _clouds(shape: tuple[int, int], random: Random, size: float) -> Values:
    """Smooth noise ``H×W`` of mean 0 and deviation 1, with clouds of about ``size`` pixels."""
    step = max(1.0, size / 4)
    small = (max(4, round(shape[0] / step)), max(4, round(shape[1] / step)))
    noise = cv2.GaussianBlur(random.normal(0, 1, small).astype(np.float32), (0, 0), min(size, 4.0) / 2)
    noise = cv2.resize(noise, shape[::-1], interpolation=cv2.INTER_CUBIC)
    return (noise - noise.mean()) / max(float(noise.std()), 1e-6)


def _chosen(photo: Values, random: Random) -> list[tuple[str, list[Flaw]]]:
    """Choose kinds of flaws, how many of each, and draw them in the order in which they happen."""
    height, width = photo.shape[:2]
    area = height * width / 512**2
    film = random.random() < 0.4
    # A negative's dust is light in the picture; on a print or a slide it is mostly dark.
    light = 0.95 if film else random.uniform(0.1, 0.5)
    likely = {
        "stain": (0.3, 2), "spot": (0.35, 8), "fold": (0.0 if film else 0.25, 1.4),
        "crack": (0.05 if film else 0.3, 2), "tear": (0.0 if film else 0.25, 1.4),
        "corner": (0.0 if film else 0.2, 1.4), "scratch": (0.6, 4), "dust": (0.8, 50), "fibre": (0.55, 5),
    }  # fmt: skip
    chosen = {kind: number for kind, (chance, number) in likely.items() if random.random() < chance}
    if not chosen:
        chosen = {"dust": 50.0, "scratch": 4.0}
    made = []
    for kind, number in chosen.items():
        local = area if kind in ("dust", "spot", "fibre") else 1.0
        count = 1 + int(random.gamma(1.2, number * local / 1.2))
        draw = _DRAW[kind]
        if kind == "scratch":
            made.append((kind, draw(photo, random, count, film)))
        else:
            made.append((kind, draw(photo, random, count, light)))
    return made


def _lay(flaw: Flaw, kind: int, now: Values, kinds: Bytes, busy: Values, grain: float) -> None:
    """Lay a flaw over the photo, unless what is there would hide it from a careful eye."""
    height, width = kinds.shape
    bottom, right = flaw.top + flaw.cover.shape[0], flaw.left + flaw.cover.shape[1]
    rows, columns = slice(max(0, flaw.top), min(height, bottom)), slice(max(0, flaw.left), min(width, right))
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return
    inside = (
        slice(rows.start - flaw.top, rows.stop - flaw.top),
        slice(columns.start - flaw.left, columns.stop - flaw.left),
    )
    cover = flaw.cover[inside][..., None]
    colour = np.asarray(flaw.colour, np.float32)
    colour = colour[inside] if colour.ndim == 3 else colour
    under = now[rows, columns]
    over = under * (colour / 255) if flaw.multiply else colour
    result = under + cover * (over - under)
    change = np.abs(result - under).max(2)
    if not change.any():
        return
    core = change >= 0.5 * change.max()
    visible = 6 + 2 * grain + 1.6 * float(busy[rows, columns][core].mean())
    if change[core].mean() < visible:
        return
    now[rows, columns] = result
    kinds[rows, columns][change > _hidden(grain)] = kind


def _hidden(grain: float) -> float:
    """The change, in levels of 255, that grain of this deviation hides."""
    return max(5.0, 1.5 * grain)


def _strokes(paths: list[tuple[NDArray[Any], NDArray[Any]]], soft: float = 0.45) -> tuple[int, int, Values]:
    """Draw paths of points (``N×2``: row, column) and widths (``N``); return top, left and cover."""
    points = np.concatenate([each for each, _ in paths])
    wide = max(float(widths.max()) for _, widths in paths)
    margin = int(wide) + 4
    top, left = (np.floor(points.min(0)).astype(int) - margin).tolist()
    bottom, right = (np.ceil(points.max(0)).astype(int) + margin).tolist()
    canvas = np.zeros(((bottom - top) * FINE, (right - left) * FINE), np.uint8)
    for places, widths in paths:
        fine = np.rint((places - (top, left)) * FINE).astype(int)[:, ::-1]
        for begin, end, each in zip(fine[:-1], fine[1:], widths[:-1], strict=True):
            if each > 0:
                cv2.line(canvas, begin.tolist(), end.tolist(), 255, max(1, round(each * FINE)))
    cover = cv2.resize(canvas, (right - left, bottom - top), interpolation=cv2.INTER_AREA)
    return top, left, cv2.GaussianBlur(cover.astype(np.float32) / 255, (0, 0), soft)


def _walk(random: Random, start: Any, length: float, turn: float, wander: float, step: float = 2) -> Values:
    """A path of ``N×2`` points: it begins in direction ``turn``, and its curvature wanders."""
    count = max(3, int(length / step))
    bend = np.cumsum(random.normal(0, wander, count)) * 0.15 + random.normal(0, wander * 0.5)
    angle = turn + np.cumsum(bend)
    places = np.cumsum(np.stack([np.sin(angle), np.cos(angle)], 1), 0) * step
    return (np.asarray(start) + places - places[0]).astype(np.float32)


def _jagged(random: Random, start: Any, end: Any, rough: float) -> NDArray[Any]:
    """A broken line from start to end: midpoints are displaced by ever less (a fractal)."""
    points = np.array([start, end], np.float64)
    spread = rough * float(np.linalg.norm(points[1] - points[0]))
    while np.linalg.norm(points[1] - points[0]) > 2.5:
        middle = (points[:-1] + points[1:]) / 2 + random.normal(0, spread, (len(points) - 1, 2)) / 2
        joined = np.empty((2 * len(points) - 1, 2))
        joined[::2], joined[1::2] = points, middle
        points, spread = joined, spread * 0.55
    return points


def _anywhere(photo: Values, random: Random) -> NDArray[Any]:
    return random.uniform((0, 0), photo.shape[:2])


def _shade(random: Random, light: float) -> Values:
    """The colour of dirt: nearly white or nearly black, hardly tinted."""
    tone = random.uniform(195, 252) if random.random() < light else random.uniform(5, 75)
    return (tone + random.normal(0, 5, 3)).clip(0, 255).astype(np.float32)


def _dust(photo: Values, random: Random, count: int, light: float) -> list[Flaw]:
    made = []
    for _ in range(min(count, 400)):
        # Most grains are small; the radius has a long tail.
        radius = min(9.0, 0.6 + random.gamma(1.6, 0.7))
        corners = random.integers(6, 12)
        angles = np.sort(random.uniform(0, 2 * np.pi, corners))
        reach = radius * random.uniform(0.55, 1.25, corners)
        stretch = np.array([1.0, random.uniform(0.5, 1.0)])
        shape = np.stack([np.sin(angles), np.cos(angles)], 1) * reach[:, None] * stretch
        shape = shape @ cv2.getRotationMatrix2D((0, 0), random.uniform(0, 360), 1)[:, :2]
        side = int(2 * radius + 8)
        centre = side / 2 + random.uniform(-0.5, 0.5, 2)
        canvas = np.zeros((side * FINE, side * FINE), np.uint8)
        cv2.fillPoly(canvas, [np.rint((shape + centre) * FINE).astype(np.int32)], 255)
        cover = cv2.resize(canvas, (side, side), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
        cover = cv2.GaussianBlur(cover, (0, 0), random.uniform(0.35, 1.0))
        top, left = (_anywhere(photo, random) - side / 2).astype(int).tolist()
        made.append(Flaw(top, left, cover * random.uniform(0.35, 1.0), _shade(random, light)))
    return made


def _fibre(photo: Values, random: Random, count: int, light: float) -> list[Flaw]:
    made = []
    for _ in range(min(count, 60)):
        length = random.uniform(15, 140)
        path = _walk(
            random, _anywhere(photo, random), length, random.uniform(0, 7), random.uniform(0.02, 0.35)
        )
        wide = random.uniform(0.7, 2.4)
        widths = wide * (1 + 0.25 * np.sin(np.linspace(0, random.uniform(3, 12), len(path))))
        soft = random.uniform(0.35, 0.8)
        top, left, cover = _strokes([(path, widths)], soft)
        colour = _shade(random, light)
        if random.random() < 0.5:  # it lies above the paper, so it throws a soft shadow
            down, aside = random.integers(1, 3, 2).tolist()
            shadow = cv2.GaussianBlur(cover, (0, 0), 1.4) * random.uniform(0.1, 0.3)
            made.append(Flaw(top + down, left + aside, shadow, np.float32([20, 20, 20])))
        made.append(Flaw(top, left, cover * random.uniform(0.4, 0.95), colour))
    return made


def _scratch(photo: Values, random: Random, count: int, film: bool) -> list[Flaw]:
    height, width = photo.shape[:2]
    grey = float(np.ptp(photo.mean((0, 1)) - photo, axis=2).std()) < 8  # grey and sepia have one layer alone
    along = np.pi / 2 if random.random() < 0.6 else 0.0  # the way of the film through its camera
    made = []
    for _ in range(min(count, 16)):
        turn = along + random.normal(0, 0.05) if film else random.uniform(0, np.pi)
        length = random.uniform(0.1, 1.1) * max(height, width)
        start = _anywhere(photo, random)
        path = _walk(random, start, length, turn, random.uniform(0, 0.004), 3)
        wide = random.uniform(0.6, 3.2)
        bundle = int(random.choice([1, 1, 1, 2, 3]))
        if grey or random.random() < 0.6:
            colour = _shade(random, 0.75)
        else:  # only the upper layers are gone: what lies below has a colour
            colour = np.float32([[235, 225, 120], [120, 210, 160], [200, 120, 90]][random.integers(3)])
        for line in range(bundle):
            place = path + line * random.uniform(2, 7) * np.array([np.cos(turn), -np.sin(turn)])
            # The depth varies along the way; where it is least the scratch breaks off.
            depth = 0.75 + 0.5 * _clouds((len(place), 8), random, random.uniform(8, 60))[:, 4]
            depth = np.where(depth < random.uniform(0.0, 0.6), 0, depth.clip(0, 1.3))
            if not depth.any():
                continue
            top, left, cover = _strokes([(place, wide * depth)])
            made.append(Flaw(top, left, cover * random.uniform(0.3, 1.0), colour))
    return made


def _crack(photo: Values, random: Random, count: int, light: float) -> list[Flaw]:
    reach = max(photo.shape[:2])
    made = []
    for _ in range(min(count, 6)):
        start = _anywhere(photo, random)
        turn, length = random.uniform(0, 2 * np.pi), random.uniform(0.1, 0.5) * reach
        end = start + length * np.array([np.sin(turn), np.cos(turn)])
        paths = [_jagged(random, start, end, 0.22)]
        for _ in range(random.integers(0, 6)):  # branches
            at = paths[random.integers(len(paths))]
            begin = at[random.integers(len(at))]
            away = turn + random.choice([-1, 1]) * random.uniform(0.4, 1.4)
            end = begin + random.uniform(0.15, 0.5) * length * np.array([np.sin(away), np.cos(away)])
            paths.append(_jagged(random, begin, end, 0.25))
        wide = random.uniform(0.7, 2.2)
        top, left, cover = _strokes([(each, np.linspace(wide, wide * 0.4, len(each))) for each in paths])
        bright = random.random() < 0.7
        if bright:  # the emulsion's edges stand up and are dark
            edge = (cv2.GaussianBlur(cover, (0, 0), 1.5) * 1.2 - cover).clip(0, 1)
            made.append(Flaw(top, left, edge * random.uniform(0.1, 0.5), np.float32([25, 22, 20])))
        tone = random.uniform(190, 245) if bright else random.uniform(15, 60)
        colour = np.float32([tone, tone * 0.98, tone * random.uniform(0.85, 1)])
        made.append(Flaw(top, left, cover * random.uniform(0.55, 1), colour))
    return made


def _fold(photo: Values, random: Random, count: int, light: float) -> list[Flaw]:
    height, width = photo.shape[:2]
    made = []
    for _ in range(min(count, 3)):
        if random.random() < 0.5:
            start, end = (random.uniform(0, height), -2), (random.uniform(0, height), width + 2)
        else:
            start, end = (-2, random.uniform(0, width)), (height + 2, random.uniform(0, width))
        path = _jagged(random, start, end, 0.006)
        wide = random.uniform(1.2, 6)
        ripple = _clouds((len(path), 8), random, 12)[:, 4]
        top, left, cover = _strokes([(path, (wide * (1 + 0.4 * ripple)).clip(0.5, None))], 0.6)
        # Along the fold the emulsion flakes off: only part of the line is bare.
        flakes = _clouds(cover.shape, random, random.uniform(1.5, 4))
        bare = cover * (1 / (1 + np.exp(-4 * (flakes + random.uniform(0.2, 1.5)))))
        crease = cover * random.uniform(0.1, 0.35)
        made.append(Flaw(top, left, crease.astype(np.float32), np.float32([70, 62, 52])))
        tone = random.uniform(205, 248)
        made.append(Flaw(top, left, bare.astype(np.float32), np.float32([tone, tone * 0.98, tone * 0.93])))
    return made


def _tear(photo: Values, random: Random, count: int, light: float) -> list[Flaw]:
    height, width = photo.shape[:2]
    made = []
    for _ in range(min(count, 3)):
        side, reach = random.integers(4), random.uniform(0.1, 0.5) * min(height, width)
        at = random.uniform(0.1, 0.9)
        start = [(at * height, -3), (at * height, width + 3), (-3, at * width), (height + 3, at * width)][
            side
        ]
        turn = [0, np.pi, np.pi / 2, -np.pi / 2][side] + random.normal(0, 0.4)
        end = np.array(start) + reach * np.array([np.sin(turn), np.cos(turn)])
        path = _jagged(random, start, end, 0.12)
        wide = random.uniform(2.5, 12)
        widths = np.linspace(wide, 0.6, len(path)) * (1 + 0.3 * _clouds((len(path), 8), random, 6)[:, 4])
        top, left, cover = _strokes([(path, widths.clip(0.4, None))], 0.5)
        paper = random.uniform(215, 250) + 5 * _clouds(cover.shape, random, 2)[..., None]
        paper = paper * np.float32([1, 0.985, random.uniform(0.9, 0.98)])
        made.append(Flaw(top, left, cover, paper))
        if random.random() < 0.7:  # the dark gap, or a shadow, along one side of the white fibres
            shift = random.choice([-1, 1], 2) * (0.3 * widths[:, None] + 0.5)
            top, left, cover = _strokes([(path + shift, 0.3 * widths.clip(1, None))], 0.6)
            made.append(Flaw(top, left, cover * random.uniform(0.5, 1), np.float32([30, 27, 25])))
    return made


def _stain(photo: Values, random: Random, count: int, light: float) -> list[Flaw]:
    made = []
    for _ in range(min(count, 4)):
        radius = random.uniform(0.03, 0.16) * max(photo.shape[:2])
        side = int(2.8 * radius)
        rows, columns = (np.mgrid[:side, :side] - side / 2) / radius
        edge = np.hypot(rows, columns * random.uniform(0.7, 1.3))
        edge = edge + 0.16 * _clouds((side, side), random, radius)
        edge = edge + 0.03 * _clouds((side, side), random, radius / 6)
        sharp = random.uniform(12, 45) if radius < 60 else random.uniform(12, 70)
        body = 1 / (1 + np.exp(sharp * (edge - 0.8)))
        rim = np.exp(-(((edge - 0.78) * sharp / 4) ** 2))  # what was dissolved dries at the rim
        inner = random.uniform(0.25, 0.6)
        cover = ((inner + (1 - inner) * rim) * body * random.uniform(0.4, 0.95)).astype(np.float32)
        top, left = (_anywhere(photo, random) - side / 2).astype(int).tolist()
        if random.random() < 0.75:
            colour = np.float32([205, 165, 105]) * random.uniform(0.5, 1.05)
            made.append(Flaw(top, left, cover, colour, multiply=True))
        else:  # something bleached it
            made.append(Flaw(top, left, 0.7 * cover, np.float32([240, 232, 215])))
    return made


def _spot(photo: Values, random: Random, count: int, light: float) -> list[Flaw]:
    made = []
    foxed = random.random() < 0.5
    middle = _anywhere(photo, random)
    for _ in range(min(count, 80)):
        radius = 1.5 + min(16, random.gamma(1.5, 2.5))
        side = int(3.2 * radius + 6)
        rows, columns = (np.mgrid[:side, :side] - side / 2) / radius
        edge = np.hypot(rows, columns * random.uniform(0.7, 1.4))
        edge = edge + random.uniform(0.1, 0.3) * _clouds((side, side), random, radius)
        place = middle + random.normal(0, 0.25 * max(photo.shape[:2]), 2)
        top, left = (place - side / 2).astype(int).tolist()
        if foxed:  # rust of the paper: brown, with soft edges
            cover = (1 / (1 + np.exp(6 * (edge - 0.8)))).astype(np.float32) * random.uniform(0.4, 0.9)
            made.append(Flaw(top, left, cover, np.float32([170, 110, 60]), multiply=True))
        else:  # the emulsion is gone: the base shows, cream on paper, dark or clear on film
            cover = (1 / (1 + np.exp(random.uniform(8, 30) * (edge - 0.8)))).astype(np.float32)
            tone = random.uniform(200, 248) if random.random() < max(light, 0.6) else random.uniform(10, 50)
            made.append(Flaw(top, left, cover, np.float32([tone, tone * 0.98, tone * 0.92])))
    return made


def _corner(photo: Values, random: Random, count: int, light: float) -> list[Flaw]:
    height, width = photo.shape[:2]
    lid = random.choice([8.0, 235.0, 250.0]) + random.normal(0, 2, 3)  # what lies behind it on the scanner
    made = []
    for which in random.permutation(4)[: min(count, 3)]:
        bottom, right = divmod(int(which), 2)
        down, across = random.uniform(0.04, 0.22, 2) * min(height, width)
        line = _jagged(random, (down, -2), (-2, across), 0.09)
        shape = np.concatenate([line, [(-9, -9)]])
        tall, wide = (int(each) for each in np.ceil(line.max(0)) + 6)
        canvas = np.zeros((tall * FINE, wide * FINE), np.uint8)
        cv2.fillPoly(canvas, [np.rint(shape * FINE).astype(np.int32)[:, ::-1]], 255)
        gone = cv2.resize(canvas, (wide, tall), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
        # Beside the gap the layers of the paper show.
        ragged = (cv2.GaussianBlur(gone, (0, 0), random.uniform(1, 3)) * 3).clip(0, 1)
        flips = (slice(None, None, -1 if bottom else 1), slice(None, None, -1 if right else 1))
        top, left = (height - tall if bottom else 0), (width - wide if right else 0)
        paper = random.uniform(215, 245)
        made.append(Flaw(top, left, ragged[flips], np.float32([paper, paper * 0.98, paper * 0.94])))
        made.append(Flaw(top, left, gone[flips], lid.astype(np.float32)))
    return made


_DRAW: dict[str, Any] = {
    "dust": _dust,
    "fibre": _fibre,
    "scratch": _scratch,
    "crack": _crack,
    "fold": _fold,
    "tear": _tear,
    "stain": _stain,
    "spot": _spot,
    "corner": _corner,
}

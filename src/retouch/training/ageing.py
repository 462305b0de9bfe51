"""How a photo looks old or scanned without being damaged: softness, grain, fading, tones, paper, JPEG."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from retouch.training.damage_shapes import Image, between, noise, plain, three


@dataclass(frozen=True)
class Ageing:
    """What happens to whole photos.

    Attributes:
        enlarged: probability that the crop is a part of the photo, enlarged: large scans are soft.
        enlargement: by how much.
        crisp: probability that an enlarged crop gets sharp edges again, as a sharp photo has at that size.
        blurred: probability of more blur.
        blur: its deviation in pixels.
        framed: probability that the print's border shows at some edges of the crop.
        frame: its width.
        sharpened: probability that the scanner sharpens, after everything.
        grained: probability of film grain.
        grain: its deviation, of the range of values.
        grey: probability of a photo without colours.
        toned: probability that a grey photo is sepia or another tone.
        faded: probability of lost contrast and a cast.
        papered: probability of the paper's texture over everything.
        paper: its deviation, of the range of values.
        negative: probability of a negative.
        compressed: probability of JPEG.
        quality: of that JPEG.
    """

    enlarged: float = 0.4
    enlargement: tuple[float, float] = (1.1, 3.0)
    crisp: float = 0.5
    blurred: float = 0.2
    blur: tuple[float, float] = (0.4, 1.6)
    framed: float = 0.12
    frame: tuple[float, float] = (2.0, 70.0)
    sharpened: float = 0.2
    grained: float = 0.55
    grain: tuple[float, float] = (0.006, 0.07)
    grey: float = 0.4
    toned: float = 0.4
    faded: float = 0.3
    papered: float = 0.15
    paper: tuple[float, float] = (0.006, 0.03)
    negative: float = 0.04
    compressed: float = 0.35
    quality: tuple[int, int] = (60, 96)

    def soften(self, random: Generator, image: Image) -> Image:
        """Enlarge a part of the photo, or blur it; and film grain."""
        height, width = image.shape[:2]
        if random.random() < self.enlarged:
            scale = between(random, self.enlargement)
            high, wide = max(8, round(height / scale)), max(8, round(width / scale))
            top, left = int(random.integers(height - high + 1)), int(random.integers(width - wide + 1))
            way = cv2.INTER_CUBIC if random.random() < 0.7 else cv2.INTER_LINEAR
            cut = image[top : top + high, left : left + wide]
            image = np.asarray(cv2.resize(cut, (width, height), interpolation=way), np.float32).clip(0, 1)
            if random.random() < self.crisp:
                strength = np.float32(random.uniform(0.4, 1))
                image = image + strength * (_crisp(image, round(scale)) - image)
        if random.random() < self.blurred:
            image = np.asarray(cv2.GaussianBlur(image, (0, 0), between(random, self.blur)), np.float32)
        if random.random() < self.grained:
            size = int(random.choice((1, 1, 2, 3)))
            grain = three(noise(random, height, width, size))
            if random.random() < 0.4:
                grain = np.asarray(
                    cv2.merge([noise(random, height, width, size) for _ in range(3)]), np.float32
                )
            # Most in the middle tones, as on film.
            image = image + between(random, self.grain) * grain * (0.4 + 2.4 * image * (1 - image))
        return image

    def mount(self, random: Generator, image: Image) -> Image:
        """The border of a print, a slide's mount, or the scanner's bed, at one edge of the crop or more."""
        if random.random() >= self.framed:
            return image
        height, width = image.shape[:2]
        usual = between(random, self.frame)
        edges = [usual * random.uniform(0.7, 1.4) if random.random() < 0.5 else -width for _ in range(4)]
        tilt = random.normal(0, 0.01)  # nothing is scanned quite straight
        rows, columns = np.ogrid[:height, :width]
        rows, columns = rows - tilt * (columns - width / 2), columns + tilt * (rows - height / 2)
        inside = np.minimum(
            np.minimum(rows - edges[0], height - rows - edges[1]),
            np.minimum(columns - edges[2], width - columns - edges[3]),
        )
        cover = (0.5 - inside / random.uniform(1, 3)).clip(0, 1).astype(np.float32)
        grey = random.uniform(0.75, 1.0) if random.random() < 0.75 else random.uniform(0, 0.15)
        shown = plain(np.clip(grey + random.normal(0, 0.02, 3), 0, 1), height, width)
        shown = shown + random.uniform(0, 0.02) * three(noise(random, height, width, 2))
        framed: Image = image + three(cover) * (shown - image)
        return framed

    def tone(self, random: Generator, image: Image) -> Image:
        """Take colours or contrast away."""
        height, width = image.shape[:2]
        if random.random() < self.grey:
            grey, tint = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), (1.0, 1.0, 1.0)
            if random.random() < self.toned:
                tint = (1.0, random.uniform(0.8, 0.97), random.uniform(0.55, 0.9))
            image = np.asarray(cv2.merge([grey * np.float32(each) for each in tint]), np.float32)
        if random.random() < self.faded:
            low, high = random.uniform(0, 0.25), random.uniform(0.7, 1.0)
            cast = random.normal(0, 0.05, 3)
            image = np.float32(high - low) * image + plain(low + cast, height, width)
        return image

    def scan(self, random: Generator, image: Image) -> NDArray[np.uint8]:
        """Paper, the scanner's own noise and sharpening, negative, and compression: ``H×W×3`` uint8."""
        height, width = image.shape[:2]
        if random.random() < self.papered:
            scale = int(random.choice((1, 2, 4)))
            image = image + between(random, self.paper) * three(noise(random, height, width, scale))
        if random.random() < self.sharpened:
            image = image + random.uniform(0.2, 0.9) * (image - cv2.GaussianBlur(image, (0, 0), 1.0))
        if random.random() < 0.5:
            image = image + random.uniform(0, 0.012) * three(noise(random, height, width))
        if random.random() < self.negative:
            image = 1 - image
        made: NDArray[np.uint8] = np.rint(image.clip(0, 1) * 255).astype(np.uint8)
        if random.random() < self.compressed:
            quality = int(random.integers(self.quality[0], self.quality[1] + 1))
            # OpenCV takes BGR, and JPEG treats colours differently.
            written = cv2.imencode(".jpg", made[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
            read = np.asarray(cv2.imdecode(written, cv2.IMREAD_COLOR), np.uint8)
            made = np.ascontiguousarray(read[..., ::-1])
        return made


def _crisp(image: Image, rounds: int) -> Image:
    """Make edges sharp: each value becomes the least or the greatest around it, whichever is nearer.

    (Contrast enhancement of Kramer and Bruckner, Pattern Recognition 1975.)
    """
    for _ in range(rounds):
        high, low = cv2.dilate(image, np.ones((3, 3))), cv2.erode(image, np.ones((3, 3)))
        image = np.where(high - image < image - low, high, low)
    return np.asarray(cv2.GaussianBlur(image, (0, 0), 0.5), np.float32)

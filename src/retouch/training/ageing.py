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
        blurred: probability of more blur.
        blur: its deviation in pixels.
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
    blurred: float = 0.2
    blur: tuple[float, float] = (0.4, 1.6)
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
            written = cv2.imencode(".jpg", made, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
            made = np.asarray(cv2.imdecode(written, cv2.IMREAD_COLOR), np.uint8)
        return made

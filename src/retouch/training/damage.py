"""Photos with made damage, and where it is: what a detector of damage learns from.

A photo is first made soft and grained as its lens and film left it, with things in it that look like damage
(:mod:`retouch.training.lookalikes`). Layers of damage lie on top of that
(:mod:`retouch.training.damage_lines`, :mod:`retouch.training.damage_areas`). Fading, paper, scanner and
compression affect everything (:mod:`retouch.training.ageing`), and count as no damage.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from retouch.ops.masks import Mask
from retouch.training.ageing import Ageing
from retouch.training.damage_areas import Corners, Dust, Flakes, Stains, Tears
from retouch.training.damage_lines import Cracks, Fibres, Folds, Scratches
from retouch.training.damage_shapes import Image, Kind, Layer, Plane, noise, plain, three
from retouch.training.lookalikes import Lookalikes

_COVERED = 0.35  # a pixel covered by less still shows the photo
_AROUND = (15, 15)  # pixels in which the ground is busy or calm
_INVISIBLE = 0.02  # a smaller change of a pixel cannot be seen


@dataclass(frozen=True)
class Damage:
    """Draws damage on crops. Their ``share`` says how often each kind comes.

    Attributes:
        clean: probability that a crop has no damage.
        layers: most kinds of damage in one crop.
        lookalikes: probability of things that look like damage, in a crop without any; half of it in others.
        sharp: greatest deviation of the blur of damage, in pixels; it is drawn evenly, from 0.
        contrast: least change of a spot or line that counts as damage, of the range of values.
        visible: the same, of the deviation of the photo's brightness around.
        texture: greatest deviation of the damage's own grain.
        dust: specks.
        fibres: hairs and lint.
        scratches: straight lines with breaks.
        cracks: jagged, branching lines.
        folds: creases.
        tears: torn paper.
        stains: spots of liquid, mould and age.
        flakes: missing emulsion.
        corners: missing corners and edges.
        things: what is in the photo and looks like damage.
        ageing: what happens to whole photos.
    """

    clean: float = 0.34
    layers: int = 6
    lookalikes: float = 0.5
    sharp: float = 1.1
    contrast: float = 0.07
    visible: float = 1.0
    texture: float = 0.03
    dust: Dust = field(default_factory=Dust)
    fibres: Fibres = field(default_factory=Fibres)
    scratches: Scratches = field(default_factory=Scratches)
    cracks: Cracks = field(default_factory=Cracks)
    folds: Folds = field(default_factory=Folds)
    tears: Tears = field(default_factory=Tears)
    stains: Stains = field(default_factory=Stains)
    flakes: Flakes = field(default_factory=Flakes)
    corners: Corners = field(default_factory=Corners)
    things: Lookalikes = field(default_factory=Lookalikes)
    ageing: Ageing = field(default_factory=Ageing)

    def __post_init__(self) -> None:
        if not 0 <= self.clean <= 1 or not 0 <= self.lookalikes <= 1 or self.layers < 1:
            raise ValueError("clean and lookalikes must lie in [0, 1], and layers be at least 1")
        if sum(kind.share for kind in self.kinds) <= 0:
            raise ValueError("a kind of damage needs a share greater than 0")

    @property
    def kinds(self) -> list[Kind]:
        """The kinds of damage."""
        found = (getattr(self, each.name) for each in fields(self))
        return [each for each in found if hasattr(each, "share")]

    def spoil(self, random: Generator, crop: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], Mask]:
        """Damage a crop, or leave it without damage.

        Args:
            random: everything depends on it alone.
            crop: ``H×W×3`` uint8.

        Returns:
            The crop as it would be scanned, ``H×W×3`` uint8; and where damage covers it, ``H×W`` bool.
        """
        image: Image = crop.astype(np.float32) / np.float32(255)
        clean = random.random() < self.clean
        if random.random() < self.lookalikes * (1.0 if clean else 0.5):
            image = self.things.draw(random, image)
        image = self.ageing.mount(random, self.ageing.soften(random, image))
        toned_first = random.random() < 0.5  # a stain on a grey photo is coloured; in a grey scan it is not
        if toned_first:
            image = self.ageing.tone(random, image)
        mask = np.zeros(crop.shape[:2], bool)
        if not clean:
            shares = np.array([kind.share for kind in self.kinds])
            for place in random.choice(
                len(shares), 1 + random.binomial(self.layers - 1, 0.3), p=shares / shares.sum()
            ):
                layer = self.kinds[place].draw(random, *mask.shape)
                image = self._laid(random, image, layer, mask)
        if not toned_first:
            image = self.ageing.tone(random, image)
        return self.ageing.scan(random, image), mask

    def _laid(self, random: Generator, image: Image, layer: Layer, mask: Mask) -> Image:
        """Return the photo with a layer on it, and add to the mask what shows of it."""
        height, width = mask.shape
        cover, blur = layer.cover, random.uniform(0, self.sharp)
        if blur > 0.3:
            cover = cv2.GaussianBlur(cover, (0, 0), blur).astype(np.float32, copy=False)
        if not layer.even and random.random() < 0.25:  # parts have come off, or are fainter
            cover = cover * (0.8 + 0.3 * noise(random, height, width, int(random.choice((4, 16))))).clip(
                0.2, 1
            )
        seen = cover > _COVERED if layer.area is None else layer.area
        if not seen.any():
            return image
        under = image
        if layer.over is not None:
            under = image + three(layer.over)
        if layer.shadow:
            moved = np.roll(cover, random.integers(-2, 3, 2), (0, 1))
            under = under * three(1 - layer.shadow * cv2.GaussianBlur(moved, (0, 0), random.uniform(0.8, 3)))
        colour = np.array(layer.colour, np.float32)
        for _ in range(2 if layer.area is None else 4):
            made = self._covered(random, under, cover, colour, layer.multiplies)
            red, green, blue = cv2.split(cv2.absdiff(made, image))
            change = np.asarray(cv2.max(cv2.max(red, green), blue), np.float32)
            shown = self._shown(image, change, seen)
            if shown.any():
                # A stain is one area, wherever it happens to have the colour of what lies below.
                mask |= shown & (cv2.blur(change, (3, 3)) > _INVISIBLE) if layer.area is None else shown
                return _without(made, image, seen & ~shown, shown)
            colour = 1 - colour  # light dust on a white sky does not show; dark dust does
            if layer.area is not None:
                cover = (1.3 * cover).clip(0, 1)
        return image

    def _shown(self, image: Image, change: Plane, seen: Mask) -> Mask:
        """The spots and lines that one would see: on busy ground, faint ones are lost.

        Args:
            image: the photo without them, ``H×W×3``.
            change: what they change, ``H×W``.
            seen: where they are.
        """
        many, numbers = cv2.connectedComponents(seen.view(np.uint8))
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        busy = cv2.sqrt((cv2.sqrBoxFilter(grey, -1, _AROUND) - cv2.blur(grey, _AROUND) ** 2).clip(0, 1))
        which = numbers[seen]
        pixels = np.bincount(which, minlength=many).clip(1)
        # Of squares, so that a rim tells of the stain.
        changed = np.sqrt(np.bincount(which, change[seen] ** 2, many) / pixels)
        kept = changed >= np.maximum(
            self.contrast, self.visible * np.bincount(which, busy[seen], many) / pixels
        )
        kept[0] = False
        return np.asarray(kept[numbers])

    def _covered(
        self, random: Generator, image: Image, cover: Plane, colour: NDArray[np.float32], ink: bool
    ) -> Image:
        height, width = cover.shape
        shown = plain(colour, height, width)
        if ink:
            shown *= image
        elif random.random() < 0.7:
            scale, strength = int(random.choice((1, 2, 4, 16))), random.uniform(0, self.texture)
            shown += three(strength * noise(random, height, width, scale))
        return image + three(cover) * (shown - image)


def _without(made: Image, image: Image, lost: Mask, kept: Mask) -> Image:
    """Take spots out of a photo again, softly: they are too faint to be labelled, and shall not mislead."""
    if not lost.any():
        return made
    wide = cv2.dilate(lost.view(np.uint8), np.ones((9, 9), np.uint8)).astype(np.float32)
    share = np.where(kept, 0, cv2.GaussianBlur(wide, (0, 0), 1.5)).astype(np.float32)
    return made + three(share) * (image - made)

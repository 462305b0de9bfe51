"""Put a fill together from its sources' gradients, so that tones meet where sources from apart do.

Patches are copied with their colours, and nothing reconciles the tones of two that come from places of
different light: a plain sky gets rectangles of another blue, and streaks. Here the fill keeps the gradients
of its sources, and its colours follow from those and from the known pixels at the border: a weighted Poisson
problem (Perez, Gangnet and Blake, "Poisson image editing", SIGGRAPH 2003; Darabi et al., "Image melding",
SIGGRAPH 2012, mix gradients into patches too). Deviations:

* Neighbours from neighbouring sources keep the sources' gradient. At a seam the smaller of both sources'
  gradients is wanted, and wanted less the more the fill departs from it: what is left of a large step is an
  edge of the picture, not of the light.
* Smooth areas bear larger steps, because there is nothing else to see; between smooth and textured sources
  hardly anything is carried over.
* The fill's own brightness holds it, very loosely; its hue and saturation hold it within some 20 pixels,
  because sources that repeat a small slope of colour would add up.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from retouch.native import assembling, library
from retouch.synthesis import assembly_reference

Image = NDArray[np.float32]
Mask = NDArray[np.bool_]

_LIMITS = assembling.Limits(
    anchor=1e-5,  # a hundred times more undoes the assembly
    hold=2e-3,  # without, a sky whose sources go from blue to grey again and again drifts to pink
    step=0.03,
    smooth_step=0.1,
    faintest=1e-3,
    most=0.25,
    steps=30,
    tolerance=6e-3,
)
_WINDOW, _FLAT, _NEAR, _LEAST = 9, 0.012, 0.03, 600  # what is smooth: pixels, brightness, pixels
_GREY = np.array([0.299, 0.587, 0.114], np.float32)


def assemble(
    image: Image,
    fill: Image,
    hole: Mask,
    allowed: Mask,
    sources: NDArray[np.int32],
    threads: int | None = None,
) -> Image:
    """Let the tones of a fill meet, inside it and at its border.

    Args:
        image: ``H×W×3``; its hole is not looked at.
        fill: ``H×W×3``; its hole alone is looked at.
        hole: ``H×W``, True = filled.
        allowed: ``H×W``, True where may be borrowed from; the hole is never.
        sources: ``H×W×2``, row and column each pixel of the hole was taken from.
        threads: None for as many as there are processors. It changes no bit of the result.

    Returns:
        ``H×W×3``, a new array. Outside the hole it is the image. The hole has no colour beyond the lightest
        and darkest that may be borrowed.
    """
    readable = allowed & ~hole
    made = np.where(hole[..., None], fill, image)
    if not hole.any() or not readable.any():
        return made
    smooth = smooth_areas(image, readable)
    if library() is None:
        corrected = assembly_reference.corrected(image, made, hole, readable, smooth, sources, _LIMITS)
    else:
        corrected = assembling.corrected(image, made, hole, readable, smooth, sources, _LIMITS, threads)
    borrowable = readable.view(np.uint8)
    ends = [cv2.minMaxLoc(cv2.extractChannel(image, each), borrowable)[:2] for each in range(3)]
    lowest, highest = np.array(ends, np.float32).T
    np.copyto(made, np.clip(corrected, lowest, highest), where=hole[..., None])
    return made


def smooth_areas(image: Image, readable: Mask) -> Mask:
    """Where the picture has no texture but grain: skies, walls.

    A pixel is smooth if one of the 9×9 windows with it is all readable, varies little, and has about its
    brightness; small areas do not count.

    Args:
        image: ``H×W×3`` in [0, 1].
        readable: ``H×W``, what is looked at.

    Returns:
        ``H×W``.
    """
    side = (_WINDOW, _WINDOW)
    grey = np.where(readable, image @ _GREY, np.float32(0))
    mean, square = cv2.blur(grey, side), cv2.blur(grey * grey, side)
    whole = cv2.erode(readable.astype(np.uint8), np.ones(side, np.uint8), borderType=cv2.BORDER_REPLICATE) > 0
    flat = whole & (square - mean * mean < _FLAT * _FLAT)
    # The means of the flat windows with a pixel lie between these.
    lowest = cv2.erode(np.where(flat, mean, np.float32(9)), np.ones(side, np.uint8))
    highest = cv2.dilate(np.where(flat, mean, np.float32(-9)), np.ones(side, np.uint8))
    smooth = readable & (grey > lowest - _NEAR) & (grey < highest + _NEAR)
    _, label, measures, _ = cv2.connectedComponentsWithStats(smooth.astype(np.uint8), connectivity=8)
    large = measures[:, cv2.CC_STAT_AREA] >= _LEAST
    large[0] = False
    return np.asarray(large[label])

"""What mypy makes of the results' types; `make lint` checks this file, nothing runs it."""

from pathlib import Path
from typing import Any, assert_type

import numpy as np
from PIL.Image import Image as PILImage

import retouch
from retouch.imaging import Photo


def types_follow_from_the_input(
    array: np.ndarray[Any, np.dtype[np.uint16]], picture: PILImage, photo: Photo, path: Path
) -> None:
    """Each type of picture comes back as itself; a path as the path written."""
    assert_type(retouch.inpaint(array, array), np.ndarray[Any, np.dtype[np.uint16]])
    assert_type(retouch.inpaint(picture, "mask.png", seed=1), PILImage)
    assert_type(retouch.inpaint(photo), Photo)
    assert_type(retouch.inpaint(b"..."), bytes)
    assert_type(retouch.inpaint("photo.jpg", "mask.png"), Path)
    assert_type(retouch.fill(path, array, trace=False).image, Path)
    assert_type(retouch.fill(array, array).levels[0].image, np.ndarray[Any, np.dtype[np.uint16]])
    assert_type(retouch.stylize(picture, path, strength=0.5), PILImage)
    assert_type(retouch.stylize("photo.jpg", picture), Path)

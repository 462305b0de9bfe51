"""The pictures that ``retouch fill`` draws besides the filled photo: ``--sources`` and ``--confidence``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from retouch.api.drawn import draw_confidence, draw_sources
from retouch.errors import RetouchError

if TYPE_CHECKING:
    import numpy as np

    from retouch import Result


def check_pictures(extra: dict[str, str | None], *, overwrite: bool) -> None:
    """Raise :class:`RetouchError` if one of the pictures cannot be written.

    Args:
        extra: the files to write, by option; None for a picture that is not wanted.
        overwrite: replace files that exist.
    """
    import numpy as np

    from retouch import imaging

    pixel = imaging.photo_from_array(np.zeros((1, 1, 3), np.uint8))
    for option, name in extra.items():
        if name is None:
            continue
        if Path(name).suffix.lower() != ".png":
            raise RetouchError(f"{option} writes a PNG file; give it a name that ends in .png.")
        imaging.check_target(Path(name), overwrite=overwrite, photo=pixel)


def draw(
    result: Result[Any], extra: dict[str, str | None], *, colour_wheel: bool
) -> dict[str, np.ndarray[Any, np.dtype[np.uint8]]]:
    """Draw the pictures.

    Args:
        result: the fill.
        extra: as in :func:`check_pictures`.
        colour_wheel: draw the direction and distance of each source instead of its place.

    Returns:
        ``H×W×3`` or ``H×W`` by file name.

    Raises:
        RetouchError: sources are wanted, and the model borrows nothing.
    """
    drawn: dict[str, np.ndarray[Any, np.dtype[np.uint8]]] = {}
    if (name := extra["--sources"]) is not None:
        drawn[name] = draw_sources(result, colour_wheel=colour_wheel)
    if (name := extra["--confidence"]) is not None:
        drawn[name] = draw_confidence(result)
    return drawn

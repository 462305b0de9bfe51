"""The pictures that ``retouch fill`` draws besides the filled photo: ``--sources`` and ``--confidence``."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

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
        from retouch.drawing.sources import sheet

        if result.changed and result.correspondence is None and result.places is None:
            raise RetouchError("This model borrows nothing; leave out --sources, or choose another model.")
        style: Literal["places", "wheel"] = "wheel" if colour_wheel else "places"
        levels = (each.draw_sources(style) for each in result.levels)
        others = result.draw_references()
        drawn[name] = sheet(chain(levels, others), len(result.levels) + len(others))
    if (name := extra["--confidence"]) is not None:
        import numpy as np

        whole = np.ones(result.shape, np.float32) if result.confidence is None else result.confidence
        drawn[name] = np.rint(255 * whole).astype(np.uint8)
    return drawn

"""A widget for napari: the labels of a layer are the holes of an image, and the fill is a new layer.

napari finds it by the manifest ``napari.yaml`` wherever retouch is installed beside napari, and makes the
widget from the arguments of :func:`fill_holes`.
"""

# No annotations from __future__: magicgui would drop their options, and look for `models` elsewhere; see
# findings/magicgui-forgets-annotated-options.sh.

from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from numpy.typing import NDArray

import retouch
from retouch.errors import RetouchError

if TYPE_CHECKING:
    import napari.layers
    import napari.qt.threading
    import napari.types


def models(*_: Any) -> list[str]:
    """The names to choose from."""
    return [card.name for card in retouch.list_models() if card.alone]


def fill_holes(
    image: "napari.layers.Image",
    holes: "napari.layers.Labels",
    model: Annotated[str, {"choices": models}] = "exemplar",
    seed: Annotated[int, {"min": 0, "max": 2**31 - 1}] = 0,
    grow: Annotated[int, {"min": 0, "max": 500}] = 0,
) -> "napari.qt.threading.FunctionWorker[napari.types.LayerDataTuple]":
    """Fill an image where a labels layer is not 0, beside napari's window; the fill becomes a layer.

    Args:
        image: the image; not a multiscale one.
        holes: any label fills.
        model: a name that `retouch models` lists.
        seed: the same seed gives the same fill.
        grow: pixels by which the holes grow.
    """
    from napari.qt.threading import thread_worker

    if image.multiscale:
        raise RetouchError("A multiscale image cannot be filled; choose an image of one scale.")
    looks = {name: getattr(image, name) for name in ("scale", "translate", "rgb", "contrast_limits")}
    looks["name"] = f"{image.name} filled"
    if not image.rgb:
        looks["colormap"] = image.colormap

    @thread_worker(start_thread=True, progress={"desc": "retouch"})  # type: ignore[untyped-decorator, unused-ignore]
    def work() -> tuple[NDArray[Any], dict[str, Any], str]:
        filled = fill_planes(image.data, holes.data, image.rgb, model=model, seed=seed, grow=grow)
        return filled, looks, "image"

    return work()


def fill_planes(
    image: Any, holes: Any, rgb: bool, *, model: str = "exemplar", seed: int = 0, grow: int = 0
) -> NDArray[Any]:
    """Fill each plane of a stack that has a hole.

    Args:
        image: ``…×H×W``, with ``rgb`` ``…×H×W×3`` or ``…×H×W×4``; uint8, uint16 or floats of any range.
        holes: ``…×H×W``; what is not 0 is filled. It may have fewer leading axes than the image.
        rgb: whether the last axis is one of colours.
        model: a name that ``retouch.list_models`` has.
        seed: the same seed gives the same fill.
        grow: pixels by which the holes grow.

    Returns:
        A copy of the image with its holes filled.

    Raises:
        RetouchError: the shapes do not fit, or a plane cannot be filled.
    """
    filled, marked = np.array(image), np.asarray(holes) != 0
    planes = filled.shape[:-1] if rgb else filled.shape
    if marked.ndim < 2 or marked.shape != planes[-marked.ndim :]:
        raise RetouchError(
            f"The labels are {marked.shape} and the image is {planes}; make labels of the image's shape."
        )
    marked = np.broadcast_to(marked, planes)
    for place in np.ndindex(planes[:-2]):
        if marked[place].any():
            filled[place] = retouch.inpaint(
                filled[place], marked[place], model=model, seed=seed, dilate=grow, trust_mask=True
            )
    return filled

"""What a metric is: how to compute it, and how to write and read its values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from retouch.evaluation.arrays import Hole, Pixels

Better = Literal["lower", "higher", "one"]


@dataclass(frozen=True)
class Column:
    """How a report writes and reads one value.

    Attributes:
        label: The name in the full tables, such as ``L1 %, hole``.
        better: Which values are good. ``one`` means that 1 is best, on a scale of ratios.
        short: The name in the short tables. Values without one appear in the full tables only.
    """

    label: str
    better: Better
    short: str | None = None


@dataclass(frozen=True)
class PairMetric:
    """A metric of one fill and its photo.

    Attributes:
        name: What ``--metric`` calls it.
        columns: Its values by key, in the order of the tables.
        measure: Takes the fill and the photo (``H×W×3`` uint8 sRGB, equal outside the hole) and the hole
            (``H×W`` bool, True = filled, not empty). Returns values for some or all keys of ``columns``; a
            value that does not exist for this picture is left out.
        smallest: The shortest side, in pixels, that the metric works with. Smaller pictures have no value.
        missing: Returns one sentence that says what to install if the metric cannot be computed here, else
            None.
    """

    name: str
    columns: Mapping[str, Column]
    measure: Callable[[Pixels, Pixels, Hole], Mapping[str, float]]
    smallest: int = 1
    missing: Callable[[], str | None] = lambda: None


@dataclass(frozen=True)
class SetMetric:
    """A metric of a whole set of fills, with one value per model.

    Attributes:
        name: What ``--metric`` calls it; also the key of its value.
        column: How the value is written and read.
        network: Which network describes the pictures: ``vgg`` comes with the package, and ``inception`` is
            the user's file (``--inception``).
        measure: Takes what that network returned for the fills, ``N×D``, and for the photos, ``M×D``.
    """

    name: str
    column: Column
    network: Literal["vgg", "inception"]
    measure: Callable[[NDArray[np.float64], NDArray[np.float64]], float]


def hole_and_image(
    key: str, label: str, better: Better, *, short_hole: str | None = None, short_image: str | None = None
) -> dict[str, Column]:
    """The two columns of a metric that is computed in the hole and over the whole image."""
    return {
        f"{key}_hole": Column(f"{label}, hole", better, short_hole),
        f"{key}_image": Column(f"{label}, image", better, short_image),
    }


def as_tensor(pixels: Pixels) -> Tensor:
    """``H×W×3`` uint8 as ``1×3×H×W`` float32 in [0, 1]."""
    return torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float().div(255).contiguous()

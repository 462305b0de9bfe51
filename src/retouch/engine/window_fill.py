"""Fill one window of a photo: cut it out, show it to a model, and keep what it made."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from numpy.typing import NDArray

from retouch.contract import Model
from retouch.engine.encoding import Encoding, encoding_of
from retouch.engine.lines import lines_in
from retouch.engine.reporting import Reporter
from retouch.engine.smooth import Smooth, plain
from retouch.engine.transparency import see_through
from retouch.engine.windows import Sources, Window
from retouch.imaging import Photo
from retouch.ops.masks import Mask
from retouch.upsampling.crop import Crop, CropFill, Upsampling
from retouch.upsampling.fill_small import fill_crop


@dataclass(frozen=True)
class WindowFill:
    """A window that was filled, and not yet written to the photo.

    Attributes:
        crop: what the model saw, without the colours under full transparency.
        encoding: how the photo's values became the crop's.
        filled: the fill, of the window's size.
        alpha: of the window's hole box; None if the photo has none.
        by: the name of the model.
        scale: the factor by which it was filled smaller.
    """

    crop: Crop
    encoding: Encoding
    filled: CropFill
    alpha: NDArray[Any] | None
    by: str
    scale: int


@dataclass(frozen=True)
class WindowFiller:
    """What the windows of a photo have in common. Nothing is written, so threads may share it.

    Attributes:
        photo: the photo, with the windows that are done.
        mask: ``H×W``, the hole at the beginning.
        remaining: ``H×W``, what is left of it.
        sources: what may be borrowed from by whoever continues smoothly.
        borrowed: what may be borrowed from by the model.
        model: the model.
        lines: ``H×W``, lines that go on through the hole; None for none.
        seed: of the fills.
        upsampling: how a fill made at a lower resolution gets its detail.
        opaque: do not fill alpha, because all becomes opaque.
        trace: keep where each pixel was taken from.
    """

    photo: Photo
    mask: Mask
    remaining: Mask
    sources: Sources
    borrowed: Sources
    model: Model
    lines: Mask | None
    seed: int
    upsampling: Upsampling
    opaque: bool
    trace: bool

    def __call__(self, window: Window, report: Reporter | None = None) -> WindowFill:
        """Fill a window; ``report`` is told as the work goes on."""
        usable = (self.sources if window.smooth else self.borrowed).inside(window.box)
        encoding = encoding_of(self.photo, window.box, usable)
        # A smooth fill is cut into tiles, which agree only if each fills what lies around it as well.
        hole = (self.mask if window.smooth else self.remaining)[window.box.rows, window.box.columns]
        crop = Crop(
            image=encoding.look(window.box),
            hole=hole,
            allowed=usable,
            # Colours need not meet avoided pixels. They meet earlier fills, which are no sources either.
            ignore=None if self.sources.allowed is None else self.sources.avoided(window.box),
            lines=lines_in(self.lines, window, hole),
        )
        smoothly = window.smooth or (self.model.fills_by == "copying" and encoding.deep and plain(crop))
        model = self.model.replaced(Smooth()) if smoothly else self.model
        scale = 1 if smoothly else window.scale
        fill = partial(fill_crop, model, scale=scale, upsampling=self.upsampling, seed=self.seed)
        alpha, crop = see_through(self.photo, window, crop, None if self.opaque else fill)
        if report is None:
            filled = fill(crop, trace=self.trace)
        else:
            report.enter(window, crop, encoding.show)
            filled = fill(crop, trace=self.trace, on_progress=report.forward, on_stage=report.finish)
        return WindowFill(crop, encoding, filled, alpha, model.name, scale)

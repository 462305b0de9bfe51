"""Photos whose file holds more channels than models see: what copies pixels copies their samples too."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from retouch.engine.filled import RegionFill
from retouch.imaging.photo import Stored


def to_copy_into(stored: Stored | None) -> Stored | None:
    """Stored samples that may be changed, none of them copied yet."""
    if stored is None:
        return None
    return replace(stored, samples=stored.samples.copy(), copied=np.zeros(stored.samples.shape[:2], np.bool_))


def copy_samples(stored: Stored | None, region: RegionFill) -> None:
    """Copy the samples of the pixels that a region was filled from.

    Many mixtures of inks have one colour. So a colour alone does not say how the photo would print it.
    """
    if stored is None or stored.copied is None or region.sources is None:
        return
    place = region.box.rows, region.box.columns
    copied = region.hole & (region.sources[..., 0] >= 0)
    rows, columns = region.sources[copied].T
    stored.samples[place][copied] = stored.samples[rows, columns]
    stored.copied[place][copied] = True

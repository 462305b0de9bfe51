"""Guided upsampling, compared with other ways to bring a small fill to the photo's resolution.

    python benchmarks/guided_upsampling.py PHOTO … --side 2048 --threads 1 --out OUT

Each photo (its centre, with ``--side``) gets a smooth random blob as its hole. The small fill is the photo
itself, shrunk ("perfect": what upsampling alone does), or that of a model. It is enlarged by bicubic
interpolation, by guided upsampling without networks ("residual") and with them ("network"), and blended in
as the engine does. "direct" is the first model at full size. The fills are compared as `retouch evaluate`
does, in the crop around the hole; OUT receives the report. ``--write FILE`` measures the networks in that
file instead of the package's, and writes the figures into it.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Callable, Iterator
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor

import retouch
from retouch.contract import Fill
from retouch.evaluation.fillers import Filled
from retouch.evaluation.run import Case, Source
from retouch.imaging import read_photo, to_srgb
from retouch.ops.masks import bounding_box
from retouch.ops.resize import enlarge, shrink, shrink_mask
from retouch.ops.seam import close_seam
from retouch.upsampling.fill_small import reaches
from retouch.upsampling.guided import upsample
from retouch.upsampling.network import GuidedUpsamplingNetwork, open_network
from retouch.weights import read_weights, write_weights
from shared import compare_fills, to_pixels

MARGIN = 64  # pixels of the crop around the hole
WORKING = 512


class Scene(NamedTuple):
    """A photo ``1×3×H×W``, its hole ``1×1×H×W``, the factor to the working size, and the crop to measure."""

    photo: Tensor
    mask: Tensor
    scale: int
    crop: tuple[slice, slice]


def blob(height: int, width: int, share: float, seed: int) -> np.ndarray:
    """A smooth random blob that keeps away from the border, ``H×W`` bool.

    Args:
        height: The photo's height, in pixels.
        width: The photo's width, in pixels.
        share: The blob's share of the photo, at most about 0.3.
        seed: Which blob.
    """
    random = np.random.default_rng(seed)
    angle = np.linspace(0, 2 * math.pi, 720, endpoint=False)
    radius = np.ones_like(angle)
    for waves in range(2, 7):
        radius += random.uniform(-0.5, 0.5) / waves * np.cos(waves * angle + random.uniform(0, 2 * math.pi))
    # Stretched half as much as the photo, so that it fits into a panorama.
    stretch = (width / height) ** 0.25
    x, y = radius * np.cos(angle) * stretch, radius * np.sin(angle) / stretch
    area = abs((x * np.roll(y, -1) - y * np.roll(x, -1)).sum()) / 2
    scale = math.sqrt(share * height * width / area)
    points = []
    for values, length in ((x * scale, width), (y * scale, height)):
        margin = 0.05 * length
        low, high = margin - values.min(), length - margin - values.max()
        if low > high:
            sys.exit(f"A blob of {share:.0%} does not fit into {width} × {height} pixels; lower --share.")
        points.append(values + random.uniform(low, high))
    mask = np.zeros((height, width), np.uint8)
    cv2.fillPoly(mask, [np.rint(np.stack(points, axis=1)).astype(np.int32)], 1)
    return mask.astype(bool)


def read_scene(path: Path, side: int, share: float) -> Scene:
    """Read a photo, cut to what the factor divides, and give it a hole."""
    whole = to_srgb(read_photo(path), slice(None), slice(None))
    height, width = (min(each, side or each) for each in whole.shape[:2])
    scale = -(-max(height, width) // WORKING)
    height, width = height // scale * scale, width // scale * scale
    top, left = (whole.shape[0] - height) // 2, (whole.shape[1] - width) // 2
    centre = np.ascontiguousarray(whole[top : top + height, left : left + width])
    hole = blob(height, width, share, seed=sum(map(ord, path.name)))
    box = bounding_box(hole)
    assert box is not None
    rows, columns = (slice(max(0, each.start - MARGIN), each.stop + MARGIN) for each in box)
    mask = torch.from_numpy(hole).float()[None, None]
    return Scene(torch.from_numpy(centre).permute(2, 0, 1)[None], mask, scale, (rows, columns))


def read_crop(scene: Callable[[str], Scene], photo: str) -> tuple[np.ndarray, np.ndarray]:
    """The part of a photo that is measured, and its hole."""
    rows, columns = scene(photo).crop
    pixels = to_pixels(scene(photo).photo[..., rows, columns])
    return pixels, scene(photo).mask[0, 0, rows, columns].numpy() > 0


def ways(
    scene: Callable[[str], Scene], models: list[str], network: GuidedUpsamplingNetwork, direct: bool
) -> Iterator[tuple[str, Source]]:
    """Everything that is compared, by name."""
    loaded = {name: retouch.load(name) for name in models}

    @cache
    def small_fill(name: str, photo: str) -> Fill:
        here = scene(photo)
        small = shrink(here.photo, here.scale)
        if name == "perfect":
            return Fill(small)
        begin = time.perf_counter()
        fill = loaded[name](small, shrink_mask(here.mask, here.scale))
        print(f"{photo}: {name} takes {time.perf_counter() - begin:.1f} s at low resolution", file=sys.stderr)
        return fill

    @torch.no_grad()
    def fill(work: Callable[[Scene, Fill], Tensor], name: str | None, case: Case, *_: object) -> Filled:
        here, (rows, columns) = scene(case.photo), scene(case.photo).crop
        small = Fill(here.photo) if name is None else small_fill(name, case.photo)
        begin = time.perf_counter()
        filled = work(here, small)
        return Filled(to_pixels(filled[..., rows, columns]), time.perf_counter() - begin, None)

    def blended(here: Scene, filled: Tensor) -> Tensor:
        known, made = (each[0].permute(1, 2, 0).numpy() for each in (here.photo, filled))
        joined = close_seam(known, made, here.mask[0, 0].numpy() > 0, reaches(here.scale))
        return torch.from_numpy(joined).permute(2, 0, 1)[None]

    def guided(here: Scene, small: Fill, by: GuidedUpsamplingNetwork | None) -> Tensor:
        return blended(here, upsample(here.photo, here.mask, small, here.scale, network=by).image)

    for name in ["perfect", *models]:
        bicubic = lambda here, small: blended(here, enlarge(small.image, here.scale))  # noqa: E731
        yield f"{name} bicubic", partial(fill, bicubic, name)
        yield f"{name} residual", partial(fill, partial(guided, by=None), name)
        yield f"{name} network", partial(fill, partial(guided, by=network), name)
    if direct:
        at_full_size = lambda here, _: loaded[models[0]](here.photo, here.mask).image  # noqa: E731
        yield f"{models[0]} direct", partial(fill, at_full_size, None)


def main() -> None:
    """Read the command line, measure, and write the figures if asked to."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photos", type=Path, nargs="+", metavar="PHOTO")
    parser.add_argument("--side", type=int, default=2048, help="of the centre that is cut out; 0 = all")
    parser.add_argument("--share", type=float, default=0.06, help="the hole's share of the photo")
    parser.add_argument("--models", nargs="+", default=["exemplar"])
    parser.add_argument("--no-direct", action="store_true", help="leave out the model at full size")
    parser.add_argument("--write", type=Path, help="weights file of the networks, which gets the figures")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, required=True, help="folder for the report")
    given = parser.parse_args()
    network = open_network(torch.device("cpu"), given.write)
    paths = {path.stem: path for path in given.photos}

    @lru_cache(maxsize=1)
    def scene(photo: str) -> Scene:
        return read_scene(paths[photo], given.side, given.share)

    result = compare_fills(
        [Case(photo, "blob", partial(read_crop, scene, photo)) for photo in paths],
        dict(ways(scene, given.models, network, not given.no_direct)),
        metrics=["l1", "tv", "st_lpips", "frequency_ratio", "seam"],
        data=", ".join(map(str, given.photos)),
        threads=given.threads,
        out=given.out,
    )
    if given.write:
        keys = ("st_lpips_hole", "l1_hole")
        scores = {
            entry["model"]: {key: round(entry["metrics"][key]["mean"], 4) for key in keys}
            for entry in result["summary"]
        }
        weights = read_weights(given.write)
        about = {**weights.about, "scores": scores}
        write_weights(given.write, weights.model, weights.tensors, about, overwrite=True)


if __name__ == "__main__":
    main()

"""Compare ways of bringing a fill made at low resolution to the photo's own: detail, colours, seconds.

    python benchmarks/guided_upsampling.py PHOTO … --side 2048 --out runs/upsampling

Each photo (its centre, if --side says so) gets a smooth random blob as its hole. The low-resolution fill is
the truth itself, shrunk ("perfect": what upsampling alone does), or that of a model. It is enlarged by
bicubic interpolation, by guided upsampling without networks ("residual") and with them ("network"), and
blended in as the engine does; "direct" is the first model at full size. ST-LPIPS and the absolute difference
are means over the hole, of the crop around it; "detail" is the total variation in the hole, of that of the
truth. OUT receives a sheet for each photo: input, truth, and every way, at full size from the middle of the
hole. "--write FILE" measures the networks of that file instead of the package's, and writes the figures into
it.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

import retouch
from photos import blob
from retouch.contract import Fill
from retouch.evaluation.metrics import perceptual, total_variation
from retouch.evaluation.metrics.st_lpips import st_lpips
from retouch.imaging import read_photo, to_srgb, write_png
from retouch.ops.masks import bounding_box
from retouch.ops.resize import enlarge, shrink, shrink_mask
from retouch.ops.seam import close_seam
from retouch.upsampling.fill_small import reaches
from retouch.upsampling.guided import upsample
from retouch.upsampling.network import GuidedUpsamplingNetwork, open_network
from retouch.weights import read_weights, write_weights

MARGIN = 64  # pixels of the crop around the hole
WORKING = 512
SHOWN = 400  # pixels along the side of what is shown at full size


def photo_and_hole(path: Path, side: int, share: float) -> tuple[Tensor, Tensor, int]:
    """A photo ``1×3×H×W``, its hole ``1×1×H×W``, and the factor to the working size, which divides both."""
    whole = to_srgb(read_photo(path), slice(None), slice(None))
    height, width = (min(each, side or each) for each in whole.shape[:2])
    scale = -(-max(height, width) // WORKING)
    height, width = height // scale * scale, width // scale * scale
    top, left = (whole.shape[0] - height) // 2, (whole.shape[1] - width) // 2
    crop = whole[top : top + height, left : left + width]
    hole = blob(height, width, share, seed=sum(map(ord, path.name)))
    photo = torch.from_numpy(np.ascontiguousarray(crop)).permute(2, 0, 1)[None]
    return photo, torch.from_numpy(hole > 0).float()[None, None], scale


def ways(
    photo: Tensor, mask: Tensor, scale: int, models: list[str], network: GuidedUpsamplingNetwork, direct: bool
) -> dict[tuple[str, str], tuple[Tensor, float]]:
    """Every fill by its name and way, with the seconds that the way took."""
    made: dict[tuple[str, str], tuple[Tensor, float]] = {}

    def timed(fill: str, way: str, work: Callable[[], Tensor]) -> None:
        start = time.perf_counter()
        result = work()
        made[fill, way] = result, time.perf_counter() - start

    small, hole = shrink(photo, scale), shrink_mask(mask, scale)
    for name in ["perfect", *models]:
        start = time.perf_counter()
        fill = Fill(small) if name == "perfect" else retouch.load(name)(small, hole)
        made[name, "low"] = fill.image, time.perf_counter() - start

        def blended(filled: Tensor) -> Tensor:
            known, made = (each[0].permute(1, 2, 0).numpy() for each in (photo, filled))
            joined = close_seam(known, made, mask[0, 0].numpy() > 0, reaches(scale))
            return torch.from_numpy(joined).permute(2, 0, 1)[None]

        timed(name, "bicubic", lambda fill=fill: blended(enlarge(fill.image, scale)))
        for way, by in (("residual", None), ("network", network)):
            timed(
                name,
                way,
                lambda fill=fill, by=by: blended(upsample(photo, mask, fill, scale, network=by).image),
            )
    if direct:
        timed(models[0], "direct", lambda: retouch.load(models[0])(photo, mask).image)
    return made


def scores(made: Tensor, truth: Tensor, mask: Tensor) -> tuple[float, float, float]:
    """ST-LPIPS, absolute difference in % and total variation over that of the truth, in the hole."""
    box = bounding_box(mask[0, 0].numpy() > 0)
    assert box is not None
    rows, columns = (slice(max(0, each.start - MARGIN), each.stop + MARGIN) for each in box)
    one, other = (
        np.rint(each[0, :, rows, columns].permute(1, 2, 0).clamp(0, 1).numpy() * 255).astype(np.uint8)
        for each in (made, truth)
    )
    hole = mask[0, 0, rows, columns].numpy() > 0
    _, distance = perceptual(st_lpips(), one, other, hole)
    difference = np.abs(one.astype(int) - other)[hole].mean() / 2.55
    mine, real = (total_variation(each, hole) or 0.0 for each in (one, other))
    return distance, float(difference), mine / max(real, 1e-6)


def sheet(pictures: list[Tensor], mask: Tensor) -> np.ndarray:
    """What all pictures show in the middle of the hole, four in a row."""
    box = bounding_box(mask[0, 0].numpy() > 0)
    assert box is not None
    starts = [
        max(0, min((each.start + each.stop - SHOWN) // 2, size - SHOWN))
        for each, size in zip(box, mask.shape[2:], strict=True)
    ]
    rows, columns = (slice(each, each + SHOWN) for each in starts)
    crops = [each[0, :, rows, columns].permute(1, 2, 0).clamp(0, 1).numpy() for each in pictures]
    crops += [np.ones_like(crops[0])] * (-len(crops) % 4)
    rows_of = [np.concatenate(crops[first : first + 4], 1) for first in range(0, len(crops), 4)]
    return np.rint(np.concatenate(rows_of) * 255).astype(np.uint8)


@torch.no_grad()
def main() -> None:
    """Measure each photo, then print means."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("photos", type=Path, nargs="+")
    parser.add_argument("--side", type=int, default=2048, help="of the centre that is cut out; 0 = all")
    parser.add_argument("--share", type=float, default=0.06, help="of the hole")
    parser.add_argument("--models", nargs="+", default=["exemplar"])
    parser.add_argument("--no-direct", action="store_true", help="leave out the model at full size")
    parser.add_argument("--write", type=Path, help="weights file of the networks, which gets the figures")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    network = open_network(torch.device("cpu"), arguments.write)
    arguments.out.mkdir(parents=True, exist_ok=True)
    rows: defaultdict[tuple[str, str], list[tuple[float, ...]]] = defaultdict(list)
    low: defaultdict[str, list[float]] = defaultdict(list)
    for path in arguments.photos:
        photo, mask, scale = photo_and_hole(path, arguments.side, arguments.share)
        made = ways(photo, mask, scale, arguments.models, network, not arguments.no_direct)
        full = {key: each for key, each in made.items() if key[1] != "low"}
        for name in arguments.models:
            low[name].append(made[name, "low"][1])
        print(f"\n{path.stem}, {photo.shape[3]}×{photo.shape[2]}, factor {scale}", flush=True)
        for key, (picture, seconds) in full.items():
            rows[key].append((*scores(picture, photo, mask), seconds))
            print(" ".join(key), *(f"{each:.3f}" for each in rows[key][-1]), flush=True)
        hidden = torch.where(mask > 0, 0.5, photo)
        shown = sheet([hidden, photo, *(each for each, _ in full.values())], mask)
        write_png(shown, arguments.out / f"{path.stem}.png", overwrite=True)
    print(f"\nmeans of {len(arguments.photos)} photos\n")
    print("| fill | way | ST-LPIPS | L1 % | detail | seconds |\n|---|---|---|---|---|---|")
    means: dict[str, dict[str, float]] = {}
    for key, values in rows.items():
        distance, difference, detail, seconds = (
            sum(each) / len(values) for each in zip(*values, strict=True)
        )
        print(f"| {' | '.join(key)} | {distance:.3f} | {difference:.1f} | {detail:.2f} | {seconds:.1f} |")
        means[" ".join(key)] = {"st_lpips_hole": round(distance, 4), "l1_hole": round(difference, 4)}
    for name, took in low.items():
        print(f"\n{name} at low resolution takes {sum(took) / len(took):.1f} s of its own")
    if arguments.write:
        weights = read_weights(arguments.write)
        about = {**weights.about, "scores": means}
        write_weights(arguments.write, weights.model, weights.tensors, about, overwrite=True)


if __name__ == "__main__":
    main()

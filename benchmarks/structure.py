"""What the structure network knows of holes in photos it never saw, beside copying and other networks.

    python benchmarks/structure.py --data PHOTOS SCENES --masks SILHOUETTES --weights now=FILE --sheet SHEET

The photos come in the order in which `retouch train --data PHOTOS SCENES` holds them out (seed 0), without
those whose short side has fewer than 288 pixels, so nothing is enlarged. Each is cropped to 288² and gets
four holes. With ``--large FOLDER`` five windows of 512² of each large photo come instead. The network sees
128²; its colours are enlarged, and meet the photo's at the hole's border. Other models fill as `retouch fill`
does. Errors are of mean colours over square cells that lie wholly in the hole.
Photos that a run may have trained on (those after the first ``--held-out`` pictures of all sizes) get tables
of their own.
"""

from __future__ import annotations

import argparse
import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import torch
from torch.nn import functional as F

import retouch
from confidence import scores
from held_out import SIDE, Scene, Values, compare, holes, scenes, windows
from retouch.confidence.head import WITHIN, ConfidenceHead, open_head
from retouch.contract import Model
from retouch.errors import RetouchError
from retouch.imaging import write_png
from retouch.models.structure.model import StructureModel
from retouch.ops.masks import depth
from retouch.ops.seam import close_seam
from retouch.training.data import Picture, TrainingSet
from retouch.training.masks import Rectangles
from retouch.upsampling.fill_small import reaches
from shared import machine, to_tensor

SEEN = 128  # pixels
OTHERS = ("exemplar", "telea", "confidence-feedback")
SHARES = (0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
BRIGHTEST = 0.25  # the error to be expected, 0 to 1, that the sheet shows as white


@dataclass
class Seen:
    """What one network said of all scenes, pixel by pixel of the holes."""

    ratios: list[Values] = field(default_factory=list)  # error by the error to be expected, in its own cells
    judged: dict[str, list[Values]] = field(default_factory=dict)  # confidence, error and depth

    def judge(self, name: str, confidence: Values, fill: Values, scene: Scene) -> None:
        """Note what a confidence, a value for each pixel, says of a fill."""
        error = np.abs(fill - scene.truth / 255).mean(2)
        rows = [each[scene.hole] for each in (confidence, error, depth(scene.hole))]
        self.judged.setdefault(name, []).append(np.stack(rows))


@torch.no_grad()
def see(name: str, model: StructureModel, scene: Scene, seen: Seen, head: ConfidenceHead) -> Values:
    """Fill a scene with the network's colours; return the error that it expects of each pixel."""
    truth = to_tensor(cv2.resize(scene.truth, (SEEN, SEEN), interpolation=cv2.INTER_AREA))
    part = cv2.resize(scene.hole.astype(np.float32), (SEEN, SEEN), interpolation=cv2.INTER_AREA)
    mask = torch.from_numpy((part > 0).astype(np.float32))[None, None]
    said = model.network(truth * 2 - 1, mask)
    image, scale = (said.image + 1) / 2, said.scale / 2
    difference = (image - F.avg_pool2d(truth, 2)).abs().mean(1, keepdim=True)
    seen.ratios.append((difference / scale)[F.max_pool2d(mask, 2) > 0].double().numpy())

    size = scene.hole.shape
    large = F.interpolate(image, size, mode="bilinear")[0].permute(1, 2, 0).numpy()
    photo = scene.truth.astype(np.float32) / 255
    joined = close_seam(photo, large, scene.hole, reaches(-(-size[0] // SEEN)))
    fill = joined.astype(np.float64)
    expected = F.interpolate(scale, size, mode="bilinear")[0, 0].double().numpy()
    scene.fills[name] = fill
    scene.fills[f"mean of {name} and exemplar"] = (fill + scene.fills["exemplar"]) / 2
    seen.judge(f"{name}: its own", 1 - np.exp(-WITHIN / expected), fill, scene)
    hole = torch.from_numpy(scene.hole.astype(np.float32))[None, None]
    judged = head.confidence(torch.from_numpy(joined).permute(2, 0, 1)[None], hole)[0, 0]
    seen.judge(f"{name}: the head", judged.double().numpy(), fill, scene)
    return expected


def calibration(networks: Mapping[str, Seen], other: Seen) -> None:
    """Print how well the stated error fits the true one, and how confidence and error go together."""
    print("\nerror by the error to be expected, of cells of 2 pixels at 128²: mean, then quantiles")
    print("| | mean | " + " | ".join(f"{share:.0%}" for share in SHARES) + " |")
    print("|---|---:|" + "---:|" * len(SHARES))
    rows = {"a perfect one": [1.0, *(-math.log(1 - share) for share in SHARES)]}
    for name, seen in networks.items():
        ratios = np.concatenate(seen.ratios)
        rows[name] = [float(ratios.mean()), *np.quantile(ratios, SHARES)]
    for name, row in rows.items():
        print(f"| {name} | " + " | ".join(f"{each:.2f}" for each in row) + " |")
    print(f"\nconfidence (the probability of an error of at most {WITHIN}) and true error, of all pixels")
    judged = {name: each for seen in (*networks.values(), other) for name, each in seen.judged.items()}
    told = {name: scores(*np.concatenate(each, 1)) for name, each in judged.items()}
    keys = list(dict.fromkeys(key for each in told.values() for key in each))
    print("| | " + " | ".join(keys) + " |\n|---|" + "---:|" * len(keys))
    for name, row in told.items():
        print(f"| {name} | " + " | ".join(f"{row[key]:.3g}" if key in row else "" for key in keys) + " |")


def sheet_row(scene: Scene, name: str, expected: Values) -> Picture:
    """Photo with its hole in grey, exemplar, the network, the error that it expects, truth."""
    truth, hole = scene.truth / 255, scene.hole[..., None]
    unsure = np.where(hole, expected[..., None] / BRIGHTEST, 0).repeat(3, 2)
    row = [np.where(hole, 0.5, truth), scene.fills["exemplar"], scene.fills[name], unsure, truth]
    return np.rint(255 * np.concatenate(row, 1).clip(0, 1)).astype(np.uint8)


def filled(name: str, model: Model, scene: Scene, kept: Path | None) -> tuple[Values, Values | None]:
    """A model's fill, in [0, 1], and its confidence; from the folder ``kept`` if there."""
    file = kept and kept / f"{name}-{scene.number}-{scene.kind}.npz"
    if file and file.exists():
        image, confidence = np.load(file).values()
    else:
        fill = retouch.fill(scene.truth, scene.hole, model=model)
        image, confidence = fill.image, np.zeros(0) if fill.confidence is None else fill.confidence
        if file:
            np.savez_compressed(file, image=image, confidence=confidence)
    return image / 255, confidence.astype(np.float64) if confidence.size else None


def fill_all(
    found: Sequence[Scene], networks: Mapping[str, StructureModel], sheet: Path | None, kept: Path | None
) -> None:
    """Fill all scenes, and print everything but the tables of the parts."""
    others: dict[str, Model] = {name: retouch.load(name, device="cpu") for name in OTHERS}
    head, seen, other = open_head(torch.device("cpu")), {name: Seen() for name in networks}, Seen()
    rows = []
    for scene in found:
        for name, model in others.items():
            scene.fills[name], confidence = filled(name, model, scene, kept)
            if confidence is not None:
                other.judge(f"{name}: its own", confidence, scene.fills[name], scene)
        for name, network in networks.items():
            expected = see(name, network, scene, seen[name], head)
            if name == next(iter(networks)):
                rows.append(sheet_row(scene, name, expected))
    if sheet:
        write_png(np.concatenate(rows[:24]), sheet, overwrite=True)
    calibration(seen, other)


def opened(text: str) -> tuple[str, StructureModel]:
    """Read NAME=FILE."""
    name, _, file = text.rpartition("=")
    model = retouch.load(Path(file), device="cpu")
    if not isinstance(model, StructureModel):
        raise RetouchError(f"{file} holds weights of {model.name}; give weights of structure.")
    return name or Path(file).stem, model


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, nargs="+", default=[], help="what the runs got as --data")
    parser.add_argument(
        "--large", type=Path, help="instead: a folder of large photos that no run saw, at 512²"
    )
    parser.add_argument("--masks", type=Path, required=True, help="silhouettes, as for retouch train")
    parser.add_argument("--weights", nargs="+", required=True, metavar="NAME=FILE", help="exported runs")
    parser.add_argument("--against", default="exemplar", help="whose errors the others are compared with")
    parser.add_argument("--held-out", type=int, default=64, help="the runs' data.held_out")
    parser.add_argument("--photos", type=int, default=64, help="photos that are large enough, at most")
    parser.add_argument(
        "--keep", type=Path, help="folder to keep the other models' fills in, for the next time"
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--sheet", type=Path, help="PNG to write: what the first weights make of six photos")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    print(machine())
    if given.keep:
        given.keep.mkdir(parents=True, exist_ok=True)
    kinds = holes(given.masks)
    others: list[Scene] = []
    if given.large:
        unseen = list(windows(given.large, kinds))
    else:
        pictures = TrainingSet(given.data, SIDE, Rectangles(), 0, memory=0)
        learned, held_out = pictures.split(given.held_out)
        unseen = list(islice(scenes(held_out, kinds, 0), len(kinds) * given.photos))
        left = len(kinds) * given.photos - len(unseen)
        others = list(islice(scenes(learned, kinds, len(unseen) // len(kinds)), left))
    with warnings.catch_warnings():
        # A photo whose holes have no large cell, and the spread of a single photo.
        warnings.filterwarnings("ignore", "Mean of empty slice|Degrees of freedom")
        fill_all([*unseen, *others], dict(map(opened, given.weights)), given.sheet, given.keep)
        print("\n## Photos that no run saw")
        compare(unseen, given.against)
        if others:
            print("\n## Photos that the runs may have trained on")
            compare(others, given.against)


if __name__ == "__main__":
    main()

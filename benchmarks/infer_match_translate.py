"""What the parts of Infer, Match, Translate are worth: translation alone, and fills with a part exchanged.

Translation: photos are made from their own true features, beside the photo itself and one blurred until its
PSNR is the same::

    python benchmarks/infer_match_translate.py translate --data ../shared/data/eval --size 256

Parts: holes are filled by variants that differ in one part, in turn::

    python benchmarks/infer_match_translate.py parts --data ../shared/data/eval --limit 40 --sheet parts.png

Both print a Markdown table of means. `--model` may be a weights file.

Speed: the command, start to end, beside that of Neural Patch Synthesis with the paper's settings::

    python benchmarks/infer_match_translate.py speed
"""

from __future__ import annotations

import argparse
import importlib
import statistics
import tempfile
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor

import retouch
from neural_patch import as_command, centred, example
from retouch.evaluation.metrics import measure
from retouch.evaluation.pairs import find_pairs, find_photos, read_pair, read_picture, shrunk
from retouch.imaging import write_png
from retouch.models.infer_match_translate.model import InferMatchTranslate
from retouch.models.infer_match_translate.network import features_of
from retouch.models.infer_match_translate.options import InferMatchTranslateOptions
from retouch.models.neural_patch.content import content_fill

COLUMNS = ("st_lpips_hole", "lpips_hole", "l1_hole", "psnr_image", "frequency_ratio")
scales = importlib.import_module("retouch.models.infer_match_translate.scales")


def tensor(pixels: np.ndarray) -> Tensor:
    """``1×3×H×W`` in [0, 1]."""
    return torch.from_numpy(pixels.astype(np.float32) / 255).permute(2, 0, 1)[None]


def array(image: Tensor) -> np.ndarray:
    """``H×W×3`` uint8."""
    return np.rint(255 * image[0].clamp(0, 1).permute(1, 2, 0).numpy()).astype(np.uint8)


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    """Of 8-bit pictures, in dB."""
    return float(10 * np.log10(255**2 / np.square(one.astype(float) - other).mean()))


def blurred(pixels: np.ndarray, wanted: float) -> np.ndarray:
    """The picture under a Gaussian blur, as wide as gives it a PSNR."""
    low, high = 0.1, 20.0
    for _ in range(20):
        sigma = (low + high) / 2
        made = cv2.GaussianBlur(pixels, (0, 0), sigma)
        low, high = (sigma, high) if psnr(made, pixels) > wanted else (low, sigma)
    return made


def translate(model: InferMatchTranslate, given: argparse.Namespace) -> None:
    """Measure translation alone."""
    found: dict[str, list[dict[str, float]]] = {"translated": [], "blur": [], "identity": []}
    for _, path in find_photos(given.data, given.limit):
        pixels = shrunk(read_picture(path), given.size)
        height, width = (side // 4 * 4 for side in pixels.shape[:2])
        pixels = np.ascontiguousarray(pixels[:height, :width])
        with torch.no_grad():
            made = array((model.network.translate(features_of(model.vgg, tensor(pixels))) + 1) / 2)
        whole = np.ones(pixels.shape[:2], bool)
        for name, each in (
            ("translated", made),
            ("blur", blurred(pixels, psnr(made, pixels))),
            ("identity", pixels),
        ):
            found[name].append(measure(each, pixels, whole))
    report(found)


@contextmanager
def exchanged(name: str, by: Any):
    """Another function in the module of the scales, for a while."""
    before = getattr(scales, name)
    setattr(scales, name, by)
    try:
        yield
    finally:
        setattr(scales, name, before)


class Unmatched:
    """In the place of a correspondence: nothing is borrowed."""

    def __init__(self, features: Tensor, *_: object) -> None:
        self.features = features

    def field(self) -> Tensor:
        """No sources."""
        return self.features.new_full((len(self.features), 2, *self.features.shape[2:]), -1).long()

    source_map = field

    def transfer(self, values: Tensor, scale: int = 1) -> Tensor:
        """Unchanged."""
        return values


def variants(model: InferMatchTranslate, coarse: str) -> dict[str, Callable[[Tensor, Tensor], Tensor]]:
    """The fills that are compared, by name."""

    def with_options(**changes: Any) -> Callable[[Tensor, Tensor], Tensor]:
        other = InferMatchTranslate(model.network, model.trained, InferMatchTranslateOptions(**changes))
        return lambda image, mask: other(image, mask).image

    def without_match(image: Tensor, mask: Tensor) -> Tensor:
        with exchanged("swap", Unmatched), exchanged("_toned", lambda translated, _: translated):
            return with_options()(image, mask)

    def without_tone(image: Tensor, mask: Tensor) -> Tensor:
        with exchanged("_toned", lambda translated, _: translated):
            return with_options()(image, mask)

    other = retouch.load(coarse, device="cpu")

    def through_a_fill(image: Tensor, mask: Tensor) -> Tensor:
        """Features of what another model fills, in the place of those inferred."""

        def features(seen: Tensor, hole: Tensor) -> Tensor:
            hidden = torch.where(mask > 0, 0.5, image)
            filled = content_fill(other, hidden, mask, 1 - mask, seed=0, on_progress=lambda _: None).image
            small = torch.nn.functional.interpolate(filled, hole.shape[2:], mode="area")
            return features_of(model.vgg, small)

        network, model.network.infer.forward = model.network.infer.forward, features
        try:
            return with_options()(image, mask)
        finally:
            model.network.infer.forward = network

    return {
        "default": with_options(),
        "nearest": with_options(matching="nearest"),
        "nearest, from 64 pixels around": with_options(matching="nearest", band=64),
        "without colours": with_options(colours=0.0),
        "without match": without_match,
        "without borrowed tone": without_tone,
        "without translate": with_options(pixels="swapped"),
        "one scale": with_options(scales=1),
        "two swaps": with_options(swaps=2),
        "four swaps": with_options(swaps=4),
        f"features of {coarse}'s fill": through_a_fill,
    }


def parts(model: InferMatchTranslate, given: argparse.Namespace) -> None:
    """Measure the whole with one part exchanged."""
    compared = variants(model, given.coarse)
    if given.only:
        compared = {name: each for name, each in compared.items() if name in given.only}
    found: dict[str, list[dict[str, float]]] = {name: [] for name in compared}
    rows = []
    for pair in find_pairs(given.data, given.masks, given.limit):
        pixels, hole = read_pair(pair, given.size)
        image, mask = tensor(pixels), torch.from_numpy(hole.astype(np.float32))[None, None]
        row = [np.where(hole[..., None], np.uint8(128), pixels)]
        for name, fill in compared.items():
            with torch.no_grad():
                made = np.where(hole[..., None], array(fill(image, mask)), pixels)
            found[name].append(measure(made, pixels, hole))
            row.append(made)
        if given.sheet and pixels.shape[0] == pixels.shape[1]:
            rows.append(np.concatenate([*row, pixels], 1))
    if rows:
        cv2.imwrite(str(given.sheet), np.concatenate(rows)[..., ::-1])
    report(found)


def speed(given: argparse.Namespace) -> None:
    """Time commands in turn."""
    compared = {
        given.model: (given.model, []),
        "neural-patch, paper": (f"{given.coarse}+neural-patch", ["preset=paper"]),
    }
    seconds: dict[str, list[float]] = {name: [] for name in compared}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_png(example(), folder / "photo.png")
        write_png(np.where(centred(256), 255, 0).astype(np.uint8), folder / "mask.png")
        for turn in range(given.repeats):
            for each, (model, options) in compared.items():
                if not turn or each == given.model:  # the other takes minutes
                    seconds[each].append(as_command(folder, model, options, given.threads))
    for each, taken in seconds.items():
        print(f"{each}: {statistics.median(taken):.1f} s ({min(taken):.1f}-{max(taken):.1f} of {len(taken)})")


def report(found: Mapping[str, list[dict[str, float]]]) -> None:
    """Print means, and how many photos or pairs they are of."""
    keys = [key for key in COLUMNS if key in next(iter(found.values()))[0]]
    print(f"| {len(next(iter(found.values())))} | " + " | ".join(keys) + " |")
    print("|---|" + "---:|" * len(keys))
    for name, rows in found.items():
        means = [np.mean([row[key] for row in rows if key in row]) for key in keys]
        print(f"| {name} | " + " | ".join(f"{each:.4g}" for each in means) + " |", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["translate", "parts", "speed"])
    parser.add_argument("--model", default="infer-match-translate")
    parser.add_argument("--data", type=Path, help="photos, for all but speed")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--masks", nargs="+", default=["center", "object"])
    parser.add_argument("--coarse", default="contextual-attention")
    parser.add_argument("--only", nargs="+", metavar="VARIANT")
    parser.add_argument("--sheet", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3, help="of the faster command")
    given = parser.parse_args()
    if given.what == "speed":
        return speed(given)
    if given.data is None:
        parser.error("name the photos with --data")
    torch.set_num_threads(given.threads)
    model = retouch.load(given.model, device="cpu")
    assert isinstance(model, InferMatchTranslate)
    (translate if given.what == "translate" else parts)(model, given)


if __name__ == "__main__":
    main()

"""Infer, Match, Translate: what its parts are worth, and how long the command takes.

    python benchmarks/infer_match_translate.py parts --data DIR --limit 20
    python benchmarks/infer_match_translate.py translate --data DIR --limit 100
    python benchmarks/infer_match_translate.py speed

``parts`` compares fills in which one part is exchanged. ``translate`` makes photos from their own true
features, and compares them with the photo blurred to the same PSNR and with the photo itself. Both measure as
`retouch evaluate` does, and ``--out`` keeps the report. ``speed`` times the command, and that of Neural Patch
Synthesis with the paper's settings.
"""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Callable
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor

import retouch
from neural_patch import print_seconds, time_commands
from retouch.evaluation.fillers import Filled
from retouch.evaluation.pairs import find_photos, read_picture, shrunk
from retouch.evaluation.run import Case
from retouch.models.infer_match_translate.model import InferMatchTranslate
from retouch.models.infer_match_translate.network import features_of
from retouch.models.infer_match_translate.options import InferMatchTranslateOptions
from retouch.models.neural_patch.content import content_fill
from shared import cases_of, compare_fills, machine, tensor_source, to_pixels, to_tensor

METRICS = ["st_lpips", "lpips", "l1", "psnr", "frequency_ratio"]
scales = importlib.import_module("retouch.models.infer_match_translate.scales")


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    """PSNR of two 8-bit pictures, in dB."""
    return float(10 * np.log10(255**2 / np.square(one.astype(float) - other).mean()))


def blurred(pixels: np.ndarray, wanted: float) -> np.ndarray:
    """The picture under the Gaussian blur that gives it a PSNR."""
    low, high = 0.1, 20.0
    for _ in range(20):
        sigma = (low + high) / 2
        made = cv2.GaussianBlur(pixels, (0, 0), sigma)
        low, high = (sigma, high) if psnr(made, pixels) > wanted else (low, sigma)
    return made


def translate(model: InferMatchTranslate, given: argparse.Namespace) -> None:
    """Measure translation alone."""

    def read(path: Path) -> tuple[np.ndarray, np.ndarray]:
        pixels = shrunk(read_picture(path), given.size)
        height, width = (side // 4 * 4 for side in pixels.shape[:2])
        return np.ascontiguousarray(pixels[:height, :width]), np.ones((height, width), bool)

    @lru_cache(maxsize=1)
    @torch.no_grad()
    def of(photo: str) -> np.ndarray:
        features = features_of(model.vgg, to_tensor(read(paths[photo])[0]))
        return to_pixels((model.network.translate(features) + 1) / 2)

    paths = dict(find_photos(given.data, given.limit))
    compare_fills(
        [Case(photo, "whole photo", lambda path=path: read(path)) for photo, path in paths.items()],
        {
            "translated": lambda case, truth, hole: Filled(of(case.photo), None, None),
            "blurred": lambda case, truth, hole: Filled(
                blurred(truth, psnr(of(case.photo), truth)), None, None
            ),
            "photo": lambda case, truth, hole: Filled(truth, None, None),
        },
        metrics=METRICS,
        data=given.data,
        threads=given.threads,
        out=given.out,
        size=given.size,
    )


@contextmanager
def exchanged(name: str, by: Any):
    """Replace a function in the module of the scales for a while."""
    before = getattr(scales, name)
    setattr(scales, name, by)
    try:
        yield
    finally:
        setattr(scales, name, before)


class Unmatched:
    """Takes the place of a correspondence and borrows nothing."""

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
        """Use the features of another model's fill instead of inferred ones."""

        def features(seen: Tensor, hole: Tensor) -> Tensor:
            hidden = torch.where(mask > 0, 0.5, image)
            (made,) = content_fill(other, hidden, mask, 1 - mask, seed=0, on_progress=lambda _: None)
            filled = made.image
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
    """Measure fills with one part exchanged."""
    compared = {
        name: tensor_source(fill)
        for name, fill in variants(model, given.coarse).items()
        if not given.only or name in given.only
    }
    compare_fills(
        cases_of(given.data, given.masks, given.limit, given.size),
        compared,
        metrics=METRICS,
        data=given.data,
        threads=given.threads,
        out=given.out,
        size=given.size,
    )


def speed(given: argparse.Namespace) -> None:
    """Time commands in turn."""
    commands = {
        given.model: (given.model, [], given.repeats),
        # One run, because it takes minutes.
        "neural-patch, paper": (f"{given.coarse}+neural-patch", ["preset=paper"], 1),
    }
    print(machine())
    print_seconds(time_commands(commands, 256, given.threads))


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["parts", "translate", "speed"])
    parser.add_argument("--model", default="infer-match-translate", help="name or weights file")
    parser.add_argument("--data", type=Path, help="photos, for parts and translate")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--masks", nargs="+", default=["center", "object"])
    parser.add_argument("--coarse", default="contextual-attention")
    parser.add_argument("--only", nargs="+", metavar="PART", help="compare these variants only")
    parser.add_argument("--out", type=Path, help="folder for the report")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3, help="of the faster command")
    given = parser.parse_args()
    if given.what == "speed":
        return speed(given)
    if given.data is None:
        parser.error("name the photos with --data")
    model = retouch.load(given.model, device="cpu")
    assert isinstance(model, InferMatchTranslate)
    (translate if given.what == "translate" else parts)(model, given)


if __name__ == "__main__":
    main()

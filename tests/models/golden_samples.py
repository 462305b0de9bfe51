"""A small photo with a hole, and what each shipped model made of it when somebody last looked at the result.

    python tests/models/golden_samples.py [NAME …]

makes the pictures anew, after new weights or after a change that is meant to be seen. Look at them, then
commit. The photo is a part of examples/photo.jpg (see examples/README.md), scaled down to 500 pixels.
"""

import sys
from pathlib import Path
from unittest import mock

import cv2
import numpy as np
import torch

import retouch
from retouch.confidence.head import open_head
from retouch.style import levels

FOLDER = Path(__file__).parent / "golden"
FILLS = (
    "exemplar",
    "contextual-attention",
    "pen-net",
    "neural-patch",
    "context-encoder",
    "infer-match-translate",
    "confidence-feedback",
    "structure",
)
NAMES = (*FILLS, "guided-upsampling", "confidence-head", "stylize")


def read(name: str) -> np.ndarray:
    """``160×192×3`` uint8 of golden/NAME.png."""
    return cv2.cvtColor(cv2.imread(str(FOLDER / f"{name}.png")), cv2.COLOR_BGR2RGB)


def hole() -> np.ndarray:
    """``160×192`` bool: a blob over a tree and a mountain, and a stroke."""
    return read("mask")[..., 0] > 0


def style() -> np.ndarray:
    """``112×128×3`` uint8: a part of the photo upside down, in negative and with its channels exchanged."""
    return np.roll(255 - read("photo")[:47:-1, :63:-1], 1, axis=2)


def tensors(image: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    """A picture and the hole, as models take them."""
    picture = torch.from_numpy(image / np.float32(255)).permute(2, 0, 1)[None]
    return picture, torch.from_numpy(hole())[None, None].float()


def make(name: str) -> np.ndarray:
    """What is made today, ``160×192×3`` uint8, black outside the hole."""
    if name == "confidence-head":
        # The hole shows the photo's mirror image, which no model needs to make.
        fill = np.where(hole()[..., None], read("photo")[:, ::-1], read("photo"))
        confidence = open_head(torch.device("cpu")).confidence(*tensors(fill))[0, 0]
        found = np.repeat((confidence.numpy() * 255).round().astype(np.uint8)[..., None], 3, 2)
    elif name == "guided-upsampling":
        # Telea has no randomness and no detail, so only the upsampling shows.
        fill = retouch.fill(read("photo"), hole(), model="telea", working_size=48, upsampling="network")
        found = fill.image
    elif name == "stylize":
        # Two levels: all patches are compared at the coarser one, and a search goes on at the finer one.
        with mock.patch.object(levels, "COARSEST", 96):
            found = retouch.stylize(read("photo"), style(), device="cpu")
    else:
        found = retouch.fill(read("photo"), hole(), model=name, device="cpu").image
    return np.where(hole()[..., None], found, 0).astype(np.uint8)


if __name__ == "__main__":
    torch.set_num_threads(1)
    for each in sys.argv[1:] or NAMES:
        cv2.imwrite(str(FOLDER / f"{each}.png"), cv2.cvtColor(make(each), cv2.COLOR_RGB2BGR))

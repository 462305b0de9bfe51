"""The node keeps ComfyUI's contract: images B×H×W×C and masks B×H×W, floats in [0, 1]."""

import sys
import tomllib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

import retouch
from retouch.integrations import comfyui

OPTIONS = {"model": "telea", "seed": 0, "grow": 0, "refine": False}


@pytest.fixture
def image(photo):
    """A batch of two."""
    return torch.from_numpy(np.stack([photo, photo[::-1]]) / np.float32(255))


@pytest.fixture
def mask(hole):
    return torch.from_numpy(hole[None].astype(np.float32))


def fill(*arguments, **given):
    node = comfyui.NODE_CLASS_MAPPINGS["RetouchFill"]
    (filled,) = getattr(node(), node.FUNCTION)(*arguments, **given)
    return filled


def test_what_comfyui_reads():
    node = comfyui.NODE_CLASS_MAPPINGS["RetouchFill"]
    assert comfyui.NODE_DISPLAY_NAME_MAPPINGS.keys() == comfyui.NODE_CLASS_MAPPINGS.keys()
    assert node.RETURN_TYPES == ("IMAGE",)
    required, optional = node.INPUT_TYPES()["required"], node.INPUT_TYPES()["optional"]
    assert required["image"] == ("IMAGE",)
    assert required["mask"] == ("MASK",)
    assert required["model"][0][0] == "exemplar"
    assert optional == {"borrow_from": ("MASK",)}


def test_registry_metadata():
    with Path(comfyui.__file__).with_name("pyproject.toml").open("rb") as file:
        about = tomllib.load(file)
    assert {"name", "version", "description", "license"} <= about["project"].keys()
    assert about["project"]["version"] == retouch.__version__
    assert {"PublisherId", "DisplayName"} <= about["tool"]["comfy"].keys()


def test_one_mask_for_a_batch(image, mask, hole):
    filled = fill(image, mask, **OPTIONS)
    assert filled.shape == image.shape
    assert filled.dtype == torch.float32
    assert torch.equal(filled[:, ~hole], image[:, ~hole])
    assert not torch.equal(filled[0, hole], image[0, hole])
    assert torch.equal(filled[0], torch.from_numpy(retouch.inpaint(image[0].numpy(), hole, model="telea")))


def test_a_mask_for_each(image, mask):
    both = torch.cat([torch.zeros_like(mask), mask])
    filled = fill(image, both, **OPTIONS)
    assert torch.equal(filled[0], image[0])
    assert not torch.equal(filled[1], image[1])
    with pytest.raises(ValueError, match="3 masks for 2 images"):
        fill(image, torch.cat([mask] * 3), **OPTIONS)


def test_no_alpha_gives_a_small_empty_mask(image):
    assert torch.equal(fill(image, torch.zeros(1, 64, 64), **OPTIONS), image)


def test_borrow_from_and_grow(image, mask, hole):
    left = torch.zeros_like(mask)
    left[..., :40] = 1
    one = fill(image[:1], mask, **OPTIONS | {"model": "exemplar"})
    other = fill(image[:1], mask, **OPTIONS | {"model": "exemplar"}, borrow_from=left)
    assert not torch.equal(one, other)
    grown = fill(image[:1], mask, **OPTIONS | {"grow": 3})
    changed = (grown != image[:1]).any(dim=-1)[0].numpy()
    assert np.count_nonzero(changed) > np.count_nonzero(hole)


def test_progress_and_cancel(image, mask, monkeypatch):
    class Interrupted(Exception):
        pass

    told, stop = [], []

    class ProgressBar:
        def __init__(self, total):
            told.append(total)

        def update_absolute(self, value):
            told.append(value)

    def throw():
        if stop:
            raise Interrupted

    comfy = {name: ModuleType(name) for name in ("comfy", "comfy.utils", "comfy.model_management")}
    comfy["comfy.utils"].ProgressBar = ProgressBar
    comfy["comfy.model_management"].throw_exception_if_processing_interrupted = throw
    for name, module in comfy.items():
        monkeypatch.setitem(sys.modules, name, module)
    fill(image, mask, **OPTIONS)
    assert told[0] == 200
    assert told[1:] == sorted(told[1:])
    assert told[-1] == 200
    stop.append(True)
    with pytest.raises(Interrupted):
        fill(image, mask, **OPTIONS)

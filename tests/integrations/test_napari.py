"""The widget's own part; scripts/hosts/napari.sh tries it in napari itself."""

import importlib
import tomllib
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import yaml

import retouch
from retouch.errors import RetouchError
from retouch.integrations.napari import fill_holes, fill_planes, models

LIMITED = ("model", "seed", "grow")

ROOT = Path(__file__).parent.parent.parent


def test_napari_finds_the_widget():
    with (ROOT / "pyproject.toml").open("rb") as file:
        entry = tomllib.load(file)["project"]["entry-points"]["napari.manifest"]
    (package, _, name) = entry["retouch"].partition(":")
    manifest = yaml.safe_load(files(package).joinpath(name).read_text())
    assert manifest["name"] == "retouch"
    commands = {each["id"]: each for each in manifest["contributions"]["commands"]}
    for widget in manifest["contributions"]["widgets"]:
        module, _, function = commands[widget["command"]]["python_name"].partition(":")
        assert callable(getattr(importlib.import_module(module), function))


def test_models():
    assert models()[0] == "exemplar"
    assert "telea" in models("a widget")


def test_magicgui_sees_the_options_of_the_arguments():
    options = {
        name: each.__metadata__[0] for name, each in fill_holes.__annotations__.items() if name in LIMITED
    }
    assert options["model"] == {"choices": models}
    assert [options[name]["max"] for name in ("seed", "grow")] == [2**31 - 1, 500]


def test_a_colour_image(photo, hole):
    labels = hole * 3
    filled = fill_planes(photo, labels, rgb=True, model="telea")
    assert np.array_equal(filled, retouch.inpaint(photo, hole, model="telea"))
    assert not np.shares_memory(filled, photo)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_a_stack(photo, hole, dtype):
    stack = np.stack([photo[..., channel] for channel in range(3)]).astype(dtype)
    labels = np.zeros(stack.shape, np.int32)
    labels[1, hole] = 1
    filled = fill_planes(stack, labels, rgb=False, model="telea")
    assert filled.dtype == dtype
    assert np.array_equal(filled != stack, (filled != stack) & (labels > 0))
    assert (filled[1] != stack[1]).any()
    assert np.array_equal(fill_planes(stack, hole, rgb=False, model="telea")[1], filled[1])  # for all planes


def test_other_shapes_are_refused(photo):
    with pytest.raises(RetouchError, match="labels of the image's shape"):
        fill_planes(photo, np.ones((5, 5)), rgb=True)

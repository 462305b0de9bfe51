"""The sentence about what is not installed."""

import sys
from importlib import import_module

import pytest

from retouch.errors import RetouchError, missing_extra, needs_networks


def test_what_is_missing_and_what_to_run():
    said = str(missing_extra("evaluate", "torchmetrics"))
    assert said == "torchmetrics is not installed; in a clone of retouch, run: pip install '.[evaluate]'"


def test_torch_comes_without_its_libraries_for_gpus_unless_there_is_one():
    said = str(missing_extra("train", "torch"))
    assert said.startswith("torch is not installed; ")
    assert said.index("download.pytorch.org/whl/cpu") < said.index("pip install '.[train]'")
    assert "(with an NVIDIA GPU: pip install '.[train]' alone)" in said


def test_where_networks_are_needed_only_their_absence_is_explained(monkeypatch):
    for name in ("torch", "safetensors"):
        monkeypatch.setitem(sys.modules, name, None)
        said = f"^It needs {name}, which is not installed; .*networks"
        with pytest.raises(RetouchError, match=said), needs_networks("It"):
            import_module(name)
    with pytest.raises(ModuleNotFoundError, match="no_such_module"), needs_networks("It"):
        import_module("no_such_module")

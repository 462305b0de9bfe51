"""The sentence about what is not installed."""

from retouch.errors import missing_extra


def test_what_is_missing_and_what_to_run():
    said = str(missing_extra("evaluate", "torchmetrics"))
    assert said == "torchmetrics is not installed; in a clone of retouch, run: pip install '.[evaluate]'"


def test_torch_comes_without_its_libraries_for_gpus():
    said = str(missing_extra("train", "torch"))
    assert said.startswith("torch is not installed; ")
    assert said.index("download.pytorch.org/whl/cpu") < said.index("pip install '.[train]'")

"""Beginning a run with weights that were learned before."""

from pathlib import Path

import pytest
import torch

from retouch.errors import RetouchError
from retouch.training.checkpoint import load_checkpoint
from retouch.training.config import read_yaml
from retouch.training.export import export
from retouch.training.finetune import fitting
from retouch.training.settings import build_config
from retouch.training.start import start
from retouch.weights import read_weights, shipped_names

CONFIGS = Path(__file__).parents[2] / "src/retouch/training/configs"


def run(config, pictures, folder, **options):
    lines = []
    start(config, [pictures], folder, say=lines.append, device="cpu", **options)
    return lines


@pytest.fixture
def learned(tiny, pictures, tmp_path):
    """Weights of a tiny run of two steps."""
    run(tiny(steps=2), pictures, tmp_path / "before")
    export(tmp_path / "before", tmp_path / "learned.safetensors")
    return tmp_path / "learned.safetensors"


def test_networks_and_average_begin_with_the_weights(tiny, pictures, tmp_path, learned):
    lines = run(tiny(seed=5), pictures, tmp_path / "run", weights=learned, minutes=0)
    assert not any("not those of before" in line for line in lines)
    content, given = load_checkpoint(tmp_path / "run")[0], read_weights(learned)
    for network in ("generator", "average"):
        assert content[network].keys() == given.tensors.keys()
        for name, value in content[network].items():
            assert torch.equal(value, given.tensors[name])


def test_the_run_learns_on_and_says_where_it_began(tiny, pictures, tmp_path, learned):
    config = tiny(steps=1)
    run(config, pictures, tmp_path / "run", weights=learned)
    run(config, pictures, tmp_path / "run", resume=True, changes=["steps=3"])
    export(tmp_path / "run", tmp_path / "after.safetensors")
    after, before = read_weights(tmp_path / "after.safetensors"), read_weights(learned)
    assert any(not torch.equal(after.tensors[name], each) for name, each in before.tensors.items())
    began, pictures_since = after.about["data"]
    assert began["began_with"]["file"] == "learned.safetensors"
    assert began["began_with"]["steps"] == 2
    assert began["began_with"]["data"] == before.about["data"]
    assert pictures_since["pictures"] == 12
    assert after.about["steps"] == 3


@pytest.mark.parametrize(
    ("changes", "options", "words"),
    [
        ({}, {"resume": True}, "leave out --from"),
        ({"recipe__width": 0.08}, {}, r"does not fit .* such as recipe.width: .*0\.04"),
        ({"model": "pen-net", "data__size": 128, "recipe": {}}, {}, "holds weights of contextual-attention"),
    ],
)
def test_weights_that_cannot_be_begun_with_are_refused(
    tiny, pictures, tmp_path, learned, changes, options, words
):
    with pytest.raises(RetouchError, match=words):
        run(tiny(**changes), pictures, tmp_path / "run", weights=learned, **options)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("weights", ["no-such-lite", "mine.safetensors"])
def test_weights_that_are_not_there_are_refused(tiny, pictures, tmp_path, weights):
    with pytest.raises(RetouchError, match=f"no weights file {weights}; .*, pen-net-lite"):
        run(tiny(), pictures, tmp_path / "run", weights=weights)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", shipped_names())
def test_each_shipped_file_can_be_trained_on_with_its_configuration(name):
    config = build_config(read_yaml(CONFIGS / f"{name}.yaml"))
    assert fitting(name, config).model == config.run.model

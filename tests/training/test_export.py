"""From a run to a file that fills photos."""

import hashlib
import json

import pytest
import torch

import retouch
from retouch.errors import RetouchError
from retouch.training.checkpoint import checkpoints, load_checkpoint
from retouch.training.export import _same, export
from retouch.training.start import start
from retouch.weights import read_weights, write_weights


@pytest.fixture
def folder(tiny, pictures, tmp_path):
    config = tiny(steps=3, recipe__adversarial_from=9, watch__checkpoint_every=2)
    start(config, [pictures], tmp_path / "run", say=lambda _: None, device="cpu")
    return tmp_path / "run"


def test_the_average_is_exported_with_what_it_was_trained_with(folder, tmp_path):
    assert export(folder, tmp_path / "mine.safetensors") == (3, [])
    weights, content = read_weights(tmp_path / "mine.safetensors"), load_checkpoint(folder)[0]
    assert weights.model == "contextual-attention"
    assert weights.tensors.keys() == content["average"].keys()
    for name, tensor in weights.tensors.items():
        assert torch.equal(tensor, content["average"][name].half().float())
    about = weights.about
    assert about["config"] == content["config"]
    assert (about["steps"], about["seed"], about["scores"]) == (3, 0, {})
    assert about["data"][0]["pictures"] == 12


def test_the_file_fills_a_photo(folder, tmp_path, photo, hole):
    export(folder, tmp_path / "mine.safetensors")
    result = retouch.fill(photo, hole, model=str(tmp_path / "mine.safetensors"))
    assert (result.image[~hole] == photo[~hole]).all()
    assert (result.image[hole] != photo[hole]).any()


def test_damaged_checkpoints_are_told(folder, tmp_path):
    newest = checkpoints(folder)[-1]
    newest.write_bytes(b"half")
    assert export(folder, tmp_path / "mine.safetensors") == (2, [newest])


def report_of(path, digest):
    means = {"l1_hole": {"mean": 12.34567}, "st_lpips_hole": {"mean": 0.5}}
    summary = [
        {"masks": "center", "model": path.stem, "metrics": means},
        {"masks": "center", "model": "telea", "metrics": {"l1_hole": {"mean": 99.0}}},
    ]
    weights = {path.stem: {"path": str(path), "sha256": digest}}
    (path.parent / "report.json").write_text(json.dumps({"summary": summary, "weights": weights}))
    return path.parent


def test_scores_come_from_a_report_of_that_file(folder, tmp_path):
    path = tmp_path / "mine.safetensors"
    export(folder, path)
    report = report_of(path, hashlib.sha256(path.read_bytes()).hexdigest())
    with pytest.raises(RetouchError, match="overwrite"):
        export(folder, path, report=report)
    export(folder, path, report=report, overwrite=True)
    assert read_weights(path).about["scores"] == {"center": {"l1_hole": 12.3457, "st_lpips_hole": 0.5}}


def test_scores_of_other_weights_are_refused(folder, tmp_path):
    path = tmp_path / "mine.safetensors"
    report = report_of(path, "0" * 64)
    for there in (False, True):
        if there:
            export(folder, path)
        with pytest.raises(RetouchError, match="has not measured these weights as mine"):
            export(folder, path, report=report, overwrite=True)
    # The file was measured, but it does not hold what the run has learned.
    content = read_weights(path)
    write_weights(path, content.model, {**content.tensors, "more": torch.zeros(1)}, {}, overwrite=True)
    report = report_of(path, hashlib.sha256(path.read_bytes()).hexdigest())
    with pytest.raises(RetouchError, match="has not measured these weights"):
        export(folder, path, report=report, overwrite=True)


@pytest.mark.parametrize(
    ("content", "words"), [(None, "Cannot read"), ("{", "no report"), ("[]", "no report")]
)
def test_a_report_must_be_one(folder, tmp_path, content, words):
    if content is not None:
        (tmp_path / "report.json").write_text(content)
    with pytest.raises(RetouchError, match=words):
        export(folder, tmp_path / "mine.safetensors", report=tmp_path / "report.json")


def test_there_must_be_a_checkpoint(tmp_path):
    with pytest.raises(RetouchError, match="There is no checkpoint"):
        export(tmp_path, tmp_path / "mine.safetensors")


def test_whole_numbers_of_a_network_are_not_rounded():
    """Batch normalisation counts its steps, further than 16 bits have whole numbers."""
    average = {"weight": torch.rand(3), "count": torch.tensor(70_001)}
    exported = {"weight": average["weight"].half().float(), "count": average["count"]}
    assert _same(exported, average)
    assert not _same(exported | {"count": torch.tensor(70_002)}, average)

"""From a run to a file that fills photos."""

import hashlib
import json

import pytest
import torch

import retouch
from retouch.errors import RetouchError
from retouch.training.checkpoint import checkpoints, load_checkpoint
from retouch.training.export import _mean, _same, export
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


def test_the_mean_with_other_weights(folder, tmp_path):
    export(folder, tmp_path / "alone.safetensors")
    alone = read_weights(tmp_path / "alone.safetensors")
    other = {name: each + 1 for name, each in alone.tensors.items()}
    write_weights(tmp_path / "other.safetensors", alone.model, other, {"steps": 7, "seed": 5})
    export(folder, tmp_path / "mean.safetensors", other=tmp_path / "other.safetensors", share=0.75)
    mean = read_weights(tmp_path / "mean.safetensors")
    assert mean.tensors.keys() == alone.tensors.keys()
    for name, tensor in mean.tensors.items():
        assert torch.allclose(tensor, alone.tensors[name] + 0.25, atol=2e-3)
    digest = hashlib.sha256((tmp_path / "other.safetensors").read_bytes()).hexdigest()
    with_other = {"file": "other.safetensors", "sha256": digest, "steps": 7}
    assert mean.about["mean"] == {"share": 0.75, "with": with_other}
    assert (mean.about["steps"], "mean" in alone.about) == (3, False)


def test_a_mean_is_measured_as_such(folder, tmp_path):
    path, other = tmp_path / "mine.safetensors", tmp_path / "other.safetensors"
    export(folder, path)
    alone = read_weights(path)
    write_weights(other, alone.model, {name: each + 1 for name, each in alone.tensors.items()}, {})
    report = report_of(path, hashlib.sha256(path.read_bytes()).hexdigest())
    with pytest.raises(RetouchError, match="has not measured these weights"):
        export(folder, path, other=other, report=report, overwrite=True)
    export(folder, path, other=other, overwrite=True)
    report = report_of(path, hashlib.sha256(path.read_bytes()).hexdigest())
    export(folder, path, other=other, report=report, overwrite=True)
    assert read_weights(path).about["scores"]["center"]


def test_what_has_no_mean_is_refused(folder, tmp_path):
    output = tmp_path / "mean.safetensors"
    for other, share, words in (
        ("contextual-attention-lite", 1.5, "from 0 to 1, not 1.5"),
        ("contextual-attention-lite", 0.5, "does not fit the network"),  # of another width
        ("pen-net-lite", 0.5, "of pen-net, and the configuration is for contextual-attention.*--with"),
        ("nothing", 0.5, "no weights file nothing"),
    ):
        with pytest.raises(RetouchError, match=words):
            export(folder, output, other=other, share=share)
    assert not output.exists()


def test_whole_numbers_are_the_runs():
    run, other = ({"weight": torch.full((2,), each), "count": torch.tensor(int(each))} for each in (1.0, 3.0))
    assert _mean(run, other, 0.25)["weight"].tolist() == [2.5, 2.5]
    assert _mean(run, other, 0.25)["count"].item() == 1


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

"""Checkpoints survive what stops a run."""

import pytest
import torch

from retouch import RetouchError
from retouch.training.checkpoint import checkpoints, load_checkpoint, save_checkpoint


def state(step):
    return {"step": step, "weights": {"a": torch.full((64, 64), float(step))}, "note": "x"}


def test_the_newest_comes_back_and_two_are_kept(tmp_path):
    for step in (5, 10, 15):
        save_checkpoint(tmp_path, state(step))
    assert [path.name for path in checkpoints(tmp_path)] == [
        "checkpoint-00000010.pt",
        "checkpoint-00000015.pt",
    ]
    loaded, refused = load_checkpoint(tmp_path)
    assert (loaded["step"], loaded["note"], refused) == (15, "x", [])
    assert torch.equal(loaded["weights"]["a"], state(15)["weights"]["a"])
    assert not list(tmp_path.glob("*.tmp"))


@pytest.mark.parametrize("part", [0.0, 0.3, 0.99])
def test_a_truncated_one_is_refused_and_the_one_before_is_used(tmp_path, part):
    save_checkpoint(tmp_path, state(5))
    newest = save_checkpoint(tmp_path, state(10))
    content = newest.read_bytes()
    newest.write_bytes(content[: int(len(content) * part)])
    loaded, refused = load_checkpoint(tmp_path)
    assert (loaded["step"], refused) == (5, [newest])


def test_what_is_being_written_is_no_checkpoint(tmp_path):
    save_checkpoint(tmp_path, state(5))
    (tmp_path / "checkpoint-00000010.tmp").write_bytes(b"half")
    assert load_checkpoint(tmp_path)[0]["step"] == 5


def test_nothing_to_go_on_from(tmp_path):
    with pytest.raises(RetouchError, match="no checkpoint"):
        load_checkpoint(tmp_path)
    save_checkpoint(tmp_path, state(5)).write_bytes(b"")
    with pytest.raises(RetouchError, match="is whole"):
        load_checkpoint(tmp_path)


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), RuntimeError("unexpected pos 64 vs 0")]
)
def test_a_full_disk_leaves_the_checkpoints_as_they_are(tmp_path, monkeypatch, error):
    save_checkpoint(tmp_path, state(5))

    def full(content, file):
        file.write(b"half")
        raise error

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(RetouchError, match=r"Cannot write a checkpoint .* go on with --resume"):
        save_checkpoint(tmp_path, state(10))
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-00000005.pt"]


def test_what_a_killed_process_was_writing_is_removed(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(type(tmp_path), "unlink", lambda *_, **__: None)  # as if it had been killed
        patch.setattr(torch, "save", lambda content, file: file.write(b"half") and 1 / 0)
        with pytest.raises(ZeroDivisionError):
            save_checkpoint(tmp_path, state(5))
    assert len(list(tmp_path.iterdir())) == 1
    save_checkpoint(tmp_path, state(10))
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-00000010.pt"]

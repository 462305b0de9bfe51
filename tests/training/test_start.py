"""What a user can do wrong before a run has begun, and after it has ended."""

import os
import tarfile

import cv2
import numpy as np
import pytest
import yaml

from retouch.errors import RetouchError
from retouch.training.checkpoint import checkpoints, load_checkpoint
from retouch.training.settings import build_config, dump_config
from retouch.training.start import _check_same, start


def run(config, pictures, folder, **options):
    lines = []
    start(config, [pictures], folder, say=lines.append, device=options.pop("device", "cpu"), **options)
    return lines


@pytest.fixture
def begun(tiny, pictures, tmp_path):
    """A configuration, and the folder of a run of it that has ended."""
    config = tiny(steps=2)
    run(config, pictures, tmp_path / "run")
    return config, tmp_path / "run"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"device": "tpu9"}, "Cannot train on 1 × tpu9"),
        ({"devices": 3}, "A batch of 4 cannot be shared by 3 devices"),
        ({"changes": ["accumulate=3"]}, "A batch of 4 cannot"),
        ({"changes": ["data.held_out=12"]}, "12 are to be held out"),
        ({"changes": ["recipe.wdth=1"]}, "no setting recipe.wdth"),
        ({"resume": True}, "There is no checkpoint"),
        ({"silhouettes": "objects.tar"}, "leave out --masks"),
    ],
)
def test_nothing_is_written_when_something_is_wrong(tiny, pictures, tmp_path, options, words):
    with pytest.raises(RetouchError, match=words):
        run(tiny(), pictures, tmp_path / "run", **options)
    assert not (tmp_path / "run").exists()


def test_an_empty_folder_of_data_is_refused(tiny, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(RetouchError, match="There is no picture in"):
        run(tiny(), tmp_path / "empty", tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_objects_need_silhouettes(tiny, pictures, tmp_path):
    with pytest.raises(RetouchError, match="--masks"):
        run(tiny(data__masks={"kind": "objects"}), pictures, tmp_path / "run")


def test_a_run_is_not_begun_over_another(begun, pictures):
    config, folder = begun
    with pytest.raises(RetouchError, match="holds a run; go on with --resume"):
        run(config, pictures, folder)


def test_a_file_is_no_folder(tiny, pictures, tmp_path):
    (tmp_path / "run").write_text("x")
    with pytest.raises(RetouchError, match="is a file"):
        run(tiny(), pictures, tmp_path / "run")


def test_a_place_where_nothing_can_be_written_is_told(tiny, pictures, tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(RetouchError, match=r"Cannot write to .*name another --out"):
        run(tiny(), pictures, tmp_path / "file" / "run")


def test_a_run_that_has_ended_says_so(begun, pictures):
    config, folder = begun
    assert run(config, pictures, folder, resume=True) == [
        "All 2 steps are done; for more, add --set steps=… to --resume."
    ]
    lines = run(config, pictures, folder, resume=True, changes=["steps=3"])
    assert lines[-1].startswith("done: step 3 of 3")
    assert yaml.safe_load((folder / "config.yaml").read_text())["steps"] == 3


def test_another_configuration_is_refused_unless_said(begun, tiny, pictures):
    _, folder = begun
    other = tiny(steps=3, optimizer__lr=5e-4)
    with pytest.raises(RetouchError, match=r"made with steps = 2, and the configuration says 3"):
        run(other, pictures, folder, resume=True)
    with pytest.raises(RetouchError, match=r"made with optimizer.lr = 0.001, .* says 0.0005"):
        run(other, pictures, folder, resume=True, changes=["steps=3"])
    lines = run(other, pictures, folder, resume=True, changes=["steps=3", "optimizer.lr=5e-4"])
    assert lines[-1].startswith("done")


def test_a_setting_that_came_after_the_checkpoint_has_its_default(tiny, tmp_path):
    config = build_config(yaml.safe_load(tiny().read_text()))
    before = dump_config(config)
    del before["recipe"]["perceptual"], before["schedule"]["final"]
    _check_same(config, before, tmp_path, [])
    before["seed"] = 7
    with pytest.raises(RetouchError, match="seed was 7"):
        _check_same(config, before, tmp_path, [])


def test_a_change_counts_only_once_it_has_been_kept(begun, pictures, monkeypatch):
    config, folder = begun
    with pytest.raises(RetouchError, match="A batch of 4 cannot"):
        run(config, pictures, folder, resume=True, changes=["steps=3", "accumulate=3"])
    lines = run(config, pictures, folder, resume=True, changes=["steps=3", "optimizer.lr=5e-4"], minutes=0)
    assert lines[-1].startswith("stopped")
    # No step was made, so that the folder's own configuration is still that of its checkpoint.
    lines = run(folder / "config.yaml", pictures, folder, resume=True, changes=["steps=3"])
    assert lines[-1].startswith("done")


@pytest.mark.parametrize("minutes", [float("nan"), -1])
def test_a_time_limit_that_is_none_is_refused(minutes, tiny, pictures, tmp_path):
    with pytest.raises(RetouchError, match="--minutes must be a number"):
        run(tiny(), pictures, tmp_path / "run", minutes=minutes)
    assert not (tmp_path / "run").exists()


def test_names_of_pictures_may_be_any_bytes(tiny, pictures, tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    for path in pictures.iterdir():
        (data / path.name).write_bytes(path.read_bytes())
    (data / os.fsdecode(b"caf\xe9.png")).write_bytes(next(pictures.iterdir()).read_bytes())
    assert run(tiny(steps=1), data, tmp_path / "run")[-1].startswith("done")


def test_a_run_that_is_stopped_at_once_can_go_on(tiny, pictures, tmp_path):
    lines = run(tiny(), pictures, tmp_path / "run", minutes=0)
    assert lines[-1].startswith("stopped; continue with --resume: step 0 of 4")
    assert run(tiny(), pictures, tmp_path / "run", resume=True)[-1].startswith("done")


def test_what_was_held_out_stays_so_when_pictures_move(begun, pictures, tmp_path):
    config, folder = begun
    before = load_checkpoint(folder)[0]["held_out"]
    with tarfile.open(tmp_path / "moved.tar", "w") as shard:
        for path in pictures.iterdir():
            shard.add(path, f"photos/{path.name}")
    run(config, tmp_path / "moved.tar", folder, resume=True, changes=["steps=3"])
    assert load_checkpoint(folder)[0]["held_out"] == before
    assert len(before) == 3


def test_every_setting_that_is_changed_takes_effect(begun, pictures):
    config, folder = begun
    run(config, pictures, folder, resume=True, changes=["steps=3", "optimizer.betas=[0.1, 0.2]"])
    for optimizer in load_checkpoint(folder)[0]["optimizers"].values():
        assert optimizer["param_groups"][0]["betas"] == (0.1, 0.2)


@pytest.mark.parametrize("change", ["seed=1", "data.held_out=4"])
def test_what_was_learned_from_is_never_held_out(begun, pictures, change):
    config, folder = begun
    with pytest.raises(RetouchError, match="Begin another run"):
        run(config, pictures, folder, resume=True, changes=["steps=3", change])


def test_networks_of_another_shape_are_refused(begun, pictures):
    config, folder = begun
    with pytest.raises(RetouchError, match="does not fit the networks"):
        run(config, pictures, folder, resume=True, changes=["recipe.width=0.08"])


def test_a_damaged_checkpoint_is_told_and_the_one_before_used(tiny, pictures, tmp_path):
    config, folder = tiny(steps=4), tmp_path / "run"
    run(config, pictures, folder)
    newest = checkpoints(folder)[-1]
    newest.write_bytes(newest.read_bytes()[:1000])
    lines = run(config, pictures, folder, resume=True)
    assert "checkpoint-00000004.pt is cut off or damaged; the one before it is used." in lines[0]
    assert "from step 2" in lines[1]
    assert [path.name for path in checkpoints(folder)] == ["checkpoint-00000002.pt", "checkpoint-00000004.pt"]
    assert (folder / "checkpoint-00000004.damaged").exists()
    assert lines[-1].startswith("done: step 4")


def test_other_pictures_are_told(begun, pictures, tmp_path):
    config, folder = begun
    fewer = tmp_path / "fewer"
    fewer.mkdir()
    for path in sorted(pictures.iterdir())[:8]:
        (fewer / path.name).write_bytes(path.read_bytes())
    lines = run(config, fewer, folder, resume=True, changes=["steps=3"])
    assert "not those of before" in lines[0]


def test_another_order_of_pictures_is_told(tiny, pictures, tmp_path):
    """Samples follow it, so the run would go on otherwise than without a break."""
    halves = [tmp_path / "one", tmp_path / "two"]
    for number, path in enumerate(sorted(pictures.iterdir())):
        halves[number % 2].mkdir(exist_ok=True)
        (halves[number % 2] / path.name).write_bytes(path.read_bytes())
    folder, config, lines = tmp_path / "run", tiny(steps=2), []
    start(config, halves, folder, say=lines.append, device="cpu")
    for steps, order, told in ((3, halves, False), (4, halves[::-1], True)):
        lines.clear()
        changes = [f"steps={steps}"]
        start(config, order, folder, say=lines.append, device="cpu", resume=True, changes=changes)
        assert ("not those of before" in lines[0]) == told


def test_silhouettes_named_in_the_configuration_are_noted(tiny, pictures, tmp_path):
    (tmp_path / "shapes").mkdir()
    for name in "ab":
        shape = np.zeros((20, 20), np.uint8)
        shape[5:15, 5:15] = 255
        cv2.imwrite(str(tmp_path / "shapes" / f"{name}.png"), shape)
    masks = {"kind": "objects", "silhouettes": str(tmp_path / "shapes")}
    run(tiny(steps=1, data__masks=masks), pictures, tmp_path / "run")
    assert load_checkpoint(tmp_path / "run")[0]["data"][0]["silhouettes"] == 2

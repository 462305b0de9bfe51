"""Runs are exact: resumed, accumulated or shared by processes, they learn the same."""

import csv
import os
import re
import signal
import subprocess
import sys
from collections import defaultdict
from types import SimpleNamespace

import cv2
import pytest
import torch
from torch.nn.utils import get_total_norm

from retouch.errors import RetouchError
from retouch.training import loop as training_loop
from retouch.training import start as training_start
from retouch.training.checkpoint import checkpoints, load_checkpoint
from retouch.training.recipes.contextual_attention import ContextualAttentionRecipe
from retouch.training.recipes.sample import Term
from retouch.training.start import start


def run(config, pictures, folder, **options):
    lines = []
    start(config, [pictures], folder, say=lines.append, device="cpu", **options)
    return lines


def curves(folder):
    """Figures by name and step; those that depend on the clock are left out."""
    found = defaultdict(dict)
    with (folder / "metrics.csv").open() as file:
        for row in csv.DictReader(file):
            if row["name"] != "images_per_second":
                found[row["name"]][int(row["step"])] = float(row["value"])
    return found


def same(one, other):
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(
            same(one[key], other[key]) for key in one if key != "seconds"
        )
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    return one == other


def test_a_resumed_run_is_the_same_bit_for_bit(tiny, pictures, tmp_path):
    config = tiny(steps=20, batch=2, recipe__critic_steps=1, watch__checkpoint_every=10)
    run(config, pictures, tmp_path / "whole")

    def halt(line):
        if line.startswith("step 10/"):
            os.kill(os.getpid(), signal.SIGTERM)

    # It is told to stop during step 10's line, so that step 10 itself is the last or the one after it.
    start(config, [pictures], tmp_path / "parts", say=halt, device="cpu")
    assert load_checkpoint(tmp_path / "parts")[0]["step"] in (10, 11)
    run(config, pictures, tmp_path / "parts", resume=True)

    whole, parts = (load_checkpoint(tmp_path / name)[0] for name in ("whole", "parts"))
    assert whole["step"] == 20
    assert same(whole, parts)
    assert curves(tmp_path / "whole") == curves(tmp_path / "parts")
    assert same(whole["average"], whole["generator"]) is False


def test_training_lessens_the_loss(tiny, pictures, tmp_path):
    config = tiny(steps=30, batch=2, recipe__adversarial_from=30, recipe__width=0.1, watch__validate_every=30)
    run(config, pictures, tmp_path / "run", changes=["optimizer.lr=2e-3"])
    known = curves(tmp_path / "run")["known"]
    assert sum(known[step] for step in range(26, 31)) < 0.9 * sum(known[step] for step in range(1, 6))


def test_a_folder_of_a_run_holds_all_that_the_page_says(tiny, pictures, tmp_path):
    lines = run(tiny(), pictures, tmp_path / "run")
    assert {path.name for path in (tmp_path / "run").iterdir()} == {
        "checkpoint-00000002.pt",
        "checkpoint-00000004.pt",
        "config.yaml",
        "grids",
        "metrics.csv",
        "tensorboard",
    }
    grid = cv2.imread(str(tmp_path / "run" / "grids" / "step-00000004.png"))
    assert grid.shape == (3 * 100 - 4, 4 * 100 - 4, 3)  # three held-out pictures: input, coarse, fill, truth
    assert (tmp_path / "run" / "config.yaml").read_text().startswith("model: contextual-attention")
    figures = curves(tmp_path / "run")
    assert set(figures["hole"]) == {1, 2, 3, 4}
    assert set(figures["critic_local"]) == {2, 3, 4}  # adversarial_from: 1
    assert set(figures["validation_l1_hole"]) == {0, 2, 4}
    names = sorted(path.name for path in (tmp_path / "run" / "grids").iterdir())
    assert names == ["step-00000000.png", "step-00000002.png", "step-00000004.png"]
    assert re.search(r"^step 2/4  [\d.]+ images/s  .+ left  .*hole 0\.\d+", "\n".join(lines), re.M)
    assert "9 pictures (in memory), 3 held out" in lines[0]
    assert lines[-1].startswith("done: step 4 of 4")


def test_batch_normalisation_sees_every_part_of_a_batch(tiny, pictures, tmp_path):
    recipe = {"width": 0.04, "form": "connected", "adversarial_from": 1}
    middle = {"kind": "rectangles", "side": 0.5, "margin": 0.25, "jitter": 0.0, "most": 0.5}
    config = tiny(
        model="context-encoder", data__size=128, data__masks=middle, recipe=recipe, steps=1, accumulate=2
    )
    run(config, pictures, tmp_path / "run")
    seen = [
        int(each)
        for name, each in load_checkpoint(tmp_path / "run")[0]["generator"].items()
        if name.endswith("num_batches_tracked")
    ]
    assert seen
    assert set(seen) == {2}


PEN_NET = {
    "model": "pen-net",
    "data__size": 64,
    "recipe": {"width": 0.04, "adversarial_from": 1, "critic_steps": 2},
}


@pytest.mark.parametrize("changes", [{}, PEN_NET], ids=["contextual-attention", "pen-net"])
def test_parts_of_a_batch_learn_what_the_whole_batch_does(tiny, pictures, tmp_path, changes):
    run(tiny(**changes), pictures, tmp_path / "whole")
    run(tiny(**changes, accumulate=2), pictures, tmp_path / "parts")
    agree(curves(tmp_path / "whole"), curves(tmp_path / "parts"))


@pytest.mark.slow
def test_two_processes_learn_what_one_does(tiny, pictures, tmp_path):
    config = tiny()
    run(config, pictures, tmp_path / "one")
    command = [
        sys.executable,
        "-m",
        "retouch",
        "train",
        config,
        "--data",
        pictures,
        "--out",
        tmp_path / "two",
    ]
    options = ["--device", "cpu", "--devices", "2"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*map(str, command), *options], env=environment, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("step 4/4") == 1  # only the first process reports
    agree(curves(tmp_path / "one"), curves(tmp_path / "two"))
    one, two = (load_checkpoint(tmp_path / name)[0] for name in ("one", "two"))
    assert one["sample"] == two["sample"]


def test_gradients_of_any_memory_layout_are_averaged_over_processes():
    ours = [torch.rand(3, 4, 2, 2).to(memory_format=torch.channels_last), torch.rand(5), torch.rand(())]
    theirs = [torch.rand(each.shape) for each in ours]
    expected = [(each + other) / 2 for each, other in zip(ours, theirs, strict=True)]
    flat = torch.cat([each.flatten() for each in theirs])
    fabric = SimpleNamespace(all_reduce=lambda tensor, reduce_op: (tensor + flat) / 2)
    training_loop._average(fabric, ours)
    assert ours[0].is_contiguous(memory_format=torch.channels_last)
    for each, other in zip(ours, expected, strict=True):
        assert torch.allclose(each, other)


def agree(one, other):
    assert one.keys() == other.keys()
    for name in one:
        assert one[name] == pytest.approx(other[name], rel=2e-3, abs=1e-3), name


def test_a_time_limit_stops_with_a_checkpoint(tiny, pictures, tmp_path, monkeypatch):
    lines, clock = [], SimpleNamespace(now=1000.0)
    watch = SimpleNamespace(monotonic=lambda: clock.now)
    monkeypatch.setattr(training_start, "time", watch)
    monkeypatch.setattr(training_loop, "time", watch)

    def say(line):
        lines.append(line)
        if line.startswith("step "):
            clock.now += 20.0

    start(tiny(steps=10_000), [pictures], tmp_path / "run", say=say, device="cpu", minutes=1)
    # Steps take no time on this clock, and their lines 20 s each: three of them fit into a minute.
    assert load_checkpoint(tmp_path / "run")[0]["step"] == 4
    assert lines[-1].startswith("stopped; continue with --resume: step 4 of 10000")


def test_a_run_goes_on_when_no_one_reads_along(tiny, pictures, tmp_path):
    def gone(line):
        if line.startswith("step"):
            raise BrokenPipeError

    start(tiny(steps=3), [pictures], tmp_path / "run", say=gone, device="cpu")
    assert checkpoints(tmp_path / "run")[-1].stem.endswith("3")


def test_a_run_without_time_makes_no_step(tiny, pictures, tmp_path):
    run(tiny(), pictures, tmp_path / "run", minutes=0)
    assert load_checkpoint(tmp_path / "run")[0]["step"] == 0
    assert not (tmp_path / "run" / "grids").exists()


def test_what_is_not_finite_stops_the_run_and_is_named(tiny, pictures, tmp_path, monkeypatch):
    def losses(self, generator, critic, sample):
        found = whole(self, generator, critic, sample)
        if bad:
            found[bad["term"]] = Term(1.0, found[bad["term"]].value * bad["factor"])
        return found

    whole, bad = ContextualAttentionRecipe.generator_losses, {}
    monkeypatch.setattr(ContextualAttentionRecipe, "generator_losses", losses)
    config = tiny(steps=4, batch=2, recipe__adversarial_from=9, watch__checkpoint_every=1)
    run(config, pictures, tmp_path / "run", changes=["steps=1"])
    good = load_checkpoint(tmp_path / "run")[0]
    for term, factor, words in [
        ("coarse_hole", float("nan"), "the term coarse_hole is not a finite number"),
        ("hole", float("inf"), "the term hole is not a finite number"),
    ]:
        bad |= {"term": term, "factor": factor}
        with pytest.raises(RetouchError, match=f"At step 2 {words}; .* --resume --set optimizer.lr=0.00025"):
            run(config, pictures, tmp_path / "run", resume=True, changes=["steps=4"])
        assert same(load_checkpoint(tmp_path / "run")[0], good)


def test_a_gradient_that_is_not_finite_is_named(tiny, pictures, tmp_path, monkeypatch):
    def losses(self, generator, critic, sample):
        known = whole(self, generator, critic, sample)["known"].value
        return {"root": Term(1.0, (known - known).sqrt())}  # finite, and its slope is not

    whole = ContextualAttentionRecipe.generator_losses
    monkeypatch.setattr(ContextualAttentionRecipe, "generator_losses", losses)
    with pytest.raises(RetouchError, match="At step 1 the gradient of the generator is not a finite number"):
        run(tiny(batch=2), pictures, tmp_path / "run")


@pytest.mark.parametrize("clip", [0.0, 1e-3, 1e9])
def test_a_long_gradient_is_shortened(clip, tiny, pictures, tmp_path, monkeypatch):
    def step(self, *words, **more):
        given = [
            each.grad for group in self.param_groups for each in group["params"] if each.grad is not None
        ]
        norms.append(float(get_total_norm(given)))
        return taken(self, *words, **more)

    taken, norms = torch.optim.Adam.step, []
    monkeypatch.setattr(torch.optim.Adam, "step", step)
    config = tiny(steps=1, batch=2, recipe__critic_steps=1, recipe__adversarial_from=0)
    run(config, pictures, tmp_path / "run", changes=[f"optimizer.clip={clip}"])
    found = curves(tmp_path / "run")
    before = [found["gradient_critic"][1], found["gradient_generator"][1]]
    assert min(before) > 1e-3
    assert norms == pytest.approx([min(each, clip) if clip else each for each in before], rel=1e-3)


def test_a_network_that_breaks_down_is_told(tiny, pictures, tmp_path):
    with pytest.raises(RetouchError, match=r"At step 2 the (\w+ broke down|term \w+ is not|gradient of the)"):
        run(
            tiny(batch=2, recipe__adversarial_from=9),
            pictures,
            tmp_path / "run",
            changes=["optimizer.lr=1e35"],
        )


def test_samples_that_no_one_can_read_are_told(tiny, pictures, tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    for path in pictures.iterdir():
        (data / path.name).write_bytes(path.read_bytes())
    for number in range(4):
        (data / f"broken-{number}.png").write_bytes(b"no picture")
    lines = run(tiny(), data, tmp_path / "run")
    assert re.search(r"\d of 13 pictures cannot be read and are skipped: .*broken", "\n".join(lines))


def test_checkpoints_are_two_at_most(tiny, pictures, tmp_path):
    run(tiny(steps=5, watch__checkpoint_every=1), pictures, tmp_path / "run")
    assert [path.stem[-1] for path in checkpoints(tmp_path / "run")] == ["4", "5"]

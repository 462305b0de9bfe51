"""``retouch train`` and ``retouch export``, as they are typed."""

import sys

import cv2
import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

from retouch.cli import app
from retouch.weights import read_weights


@pytest.fixture
def config(tmp_path):
    content = {
        "model": "contextual-attention",
        "steps": 2,
        "batch": 2,
        "data": {"size": 96, "held_out": 1},
        "recipe": {"width": 0.04, "adversarial_from": 2},
    }
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(content))
    return str(tmp_path / "tiny.yaml")


@pytest.fixture
def data(tmp_path):
    (tmp_path / "data").mkdir()
    for number in range(3):
        picture = np.random.default_rng(number).integers(0, 255, (100, 100, 3), np.uint8)
        cv2.imwrite(str(tmp_path / "data" / f"{number}.png"), picture)
    return str(tmp_path / "data")


def run(*arguments):
    return CliRunner().invoke(app, [str(each) for each in arguments])


@pytest.mark.slow
def test_a_model_is_trained_exported_and_used(config, data, tmp_path, photo_file, mask_file):
    out, weights = tmp_path / "run", tmp_path / "mine.safetensors"
    trained = run("train", config, "--data", data, "--out", out, "--set", "steps=1", "--device", "cpu")
    assert trained.exit_code == 0, trained.output
    assert "step 1/1" in trained.stderr
    resumed = run("train", config, "--data", data, "--out", out, "--resume", "--set", "steps=2")
    assert resumed.exit_code == 0, resumed.output
    assert "from step 1" in resumed.stderr

    exported = run("export", out, "-o", weights)
    assert exported.exit_code == 0, exported.output
    assert f"wrote {weights}: step 2" in exported.stderr.replace("\n", "")
    again = run("export", out, "-o", weights)
    assert again.exit_code == 2
    assert "--overwrite" in again.stderr
    assert run("export", out, "-o", weights, "--overwrite").exit_code == 0
    mean = tmp_path / "mean.safetensors"
    assert run("export", out, "-o", mean, "--with", weights, "--share", "0.25").exit_code == 0
    assert read_weights(mean).about["mean"]["share"] == 0.25
    alone = run("export", out, "-o", tmp_path / "none.safetensors", "--share", "0.25")
    assert alone.exit_code == 2
    assert "say with --with WEIGHTS of which" in " ".join(alone.stderr.split())

    filled = run("fill", photo_file, mask_file, "-o", tmp_path / "filled.png", "--model", weights)
    assert filled.exit_code == 0, filled.output
    assert (tmp_path / "filled.png").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--set", "optimizer.lr"], "key=value"),
        (["--set", "recipe.gamma=2"], "gamma"),
        (["--resume"], "There is no checkpoint"),
        (["--masks", "objects.tar"], "--masks"),
        (["--device", "tpu9"], "tpu9"),
    ],
)
def test_mistakes_are_one_sentence_and_leave_nothing(config, data, tmp_path, options, words):
    result = run("train", config, "--data", data, "--out", tmp_path / "run", *options)
    assert result.exit_code == 2
    assert words in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "run").exists()


def test_a_configuration_has_a_name(data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tiny = ["--set", "steps=1", "--set", "batch=1", "--set", "recipe.width=0.04", "--set", "data.held_out=1"]
    no_objects = ["--set", "data.masks={kind: rectangles}", "--set", "data.size=96", "--device", "cpu"]
    done = run("train", "contextual-attention-lite", "--data", data, "--out", "run", *tiny, *no_objects)
    assert done.exit_code == 0, done.output
    assert "step 1/1" in done.stderr

    wrong = run("train", "contextual-attention", "--data", data, "--out", "other")
    assert wrong.exit_code == 2
    assert "contextual-attention-lite, contextual-attention-paper" in wrong.stderr
    assert not (tmp_path / "other").exists()
    assert "contextual-attention-lite" in " ".join(run("train", "--help").stdout.split())


def test_what_is_not_installed_is_said(config, data, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "lightning", None)
    result = run("train", config, "--data", data, "--out", tmp_path / "run")
    assert result.exit_code == 2
    assert "lightning is not installed; in a clone of retouch, run: pip install '.[train]'" in result.stderr

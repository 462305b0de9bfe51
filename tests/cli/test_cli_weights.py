"""Weights files on the command line."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

import retouch
from retouch.files import file_digest
from retouch.models import CARDS
from retouch.weights import read_weights, write_weights


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "data"
    mask = np.zeros((80, 80), np.uint8)
    mask[30:50, 24:50] = 255
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    for number in range(2):
        pixels = np.random.default_rng(number).integers(0, 256, (10, 10, 3), np.uint8)
        Image.fromarray(pixels.repeat(8, 0).repeat(8, 1)).save(folder / "images" / f"{number}.png")
        Image.fromarray(mask).save(folder / "masks" / f"{number}.png")
    return folder


def report(out):
    return json.loads((out / "report.json").read_text("utf-8"))


def other_values(weights_file):
    """Put another network into the same file."""
    found = read_weights(weights_file)
    tensors = {name: torch.full_like(each, 0.1) for name, each in found.tensors.items()}
    write_weights(weights_file, found.model, tensors, found.about, overwrite=True)


def test_fill_takes_a_file(run, photo, hole, photo_file, mask_file, weights_file):
    done = run("fill", photo_file, mask_file, "--model", weights_file, "--quiet")
    assert (done.code, done.err) == (0, "")
    filled = np.asarray(Image.open(photo_file.with_name("photo-filled.png")))
    assert np.array_equal(filled, retouch.inpaint(photo, hole, model=weights_file))


@pytest.mark.parametrize("model", ["gone.safetensors", "pen-net"])
def test_fill_without_weights_is_one_sentence(run, photo_file, mask_file, model, monkeypatch):
    monkeypatch.setattr("retouch.models.CARDS", [replace(card, widths=()) for card in CARDS])
    done = run("fill", photo_file, mask_file, "--model", model)
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert model in done.err


@pytest.mark.slow
def test_a_file_is_measured_and_noticed_when_it_changes(run, data, tmp_path, weights_file):
    out = tmp_path / "report"
    words = ("evaluate", "--model", "telea", "--model", weights_file, "--data", data, "--out", out)
    assert run(*words).code == 0
    first = report(out)
    assert first["models"] == ["telea", "tiny"]
    assert first["weights"] == {"tiny": {"path": str(weights_file), "sha256": file_digest(weights_file)}}
    assert all(row["error"] is None for row in first["rows"])
    for name in ("report.md", "index.html"):
        assert file_digest(weights_file) in (out / name).read_text("utf-8")

    assert run(*words, "--resume").code == 0
    assert report(out)["rows"] == first["rows"]

    other_values(weights_file)
    assert run(*words, "--resume").code == 0
    second = report(out)
    assert (
        second["weights"]["tiny"]["sha256"] == file_digest(weights_file) != first["weights"]["tiny"]["sha256"]
    )
    for old, new in zip(first["rows"], second["rows"], strict=True):
        assert (old == new) == (old["model"] == "telea")
        assert (old["metrics"] == new["metrics"]) == (old["model"] == "telea")
    assert [row["model"] for row in second["rows"]] == ["telea", "tiny", "telea", "tiny"]
    assert second["summary"][0]["count"] == second["summary"][1]["count"] == 2


def test_a_file_that_does_not_fit_is_said_before_anything_is_measured(run, data, tmp_path, weights_file):
    found = read_weights(weights_file)
    write_weights(weights_file, found.model, {}, found.about, overwrite=True)
    done = run("evaluate", "--model", weights_file, "--data", data, "--out", tmp_path / "report")
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "does not fit" in done.err
    assert not (tmp_path / "report").exists()

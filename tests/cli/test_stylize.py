import inspect
import io

import numpy as np
import pytest
import torch
from PIL import Image

import retouch
from retouch.models.infer_match_translate.network import InferMatchTranslateNetwork
from retouch.weights import write_weights


@pytest.fixture
def weights(tmp_path):
    """An untrained, narrow network, beside none of the pictures."""
    path = tmp_path / "weights" / "tiny.safetensors"
    path.parent.mkdir()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = InferMatchTranslateNetwork(0.03)
    about = {"config": {"recipe": {"width": 0.03}, "data": {"size": 128}}, "steps": 0}
    write_weights(path, "infer-match-translate", network.state_dict(), about)
    return path


@pytest.fixture
def style_file(tmp_path, photo):
    path = tmp_path / "style.png"
    Image.fromarray(photo[50:, 30:][:, ::-1, ::-1]).save(path)
    return path


def test_stylize_writes_beside_the_photo(run, pixels, photo, photo_file, style_file, weights):
    done = run("stylize", photo_file, style_file, "--model", weights)
    target = photo_file.with_name("photo-stylized.png")
    assert done.code == 0
    assert done.out == b""
    assert done.err.startswith(f"wrote {target} in ")
    assert done.err.count("\n") == 1
    assert np.array_equal(pixels(target), retouch.stylize(photo, pixels(style_file), model=weights))
    again = run("stylize", photo_file, style_file, "--model", weights, "--overwrite", "--quiet")
    assert (again.code, again.out, again.err) == (0, b"", "")


def test_options_reach_the_library(run, photo_file, tmp_path, monkeypatch):
    seen = {}

    def stylize(image, style, **options):
        seen.update(options, style=style)
        raise retouch.RetouchError("Seen enough.")

    monkeypatch.setattr(retouch, "stylize", stylize)
    options = {"strength": 0.25, "patch": 5, "model": "mine", "device": "cpu", "seed": 3}
    words = [word for name, value in options.items() for word in ("--" + name, value)]
    done = run("stylize", photo_file, "s.png", *words, "--allow-huge", "--quiet")
    assert (done.code, done.err) == (2, "retouch: Seen enough.\n")
    assert seen == {**options, "allow_huge": True, "style": "s.png", "on_progress": None}


def test_defaults_are_those_of_the_library(shared_options):
    arguments = set(inspect.signature(retouch.stylize).parameters)
    assert arguments - shared_options("stylize") == {"image", "style", "on_progress"}


def test_pipes(run, pixels, photo, photo_file, style_file, weights, tmp_path):
    expected = retouch.stylize(photo, pixels(style_file), model=weights)
    words = ("--model", weights)
    done = run("stylize", "-", style_file, *words, stdin=photo_file.read_bytes())
    assert done.err.startswith("wrote standard output in ")
    assert np.array_equal(pixels(io.BytesIO(done.out)), expected)
    done = run("stylize", photo_file, "-", "-o", tmp_path / "o.png", *words, stdin=style_file.read_bytes())
    assert (done.code, done.out) == (0, b"")
    assert np.array_equal(pixels(tmp_path / "o.png"), expected)


def test_output_can_be_a_folder(run, photo_file, style_file, weights, tmp_path):
    (tmp_path / "there").mkdir()
    words = ("--strength", 0, "--model", weights, "-o", f"{tmp_path / 'there'}/")
    assert run("stylize", photo_file, style_file, *words).code == 0
    assert (tmp_path / "there" / "photo-stylized.png").read_bytes() == photo_file.read_bytes()


def test_strength_0_copies_the_photo(run, photo, style_file, weights, tmp_path):
    file = tmp_path / "photo.jpg"
    Image.fromarray(photo).save(file, quality=30)
    assert run("stylize", file, style_file, "--strength", 0, "--model", weights).code == 0
    assert (tmp_path / "photo-stylized.jpg").read_bytes() == file.read_bytes()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["gone.png", "style.png"], "gone.png"),
        (["photo.png", "gone.png"], "gone.png"),
        (["photo.png", "."], "folder"),
        (["photo.png", "notes.txt"], "notes.txt"),
        (["photo.png", "clear.png"], "opaque"),
        (["photo.png", "style.png", "--strength", "2"], "between 0 and 1"),
        (["photo.png", "style.png", "--patch", "4"], "odd"),
        (["photo.png", "style.png", "--seed", str(2**63)], "too large"),
        (["photo.png", "style.png", "--model", "exemplar"], "exemplar cannot transfer a style"),
        (["photo.png", "style.png", "--model", "gone.safetensors"], "gone.safetensors"),
        (["photo.png", "style.png", "--device", "quantum"], "quantum"),
        (["photo.png", "style.png", "-o", "photo.png"], "--overwrite"),
        (["photo.png", "style.png", "-o", "gone/out.png"], "gone"),
        (["photo.png", "style.png", "-o", "out.xyz"], "xyz"),
        (["clear.png", "style.png", "-o", "out.jpg"], "transparency"),
        (["photo.png", "style.png", "-o", "style.png", "--overwrite"], "-o and STYLE are the same file"),
        (["photo.png", "style.png", "-o", "hard-link.png", "--overwrite"], "STYLE"),
        (["-", "-"], "PHOTO and STYLE"),
        (["-", "style.png"], "empty"),
    ],
)
def test_mistakes_are_one_sentence_and_write_nothing(
    refused, photo, style_file, photo_file, weights, tmp_path, monkeypatch, words, says
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.txt").write_text("not a photo")
    (tmp_path / "hard-link.png").hardlink_to(style_file)
    Image.fromarray(np.dstack([photo, np.zeros(photo.shape[:2], np.uint8)])).save("clear.png")
    refused("stylize", *words, *(() if "--model" in words else ("--model", weights)), says=says)


def test_ctrl_c_leaves_nothing(run, photo_file, style_file, weights, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("retouch.style.pipeline.borrow", interrupt)
    before = sorted(photo_file.parent.iterdir())
    done = run("stylize", photo_file, style_file, "--model", weights)
    assert (done.code, done.err) == (130, "retouch: interrupted\n")
    assert sorted(photo_file.parent.iterdir()) == before

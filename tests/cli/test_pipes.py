"""Photos and masks from pipes with a name, such as <(…), and standard output that cannot be written to."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import retouch
from retouch import RetouchError
from retouch.cli.terminal import check_pipe, plain_errors, progress_bar, read_pipe, say

FAST = ("--model", "telea")


@pytest.fixture
def piped():
    """Give what a file holds as a shell gives <(cat FILE): ``piped(path)``. It can be read once."""
    if not Path("/dev/fd").is_dir():
        pytest.skip("pipes have no names here")
    readers = []

    def piped(path: Path) -> str:
        reader, writer = os.pipe()
        readers.append(reader)
        with os.fdopen(writer, "wb") as file:
            file.write(path.read_bytes())
        return f"/dev/fd/{reader}"

    yield piped
    for reader in readers:
        os.close(reader)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_an_unchanged_copy_is_whole(run, photo_file, hole, piped, tmp_path):
    Image.fromarray(np.zeros_like(hole)).save(tmp_path / "empty.png")
    done = run("fill", piped(photo_file), tmp_path / "empty.png", "-o", tmp_path / "out.png")
    assert done.code == 0
    assert (tmp_path / "out.png").read_bytes() == photo_file.read_bytes()
    target = tmp_path / "python.png"
    assert retouch.inpaint(piped(photo_file), piped(tmp_path / "empty.png"), output=target) == target
    assert target.read_bytes() == photo_file.read_bytes()


def test_a_record_has_the_digests_of_what_was_read(run, photo_file, mask_file, piped, tmp_path):
    out = tmp_path / "out.png"
    words = (piped(photo_file), piped(mask_file), "--avoid", piped(mask_file), "-o", out, "--record")
    assert run("fill", *words, *FAST).code == 0
    told = json.loads(out.with_suffix(".json").read_text())
    entry = {"file": None, "sha256": sha256(mask_file)}
    assert told["original"] | {"file": None, "sha256": sha256(photo_file)} == told["original"]
    assert told["mask"] | entry == told["mask"]
    assert told["arguments"]["avoid"] == entry
    again = tmp_path / "again.png"
    made = retouch.fill(
        piped(photo_file), piped(mask_file), avoid=piped(mask_file), model="telea", record=True, output=again
    )
    assert made.record["original"] == told["original"]
    assert (made.record["mask"], made.record["arguments"]) == (told["mask"], told["arguments"])
    assert again.read_bytes() == out.read_bytes()


def test_other_photos_from_pipes_have_digests(photo, photo_file, mask_file, piped, tmp_path):
    other = tmp_path / "other.png"
    Image.fromarray(photo[::-1]).save(other)
    result = retouch.fill(photo_file, mask_file, references=[piped(other)], model="telea", record=True)
    assert result.record["arguments"]["references"] == [{"file": None, "sha256": sha256(other)}]


def test_the_parent_of_a_signature_is_what_was_read(run, photo_file, mask_file, piped, tmp_path, monkeypatch):
    parents = []

    def seal_of(identity, source, format, said):
        parents.append(source)
        return lambda data, kind: data

    monkeypatch.setattr("retouch.recording.signing.read_identity", lambda *_: object())
    monkeypatch.setattr("retouch.recording.signing.seal_of", seal_of)
    words = ("-o", tmp_path / "out.png", "--sign", "chain.pem", "key.pem", *FAST)
    assert run("fill", piped(photo_file), mask_file, *words).code == 0
    retouch.fill(piped(photo_file), mask_file, output=tmp_path / "o.png", sign=("c", "k"), model="telea")
    assert parents == [photo_file.read_bytes()] * 2


def test_a_map_of_classes_comes_through_a_pipe(run, hole, photo_file, piped, tmp_path):
    classes = Image.fromarray(hole.astype(np.uint8) * 3, "P")
    classes.putpalette(bytes([0, 0, 0, 128, 0, 0, 0, 128, 0, 128, 128, 0]))  # as in Pascal VOC
    file, out = tmp_path / "classes.png", tmp_path / "out.png"
    classes.save(file)
    assert run("fill", photo_file, file, *FAST).code == 0
    assert run("fill", photo_file, piped(file), "-o", out, *FAST).code == 0
    assert out.read_bytes() == (tmp_path / "photo-filled.png").read_bytes()


def test_a_replay_refuses_a_pipe(run, photo_file, mask_file, piped):
    assert run("fill", photo_file, mask_file, "--record", *FAST).code == 0
    done = run("replay", photo_file.with_name("photo-filled.json"), "--photo", piped(photo_file))
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "save it as a file first" in done.err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device here")
@pytest.mark.parametrize(
    "words",
    [
        ("fill", "photo.png", "mask.png", "-o", "-", "-q", *FAST),
        ("find", "photo.png", "--text", "--json", "-q"),
        ("models", "--json"),
        ("models",),
        ("--version",),
        ("--help",),
        ("train", "--help"),
        ("replay", "photo-filled.json"),
        ("batch", ".", "mask.png", "-o", "out", "--dry-run"),
    ],
)
def test_a_full_device_is_one_sentence(words, run, photo_file, mask_file, tmp_path):
    assert run("fill", photo_file, mask_file, "--record", *FAST).code == 0
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "retouch", *words],
            cwd=tmp_path,
            env=environment,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 2
    assert done.stderr.startswith("retouch: ")
    assert "(No space left on device); redirect it" in done.stderr
    assert done.stderr.count("\n") == 1


def test_closed_streams_are_a_sentence(monkeypatch):
    """Python has None for what a program that starts it closes, as a shell does with <&-."""
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    with pytest.raises(RetouchError, match="Nothing is piped in"):
        read_pipe("photo")
    for write in (check_pipe, lambda: say("text")):
        with pytest.raises(RetouchError, match="Standard output is closed"):
            write()
    with progress_bar(quiet=False) as listen:
        assert listen is None


def test_an_error_of_a_file_that_nobody_foresaw_is_a_sentence(capsys):
    with pytest.raises(SystemExit) as ended, plain_errors():
        raise PermissionError(13, "Permission denied", b"locked\nfile")
    assert ended.value.code == 2
    assert capsys.readouterr().err == (
        "retouch: locked\\nfile cannot be used (Permission denied); check it, and who may use it.\n"
    )
    with pytest.raises(OSError, match="without a file"), plain_errors():
        raise OSError("without a file")

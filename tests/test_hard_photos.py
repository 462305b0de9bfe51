"""The script that picks the photos that mislead the network that finds damage."""

import subprocess
import sys
import tarfile
from pathlib import Path

import cv2
import numpy as np
import pytest

SCRIPT = Path(__file__).resolve().parent.parent / "scripts" / "hard_photos.py"


def pick(*words):
    command = [sys.executable, SCRIPT, *words]
    return subprocess.run([str(each) for each in command], capture_output=True, text=True)


@pytest.fixture
def photos(tmp_path):
    """Ten plain photos; across one runs what looks like a scratch."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(10):
        photo = np.random.default_rng(number).normal(120, 4, (240, 260, 3)).clip(0, 255).astype(np.uint8)
        if number == 6:
            cv2.line(photo, (20, 60), (240, 170), (250, 250, 250), 2, cv2.LINE_AA)
        cv2.imwrite(str(folder / f"{number}.png"), photo)
    return folder


def test_the_photo_that_misleads_is_copied_as_it_is(photos, tmp_path):
    done = pick(photos, tmp_path / "hard.tar", "--share", 0.1)
    assert done.returncode == 0, done.stderr
    assert "1 of 10 photos" in done.stdout
    with tarfile.open(tmp_path / "hard.tar") as tar:
        [entry] = tar
        assert entry.name == "6.png"
        assert tar.extractfile(entry).read() == (photos / "6.png").read_bytes()
    done = pick(photos, tmp_path / "areas.tar", "--areas", "--share", 0.2)
    assert "2 of 10 photos" in done.stdout, done.stderr
    whole = (tmp_path / "hard.tar").read_bytes()
    (tmp_path / "part.tar").write_bytes(whole[: len(whole) // 4])
    assert "cut short" in pick(tmp_path / "part.tar", tmp_path / "other.tar").stderr


def test_mistakes_are_said(photos, tmp_path):
    (tmp_path / "there.tar").touch()
    assert "a new file" in pick(photos, tmp_path / "there.tar").stderr
    assert "between 0 and 1" in pick(photos, tmp_path / "hard.tar", "--share", 1.5).stderr
    assert "cannot be read" in pick(tmp_path / "missing", tmp_path / "hard.tar").stderr
    assert "none is left over" in pick(photos / "6.png", tmp_path / "hard.tar").stderr
    assert "a folder that exists" in pick(photos, tmp_path / "no" / "hard.tar").stderr
    assert not (tmp_path / "hard.tar").exists()

"""The script that picks textures for the network that finds damage."""

import subprocess
import sys
import tarfile
from pathlib import Path

import cv2
import numpy as np
import pytest

SCRIPT = Path(__file__).resolve().parent.parent / "scripts" / "textures.py"


def pick(*words):
    command = [sys.executable, SCRIPT, *words]
    return subprocess.run([str(each) for each in command], capture_output=True, text=True)


def noise(height, width, channels=3, seed=0):
    grain = np.random.default_rng(seed).normal(120, 30, (height, width, channels))
    return grain.clip(0, 255).astype(np.uint8)


@pytest.fixture
def data(tmp_path):
    """A wall, the same once more, a large wall, and what is no texture."""
    folder = tmp_path / "data"
    folder.mkdir()
    wall = noise(300, 320)
    wall[:, ::40] = 20
    see_through = noise(300, 300, 4)
    see_through[:150, :, 3] = 0
    pictures = {
        "wall": wall,
        "wall2": wall,
        "large": cv2.resize(wall[:150], (2000, 900)),
        "small": noise(200, 600),
        "see-through": see_through,
        "plain": np.full((300, 300, 3), 90, np.uint8),
        "flat": (noise(300, 300) > 120).astype(np.uint8) * 255,  # two tones
        "wall_normal": noise(300, 300, seed=1),
        "grey": wall[..., 0],
    }
    for name, pixels in pictures.items():
        cv2.imwrite(str(folder / f"{name}.png"), pixels)
    return folder


def test_textures_are_picked_once_and_made_small(data, tmp_path):
    done = pick(data, tmp_path / "textures.tar")
    assert done.returncode == 0, done.stderr
    assert "2 textures of 9 pictures" in done.stdout
    with tarfile.open(tmp_path / "textures.tar") as tar:
        found = {each.name: tar.extractfile(each).read() for each in tar}
    assert list(found) == ["textures/00000-large.webp", "textures/00001-wall.webp"]
    sizes = [cv2.imdecode(np.frombuffer(each, np.uint8), 1).shape[:2] for each in found.values()]
    assert sizes == [(384, 512), (300, 320)]


def test_mistakes_are_said(data, tmp_path):
    (tmp_path / "there.tar").touch()
    assert "a new file" in pick(data, tmp_path / "there.tar").stderr
    assert "cannot be read" in pick(tmp_path / "missing", tmp_path / "textures.tar").stderr
    assert not (tmp_path / "textures.tar").exists()

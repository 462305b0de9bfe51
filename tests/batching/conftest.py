"""Folders of tiny photos with masks."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import retouch


@pytest.fixture
def write():
    """Write a photo of noise: ``write(path, seed)``; or, with a box, a mask that is white there."""

    def write(path: Path, seed: int = 0, *, box: slice | None = None, side: int = 24) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8)
        if box is not None:
            pixels = np.zeros((side, side), np.uint8)
            pixels[box, box] = 255
        Image.fromarray(pixels).save(path)
        return path

    return write


@pytest.fixture
def archive(tmp_path, write):
    """``photos/`` with six photos, two of them in ``photos/sub/``, and ``masks/`` with a mask for each."""
    for number in range(6):
        name = f"sub/p{number}" if number > 3 else f"p{number}"
        write(tmp_path / "photos" / f"{name}.png", number)
        write(tmp_path / "masks" / f"{name}_mask.png", box=slice(8, 14))
    return tmp_path


@pytest.fixture
def fill_all(archive):
    """Fill the archive with telea; returns outcomes by the name of the result."""

    def fill_all(photos="photos", masks="masks", **given):
        items = archive / photos if isinstance(photos, str) else photos
        given = {
            "recursive": isinstance(photos, str) and not photos.endswith("csv"),
            "model": "telea",
        } | given
        mask = archive / masks if isinstance(photos, str) and masks and not photos.endswith("csv") else None
        out = archive / "out"
        done = retouch.batch(items, mask, **{"output": out, **given})
        return {Path(each.output).relative_to(out).as_posix(): each for each in done}

    return fill_all


@pytest.fixture
def lines(archive):
    """The lines of the archive's journals."""
    return lambda: [
        json.loads(line)
        for path in sorted((archive / "out").glob("*.jsonl"))
        for line in path.read_text("utf-8").splitlines()
    ]

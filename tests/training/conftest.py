import cv2
import numpy as np
import pytest
import yaml

TINY = {
    "model": "contextual-attention",
    "steps": 4,
    "batch": 4,
    "data": {"size": 96, "held_out": 3},
    "optimizer": {"lr": 1e-3},
    "watch": {"log_every": 1, "validate_every": 2, "checkpoint_every": 2},
    "recipe": {"width": 0.04, "critic_steps": 2, "adversarial_from": 1},
}


@pytest.fixture(scope="session")
def pictures(tmp_path_factory):
    """A folder of twelve small pictures, each a slope and a disc in colours of its own."""
    folder = tmp_path_factory.mktemp("pictures")
    row, column = np.mgrid[:100, :110]
    random = np.random.default_rng(0)
    for number in range(12):
        picture = random.integers(0, 120, 3) + np.stack([row, column, row + column], 2) * 0.5
        centre = random.integers(20, 80, 2)
        picture[(row - centre[0]) ** 2 + (column - centre[1]) ** 2 < 300] = random.integers(0, 255, 3)
        cv2.imwrite(str(folder / f"{number:02d}.png"), picture.astype(np.uint8))
    return folder


@pytest.fixture
def tiny(tmp_path):
    """Write a tiny configuration, with changes by dotted name; returns its path."""

    def write(**changes):
        content = yaml.safe_load(yaml.safe_dump(TINY))
        for name, value in changes.items():
            *parents, last = name.split("__")
            place = content
            for parent in parents:
                place = place.setdefault(parent, {})
            place[last] = value
        path = tmp_path / f"tiny-{len(list(tmp_path.glob('tiny-*')))}.yaml"
        path.write_text(yaml.safe_dump(content))
        return path

    return write

"""Small pictures made in code, for every room."""

import os

import numpy as np
import pytest
import torch
from hypothesis import settings
from PIL import Image

from retouch.models.contextual_attention.network import ContextualAttentionNetwork
from retouch.models.pen_net.network import PenNetNetwork
from retouch.weights import write_weights

# A busy machine is no failure: no test has a limit of time.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

if "PYTEST_XDIST_WORKER" in os.environ:
    torch.set_num_threads(1)  # the workers share the cores; more threads each would only queue


@pytest.fixture(scope="session")
def _texture() -> np.ndarray:
    """A slope of light, stripes of period 8 across, a plain disc, and a little noise: 96×128×3 uint8."""
    row, column = np.mgrid[:96, :128]
    stripes = 40 * np.sign(np.sin(2 * np.pi * (column + 0.5) / 8))
    grey = 60 + 0.8 * row + stripes
    photo = np.stack([grey, grey * 0.8 + 30, 200 - grey * 0.5], axis=2)
    photo[(row - 24) ** 2 + (column - 100) ** 2 < 15**2] = (220, 40, 60)
    photo += np.random.default_rng(0).normal(0, 3, photo.shape)
    return photo.clip(0, 255).astype(np.uint8)


@pytest.fixture
def photo(_texture: np.ndarray) -> np.ndarray:
    """A textured photo, 96×128×3 uint8; see ``_texture`` for what is in it."""
    return _texture.copy()


@pytest.fixture
def hole(photo: np.ndarray) -> np.ndarray:
    """A hole for ``photo``, 96×128 bool: a block in the stripes and a thin scratch."""
    mask = np.zeros(photo.shape[:2], dtype=bool)
    mask[50:62, 40:56] = True
    mask[10:12, 8:40] = True
    return mask


@pytest.fixture
def photo_file(tmp_path, photo):
    """``photo`` as ``photo.png``."""
    path = tmp_path / "photo.png"
    Image.fromarray(photo).save(path)
    return path


@pytest.fixture
def mask_file(tmp_path, hole):
    """``hole`` as ``mask.png``, white = fill."""
    path = tmp_path / "mask.png"
    Image.fromarray(hole).save(path)
    return path


@pytest.fixture
def weights_file(tmp_path):
    """``tiny.safetensors``: an untrained, narrow network of Contextual Attention."""
    path = tmp_path / "weights" / "tiny.safetensors"
    path.parent.mkdir()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = ContextualAttentionNetwork(0.02)
    about = {"config": {"recipe": {"width": 0.02}, "data": {"size": 128}}, "steps": 0}
    write_weights(path, "contextual-attention", network.state_dict(), about)
    return path


@pytest.fixture
def pyramid_file(tmp_path):
    """``pyramid.safetensors``: an untrained, narrow PEN-Net, which borrows at five levels."""
    path = tmp_path / "weights" / "pyramid.safetensors"
    path.parent.mkdir(exist_ok=True)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = PenNetNetwork(0.02)
    about = {"config": {"recipe": {"width": 0.02, "levels": 5}, "data": {"size": 128}}, "steps": 0}
    write_weights(path, "pen-net", network.state_dict(), about)
    return path

"""The networks as OpenCV runs them, against torch."""

import numpy as np
import pytest
import torch

from retouch.errors import RetouchError
from retouch.finding.arrays import read_arrays
from retouch.finding.networks import CELL, NAME, finder, scout, whole
from retouch.networks import damage
from retouch.networks.damage import DamageNetwork
from retouch.weights import write_weights

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def network():
    """An untrained network whose normalisations do something."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = DamageNetwork()
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_mean.normal_(0, 0.3)
                module.running_var.uniform_(0.5, 2)
                torch.nn.init.uniform_(module.weight, 0.5, 1.5)
                torch.nn.init.normal_(module.bias, 0, 0.2)
    return network.eval()


def arrays_of(network):
    return {name: each.numpy() for name, each in network.state_dict().items() if each.is_floating_point()}


def test_opencv_says_what_torch_says(network):
    image = np.random.default_rng(0).random((64, 64, 3), np.float32)
    with torch.no_grad():
        said = network(torch.from_numpy(image.transpose(2, 0, 1)[None].copy()))
    arrays, window = arrays_of(network), image.transpose(2, 0, 1) - np.float32(0.5)
    assert whole(finder(arrays, 64)(window)) == pytest.approx(said.damage[0, 0].numpy(), abs=1e-4)
    assert scout(arrays, 64)(window)[0] == pytest.approx(said.worth[0, 0].numpy(), abs=1e-4)


def test_both_descriptions_agree(network):
    assert (NAME, CELL) == (damage.NAME, damage.CELL)
    assert sum(each.numel() for each in network.parameters()) < 1_000_000


def test_weights_are_read_without_torch(network, tmp_path):
    path = tmp_path / "damage.safetensors"
    write_weights(path, NAME, network.state_dict(), {"steps": 0})
    arrays = read_arrays(path, NAME)
    wanted = arrays_of(network)
    assert arrays.keys() == wanted.keys()
    for name, each in arrays.items():
        assert each.dtype == np.float32
        assert np.array_equal(each, wanted[name].astype(np.float16).astype(np.float32))


def test_what_holds_no_such_weights_is_refused(network, tmp_path):
    path = tmp_path / "other.safetensors"
    with pytest.raises(RetouchError, match="install retouch again"):
        read_arrays(path, NAME)
    write_weights(path, "other", {"a": torch.zeros(3)}, {})
    with pytest.raises(RetouchError, match="holds weights of 'other'"):
        read_arrays(path, NAME)
    path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(RetouchError, match="is damaged"):
        read_arrays(path, NAME)

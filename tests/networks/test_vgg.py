from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from retouch import RetouchError
from retouch.networks.vgg import Vgg, shift_tolerant_vgg, vgg19
from retouch.weights.vgg import shift_tolerant

VGG19 = (2, 2, 4, 4, 4)


def plain(blurred):
    """A network of one channel whose convolutions change nothing: its features are the grey image, halved."""
    centre = torch.zeros(1, 1, 3, 3)
    centre[..., 1, 1] = 1
    first = (centre.expand(1, 3, 3, 3) / 3, torch.zeros(1))
    blocks = [[first], *([(centre, torch.zeros(1))] for _ in range(3))]
    rows = torch.tensor([1.0, 2.0, 1.0]) / 4
    blurs = [(rows[:, None] * rows)[None, None]] * 3 if blurred else ()
    return Vgg(blocks, torch.zeros(1, 3, 1, 1), torch.ones(1, 3, 1, 1), blurs)


@pytest.fixture
def torchvision_file(tmp_path):
    """A narrow VGG-19 as torchvision saves it, and the same as torchvision builds it."""
    torch.manual_seed(0)
    layers, inputs = [], 3
    for block, depth in enumerate(VGG19):
        for _ in range(depth):
            layers += [nn.Conv2d(inputs, 2 + block, 3, padding=1), nn.ReLU()]
            inputs = 2 + block
        layers.append(nn.MaxPool2d(2))
    network = nn.Sequential(*layers)
    path = tmp_path / "vgg19.pth"
    torch.save({f"features.{name}": each for name, each in network.state_dict().items()}, path)
    return path, network


@pytest.mark.parametrize("blurred", [False, True])
def test_each_position_stands_for_its_cell(blurred):
    for row, column in ((20, 33), (3, 60), (43, 5)):
        image = torch.zeros(1, 3, 64, 80)
        image[..., row, column] = 1
        layers = ["relu4_1", "relu1_1", "relu3_1", "relu2_1"]
        network = plain(blurred)
        for layer, found in zip(layers, network(image, layers), strict=True):
            cell = network.cell(layer)
            assert found.shape == (1, 1, 64 // cell, 80 // cell)
            # The corner of a cell is a pixel off its middle, which may put a pixel into the next cell.
            place = divmod(int(found.argmax()), 80 // cell)
            assert abs((place[0] + 0.5) * cell - row - 0.5) <= cell / 2 + blurred
            assert abs((place[1] + 0.5) * cell - column - 0.5) <= cell / 2 + blurred


def test_the_published_vgg_follows_a_shift_of_whole_cells():
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(1, 3, 96, 112, generator=generator)
    layers = ["relu3_1", "relu4_1"]
    with torch.no_grad():
        whole, part = (shift_tolerant_vgg()(each, layers) for each in (image, image[..., 8:, 16:]))
    for layer, one, other in zip(layers, whole, part, strict=True):
        cell = shift_tolerant_vgg().cell(layer)
        inside = (..., slice(48 // cell, -1), slice(48 // cell, -1))
        torch.testing.assert_close(one[..., 8 // cell :, 16 // cell :][inside], other[inside])
        assert one.shape[1] == {"relu3_1": 256, "relu4_1": 512}[layer]


def test_vgg19_is_torchvisions(torchvision_file):
    path, network = torchvision_file
    image = torch.rand(2, 3, 32, 48)
    mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    normal = (image - mean[:, None, None]) / deviation[:, None, None]
    with torch.no_grad():
        found = vgg19(path)(image, ["relu3_1", "relu4_1", "relu5_4"])
        for each, place in zip(found, (12, 21, 36), strict=True):
            torch.testing.assert_close(each, network[:place](normal))
            assert each.abs().sum() > 0


def test_only_what_is_asked_for_is_computed(monkeypatch):
    counted = []
    original = torch.nn.functional.conv2d
    monkeypatch.setattr(
        "torch.nn.functional.conv2d", lambda *args, **more: counted.append(1) or original(*args, **more)
    )
    plain(False)(torch.rand(1, 3, 16, 16), ["relu2_1"])
    assert len(counted) == 2


@pytest.mark.parametrize("layer", ["relu3_2", "relu5_1", "relu0_1", "conv1_1", "relu"])
def test_a_layer_that_is_not_there_is_one_sentence(layer):
    with pytest.raises(RetouchError, match=r"called relu1_1 to relu4_1"):
        plain(False)(torch.rand(1, 3, 16, 16), [layer])


def test_sides_that_cut_cells_are_refused():
    with pytest.raises(RetouchError, match="18×16"):
        plain(True)(torch.rand(1, 3, 16, 18), ["relu3_1"])


class RunsCode:
    """What a pickle can do to whoever reads it: here it would only create a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_pickle_of_anything_but_tensors_is_refused_and_not_run(tmp_path, wrapped):
    path, trace = tmp_path / "vgg.pth", tmp_path / "ran"
    torch.save({"features.0.weight": RunsCode(trace)} if wrapped else RunsCode(trace), path)
    with pytest.raises(RetouchError, match=r"vgg\.pth cannot be read as a file of weights; give"):
        vgg19(path)
    assert not trace.exists()


def test_what_is_no_tensor_is_refused(tmp_path):
    torch.save({"features.0.weight": [1.0, 2.0]}, tmp_path / "vgg.pth")
    with pytest.raises(RetouchError, match="something else than tensors"):
        vgg19(tmp_path / "vgg.pth")


@pytest.mark.parametrize("network", ["alex", "vgg"])
def test_a_damaged_file_of_the_package_is_refused(tmp_path, monkeypatch, network):
    folder = tmp_path / "weights" / "vST0.0"
    folder.mkdir(parents=True)
    torch.save(RunsCode(tmp_path / "ran"), folder / f"{network}_shift_tolerant.pth")
    found = SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    monkeypatch.setattr("retouch.weights.vgg.find_spec", lambda name: found)
    with pytest.raises(RetouchError, match=r"cannot be read .* pip install"):
        shift_tolerant(network)
    assert not (tmp_path / "ran").exists()
    monkeypatch.setattr("retouch.weights.vgg.find_spec", lambda name: None)
    with pytest.raises(RetouchError, match="stlpips-pytorch are missing; run: pip install"):
        shift_tolerant(network)


@pytest.mark.parametrize("content", [b"", b"no weights", None])
def test_another_file_than_vgg19_is_one_sentence(tmp_path, content):
    path = tmp_path / "vgg.pth"
    with pytest.raises(RetouchError, match="check its name"):
        vgg19(path)
    if content is None:
        torch.save({"features.0.weight": torch.zeros(1)}, path)
    else:
        path.write_bytes(content)
    with pytest.raises(RetouchError, match=r"vgg19-dcbb9e9d\.pth"):
        vgg19(path)

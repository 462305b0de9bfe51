"""What the contract itself does: progress, stopping, devices, and models that work on arrays."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from retouch.contract import ArrayFill, ArrayModel, Fill, Model, Progress, SizeRequirements, SourceMap, Stop
from retouch.errors import RetouchError


class Painter(Model):
    """Fills with 0.5 and shows a picture on the way: the padded input's size divided by ``coarse``."""

    name = "painter"
    size = SizeRequirements(multiple_of=8)

    def __init__(self, coarse=1):
        self.coarse, self.rendered = coarse, 0

    def infer(self, image, mask, allowed, *, seed, on_progress):
        height, width = (side // self.coarse for side in image.shape[2:])

        def render():
            self.rendered += 1
            rows = torch.linspace(-0.5, 1.5, height)[:, None]
            return rows.expand(1, 3, height, width)

        on_progress(Progress("paint", 1, 2, "half", render))
        on_progress(Progress("paint", 2, 2))
        return Fill(torch.full_like(image, 0.5))


class Halves(ArrayModel):
    """Fills with half of what is allowed, on average; with ``source``, says that it all came from there."""

    name = "halves"

    def __init__(self, source=None):
        self.seen, self.source = [], source

    def fill_array(self, image, hole, allowed, *, seed, on_progress):
        self.seen.append((image.copy(), hole.copy(), allowed.copy(), seed))
        small = np.full((2, 3, 3), 0.25, np.float32)
        on_progress(Progress("fill", 1, 2, picture=lambda: small))
        sources = None
        if self.source is not None:
            sources = np.broadcast_to(np.int32(self.source), (*hole.shape, 2)).copy()
        return ArrayFill(np.full_like(image, image[allowed].mean() / 2), sources)


def pair(items=1, height=11, width=13):
    image = torch.rand(items, 3, height, width, generator=torch.Generator().manual_seed(0))
    mask = torch.zeros(items, 1, height, width)
    mask[..., 3:6, 4:9] = 1
    return image, mask


def test_the_contract_and_the_models_of_opencv_are_imported_without_torch():
    code = """
import sys
sys.modules["torch"] = None  # importing it is an error
import retouch.contract
from retouch.models.opencv import NavierStokes, Telea
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_model_runs_on_the_cpu_unless_it_is_told_otherwise():
    model = Painter()
    assert model.device == torch.device("cpu")
    model.device = torch.device("meta")
    assert model.device == torch.device("meta")
    assert Painter().device == torch.device("cpu")


@pytest.mark.parametrize("coarse", [1, 4])
def test_a_picture_on_the_way_has_the_size_of_the_input(coarse):
    model, told = Painter(coarse), []
    model(*pair(), on_progress=told.append)
    assert [(each.done, each.total, each.detail) for each in told] == [(1, 2, "half"), (2, 2, "")]
    assert model.rendered == 0, "nobody asked"
    picture = told[0].image()
    assert model.rendered == 1
    assert picture.shape == (1, 3, 11, 13)
    assert picture.min() == 0, "values are clipped"
    rows = picture[0, 0, :, 0]
    assert bool((rows.diff() >= 0).all())
    assert rows[-1] == pytest.approx(-0.5 + 2 * 10 / 15 if coarse == 1 else 0.917, abs=0.001)
    assert told[1].image is None


def test_pictures_do_not_matter_to_equality():
    assert Progress("fill", 1, 2, image=lambda: None) == Progress("fill", 1, 2)


def test_a_stop_is_an_error_that_says_what_happened():
    def stop(progress):
        raise Stop

    with pytest.raises(RetouchError, match="stopped before it was done"):
        Painter()(*pair(), on_progress=stop)


def test_a_model_on_arrays_fills_a_batch_of_tensors():
    image, mask = pair(2)
    mask[1], allowed = mask[1].flip(-1), 1 - mask
    allowed[..., 0, :] = 0
    model, told = Halves(), []
    fill = model(image, mask, allowed=allowed, seed=5, on_progress=told.append)
    for item, (picture, hole, usable, seed) in enumerate(model.seen):
        assert picture.dtype == np.float32
        assert np.array_equal(hole, mask[item, 0].numpy() > 0)
        assert np.array_equal(usable, (allowed * (1 - mask))[item, 0].numpy() > 0)
        assert (picture[hole] == 0.5).all(), "it cannot look into the hole"
        assert np.array_equal(picture[~hole], image[item].permute(1, 2, 0).numpy()[~hole])
        assert seed == 5
        inside = fill.image[item][mask[item].expand(3, -1, -1) > 0]
        assert inside.numpy() == pytest.approx(picture[usable].mean() / 2)
    assert [(each.done, each.total) for each in told] == [(50, 200), (150, 200)]
    assert fill.confidence is None
    assert fill.correspondence is None


def test_a_picture_of_a_model_on_arrays_becomes_a_tensor_of_the_inputs_size():
    told = []
    Halves()(*pair(), on_progress=told.append)
    assert told[0].picture is None
    torch.testing.assert_close(told[0].image(), torch.full((1, 3, 11, 13), 0.25))


def test_the_sources_of_a_model_on_arrays_are_its_correspondence():
    image, mask = pair(2)
    fill = Halves((7, 2))(image, mask)
    found = fill.correspondence.source_map()
    assert found.dtype == torch.int64
    inside = mask[:, 0] > 0
    assert (found.permute(0, 2, 3, 1)[inside] == torch.tensor([7, 2])).all()
    assert (found.permute(0, 2, 3, 1)[~inside] == -1).all()


@pytest.mark.parametrize("scale", [1, 3])
def test_a_source_map_carries_finer_values_over(scale):
    sources = torch.full((2, 2, 4, 5), -1)
    sources[0, :, 1, 2] = torch.tensor([3, 0])
    sources[1, :, 0, 4] = torch.tensor([2, 1])
    values = torch.rand(2, 3, 4 * scale, 5 * scale)
    expected = values.clone()

    def cell(row, column):
        return slice(row * scale, (row + 1) * scale), slice(column * scale, (column + 1) * scale)

    expected[0][:, *cell(1, 2)] = values[0][:, *cell(3, 0)]
    expected[1][:, *cell(0, 4)] = values[1][:, *cell(2, 1)]
    assert torch.equal(SourceMap(sources).transfer(values, scale), expected)

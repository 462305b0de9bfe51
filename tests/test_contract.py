"""What the contract itself does: progress, stopping, devices, and models that work on arrays."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from retouch.contract import ArrayModel, Fill, Model, Progress, SizeRequirements, Stop
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
    """Fills with half of what is allowed, on average."""

    name = "halves"

    def __init__(self):
        self.seen = []

    def fill_array(self, image, hole, allowed, *, seed):
        self.seen.append((image.copy(), hole.copy(), allowed.copy(), seed))
        return np.full_like(image, image[allowed].mean() / 2)


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
    assert [(each.done, each.total) for each in told] == [(1, 2), (2, 2)]
    assert fill.confidence is None

"""A crop filled at any scale, by models on tensors and on arrays."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.engine.fakes import Constant, Nearest

from retouch.contract import ArrayFill, ArrayModel, Model, Progress
from retouch.models.opencv import NavierStokes, Telea
from retouch.ops.seam import close_seam
from retouch.upsampling.crop import Crop
from retouch.upsampling.fill_small import fill_crop, reaches, usable_scale


def crop(height=50, width=70, seed=0):
    image = np.random.default_rng(seed).random((height, width, 3), dtype=np.float32)
    hole = np.zeros((height, width), dtype=bool)
    hole[20:33, 30:51] = True
    return Crop(image, hole, ~hole)


class Left(ArrayModel):
    """Copies the pixel of the first column of each row."""

    name = "left"

    def fill_array(self, image, hole, allowed, *, seed, on_progress):
        on_progress(Progress("fill", 1, 2, picture=lambda: image[::2, ::2]))
        rows = np.arange(len(image), dtype=np.int32)[:, None].repeat(image.shape[1], 1)
        return ArrayFill(image[:, :1].repeat(image.shape[1], 1), np.stack([rows, 0 * rows], 2))


class OnTensors(Model):
    """Another model, called with tensors."""

    name = "on-tensors"

    def __init__(self, model):
        self.model, self.fills_by = model, model.fills_by

    def infer(self, image, mask, allowed, *, seed, on_progress):
        return self.model(image, mask, allowed=allowed, seed=seed)


@pytest.mark.parametrize("model", [Telea(), NavierStokes()], ids=lambda model: model.name)
def test_arrays_and_tensors_give_the_same_fill(model):
    part = crop()
    part.allowed[:, :10] = False
    mine, other = (fill_crop(each, part) for each in (model, OnTensors(model)))
    assert np.array_equal(mine.image, other.image)
    assert not np.array_equal(mine.image[part.hole], part.image[part.hole])


@pytest.mark.parametrize("scale", [2, 3])
def test_arrays_and_tensors_give_the_same_fill_of_a_smaller_copy(scale):
    part = crop()
    part.allowed[:, :10] = False
    mine, other = (
        fill_crop(each, part, scale, upsampling="residual", trace=True)
        for each in (Left(), OnTensors(Left()))
    )
    assert mine.image == pytest.approx(other.image, abs=1e-4)
    assert np.array_equal(mine.sources, other.sources)


def test_networks_upsample_the_fill_of_a_model_on_arrays_where_they_are_asked_for():
    part = crop()
    asked, other = (
        fill_crop(each, part, 2, upsampling="network", trace=True) for each in (Left(), OnTensors(Left()))
    )
    assert np.array_equal(asked.image, other.image)
    assert not np.array_equal(asked.image, fill_crop(Left(), part, 2).image)


@pytest.mark.parametrize("scale", [1, 2, 3, 7])
@pytest.mark.parametrize("model", [Nearest(), Constant(0.4), Telea()], ids=lambda model: model.name)
def test_known_pixels_are_bit_identical_and_the_hole_does_not_matter(model, scale):
    part = crop()
    before = part.image.copy()
    filled = fill_crop(model, part, scale, trace=True)
    assert filled.image.shape == part.image.shape
    assert filled.image.dtype == np.float32
    assert np.array_equal(filled.image[~part.hole], before[~part.hole])
    assert np.array_equal(part.image, before)
    hidden = np.where(part.hole[..., None], np.float32(0), part.image)
    again = fill_crop(model, Crop(hidden, part.hole, part.allowed), scale, trace=True)
    assert np.array_equal(filled.image, again.image)


def test_at_full_resolution_it_is_the_models_fill_with_its_seam_closed():
    part = crop()
    image = torch.from_numpy(part.image).permute(2, 0, 1)[None]
    hole = torch.from_numpy(part.hole)[None, None].float()
    own = Nearest()(image, hole).image[0].permute(1, 2, 0).numpy()
    filled = fill_crop(Nearest(), part)
    assert np.array_equal(filled.image, close_seam(part.image, own, part.hole, reaches(1)))
    assert (filled.confidence[part.hole] == 0.5).all()
    assert (filled.confidence[~part.hole] == 1).all()
    assert filled.sources is None, "not traced"


@pytest.mark.parametrize("scale", [1, 3])
def test_sources_are_cells(scale):
    part = crop()
    traced = fill_crop(Nearest(), part, scale, trace=True)
    rows, columns = (-(-side // scale) for side in part.hole.shape)
    assert traced.sources.shape == (rows, columns, 2)
    assert traced.sources.dtype == np.int32
    assert traced.sources[25 // scale, 40 // scale].min() >= 0
    assert (traced.sources[0, 0] == -1).all()
    assert fill_crop(Constant(0.4), crop(), trace=True).sources is None, "it borrows nothing"


def test_the_model_sees_the_small_copy():
    model, part = Constant(0.4), crop(48, 72)
    fill_crop(model, part, 4)
    ((image, mask, allowed),) = model.seen
    assert image.shape == (1, 3, 12, 18)
    cells = part.hole.reshape(12, 4, 18, 4).any(axis=(1, 3))
    assert np.array_equal(mask[0, 0].numpy() > 0, cells)
    assert torch.equal(allowed, 1 - mask)
    mean = part.image.reshape(12, 4, 18, 4, 3).mean(axis=(1, 3))
    assert image[0].permute(1, 2, 0).numpy()[~cells] == pytest.approx(mean[~cells], abs=1e-6)


def test_ignored_pixels_have_no_influence_on_colours():
    part = crop()
    part.image[:] = 0.5
    part.image[:, 51:] = 0.6
    ignore = np.zeros_like(part.hole)
    ignore[:, 51:] = True
    met, ignored = (
        fill_crop(Constant(0.5), Crop(part.image, part.hole, part.allowed, each)).image[26, 50, 0]
        for each in (None, ignore)
    )
    assert met > 0.55
    assert ignored == 0.5


@pytest.mark.parametrize(("scale", "wanted"), [(1, ["fill", "blend"]), (3, ["fill", "upsample", "blend"])])
@pytest.mark.parametrize("model", [Nearest(), Telea()], ids=lambda model: model.name)
def test_each_stage_can_be_looked_at(model, scale, wanted):
    part, stages = crop(), {}
    filled = fill_crop(model, part, scale, on_stage=lambda stage, render: stages.update({stage: render()}))
    assert list(stages) == wanted
    assert np.array_equal(stages["blend"], filled.image)
    for picture in stages.values():
        shown = picture[:50, :70][part.hole]
        assert shown.min() >= 0
        assert shown.max() <= 1
        assert not np.array_equal(shown, part.image[part.hole])


@given(st.integers(0, 2**31), st.integers(1, 8), st.floats(0, 1))
def test_a_usable_scale_leaves_an_eighth_of_the_sources(seed, scale, share):
    allowed = np.random.default_rng(seed).random((24, 31)) < share
    found = usable_scale(allowed, scale)
    assert 1 <= found <= scale
    rows, columns = 24 // found, 31 // found
    cells = allowed[: rows * found, : columns * found].reshape(rows, found, columns, found).all(axis=(1, 3))
    assert cells.sum() * found**2 * 8 >= allowed.sum()


def test_what_is_known_throughout_may_be_shrunk():
    assert usable_scale(np.ones((24, 31), dtype=bool), 5) == 5


@pytest.mark.parametrize("scale", [1, 2, 3])
def test_a_model_on_arrays_shows_its_sources_and_its_progress(scale):
    part, told = crop(48, 72), []
    filled = fill_crop(Left(), part, scale, trace=True, on_progress=told.append)
    inside = part.hole.reshape(48 // scale, scale, 72 // scale, scale).any(axis=(1, 3))
    assert (filled.sources[inside] == np.argwhere(inside) * [1, 0]).all()
    assert (filled.sources[~inside] == -1).all()
    assert filled.sources.dtype == np.int32
    assert fill_crop(Left(), part, scale).sources is None, "not traced"
    (step,) = told
    assert step.picture is None
    assert step.preview().shape == part.image.shape

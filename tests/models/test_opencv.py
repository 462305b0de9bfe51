import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from retouch.contract import Progress
from retouch.errors import RetouchError
from retouch.models import opencv
from retouch.models.opencv import ClassicalOptions, NavierStokes, Telea

MODELS = pytest.mark.parametrize("model", [Telea(), NavierStokes()], ids=lambda model: model.name)


def hole(height, width, rows, columns):
    mask = torch.zeros(1, 1, height, width)
    mask[..., rows, columns] = 1
    return mask


@MODELS
def test_a_constant_photo_stays_constant(model):
    image = torch.full((1, 3, 20, 30), 100 / 255)
    mask = hole(20, 30, slice(5, 15), slice(0, 12))
    garbage = torch.where(mask > 0, torch.rand_like(image), image)
    torch.testing.assert_close(model(garbage, mask).image, image, atol=1e-5, rtol=0)


@MODELS
def test_values_finer_than_bytes_come_out_as_fine(model):
    row, column = np.mgrid[:240, :320].astype(np.float32)
    ramp = (1200 + 4 * row + 1.5 * column) / 65535
    hole = np.random.default_rng(0).random(ramp.shape) < 0.02
    given = np.where(hole, 0, np.rint(ramp * 65535)).astype(np.uint16)
    theirs = cv2.inpaint(given, hole.astype(np.uint8), 3, model.method)
    image = np.repeat((given / np.float32(65535))[..., None], 3, 2)
    ours = model.fill_array(image, hole, ~hole, seed=0, on_progress=lambda _: None).image * 65535
    error, other = (np.abs(each - 65535 * ramp)[hole].mean() for each in (ours[..., 0], theirs))
    assert error < max(other, 0.3)


@MODELS
@given(st.floats(1e-3, 1), st.integers(0, 2**31))
@settings(max_examples=10, deadline=None)
def test_less_contrast_gives_the_same_fill_with_less_contrast(model, part, seed):
    random = np.random.default_rng(seed)
    image = random.random((20, 24, 3), dtype=np.float32)
    hole = random.random((20, 24)) < 0.3
    hole[0, 0] = False
    full, faint = (
        model.fill_array(image * np.float32(each), hole, ~hole, seed=0, on_progress=lambda _: None).image
        for each in (1, part)
    )
    # Telea's adds a millionth to each value, and the next ones build on it.
    assert np.abs(full * part - faint).max() < 1e-4


@MODELS
@given(st.integers(1, 9), st.integers(2, 9), st.integers(0, 2**31))
@settings(max_examples=30)
def test_any_size_and_hole(model, height, width, seed):
    generator = torch.Generator().manual_seed(seed)
    image = torch.rand(1, 3, height, width, generator=generator)
    mask = (torch.rand(1, 1, height, width, generator=generator) < 0.4).float()
    mask[..., 0, 0], mask[..., -1, -1] = 1, 0
    fill = model(image, mask)
    assert torch.equal(fill.image * (1 - mask), image * (1 - mask))
    assert fill.confidence is None
    assert fill.correspondence is None


@MODELS
def test_it_does_not_look_into_the_hole(model):
    mask = hole(16, 16, slice(4, 10), slice(4, 16))
    image = torch.rand(1, 3, 16, 16)
    other = torch.where(mask > 0, torch.rand_like(image), image)
    assert torch.equal(model(image, mask).image, model(other, mask).image)


@MODELS
@given(st.integers(1, 12), st.integers(2, 12), st.integers(0, 2**31))
@settings(max_examples=60)
def test_what_stands_in_the_hole_never_comes_through(model, height, width, seed):
    random = np.random.default_rng(seed)
    image = random.random((height, width, 3), dtype=np.float32)
    hole = random.random((height, width)) < 0.4
    hole[0, 0], hole[-1, -1] = True, False
    fills = []
    for hidden in (0, 0.5, 1):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(opencv, "_HIDDEN", hidden)
            made = model.fill_array(image, hole, ~hole, seed=0, on_progress=lambda _: None)
            fills.append(made.image)
    assert all(np.array_equal(each, fills[0]) for each in fills)


@MODELS
def test_forbidden_pixels_do_not_matter(model):
    mask = hole(24, 24, slice(8, 16), slice(8, 16))
    allowed = 1 - hole(24, 24, slice(0, 24), slice(16, 24))
    # So many, because OpenCV by itself would look at unknown pixels in about one of sixteen.
    image = torch.rand(64, 3, 24, 24, generator=torch.Generator().manual_seed(0))
    mask, allowed = mask.expand(64, -1, -1, -1), allowed.expand(64, -1, -1, -1)
    other = image.clone()
    other[..., 16:] = 1 - other[..., 16:]
    inside = mask.expand_as(image) > 0
    one, two = (model(each, mask, allowed=allowed).image for each in (image, other))
    assert torch.equal(one[inside], two[inside])
    assert not torch.equal(model(image, mask).image[inside], model(other, mask).image[inside])


@MODELS
def test_each_item_of_a_batch_is_filled_on_its_own(model):
    image = torch.rand(2, 3, 16, 16)
    mask = torch.cat([hole(16, 16, slice(2, 5), slice(2, 9)), hole(16, 16, slice(8, 16), slice(0, 4))])
    steps: list[Progress] = []
    both = model(image, mask, on_progress=steps.append).image
    for item in range(2):
        alone = model(image[item : item + 1], mask[item : item + 1]).image
        assert torch.equal(both[item], alone[0])
    assert [(step.done, step.total) for step in steps] == [(0, 200), (100, 200)]


def test_the_radius_is_used():
    image, mask = torch.rand(1, 3, 32, 32), hole(32, 32, slice(10, 20), slice(10, 20))
    small, large = (Telea(ClassicalOptions(radius=radius))(image, mask).image for radius in (1, 9))
    assert not torch.equal(small, large)


@MODELS
def test_nothing_left_to_borrow_from(model):
    mask = hole(8, 8, slice(0, 4), slice(0, 8))
    with pytest.raises(RetouchError, match="allow some"):
        model(torch.rand(1, 3, 8, 8), mask, allowed=torch.zeros_like(mask))

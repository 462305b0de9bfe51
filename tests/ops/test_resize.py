import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from retouch.ops.resize import enlarge, enlarge_inside, shrink, shrink_mask

SCALES = st.integers(1, 5)
SIDES = st.integers(1, 6)


def test_shrink_averages_cells():
    image = torch.tensor([[[[0.0, 1.0, 4.0, 4.0], [2.0, 3.0, 4.0, 4.0]]]])
    assert torch.equal(shrink(image, 2), torch.tensor([[[[1.5, 4.0]]]]))


@given(SCALES, SIDES, SIDES)
def test_one_hole_pixel_makes_its_cell_a_hole(scale, rows, columns):
    for place in {0, scale * rows * scale * columns - 1}:
        mask = torch.zeros(1, 1, rows * scale, columns * scale)
        mask.view(-1)[place] = 1
        small = shrink_mask(mask, scale)
        assert small.shape == (1, 1, rows, columns)
        assert small.sum() == 1
        assert small.view(-1)[0 if place == 0 else -1] == 1


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
def test_a_ramp_survives_down_and_up_without_a_shift(mode):
    # A cell's average of a ramp is its value at the centre: enlarging must put it back right there.
    scale, side = 4, 24
    row, column = torch.meshgrid(torch.arange(96.0), torch.arange(96.0), indexing="ij")
    ramp = (row + 2 * column)[None, None] / 300
    again = enlarge(shrink(ramp, scale), scale, mode)
    inner = slice(3 * scale, (side - 3) * scale)
    torch.testing.assert_close(again[..., inner, inner], ramp[..., inner, inner], atol=1e-5, rtol=0)


@given(SCALES, SIDES, SIDES)
def test_a_constant_stays_constant(scale, rows, columns):
    image = torch.full((2, 3, rows * scale, columns * scale), 0.25)
    torch.testing.assert_close(enlarge(shrink(image, scale), scale), image)


def test_scale_one_changes_nothing():
    image = torch.rand(1, 3, 5, 7)
    assert torch.equal(shrink(image, 1), image)
    assert torch.equal(enlarge(image, 1), image)


@pytest.mark.parametrize("operation", [shrink, shrink_mask])
@pytest.mark.parametrize("scale", [0, 2])
def test_a_size_that_does_not_divide_is_refused(operation, scale):
    with pytest.raises(ValueError, match="not a multiple"):
        operation(torch.zeros(1, 1, 4, 5), scale)


def test_what_stands_outside_the_hole_is_not_mixed_in():
    mask = torch.zeros(1, 1, 4, 5)
    mask[..., 1:3, 2] = 1
    values = torch.where(mask > 0, 0.25, torch.rand(4, 5, generator=torch.Generator().manual_seed(0)))
    values[..., 2, 2] = 0.75
    made = enlarge_inside(values, mask, 4)[0, 0]
    assert made.shape == (16, 20)
    inside = made[4:12, 8:12]
    assert torch.allclose(inside, inside[:, :1].expand_as(inside))  # nothing from the sides
    assert torch.allclose(inside[:2], torch.tensor(0.25))
    assert torch.allclose(inside[-2:], torch.tensor(0.75))
    assert torch.allclose(inside[3:5, 0], torch.tensor([0.4375, 0.5625]))  # bilinear between the two
    assert bool((made[:, :4] == 0).all())

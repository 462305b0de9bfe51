import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from retouch.ops.blend import blend, close_seam


def square(size=40, margin=10):
    mask = torch.zeros(1, 1, size, size)
    mask[..., margin:-margin, margin:-margin] = 1
    return mask


@given(st.integers(0, 2**31), st.integers(0, 9))
def test_known_pixels_are_bit_identical(seed, feather):
    generator = torch.Generator().manual_seed(seed)
    image, fill = torch.rand(2, 2, 3, 9, 13, generator=generator)
    mask = (torch.rand(2, 1, 9, 13, generator=generator) < 0.5).float()
    blended = blend(image, fill, mask, feather)
    assert torch.equal(blended * (1 - mask), image * (1 - mask))
    assert blended.min() >= 0
    assert blended.max() <= 1


def test_a_fill_that_agrees_is_not_changed():
    image, fill = torch.rand(2, 1, 3, 40, 40)
    mask = square()
    fill = torch.where(mask > 0, fill, image)
    assert torch.equal(blend(image, fill, mask, 8), fill)


def test_no_feather_no_correction():
    image, fill = torch.rand(2, 1, 3, 40, 40)
    mask = square()
    assert torch.equal(blend(image, fill, mask, 0), torch.where(mask > 0, fill, image))


def test_a_constant_offset_is_met_at_the_border_and_fades_monotonically():
    image, fill, mask = torch.full((1, 3, 40, 40), 0.6), torch.full((1, 3, 40, 40), 0.4), square()
    feather = 6
    line = blend(image, fill, mask, feather)[0, 0, 20, 10:20]
    assert line[0] == pytest.approx(0.6, abs=1e-5)
    assert (line.diff() <= 1e-6).all()
    assert (line[1:feather] > 0.4).all()
    assert torch.equal(line[feather:], torch.full((10 - feather,), 0.4))


def test_the_offset_inside_follows_the_nearer_side():
    # The fill is too dark on the left and too bright on the right.
    image, fill, mask = torch.full((1, 3, 40, 40), 0.5), torch.full((1, 3, 40, 40), 0.5), square()
    fill[..., :10] -= 0.2
    fill[..., 30:] += 0.2
    line = blend(image, fill, mask, 4)[0, 1, 20]
    assert line[10] == pytest.approx(0.7, abs=0.02)
    assert line[29] == pytest.approx(0.3, abs=0.02)
    assert line[20] == 0.5


def test_grain_beside_the_hole_is_hardly_carried_in():
    generator = torch.Generator().manual_seed(0)
    image, mask = torch.full((1, 3, 80, 80), 0.5), square(80, 20)
    fill = image + 0.1 * torch.randn(image.shape, generator=generator) * (1 - mask)
    correction = (blend(image, fill, mask, 12) - 0.5)[mask.expand_as(image) > 0]
    assert correction.abs().max() < 0.07
    assert correction.std() < 0.02


def test_each_item_of_a_batch_is_blended_on_its_own():
    image, fill = torch.rand(2, 2, 3, 20, 20)
    mask = torch.cat([square(20, 5), torch.zeros(1, 1, 20, 20)])
    both = blend(image, fill, mask, 4)
    assert torch.equal(both[:1], blend(image[:1], fill[:1], mask[:1], 4))
    assert torch.equal(both[1], image[1])


def test_a_hole_at_the_corner():
    image, fill = torch.full((1, 3, 12, 12), 0.6), torch.full((1, 3, 12, 12), 0.4)
    mask = torch.zeros(1, 1, 12, 12)
    mask[..., :6, :6] = 1
    blended = blend(image, fill, mask, 3)
    assert blended[0, 0, 5, 0] == pytest.approx(0.6, abs=1e-5)
    assert blended[0, 0, 0, 0] == pytest.approx(0.4)


@given(st.integers(0, 2**31), st.integers(1, 20))
def test_closing_a_seam_changes_no_known_pixel(seed, reach):
    generator = torch.Generator().manual_seed(seed)
    image, fill = torch.rand(2, 2, 3, 9, 13, generator=generator)
    mask = (torch.rand(2, 1, 9, 13, generator=generator) < 0.5).float()
    closed = close_seam(image, fill, mask, (reach, 1))
    assert torch.equal(closed * (1 - mask), image * (1 - mask))
    assert closed.min() >= 0
    assert closed.max() <= 1
    # Neither the hole of the photo nor what the fill says elsewhere is looked at.
    other = close_seam(torch.where(mask > 0, 0.3, image), torch.where(mask > 0, fill, 0.7), mask, (reach, 1))
    assert torch.equal(other, closed)


@pytest.mark.parametrize("reach", [3, 8, 9])
def test_a_step_of_tone_is_closed_and_fades_to_nothing(reach):
    image, fill = torch.full((1, 3, 60, 60), 0.55), torch.full((1, 3, 60, 60), 0.5)
    line = close_seam(image, fill, square(60, 15), (reach,))[0, 0, 30, 15:30]
    assert line[0] == pytest.approx(0.55, abs=0.002)
    assert (line.diff() <= 1e-6).all()
    assert (line[:reach] > 0.5).all()
    assert torch.equal(line[reach:], torch.full((15 - reach,), 0.5))


def test_what_already_meets_is_not_changed():
    image = torch.full((1, 3, 40, 40), 0.5)
    assert torch.equal(close_seam(image, image, square(), (8, 2)), image)
    ramp = torch.linspace(0.2, 0.8, 40).expand(1, 3, 40, 40)
    # Up on one side is down on the other: a slope has steps of its own, and each side is corrected by one.
    assert (close_seam(ramp, ramp, square(), (8,)) - ramp).abs().max() < 1.01 * 0.6 / 39


def test_an_edge_that_the_hole_follows_stays_an_edge():
    image, mask = torch.full((1, 3, 40, 40), 0.9), square()
    image[..., 30:] = 0.1
    line = close_seam(image, torch.full_like(image, 0.9), mask, (6,))[0, 0, 20]
    assert line[29] > 0.7
    assert line[30] == 0.1


def test_grain_has_no_say():
    generator = torch.Generator().manual_seed(0)
    image = 0.5 + 0.05 * torch.randn(1, 3, 120, 120, generator=generator)
    closed = close_seam(image.clamp(0, 1), torch.full_like(image, 0.5), square(120, 30), (16,))
    assert (closed - 0.5)[square(120, 30).expand_as(image) > 0].std() < 0.01


def test_a_hole_that_covers_an_item_of_a_batch_or_none_of_it():
    image, fill = torch.rand(2, 2, 3, 20, 20)
    mask = torch.cat([torch.ones(1, 1, 20, 20), torch.zeros(1, 1, 20, 20)])
    closed = close_seam(image, fill, mask, (4,))
    assert torch.equal(closed[0], fill[0])
    assert torch.equal(closed[1], image[1])

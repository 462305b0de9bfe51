import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from retouch.ops.blend import blend


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

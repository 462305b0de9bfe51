"""What every model with a network must keep, whatever its layers."""

import torch


def check_any_size_and_several_holes(model, size, seed=1):
    """Two items with holes of their own: known pixels stay, values stay in range, nothing is random.

    ``seed`` is another one than the usual, or that for a model that is seeded.
    """
    image, mask = torch.rand(2, 3, *size), torch.zeros(2, 1, *size)
    mask[0, :, ::7, 1::5] = 1
    mask[1, :, : size[0] // 3, : size[1] // 2] = 1
    fill = model(image, mask)
    assert fill.image.shape == image.shape
    known = (mask == 0).expand_as(image)
    assert torch.equal(fill.image[known], image[known])
    assert fill.image.min() >= 0
    assert fill.image.max() <= 1
    assert torch.equal(fill.image, model(image, mask, seed=seed).image)

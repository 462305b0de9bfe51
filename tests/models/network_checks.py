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


def compared(monkeypatch, module):
    """What a network's module hands to the search from now on: a list that grows."""
    search, seen = module.match, []

    def match(queries, *args, **more):
        seen.append(queries)
        return search(queries, *args, **more)

    monkeypatch.setattr(module, "match", match)
    return seen


def check_bfloat16(network, make):
    """Under autocast a network makes nearly the same image and learns nearly the same, in float32 weights.

    bfloat16 rounds to one part in 512. Through thirty layers that adds up to about one in a hundred; 3 % of
    the image's deviation and a cosine of 0.99 leave room for that and for no other mistake.

    Args:
        network: with weights of which the image varies.
        make: makes the image, and tells what must be float32.
    """

    def learned(enabled):
        network.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            image, exact = make()
        assert image.dtype == (torch.bfloat16 if enabled else torch.float32)
        assert all(each.dtype == torch.float32 for each in exact)
        image.float().square().sum().backward()
        slopes = {name: each.grad for name, each in network.named_parameters() if each.grad is not None}
        return image.detach().float(), {name: each.clone() for name, each in slopes.items()}

    (whole, slopes), (half, rounded) = learned(False), learned(True)
    assert 0 < (half - whole).abs().mean() < 0.03 * whole.std()
    assert slopes.keys() == rounded.keys()
    assert len(slopes) > 20
    for name, slope in slopes.items():
        if slope.any():
            agreement = torch.nn.functional.cosine_similarity(slope.flatten(), rounded[name].flatten(), 0)
            assert agreement > 0.99, name

    before = {name: each.detach().clone() for name, each in network.named_parameters()}
    torch.optim.SGD(network.parameters(), lr=1e-3).step()
    for name, each in network.named_parameters():
        assert each.dtype == torch.float32
        assert name not in slopes or not slopes[name].any() or not torch.equal(each, before[name]), name

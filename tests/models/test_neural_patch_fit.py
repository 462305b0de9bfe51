"""The optimiser of Neural Patch Synthesis: what it draws to, and what it moves."""

from itertools import product

import torch
from tests.models.neural_patch_samples import noise, square, stripes, tiny
from torch.nn import functional as F

from retouch.models.neural_patch.fit import Objective, fit
from retouch.models.neural_patch.texture import Texture, textures

ALL = (slice(0, 64), slice(0, 64))


def test_a_planted_patch_is_what_the_hole_is_drawn_to():
    features, mask = noise(1, 5, 24, 24), square(96)
    # Patches that touch the hole's cells, 6 to 9, reach two cells beyond them.
    features[..., 4:12, 4:12] = features[..., 14:22, 9:17]
    wanted = features.clone()
    features[..., 6:10, 6:10] += 0.05 * noise(1, 5, 4, 4, seed=1)
    texture = Texture(features, mask, 1 - mask, (slice(0, 96), slice(0, 96)), 4, 0)
    seen = features.clone()
    texture.aim(seen)
    assert texture.hole.sum() == 16
    torch.testing.assert_close(texture.target[..., 6:10, 6:10], wanted[..., 6:10, 6:10])
    assert texture.loss(wanted) < 1e-10
    known = torch.ones(24, 24, dtype=torch.bool)
    known[6:10, 6:10] = False
    expected = (features - wanted).square().sum() / 16 / wanted.square().sum(1)[:, known].mean()
    torch.testing.assert_close(texture.loss(features), expected)


def test_the_mean_target_has_the_gradient_of_all_patches():
    """Against the paper's sum over patches that lie in the hole's surroundings, each with its nearest one."""
    features, mask = noise(1, 4, 12, 12, seed=3), square(48, 16, 32)
    window = (slice(0, 48), slice(0, 48))
    texture = Texture(features, mask, 1 - mask, window, 4, 0)
    texture.aim(features)
    moved = features.clone().requires_grad_()
    texture.loss(moved).backward()

    patches = F.unfold(features, 3)[0].t()  # centres 1 to 10
    known = F.unfold(1 - F.max_pool2d(mask, 4), 3)[0].amin(0) > 0
    unit = F.normalize(patches, dim=1)
    again = features.clone().requires_grad_()
    asked = F.unfold(again, 3)[0].t()
    loss = 0.0
    for index, (row, column) in enumerate(product(range(10), range(10))):
        if 2 <= row <= 7 and 2 <= column <= 7:  # touches the hole, cells 4 to 7
            nearest = (unit @ unit[index]).masked_fill(~known, -2).argmax()
            loss = loss + (asked[index] - patches[nearest]).square().sum()
    loss.backward()
    inside = (..., slice(4, 8), slice(4, 8))
    one, other = moved.grad[inside].flatten(), again.grad[inside].flatten()
    torch.testing.assert_close(one / one.norm(), other / other.norm())


def test_few_principal_channels_find_the_same_if_features_have_no_more():
    mask = square()
    mixed = torch.einsum("bchw,dc->bdhw", noise(1, 3, 16, 16), noise(12, 3, seed=1))
    found = []
    for channels in (0, 3):
        texture = Texture(mixed, mask, 1 - mask, ALL, 4, channels)
        texture.aim(mixed)
        found.append(texture.target)
    torch.testing.assert_close(found[0], found[1])


def test_what_may_not_be_borrowed_is_not():
    image, mask = noise(1, 3, 64, 64), square()
    usable = 1 - mask
    usable[..., :40] = 0
    texture = textures(tiny(), ["relu3_1"], image, mask, usable, ALL, 0)["relu3_1"]
    texture.aim(texture.target)
    columns = texture.found.source_map()[0, 1][texture.hole[0, 0] > 0]
    assert columns.min() >= 40 // 4 + 1


def test_a_turned_picture_has_sources_too():
    features, mask = noise(1, 5, 16, 16), square()
    other = noise(1, 5, 16, 16, seed=1)
    features[..., 4:12, 4:12] = other[..., 1:9, 3:11]
    free = torch.ones(1, 1, 64, 64)
    for pixels, same in ((free, True), (free * 0, False)):
        texture = Texture(features.clone(), mask, 1 - mask, ALL, 4, 0, [(other, pixels)])
        texture.aim(features)
        assert torch.allclose(texture.target[..., 6:10, 6:10], other[..., 3:7, 5:9]) == same


def test_without_a_known_patch_a_layer_has_nothing_to_do():
    image, mask = noise(1, 3, 64, 64), square(64, 16, 48)
    assert list(textures(tiny(), ["relu3_1", "relu4_1"], image, mask, 1 - mask, ALL, 0)) == ["relu3_1"]


def run_fit(picture, mask, objective, rounds=(8, 8), stop=10**9, layers=("relu3_1",)):
    vgg, counted = tiny(), []
    compared = textures(vgg, layers, picture, mask, 1 - mask, ALL, 0) if objective.texture else {}

    def report(_):
        counted.append(1)
        return len(counted) >= stop

    return fit(picture, mask > 0, vgg, compared, objective, rounds, report), len(counted)


def test_the_known_stays_and_the_objective_falls():
    picture, mask = stripes(), square()
    start = torch.where(mask > 0, noise(1, 3, 64, 64), picture)
    made, count = run_fit(start, mask, Objective(0, 1, 0), (12, 12))
    assert torch.equal(torch.where(mask > 0, 0, made), torch.where(mask > 0, 0, start))
    assert 24 <= count <= 80
    inside = (mask > 0).expand_as(picture)

    def distance(image):
        seen, truth = (tiny()(each, ["relu3_1"])[0][..., 6:10, 6:10] for each in (image, picture))
        return (seen - truth).square().mean()

    assert distance(made) < 0.5 * distance(start)
    assert made[inside].min() >= 0
    assert made[inside].max() <= 1


def test_a_heavy_content_stays():
    start = torch.where(square() > 0, noise(1, 3, 64, 64), stripes())
    made, _ = run_fit(start, square(), Objective(1e6, 1, 0))
    torch.testing.assert_close(made, start, atol=2e-3, rtol=0)


def test_smoothness_alone_continues_a_plain_wall():
    mask = square()
    start = torch.where(mask > 0, noise(1, 3, 64, 64), 0.4)
    made, _ = run_fit(start, mask, Objective(0, 0, 1), (120,))
    torch.testing.assert_close(made, torch.full_like(made, 0.4), atol=1e-2, rtol=0)


def test_stopping_gives_the_best_so_far():
    start = torch.where(square() > 0, noise(1, 3, 64, 64), stripes())
    at_once, count = run_fit(start, square(), Objective(0, 1, 0), stop=1)
    assert count == 1
    assert torch.equal(at_once, start)
    later, count = run_fit(start, square(), Objective(0, 1, 0), stop=6)
    assert count == 6
    assert not torch.equal(later, start)

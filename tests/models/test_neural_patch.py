from itertools import product

import pytest
import torch
from network_checks import check_any_size_and_several_holes
from torch.nn import functional as F

from retouch import RetouchError
from retouch.contract import Fill, Model, Stop
from retouch.models.neural_patch import NeuralPatch, NeuralPatchOptions
from retouch.models.neural_patch_fit import Objective, fit
from retouch.models.neural_patch_texture import Texture, textures
from retouch.models.vgg import Vgg

ALL = (slice(0, 64), slice(0, 64))
FEW = NeuralPatchOptions(scales=2, iterations=(4, 3), rematch=2, channels=0)


def tiny(channels=(6, 6, 8, 8)):
    """A network like VGG with four blocks of one random layer each."""
    generator = torch.Generator().manual_seed(0)
    blocks, inputs = [], 3
    for each in channels:
        weight = torch.randn(each, inputs, 3, 3, generator=generator) * (2 / (9 * inputs)) ** 0.5
        blocks.append([(weight, torch.zeros(each))])
        inputs = each
    return Vgg(blocks, torch.full((1, 3, 1, 1), 0.5), torch.full((1, 3, 1, 1), 0.25))


class Plain(Model):
    """Fills with one grey, and says how far it came."""

    name = "plain"

    def __init__(self, value=0.5):
        self.value = value

    def infer(self, image, mask, allowed, *, seed, on_progress):
        return Fill(torch.full_like(image, self.value), torch.full_like(mask, 0.25))


def square(side=64, begin=24, end=40):
    mask = torch.zeros(1, 1, side, side)
    mask[..., begin:end, begin:end] = 1
    return mask


def noise(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def stripes(side=64):
    """Bands of 8 pixels, of period 16, along the diagonal."""
    row, column = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    grey = 0.3 + 0.4 * (((row + column) // 8) % 2)
    return torch.stack([grey, 0.8 * grey, 0.5 * grey + 0.2])[None]


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

    def report():
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


@pytest.mark.parametrize("size", [(40, 40), (71, 131)])
def test_any_size_and_several_holes(size):
    check_any_size_and_several_holes(NeuralPatch(Plain(), tiny(), FEW), size)


def test_items_are_refined_each_on_its_own():
    model = NeuralPatch(Plain(), tiny(), FEW)
    image, mask = noise(3, 3, 64, 64), square().repeat(3, 1, 1, 1)
    mask[1] = 0
    together = model(image, mask)
    assert torch.equal(together.image[1], image[1])
    for item in (0, 2):
        one = slice(item, item + 1)
        torch.testing.assert_close(model(image[one], mask[one]).image, together.image[one], atol=1e-4, rtol=0)
    assert (together.confidence[mask > 0] == 0.25).all()


def test_the_progress_names_the_scale_and_ends():
    seen = []
    NeuralPatch(Plain(), tiny(), FEW)(noise(1, 3, 64, 64), square(), on_progress=seen.append)
    assert {each.stage for each in seen} == {"scale 32×32", "scale 64×64"}
    assert [each.done for each in seen] == sorted(each.done for each in seen)
    assert {each.total for each in seen} == {7}
    assert seen[-1].done == 7


@pytest.mark.parametrize("count", [1, 3, 6])
def test_a_listener_can_stop(count):
    seen = []

    def listen(progress):
        seen.append(progress)
        if len(seen) == count:
            raise Stop

    image, mask = noise(1, 3, 64, 64), square()
    stopped = NeuralPatch(Plain(), tiny(), FEW)(image, mask, on_progress=listen)
    assert len(seen) == count
    assert torch.equal(stopped.image[(mask == 0).expand_as(image)], image[(mask == 0).expand_as(image)])
    whole = NeuralPatch(Plain(), tiny(), FEW)(image, mask)
    assert not torch.equal(stopped.image, whole.image)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"scales": 0}, "1 to 6"),
        ({"iterations": ()}, "at least one iteration"),
        ({"iterations": (3, 0)}, "at least one iteration"),
        ({"layers": ()}, "At least one layer"),
        ({"rematch": -1}, "negative"),
        ({"content": -1.0}, "negative"),
        ({"sizes": (3.0,)}, "0.5 to 2"),
    ],
)
def test_options_that_cannot_be(changes, sentence):
    with pytest.raises(RetouchError, match=sentence):
        NeuralPatchOptions(**changes)


def test_layers_that_cannot_be():
    with pytest.raises(RetouchError, match="relu1_1 to relu4_1"):
        NeuralPatch(Plain(), tiny(), NeuralPatchOptions(layers=("relu9_1",)))
    with pytest.raises(RetouchError, match=r"leave out relu5_1"):
        NeuralPatch(Plain(), tiny((2, 2, 2, 2, 2)), NeuralPatchOptions(layers=("relu5_1",)))

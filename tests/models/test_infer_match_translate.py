"""Infer, Match, Translate: the networks, the patch-swap against planted patches, and the model."""

import numpy as np
import pytest
import torch
from tests.models.network_checks import check_any_size_and_several_holes
from torch.nn import functional as F

import retouch
from retouch.contract import Fill, Model, Progress
from retouch.errors import RetouchError
from retouch.matching.source_fields import finer
from retouch.models.guide import Guide
from retouch.models.infer_match_translate.critics import ConditionalCritic, FeatureCritic
from retouch.models.infer_match_translate.model import InferMatchTranslate, open_weights
from retouch.models.infer_match_translate.network import (
    CELL,
    LITE,
    STRENGTH,
    FeaturesToImage,
    ImageToFeatures,
    InferMatchTranslateNetwork,
    features_of,
    unknown_cells,
)
from retouch.models.infer_match_translate.options import NEAR, InferMatchTranslateOptions
from retouch.models.infer_match_translate.scales import _cells, _translated
from retouch.models.infer_match_translate.swap import swap
from retouch.networks.vgg import shift_tolerant_vgg
from retouch.weights import read_weights, write_weights

torch.set_num_threads(1)

COHERENT, NEAREST = InferMatchTranslateOptions(), InferMatchTranslateOptions(matching="nearest")
BOTH = pytest.mark.parametrize("options", [COHERENT, NEAREST], ids=["coherent", "nearest"])


def parameters(network):
    return sum(each.numel() for each in network.parameters())


def tiny(seed=0):
    torch.manual_seed(seed)
    return InferMatchTranslateNetwork(0.03).eval()


def model(options=COHERENT, trained=64):
    return InferMatchTranslate(tiny(), trained, options)


def pair(height=64, width=96, seed=0):
    generator = torch.Generator().manual_seed(seed)
    mask = torch.zeros(1, 1, height, width)
    mask[..., 20:37, 24:50] = 1
    return torch.rand(1, 3, height, width, generator=generator), mask


# The networks.


def test_parameter_counts():
    # The paper gives none; these keep the networks from changing unnoticed.
    assert (parameters(ImageToFeatures()), parameters(FeaturesToImage())) == (23_664_896, 4_833_219)
    assert (parameters(ImageToFeatures(LITE)), parameters(FeaturesToImage(LITE))) == (3_483_136, 818_859)


def test_inferring_does_not_look_into_the_hole():
    network, mask = tiny().infer, torch.zeros(1, 1, 64, 96)
    mask[..., 20:37, 24:50] = 1
    features = torch.rand(1, 256, 16, 24)
    inferred = network(features, mask)
    assert inferred.shape == (1, 256, 16, 24)
    hole = F.max_pool2d(mask, CELL) > 0
    assert torch.equal(network(torch.where(hole, 7.0, features), mask), inferred)
    beside = features.clone()
    beside[..., 0, 0] += 1
    assert not torch.equal(network(beside, mask), inferred)
    with pytest.raises(RetouchError, match="multiples of 8"):
        network(features[..., :15], mask[..., :60])


def test_features_are_those_of_the_third_block_of_about_unit_strength():
    generator = torch.Generator().manual_seed(0)
    # A photo's spectrum falls with frequency.
    layers = [
        F.interpolate(torch.rand(1, 3, side, side, generator=generator), (64, 64), mode="bicubic")
        for side in (4, 8, 16, 32, 64)
    ]
    image = torch.stack(layers).mean(0).clamp(0, 1)
    features = features_of(shift_tolerant_vgg(), image)
    assert torch.equal(features, shift_tolerant_vgg()(image, ["relu3_1"])[0] / STRENGTH)
    assert 0.3 < features.square().mean().sqrt() < 3


def test_the_hole_has_hardly_a_part_in_features_beyond_the_unknown_cells():
    vgg, (image, mask) = shift_tolerant_vgg(), pair()
    seen, other = (features_of(vgg, each) for each in (image, torch.where(mask > 0, 1 - image, image)))
    change = (seen - other).norm(dim=1, keepdim=True) / seen.norm(dim=1, keepdim=True)
    unknown = unknown_cells(mask) > 0
    assert change[~unknown].max() < 0.01
    # And they are no more than needed: in the outermost ring it has.
    inner = F.max_pool2d(F.max_pool2d(mask, CELL), 5, 1, 2) > 0
    assert change[unknown & ~inner].max() > 0.01


def test_translating_a_window_is_translating_the_whole_there():
    network, features = tiny(), torch.rand(1, 256, 40, 48)
    mask = torch.zeros(1, 1, 160, 192)
    mask[..., 70:90, 80:97] = 1
    part = _translated(network, features, mask)
    whole = ((network.translate(features) + 1) / 2).clamp(0, 1)
    near = F.max_pool2d(mask, 3, 1, 1) > 0  # the tone of the pixels beside the hole is asked too
    assert torch.allclose(part[near.expand_as(part)], whole[near.expand_as(whole)], atol=1e-6)
    assert not part[..., 0, 0].any()


def test_nothing_is_translated_without_a_hole():
    assert not _translated(tiny(), torch.rand(1, 256, 8, 8), torch.zeros(1, 1, 32, 32)).any()


def test_critics_score_patches():
    features, hole = torch.rand(2, 256, 16, 24), torch.zeros(2, 1, 16, 24)
    assert FeatureCritic(0.05)(features, hole).shape == (2, 1, 8, 12)
    image = torch.rand(2, 3, 64, 96)
    critic = ConditionalCritic(0.05).eval()
    scores = critic(image, features)
    assert scores.shape == (2, 1, 16, 24)
    assert not torch.equal(critic(image, features.flip(0)), scores)  # the condition counts


# The patch-swap.


def grey(hole):
    return torch.full_like(hole, 0.5).expand(-1, 3, -1, -1)


def planted(seed=0):
    """Random features, of which the hole's are a copy of known ones, 9 columns to the right."""
    features = torch.rand(1, 16, 14, 24, generator=torch.Generator().manual_seed(seed))
    features[..., 3:11, 2:10] = features[..., 3:11, 11:19]
    hole = torch.zeros(1, 1, 14, 24)
    hole[..., 5:9, 4:8] = 1
    return features, hole


@BOTH
def test_planted_patches_are_found(options):
    features, hole = planted()
    found = swap(features, grey(hole), hole, 1 - hole, options, None, 0)
    row, column = found.source_map()[0]
    rows, columns = torch.meshgrid(torch.arange(14), torch.arange(24), indexing="ij")
    inside = hole[0, 0] > 0
    assert torch.equal(row[inside], rows[inside])
    assert torch.equal(column[inside], columns[inside] + 9)
    hidden = torch.where(hole > 0, 0.0, features)
    assert torch.allclose(found.transfer(hidden), features, atol=1e-6)
    similarity = found.similarity_map()[0, 0, 5:9, 4:8]
    assert torch.allclose(similarity, torch.ones_like(similarity), atol=1e-3)


@BOTH
def test_nothing_is_taken_from_where_it_is_not_allowed(options):
    features, hole = planted()
    usable = 1 - hole
    usable[..., 10:] = 0
    row, column = swap(features, grey(hole), hole, usable, options, None, 0).source_map()[0]
    inside = hole[0, 0] > 0
    assert (column[inside] <= 8).all()
    assert (usable[0, 0, row[inside], column[inside]] == 1).all()


def test_coherent_sources_agree_where_others_are_as_good():
    left = torch.rand(1, 16, 16, 12, generator=torch.Generator().manual_seed(0))
    features = torch.cat([left, left, left], 3)
    hole = torch.zeros(1, 1, 16, 36)
    hole[..., 4:12, 14:22] = 1
    row, column = torch.meshgrid(torch.arange(16), torch.arange(36), indexing="ij")
    start = torch.stack([row, column + 12])
    # Two of the cells begin with the other copy, which is as near.
    start[1, 6, 17] -= 24
    start[1, 9, 19] -= 24
    for coherence, changed in ((0.15, 0), (0.0, 2)):
        options = InferMatchTranslateOptions(coherence=coherence)
        # A little noise gives the price, in medians of the distance, something to be a part of.
        noisy = features + 0.01 * torch.rand(features.shape, generator=torch.Generator().manual_seed(1))
        noisy[..., :12] = noisy[..., 24:]
        field = swap(noisy, grey(hole), hole, 1 - hole, options, start[None], 0)
        shift = (field.source_map()[0, 1] - column)[hole[0, 0] > 0]
        assert int((shift == -12).sum()) == changed
        assert int((shift == 12).sum()) == 64 - changed


def test_of_equal_features_those_of_the_guessed_colour_are_taken():
    left = torch.rand(1, 16, 16, 12, generator=torch.Generator().manual_seed(0))
    features = torch.cat([left, left, left], 3)
    hole = torch.zeros(1, 1, 16, 36)
    hole[..., 4:12, 14:22] = 1
    colours = grey(hole).clone()
    colours[..., :12] = 0.2
    for guess, shift in ((0.25, -12), (0.45, 12)):
        colours[..., 12:24] = guess
        column = swap(features, colours, hole, 1 - hole, COHERENT, None, 0).source_map()[0, 1, 4:12, 14:22]
        assert ((column - torch.arange(14, 22)) == shift).all()


def test_coherent_matching_begins_from_the_field_of_a_coarser_scale():
    features, hole = planted()
    true = swap(features, grey(hole), hole, 1 - hole, COHERENT, None, 0)
    again = swap(features, grey(hole), hole, 1 - hole, COHERENT, true.field(), 1)
    assert torch.equal(again.source_map(), true.source_map())
    nowhere = torch.full_like(true.field(), -1)  # then all are compared
    assert torch.equal(swap(features, grey(hole), hole, 1 - hole, COHERENT, nowhere, 0).field(), true.field())
    outside = torch.full_like(true.field(), 1000)
    assert torch.equal(swap(features, grey(hole), hole, 1 - hole, COHERENT, outside, 0).field(), true.field())
    # A start that is as good as the best stays: of two copies, the one that was begun with.
    twice = torch.cat([features, features], 3)
    more = torch.cat([hole, 0 * hole], 3)
    start = swap(twice, grey(more), more, 1 - more, COHERENT, None, 0).field()
    elsewhere = torch.where((start >= 0) & (torch.arange(2).view(1, 2, 1, 1) == 1), 9 + 24 + 2, start)
    elsewhere[:, 1] = torch.where(start[:, 1] >= 0, torch.arange(48) + 9 + 24, -1)
    elsewhere[:, 0] = torch.where(start[:, 0] >= 0, torch.arange(14)[:, None], -1)
    kept = swap(twice, grey(more), more, 1 - more, COHERENT, elsewhere, 0).source_map()[0, 1]
    columns = torch.arange(48).expand(14, 48)
    assert torch.equal(kept[more[0, 0] > 0], (columns + 9 + 24)[more[0, 0] > 0])


def test_items_without_a_hole_ask_for_nothing():
    features, hole = planted()
    both = torch.cat([features, features]), torch.cat([hole, torch.zeros_like(hole)])
    found = swap(both[0], grey(both[1]), both[1], 1 - both[1], COHERENT, None, 0)
    alone = swap(features, grey(hole), hole, 1 - hole, COHERENT, None, 0)
    assert torch.equal(found.source_map()[:1], alone.source_map())
    assert (found.source_map()[1] == -1).all()


def test_a_field_at_twice_the_resolution():
    field = torch.tensor([[[[3, -1]], [[5, -1]]]])
    rows = [[6, 6, -1, -1], [7, 7, -1, -1]]
    columns = [[10, 11, -1, -1], [10, 11, -1, -1]]
    assert finer(field, 2)[0].tolist() == [rows, columns]


# Which cells take part.


def test_cells_with_a_part_of_the_hole_are_not_borrowed_and_none_beyond_the_band():
    hole = torch.zeros(1, 1, 96, 96)
    hole[..., 41:50, 44:52] = 1
    usable = 1 - hole
    asking, sources = _cells(hole, usable, 0)
    inside = torch.zeros(24, 24)
    inside[10:13, 11:13] = 1
    assert torch.equal(asking[0, 0], inside)
    assert torch.equal(sources[0, 0], 1 - inside)
    _, band = _cells(hole, usable, 12)
    ring = torch.zeros(24, 24)
    ring[7:16, 8:16] = 1
    assert torch.equal(band[0, 0], ring - inside)


def test_the_last_patch_there_is_is_borrowed():
    hole = torch.ones(1, 1, 64, 64)
    hole[..., :12, :12] = 0
    asking, sources = _cells(hole, 1 - hole, 12)
    assert sources.sum() == 9
    assert asking.sum() == 16 * 16 - 9
    hole[..., 11, 11] = 1  # and where not even that is left, nobody asks
    assert _cells(hole, 1 - hole, 0)[0].sum() == 0


# The model.


@BOTH
def test_any_size_and_several_holes(options):
    check_any_size_and_several_holes(model(options, trained=32), (50, 77), seed=0)


@pytest.mark.parametrize("side", [1, 5, 33])
def test_pictures_smaller_than_a_patch(side):
    image, mask = torch.rand(1, 3, side, 40), torch.zeros(1, 1, side, 40)
    mask[..., :3] = 1
    fill = model()(image, mask)
    known = (mask == 0).expand_as(image)
    assert torch.equal(fill.image[known], image[known])


def test_hardly_anything_known():
    image, mask = torch.rand(1, 3, 64, 64), torch.ones(1, 1, 64, 64)
    mask[..., 0, 0] = 0
    fill = model()(image, mask)
    assert torch.isfinite(fill.image).all()
    assert (fill.correspondence.source_map() == -1).all()


def test_the_fill_follows_the_seed():
    image, mask = pair(128, 128)
    assert torch.equal(model()(image, mask, seed=3).image, model()(image, mask, seed=3).image)


def test_swapped_pixels_are_known_ones():
    image, mask = pair()
    image[:, 0], image[:, 1] = 0.75, 0.25  # red and green are the same everywhere
    fill = model(InferMatchTranslateOptions(pixels="swapped"))(image, mask)
    assert torch.allclose(fill.image[:, 0], image[:, 0])
    assert torch.allclose(fill.image[:, 1], image[:, 1])
    assert not torch.allclose(model()(image, mask).image[:, 0], image[:, 0])


def test_translated_pixels_have_the_tone_of_borrowed_ones():
    image, mask = pair()
    flat = image.clone()
    flat[:, 0], flat[:, 1], flat[:, 2] = 0.75, 0.25, 0.5
    fill = model()(flat, mask).image  # of an untrained network, whose own tone is anything
    means = fill[..., 22:35, 26:48].mean((0, 2, 3))
    assert torch.allclose(means, torch.tensor([0.75, 0.25, 0.5]), atol=0.02)


def test_sources_are_known_allowed_and_within_the_band():
    image, mask = pair(96, 128)
    allowed = torch.ones_like(mask)
    allowed[..., 100:] = 0
    options = InferMatchTranslateOptions(band=12, scales=2)
    found = model(options)(image, mask, allowed=allowed).correspondence.source_map()
    row, column = found[0][:, mask[0, 0] > 0]
    assert (mask[0, 0, row, column] == 0).all()
    assert (column < 100).all()
    # Beyond the band lies what is farther than 12 pixels.
    assert column.max() < 50 + 12 + CELL
    everywhere = InferMatchTranslateOptions(scales=2)
    far = model(everywhere)(image, mask).correspondence.source_map()[0, 1][mask[0, 0] > 0]
    assert far.max() >= 50 + 12 + CELL


@pytest.mark.parametrize(("scales", "swaps", "total"), [(0, 1, 1), (2, 1, 2), (3, 2, 6)])
def test_progress_counts_swaps(scales, swaps, total):
    told = []
    options = InferMatchTranslateOptions(scales=scales, swaps=swaps)
    model(options)(*pair(), on_progress=told.append)
    assert told == [Progress("fill", done, total) for done in range(1, total + 1)]


@pytest.mark.parametrize(
    "changes", [{"swaps": 2}, {"scales": 2}, {"matching": "nearest"}, {"coherence": 0.0}, {"colours": 0.0}]
)
def test_every_option_counts(changes):
    image, mask = pair(96, 128)
    fills = [model(each)(image, mask).image for each in (COHERENT, InferMatchTranslateOptions(**changes))]
    assert not torch.equal(*fills)


@pytest.mark.parametrize(
    ("size", "scales"), [((100, 128), 1), ((129, 64), 2), ((256, 256), 2), ((257, 300), 3), ((512, 512), 3)]
)
def test_scales_until_the_picture_is_as_small_as_those_trained_with(size, scales):
    assert COHERENT.count(*size, 128, 1000) == scales
    assert InferMatchTranslateOptions(scales=5).count(*size, 128, 1000) == 5


@pytest.mark.parametrize(
    ("deep", "scales"), [(1, 1), (NEAR, 1), (NEAR + 0.1, 2), (2 * NEAR, 2), (2.1 * NEAR, 3)]
)
def test_thin_holes_need_no_coarse_scales(deep, scales):
    assert COHERENT.count(2048, 1024, 128, deep) == scales


def test_a_mesh_of_scratches_is_filled_at_the_full_size_alone():
    image, mask = pair(256, 256)
    mask = torch.zeros_like(mask)
    mask[..., ::24] = mask[..., 1::24] = 1
    told = []
    model()(image, mask, on_progress=told.append)
    assert told == [Progress("fill", 1, 1)]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"matching": "best"}, "coherent or nearest"),
        ({"pixels": "painted"}, "translated or swapped"),
        ({"coherence": -1.0}, "must not be negative"),
        ({"colours": -1.0}, "must not be negative"),
        ({"band": -1}, "must not be negative"),
        ({"scales": 7}, "from 0 to 6"),
        ({"swaps": 0}, "from 1 to 20"),
    ],
)
def test_options_that_cannot_be(options, words):
    with pytest.raises(RetouchError, match=words):
        InferMatchTranslateOptions(**options)


@pytest.fixture
def file(tmp_path):
    about = {"config": {"recipe": {"width": 0.03}, "data": {"size": 64}}}
    write_weights(tmp_path / "x.safetensors", "infer-match-translate", tiny().state_dict(), about)
    return tmp_path / "x.safetensors"


def test_a_weights_file_and_its_options(file):
    loaded = retouch.load(file, options={"matching": "nearest", "swaps": "2"})
    assert (loaded.options, loaded.trained) == (
        InferMatchTranslateOptions(matching="nearest", swaps=2),
        64,
    )
    assert loaded.working_size == 512
    opened = open_weights(read_weights(file), "cpu", {})
    image, mask = pair()
    halves = InferMatchTranslateNetwork(0.03)
    halves.load_state_dict(read_weights(file).tensors)
    assert torch.equal(opened(image, mask).image, InferMatchTranslate(halves, 64)(image, mask).image)
    with pytest.raises(RetouchError, match="infer-match-translate has no option 'guide'"):
        retouch.load(file, options={"guide": 1})
    with pytest.raises(RetouchError, match="matching of infer-match-translate takes coherent or nearest"):
        retouch.load(file, options={"matching": "best"})


# With another model's fill.


class Says(Model):
    """Fills with one brightness."""

    name = "says"
    fills_by = "continuing"
    working_size = 64

    def __init__(self, brightness):
        self.brightness = brightness

    def infer(self, image, mask, allowed, *, seed, on_progress):
        return Fill(torch.full_like(image, self.brightness))


def test_patches_look_like_the_fill_of_the_model_before():
    image = torch.rand(2, 3, 128, 160, generator=torch.Generator().manual_seed(0)) * 0.2
    image[:, :, 64:] += 0.8
    mask = torch.zeros(2, 1, 128, 160)
    mask[..., 32:96, 40:120] = 1
    means = {}
    for brightness in (0.1, 0.9):
        options = InferMatchTranslateOptions(pixels="swapped", colours=100)
        filled = InferMatchTranslate(tiny(), 64, options, Guide(Says(brightness)))(image, mask).image
        assert torch.equal(filled[mask.expand_as(image) == 0], image[mask.expand_as(image) == 0])
        means[brightness] = filled[..., 48:80, 60:100].mean((1, 2, 3))  # away from the border, which is met
    assert (means[0.1] < 0.3).all()
    assert (means[0.9] > 0.7).all()


def test_a_guess_holds_up_to_the_border_of_a_photo_that_fits_no_scale():
    image = torch.rand(1, 3, 132, 164, generator=torch.Generator().manual_seed(0)) * 0.1 + 0.9
    image[..., :40, :] -= 0.9  # black, which is what padding must not look like
    mask = torch.zeros(1, 1, 132, 164)
    mask[..., 92:, 100:] = 1
    options = InferMatchTranslateOptions(pixels="swapped", colours=100)
    filled = InferMatchTranslate(tiny(), 64, options, Guide(Says(0.95)))(image, mask).image
    assert filled[..., 124:, 156:].min() > 0.8


def test_the_fill_of_the_model_before_is_asked_for_by_name():
    rng = np.random.default_rng(0)
    photo = rng.integers(0, 255, (70, 90, 3), np.uint8)
    inside = np.zeros((70, 90), bool)
    inside[20:50, 30:60] = True
    filled = retouch.inpaint(photo, inside, model="telea+infer-match-translate")
    assert (filled[~inside] == photo[~inside]).all()
    assert (filled != retouch.inpaint(photo, inside, model="infer-match-translate")).any()


@pytest.mark.parametrize("options", [{"matching": "nearest"}, {"colours": "0"}])
def test_options_that_ask_nobody_are_refused_beside_a_guide(options):
    with pytest.raises(RetouchError, match="or the model before infer-match-translate"):
        retouch.load("telea+infer-match-translate", options=options)

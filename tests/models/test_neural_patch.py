"""Neural Patch Synthesis: painting, scales, options; and what must always hold."""

import pytest
import torch
from tests.models.network_checks import check_any_size_and_several_holes
from tests.models.neural_patch_samples import Plain, noise, square, stripes, tiny

import retouch
from retouch import RetouchError
from retouch.contract import Stop
from retouch.models.neural_patch.model import NeuralPatch, open_with
from retouch.models.neural_patch.options import PRESETS, NeuralPatchOptions
from retouch.models.neural_patch.painting import PATCH, pixel_features, rounds
from retouch.models.neural_patch.texture import turned
from retouch.synthesis.paint import PaintOptions, paint
from retouch.synthesis.pyramid import Level

FEW = NeuralPatchOptions(scales=2, iterations=(3, 4), rematch=2, channels=0)
NEAREST = NeuralPatchOptions(matching="nearest", scales=2, iterations=(3, 4), rematch=2, channels=0)
EITHER = pytest.mark.parametrize("options", [FEW, NEAREST], ids=lambda each: each.matching)


def canvas(image, mask):
    """The level of a picture, and the picture with grey in its hole."""
    known = mask[0, 0] == 0
    return Level(image[0], known.to(image), known), torch.where(mask > 0, 0.5, image)


def paint_once(image, mask, start, features):
    level, _ = canvas(image, mask)
    return paint(
        level,
        PATCH,
        PaintOptions(coherence=0.15),
        rounds=rounds(0),
        coarser=None,
        finest=True,
        generator=torch.Generator().manual_seed(0),
        report=lambda _: False,
        guess=start[0],
        guide=features,
    )


def test_what_vgg_sees_guides_the_painting():
    """Both halves have the same colours; only the features of the content tell them apart."""
    image, mask = noise(1, 3, 48, 48).round(), square(48, 18, 30)
    sides = torch.zeros(1, 48, 48)
    sides[..., 24:] = 1
    for wanted in (0, 1):
        features = torch.where(mask[0] > 0, float(wanted), sides) * 4
        start = torch.where(mask > 0, 0.5, image)
        made = paint_once(image, mask, start, features)
        columns = made.grid.row_column(made.field.sources)[1]
        inside = made.grid.queries[made.grid.ranks(made.grid.hole)[made.grid.queries] < len(made.grid.hole)]
        rows = made.grid.ranks(made.grid.queries)[inside]
        right = (columns[rows] >= 24).float().mean()
        assert right > 0.9 if wanted else right < 0.1


def test_a_painting_is_made_of_known_patches():
    """The stripes go on where the content said nothing but their tone."""
    image, mask = stripes(), square()
    start = torch.where(mask > 0, image.mean((2, 3), keepdim=True), image)
    features = pixel_features(tiny(), ["relu3_1"], start, 1 - mask, 0.05)
    made = paint_once(image, mask, start, features)
    # But for a few pixels in the middle, where stripes from both sides meet.
    assert ((made.image - image[0]).abs()[:, mask[0, 0] > 0] < 0.05).float().mean() > 0.9
    assert torch.equal(made.image[:, mask[0, 0] == 0], image[0][:, mask[0, 0] == 0])


def test_features_are_of_unit_spread_and_lie_on_their_pixels():
    image, known = noise(1, 3, 32, 32), 1 - square(32, 8, 16)
    features = pixel_features(tiny(), ["relu2_1", "relu3_1"], image, known, 0.5)
    assert features.shape == (14, 32, 32)
    cells = features[6:].reshape(8, 8, 4, 8, 4).mean((2, 4))  # bilinear enlargement keeps means nearly
    sample = cells[:, known[0, 0, ::4, ::4] == 1]
    spread = (sample - sample.mean(1, keepdim=True)).square().sum(0).mean().sqrt()
    assert 0.3 < spread < 0.55
    assert pixel_features(tiny(), ["relu3_1"], image, known * 0, 0.5).shape == (0, 32, 32)


def test_a_brighter_picture_has_the_same_directions():
    network = tiny()
    network.mean.zero_()
    image, known = noise(1, 3, 32, 32) / 2, torch.ones(1, 1, 32, 32)
    one, other = (pixel_features(network, ["relu2_1"], each, known, 1.0) for each in (image, 2 * image))
    # Of principal axes only the sign is free.
    torch.testing.assert_close(one.abs(), other.abs(), atol=1e-3, rtol=1e-3)


@EITHER
@pytest.mark.parametrize("size", [(40, 40), (71, 131)])
def test_any_size_and_several_holes(size, options):
    check_any_size_and_several_holes(NeuralPatch(Plain(), tiny(), options), size, seed=0)


@EITHER
def test_items_are_refined_each_on_its_own(options):
    model = NeuralPatch(Plain(), tiny(), options)
    image, mask = noise(3, 3, 64, 64), square().repeat(3, 1, 1, 1)
    mask[1] = 0
    together = model(image, mask)
    assert torch.equal(together.image[1], image[1])
    for item in (0, 2):
        one = slice(item, item + 1)
        torch.testing.assert_close(model(image[one], mask[one]).image, together.image[one], atol=1e-4, rtol=0)
    assert (together.confidence[mask > 0] == 0.25).all()


@pytest.mark.parametrize(("options", "total"), [(FEW, 7 + 7), (NEAREST, 7)])
def test_the_progress_names_the_scale_and_ends(options, total):
    seen = []
    NeuralPatch(Plain(), tiny(), options)(noise(1, 3, 64, 64), square(), on_progress=seen.append)
    stages = {f"{what} {side}" for what in ("paint", "optimise") for side in ("32×32", "64×64")}
    wanted = {each for each in stages if options is FEW or "optimise" in each}
    assert {each.stage for each in seen} == wanted
    assert [each.done for each in seen] == sorted(each.done for each in seen)
    assert {each.total for each in seen} == {total}
    assert seen[-1].done == total


@EITHER
@pytest.mark.parametrize("count", [1, 3, 6])
def test_a_listener_can_stop(count, options):
    seen = []

    def listen(progress):
        seen.append(progress)
        if len(seen) == count:
            raise Stop

    image, mask = noise(1, 3, 64, 64), square()
    stopped = NeuralPatch(Plain(), tiny(), options)(image, mask, on_progress=listen)
    assert len(seen) == count
    assert torch.equal(stopped.image[(mask == 0).expand_as(image)], image[(mask == 0).expand_as(image)])
    whole = NeuralPatch(Plain(), tiny(), options)(image, mask)
    assert not torch.equal(stopped.image, whole.image)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"scales": 7}, "0 to 6"),
        ({"iterations": ()}, "numbers from 0"),
        ({"iterations": (3, -1)}, "numbers from 0"),
        ({"matching": "best"}, "coherent or nearest"),
        ({"layers": ()}, "At least one layer"),
        ({"rematch": -1}, "negative"),
        ({"content_weight": -1.0}, "negative"),
        ({"guide": -1.0}, "negative"),
        ({"guide": float("nan")}, "negative"),
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


class Small(Plain):
    """A content that likes small pictures, and says what it was shown."""

    working_size = 32

    def infer(self, image, mask, allowed, *, seed, on_progress):
        self.shown = image.shape
        return super().infer(image, mask, allowed, seed=seed, on_progress=on_progress)


@pytest.mark.parametrize(
    ("size", "columns", "shown"),
    [((64, 64), slice(14, 50), (32, 32)), ((40, 100), slice(16, 90), (10, 26))],
)
def test_the_content_is_shown_the_size_that_suits_it(size, columns, shown):
    content, image, mask = Small(0.25), noise(1, 3, *size) * 0, torch.zeros(1, 1, *size)
    mask[..., columns] = 1
    fill = NeuralPatch(content, tiny(), NeuralPatchOptions(matching="nearest", iterations=(0,)))(image, mask)
    assert content.shown[2:] == shown
    assert fill.confidence.shape == mask.shape
    # The content's grey, but near the border, where colours are made to meet.
    middle = (columns.start + columns.stop) // 2
    assert fill.image[0, 0, 20, middle] == pytest.approx(0.25, abs=0.05)
    assert fill.image[0, 0, 20, columns.start] < 0.1


def test_what_little_is_known_is_not_hidden_from_the_content():
    content, image, mask = Small(), noise(1, 3, 64, 64), torch.ones(1, 1, 64, 64)
    mask[..., 9, 9] = 0
    fill = NeuralPatch(content, tiny(), FEW)(image, mask)
    assert content.shown[2:] == (64, 64)
    assert torch.equal(fill.image[..., 9, 9], image[..., 9, 9])


def test_sources_are_those_of_the_painting():
    image, mask = stripes(), square()
    fill = NeuralPatch(Plain(), tiny(), NeuralPatchOptions(scales=2, iterations=(0,)))(image, mask)
    row, column = fill.correspondence.source_map()[0][:, mask[0, 0] > 0]
    assert (mask[0, 0, row, column] == 0).all()
    assert NeuralPatch(Plain(), tiny(), NEAREST)(image, mask).correspondence is None


def test_the_same_seed_gives_the_same_fill():
    model, image, mask = NeuralPatch(Plain(), tiny(), FEW), noise(1, 3, 96, 96), square(96, 30, 70)
    one, same, other = (model(image, mask, seed=seed).image for seed in (5, 5, 6))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_only_what_is_allowed_is_painted():
    image, mask = noise(1, 3, 64, 64), square()
    image[:, 0, :, :32], image[:, 2, :, 32:] = 0, 0
    allowed = torch.zeros(1, 1, 64, 64)
    allowed[..., 32:] = 1
    fill = NeuralPatch(Plain(), tiny(), NeuralPatchOptions(scales=2, iterations=(0,)))(
        image, mask, allowed=allowed
    )
    assert (fill.image[0, 2][mask[0, 0] > 0] == 0).all()


def test_a_thin_hole_that_vanishes_at_coarse_scales():
    image, mask = stripes(128), torch.zeros(1, 1, 128, 128)
    mask[..., 60:62, 20:100] = 1
    fill = NeuralPatch(Plain(), tiny(), NeuralPatchOptions(scales=4, iterations=(2,)))(image, mask)
    torch.testing.assert_close(fill.image, image, atol=0.1, rtol=0)


def test_presets_and_options_by_name():
    assert open_with(Plain(), {}).options == NeuralPatchOptions()
    for name, changes in PRESETS.items():
        options = open_with(Plain(), {"preset": name}).options
        assert options == NeuralPatchOptions(**changes)
    changed = open_with(
        Plain(), {"preset": "paper", "iterations": "3, 4", "layers": "relu2_1", "sizes": "", "guide": 1}
    ).options
    assert changed.iterations == (3, 4)
    assert changed.layers == ("relu2_1",)
    assert changed.sizes == ()
    assert (changed.matching, changed.guide) == ("nearest", 1.0)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"preset": "best"}, "no preset 'best'; choose from default, fast, paper"),
        ({"speed": 3}, "neural-patch has no option 'speed'; its options are matching, "),
        ({"scales": "many"}, "scales of neural-patch takes a whole number, not 'many'"),
        ({"scales": 2.5}, "a whole number"),
        ({"iterations": "3;4"}, "a whole number, one or more with commas between"),
        ({"matching": "best"}, "takes coherent or nearest"),
        ({"vgg19": 5}, "takes the path of a file, not 5"),
        ({"guide": 10**400}, "guide of neural-patch takes a number"),
        ({"vgg19": "gone.pth"}, "no VGG-19 file gone.pth"),
    ],
)
def test_options_by_name_that_cannot_be(given, sentence):
    with pytest.raises(RetouchError, match=sentence):
        open_with(Plain(), given)


def test_it_is_made_around_any_model_by_name():
    image, mask = stripes(), square()
    few = {"scales": 1, "iterations": 1}
    model = retouch.load("telea+neural-patch", options=few)
    assert (model.name, model.content.name) == ("neural-patch", "telea")
    assert retouch.load("neural-patch", options=few).content.name == "contextual-attention"
    with pytest.raises(RetouchError, match="refined already; name neural-patch once"):
        retouch.load("telea+neural-patch+neural-patch", options=few)
    with pytest.raises(RetouchError, match="no model called ''"):
        retouch.load("+neural-patch")
    picture, hole = (255 * image[0].permute(1, 2, 0)).byte().numpy(), (mask[0, 0] > 0).numpy()
    filled = [
        retouch.inpaint(picture, hole, **each, options=few)
        for each in ({"model": "telea", "refine": True}, {"model": "telea+neural-patch"})
    ]
    assert (filled[0] == filled[1]).all()
    assert (filled[0] != retouch.inpaint(picture, hole, model="telea")).any()
    for changes in ({"refine": True}, {"options": few}):
        with pytest.raises(RetouchError, match="loaded already stays as it is"):
            retouch.inpaint(picture, hole, model=model, **changes)
    with pytest.raises(RetouchError, match="no model called 'lama'"):
        retouch.load("lama+neural-patch")
    with pytest.raises(RetouchError, match="telea has no options; leave out scales"):
        retouch.load("telea", options=few)


BASE = {"scales": 2, "iterations": (5, 5), "content_weight": 1.0}


@pytest.mark.parametrize(
    "changes",
    [
        {"matching": "nearest"},
        {"guide": 4.0},
        {"coherence": 3.0},
        {"layers": ("relu2_1",)},
        {"finest_layers": ("relu2_1",)},
        {"scales": 1},
        {"iterations": (5, 0)},
        {"iterations": (0, 5)},
        {"rematch": 2},
        {"content_weight": 1000.0},
        {"texture_weight": 30.0},
        {"smoothness_weight": 1.0},
        {"channels": 1},
        {"rotations": (90.0,)},
        {"sizes": (1.25,)},
    ],
    ids=str,
)
def test_every_option_counts(changes):
    image, mask = noise(1, 3, 64, 64), square()
    image = (image + image.roll(1, 3) + image.roll(1, 2)) / 3
    fills = [
        NeuralPatch(Plain(), tiny(), NeuralPatchOptions(**{**BASE, **each}))(image, mask).image
        for each in ({}, changes)
    ]
    assert not torch.equal(*fills)


def test_what_a_coarse_scale_changed_reaches_the_full_one():
    image, mask = stripes(), square()
    options = NeuralPatchOptions(matching="nearest", scales=2, iterations=(0, 20), content_weight=0.1)
    fill = NeuralPatch(Plain(), tiny(), options)(image, mask)
    assert (fill.image - 0.5).abs()[:, :, 24:40, 24:40].max() > 0.05


def test_turned_pictures():
    image, usable = noise(1, 3, 12, 12), torch.ones(1, 1, 12, 12)
    usable[..., 0, 0] = 0
    ((quarter, free),) = turned(image, usable, (90.0,), ())
    torch.testing.assert_close(quarter, image.rot90(1, (2, 3)), atol=1e-4, rtol=0)
    assert torch.equal(free, usable.rot90(1, (2, 3)))
    ((larger, free),) = turned(image, usable, (), (2.0,))
    middle = image[..., 3:9, 3:9].mean()
    assert larger.mean() == pytest.approx(float(middle), abs=0.02)
    assert free.all()
    ((_, free),) = turned(image, usable, (), (0.5,))
    assert free[..., 4:9, 4:9].all()
    assert not free[..., :2, :].any()
    wide = noise(1, 3, 8, 16)
    ((half, _),) = turned(wide, torch.ones(1, 1, 8, 16), (180.0,), ())
    torch.testing.assert_close(half, wide.flip(2, 3), atol=1e-4, rtol=0)
    ((quarter, _),) = turned(wide, torch.ones(1, 1, 8, 16), (90.0,), ())
    torch.testing.assert_close(quarter[..., 4:12], wide[..., 4:12].rot90(1, (2, 3)), atol=1e-4, rtol=0)


def test_a_scale_with_too_few_sources_is_left_out_and_none_is_skipped():
    """Known lines, 7 pixels apart, that vanish at middle scales."""
    mask = torch.ones(1, 1, 128, 128)
    mask[..., 2::8] = 0
    mask[..., 40:44, 40:44] = 1
    image = noise(1, 3, 128, 128)
    for scales in (2, 3, 4):
        fill = NeuralPatch(Plain(), tiny(), NeuralPatchOptions(scales=scales, iterations=(0,)))(image, mask)
        assert torch.equal(fill.image[mask.expand_as(image) == 0], image[mask.expand_as(image) == 0])
        row, column = fill.correspondence.source_map()[0][:, mask[0, 0] > 0]
        assert (mask[0, 0, row, column] == 0).all()


@pytest.mark.parametrize("size", [(8, 100), (16, 60), (20, 120), (48, 70)])
def test_short_sides_with_the_papers_layers(size):
    image, mask = noise(1, 3, *size), torch.zeros(1, 1, *size)
    mask[..., 3:6, 20:40] = 1
    model = open_with(Plain(), {"preset": "paper", "iterations": 1, "rotations": "", "sizes": ""})
    assert model(image, mask).image.isfinite().all()


def test_after_a_stop_there_are_sources():
    def listen(progress):
        raise Stop

    fill = NeuralPatch(Plain(), tiny(), FEW)(noise(1, 3, 64, 64), square(), on_progress=listen)
    assert (fill.correspondence.source_map()[0][:, square()[0, 0] > 0] >= 0).all()


def test_callers_may_do_with_gradients_what_they_like():
    model, image, mask = NeuralPatch(Plain(), tiny(), FEW), noise(1, 3, 64, 64), square()
    plain = model(image, mask).image
    with torch.inference_mode():
        assert torch.equal(model(image, mask).image, plain)
    assert torch.equal(model(image.clone().requires_grad_(), mask).image, plain)


def test_the_content_hears_what_is_allowed_and_the_seed():
    class Ear(Plain):
        def infer(self, image, mask, allowed, *, seed, on_progress):
            self.heard = allowed, seed
            return super().infer(image, mask, allowed, seed=seed, on_progress=on_progress)

    ear, allowed = Ear(), 1 - square()
    allowed[..., :20] = 0
    NeuralPatch(ear, tiny(), FEW)(noise(1, 3, 64, 64), square(), allowed=allowed, seed=7)
    assert torch.equal(ear.heard[0], allowed)
    assert ear.heard[1] == 7


def test_an_item_without_a_hole_needs_no_sources():
    image, mask = noise(2, 3, 64, 64), square().repeat(2, 1, 1, 1)
    mask[1] = 0
    allowed = 1 - mask
    allowed[1] = 0
    seen = []
    fill = NeuralPatch(Plain(), tiny(), FEW)(image, mask, allowed=allowed, on_progress=seen.append)
    assert torch.equal(fill.image[1], image[1])
    assert (fill.correspondence.source_map()[1] == -1).all()
    assert seen[-1].done == seen[-1].total

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engine.fakes import Constant, Nearest, Offset

from retouch.contract import Fill, Progress, Stop
from retouch.engine.encoding import Encoding
from retouch.engine.filled import confidence_map, source_map, split_levels
from retouch.engine.pipeline import fill_photo
from retouch.errors import RetouchError
from retouch.imaging import photo_from_array
from retouch.models import CARDS
from retouch.ops.masks import depth
from retouch.upsampling.fill_small import TONE

MODELS = [Nearest(), Constant(0.5), *(card.build("cpu", {}) for card in CARDS if card.build)]
MODELS += [
    card.refine(Constant(0.5), {"scales": 2, "iterations": 1})
    for card in CARDS
    if card.name == "neural-patch"
]
MODELS += [card.refine(Constant(0.5), {"passes": 2}) for card in CARDS if card.name == "confidence-feedback"]
EVERY_MODEL = pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)


def noise(height, width, channels=3, dtype=np.uint8, seed=0):
    random = np.random.default_rng(seed)
    return random.integers(0, np.iinfo(dtype).max, (height, width, channels), dtype=dtype, endpoint=True)


def box_mask(height, width, rows, columns):
    mask = np.zeros((height, width), dtype=bool)
    mask[rows, columns] = True
    return mask


HOLES = {
    "1×2": box_mask(1, 2, slice(0, 1), slice(0, 1)),
    "2×1": box_mask(2, 1, slice(1, 2), slice(0, 1)),
    "3×3, one known": ~box_mask(3, 3, slice(1, 2), slice(1, 2)),
    "odd, corner": box_mask(37, 53, slice(0, 15), slice(40, 53)),
    "whole side": box_mask(40, 31, slice(0, 40), slice(0, 9)),
    "through the middle": box_mask(41, 60, slice(15, 26), slice(0, 60)),
    "specks": np.random.default_rng(1).random((45, 64)) < 0.05,
    "two windows": box_mask(60, 300, slice(20, 30), slice(10, 20))
    | box_mask(60, 300, slice(20, 30), slice(270, 280)),
}


@EVERY_MODEL
@pytest.mark.parametrize("mask", HOLES.values(), ids=HOLES.keys())
@pytest.mark.parametrize("working_size", [24, 512, 10**30])
def test_known_pixels_are_bit_identical(model, mask, working_size):
    array = noise(*mask.shape)
    before, hole = array.copy(), mask.copy()
    result = fill_photo(photo_from_array(array), mask, model, working_size=working_size)
    assert np.array_equal(mask, hole), "and so is the mask"
    assert np.array_equal(result.photo.pixels[~mask], before[~mask])
    assert np.array_equal(array, before), "the input is left as it is"
    assert result.photo.pixels.dtype == array.dtype
    assert not np.array_equal(result.photo.pixels[mask], before[mask])


@EVERY_MODEL
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_grey_and_depth(model, channels, dtype):
    array, mask = noise(50, 70, channels, dtype), HOLES["specks"][:40]
    mask = np.pad(mask, ((0, 10), (0, 6)))
    result = fill_photo(photo_from_array(array), mask, model, working_size=32).photo.pixels
    assert result.shape == array.shape
    assert result.dtype == dtype
    assert np.array_equal(result[~mask], array[~mask])


@given(st.integers(0, 2**31), st.integers(1, 40), st.integers(2, 40), st.sampled_from([8, 16, 512]))
@settings(max_examples=40, deadline=None)
def test_any_holes(seed, height, width, working_size):
    random = np.random.default_rng(seed)
    mask = random.random((height, width)) < random.random()
    mask[0, 0], mask[-1, -1] = False, True
    allowed = random.random((height, width)) < 0.5
    allowed[0, 0] = True
    array = noise(height, width, seed=seed)
    result = fill_photo(
        photo_from_array(array), mask, Nearest(), allowed=allowed, seed=seed, working_size=working_size
    )
    assert np.array_equal(result.photo.pixels[~mask], array[~mask])
    filled = np.zeros_like(mask)
    for region in result.regions:
        filled[region.box.rows, region.box.columns] |= region.hole
    assert np.array_equal(filled, mask)
    sources = source_map(result)
    if sources is not None:
        borrowed = sources[..., 0] >= 0
        assert mask[borrowed].all()
        assert (allowed & ~mask)[tuple(sources[borrowed].T)].all()


@pytest.mark.parametrize("working_size", [16, 40, 512])
@pytest.mark.parametrize(
    "hole",
    [
        box_mask(65, 67, slice(20, 40), slice(45, 67)),
        box_mask(65, 67, slice(45, 65), slice(20, 40)),
        box_mask(65, 67, slice(50, 65), slice(40, 67)),
        box_mask(65, 67, slice(20, 40), slice(0, 20)),
    ],
    ids=["right", "below", "corner", "left"],
)
def test_what_lies_in_the_hole_changes_nothing(hole, working_size):
    pixels = noise(65, 67)
    results = []
    for hidden in (0, 255):
        photo = photo_from_array(np.where(hole[..., None], np.uint8(hidden), pixels))
        results.append(fill_photo(photo, hole, Nearest(), working_size=working_size, seed=0).photo.pixels)
    assert np.array_equal(*results)


def test_native_fill_copies_exactly_what_the_source_map_says():
    array, mask = noise(120, 150, 3, np.uint16), box_mask(120, 150, slice(31, 78), slice(40, 91))
    result = fill_photo(photo_from_array(array), mask, Nearest())
    sources = source_map(result)
    assert (sources[~mask] == -1).all()
    # Beside the border colours are made to meet.
    deep = depth(mask) > TONE
    assert deep.sum() > 900
    assert np.array_equal(result.photo.pixels[deep], array[tuple(sources[deep].T)])


@pytest.mark.parametrize("working_size", [512, 16, 7])
@pytest.mark.parametrize("hole", ["two windows", "odd, corner", "specks"])
def test_confidence_is_one_on_known_pixels_and_the_models_in_the_hole(hole, working_size):
    mask = HOLES[hole]
    photo = photo_from_array(noise(*mask.shape))
    confidence = confidence_map(fill_photo(photo, mask, Nearest(), working_size=working_size))
    assert confidence.dtype == np.float32
    assert (confidence[~mask] == 1).all()
    assert confidence[mask] == pytest.approx(0.5)  # also beside known cells of a lower resolution


@EVERY_MODEL
def test_what_a_model_borrowed_has_the_size_of_its_picture(model):
    image = torch.from_numpy(noise(70, 75)).permute(2, 0, 1)[None].float() / 255
    mask = torch.from_numpy(box_mask(70, 75, slice(40, 70), slice(50, 75)))[None, None].float()
    fill = model(image, mask)
    for found in {
        id(each): each for each in (fill.correspondence, *fill.levels) if each is not None
    }.values():
        assert found.source_map().shape == (1, 2, 70, 75)
        if not isinstance(found, Offset):  # the fake carries nothing
            carried = found.transfer(image)
            assert carried.shape == image.shape
            known = (mask == 0).expand_as(image)
            assert torch.equal(carried[known], image[known])


def test_a_model_that_borrows_nothing_has_no_maps():
    result = fill_photo(photo_from_array(noise(60, 300)), HOLES["two windows"], Constant(0.2))
    assert confidence_map(result) is None
    assert source_map(result) is None


@pytest.mark.parametrize("working_size", [None, 90])
def test_each_level_keeps_its_own_sources(working_size):
    """A coarse level that borrows from the top left corner, and one that borrows nothing, below "nearest"."""

    class Levelled(Nearest):
        def infer(self, image, mask, allowed, *, seed, on_progress):
            fill = super().infer(image, mask, allowed, seed=seed, on_progress=on_progress)
            corner, nothing = (
                torch.where(mask > 0, each, -1).long().expand(1, 2, -1, -1) for each in (0, -1)
            )
            return replace(fill, levels=(Offset(corner), Offset(nothing), fill.correspondence))

    photo, mask = photo_from_array(noise(240, 240)), box_mask(240, 240, slice(90, 120), slice(100, 140))
    result = fill_photo(photo, mask, Levelled(), working_size=working_size)
    alone = fill_photo(photo, mask, Nearest(), working_size=working_size)
    corner, nothing, main = (source_map(each) for each in split_levels(result))
    assert (nothing == -1).all()
    assert np.array_equal(main, source_map(result))
    assert np.array_equal(main, source_map(alone))
    # One cell at the working size is the window's first pixels in the photo.
    assert (corner[~mask] == -1).all()
    assert np.ptp(corner[mask], axis=0).max() < (1 if working_size is None else 3)
    assert (corner[mask].min(axis=0) < (90, 100)).all()
    assert list(split_levels(alone)) == [alone]


@pytest.mark.parametrize("working_size", [None, 90])
def test_without_a_trace_the_picture_is_the_same_and_no_map_is_made(working_size):
    asked = []

    class Counted(Offset):
        def source_map(self):
            asked.append(self)
            return super().source_map()

    class Levelled(Nearest):
        def infer(self, image, mask, allowed, *, seed, on_progress):
            fill = super().infer(image, mask, allowed, seed=seed, on_progress=on_progress)
            found = Counted(fill.correspondence.source_map())
            return replace(fill, correspondence=found, levels=(found, found))

    photo, mask = photo_from_array(noise(240, 240)), box_mask(240, 240, slice(90, 120), slice(100, 140))
    traced = fill_photo(photo, mask, Levelled(), working_size=working_size)
    assert len(asked) == 2  # one for each level
    asked.clear()
    plain = fill_photo(photo, mask, Levelled(), working_size=working_size, trace=False)
    assert len(asked) == (0 if working_size is None else 1)  # detail is brought from where the fill came from
    assert np.array_equal(plain.photo.pixels, traced.photo.pixels)
    assert source_map(traced) is not None
    assert source_map(plain) is None
    assert list(split_levels(plain)) == [plain]


def test_an_untouched_photo_has_one_level():
    photo = photo_from_array(noise(20, 20))
    result = fill_photo(photo, np.zeros((20, 20), dtype=bool), Nearest())
    assert list(split_levels(result)) == [result]


def test_a_photo_that_repeats_is_restored_at_full_resolution():
    # The model works at a third of the resolution, and the hole is filled right all the same, because
    # the photo repeats itself.
    tile = noise(48, 48)
    array = np.tile(tile, (10, 10, 1))
    mask = box_mask(480, 480, slice(200, 290), slice(190, 310))

    class Shifted(Nearest):
        def infer(self, image, mask, allowed, *, seed, on_progress):
            fill = super().infer(image, mask, allowed, seed=seed, on_progress=on_progress)
            row, column = torch.meshgrid(*(torch.arange(side) for side in mask.shape[2:]), indexing="ij")
            near = torch.where(row < 36, row - 16, row + 16).clamp(0, len(row) - 1)
            sources = torch.stack([near, column])[None]
            fill.correspondence.sources = torch.where(mask > 0, sources, -1)
            return Fill(image[:, :, sources[0, 0], sources[0, 1]], None, fill.correspondence)

    model = Shifted()
    result = fill_photo(photo_from_array(array), mask, model, working_size=90, upsampling="residual")
    assert model.seen[0][0].shape[2:] == (73, 83)
    error = np.abs(result.photo.pixels.astype(int) - array)
    deep = depth(mask) > 3 * TONE
    assert deep.sum() > 2000
    assert error[deep | ~mask].max() <= 1
    sources = source_map(result)
    row, column = np.nonzero(mask)
    assert np.array_equal(sources[mask], np.stack([np.where(row < 244, row - 48, row + 48), column], axis=1))


def test_the_window_is_what_the_model_sees():
    model, mask = Constant(0.5), box_mask(800, 900, slice(400, 410), slice(300, 320))
    array = noise(800, 900)
    fill_photo(photo_from_array(array), mask, model)
    ((image, seen, allowed),) = model.seen
    window = array[400 - 64 : 410 + 64, 300 - 64 : 320 + 64]
    shown = torch.from_numpy(window / 255).permute(2, 0, 1)[None].float()
    torch.testing.assert_close(image, torch.where(seen > 0, 0.5, shown), atol=1e-3, rtol=0)
    assert seen.sum() == 200
    assert torch.equal(allowed, 1 - seen)


def test_what_was_filled_is_known_but_no_source_for_the_next_window():
    # At a working size of 160 the two holes are too far apart for one window, yet each sees the other.
    mask = box_mask(200, 400, slice(90, 100), slice(100, 110)) | box_mask(
        200, 400, slice(90, 110), slice(160, 180)
    )
    model = Constant(0.25)
    fill_photo(photo_from_array(noise(200, 400)), mask, model, working_size=160)
    (_, first_mask, _), (image, second_mask, allowed) = model.seen
    assert first_mask.sum() > 100
    assert second_mask.sum() == 400
    done = (second_mask == 0) & (allowed == 0)
    assert done.sum() > 0
    torch.testing.assert_close(
        image[done.expand_as(image)], torch.full((int(done.sum()) * 3,), 0.25), atol=0.1, rtol=0
    )


def test_a_model_is_shown_the_size_it_fills_well():
    mask = box_mask(200, 400, slice(80, 120), slice(180, 220))
    for own, wanted, longest in [(512, None, 168), (90, None, 90), (90, 512, 168), (512, 90, 90)]:
        model = Constant(0.25)
        model.working_size = own
        fill_photo(photo_from_array(noise(200, 400)), mask, model, working_size=wanted)
        assert max(model.seen[0][0].shape[2:]) == pytest.approx(longest, abs=6)


def test_only_the_windows_are_converted(monkeypatch):
    # A hundred megapixels, of which a window of 148 × 148 is all that may be turned into floats.
    asked = []

    def guarded(self, box):
        asked.append((box.rows, box.columns))
        return real(self, box)

    real = Encoding.look
    monkeypatch.setattr(Encoding, "look", guarded)
    array = np.zeros((10_000, 10_000, 1), dtype=np.uint8)
    mask = box_mask(10_000, 10_000, slice(7000, 7020), slice(3000, 3020))
    result = fill_photo(photo_from_array(array), mask, Constant(1.0))
    assert asked == [(slice(6936, 7084), slice(2936, 3084))]
    assert (result.photo.pixels[mask] > 250).all()
    assert np.count_nonzero(result.photo.pixels) == 400
    (region,) = result.regions
    assert region.hole.shape == (20, 20)


@pytest.mark.parametrize("opaque", [False, True])
def test_alpha_is_filled_like_a_colour_unless_the_hole_is_where_it_is_missing(opaque):
    array, mask = noise(40, 40, 4), box_mask(40, 40, slice(5, 15), slice(5, 15))
    result = fill_photo(photo_from_array(array), mask, Constant(0.5), opaque=opaque).photo
    assert (result.alpha[mask] == 255).all() == opaque
    assert abs(result.alpha[mask].mean() - 128) < 30 or opaque
    assert np.array_equal(result.alpha[~mask], array[..., 3][~mask])


def test_an_empty_mask_changes_nothing():
    array = noise(10, 12)
    photo = photo_from_array(array)
    result = fill_photo(photo, np.zeros((10, 12), dtype=bool), Constant(0.5))
    assert np.array_equal(result.photo.pixels, array)
    assert not np.shares_memory(result.photo.pixels, photo.pixels)
    assert result.regions == ()
    assert (confidence_map(result) == 1).all(), "everything is known"


def test_the_same_seed_gives_the_same_fill():
    array, mask = noise(96, 96), box_mask(96, 96, slice(30, 60), slice(30, 60))
    one, two = (
        fill_photo(photo_from_array(array), mask, Constant(0.5), seed=3, working_size=48).photo.pixels
        for _ in range(2)
    )
    assert np.array_equal(one, two)


@pytest.mark.parametrize(
    ("mask", "allowed", "working_size", "message"),
    [
        (np.ones((8, 9), dtype=bool), None, 512, "covers the whole photo"),
        (np.zeros((9, 8), dtype=bool), None, 512, "9 × 8.*8 × 9"),
        (np.zeros((8, 9), dtype=np.uint8), None, 512, "bool"),
        (box_mask(8, 9, 0, 0), np.zeros((8, 9), dtype=bool), 512, "left to borrow from; include more"),
        (box_mask(8, 9, 0, 0), np.zeros((8, 8), dtype=bool), 512, "allowed sources"),
        (box_mask(8, 9, 0, 0), None, 0, "working size"),
    ],
)
def test_errors_of_the_user(mask, allowed, working_size, message):
    with pytest.raises(RetouchError, match=message):
        fill_photo(
            photo_from_array(noise(8, 9)), mask, Constant(0.5), allowed=allowed, working_size=working_size
        )


def test_progress_only_moves_forward_and_arrives():
    steps = []
    mask = HOLES["two windows"].copy()
    mask[10:50, 5:45] = True
    result = fill_photo(
        photo_from_array(noise(60, 300)), mask, Nearest(), working_size=48, on_progress=steps.append
    )
    assert len(result.regions) == 2
    for stage in ("fill", "upsample", "blend"):
        of_stage = [step for step in steps if step.stage == stage]
        done = [step.done for step in of_stage]
        assert done == sorted(done)
        assert len({step.total for step in of_stage}) == 1
        assert done[-1] == of_stage[-1].total
    assert len([step for step in steps if step.stage == "fill"]) > 4, "the model is heard"
    assert set(result.timings) == {"windows", "colour", "fill", "upsample", "blend"}
    assert all(seconds >= 0 for seconds in result.timings.values())


def test_a_tone_that_is_off_beside_the_hole_is_mended():
    # The model's fill is 0.1 too bright. Cells at the border are only partly hole, so the engine sees it.
    array = np.full((300, 300, 3), 102, dtype=np.uint8)
    mask = box_mask(300, 300, slice(101, 200), slice(101, 200))
    result = fill_photo(photo_from_array(array), mask, Constant(0.5), working_size=100).photo.pixels
    line = result[150, 101:200, 0].astype(int)
    assert abs(line[0] - 102) <= 10
    assert (np.diff(line[:20]) >= -4).all()
    assert abs(line[50] - 128) <= 1


class Improving(Constant):
    """Gets darker with every step that it is granted."""

    def infer(self, image, mask, allowed, *, seed, on_progress):
        value = 1.0
        try:
            for step in range(1, 6):
                on_progress(Progress("improve", step, 5))
                value -= 0.1
        except Stop:
            pass
        return Fill(torch.full_like(image, value))


@pytest.mark.parametrize("calls", [1, 3, 5])
def test_a_listener_that_stops_gets_the_best_so_far_in_all_windows(calls):
    photo, mask = photo_from_array(noise(60, 1500)), np.zeros((60, 1500), dtype=bool)
    mask[20:40, [*range(50, 70), *range(1400, 1420)]] = True
    heard = []

    def listen(progress):
        heard.append(progress)
        if len(heard) == calls:
            raise Stop

    result = fill_photo(photo, mask, Improving(0.0), on_progress=listen)
    assert len(heard) == calls
    assert len(result.regions) == 2
    assert np.array_equal(result.photo.pixels[~mask], photo.pixels[~mask])
    whole = fill_photo(photo, mask, Improving(0.0)).photo.pixels
    brighter = (result.photo.pixels.astype(int) - whole)[mask]
    assert brighter.mean() > 10


def test_a_model_that_cannot_stop_early_ends_without_a_fill():
    def listen(progress):
        raise Stop

    photo = photo_from_array(noise(60, 300))
    before = photo.pixels.copy()
    with pytest.raises(Stop):
        fill_photo(photo, HOLES["two windows"], Nearest(), on_progress=listen)
    assert np.array_equal(photo.pixels, before)


def test_in_place_the_photo_itself_is_filled():
    array, mask = noise(40, 40, 4), box_mask(40, 40, slice(5, 15), slice(5, 15))
    photo = photo_from_array(array)
    expected = fill_photo(photo, mask, Constant(0.5)).photo
    assert not np.array_equal(expected.pixels, photo.pixels)
    assert fill_photo(photo, mask, Constant(0.5), in_place=True).photo is photo
    assert np.array_equal(expected.pixels, photo.pixels)
    assert np.array_equal(expected.alpha, photo.alpha)


@pytest.mark.parametrize(
    ("working_size", "upsampling", "like"),
    [
        (100, "auto", "network"),
        (30, "auto", "residual"),
        (30, "network", "network"),
        (300, "auto", "residual"),
    ],
)
def test_how_detail_is_made(working_size, upsampling, like):
    """Networks up to a factor of 4; at the photo's own resolution there is none to make."""
    array, mask = noise(200, 200), box_mask(200, 200, slice(90, 110), slice(90, 110))

    def filled(way):
        options = {"working_size": working_size, "upsampling": way}
        return fill_photo(photo_from_array(array), mask, Nearest(), **options).photo.pixels

    ways = {way: filled(way) for way in ("network", "residual")}
    assert np.array_equal(ways["network"], ways["residual"]) == (working_size == 300)
    assert np.array_equal(filled(upsampling), ways[like])


def test_a_way_to_make_detail_that_there_is_not():
    with pytest.raises(RetouchError, match="by auto or network or residual, not 'best'"):
        fill_photo(
            photo_from_array(noise(40, 40)),
            box_mask(40, 40, slice(5, 9), slice(5, 9)),
            Nearest(),
            upsampling="best",
        )

import numpy as np
import pytest
from tests.engine.fakes import Constant, Nearest

from retouch.confidence.around import with_confidence
from retouch.contract import Stop
from retouch.engine.filled import confidence_map, filled_by, source_map
from retouch.engine.pipeline import fill_photo
from retouch.engine.smooth import smooth_windows, split_off
from retouch.engine.windows import Sources
from retouch.imaging import photo_from_array
from retouch.models.opencv import NavierStokes, Telea
from retouch.ops.scattered import scattered

ROWS, COLUMNS = np.mgrid[:160, :180].astype(np.float32)
SCENE = np.dstack(
    [128 + 90 * np.sin(ROWS / 7 + each) * np.cos(COLUMNS / 9 - each) for each in (0, 1, 2)]
).astype(np.uint8)


class Copying(Nearest):
    """Takes patches, as far as the engine knows."""

    name = "copying"
    fills_by = "copying"


def missing(share, shape=(160, 180), seed=0):
    return np.random.default_rng(seed).random(shape) < share


def psnr(one, other):
    return 10 * np.log10(255**2 / np.square(one.astype(float) - other).mean())


def hidden(array, hole):
    return np.where(hole[..., None], np.uint8(255), array)


@pytest.mark.parametrize("share", [0.0005, 0.02, 0.1, 0.3, 0.5, 0.7, 0.9])
def test_scattered_pixels_are_filled_better_than_by_any_diffusion_of_opencv(share):
    hole = missing(share)
    photo = photo_from_array(hidden(SCENE, hole))
    result = fill_photo(photo, hole, Copying())
    ours = psnr(result.photo.pixels[hole], SCENE[hole])
    for model in (Telea(), NavierStokes()):
        assert ours > psnr(fill_photo(photo, hole, model).photo.pixels[hole], SCENE[hole]) + 1
    assert filled_by(result).get("smooth", 0) >= 0.97 * hole.sum()
    assert np.array_equal(result.photo.pixels[~hole], SCENE[~hole])


@pytest.mark.parametrize("model", [Constant(0.5), Telea(), NavierStokes()], ids=lambda model: model.name)
def test_other_models_fill_all_by_themselves(model):
    hole = missing(0.5)
    result = fill_photo(photo_from_array(SCENE), hole, model)
    assert filled_by(result) == {model.name: hole.sum()}


def test_a_large_hole_is_filled_from_the_completed_photo():
    model, hole = Copying(), missing(0.5)
    hole[60:110, 60:120] = True
    result = fill_photo(photo_from_array(hidden(SCENE, hole)), hole, model)
    by = filled_by(result)
    assert by["copying"] == pytest.approx(3000, rel=0.05)
    assert sum(by.values()) == hole.sum()
    (_, left, allowed) = model.seen[-1]
    assert left.sum() == pytest.approx(3000, rel=0.05)
    assert bool(((allowed > 0) | (left > 0)).all()), "what was completed may be borrowed from"
    sources = source_map(result)
    borrowed = sources[..., 0] >= 0
    assert borrowed.any()
    assert not hole[tuple(sources[borrowed].T)].any(), "but no pixel is said to come from what was missing"


def test_what_is_avoided_is_not_used():
    hole = missing(0.4)
    allowed = np.ones_like(hole)
    allowed[:, 90:] = False
    results = []
    for there in (0, 255):
        array = np.where(allowed[..., None], SCENE, np.uint8(there))
        results.append(
            fill_photo(photo_from_array(array), hole, Copying(), allowed=allowed).photo.pixels[hole]
        )
    assert np.array_equal(*results)


def test_what_lies_in_the_hole_does_not_matter():
    hole = missing(0.4)
    hole[:, :2] = hole[70:100, 70:100] = True
    one, two = (
        fill_photo(photo_from_array(np.where(hole[..., None], np.uint8(each), SCENE)), hole, Copying())
        for each in (0, 255)
    )
    assert np.array_equal(one.photo.pixels, two.photo.pixels)


def test_tiles_find_what_the_whole_finds():
    hole = missing(0.3, (700, 1200))
    hole[:, 600:] &= missing(0.01, (700, 600))
    hole[300:, 620:622] = True
    tiles = split_off(hole, Sources(hole, None))
    for ours, theirs in zip(tiles, scattered(hole, ~hole), strict=True):
        assert (ours != theirs).mean() < 0.0005


def test_windows_hold_each_pixel_once_and_what_it_needs():
    hole = missing(0.2, (700, 1200))
    hole[:, 600:] &= missing(0.01, (700, 600))
    found = split_off(hole, Sources(hole, None))
    owned = np.zeros(hole.shape, int)
    for window in smooth_windows(found):
        assert window.smooth
        assert window.scale == 1
        owned[window.hole_box.rows, window.hole_box.columns] += window.hole
        assert (~hole)[window.box.rows, window.box.columns].any()
    assert np.array_equal(owned, (found.thin | found.sparse).astype(int))


def test_progress_arrives_and_a_stop_is_heard():
    hole, told = missing(0.5), []
    fill_photo(photo_from_array(SCENE), hole, Copying(), on_progress=told.append)
    last = [each for each in told if each.stage == "fill"][-1]
    assert last.done == last.total

    def stop(progress):
        raise Stop

    with pytest.raises(Stop):
        fill_photo(photo_from_array(SCENE), hole, Copying(), on_progress=stop)


def test_what_is_filled_smoothly_is_judged_too():
    hole = missing(0.02)
    result = fill_photo(photo_from_array(SCENE), hole, with_confidence(Copying()))
    assert filled_by(result) == {"smooth": hole.sum()}
    confidence = confidence_map(result)
    assert (confidence[~hole] == 1).all()
    assert (confidence[hole] < 1).mean() > 0.9


# Depth maps, scans and floats


def ramp(down, across, start=0.0):
    return start + down * ROWS + across * COLUMNS


RAMPS = {
    "whole range": ramp(65535 / 159, 0),
    "slanted": ramp(250, 120),
    "depth in mm": ramp(4, 1.5, 1200),
    "one step a row": ramp(1, 0, 30000),
    "thermal": 7500 + 100 * np.sin(COLUMNS / 40) + 50 * np.cos(ROWS / 30),
}
PLACES = {"inside": (slice(60, 90), slice(50, 90)), "large": (slice(20, 140), slice(30, 140))}


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES.keys())
@pytest.mark.parametrize("name", [name for name in RAMPS if name != "thermal"])
def test_a_ramp_of_sixteen_bits_comes_back_to_a_step(name, place):
    truth = np.rint(RAMPS[name]).astype(np.uint16)
    hole = np.zeros(truth.shape, bool)
    hole[place] = True
    filled = fill_photo(photo_from_array(np.where(hole, np.uint16(0), truth)), hole, Copying())
    error = np.abs(filled.photo.pixels[..., 0].astype(int) - truth)
    assert error[hole].max() <= 2
    assert filled_by(filled) == {"smooth": hole.sum()}


@pytest.mark.parametrize("model", [Telea(), NavierStokes(), Copying()], ids=lambda model: model.name)
@pytest.mark.parametrize("name", RAMPS)
def test_scattered_pixels_of_sixteen_bits_are_off_by_less_than_a_step(name, model):
    truth = np.rint(RAMPS[name]).astype(np.uint16)
    hole = missing(0.02)
    hole[:3], hole[-3:], hole[:, :3], hole[:, -3:] = False, False, False, False
    filled = fill_photo(photo_from_array(np.where(hole, np.uint16(0), truth)), hole, model).photo.pixels
    step = max(1, np.abs(np.diff(RAMPS[name], axis=0)).max() / 25)
    assert np.abs(filled[..., 0].astype(int) - truth)[hole].mean() < step


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("low", "high"), [(0, 1), (-3, 4), (0.5, 80), (1000, 1001), (-1e-6, 1e-6)])
def test_floats_keep_their_range(dtype, low, high):
    truth = (low + (high - low) * (ROWS + COLUMNS).astype(np.float64) / 337).astype(dtype)
    hole = np.zeros(truth.shape, bool)
    hole[60:90, 50:90] = True
    given = np.where(hole, np.nan, truth).astype(dtype)
    filled = fill_photo(photo_from_array(given), hole, Copying()).photo.pixels
    assert filled.dtype == dtype
    assert np.array_equal(filled[..., 0][~hole], truth[~hole])
    resolution = max(abs(low), abs(high)) * np.finfo(dtype).eps * 4
    assert np.abs(filled[..., 0] - truth).max() <= 2e-5 * (high - low) + resolution


def test_an_edge_is_left_to_the_model():
    truth = np.where(COLUMNS < 90, 1200 + ROWS, 9000 + ROWS).astype(np.uint16)
    hole = np.zeros(truth.shape, bool)
    hole[60:90, 70:110] = True
    result = fill_photo(photo_from_array(truth), hole, Copying())
    assert filled_by(result) == {"copying": hole.sum()}


def test_bytes_are_left_to_the_model():
    truth = ramp(1, 0).astype(np.uint8)
    hole = np.zeros(truth.shape, bool)
    hole[60:90, 70:110] = True
    assert filled_by(fill_photo(photo_from_array(truth), hole, Copying())) == {"copying": hole.sum()}


def test_a_large_smooth_hole_is_filled_at_full_resolution():
    truth = np.rint(ramp(200, 100)).astype(np.uint16)
    hole, told = np.zeros(truth.shape, bool), []
    hole[40:120, 40:120] = True
    result = fill_photo(photo_from_array(truth), hole, Copying(), working_size=60, on_progress=told.append)
    assert np.abs(result.photo.pixels[..., 0].astype(int) - truth).max() <= 2
    for stage in ("fill", "upsample", "blend"):
        last = [each for each in told if each.stage == stage][-1]
        assert last.done == last.total
    assert confidence_map(result) is None

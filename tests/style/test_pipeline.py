import numpy as np
import pytest
import torch

from retouch import RetouchError
from retouch.contract import Stop
from retouch.engine.boxes import Box
from retouch.imaging import Photo, photo_from_array
from retouch.models.infer_match_translate.network import FeaturesToImage
from retouch.networks.vgg import shift_tolerant_vgg
from retouch.style import levels as style_levels
from retouch.style import pipeline as style_pipeline
from retouch.style.levels import StyleImage, grown, levels, tiles
from retouch.style.pipeline import stylize_photo
from retouch.style.transfer import borrow, nearest, see, translated


@pytest.fixture(scope="module")
def translate() -> FeaturesToImage:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        made = FeaturesToImage(0.03).eval().requires_grad_(False)
    made.layers[-1].weight *= 10  # a picture of some contrast
    return made


@pytest.fixture
def stylize(translate):
    return lambda photo, style, **options: stylize_photo(
        photo, style, translate, shift_tolerant_vgg(), **options
    )


@pytest.fixture
def small_levels(monkeypatch):
    """The coarsest level has 64 pixels, so that small photos have several."""
    monkeypatch.setattr(style_levels, "COARSEST", 64)


def _noise(*shape: int, seed: int = 0) -> np.ndarray:
    """Blots of a few pixels, uint8."""
    coarse = np.random.default_rng(seed).integers(0, 256, (-(-shape[0] // 4), -(-shape[1] // 4), *shape[2:]))
    return coarse.repeat(4, 0).repeat(4, 1)[: shape[0], : shape[1]].astype(np.uint8)


def _tensor(photo: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(photo.astype(np.float32) / 255).permute(2, 0, 1)[None]


def test_a_small_photo_is_swapped_once(stylize, translate, photo):
    style = _noise(40, 60, 3)
    vgg = shift_tolerant_vgg()
    features = see(vgg, _tensor(photo))
    known = style_pipeline.see_style(vgg, _tensor(style), torch.ones(1, 1, 40, 60), 3)
    field = nearest(features, style_pipeline.Statistics.of(features), known)
    expected = translated(translate, borrow(known, field))[0].permute(1, 2, 0).clamp(0, 1).numpy() * 255
    made = stylize(photo_from_array(photo), photo_from_array(style)).pixels
    assert made.dtype == np.uint8
    np.testing.assert_allclose(made, expected, atol=0.51)


@pytest.mark.parametrize("strength", [0.4, 1.0])
def test_parts_agree_with_the_whole(stylize, small_levels, monkeypatch, strength):
    photo = photo_from_array(_noise(150, 190, 3).astype(np.uint16) * 257)
    style = photo_from_array(_noise(50, 40, 3, seed=1))
    # All are compared at the finer levels too: a search meets other random candidates in each part.
    exact = lambda features, statistics, style, *_: nearest(features, statistics, style)  # noqa: E731
    monkeypatch.setattr(style_pipeline, "nearest", exact)
    made = []
    for window in (64, 256):
        monkeypatch.setattr(style_pipeline, "WINDOW", window)
        made.append(stylize(photo, style, strength=strength).pixels.astype(int))
    assert np.ptp(made[1]) > 20000
    assert np.abs(made[0] - made[1]).max() <= 16


def test_finer_levels_go_on_from_the_coarser(stylize, small_levels, monkeypatch):
    seen = []

    def spy(features, statistics, style, start=None, seed=0):
        found = nearest(features, statistics, style, start, seed)
        seen.append((None if start is None else start.clone(), found))
        return found

    monkeypatch.setattr(style_pipeline, "nearest", spy)
    stylize(photo_from_array(_noise(128, 96, 3)), photo_from_array(_noise(128, 128, 3, seed=1)), seed=5)
    (none, coarse), (start, fine) = seen
    assert none is None
    assert (coarse.shape, fine.shape) == ((2, 16, 12), (2, 32, 24))
    # The style has doubled as well, so each cell becomes four that lie as they did.
    assert torch.equal(start[:, ::2, ::2], 2 * coarse)
    assert torch.equal(start[:, 1::2, 1::2], 2 * coarse + 1)
    # A style that stays as large as it is: the same place.
    seen.clear()
    stylize(photo_from_array(_noise(128, 96, 3)), photo_from_array(_noise(64, 64, 3, seed=1)))
    (_, coarse), (start, _) = seen
    assert torch.equal(start[:, ::2, ::2], coarse)


def test_the_coarser_level_shows_in_the_finer(small_levels, monkeypatch):
    seen = []
    monkeypatch.setattr(
        style_pipeline, "see", lambda vgg, image: seen.append(image.clone()) or see(vgg, image)
    )
    # Whatever the features are, this translates them to a plain picture.
    plain = lambda features: torch.full((1, 3, *(4 * s for s in features.shape[2:])), 0.5)  # noqa: E731
    array = _noise(128, 128, 3)
    stylize_photo(photo_from_array(array), photo_from_array(array), plain, shift_tolerant_vgg())
    coarse, fine = seen
    assert (coarse.shape[2:], fine.shape[2:]) == ((64, 64), (128, 128))
    torch.testing.assert_close(coarse, torch.nn.functional.avg_pool2d(_tensor(array), 2))
    change = torch.nn.functional.avg_pool2d(fine - _tensor(array), 2)
    clipped = (torch.nn.functional.max_pool2d(fine, 2) == 1) | (
        -torch.nn.functional.max_pool2d(-fine, 2) == 0
    )
    near = (change - (0.75 - coarse)).abs()[~clipped]
    assert near.numel() > 1000
    assert near.median() < 0.05


def test_colours_are_those_of_the_coarsest_level(small_levels):
    """A finer level adds nothing but detail: here stripes, which are made upon black."""

    def translate(features):
        made = torch.full((1, 3, *(4 * side for side in features.shape[2:])), 0.2)
        if features.shape[2] > 16:
            made = made * 0 - 1
            made[..., ::2, :] += 0.4
        return made

    photo, style = photo_from_array(_noise(128, 128, 3)), photo_from_array(_noise(50, 60, 3, seed=1))
    made = stylize_photo(photo, style, translate, shift_tolerant_vgg()).pixels
    assert np.abs(made[::2].astype(int) - 255 * 0.7).max() <= 1
    assert np.abs(made[1::2].astype(int) - 255 * 0.5).max() <= 1


def test_strength_counts_once_however_many_levels(stylize, small_levels):
    photo, style = _noise(128, 128, 3), photo_from_array(_noise(50, 60, 3, seed=1))
    whole, little, none = (
        stylize(photo_from_array(photo), style, strength=each).pixels.astype(float) for each in (1, 0.1, 0)
    )
    assert np.abs(none - photo).max() <= 1
    assert 0 < np.abs(little - photo).mean() < 0.3 * np.abs(whole - photo).mean()


@pytest.mark.parametrize("shape", [(1, 1, 3), (5, 1, 3), (1, 90, 3), (97, 33, 1), (13, 200, 1)])
def test_photos_of_any_size(stylize, small_levels, shape):
    made = stylize(photo_from_array(_noise(*shape)), photo_from_array(_noise(30, 40, 3, seed=1)))
    assert made.pixels.shape == shape


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 70, 1), (300, 20, 3)])
def test_styles_of_any_size(stylize, small_levels, monkeypatch, shape):
    monkeypatch.setattr(style_levels, "LARGEST_STYLE", 100)
    made = stylize(photo_from_array(_noise(90, 100, 3)), photo_from_array(_noise(*shape, seed=1)))
    assert np.ptp(made.pixels) > 0


def test_what_is_not_colour_stays(stylize):
    alpha = _noise(40, 52)
    wide = Photo(_noise(40, 52, 3).astype(np.uint16) * 257, alpha.astype(np.uint16) * 257, format="png")
    made = stylize(wide, photo_from_array(_noise(30, 40, 3, seed=1)))
    assert made.alpha is wide.alpha
    assert (made.format, made.header) == (wide.format, wide.header)
    assert made.pixels.dtype == np.uint16
    assert (made.pixels % 257 != 0).any()


def test_a_grey_photo_sees_a_grey_style(stylize):
    grey, style = photo_from_array(_noise(40, 52)), _noise(30, 40, 3, seed=1)
    luma = np.rint(style @ np.array([0.299, 0.587, 0.114])).astype(np.uint8)
    made = stylize(grey, photo_from_array(style)).pixels
    assert made.shape == (40, 52, 1)
    assert np.abs(made.astype(int) - stylize(grey, photo_from_array(luma)).pixels).mean() < 1


def test_what_is_transparent_in_the_style_is_not_used(stylize):
    photo, style = photo_from_array(_noise(40, 52, 3)), _noise(64, 64, 3, seed=1)
    alpha = np.zeros((64, 64), np.uint8)
    alpha[:, :32] = 255
    style[:, 40:] = 0
    cut = stylize(photo, Photo(style, alpha)).pixels
    assert (cut != stylize(photo, Photo(style)).pixels).any()
    style[:, 60:] = 255  # nor does it matter what it is, if it is far enough from what is seen
    other = stylize(photo, Photo(style, alpha)).pixels
    assert np.abs(cut.astype(int) - other).mean() < 60
    with pytest.raises(RetouchError, match="opaque"):
        stylize(photo, Photo(style, alpha * 0))


def test_hidden_colours_of_a_style_do_not_count(stylize, small_levels):
    photo, alpha = photo_from_array(_noise(72, 96, 3)), np.zeros((96, 128), np.uint8)
    alpha[12:84, 8:70] = 255
    made = []
    for hidden in (0, 255):
        style = _noise(96, 128, 3, seed=1)
        style[alpha == 0] = hidden
        made.append(stylize(photo, Photo(style, alpha)).pixels)
    assert np.array_equal(*made)


def test_progress_reaches_its_total(stylize, small_levels, monkeypatch):
    monkeypatch.setattr(style_pipeline, "WINDOW", 64)
    heard = []
    photo, style = photo_from_array(_noise(100, 128, 3)), photo_from_array(_noise(30, 40, 3))
    stylize(photo, style, on_progress=heard.append)
    assert [each.done for each in heard] == list(range(1, 11))  # 1 part and 4, matched and translated
    assert {each.total for each in heard} == {10}

    def stop(_):
        raise Stop

    with pytest.raises(Stop):
        stylize(photo, style, on_progress=stop)


def test_the_seed_decides(stylize, small_levels):
    photo, style = photo_from_array(_noise(128, 128, 3)), photo_from_array(_noise(128, 128, 3, seed=1))
    one, same, other = (stylize(photo, style, seed=seed).pixels for seed in (1, 1, 2))
    assert np.array_equal(one, same)
    assert (one != other).any()


def test_levels_are_halves_of_the_photo(monkeypatch):
    monkeypatch.setattr(style_levels, "COARSEST", 64)
    array = _noise(150, 203, 3)
    found = levels(photo_from_array(array))
    assert [(each.height, each.width) for each in found] == [(160, 208), (80, 104), (40, 52)]
    whole = np.pad(array, ((0, 10), (0, 5), (0, 0)), mode="edge")
    image = _tensor(whole)
    for level in found:
        torch.testing.assert_close(level.look(Box(0, 0, level.height, level.width)), image)
        torch.testing.assert_close(level.look(Box(8, 4, 12, 20)), image[..., 8:20, 4:24])
        image = torch.nn.functional.avg_pool2d(image, 2)
    # A part that lies beyond the photo repeats its last row.
    torch.testing.assert_close(found[0].look(Box(152, 0, 8, 20)), _tensor(whole)[..., 152:, :20])


def test_the_style_is_as_long_as_the_level_but_never_enlarged(monkeypatch):
    monkeypatch.setattr(style_levels, "LARGEST_STYLE", 100)
    style = StyleImage.of(photo_from_array(_noise(90, 333, 3)), grey=False)
    assert style.image.shape[2:] == (30, 111)  # by a whole factor
    assert [style.at(longest)[0].shape[2:] for longest in (50, 100, 500)] == [(14, 50), (27, 100), (27, 100)]
    small = _noise(20, 30, 3)
    image, opaque = StyleImage.of(photo_from_array(small), grey=False).at(64)
    torch.testing.assert_close(image, _tensor(small))
    assert (opaque == 1).all()


def test_tiles_cover_a_level_once():
    seen = np.zeros((20, 28), int)
    for box in tiles(20, 28, 12):
        seen[box.rows, box.columns] += 1
        outer = grown(box, 8, 20, 28)
        assert (outer.top, outer.left) == (max(0, box.top - 8), max(0, box.left - 8))
        assert (outer.rows.stop, outer.columns.stop) == (
            min(20, box.rows.stop + 8),
            min(28, box.columns.stop + 8),
        )
    assert (seen == 1).all()

"""Stylising with features that lose nothing, so that what must come out is known exactly.

Here the features of a cell are its own 4×4 pixels, and translating them puts the pixels back. Everything else
is the real thing: levels, parts, the search, the average of overlapping patches, anchoring, colours.
"""

import itertools
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.imaging.samples import P3
from torch.nn import functional as F

from retouch.engine.windows import Box
from retouch.imaging import Header, Photo, from_srgb, photo_from_array, to_srgb
from retouch.style import levels as style_levels
from retouch.style import pipeline as style_pipeline
from retouch.style import transfer
from retouch.style.levels import Level, StyleImage, grown, tiles
from retouch.style.pipeline import stylize_photo
from retouch.style.transfer import Statistics, Style, nearest

EDGE = 2 * 4  # pixels at the border whose patches stick out of the photo, where no source does


@pytest.fixture
def stylize(monkeypatch):
    """``stylize(array, array, …)``, lossless."""

    def see(_vgg, image):
        return F.pixel_unshuffle(image, 4)

    monkeypatch.setattr(transfer, "see", see)
    monkeypatch.setattr(style_pipeline, "see", see)

    def run(photo, style, **options):
        photo, style = (
            photo_from_array(each) if isinstance(each, np.ndarray) else each for each in (photo, style)
        )
        made = stylize_photo(photo, style, lambda x: 2 * F.pixel_shuffle(x, 4) - 1, None, **options)
        assert made.pixels.dtype == photo.pixels.dtype
        assert made.pixels.shape == photo.pixels.shape
        return made.pixels

    return run


@pytest.fixture
def compare_all(monkeypatch):
    """All patches are compared at every level, for a search meets other candidates in each part."""
    monkeypatch.setattr(
        style_pipeline,
        "nearest",
        lambda features, statistics, style, *_: nearest(features, statistics, style),
    )


@pytest.fixture(params=[512, 48], ids=["one level", "several levels"])
def levels(request, monkeypatch):
    monkeypatch.setattr(style_levels, "COARSEST", request.param)
    return 1 if request.param == 512 else 2


def smooth(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Soft blots in colour, ``H×W×3`` uint8; no two places are alike."""
    noise = torch.rand(1, 3, height // 8 + 2, width // 8 + 2, generator=torch.Generator().manual_seed(seed))
    fine = torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(seed + 100))
    image = 0.8 * F.interpolate(noise, (height, width), mode="bicubic").clamp(0, 1) + 0.2 * fine
    return (image[0].permute(1, 2, 0) * 255).round().byte().numpy()


def plain(colour, height: int = 40, width: int = 32) -> np.ndarray:
    return np.full((height, width, len(colour)), colour, np.uint8)


def apart(one: np.ndarray, other: np.ndarray) -> float:
    """The greatest difference."""
    return float(np.abs(one.astype(float) - other).max())


def test_a_photo_in_its_own_style_is_itself(stylize, levels, compare_all):
    photo = smooth(96, 80)
    made = stylize(photo, photo)
    inside = (slice(EDGE * levels, -EDGE * levels),) * 2
    if levels == 1:
        assert apart(made[inside], photo[inside]) <= 1
    else:  # a style is made smaller by another filter than a photo
        assert np.abs(made[inside].astype(float) - photo[inside]).mean() < 4


@pytest.mark.parametrize("size", [(96, 80), (1, 1), (5, 1), (1, 90), (97, 33)])
@pytest.mark.parametrize("colour", [(200, 60, 90), (0, 0, 0), (255, 255, 255)])
def test_a_plain_style_gives_its_colour(stylize, levels, size, colour):
    photo = smooth(96, 96)[: size[0], : size[1]]
    assert apart(stylize(photo, plain(colour)), colour) <= 1


@pytest.mark.parametrize("size", [(1, 1), (1, 70), (300, 20), (40, 32)])
def test_a_plain_style_of_any_size_gives_its_colour(stylize, monkeypatch, size):
    monkeypatch.setattr(style_levels, "LARGEST_STYLE", 100)
    assert apart(stylize(smooth(50, 60), plain((200, 60, 90), *size)), (200, 60, 90)) <= 1


@pytest.mark.parametrize("strength", [0, 0.25, 0.7])
def test_strength_is_the_share_of_the_style(stylize, strength):
    photo, style = smooth(96, 80), smooth(64, 72, seed=1)
    whole = stylize(photo, style).astype(float)
    assert apart(whole, photo) > 50
    expected = photo + strength * (whole - photo)
    assert apart(stylize(photo, style, strength=strength), expected) <= 1


def test_strength_zero_is_the_photo_at_every_level(stylize, levels):
    photo = smooth(96, 80)
    assert apart(stylize(photo, smooth(64, 72, seed=1), strength=0), photo) <= 1


@pytest.mark.parametrize(
    "turn",
    [lambda x: x[:, ::-1], lambda x: x[::-1], lambda x: x.swapaxes(0, 1)],
    ids=["left and right", "above and below", "rows and columns"],
)
def test_mirror_images_become_mirror_images(stylize, levels, compare_all, turn):
    photo, style = smooth(96, 80), smooth(48, 40, seed=1)
    mirrored = stylize(turn(photo).copy(), turn(style).copy())
    assert apart(turn(mirrored), stylize(photo, style)) <= 1


@pytest.mark.parametrize(("window", "patch"), [(16, 1), (24, 3), (40, 5)])
def test_the_size_of_the_parts_does_not_show(stylize, levels, compare_all, monkeypatch, window, patch):
    photo, style = smooth(96, 80), smooth(64, 72, seed=1)
    whole = stylize(photo, style, patch=patch)
    # The coarsest level is one part, whose statistics are those of the photo.
    monkeypatch.setattr(
        style_pipeline, "tiles", lambda h, w, _: tiles(h, w, window if max(h, w) > 48 else 512)
    )
    if levels == 1:
        monkeypatch.setattr(style_pipeline, "Statistics", _Known(photo))
    assert apart(stylize(photo, style, patch=patch), whole) <= 1


class _Known:
    """Statistics of the whole photo, whatever part they are asked of."""

    def __init__(self, photo: np.ndarray) -> None:
        image = torch.from_numpy(photo.astype(np.float32) / 255).permute(2, 0, 1)[None]
        self.found = Statistics.of(F.pixel_unshuffle(image, 4))

    def of(self, _features: torch.Tensor) -> Statistics:
        return self.found


def test_there_are_no_seams_where_parts_meet(stylize, monkeypatch):
    """With the real search, too: neighbouring pixels differ no more across a border than elsewhere."""
    monkeypatch.setattr(style_levels, "COARSEST", 32)
    photo, style = smooth(128, 128), smooth(96, 96, seed=1)
    whole = stylize(photo, style).astype(float)
    monkeypatch.setattr(style_pipeline, "WINDOW", 32)
    parts = stylize(photo, style).astype(float)
    for axis in (0, 1):
        steps = [np.abs(np.diff(made, axis=axis)).mean((1 - axis, 2)) for made in (parts, whole)]
        across, before = (each[31:-1:32].mean() / each.mean() for each in steps)
        assert across < 1.15 * before


def test_against_a_naive_reference(stylize):
    """Each cell becomes that of the style with the greatest cosine, once mean and deviation are removed."""
    photo, style = smooth(24, 32), smooth(28, 20, seed=1)

    def blocks(picture):
        rows, columns = (side // 4 for side in picture.shape[:2])
        cells = [picture[4 * r : 4 * r + 4, 4 * c : 4 * c + 4] for r in range(rows) for c in range(columns)]
        vectors = np.array([each.reshape(-1) / 255 for each in cells])
        vectors = (vectors - vectors.mean(0)) / np.maximum(vectors.std(0), 0.05)
        return cells, vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    (cells, mine), (others, theirs) = blocks(photo), blocks(style)
    expected = np.zeros_like(photo)
    for number in range(len(cells)):
        row, column = 4 * (number // 8), 4 * (number % 8)
        expected[row : row + 4, column : column + 4] = others[int(np.argmax(theirs @ mine[number]))]
    assert apart(stylize(photo, style, patch=1), expected) == 0


def test_nothing_transparent_is_borrowed(stylize):
    """Every cell of the result is one of the style that is opaque as a whole."""
    photo, style = smooth(72, 40), smooth(64, 72, seed=1)  # as long as each other, so nothing is resized
    alpha = np.full((64, 72), 255, np.uint8)
    alpha[:, 38:] = 0
    made = stylize(photo, Photo(style, alpha), patch=1)

    def cells(picture):
        rows, columns = (range(0, side // 4 * 4, 4) for side in picture.shape[:2])
        return {picture[row : row + 4, column : column + 4].tobytes() for row in rows for column in columns}

    assert len(cells(made)) > 20
    assert cells(made) <= cells(style[:, :36])


@pytest.mark.parametrize("longest", [64, 33, 32, 20])
def test_what_is_transparent_does_not_bleed_into_a_smaller_style(longest):
    style, alpha = np.zeros((48, 64, 3), np.uint8), np.full((48, 64), 255, np.uint8)
    style[:, 30:], alpha[:, 30:] = 255, 0
    image, opaque = StyleImage.of(Photo(style, alpha), grey=False).at(longest)
    assert image.shape[3] == longest
    assert opaque.mean() > 0.35
    assert set(opaque.unique().tolist()) == {0, 1}
    assert (image[opaque.expand_as(image) == 1] < 0.005).all()


def test_grey_stays_grey(stylize, levels):
    photo, style = smooth(96, 80)[..., :1], smooth(64, 72, seed=1)
    luma = np.rint(style @ np.array([0.299, 0.587, 0.114])).astype(np.uint8)[..., None]
    made = stylize(photo, style)
    assert made.shape == (96, 80, 1)
    assert np.abs(made.astype(float) - stylize(photo, luma)).mean() < 1
    coloured = stylize(photo.repeat(3, 2), luma.repeat(3, 2))
    assert np.ptp(coloured, axis=2).max() <= 1
    assert np.abs(coloured[..., :1].astype(float) - stylize(photo, luma)).mean() < 1


def test_only_pixels_change(stylize):
    wide = smooth(48, 40).astype(np.uint16) * 257
    alpha = (np.arange(48 * 40, dtype=np.uint16) * 7).reshape(48, 40)
    header = Header(exif=b"exif", xmp=b"xmp", comments=(b"one",), resolution=(12, 13, "cm"))
    photo = Photo(wide, alpha, P3, "tiff", header)
    before = wide.copy()
    style = photo_from_array(smooth(64, 72, seed=1))
    made = stylize_photo(photo, style, lambda x: 2 * F.pixel_shuffle(x, 4) - 1, None)
    assert (made.profile, made.format, made.header) == (P3, "tiff", header)
    assert np.array_equal(made.alpha, alpha)
    assert np.array_equal(photo.pixels, before)
    assert not np.shares_memory(made.pixels, photo.pixels)
    # The work is done in sRGB, and the result is in the photo's own colours.
    everything = slice(None), slice(None)
    plainly = photo_from_array(np.rint(to_srgb(photo, *everything) * 65535).astype(np.uint16))
    expected = from_srgb(photo, stylize(plainly, style).astype(np.float32) / 65535)
    assert np.abs(made.pixels.astype(int) - expected).mean() < 2 * 257
    assert np.abs(made.pixels.astype(int) - stylize(replace(photo, profile=None), style)).mean() > 3 * 257


@settings(max_examples=60, deadline=None)
@given(height=st.integers(1, 60), width=st.integers(1, 60), side=st.integers(1, 40))
def test_tiles_are_the_cells_of_a_grid(height, width, side):
    owner = {}
    for number, box in enumerate(tiles(height, width, side)):
        for pixel in itertools.product(range(*_ends(box.rows)), range(*_ends(box.columns))):
            assert pixel not in owner
            owner[pixel] = number
    names = {}
    for row, column in itertools.product(range(height), range(width)):
        names.setdefault((row // side, column // side), owner.pop((row, column)))
    assert not owner
    # From left to right and from the top down, one for each cell.
    assert list(names.values()) == sorted(set(names.values()))


@settings(max_examples=60, deadline=None)
@given(
    height=st.integers(1, 30),
    width=st.integers(1, 30),
    margin=st.integers(0, 40),
    data=st.data(),
)
def test_grown_are_all_pixels_near_a_part(height, width, margin, data):
    top, left = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
    box = Box(top, left, data.draw(st.integers(1, height - top)), data.draw(st.integers(1, width - left)))
    near = {
        (row, column)
        for row, column in itertools.product(range(height), range(width))
        if top - margin <= row < top + box.height + margin
        and left - margin <= column < left + box.width + margin
    }
    outer = grown(box, margin, height, width)
    assert near == set(itertools.product(range(*_ends(outer.rows)), range(*_ends(outer.columns))))


@settings(max_examples=60, deadline=None)
@given(
    coarse=st.tuples(st.integers(1, 6), st.integers(1, 6)),
    before=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    now=st.tuples(st.integers(1, 20), st.integers(1, 20)),
    seed=st.integers(0, 9),
)
def test_a_finer_level_starts_where_the_coarser_one_points(coarse, before, now, seed):
    """The middle of each quarter of a coarse cell, brought to the size that the style has now."""
    generator = torch.Generator().manual_seed(seed)
    field = torch.stack([torch.randint(0, side, coarse, generator=generator) for side in before])

    def style(sides):
        features = torch.zeros(1, 2, *sides)
        return Style(features, torch.ones(1, 1, *sides), 3, Statistics.of(features))

    def level(rows, columns):
        return Level(4 * rows, 4 * columns, lambda _: torch.zeros(0))

    coarser = style_pipeline._Styled(level(*coarse), style(before), field, {})
    fine = level(2 * coarse[0], 2 * coarse[1])
    found = style_pipeline._start(fine, style(now), coarser)
    assert found.shape == (2, 2 * coarse[0], 2 * coarse[1])
    for row, column in itertools.product(range(2 * coarse[0]), range(2 * coarse[1])):
        for axis, place in enumerate((row, column)):
            middle = int(field[axis, row // 2, column // 2]) + Fraction(1 + 2 * (place % 2), 4)
            expected = min(now[axis] - 1, middle * now[axis] // before[axis])
            assert found[axis, row, column] == expected
    assert torch.equal(style_pipeline._start(fine, style(now), None), torch.zeros_like(found))


def _ends(span: slice) -> tuple[int, int]:
    return span.start, span.stop

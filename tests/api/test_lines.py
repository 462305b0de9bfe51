"""Lines that users draw: what is filled goes on along them."""

import numpy as np
import pytest
from PIL import Image

import retouch
from retouch import RetouchError
from retouch.native import library

compiled = pytest.mark.skipif(library() is None, reason="only the compiled exemplar follows lines")
HEIGHT, WIDTH = 240, 320
ROW, COLUMN = np.mgrid[:HEIGHT, :WIDTH]
HOLE = (ROW - 120) ** 2 + (COLUMN - 160) ** 2 < 80**2


def cable(ground, slope=0.45, reach=1):
    """A picture with a dark line at a slant, 2 pixels wide; and how far each pixel is from its middle."""
    away = np.abs(ROW - 120 - slope * (COLUMN - 160)) / np.hypot(1, slope)
    light = np.where(away < reach, 20, ground)
    return np.repeat(light[..., None], 3, 2).round().astype(np.uint8), away


def noise():
    return np.random.default_rng(2).normal(160, 12, (HEIGHT, WIDTH)).clip(90, 230)


def gradient():
    return 110 + 0.3 * ROW + 0.15 * COLUMN


def gaps(filled, away, near=4):
    """The columns of the hole where nothing dark lies near the line."""
    dark = np.where(away < near, filled[..., 0], 255).min(0) < 75
    return int(np.count_nonzero(~dark & HOLE.any(0) & (HOLE & (away < 1)).any(0)))


@compiled
@pytest.mark.parametrize("ground", [noise, gradient])
@pytest.mark.parametrize("width", [5, 13])
def test_a_cable_goes_on_through_the_hole(ground, width):
    photo, away = cable(ground())
    hidden = np.where(HOLE[..., None], np.uint8(128), photo)
    filled = retouch.inpaint(hidden, HOLE, lines=away < width / 2)
    assert gaps(filled, away) == 0
    assert gaps(retouch.inpaint(hidden, HOLE), away) > 0
    np.testing.assert_array_equal(filled[~HOLE], photo[~HOLE])
    far = HOLE & (away > 12)
    assert (filled[far] > 75).mean() > 0.99  # it is no darker elsewhere


@compiled
def test_the_same_lines_give_the_same_fill():
    photo, away = cable(noise())
    one, other = (retouch.inpaint(photo, HOLE, lines=(away < 4).astype(np.uint8) * 255) for _ in range(2))
    np.testing.assert_array_equal(one, other)


@compiled
def test_lines_are_turned_like_any_mask(tmp_path):
    """A photo on its side, with mask and lines of its stored pixels, is filled as the upright one."""
    photo, away = cable(noise())
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter clockwise
    pictures = {"photo": photo, "mask": HOLE, "lines": away < 4}
    for name, each in pictures.items():
        Image.fromarray(each).save(tmp_path / f"{name}.png", **({"exif": exif} if name == "photo" else {}))
    turned = {name: np.rot90(each, -1) for name, each in pictures.items()}
    expected = retouch.inpaint(turned["photo"].copy(), turned["mask"], lines=turned["lines"])
    result = retouch.fill(tmp_path / "photo.png", tmp_path / "mask.png", lines=tmp_path / "lines.png")
    np.testing.assert_array_equal(np.asarray(Image.open(result.image).convert("RGB")), expected)


@compiled
def test_lines_of_another_size_are_resized_if_asked():
    photo, away = cable(noise())
    small = (away < 6)[::2, ::2]
    with pytest.raises(RetouchError, match="mask of lines is 160 × 120"):
        retouch.inpaint(photo, HOLE, lines=small)
    filled = retouch.inpaint(photo, HOLE, lines=small, resize_mask=True)
    assert gaps(filled, away) == 0


@compiled
def test_lines_beside_the_hole_are_refused():
    photo, away = cable(noise())
    with pytest.raises(RetouchError, match="do not cross the hole"):
        retouch.inpaint(photo, HOLE, lines=(away < 4) & (COLUMN < 40))
    with pytest.raises(RetouchError, match="cannot be seen beside it"):
        retouch.inpaint(photo, HOLE, lines=(away < 4) & HOLE)


@pytest.mark.parametrize(
    "options", [{"model": "telea"}, {"refine": True}, {"confidence": True}, {"upsampling": "network"}]
)
def test_models_that_cannot_follow_lines_say_so(options):
    photo, away = cable(noise())
    with pytest.raises(RetouchError, match="Only exemplar follows lines"):
        retouch.inpaint(photo, HOLE, lines=away < 4, **options)


@compiled
def test_lines_and_planes_do_not_go_together():
    photo, away = cable(noise())
    with pytest.raises(RetouchError, match="leave out the option planes, or the lines"):
        retouch.inpaint(photo, HOLE, lines=away < 4, options={"planes": True})

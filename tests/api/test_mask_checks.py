"""Masks that are refused, trusted, closed or remarked on."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import retouch
from retouch import RetouchError
from retouch.imaging import photo_from_array

FAST = "telea"


@pytest.mark.parametrize("kind", ["array", "float", "pil", "path", "bytes", "photo"])
def test_a_photo_of_every_type_is_refused_as_a_mask(photo, photo_file, kind):
    other = np.ascontiguousarray(photo[::-1])
    file = photo_file.with_name("other.png")
    Image.fromarray(other).save(file)
    mask = {
        "array": other,
        "float": other / 255,
        "pil": Image.fromarray(other),
        "path": file,
        "bytes": file.read_bytes(),
        "photo": photo_from_array(other),
    }[kind]
    with pytest.raises(RetouchError, match="is in colour like a photo"):
        retouch.inpaint(photo, mask, model=FAST)
    expected = retouch.inpaint(photo, np.asarray(Image.fromarray(other).convert("L")) >= 128, model=FAST)
    assert np.array_equal(retouch.inpaint(photo, mask, model=FAST, trust_mask=True), expected)


def test_a_mask_may_cover_nine_tenths(photo):
    mask = np.zeros(photo.shape[:2], bool)
    mask[: round(0.9 * len(mask))] = True
    retouch.inpaint(photo, mask, model=FAST)
    mask[: round(0.95 * len(mask))] = True
    with pytest.raises(RetouchError, match=r"covers 95 % of the photo.*invert_mask=True.*trust_mask=True"):
        retouch.inpaint(photo, mask, model=FAST)
    assert (retouch.inpaint(photo, mask, model=FAST, trust_mask=True) != photo).any()
    retouch.inpaint(photo, mask, model=FAST, invert_mask=True)


def test_include_may_cover_nearly_everything(photo, hole):
    include = np.ones_like(hole)
    include[0] = False
    assert np.array_equal(
        retouch.inpaint(photo, hole, include=include, model=FAST), retouch.inpaint(photo, hole, model=FAST)
    )
    with pytest.raises(RetouchError, match="The include mask is in colour like a photo"):
        retouch.inpaint(photo, hole, include=photo, model=FAST)


def test_islands_are_noted_and_closed(photo, hole):
    whole = retouch.fill(photo, hole, model=FAST)
    assert whole.notes == ()
    hole[55:58, 45:48] = False
    noted = retouch.fill(photo, hole, model=FAST)
    (note,) = noted.notes
    assert note.startswith("1 known island smaller than 30 pixels lies inside the hole; --close 2 ")
    closed = retouch.fill(photo, hole, model=FAST, close=2)
    assert closed.notes == ()
    assert np.array_equal(closed.image, whole.image)
    assert np.array_equal(retouch.inpaint(photo, hole, model=FAST, close=1), noted.image)
    assert retouch.fill(photo, hole, model=FAST, dilate=2).notes == ()
    with pytest.raises(RetouchError, match="0 or more"):
        retouch.inpaint(photo, hole, model=FAST, close=-1)


def test_in_a_large_photo_larger_islands_are_small():
    photo = np.full((1500, 2000, 1), 90, np.uint8)
    mask = np.zeros((1500, 2000), bool)
    mask[700:760, 900:960] = True
    mask[720:727, 920:927] = False
    (note,) = retouch.fill(photo, mask, model=FAST).notes
    assert note.startswith("1 known island smaller than 60 pixels lies inside the hole; --close 4 ")


def test_no_translucent_ring_stays_around_a_soft_cut_out(photo, hole):
    row, column = np.mgrid[:96, :128]
    alpha = (np.hypot(row - 48, column - 64) - 10).clip(0, 1)
    image = np.dstack([photo, np.rint(255 * alpha).astype(np.uint8)])
    filled = retouch.inpaint(image, model=FAST)
    assert ((image[..., 3] > 128) & (image[..., 3] < 255)).any()
    assert (filled[..., 3] == 255).all()
    opaque = image[..., 3] == 255
    assert np.array_equal(filled[opaque], image[opaque])


def test_output_may_be_a_folder(photo_file, mask_file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there").mkdir()
    target = Path("there/photo-filled.png")
    assert retouch.inpaint(photo_file, mask_file, model=FAST, output=Path("there")) == target
    assert retouch.inpaint(photo_file, mask_file, model=FAST, output="there/", overwrite=True) == target
    with pytest.raises(RetouchError, match="gone does not exist"):
        retouch.inpaint(photo_file, mask_file, model=FAST, output="gone/")


@pytest.mark.parametrize("kind", ["layer", "grey", "file"])
def test_strokes_that_are_too_faint_are_no_empty_mask(photo, hole, tmp_path, kind):
    faint = np.broadcast_to(np.linspace(0, 120, hole.shape[1]).astype(np.uint8), hole.shape)
    mask = np.dstack([np.full((*hole.shape, 3), 255, np.uint8), faint]) if kind == "layer" else faint
    if kind == "file":
        Image.fromarray(mask).save(tmp_path / "faint.png")
        mask = tmp_path / "faint.png"
    with pytest.raises(RetouchError, match="too faint: 47 % at most"):
        retouch.inpaint(photo, mask, model=FAST)
    assert not retouch.fill(photo, mask, model=FAST, trust_mask=True).changed


def test_growing_takes_whole_numbers(photo, hole):
    for wrong in ({"dilate": 2.5}, {"close": "3"}):
        with pytest.raises(RetouchError, match="takes a whole number"):
            retouch.inpaint(photo, hole, model=FAST, **wrong)
    expected = retouch.inpaint(photo, hole, model=FAST, dilate=2)
    assert np.array_equal(retouch.inpaint(photo, hole, model=FAST, dilate=np.int64(2)), expected)

"""Files of every kind are filled as what they are: known samples stay, and the fill fits its surroundings."""

import io

import numpy as np
import pytest
from PIL import Image
from tests.imaging.samples import CMYK, decode, encode, smooth, tiff, tiff_page

import retouch
from retouch.errors import RetouchError
from retouch.imaging import read_photo, to_srgb

SIZE = (48, 64)
HOLE = np.zeros(SIZE, bool)
HOLE[20:30, 25:40] = True

# One colour everywhere, but for the hole; and the file's options.
KINDS = {
    "infrared": ((200, 100, 50, 180), {"photometric": "rgb", "extrasamples": [0]}),
    "associated alpha": ((100, 50, 25, 128), {"photometric": "rgb", "extrasamples": [1]}),
    "cmyk": ((60, 120, 40, 20), {"photometric": "separated", "iccprofile": CMYK}),
    "lab": ((153, 20, 226), {"photometric": "cielab"}),
    "icclab": ((153, 148, 98), {"photometric": "icclab"}),
    "ycbcr": ((150, 110, 160), {"photometric": "ycbcr", "subsampling": (1, 1)}),
    "white is zero": ((70,), {"photometric": "miniswhite"}),
    "zstandard": ((200, 100, 50), {"photometric": "rgb", "compression": "zstd"}),
    "planes": ((200, 100, 50), {"photometric": "rgb", "planarconfig": "separate"}),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("model", ["telea", "navier-stokes"])
def test_fills(tmp_path, kind, model):
    colour, options = KINDS[kind]
    array = np.full((*SIZE, len(colour)), colour, np.uint8)
    colours = len(colour) - len(options.get("extrasamples", []))
    array[HOLE, :colours] = 255 - array[HOLE, :colours]
    stored = np.moveaxis(array, 2, 0) if "planarconfig" in options else array.squeeze()
    (tmp_path / "photo.tif").write_bytes(tiff(np.ascontiguousarray(stored), **options))
    result = retouch.fill(tmp_path / "photo.tif", HOLE, model=model, output=tmp_path / "out.tif")
    assert result.changed
    after, page = tiff_page((tmp_path / "out.tif").read_bytes())
    after = after.reshape(array.shape)
    np.testing.assert_array_equal(after[~HOLE], array[~HOLE])
    seen = to_srgb(read_photo(tmp_path / "out.tif"), slice(None), slice(None)) * 255
    assert np.abs(seen[HOLE] - seen[0, 0]).max() <= 4  # what Telea and the grain of a fill do
    assert page.photometric.name == options["photometric"].upper()


def line_art():
    art = np.full(SIZE, 255, np.uint8)
    art[:, ::9] = art[:, 1::9] = 0
    return art


@pytest.mark.parametrize("model", ["telea", "exemplar"])
def test_one_bit_stays_one_bit(tmp_path, model):
    data = encode(Image.fromarray(line_art()).convert("1"), "TIFF", compression="group4", dpi=(600, 600))
    (tmp_path / "art.tif").write_bytes(data)
    retouch.fill(tmp_path / "art.tif", HOLE, model=model, output=tmp_path / "out.tif")
    after = (tmp_path / "out.tif").read_bytes()
    page = tiff_page(after)[1]
    assert (page.bitspersample, page.compression.name) == (1, "CCITTFAX4")
    np.testing.assert_array_equal(decode(after)[~HOLE], (line_art() > 0)[~HOLE])
    assert Image.open(io.BytesIO(after)).info["dpi"] == (600, 600)


def test_a_dithered_photo_is_filled_with_dots(tmp_path):
    grey = np.full((200, 200), 110, np.uint8)
    hole = np.zeros(grey.shape, bool)
    hole[80:120, 80:120] = True
    dots = Image.fromarray(grey).convert("1")
    (tmp_path / "dots.png").write_bytes(encode(dots, "PNG"))
    retouch.fill(tmp_path / "dots.png", hole, model="telea", output=tmp_path / "out.png")
    after = Image.open(tmp_path / "out.png")
    assert after.mode == "1"
    assert 0.25 < np.asarray(after)[hole].mean() < 0.6
    np.testing.assert_array_equal(np.asarray(after)[~hole], np.asarray(dots)[~hole])


def test_infrared_travels_where_nothing_is_filled(tmp_path):
    array = np.dstack([smooth(*SIZE), np.full(SIZE, 9, np.uint8)])
    (tmp_path / "scan.tif").write_bytes(tiff(array, photometric="rgb", extrasamples=[0]))
    with pytest.raises(RetouchError, match="no transparent area"):
        retouch.fill(tmp_path / "scan.tif", output=tmp_path / "out.tif")
    with pytest.raises(
        RetouchError, match=r"PNG cannot hold channels besides colour and transparency; use \.tif"
    ):
        retouch.fill(tmp_path / "scan.tif", HOLE, output=tmp_path / "out.png")


def test_a_photo_can_be_filled_again(tmp_path):
    array = np.full((*SIZE, 4), (100, 50, 25, 128), np.uint8)
    (tmp_path / "photo.tif").write_bytes(tiff(array, photometric="rgb", extrasamples=[1]))
    once = retouch.fill(tmp_path / "photo.tif", HOLE, model="telea", output=tmp_path / "once.tif")
    twice = retouch.fill(
        tmp_path / "once.tif", ~HOLE & (np.arange(64) < 9), model="telea", output=tmp_path / "twice.tif"
    )
    assert once.changed
    assert twice.changed
    after, page = tiff_page((tmp_path / "twice.tif").read_bytes())
    assert [int(each) for each in page.extrasamples] == [1]
    np.testing.assert_array_equal(after[..., :3] <= after[..., 3:], True)

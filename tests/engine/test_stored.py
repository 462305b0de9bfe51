import numpy as np
import pytest
import tifffile

import retouch
import retouch.pictures

HOLE = np.zeros((120, 130), bool)
HOLE[40:80, 45:90] = True
INKS = np.array([220, 20, 240, 30])  # the same colour has other mixtures, with other black


def photo(path, dtype):
    step = np.iinfo(dtype).max // 255
    noise = np.random.default_rng(0).normal(0, 3, (*HOLE.shape, 4))
    samples = (np.rint(INKS + noise).clip(0, 255) * step).astype(dtype)
    tifffile.imwrite(path, np.where(HOLE[..., None], 0, samples).astype(dtype), photometric="separated")
    return step


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_fill_that_copies_keeps_the_inks(tmp_path, dtype):
    step = photo(tmp_path / "cmyk.tif", dtype)
    before = tifffile.imread(tmp_path / "cmyk.tif")
    result = retouch.fill(tmp_path / "cmyk.tif", HOLE, model="exemplar", trace=False)
    after = tifffile.imread(result.image)
    assert np.array_equal(after[~HOLE], before[~HOLE])
    assert np.abs(after[HOLE].mean(0) / step - INKS).max() < 2
    assert np.ptp(after[HOLE] / step, axis=0).max() < 35, "no pixel has another mixture"
    assert result.correspondence is None
    assert np.array_equal(tifffile.imread(tmp_path / "cmyk.tif"), before)


def test_a_fill_that_copies_nothing_is_separated_anew(tmp_path):
    photo(tmp_path / "cmyk.tif", np.uint8)
    after = tifffile.imread(retouch.inpaint(tmp_path / "cmyk.tif", HOLE, model="telea"))
    assert np.abs(after[HOLE].mean(0)[[0, 2]] - INKS[[0, 2]]).max() < 10


def test_a_photo_in_memory_is_left_as_it_is(tmp_path):
    photo(tmp_path / "cmyk.tif", np.uint8)
    opened = retouch.pictures.to_photo(tmp_path / "cmyk.tif")
    samples = opened.stored.samples.copy()
    result = retouch.fill(opened, HOLE, model="exemplar")
    assert np.array_equal(opened.stored.samples, samples)
    assert opened.stored.copied is None
    assert result.image.stored.copied[HOLE].all()
    assert not result.image.stored.copied[~HOLE].any()

import cv2
import numpy as np
import pytest

from retouch.errors import RetouchError
from retouch.finding.alignment import aligned
from retouch.finding.infrared import find_dust, infrared_channel
from retouch.imaging import photo_from_array
from retouch.ops.masks import dilate

SIDE = 640


def scene(seed=0):
    """A picture with soft and hard edges, H×W×3 in [0, 1]."""
    random = np.random.default_rng(seed)
    picture = cv2.GaussianBlur(random.normal(0, 1, (SIDE, SIDE, 3)).astype(np.float32), (0, 0), 14)
    picture = 0.5 + 2 * picture
    for left, top, wide, tall in random.integers(20, 500, (8, 4)).tolist():
        cv2.rectangle(
            picture, (left, top), (left + wide // 4, top + tall // 4), random.random(3).tolist(), -1
        )
    return picture.clip(0.05, 0.95)


def dust(seed=1, count=60):
    drawn = np.zeros((SIDE, SIDE), np.uint8)
    random = np.random.default_rng(seed)
    for x, y, radius in zip(
        *random.integers(20, SIDE - 20, (2, count)), random.integers(1, 5, count), strict=True
    ):
        cv2.circle(drawn, (int(x), int(y)), int(radius), 1, -1)
    cv2.polylines(drawn, [random.integers(60, SIDE - 60, (4, 2)).astype(np.int32)], False, 1, 2)
    return drawn > 0


def infrared_of(picture, dirt, leak=0.05, seed=2):
    """Clear film with a trace of the picture, noise, a lamp that fades towards the edge, and dark dust."""
    noise = np.random.default_rng(seed).normal(0, 0.006, (SIDE, SIDE))
    lamp = 1 - 0.25 * np.abs(np.linspace(-1, 1, SIDE))[None]
    seen = 0.8 * lamp * (1 - leak + leak * picture.mean(2)) + noise
    return np.where(dirt, seen * 0.45, seen).clip(0, 1).astype(np.float32)


def as_photo(values):
    return photo_from_array(np.rint(values.clip(0, 1) * 65535).astype(np.uint16))


def moved(values, columns, rows, scale=1.0):
    middle = SIDE / 2
    matrix = np.array([[scale, 0, columns + (1 - scale) * middle], [0, scale, rows + (1 - scale) * middle]])
    return cv2.warpAffine(values, matrix, (SIDE, SIDE), borderMode=cv2.BORDER_REPLICATE)


def shares(found, dirt):
    """Precision and recall within two pixels."""
    return (found & dilate(dirt, 4)).sum() / found.sum(), (dilate(found, 1) & dirt).sum() / dirt.sum()


@pytest.mark.parametrize(("columns", "rows", "scale"), [(0, 0, 1), (5, -7, 1), (-9.5, 4.25, 1.004)])
def test_dust_is_found_wherever_the_scanner_shifted_it(columns, rows, scale):
    picture, dirt = scene(), dust()
    scan = np.where(dirt[..., None], picture * 0.3, picture)
    infrared = moved(infrared_of(picture, dirt), columns, rows, scale)
    precision, recall = shares(find_dust(as_photo(scan), as_photo(infrared)), dirt)
    assert precision > 0.95
    assert recall > 0.95


def test_a_smaller_infrared_scan_fits_too():
    picture, dirt = scene(), dust()
    scan = np.where(dirt[..., None], picture * 0.3, picture)
    small = cv2.resize(infrared_of(picture, dirt), (SIDE // 2, SIDE // 2), interpolation=cv2.INTER_AREA)
    precision, recall = shares(find_dust(as_photo(scan), as_photo(small)), dirt)
    assert min(precision, recall) > 0.9


def test_alignment_is_exact_to_a_part_of_a_pixel():
    still = dust().astype(np.float32) + np.random.default_rng(0).normal(0, 0.01, (SIDE, SIDE)).astype(
        np.float32
    )
    made = aligned(moved(still, 6, -3), still)
    inner = np.s_[20:-20, 20:-20]
    assert np.abs(made - still)[inner].mean() < 0.02


def test_clean_film_has_no_dust():
    picture = scene()
    clean = infrared_of(picture, np.zeros((SIDE, SIDE), bool))
    assert not find_dust(as_photo(picture), as_photo(clean)).any()


def test_a_more_sensitive_search_finds_at_least_as_much():
    picture, dirt = scene(), dust()
    infrared = infrared_of(picture, dirt)
    infrared = np.where(dirt & (np.indices(dirt.shape)[1] > 320), infrared * 1.9, infrared)
    found = [find_dust(as_photo(picture), as_photo(infrared), sensitivity=each).sum() for each in (0, 0.5, 1)]
    assert found[0] < found[1] <= found[2]


def test_the_holder_of_the_film_is_no_dust():
    picture, dirt = scene(), dust()
    infrared = infrared_of(picture, dirt)
    infrared[:, :40] = 0.02
    found = find_dust(as_photo(picture), as_photo(infrared))
    assert not found[:, :38].any()
    assert shares(found[:, 60:], dirt[:, 60:])[1] > 0.95


@pytest.mark.parametrize("negative", [False, True])
def test_silver_is_recognised(negative):
    picture, dirt = scene(), dust()
    silver = np.where(dirt, 0.1, picture.mean(2) ** 0.9)
    scan = 1 - picture if negative else picture
    with pytest.raises(RetouchError, match="black-and-white film with silver"):
        find_dust(as_photo(scan), as_photo(silver))


def test_another_frame_is_refused():
    with pytest.raises(RetouchError, match="another shape"):
        find_dust(as_photo(scene()), as_photo(np.ones((300, 640), np.float32)))


def test_the_fourth_channel_of_a_scan():
    photo = as_photo(scene())
    with pytest.raises(RetouchError, match="no fourth channel"):
        infrared_channel(photo)


@pytest.mark.parametrize("shape", [(1, 200), (200, 1), (1, 1)])
def test_a_line_of_pixels_stays_where_it_is(shape):
    line = np.random.default_rng(0).random(shape, np.float32)
    assert np.array_equal(aligned(line, line), line)

import cv2
import numpy as np
import pytest
from tests.references.made import HEIGHT, WIDTH, moved, scene, shot

from retouch.imaging import photo_from_array
from retouch.references import homographies, matching, tones
from retouch.references.mesh import refine
from retouch.references.views import grid_of, sample, view_of


def views(*pictures):
    return [view_of(photo_from_array(each), str(number)) for number, each in enumerate(pictures)]


def planes_between(one, other):
    here, there = views(one, other)
    found = matching.match_views(here, there, matching.features(here.grey), matching.features(there.grey))
    return homographies.find_planes(found, WIDTH)


def test_a_planted_homography_is_found():
    planted = moved()
    planes = planes_between(shot(scene()), shot(scene(), planted))
    columns, rows = grid_of((HEIGHT, WIDTH))
    wanted = homographies.mapped(planted, columns, rows)
    assert np.abs(homographies.mapped(planes[0].matrix, columns, rows) - wanted).max() < 0.7


def test_two_planes_are_told_apart():
    far, near = moved(turn=0, scale=1), moved(right=34, down=5, turn=0, scale=1)
    one, made = shot(scene()), scene()
    other = shot(made, far)
    other[HEIGHT // 2 :] = shot(made, near)[HEIGHT // 2 :]
    planes = planes_between(one, other)
    assert len(planes) >= 2
    middles = sorted(each.points[:, 1].mean() for each in planes[:2])
    assert middles[0] < HEIGHT / 2 < middles[1]


def test_another_place_and_a_mirror_image_have_no_plane():
    one, other = shot(scene()), shot(scene(9))
    assert planes_between(one, other) == []
    flipped = np.ascontiguousarray(one[:, ::-1])
    assert planes_between(one, flipped) == []
    here, there = views(one, flipped)
    assert matching.is_mirrored(matching.features(here.grey), there, homographies.LEAST)
    here, there = views(one, other)
    assert not matching.is_mirrored(matching.features(here.grey), there, homographies.LEAST)


def test_features_of_a_plain_picture_match_nothing():
    plain = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    assert planes_between(shot(scene()), plain) == []


@pytest.mark.parametrize("squeezed", [np.diag([-1.0, 1, 1]), np.diag([1.0, 0.05, 1]), np.diag([30.0, 30, 1])])
def test_implausible_homographies_are_refused(squeezed):
    points = np.array([[10.0, 20], [200, 150], [300, 290]])
    assert homographies.plausible(np.eye(3), points)
    assert not homographies.plausible(squeezed, points)


def test_the_mesh_finds_a_shift_and_carries_it_into_the_hole():
    here = cv2.cvtColor(shot(scene()), cv2.COLOR_RGB2GRAY)
    columns, rows = grid_of(here.shape)
    there = cv2.remap(here, columns - 3, rows + 2, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    weight = np.ones(here.shape, np.float32)
    weight[100:180, 150:240] = 0
    shown = np.where(weight > 0, here, there)
    weight[90:190, 140:250] = 0
    (flow,) = refine(shown, there, weight, (0.06,))
    assert np.abs(flow[100:180, 150:240] - (3, -2)).max() < 0.4


def test_gain_offset_and_vignetting_are_undone():
    image = shot(scene()).astype(np.float32) / 255
    columns, rows = grid_of(image.shape)
    places = np.stack([columns / WIDTH - 0.5, rows / HEIGHT - 0.5], axis=-1) * 2
    field = 1 - 0.15 * np.square(places).sum(axis=2) / 2
    other = (image - 0.03) / (0.8 * np.array([1, 1.1, 0.95], np.float32)) / 1.3 * field[..., None]
    tone = tones.fit(image, other, np.ones(image.shape[:2], np.float32), places)
    assert np.abs(tone.apply(other, places) - image).mean() < 0.012


def test_samples_are_those_of_the_places_also_where_they_lie_apart():
    photo = photo_from_array(shot(scene()))
    columns, rows = grid_of((HEIGHT // 4, WIDTH // 4))
    image, valid = sample(photo, np.stack([4 * columns + 1.5, 4 * rows + 1.5], axis=-1))
    wanted = cv2.resize(photo.pixels, (WIDTH // 4, HEIGHT // 4), interpolation=cv2.INTER_AREA) / 255
    assert valid[:-1, :-1].all()
    assert np.abs(image - wanted)[2:-2, 2:-2].max() < 0.06
    assert not sample(photo, np.full((4, 4, 2), -5, np.float32))[1].any()

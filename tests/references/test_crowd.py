from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from tests.references.made import moved, scene, shot

from retouch import RetouchError, clear_crowd, load
from retouch.imaging import photo_from_array
from retouch.imaging.gain_map import GainMap

PEOPLE = [(60, 60), (170, 120), (90, 280)]


def shots(count):
    """Shots held in the hand, each with a passer-by at another place, and the clean first one."""
    made = []
    for number in range(count):
        picture = shot(scene(), moved(right=4.0 * number, down=2.0 * number, turn=0.5 * number, scale=1))
        row, column = PEOPLE[number]
        picture[row : row + 50, column : column + 22] = (250, 250, 20)
        made.append(picture)
    return made, shot(scene(), moved(right=0, down=0, turn=0, scale=1))


def test_a_passer_by_goes_and_all_else_stays():
    given, truth = shots(3)
    (result,) = clear_crowd(given, model="telea")
    row, column = PEOPLE[0]
    person = np.s_[row : row + 50, column : column + 22]
    assert np.abs(result.image[person].astype(float) - truth[person]).mean() < 12
    changed = (result.image != given[0]).any(axis=2)
    filled = np.zeros_like(changed)
    for region in result.regions:
        filled[region.box.rows, region.box.columns] |= region.hole
    assert not (changed & ~filled).any()
    assert filled.mean() < 0.06
    assert result.places is not None


def test_the_frame_can_be_another_shot():
    given, _ = shots(3)
    (result,) = clear_crowd(given, model="telea", frame=2)
    row, column = PEOPLE[1]
    assert not (result.image[row : row + 50, column : column + 22] == (250, 250, 20)).all(axis=2).any()
    row, column = PEOPLE[0]
    assert np.array_equal(result.image[10:40, 300:380], given[1][10:40, 300:380])


@pytest.mark.slow
def test_two_shots_say_that_a_third_one_would_help():
    given, truth = shots(2)
    results = clear_crowd(given, model="telea")
    row, column = PEOPLE[0]
    person = np.s_[row : row + 50, column : column + 22]
    errors = [np.abs(each.image[person].astype(float) - truth[person]).mean() for each in results]
    assert min(errors) < 12
    assert any("third" in note for note in results[0].notes)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ([shot(scene())], "at least two"),
        ([shot(scene()), shot(scene(9))], "same place"),
        ([shot(scene()), shot(scene())], "Nothing moves"),
    ],
)
def test_bad_series_are_refused(given, says):
    with pytest.raises(RetouchError, match=says):
        clear_crowd(given)


def test_no_shot_is_replaced(tmp_path):
    """Names like those of second results are shots all the same, where there is no second result."""
    pictures, _ = shots(3)
    names = [tmp_path / each for each in ("s.png", "s-2.png", "s-3.png")]
    for name, picture in zip(names, pictures, strict=True):
        Image.fromarray(picture).save(name)
    before = names[1].read_bytes()
    with pytest.raises(RetouchError, match="is the shot 2, and would be replaced"):
        clear_crowd(names, output=names[1], overwrite=True)
    (result,) = clear_crowd(names, output=names[0], overwrite=True, model="telea")
    assert result.image == names[0]
    assert names[1].read_bytes() == before


def test_a_frame_that_is_not_there_is_refused():
    with pytest.raises(RetouchError, match="1 to 2"):
        clear_crowd([shot(scene()), shot(scene())], frame=3)


def test_a_gain_map_is_cleared_with_the_photo():
    pictures, _ = shots(3)
    photos = []
    for picture, (row, column) in zip(pictures, PEOPLE, strict=True):
        photo = photo_from_array(picture)
        gain = np.full((len(picture) // 4, picture.shape[1] // 4, 1), 40, np.uint8)
        gain[row // 4 : row // 4 + 13, column // 4 : column // 4 + 6] = 220
        photos.append(replace(photo, header=replace(photo.header, gain=GainMap(gain, b"", b"", True))))
    (result,) = clear_crowd(photos, model="telea")
    row, column = PEOPLE[0]
    cleared = result.image.header.gain.pixels[row // 4 : row // 4 + 12, column // 4 : column // 4 + 5]
    assert cleared.max() < 60
    assert photos[0].header.gain.pixels.max() == 220


@pytest.mark.parametrize("trained", [False, True])
def test_what_a_network_filled_says_so(trained):
    """Where passers-by stand in one another's place, the model fills."""
    photos = []
    for column in (150, 120, 180):
        picture = shot(scene(), moved(right=0, down=0, turn=0, scale=1))
        picture[100:150, column : column + 40] = (250, 250, 20)
        photos.append(photo_from_array(picture))
    model = load("telea")
    model.by_network = trained
    (result,) = clear_crowd(photos, model=model)
    assert any("filled from the 2 other photos" in note for note in result.notes)
    assert (b"compositeWithTrainedAlgorithmicMedia" in (result.image.header.xmp or b"")) == trained

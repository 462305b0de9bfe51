import numpy as np

from retouch.restoration.places import LONGEST, places


def test_each_pixel_is_in_a_place_and_the_largest_comes_first():
    mask = np.zeros((500, 700), bool)
    mask[100:104, 50:54] = mask[300:340, 400:430] = mask[499, 699] = True
    found = places(mask)
    assert len(found) == 3
    left = mask.copy()
    for box in found:
        assert mask[box.rows, box.columns].any()
        left[box.rows, box.columns] = False
    assert not left.any()
    assert mask[found[0].rows, found[0].columns].sum() == 40 * 30


def test_what_lies_together_is_one_place_and_long_scratches_are_cut():
    mask = np.zeros((500, 2000), bool)
    mask[100:103, 100:103] = mask[106:109, 108:111] = True
    mask[400:402, :] = True
    found = places(mask)
    assert sum(box.top < 300 for box in found) == 1
    assert all(max(box.height, box.width) <= LONGEST for box in found)


def test_no_damage_no_place():
    assert places(np.zeros((40, 40), bool)) == []

"""What was found, counted by its shape."""

import cv2
import numpy as np

from retouch.finding.kinds import count_kinds


def drawn():
    found = np.zeros((500, 600), np.uint8)
    cv2.line(found, (20, 40), (300, 90), 1, 2)
    cv2.line(found, (500, 20), (500, 400), 1, 3)
    angles = np.linspace(0, 3, 60)
    bent = np.stack([200 + 90 * np.cos(angles), 250 + 90 * np.sin(angles)], 1).astype(np.int32)
    cv2.polylines(found, [bent], False, 1, 3)
    for x in range(5):
        cv2.circle(found, (40 + 30 * x, 450), 3, 1, -1)
    cv2.circle(found, (400, 300), 40, 1, -1)
    found[0, 599] = 1
    return found > 0


def test_spots_are_counted_by_kind():
    assert count_kinds(drawn()) == {"speck": 6, "scratch": 2, "hair": 1, "area": 1}


def test_nothing_is_nothing():
    assert count_kinds(np.zeros((3, 4), bool)) == {}


def test_everything_is_an_area():
    assert count_kinds(np.ones((300, 400), bool)) == {"area": 1}

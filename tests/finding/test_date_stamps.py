import cv2
import numpy as np
import pytest

from retouch.finding.date_stamps import find_date_stamps

# Top, upper left, upper right, middle, lower left, lower right, bottom.
LIT = {
    "0": "1110111", "1": "0010010", "2": "1011101", "3": "1011011", "4": "0111010", "5": "1101011",
    "6": "1101111", "7": "1010010", "8": "1111111", "9": "1111011",
}  # fmt: skip
LINES = (((0, 0), (1, 0)), ((0, 0), (0, 1)), ((1, 0), (1, 1)), ((0, 1), (1, 1)), ((0, 1), (0, 2)),
         ((1, 1), (1, 2)), ((0, 2), (1, 2)))  # fmt: skip


def background(shape=(600, 800), seed=0):
    random = np.random.default_rng(seed)
    return (
        (0.45 + 1.5 * cv2.GaussianBlur(random.normal(0, 1, (*shape, 3)), (0, 0), 12))
        .clip(0, 1)
        .astype(np.float32)
    )


def stamped(image, text="'98 07 12", at=(520, 540), tall=22, slant=0.1, colour=(1.0, 0.5, 0.1), gap=0.12):
    """Burn a date into a photo, and return the photo and where the digits are."""
    drawn = np.zeros((*image.shape[:2],), np.float32)
    wide, column = tall * 0.5, float(at[1])
    for letter in text:
        for lit, line in zip(LIT.get(letter, "0000000"), LINES, strict=True):
            if lit == "1":
                ends = np.array(
                    [(column + x * wide + slant * (2 - y) * tall / 2, at[0] + y * tall / 2) for x, y in line]
                )
                # Segments do not quite meet.
                begin, end = (1 - gap) * ends + gap * ends[::-1]
                first, last = (np.rint(16 * each).astype(int).tolist() for each in (begin, end))
                cv2.line(drawn, first, last, 1.0, max(2, tall // 9), cv2.LINE_AA, 4)
        column += wide * 1.6 if letter != "'" else wide * 0.8
    glow = np.maximum(drawn, 0.6 * cv2.GaussianBlur(drawn, (0, 0), tall / 12))[..., None]
    return (image * (1 - glow) + glow * np.float32(colour)).astype(np.float32), drawn > 0.5


@pytest.mark.parametrize("tall", [12, 22, 36])
@pytest.mark.parametrize("slant", [0.0, 0.15])
def test_a_date_is_found_and_covered(tall, slant):
    image, digits = stamped(background(), at=(600 - 60, 800 - 10 * tall), tall=tall, slant=slant)
    (stamp,) = find_date_stamps(image)
    assert stamp.mask[digits].all()
    assert stamp.mask.sum() < 6 * digits.sum() + 200  # the digits, not their box
    (left, top), _, (right, bottom), _ = stamp.corners.tolist()
    rows, columns = np.nonzero(digits)
    assert left <= columns.min()
    assert top <= rows.min()
    assert right > columns.max()
    assert bottom > rows.max()


def test_a_one_and_a_four_are_lower_than_other_digits():
    image, digits = stamped(background(), "'98 12 24", tall=36, at=(540, 440), slant=0, gap=0.25)
    (stamp,) = find_date_stamps(image)
    assert stamp.mask[digits].all()


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_photo_on_its_side(turns):
    image, digits = stamped(background())
    (stamp,) = find_date_stamps(np.ascontiguousarray(np.rot90(image, turns)))
    assert stamp.mask[np.rot90(digits, turns)].all()


@pytest.mark.slow
def test_a_large_photo():
    image, digits = stamped(background((2600, 3400)), at=(2400, 2700), tall=80)
    (stamp,) = find_date_stamps(image)
    assert stamp.mask[digits].mean() > 0.99


def test_other_colours_and_places_are_no_date():
    for colour in ((1, 1, 1), (0.2, 0.5, 1), (0.1, 0.1, 0.1)):
        assert find_date_stamps(stamped(background(), colour=colour)[0]) == []
    assert find_date_stamps(stamped(background(), at=(290, 320))[0]) == []


def test_orange_things_that_are_no_digits():
    random = np.random.default_rng(1)
    image = background()
    for x, y in zip(random.integers(450, 780, 14), random.integers(480, 590, 14), strict=True):
        cv2.circle(image, (int(x), int(y)), int(random.integers(3, 9)), (1.0, 0.55, 0.1), -1)
    written = np.rint(image * 255).astype(np.uint8)
    cv2.putText(written, "Harvest fair", (480, 560), cv2.FONT_HERSHEY_SIMPLEX, 1, (255, 128, 26), 2)
    assert find_date_stamps(written.astype(np.float32) / 255) == []
    assert find_date_stamps(background(seed=3)) == []

"""JPEGs of which only the blocks with changed pixels are encoded anew."""

import io
import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import retouch
from retouch.errors import RetouchError
from retouch.imaging import containers, jpeg_blocks, jpeg_keeping, read_photo, write_photo
from retouch.imaging.jpeg_blocks import Component, encode_changed
from retouch.imaging.jpeg_keeping import frame_of, rewritten
from retouch.imaging.turning import Turn

jpeglib = pytest.importorskip("jpeglib")

SUBSAMPLED = {0: (1, 1), 1: (1, 2), 2: (2, 2)}
"""Rows and columns of pixels for a sample of colour, by Pillow's number."""


def picture(height, width, seed=0):
    random = np.random.default_rng(seed)
    soft = cv2.GaussianBlur(random.normal(0, 90, (height, width, 3)).astype(np.float32), (0, 0), 3)
    return (128 + 4 * soft + random.normal(0, 6, soft.shape)).clip(0, 255).astype(np.uint8)


def as_jpeg(pixels, *, quality=85, subsampling=2, orientation=1, **more):
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = io.BytesIO()
    more = {"quality": quality, "subsampling": subsampling, "exif": exif} | more
    Image.fromarray(pixels).save(file, "JPEG", **more)
    return file.getvalue()


def with_box(photo, rows, columns, value=200):
    pixels = photo.pixels.copy()
    pixels[rows, columns] = value
    return replace(photo, pixels=pixels)


def coefficients(data, tmp_path):
    path = tmp_path / "read.jpg"
    path.write_bytes(data)
    found = jpeglib.read_dct(str(path))
    return [each for each in (found.Y, found.Cb, found.Cr) if each is not None], found.qt


def beyond(shape, rows, columns, group=16, more=1):
    """Pixels that a change of a box leaves alone: those beyond the groups of blocks that it touches."""
    far = np.ones(shape, bool)
    top, left = rows.start // group * group, columns.start // group * group
    bottom, right = -(-rows.stop // group) * group, -(-columns.stop // group) * group
    far[max(0, top - more) : bottom + more, max(0, left - more) : right + more] = False
    return far


@pytest.mark.parametrize("subsampling", [0, 1, 2])
@pytest.mark.parametrize("more", [{}, {"optimize": True}, {"progressive": True}])
def test_other_blocks_keep_their_coefficients(subsampling, more, tmp_path):
    data = as_jpeg(picture(75, 93), subsampling=subsampling, **more)
    photo = read_photo(data)
    made = write_photo(with_box(photo, slice(20, 41), slice(33, 50)), None, format="jpeg")
    (before, tables), (after, new_tables) = (coefficients(each, tmp_path) for each in (data, made))
    assert np.array_equal(tables, new_tables)
    for number, (one, other) in enumerate(zip(before, after, strict=True)):
        down, across = SUBSAMPLED[subsampling] if number else (1, 1)
        moved = (one != other).any((2, 3))
        touched = np.zeros_like(moved)
        touched[20 // (8 * down) : 40 // (8 * down) + 1, 33 // (8 * across) : 49 // (8 * across) + 1] = True
        assert not (moved & ~touched).any()
        assert moved.any()
    again = read_photo(made)
    assert again.header.progressive == ("progressive" in more)
    far = beyond(photo.pixels.shape[:2], slice(20, 41), slice(33, 50))
    assert np.array_equal(again.pixels[far], photo.pixels[far])
    assert np.abs(again.pixels[22:39, 35:48].astype(int) - 200).max() <= 24
    assert abs(again.pixels[20:41, 33:50].mean() - 200) < 2


def test_what_is_known_in_a_block_keeps_its_values_up_to_the_quantization():
    """At quality 100 a step is 1, so no known pixel of a block moves by more than rounding does."""
    photo = read_photo(as_jpeg(picture(64, 64), quality=100, subsampling=2))
    wanted = with_box(photo, slice(18, 21), slice(20, 23))
    again = read_photo(rewritten_whole(wanted))
    known = np.ones((64, 64), bool)
    known[17:23, 19:25] = False  # colours are shared by four pixels, and smoothed between them
    assert np.abs(again.pixels.astype(int) - photo.pixels)[known].max() <= 4


def rewritten_whole(photo):
    made = rewritten(photo)
    assert made is not None
    return made


def test_grey_stays_grey(tmp_path):
    data = as_jpeg(picture(40, 56)[..., 0])
    photo = read_photo(data)
    made = write_photo(with_box(photo, slice(9, 12), slice(17, 30)), None, format="jpeg")
    (before, _), (after, _) = (coefficients(each, tmp_path) for each in (data, made))
    assert len(after) == 1
    moved = np.argwhere((before[0] != after[0]).any((2, 3))).tolist()
    assert moved == [[1, 2], [1, 3]]
    assert read_photo(made).pixels.shape == (40, 56, 1)


def test_generations_change_nothing_elsewhere():
    first = read_photo(as_jpeg(picture(96, 128)))
    data = first.header.jpeg
    for number in range(5):
        photo = read_photo(data)
        columns = slice(4 + 9 * number, 10 + 9 * number)
        data = write_photo(with_box(photo, slice(40, 52), columns, 30 * number), None, format="jpeg")
    far = beyond((96, 128), slice(40, 52), slice(4, 46))
    assert np.array_equal(read_photo(data).pixels[far], first.pixels[far])


def naive(blocks, table, down, across, plane, changed):
    """Each block by OpenCV's cosine transform, each sample by a loop."""
    made = blocks.copy()
    for row in range(blocks.shape[0]):
        for column in range(blocks.shape[1]):
            values = cv2.idct(blocks[row, column].astype(np.float64) * table)
            touched = False
            for y in range(8):
                for x in range(8):
                    rows = slice((8 * row + y) * down, (8 * row + y + 1) * down)
                    columns = slice((8 * column + x) * across, (8 * column + x + 1) * across)
                    if changed[rows, columns].any():
                        values[y, x], touched = plane[rows, columns].mean(), True
            if touched:
                made[row, column] = np.rint(cv2.dct(values) / table)
    return made


@pytest.mark.parametrize(("down", "across"), [(1, 1), (2, 2), (1, 2)])
def test_blocks_are_encoded_as_one_by_one(down, across):
    random = np.random.default_rng(1)
    table = random.integers(1, 30, (8, 8)).astype(np.float32)
    blocks = random.integers(-9, 10, (3, 4, 8, 8)).astype(np.int16)
    plane = random.normal(0, 50, (24 * down, 32 * across)).astype(np.float32)
    changed = np.zeros(plane.shape, bool)
    changed[3 : 11 * down, 10 : 19 * across] = True
    wanted = naive(blocks, table, down, across, plane, changed)
    found = Component(blocks.copy(), table, down, across)
    found.encode(plane, changed, 0, 0)
    assert np.abs(found.blocks - wanted).max() <= 1  # halves are rounded either way
    assert (found.blocks != wanted).mean() < 0.001
    assert (found.blocks != blocks).any()


def test_what_lies_beyond_the_edge_is_as_the_edge():
    """A picture of 9×9 has four blocks for each component; only the last pixel of the last one is new."""
    blocks = [np.zeros((2, 2, 8, 8), np.int16) for _ in range(3)]
    found = [Component(each, np.ones((8, 8), np.float32), 1, 1) for each in blocks]
    pixels, changed = np.full((9, 9, 3), 128, np.uint8), np.zeros((9, 9), bool)
    pixels[8, 8], changed[8, 8] = 255, True
    encode_changed(found, pixels, changed)
    grey = found[0].blocks
    assert grey[1, 1, 0, 0] == 8 * 127
    assert np.count_nonzero(grey) == 1
    assert not any(np.count_nonzero(each.blocks) for each in found[1:])


@pytest.mark.parametrize("orientation", range(2, 9))
@pytest.mark.parametrize("more", [{"subsampling": 0}, {"subsampling": 1}, {"progressive": True}])
def test_turned_photos_are_written_upright(orientation, more):
    photo = read_photo(as_jpeg(picture(64, 96), orientation=orientation, **more))
    again = read_photo(write_photo(with_box(photo, slice(33, 40), slice(20, 31)), None, format="jpeg"))
    assert again.header.orientation == 1
    assert again.header.progressive == ("progressive" in more)
    assert again.pixels.shape == photo.pixels.shape == ((96, 64, 3) if orientation > 4 else (64, 96, 3))
    far = beyond(photo.pixels.shape[:2], slice(33, 40), slice(20, 31))
    difference = np.abs(again.pixels.astype(int) - photo.pixels)[far]
    assert difference.max() <= 6
    whole = write_photo(replace(photo, header=replace(photo.header, jpeg=None)), None, format="jpeg")
    assert difference.mean() < 0.5 * np.abs(read_photo(whole).pixels.astype(int) - photo.pixels)[far].mean()
    assert abs(again.pixels[33:40, 20:31].mean() - 200) < 4


@pytest.mark.parametrize("orientation", range(1, 9))
def test_turned_coefficients_are_those_of_the_turned_picture(orientation):
    random = np.random.default_rng(0)
    table = random.integers(1, 9, (8, 8)).astype(np.float32)
    component = Component(random.integers(-9, 10, (2, 3, 8, 8)).astype(np.int16), table, 1, 2)

    def plane(each):
        rows = [
            np.hstack([cv2.idct(block * each.table) for block in row.astype(np.float32)])
            for row in each.blocks
        ]
        return np.vstack(rows)

    turn = Turn(orientation)
    turned = component.upright(turn)
    assert np.allclose(plane(turned), turn.pixels(plane(component)), atol=1e-3)
    assert (turned.down, turned.across) == turn.both(2, 1)[::-1]


@settings(max_examples=12, deadline=None)
@given(
    st.integers(8, 60), st.integers(8, 60), st.integers(20, 100), st.sampled_from([0, 1, 2]),
    st.integers(1, 8), st.data(),
)  # fmt: skip
def test_any_photo_of_any_size_is_kept_beyond_the_hole_or_encoded_whole(
    height, width, quality, subsampling, orientation, data
):
    photo = read_photo(
        as_jpeg(picture(height, width), quality=quality, subsampling=subsampling, orientation=orientation)
    )
    tall, wide = photo.pixels.shape[:2]
    top, left = data.draw(st.integers(0, tall - 1)), data.draw(st.integers(0, wide - 1))
    rows, columns = slice(top, min(tall, top + 9)), slice(left, min(wide, left + 9))
    wanted = with_box(photo, rows, columns, 77)
    made = rewritten(wanted)
    far = beyond((tall, wide), rows, columns)
    if orientation == 1 and far.any() and 2 * (wanted.pixels != photo.pixels).any(2).sum() <= tall * wide:
        assert made is not None
    if made is not None:
        moved = np.abs(read_photo(made).pixels.astype(int) - photo.pixels)[far]
        assert moved.max(initial=0) <= (0 if orientation == 1 else 6)
    whole = read_photo(write_photo(wanted, None, format="jpeg"))
    assert whole.pixels.shape == photo.pixels.shape


def parts(data):
    """Markers and contents of everything but the picture and its tables."""
    found = containers.jpeg_segments(data)
    return [(marker, data[start:end]) for marker, start, end in found if marker >= 0xE0]


def test_metadata_is_that_of_a_photo_encoded_whole(monkeypatch):
    profile = (b"\0" * 36 + b"acsp").ljust(200, b"\1")
    data = as_jpeg(picture(40, 40), icc_profile=profile, comment=b"a comment", dpi=(300, 300))
    photo = with_box(read_photo(data), slice(3, 9), slice(3, 9))
    kept = write_photo(photo, None, format="jpeg")
    assert rewritten(photo) is not None
    monkeypatch.setattr(jpeg_keeping, "available", lambda: False)
    whole = write_photo(photo, None, format="jpeg")
    assert parts(kept) == parts(whole)
    assert len(parts(kept)) >= 4


def test_without_metadata_only_the_picture_is_left():
    data = as_jpeg(picture(20, 20), comment=b"a comment", progressive=True)
    bare = containers.without_metadata(data)
    assert parts(bare) == []
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(bare))), np.asarray(Image.open(io.BytesIO(data))))


def test_where_it_cannot_be_done_the_photo_is_encoded_whole(monkeypatch):
    photo = read_photo(as_jpeg(picture(40, 40)))
    some = with_box(photo, slice(3, 9), slice(3, 9))
    assert rewritten(some) is not None
    assert rewritten(with_box(photo, slice(0, 30), slice(0, 40))) is None  # most of it
    assert rewritten(replace(some, pixels=some.pixels[:20])) is None
    assert rewritten(replace(some, pixels=some.pixels[..., :1])) is None
    assert rewritten(replace(some, pixels=some.pixels.astype(np.uint16))) is None
    assert rewritten(replace(some, header=replace(some.header, jpeg=None))) is None
    mirrored = read_photo(as_jpeg(picture(40, 40), orientation=2))
    assert rewritten(with_box(mirrored, slice(3, 9), slice(3, 9))) is None  # 40 is no multiple of 16
    as_rgb = read_photo(as_jpeg(picture(40, 40), keep_rgb=True, subsampling=0))
    assert rewritten(with_box(as_rgb, slice(3, 9), slice(3, 9))) is None
    monkeypatch.setattr(jpeg_keeping, "available", lambda: False)
    assert rewritten(some) is None
    again = read_photo(write_photo(some, None, format="jpeg"))
    assert np.abs(again.pixels.astype(int) - some.pixels).mean() < 4


@pytest.mark.parametrize("wrong", ["elsewhere", "in the hole", "size", "nonsense", "error", "failure"])
def test_a_file_that_is_not_what_was_wanted_is_never_written(wrong, monkeypatch):
    photo = read_photo(as_jpeg(picture(128, 128)))
    wanted = with_box(photo, slice(3, 23), slice(3, 23))
    assert rewritten(wanted) is not None

    def made(*_):
        if wrong == "error":
            raise OSError("the disk is full")
        if wrong == "failure":
            return None
        if wrong == "nonsense":
            return b"\xff\xd8 no picture"
        if wrong == "size":
            return as_jpeg(wanted.pixels[:64])
        whole = photo if wrong == "in the hole" else wanted
        change = (
            (slice(90, 92), slice(90, 92), 0) if wrong == "elsewhere" else (slice(8, 20), slice(8, 20), 20)
        )
        monkeypatch.undo()
        return rewritten(with_box(whole, *change))

    monkeypatch.setattr(jpeg_keeping, "_made", made)
    assert rewritten(wanted) is None
    assert read_photo(write_photo(wanted, None, format="jpeg")).pixels.shape == (128, 128, 3)


def segment_at(data, wanted):
    return next(start for marker, start, _ in containers.jpeg_segments(data) if marker == wanted)


def test_a_photo_that_is_stored_as_rgb_is_encoded_whole():
    """Also where its components have the numbers of YCbCr: a segment of Adobe's says what they are."""
    data = bytearray(as_jpeg(picture(64, 64), keep_rgb=True, subsampling=0))
    assert frame_of(bytes(data)) == (3, 8, 8, False)
    start, scan = segment_at(data, 0xC0), data.index(b"\xff\xda")
    for number in range(3):
        data[start + 6 + 3 * number] = data[scan + 5 + 2 * number] = number + 1
    adobe = b"\xff\xee\x00\x0eAdobe\x00\x64" + bytes(5)
    data = bytes(data[:2]) + adobe + containers.without_metadata(bytes(data))[2:]
    assert frame_of(data) == (3, 8, 8, False)
    photo = read_photo(data)
    assert np.abs(photo.pixels.astype(int) - picture(64, 64)).mean() < 8
    assert rewritten(with_box(photo, slice(20, 29), slice(20, 29))) is None
    assert frame_of(data.replace(adobe, adobe[:-1] + b"\1")).plain


def test_the_head_says_how_blocks_lie():
    assert frame_of(as_jpeg(picture(20, 20), subsampling=2)) == (3, 16, 16, True)
    assert frame_of(as_jpeg(picture(20, 20), subsampling=1, progressive=True)) == (3, 8, 16, True)
    assert frame_of(as_jpeg(picture(20, 20)[..., 0])) == (1, 8, 8, True)
    assert frame_of(as_jpeg(picture(20, 20))[:30]) is None


def test_a_progressive_file_without_its_last_scans_is_encoded_whole():
    """Decoders smooth what they miss, which they do no longer once the file says that this is all."""
    data = as_jpeg(picture(64, 64), progressive=True, quality=95)
    scans = [at for at in range(len(data) - 1) if data[at : at + 2] == b"\xff\xda"]
    photo = read_photo(data[: scans[1]] + b"\xff\xd9")
    wanted = with_box(photo, slice(20, 29), slice(20, 29))
    made = rewritten(wanted)
    if made is not None:
        far = beyond((64, 64), slice(20, 29), slice(20, 29))
        assert np.array_equal(read_photo(made).pixels[far], photo.pixels[far])


def test_a_table_in_any_slot_serves(tmp_path):
    data = bytearray(as_jpeg(picture(64, 96), orientation=6, subsampling=2))
    slots = [start for marker, start, _ in containers.jpeg_segments(bytes(data)) if marker == 0xDB]
    data[slots[1]] = 3
    frame = segment_at(bytes(data), 0xC0)
    data[frame + 6 + 5] = data[frame + 6 + 8] = 3
    photo = read_photo(bytes(data))
    made = rewritten(with_box(photo, slice(20, 29), slice(20, 29)))
    if made is not None:
        far = beyond((96, 64), slice(20, 29), slice(20, 29))
        assert np.abs(read_photo(made).pixels.astype(int) - photo.pixels)[far].max() <= 6


def test_the_other_process_gets_no_metadata_and_leaves_nothing(monkeypatch, tmp_path, capfd):
    given = []
    run = subprocess.run

    def watched(command, **more):
        given.append((Path(command[-1]) / jpeg_blocks.READ).read_bytes())
        return run(command, **more)

    monkeypatch.setattr(subprocess, "run", watched)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    data = as_jpeg(picture(40, 40), comment=b"a comment", icc_profile=b"\0" * 128)
    wanted = with_box(read_photo(data), slice(3, 9), slice(3, 9))
    assert rewritten(wanted) is not None
    assert parts(given[0]) == []
    assert np.array_equal(read_photo(given[0]).pixels, read_photo(data).pixels)
    # Whatever ends it, the photo is encoded whole.
    for program in ("false", str(tmp_path / "nothing")):
        monkeypatch.setattr(sys, "executable", shutil.which(program) or program)
        assert rewritten(wanted) is None
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")


def test_a_table_with_a_zero_is_no_error(capfd):
    data = bytearray(as_jpeg(picture(40, 40)))
    data[segment_at(bytes(data), 0xDB) + 20] = 0
    wanted = with_box(read_photo(bytes(data)), slice(3, 9), slice(3, 9))
    assert rewritten(wanted) is None
    assert read_photo(write_photo(wanted, None, format="jpeg")).pixels.shape == (40, 40, 3)
    assert capfd.readouterr() == ("", "")


def test_a_filled_photo_keeps_its_blocks(tmp_path):
    (tmp_path / "photo.jpg").write_bytes(as_jpeg(picture(90, 120)))
    hole = np.zeros((90, 120), np.uint8)
    hole[30:44, 50:63] = 255
    result = retouch.fill(tmp_path / "photo.jpg", hole, model="telea", output=tmp_path / "filled.jpg")
    before, after = (read_photo(each).pixels for each in (tmp_path / "photo.jpg", result.image))
    far = beyond((90, 120), slice(30, 44), slice(50, 63))
    assert np.array_equal(before[far], after[far])
    assert not np.array_equal(before, after)


def test_a_cut_off_photo_is_refused_as_before():
    data = as_jpeg(picture(64, 64))
    with pytest.raises(RetouchError):
        read_photo(data[: len(data) // 2])

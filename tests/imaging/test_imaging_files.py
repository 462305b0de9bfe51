"""Targets: what is refused, and that a file appears whole or not at all."""

import errno
import os
import stat
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.imaging.samples import decode, encode, noise, smooth, tiff

from retouch import files
from retouch.errors import RetouchError
from retouch.files import copy_file
from retouch.imaging import (
    check_target,
    photo_from_array,
    read_photo,
    unwritten,
    write_photo,
    write_png,
    writing,
)

PHOTO = photo_from_array(noise(9, 7, 3))


@pytest.fixture(autouse=True)
def _nothing_is_left_behind(tmp_path):
    yield
    assert not list(tmp_path.rglob("*.part"))


def both_refuse(photo, target, words, **options):
    """Checking says beforehand what writing would say, and neither leaves a trace."""
    before = sorted(target.parent.iterdir()) if target.parent.is_dir() else None
    for refuse in (
        lambda: check_target(target, photo=photo, **options),
        lambda: write_photo(photo, target, **options),
    ):
        with pytest.raises(RetouchError, match=words):
            refuse()
    assert before is None or sorted(target.parent.iterdir()) == before


def test_written_file_is_complete(tmp_path):
    target = tmp_path / "out.png"
    check_target(target, photo=PHOTO)
    assert not target.exists()
    assert write_photo(PHOTO, target) is None
    np.testing.assert_array_equal(decode(target.read_bytes()), PHOTO.pixels)
    assert [path.name for path in tmp_path.iterdir()] == ["out.png"]


@pytest.mark.parametrize(
    ("name", "format"),
    [
        ("a.jpg", "jpeg"),
        ("a.JPEG", "jpeg"),
        ("a.png", "png"),
        ("a.webp", "webp"),
        ("a.TIF", "tiff"),
        ("a.avif", "avif"),
    ],
)
def test_extension_says_the_format(tmp_path, name, format):
    photo = photo_from_array(smooth(20, 24))
    check_target(tmp_path / name, photo=photo)
    write_photo(photo, tmp_path / name)
    found = read_photo(tmp_path / name)
    assert found.format == format
    exact = format in ("png", "webp", "tiff")
    assert np.abs(found.pixels.astype(int) - photo.pixels).max() <= (0 if exact else 4)


def test_format_can_be_given(tmp_path):
    write_photo(PHOTO, tmp_path / "picture", format="tiff")
    found = read_photo(tmp_path / "picture")
    assert found.format == "tiff"
    np.testing.assert_array_equal(found.pixels, PHOTO.pixels)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_pipe_gets_the_photos_own_format(format):
    photo = read_photo(encode(smooth(20, 20), format))
    check_target(None, photo=photo)
    found = read_photo(write_photo(photo, None))
    assert found.format == format.lower()
    exact = format in ("PNG", "TIFF")
    assert np.abs(found.pixels.astype(int) - photo.pixels).max() <= (0 if exact else 6)


def test_pipe_gets_png_from_an_array():
    found = read_photo(write_photo(PHOTO, None))
    assert found.format == "png"
    np.testing.assert_array_equal(found.pixels, PHOTO.pixels)


def test_existing_file_is_kept(tmp_path):
    target = tmp_path / "out.png"
    target.write_text("precious")
    both_refuse(PHOTO, target, r"out\.png exists already; use --overwrite")
    assert target.read_text() == "precious"


def test_dangling_link_is_kept(tmp_path):
    target = tmp_path / "out.png"
    target.symlink_to(tmp_path / "nowhere.png")
    both_refuse(PHOTO, target, "exists already")


def test_file_that_appears_meanwhile_is_kept(tmp_path, monkeypatch):
    target = tmp_path / "out.png"
    fsync = os.fsync

    def slow(handle):
        fsync(handle)
        target.write_text("precious")

    monkeypatch.setattr(os, "fsync", slow)
    with pytest.raises(RetouchError, match="exists already"):
        write_photo(PHOTO, target)
    assert target.read_text() == "precious"


def test_overwrite(tmp_path):
    target = tmp_path / "out.png"
    target.write_text("old")
    check_target(target, overwrite=True, photo=PHOTO)
    assert target.read_text() == "old"
    write_photo(PHOTO, target, overwrite=True)
    np.testing.assert_array_equal(decode(target.read_bytes()), PHOTO.pixels)
    write_photo(PHOTO, tmp_path / "new.png", overwrite=True)
    assert (tmp_path / "new.png").exists()


def test_overwriting_a_link_replaces_what_it_names(tmp_path):
    (tmp_path / "folder").mkdir()
    real, link = tmp_path / "folder" / "real.png", tmp_path / "link.png"
    real.write_text("old")
    link.symlink_to(real)
    write_photo(PHOTO, link, overwrite=True)
    assert link.is_symlink()
    np.testing.assert_array_equal(decode(real.read_bytes()), PHOTO.pixels)


def test_overwriting_the_very_photo(tmp_path):
    target = tmp_path / "photo.tif"
    target.write_bytes(encode(noise(9, 7, 3), "TIFF"))
    photo = read_photo(target)
    write_photo(photo, target, overwrite=True)
    np.testing.assert_array_equal(read_photo(target).pixels, noise(9, 7, 3))


def test_permissions(tmp_path):
    ordinary, written, replaced = (tmp_path / name for name in ("ordinary", "written.png", "replaced.png"))
    ordinary.touch()
    write_photo(PHOTO, written)
    assert stat.S_IMODE(written.stat().st_mode) == stat.S_IMODE(ordinary.stat().st_mode)
    replaced.touch()
    replaced.chmod(0o640)
    write_photo(PHOTO, replaced, overwrite=True)
    assert stat.S_IMODE(replaced.stat().st_mode) == 0o640


@pytest.mark.parametrize("overwrite", [True, False])
@pytest.mark.parametrize("where", ["fsync", "replace"])
@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_failure_leaves_everything_as_it_was(tmp_path, monkeypatch, overwrite, where, error):
    target = tmp_path / "out.png"
    if overwrite:
        target.write_text("old")

    def fail(*_args):
        raise error

    monkeypatch.setattr(os if where == "fsync" else Path, where, fail)
    with pytest.raises(RetouchError if isinstance(error, OSError) else KeyboardInterrupt) as caught:
        write_photo(PHOTO, target, overwrite=overwrite)
    if isinstance(error, OSError):
        assert "No space left on device" in str(caught.value)
    assert [path.read_text() for path in tmp_path.iterdir()] == (["old"] if overwrite else [])


def test_target_is_a_folder(tmp_path):
    (tmp_path / "out.png").mkdir()
    both_refuse(PHOTO, tmp_path / "out.png", "is a folder", overwrite=True)


def test_folder_is_missing(tmp_path):
    both_refuse(PHOTO, tmp_path / "nowhere" / "out.png", "folder .*nowhere does not exist")


def test_folder_is_a_file(tmp_path):
    (tmp_path / "file").touch()
    both_refuse(PHOTO, tmp_path / "file" / "out.png", "cannot be written")


def test_folder_cannot_be_written_to(tmp_path, monkeypatch):
    def deny(*_args):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(files, "_temporary", deny)
    both_refuse(PHOTO, tmp_path / "out.png", "Permission denied")


@pytest.mark.parametrize("name", ["out.xyz", "out.bmp", "out.gif", "out", "out.pdf"])
def test_unknown_extension(tmp_path, name):
    both_refuse(
        PHOTO,
        tmp_path / name,
        r"cannot be written as .*use \.jpg, \.png, \.webp or \.tif, such as -o out\.png",
    )


@pytest.mark.parametrize(
    ("array", "name", "words"),
    [
        (
            noise(4, 4, 3, dtype=np.uint16),
            "out.jpg",
            r"JPEG cannot hold 16 bits a channel; use \.png or \.tif\.",
        ),
        (
            noise(4, 4, 3, dtype=np.uint16),
            "out.webp",
            r"WEBP cannot hold 16 bits a channel; use \.png or \.tif\.",
        ),
        (noise(4, 4, 3, dtype=np.uint16), "out.avif", "AVIF cannot hold 16 bits a channel"),
        (noise(4, 4, 4), "out.jpg", r"JPEG cannot hold transparency; use \.png, \.webp or \.tif\."),
        (noise(4, 4, 2), "out.jpg", "transparency"),
        (noise(4, 4, 4, dtype=np.uint16), "out.jpg", "16 bits a channel and transparency"),
        (noise(1, 16384), "out.webp", r"16384 × 1 pixels; use \.jpg, \.png or \.tif\."),
        (noise(65536, 1), "out.jpg", r"1 × 65536 pixels; use \.png or \.tif\."),
    ],
)
def test_what_a_format_cannot_hold(tmp_path, array, name, words):
    both_refuse(photo_from_array(array), tmp_path / name, words)


def test_pipe_refuses_what_the_photos_format_cannot_hold():
    photo = read_photo(encode(noise(8, 8), "GIF"))
    for refuse in (lambda: check_target(None, photo=photo), lambda: write_photo(photo, None)):
        with pytest.raises(RetouchError, match=r"cannot be written as gif; use"):
            refuse()


def test_codec_that_this_libvips_lacks(tmp_path, monkeypatch):
    lacking = {"avif": writing._Format((".avif",), "heifsave", lambda _: {"compression": "avc"})}
    monkeypatch.setattr(writing, "_FORMATS", writing._FORMATS | lacking)
    both_refuse(PHOTO, tmp_path / "out.avif", "cannot be written as AVIF here; use .jpg")


def test_copy_is_the_very_file(tmp_path):
    data = encode(smooth(9, 9), "JPEG", comment="kept")
    source, target = tmp_path / "a.jpg", tmp_path / "b.jpg"
    source.write_bytes(data)
    copy_file(source, target)
    assert target.read_bytes() == data
    with pytest.raises(RetouchError, match="exists already"):
        copy_file(source, target)
    copy_file(b"other", target, overwrite=True)
    assert target.read_bytes() == b"other"


def test_copy_of_nothing(tmp_path):
    with pytest.raises(RetouchError, match=r"nowhere\.jpg cannot be read"):
        copy_file(tmp_path / "nowhere.jpg", tmp_path / "b.jpg")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("shape", [(5, 6), (5, 6, 3), (5, 6, 4)])
def test_write_png(tmp_path, shape):
    target = tmp_path / "sources.bin"  # it is PNG whatever it is called
    write_png(noise(*shape), target)
    np.testing.assert_array_equal(decode(target.read_bytes()), noise(*shape))
    with pytest.raises(RetouchError, match="exists already"):
        write_png(noise(*shape), target)
    write_png(noise(5, 6, dtype=np.uint16), target, overwrite=True)
    np.testing.assert_array_equal(decode(target.read_bytes()), noise(5, 6, dtype=np.uint16))


def test_inks_do_not_fit_into_eight_bits(tmp_path):
    photo = read_photo(tiff(noise(8, 8, 4), photometric="separated"))
    both_refuse(
        photo, tmp_path / "out.jpg", "the 16 bits a channel that its inks or L.a.b. need as RGB; use .png"
    )


def grey_profile(gamma):
    """An ICC profile for grey whose light is the value to the power of ``gamma``."""
    head = (
        struct.pack(">I4sI4s4s4s", 0, b"none", 0x02100000, b"mntr", b"GRAY", b"XYZ ").ljust(36, b"\0")
        + b"acsp"
    )
    white = struct.pack(">iii", 63190, 65536, 54061)
    content = (
        (b"wtpt", b"XYZ \0\0\0\0" + white),
        (b"kTRC", b"curv\0\0\0\0" + struct.pack(">IHH", 1, round(256 * gamma), 0)),
        (b"desc", b"desc\0\0\0\0" + struct.pack(">I", 5) + b"grey\0".ljust(83, b"\0")),
        (b"cprt", b"text\0\0\0\0none"),
    )
    table, body = struct.pack(">I", len(content)), b""
    for name, data in content:
        table += name + struct.pack(">II", 132 + 12 * len(content) + len(body), len(data))
        body += data
    profile = (head.ljust(68, b"\0") + white).ljust(128, b"\0") + table + body
    return struct.pack(">I", len(profile)) + profile[4:]


@pytest.mark.parametrize(("format", "near"), [("webp", 1), ("avif", 3)])
def test_grey_with_a_profile_looks_the_same_where_there_is_no_grey(format, near):
    grey = np.arange(256, dtype=np.uint8).repeat(4).reshape(32, 32)
    photo = replace(photo_from_array(grey), profile=grey_profile(1.0))
    written = read_photo(write_photo(photo, None, format=format))
    linear = grey / 255
    srgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055) * 255
    assert written.profile is None
    assert np.abs(written.pixels - srgb[..., None]).max() <= near
    assert "converted to sRGB" in unwritten(photo, None, format=format)[0]
    same = read_photo(write_photo(photo, None, format="png"))
    assert same.profile == photo.profile
    np.testing.assert_array_equal(same.pixels[..., 0], grey)
    assert unwritten(photo, None, format="png") == ()


def test_a_profile_for_other_colours_is_not_lost_in_silence():
    photo = replace(photo_from_array(noise(8, 8, 3)), profile=grey_profile(1.0))
    assert read_photo(write_photo(photo, None, format="jpeg")).profile == photo.profile
    assert "ICC profile" in unwritten(photo, None, format="webp")[0]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="only where there are named pipes")
@pytest.mark.parametrize("overwrite", [False, True])
def test_a_pipe_or_device_is_never_replaced(tmp_path, overwrite):
    os.mkfifo(tmp_path / "out.png")
    (tmp_path / "link.png").symlink_to("out.png")
    for name in ("out.png", "link.png"):
        both_refuse(PHOTO, tmp_path / name, "is a pipe or a device", overwrite=overwrite)
    assert stat.S_ISFIFO((tmp_path / "out.png").stat().st_mode)


def test_a_name_that_is_too_long(tmp_path):
    both_refuse(PHOTO, tmp_path / f"{300 * 'x'}.png", "too long")


@pytest.mark.parametrize("channels", [1, 3])
def test_transparency_that_is_none_is_left_out_of_jpeg(channels):
    pixels = smooth(16, 16)[..., :channels]
    photo = photo_from_array(np.dstack([pixels, np.full((16, 16), 255, np.uint8)]))
    written = read_photo(write_photo(photo, None, format="jpeg"))
    assert written.alpha is None
    assert np.abs(written.pixels.astype(int) - pixels).max() <= 4

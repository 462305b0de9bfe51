import io
import logging
import os
import signal
import threading
import time

import numpy as np
import pytest
import pyvips
from PIL import Image
from tests.imaging.samples import CMYK, decode, encode, exif, noise, smooth, tiff

from retouch.errors import RetouchError
from retouch.imaging import opening as opening_module
from retouch.imaging import read_mask, read_photo


@pytest.mark.parametrize("format", ["PNG", "TIFF", "GIF"])
def test_grey_and_its_values(format):
    picture = noise(7, 5)
    photo = read_photo(encode(picture, format))
    assert photo.pixels.shape[:2] == (7, 5)
    np.testing.assert_array_equal(photo.pixels[..., 0], picture)
    assert photo.format == format.lower()


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("piped", [True, False])
def test_formats_from_files_and_pipes(tmp_path, format, piped):
    data = encode(smooth(30, 40), format)
    path = tmp_path / "photo[1]"  # libvips would take the bracket for options
    path.write_bytes(data)
    photo = read_photo(data if piped else path)
    assert (photo.format, photo.pixels.shape, photo.pixels.dtype) == (format.lower(), (30, 40, 3), np.uint8)
    assert np.abs(photo.pixels.astype(int) - decode(data)).max() <= 6  # AVIF decoders differ
    assert photo.alpha is None
    assert photo.profile is None


def test_path_as_text(tmp_path):
    path = tmp_path / "photo.png"
    path.write_bytes(encode(noise(4, 4, 3), "PNG"))
    np.testing.assert_array_equal(read_photo(str(path)).pixels, noise(4, 4, 3))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
def test_named_pipe(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(encode(noise(4, 4, 3), "PNG"),))
    writer.start()
    np.testing.assert_array_equal(read_photo(pipe).pixels, noise(4, 4, 3))
    writer.join()


def test_palette_comes_as_rgb():
    image = Image.fromarray(smooth(20, 20)).quantize(16)
    photo = read_photo(encode(image, "PNG"))
    np.testing.assert_array_equal(photo.pixels, np.asarray(image.convert("RGB")))
    assert photo.alpha is None


def test_palette_with_transparency_comes_as_rgb_with_alpha():
    image = Image.fromarray(smooth(20, 20)).quantize(16)
    data = encode(image, "PNG", transparency=3)
    photo = read_photo(data)
    wanted = np.asarray(Image.open(io.BytesIO(data)).convert("RGBA"))
    np.testing.assert_array_equal(photo.pixels, wanted[..., :3])
    np.testing.assert_array_equal(photo.alpha, wanted[..., 3])
    assert set(np.unique(photo.alpha)) == {0, 255}


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_one_bit_comes_as_eight(format):
    bits = noise(9, 11) > 127
    photo = read_photo(encode(Image.fromarray(bits), format))
    np.testing.assert_array_equal(photo.pixels[..., 0], bits * 255)
    assert photo.pixels.dtype == np.uint8


@pytest.mark.parametrize("bits", [2, 4])
def test_few_bits_of_grey_come_as_eight(bits):
    steps = 2**bits - 1
    values = noise(6, 6) % (steps + 1)
    wanted = (values * (255 // steps)).astype(np.uint8)
    photo = read_photo(pyvips.Image.new_from_array(wanted).pngsave_buffer(bitdepth=bits))
    np.testing.assert_array_equal(photo.pixels[..., 0], wanted)


def test_grey_with_alpha():
    values = noise(6, 8, 2)
    photo = read_photo(encode(Image.fromarray(values, "LA"), "PNG"))
    assert photo.pixels.shape == (6, 8, 1)
    np.testing.assert_array_equal(photo.pixels[..., 0], values[..., 0])
    np.testing.assert_array_equal(photo.alpha, values[..., 1])


@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied(format, orientation):
    picture = np.repeat(np.repeat(noise(3, 5, 3), 8, axis=0), 8, axis=1)
    turned = {
        1: picture,
        2: picture[:, ::-1],
        3: picture[::-1, ::-1],
        4: picture[::-1],
        5: picture.swapaxes(0, 1),
        6: np.rot90(picture, -1),
        7: picture[::-1, ::-1].swapaxes(0, 1),
        8: np.rot90(picture),
    }[orientation]
    options = {"JPEG": {"quality": 100, "subsampling": 0}, "WEBP": {"lossless": True}}.get(format, {})
    data = encode(picture, format, exif=exif(orientation), **options)
    photo = read_photo(data)
    assert np.abs(photo.pixels.astype(int) - turned).max() <= (6 if format == "JPEG" else 0)
    if format == "PNG":
        mask = read_mask(data, turned.shape[:2])
        np.testing.assert_array_equal(mask, read_mask(encode(turned.copy(), "PNG"), turned.shape[:2]))


def test_resolution_turns_with_the_photo():
    data = encode(smooth(8, 16), "JPEG", exif=exif(6), dpi=(300, 150))
    across, down, unit = read_photo(data).header.resolution
    assert (round(across * 25.4), round(down * 25.4), unit) == (150, 300, "in")


def refused(source, *words, **options):
    """The sentence a source is refused with; it holds all the words, and none of libvips' own log."""
    with pytest.raises(RetouchError) as caught:
        read_photo(source, **options)
    sentence = str(caught.value)
    for word in words:
        assert word in sentence
    assert "\n" not in sentence
    assert "vips" not in sentence.lower()
    assert sentence.endswith(".")


def test_missing_file(tmp_path):
    refused(tmp_path / "nowhere.jpg", "nowhere.jpg", "does not exist")


def test_folder(tmp_path):
    refused(tmp_path, str(tmp_path), "folder")


def test_unreadable_file(tmp_path, monkeypatch):
    path = tmp_path / "secret.png"
    path.write_bytes(encode(noise(4, 4), "PNG"))

    def deny(*_args, **_options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(path), "open", deny)
    refused(path, "secret.png", "Permission denied")


def test_empty_file(tmp_path):
    path = tmp_path / "photo.jpg"
    path.touch()
    refused(path, "empty")
    refused(b"", "empty")


def test_not_an_image(tmp_path):
    path = tmp_path / "photo.jpg"
    path.write_text("Dear diary, " * 50)
    refused(path, "photo.jpg", "not an image")
    refused(b"x", "not an image")


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF", "GIF", "AVIF"])
@pytest.mark.parametrize("part", [0.15, 0.5, 0.95])
def test_truncated(format, part):
    data = encode(noise(60, 50, 3), format)
    with pytest.raises(RetouchError, match=r"damaged or cut short|not an image"):
        read_photo(data[: int(len(data) * part)])
    if part > 0.2 and format != "TIFF":  # Pillow's TIFF has its directory at the end
        refused(data[: int(len(data) * part)], "damaged or cut short")


def test_damaged_but_of_full_length():
    data = bytearray(encode(noise(60, 50, 3), "PNG"))
    data[len(data) // 2] ^= 0xFF
    refused(bytes(data), "damaged")


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG", "TIFF"])
def test_animated_or_of_several_pages(format):
    pages = [Image.fromarray(noise(8, 8, 3, seed=seed)) for seed in range(3)]
    data = encode(pages[0], format, save_all=True, append_images=pages[1:])
    refused(data, "animated" if format == "PNG" else "3 frames or pages", "save the one")


def test_animated_mask():
    pages = [Image.fromarray(noise(8, 8, seed=seed)) for seed in range(2)]
    with pytest.raises(RetouchError, match="2 frames"):
        read_mask(encode(pages[0], "GIF", save_all=True, append_images=pages[1:]), (8, 8))


def test_cmyk_jpeg():
    image = Image.fromarray(smooth(8, 8)).convert("CMYK")
    refused(encode(image, "JPEG", icc_profile=CMYK), "CMYK", "convert it to RGB")


@pytest.mark.parametrize("dtype", [np.float32, np.int32])
def test_other_numbers(dtype):
    refused(encode(Image.fromarray(np.zeros((4, 4), dtype)), "TIFF"), "8 or 16 bits")


def test_strange_channels():
    refused(tiff(noise(4, 4, 5), extrasamples=[0] * 4), "5 channels", "convert it to grey or RGB")


def test_drawings_are_no_photos():
    refused(b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"></svg>', "SVG", "export it as PNG")


def test_too_many_pixels(monkeypatch):
    monkeypatch.setattr(opening_module, "PIXEL_LIMIT", 1_000_000)
    data = encode(np.zeros((1001, 1000), np.uint8), "PNG")
    refused(data, "1000 × 1001", "1 million", "--allow-huge")
    assert read_photo(data, allow_huge=True).pixels.shape == (1001, 1000, 1)
    with pytest.raises(RetouchError, match="--allow-huge"):
        read_mask(data, (1001, 1000))
    assert not read_mask(data, (1001, 1000), allow_huge=True).any()


def test_claims_of_enormous_size_are_refused_before_decoding():
    data = bytearray(encode(np.zeros((1, 1), np.uint8), "PNG"))
    data[16:24] = (40_000).to_bytes(4, "big") * 2
    data[29:33] = __import__("zlib").crc32(data[12:29]).to_bytes(4, "big")
    refused(bytes(data), "40000 × 40000", "300 million")


def test_a_message_that_is_no_text_spoils_nothing_later():
    """libheif quotes the unknown name, which pyvips cannot decode."""
    data = encode(smooth(16, 16), "AVIF", exif=exif(6)).replace(b"irot", b"ir\xd0t")
    with pytest.raises(RetouchError, match="damaged"):
        read_photo(data)
    assert read_photo(encode(smooth(16, 16), "PNG")).format == "png"


def test_moving_pictures_are_named():
    pages = [Image.fromarray(noise(8, 8, 3, seed=seed)) for seed in range(2)]
    refused(encode(pages[0], "AVIF", save_all=True, append_images=pages[1:]), "animated AVIF")
    refused(b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(60), "video")


@pytest.mark.skipif(not pyvips.API_mode, reason="pyvips was built without its compiled part")
def test_a_warning_that_is_no_text_prints_nothing(capfd):
    said = pyvips.ffi.new("char[]", b"unknown box ir\xd0t")
    for level in (16, 1 << 20):
        pyvips.glib_lib._log_handler_callback(pyvips.ffi.new("char[]", b"VIPS"), level, said, pyvips.ffi.NULL)
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(not pyvips.API_mode, reason="pyvips was built without its compiled part")
def test_ctrl_c_while_libvips_says_something_comes_through(capfd, monkeypatch):
    class Interrupted(logging.Handler):
        def emit(self, record):
            raise KeyboardInterrupt

    # A background shell may have set Ctrl-C to be ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    handler = Interrupted()
    logger = logging.getLogger("pyvips")
    logger.addHandler(handler)
    domain, said = (pyvips.ffi.new("char[]", each) for each in (b"VIPS", b"something"))
    try:
        pyvips.glib_lib._log_handler_callback(domain, 16, said, pyvips.ffi.NULL)
        with pytest.raises(KeyboardInterrupt):
            time.sleep(10)
    finally:
        logger.removeHandler(handler)
        signal.signal(signal.SIGINT, before)
    assert capfd.readouterr() == ("", "")

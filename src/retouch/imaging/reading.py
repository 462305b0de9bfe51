"""Read photos and masks from files, pipes and bytes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from retouch.imaging import channels, code_points, containers, resources, tags, tiff
from retouch.imaging.metadata import collect
from retouch.imaging.opening import Opened, blob_of, decode, field_of, open_file
from retouch.imaging.photo import NO_RESOLUTION, Array, Header, Photo, TiffLayout
from retouch.imaging.turning import Turn

_TIFF_COMPRESSIONS = {1: "none", 5: "lzw", 8: "deflate", 32946: "deflate", 32773: "packbits"}
_FAX_COMPRESSIONS = (2, 3, 4)
_LOSSY = ("jpeg", "avif", "heic")


def read_photo(source: str | Path | bytes, *, allow_huge: bool = False) -> Photo:
    """Read a photo, turned upright, with its own values.

    Palette images and grey images of 1, 2 or 4 bits are converted to 8 bits, values of 10 to 14 bits to 16,
    with the same colours. L*a*b*, YCbCr and CMYK come as RGB, beside the stored samples. Thumbnails and
    previews are dropped, because they still show what will be removed. An EXIF block that is too damaged to
    be read is dropped for the same reason.

    Args:
        source: a path, or the bytes of an image file (from a pipe).
        allow_huge: read photos of more than :data:`PIXEL_LIMIT` pixels.

    Raises:
        RetouchError: the file is missing, not an image, damaged, too large, animated, or of a kind that
            cannot be filled (camera raw, floating-point, HDR, …), or needs a library that is not installed.
    """
    opened = open_file(source, allow_huge)
    data, kind = opened.data, opened.kind
    profile = containers.png_profile(data) if kind == "png" else blob_of(opened.image, "icc-profile-data")
    code_points.check_range(opened.name, data, kind, profile)
    if opened.page is not None and profile is None:
        # The first page may have it for all.
        profile = tags.raw_tag(data, tags.PROFILE) or code_points.profile_of_tiff(opened.page)
    photo = channels.interpret(decode(opened), opened.page, code_points.profile_of_file(data, kind, profile))
    header = _header(opened, channels=photo.pixels.shape[2] + (photo.alpha is not None))
    if photo.profile is None and photo.pixels.shape[2] == 3:
        photo = replace(photo, profile=code_points.profile_of_exif(header.exif))
    photo = replace(photo, format=kind, header=header)
    return channels.with_bits(photo, _bits(opened), two_colours=kind == "png" and _is_black_and_white(data))


def photo_size(source: str | Path | bytes, *, allow_huge: bool = False) -> tuple[int, int]:
    """The rows and columns of a photo as its file stores it, from the head of the file alone where possible.

    The arguments and errors are those of :func:`read_photo`.
    """
    image = open_file(source, allow_huge).image
    return image.height, image.width


def read_array(source: str | Path | bytes, *, allow_huge: bool = False) -> Array:
    """Read only the values of an image, upright, ``H×W×C``. Raises the errors of :func:`read_photo`.

    Channels that are neither colour nor alpha are left out.
    """
    opened = open_file(source, allow_huge, mask=True)
    return channels.colours_and_alpha(channels.interpret(decode(opened), opened.page, None))


def _bits(opened: Opened) -> int | None:
    """Bits a channel, if there are fewer than in the dtype."""
    image = opened.image
    full = 8 if image.format == "uchar" else 16
    if opened.kind == "png":
        depth, colour = opened.data[24], opened.data[25]
        return int(depth) if depth < 8 and (colour == 0 or _is_black_and_white(opened.data)) else None
    if opened.page is not None:
        return opened.page.bits if opened.page.colours == 1 and opened.page.bits < 5 else None
    bits = int(field_of(image, "bits-per-sample", full)) if opened.kind in ("avif", "heic") else full
    return bits if bits < full else None


def _is_black_and_white(data: tags.Buffer) -> bool:
    """Whether a PNG of 1 bit has a palette of black and white."""
    if data[24] != 1 or data[25] != 3:
        return False
    chunks = containers.png_chunks(data)
    palette = next((bytes(data[start + 8 : end - 4]) for name, start, end in chunks if name == b"PLTE"), b"")
    return palette in (bytes(3) + b"\xff" * 3, b"\xff" * 3 + bytes(3))


def _header(opened: Opened, *, channels: int) -> Header:
    data, image, kind = opened.data, opened.image, opened.kind
    turn = Turn(field_of(image, "orientation", 1), image.width, image.height)
    exif, xmp = blob_of(image, "exif-data"), blob_of(image, "xmp-data")
    photoshop, lossless, layout = b"", kind not in _LOSSY, TiffLayout()
    if opened.page is not None:
        exif, photoshop = _tiff_metadata(data, opened.page)
        xmp = xmp or tags.raw_tag(data, tags.XMP)
        layout, lossless = _tiff_layout(opened.page)
    elif kind == "jp2":
        iptc = blob_of(image, "iptc-data")
        photoshop = resources.with_iptc(b"", iptc) if iptc else b""
    elif kind == "webp":
        lossless = containers.is_lossless_webp(data)
    found = collect(data, kind, turn, channels, exif=exif, xmp=xmp, photoshop=photoshop)
    across, down = (image.xres, image.yres) if image.xres != 1 or image.yres != 1 else NO_RESOLUTION[:2]
    across, down = turn.both(across, down)
    return Header(
        exif=found.exif,
        xmp=found.xmp,
        photoshop=found.photoshop,
        comments=found.comments,
        chunks=found.chunks,
        resolution=(across, down, "cm" if field_of(image, "resolution-unit", "in") == "cm" else "in"),
        progressive=bool(field_of(image, "interlaced", 0)),
        lossless=lossless,
        tiff=layout,
        gain=found.gain,
        notes=found.notes,
        orientation=turn.orientation,
        jpeg=bytes(data) if kind == "jpeg" else None,
    )


def _tiff_metadata(data: tags.Buffer, page: tiff.Page) -> tuple[bytes | None, bytes]:
    """The descriptive tags of a TIFF as an EXIF block, and its Photoshop resources, including IPTC.

    Where a small version of the photo comes first, its tags are about the photo, too.
    """
    described = tags.read_tags(data) | tags.described(page.structure, page.fields)
    found = {tag: tags.bytes_of(data, page.fields.get(tag)) for tag in (tags.PHOTOSHOP, tags.IPTC)}
    photoshop, iptc = (content or tags.raw_tag(data, tag) for tag, content in found.items())
    photoshop = photoshop or b""
    if iptc:
        photoshop = resources.with_iptc(photoshop, iptc)
    return (tags.exif_block(described) if described else None), photoshop


def _tiff_layout(page: tiff.Page) -> tuple[TiffLayout, bool]:
    """The layout to write a TIFF with, as near as possible to its own, and whether it was lossless."""
    number = page.integer(259, 1)
    compression = "ccittfax4" if number in _FAX_COMPRESSIONS else _TIFF_COMPRESSIONS.get(number)
    tile = (*page.integers(322), *page.integers(323))
    layout = TiffLayout(
        compression=compression or "deflate",
        predictor=compression is None or page.integer(317, 1) == 2,
        tile=(tile[0], tile[1]) if len(tile) == 2 else None,
        big=page.structure.big,
        white_is_zero=page.photometric == tiff.WHITE_IS_ZERO,
        extra=page.extra,
        tags=channels.ink_tags(page),
    )
    # Old JPEG, JPEG, WebP and JPEG 2000.
    return layout, compression is not None or number not in (6, 7, 34712, 34927, 50001, 33003, 33005, 34892)

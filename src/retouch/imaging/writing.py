"""Write photos to files in their own format, depth and profile, with their metadata."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pyvips

from retouch import files
from retouch.errors import RetouchError
from retouch.imaging import code_points, containers, heic, jpeg_keeping, resources, tags, tiff
from retouch.imaging.channels import samples_of
from retouch.imaging.colour import as_vips, grey_to_srgb, is_grey
from retouch.imaging.encodings import corner
from retouch.imaging.gain_map import append_gain_map, claim, gain_map_jpeg
from retouch.imaging.losses import losses
from retouch.imaging.photo import Array, Photo, join_alpha, photo_from_array, white
from retouch.imaging.png_metadata import fit_depth
from retouch.imaging.png_text import raw_profile
from retouch.imaging.xmp_packets import with_description

Seal: TypeAlias = Callable[[bytes, str], bytes]
"""Signs a file, given its bytes and its format such as "jpeg", and returns the signed file."""

_WIDTH = 256  # the tag
_BIG_TIFF = 3 * 10**9  # bytes of pixels from which a TIFF may exceed 4 GB, because some do not compress
_OPTIMIZED = 25_000_000  # pixels; optimised coding takes 12 bytes per pixel and saves a few per cent
_EXIF, _XMP, _PROFILE, _REST = 1, 2, 8, 16  # flags of VipsForeignKeep


@dataclass(frozen=True)
class _Format:
    """What a format can hold, and how libvips writes it."""

    suffixes: tuple[str, ...]
    saver: str
    options: Callable[[Photo], dict[str, Any]]
    depths: tuple[int, ...] = (8,)
    alpha: bool = True
    extra: bool = False
    grey: bool = True  # with a profile for grey; and whatever profile the photo has, fitting or not
    longest: int = 10_000_000  # pixels along the longer side; the limit of libvips


def _jpeg(photo: Photo) -> dict[str, Any]:
    height, width = photo.pixels.shape[:2]
    return {
        "Q": 95,
        "subsample_mode": "off",
        "optimize_coding": height * width <= _OPTIMIZED,
        "interlace": photo.header.progressive,
    }


def _png(photo: Photo) -> dict[str, Any]:
    return {"interlace": photo.header.progressive, "filter": "all"} | _few_bits(photo)


def _few_bits(photo: Photo) -> dict[str, Any]:
    grey = photo.pixels.shape[2] == 1 and photo.alpha is None and photo.extra is None
    return {"bitdepth": photo.bits} if grey and photo.bits in (1, 2, 4) else {}


def _webp(photo: Photo) -> dict[str, Any]:
    if photo.header.lossless:
        return {"lossless": True, "exact": True}  # exact: also keep the colours of transparent pixels
    return {"Q": 95, "smart_subsample": True, "exact": True}


def _tiff(photo: Photo) -> dict[str, Any]:
    layout = photo.header.tiff
    few = _few_bits(photo)
    fax = layout.compression == "ccittfax4"
    options: dict[str, Any] = few | {
        "compression": layout.compression if few.get("bitdepth") == 1 or not fax else "deflate",
        "predictor": "horizontal" if layout.predictor and not few else "none",
        "bigtiff": layout.big or photo.pixels.nbytes * 4 / 3 > _BIG_TIFF,
    }
    if layout.tile is not None:
        options |= {"tile": True, "tile_width": layout.tile[0], "tile_height": layout.tile[1]}
    return options


def _heif(compression: str) -> Callable[[Photo], dict[str, Any]]:
    def options(photo: Photo) -> dict[str, Any]:
        depth = photo.bits if photo.pixels.dtype == np.uint16 else 8
        return {"Q": 95, "subsample_mode": "off", "compression": compression, "bitdepth": depth}

    return options


_FORMATS = {
    "jpeg": _Format((".jpg", ".jpeg", ".jpe", ".jfif"), "jpegsave", _jpeg, alpha=False, longest=65535),
    "png": _Format((".png",), "pngsave", _png, depths=(8, 16)),
    "webp": _Format((".webp",), "webpsave", _webp, grey=False, longest=16383),
    "tiff": _Format((".tif", ".tiff"), "tiffsave", _tiff, depths=(8, 16), extra=True),
    "avif": _Format((".avif",), "heifsave", _heif("av1"), depths=(8, 10, 12), grey=False, longest=16384),
    "heic": _Format(
        (".heic", ".heif"), "heifsave", _heif("hevc"), depths=(8, 10, 12), grey=False, longest=16384
    ),
}


def write_photo(
    photo: Photo,
    target: Path | None,
    *,
    format: str | None = None,
    overwrite: bool = False,
    seal: Seal | None = None,
) -> bytes | None:
    """Write a photo with its metadata. The file appears complete or not at all.

    PNG, TIFF and lossless WebP store the exact values. Of a photo from a JPEG, only the blocks that changed
    are encoded anew where :mod:`~retouch.imaging.jpeg_keeping` can do that; else a JPEG is written at quality
    95 without chroma subsampling (4:4:4). WebP is lossless unless the photo came from a lossy file; it has no
    grey format. EXIF (as tags in TIFF), XMP and the ICC profile go into every format, resolution into JPEG,
    PNG and TIFF, IPTC into JPEG, PNG and TIFF, a gain map into JPEG, and comments back into the format that
    they came from.

    Args:
        photo: the photo.
        target: the file to write; None returns the bytes instead.
        format: "jpeg", "png", "webp", "tiff", "avif" or "heic". None = by the extension of ``target``;
            without a target the photo's own format, or PNG if it has none.
        overwrite: replace ``target`` if it exists.
        seal: signs the file before it is written.

    Returns:
        The bytes of the file if ``target`` is None.

    Raises:
        RetouchError: as in :func:`check_target`, or the disk is full.
    """
    name = format_name(photo, target, format)
    if target is not None:
        files.refuse_existing(target, overwrite=overwrite)
    data = _encode(photo, name)
    if seal is not None:
        data = seal(data, name)
    if target is None:
        return data
    files.write_bytes(data, target, overwrite=overwrite)
    return None


def write_png(array: Array, target: Path, *, overwrite: bool = False) -> None:
    """Write an array as PNG.

    Args:
        array: as in :func:`~retouch.imaging.photo_from_array`.
        target: the file to write.
        overwrite: replace ``target`` if it exists.

    Raises:
        RetouchError: ``target`` exists already or cannot be written.
    """
    write_photo(photo_from_array(array), target, format="png", overwrite=overwrite)


def check_target(
    target: Path | None, *, overwrite: bool = False, photo: Photo, format: str | None = None
) -> None:
    """Check that a photo can be written, before the long work starts.

    The arguments are those of :func:`write_photo`.

    Raises:
        RetouchError: the target exists already or is a folder, its folder is missing or not writable, the
            extension is unknown, or the format cannot hold the photo's depth, alpha, size or metadata.
    """
    name = format_name(photo, target, format)
    if target is not None:
        files.refuse_existing(target, overwrite=overwrite)
        files.check_folder(target)
    # Writing a small corner finds out whether this libvips knows the format and the metadata fit.
    _encode(corner(photo, 16), name)


def unwritten(photo: Photo, target: Path | None, *, format: str | None = None) -> tuple[str, ...]:
    """Say what a format cannot hold of a photo's metadata, a sentence or nothing.

    The arguments are those of :func:`write_photo`.
    """
    name = format_name(photo, target, format)
    return (*losses(photo.header, name), *_profile_notes(photo, name))


def format_name(photo: Photo, target: Path | None, format: str | None = None) -> str:
    """The format to write, checked against what the photo needs; arguments as in :func:`write_photo`."""
    if format is not None:
        name = format
    elif target is not None:
        suffix = target.suffix.lower()
        name = next((name for name, known in _FORMATS.items() if suffix in known.suffixes), suffix)
    else:
        name = photo.format or "png"
    if name not in _FORMATS:
        raise RetouchError(
            f"Photos cannot be written as {name or 'a file without extension'}; "
            f"use {_suffixes()}, such as -o out.png (output= in Python)."
        )
    lacking = _lacks(_FORMATS[name], photo)
    if lacking:
        raise RetouchError(f"{name.upper()} cannot hold {' and '.join(lacking)}; use {_suffixes(photo)}.")
    return name


def _profile_notes(photo: Photo, name: str) -> tuple[str, ...]:
    """Say what becomes of a profile that a format without grey cannot hold."""
    if photo.profile is None or _FORMATS[name].grey:
        return ()
    if is_grey(photo):
        return (f"{name.upper()} has no profiles for grey, so the photo was converted to sRGB.",)
    if photo.profile[16:20] != b"RGB ":
        return (f"{name.upper()} cannot hold the photo's ICC profile, which is not for its colours.",)
    return ()


def _lacks(chosen: _Format, photo: Photo) -> list[str]:
    """List what a format cannot hold of a photo."""
    height, width = photo.pixels.shape[:2]
    depth = 8 if photo.pixels.dtype == np.uint8 else photo.bits or 16
    wants = {
        f"{depth} bits a channel": not any(depth <= each for each in chosen.depths),
        "transparency": not chosen.alpha and not _is_opaque(photo),
        "channels besides colour and transparency": photo.extra is not None and not chosen.extra,
        f"{width} × {height} pixels": max(height, width) > chosen.longest,
    }
    if (
        photo.stored is not None
        and wants[f"{depth} bits a channel"]
        and photo.stored.samples.dtype == np.uint8
    ):
        wants[f"the {depth} bits a channel that its inks or L*a*b* need as RGB"] = wants.pop(
            f"{depth} bits a channel"
        )
    return [want for want, lacking in wants.items() if lacking]


def _is_opaque(photo: Photo) -> bool:
    return photo.alpha is None or bool(photo.alpha.min() == white(photo.alpha.dtype))


def _suffixes(photo: Photo | None = None) -> str:
    """Name the extensions of the common formats that can hold ``photo``, for a sentence."""
    common = (_FORMATS[name] for name in ("jpeg", "png", "webp", "tiff"))
    suffixes = [each.suffixes[0] for each in common if photo is None or not _lacks(each, photo)]
    # TIFF can hold every photo.
    return f"{', '.join(suffixes[:-1])} or {suffixes[-1]}" if len(suffixes) > 1 else suffixes[0]


def _encode(photo: Photo, name: str) -> bytes:
    header, chosen = photo.header, _FORMATS[name]
    if is_grey(photo) and not chosen.grey:
        photo = grey_to_srgb(photo)
    if name == "heic" and heic.available():
        return heic.encode(photo)
    if name == "jpeg" and (kept := jpeg_keeping.rewritten(photo)) is not None:
        return _add_to_jpeg(kept, photo)
    exif = header.exif
    explained: tags.Tags = {}
    if name == "tiff":
        samples, explained = samples_of(photo)
        if _few_bits(photo).get("bitdepth") == 4 and samples.shape[1] % 2:
            # libvips gets the last sample of an odd row wrong. With one more, a row takes as many bytes.
            explained = explained | {_WIDTH: tiff.long(samples.shape[1])}
            samples = np.concatenate([samples, samples[:, -1:]], axis=1)
        image = as_vips(samples, photo.pixels.shape[2] if photo.stored is None else photo.stored.colours)
    else:
        image = as_vips(join_alpha(photo) if chosen.alpha else photo.pixels)
    image = _with_metadata(image, photo)
    # libvips would change EXIF and drop profiles that it cannot use, so both are added afterwards.
    # It cannot split long XMP for JPEG, and compresses that of PNG, where most programs overlook it then.
    keep = _REST if name in ("jpeg", "png") else _XMP | _REST
    if name not in ("jpeg", "png", "tiff"):
        keep |= _PROFILE if exif is None else _PROFILE | _EXIF
    if chosen.saver == "heifsave" and exif is not None:
        image = _with_exif_fields(image, exif)
    try:
        data = bytes(getattr(image, f"{chosen.saver}_buffer")(keep=keep, **chosen.options(photo)))
    except pyvips.Error as error:
        raise RetouchError(
            f"This photo cannot be written as {name.upper()} here; use {_suffixes()}."
        ) from error
    if name == "jpeg":
        return _add_to_jpeg(data, photo)
    if name == "png":
        text = raw_profile(header.photoshop) if header.photoshop else b""
        chunks = fit_depth(header.chunks, data[24]) + text
        # A profile that the chunks stand for was made on reading.
        profile = None if code_points.says_itself(header.chunks, photo.profile) else photo.profile
        return containers.add_to_png(data, exif, profile, chunks, header.xmp)
    if name == "tiff":
        return _add_to_tiff(data, photo, explained)
    if name == "avif":
        # libvips calls every profile a restricted one, which only some of them are.
        return data.replace(b"colrrICC", b"colrprof", 1)
    if name == "webp" and exif is not None:
        return containers.replace_webp_exif(data, exif)
    return data


def _with_metadata(image: pyvips.Image, photo: Photo) -> pyvips.Image:
    across, down, unit = photo.header.resolution
    image = image.copy(xres=across, yres=down)
    image.set_type(pyvips.GValue.gstr_type, "resolution-unit", unit)
    for field, value in (("icc-profile-data", photo.profile), ("xmp-data", photo.header.xmp)):
        if value:
            image.set_type(pyvips.GValue.blob_type, field, value)
    return image


def _with_exif_fields(image: pyvips.Image, exif: bytes) -> pyvips.Image:
    """Give an image an EXIF block. libvips accepts only the fields that it reads from a file itself."""
    blank = pyvips.Image.black(1, 1).jpegsave_buffer(keep=0)
    carrier = pyvips.Image.new_from_buffer(containers.add_to_jpeg(bytes(blank), exif=exif), "")
    for field in carrier.get_fields():
        if field.startswith("exif-"):
            image.set_type(carrier.get_typeof(field), field, carrier.get(field))
    return image


def _add_to_jpeg(data: bytes, photo: Photo) -> bytes:
    header, gain, xmp = photo.header, photo.header.gain, photo.header.xmp
    encoded = gain_map_jpeg(gain) if gain is not None else b""
    if gain is not None and gain.in_xmp:
        xmp = with_description(xmp, claim(len(encoded))) or xmp
    made = containers.add_to_jpeg(
        data,
        exif=header.exif,
        xmp=xmp,
        profile=photo.profile,
        photoshop=header.photoshop,
        comments=header.comments,
        resolution=header.resolution,
    )
    return made if gain is None else append_gain_map(made, gain, encoded)


def _add_to_tiff(data: bytes, photo: Photo, explained: tags.Tags) -> bytes:
    header = photo.header
    added = tags.read_tags(header.exif) if header.exif else {}
    if header.photoshop:
        added[tags.PHOTOSHOP] = tags.Value(7, len(header.photoshop), header.photoshop)
        iptc = resources.iptc_of(header.photoshop)
        if iptc:
            added[tags.IPTC] = tags.Value(7, len(iptc), iptc)
    profile = photo.profile if photo.stored is None else photo.stored.profile
    if profile:
        added[tags.PROFILE] = tags.Value(7, len(profile), profile)
    added |= explained
    return tags.add_tags(data, added) if added else data

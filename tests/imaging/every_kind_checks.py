"""Compare what is in a file before and after it was filled: what each check yields is wrong."""

import io
from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageCms
from tests.imaging.every_kind import Kind
from tests.imaging.every_kind_readers import CMYK, WHITE_IS_ZERO, YCBCR, Content
from tests.imaging.samples import P3, SRGB

_SAID = {"exif": "EXIF", "xmp": "XMP", "iptc": "IPTC", "comment": "comments", "text": "text fields"}
_LOSSLESS = ("png", "tif", "webp")
_MAY_LOSE = ("lossy", "jpeg", "webp", "jpeg2000")  # compressions
_BECOME_RGB = (5, 6, 8, 9)  # CMYK, YCbCr and L*a*b* in other formats
_CLOSE = 0.03  # the mean difference that a lossy format may make, of 1
_STEP = 0.6 / 65535  # less than one of 16 bits; 10 and 12 bits are rounded to 16
_ALIKE = 3  # levels of sRGB


def metadata_problems(kind: Kind, before: Content, after: Content, notes: str) -> Iterator[str]:
    """Blocks that are neither equal nor mentioned in the notes."""
    for block in sorted(set(kind.metadata) - set(before.blocks)):
        yield f"the file that was made has no {block}"
    for block, value in before.blocks.items():
        kept = after.blocks.get(block)
        if block == "cicp" and kind.target != "png":
            continue  # a profile says the same there
        if kept != value and _SAID.get(block, block) not in notes:
            yield f"{block} {value!r} became {kept!r}, and the notes are {notes!r}"
    if after.orientation != 1:
        yield f"the orientation is {after.orientation}"


def profile_problems(kind: Kind, before: Content, after: Content) -> Iterator[str]:
    """A profile that is not the same, or does not mean the same where it had to be made."""
    if kind.profile == "cicp p3" and kind.target != "png":
        if after.profile is None or _difference(after.profile, P3) > _ALIKE:
            yield "Display P3 is lost"
    elif before.colours in _BECOME_RGB and kind.target != "tif":
        if before.colours != YCBCR and after.profile is None:
            yield "the colours have no profile"
    elif before.profile != after.profile:
        yield f"the profile of {len(before.profile or b'')} bytes became one of {len(after.profile or b'')}"


def _difference(one: bytes, other: bytes) -> int:
    """How much strong colours of two profiles differ, in levels of sRGB."""
    colours = Image.fromarray(
        np.array([[[230, 60, 40], [50, 200, 70], [40, 60, 210], [128, 128, 128]]], np.uint8)
    )
    shown = [
        np.asarray(ImageCms.profileToProfile(colours, io.BytesIO(each), io.BytesIO(SRGB))).astype(int)
        for each in (one, other)
    ]
    return int(np.abs(shown[0] - shown[1]).max())


def pixel_problems(kind: Kind, before: Content, after: Content, known: np.ndarray) -> Iterator[str]:
    """Known pixels, ``H×W`` bool, of other values; another depth; other channels."""
    wanted, bits = _wanted(kind, before)
    if wanted.shape != after.samples.shape:
        yield f"the shape {wanted.shape} became {after.samples.shape}"
        return
    if bits != after.bits:
        yield f"{bits} bits became {after.bits}"
    if kind.target == "tif" and (
        before.extra != after.extra or (_stays(kind, before) and before.colours != after.colours)
    ):
        yield f"channels {before.colours}, {before.extra} became {after.colours}, {after.extra}"
    difference = np.abs(wanted - after.samples)[known]
    certain = difference[np.isfinite(difference)]
    came_lossy = kind.format in ("jpeg", "avif", "heic") or kind.compression in _MAY_LOSE
    if kind.target not in _LOSSLESS or (kind.target == "webp" and came_lossy):
        if certain.size and certain.mean() > _CLOSE:
            yield f"known pixels differ by {certain.mean():.3f} in the mean"
    elif certain.max(initial=0) > _STEP:
        yield f"{(certain > _STEP).mean():.0%} of the known samples differ, by up to {certain.max():.4f}"


def _stays(kind: Kind, before: Content) -> bool:
    return kind.format == "tiff" and kind.target == "tif"


def _wanted(kind: Kind, before: Content) -> tuple[np.ndarray, int]:
    """The samples to be written, NaN where they have no certain value, and their bits."""
    samples, bits = before.upright.copy(), before.bits
    if not _stays(kind, before):
        if before.colours == WHITE_IS_ZERO:
            samples[..., 0] = 1 - samples[..., 0]
        if before.colours in _BECOME_RGB:
            count = 4 if before.colours == CMYK else 3
            samples = np.concatenate(
                [np.full((*samples.shape[:2], 3), np.nan), samples[..., count:]], axis=-1
            )
            bits = bits if before.colours == YCBCR else 16
        if 1 in before.extra:
            samples[..., : samples.shape[2] - len(before.extra)] = np.nan
    if kind.target in ("webp", "avif", "heic") and samples.shape[2] < 3:
        samples = np.concatenate([samples[..., :1]] * 3 + [samples[..., 1:]], axis=-1)
    if bits in (10, 12) and kind.target not in ("avif", "heic"):
        bits = 16
    if bits < 8 and kind.target not in ("png", "tif"):
        bits = 8
    return samples, bits

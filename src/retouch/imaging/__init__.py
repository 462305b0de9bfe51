"""Read photos and masks from image files, and write photos to them.

Nothing else in the project touches image files. A photo keeps its own depth, profile, transparency and
metadata from reading to writing. Only :func:`to_srgb` and :func:`from_srgb` convert to and from the float
sRGB that models work in.
"""

from retouch.imaging.colour import from_srgb, to_srgb
from retouch.imaging.following import follow_fill, without_gain_map
from retouch.imaging.masks import MaskFrom, mask_from_alpha, mask_from_array, read_mask
from retouch.imaging.palettes import class_numbers
from retouch.imaging.panorama import goes_around, shows_poles
from retouch.imaging.photo import PIXEL_LIMIT, Header, Photo, TiffLayout, photo_from_array
from retouch.imaging.provenance import Edited, mark_edited
from retouch.imaging.reading import photo_size, read_photo
from retouch.imaging.writing import check_target, format_name, unwritten, write_photo, write_png

__all__ = [
    "PIXEL_LIMIT",
    "Edited",
    "Header",
    "MaskFrom",
    "Photo",
    "TiffLayout",
    "check_target",
    "class_numbers",
    "follow_fill",
    "format_name",
    "from_srgb",
    "goes_around",
    "mark_edited",
    "mask_from_alpha",
    "mask_from_array",
    "photo_from_array",
    "photo_size",
    "read_mask",
    "read_photo",
    "shows_poles",
    "to_srgb",
    "unwritten",
    "without_gain_map",
    "write_photo",
    "write_png",
]

"""``find_damage``: where a photo is damaged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retouch.errors import RetouchError
from retouch.finding import SENSITIVITY

if TYPE_CHECKING:
    from retouch.contract.progress import OnProgress
    from retouch.imaging import Photo
    from retouch.pictures import Mask, Picture


def find_damage(
    image: Picture,
    *,
    sensitivity: float = SENSITIVITY,
    protect: Picture | None = None,
    resize_mask: bool = False,
    trust_mask: bool = False,
    on_progress: OnProgress | None = None,
    allow_huge: bool = False,
) -> Mask:
    """Find the damage of an old or scanned photo: dust, hairs, scratches, cracks, folds, tears, stains.

    What is found can be given to :func:`retouch.inpaint` as the mask.

    Args:
        image: a path, the bytes of an image file, a numpy array or a PIL image.
        sensitivity: from 0 (only what is certain) to 1 (whatever might be damage).
        protect: a mask of what is to be left alone, white = nothing is found there.
        resize_mask: resize a mask of another size, but the same shape, to the picture's size.
        trust_mask: accept a mask that looks like a photo or covers nearly everything.
        on_progress: called with the progress, stage "find".
        allow_huge: read files with more pixels than the safety limit.

    Returns:
        ``H×W`` bool, True = damage.

    Raises:
        RetouchError: the picture or the mask cannot be used, or the sensitivity is out of range.
    """
    from retouch import pictures
    from retouch.finding.damage import find_damage as find

    photo = pictures.to_photo(image, allow_huge=allow_huge)
    pictures.check_floats(image)
    kept = None
    if protect is not None:
        kept = protected(protect, photo, resize=resize_mask, trust=trust_mask, allow_huge=allow_huge)
    return find(photo, sensitivity=sensitivity, protect=kept, progress=on_progress)


def protected(mask: Picture, photo: Photo, *, resize: bool, trust: bool, allow_huge: bool) -> Mask:
    """Read a mask of what is to be left alone, white = protected.

    The arguments are those of :func:`retouch.pictures.to_mask`.

    Raises:
        RetouchError: it cannot be used, or, unless it is trusted, covers so much of the photo that it is
            probably inverted.
    """
    from retouch import pictures
    from retouch.api.opened import LARGEST_SHARE

    kept = pictures.to_mask(
        mask, photo, resize=resize, trust=trust, allow_huge=allow_huge, name="protect mask"
    )
    if not trust and (share := float(kept.mean())) > LARGEST_SHARE:
        raise RetouchError(
            f"The protect mask covers {100 * share:.0f} % of the photo and may be inverted; make it white "
            "where nothing is to be changed, or use --trust-mask (trust_mask=True in Python) to use it."
        )
    return kept

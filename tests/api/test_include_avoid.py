"""Where a fill may and may not borrow from, as users say it."""

import numpy as np
import pytest
from PIL import Image

import retouch
from retouch import RetouchError

NAMES = [card.name for card in retouch.list_models()]
NOT_REFINED = ("exemplar", "neural-patch", "confidence-feedback")
NAMES += [f"{name}+neural-patch" for name in NAMES if name not in NOT_REFINED]
NAMES += ["structure+exemplar", "structure+infer-match-translate"]


@pytest.fixture
def include(hole):
    """The right half and the lower third of the photo, the hole's own place among it."""
    mask = np.zeros_like(hole)
    mask[:, 56:] = True
    mask[64:] = True
    return mask


@pytest.fixture
def avoid(hole):
    """A block beside the larger hole, a part of it included; and the disc."""
    mask = np.zeros_like(hole)
    mask[40:72, 56:64] = True
    mask[:40, 84:116] = True
    return mask


def _inside(sources: np.ndarray, allowed: np.ndarray) -> bool:
    """Whether all of the sources that there are lie where they may."""
    borrowed = sources[sources[..., 0] >= 0]
    return bool(allowed[tuple(borrowed.T)].all())


def _borrowing(photo, hole, allowed, **options) -> tuple[set[str], set[str]]:
    """The models that borrow, all of them from where they may; and those that else would from elsewhere."""
    borrowing, roaming = set(), set()
    for name in NAMES:
        result = retouch.fill(photo, hole, model=name, **options)
        if result.correspondence is None:
            continue
        borrowing.add(name)
        assert (result.correspondence[hole] >= 0).any(), name
        assert all(_inside(each.correspondence, allowed) for each in result.levels), name
        options_left = {each: value for each, value in options.items() if each == "working_size"}
        free = retouch.fill(photo, hole, model=name, **options_left)
        if not _inside(free.correspondence, allowed):
            roaming.add(name)
    return borrowing, roaming


def test_models_that_match_patches_keep_to_what_is_allowed(photo, hole, include, avoid):
    allowed = include & ~avoid & ~hole
    borrowing, roaming = _borrowing(photo, hole, allowed, include=include, avoid=avoid)
    assert borrowing == roaming
    refining = {name for name in NAMES if "neural-patch" in name}
    assert borrowing >= refining | {"exemplar", "contextual-attention", "pen-net", "infer-match-translate"}


def test_detail_after_any_model_is_what_is_allowed(photo, hole, include, avoid):
    # So small that all windows are filled at a lower resolution and brought up: detail is always borrowed.
    allowed = include & ~avoid & ~hole
    borrowing, roaming = _borrowing(photo, hole, allowed, include=include, avoid=avoid, working_size=64)
    assert borrowing == set(NAMES)
    assert roaming >= {"exemplar", "navier-stokes"}


@pytest.mark.parametrize("working_size", [None, 64])
def test_nothing_red_comes_from_where_red_is_avoided(photo, hole, working_size):
    red = np.zeros_like(hole)
    red[40:72, 24:72] = True  # all around the larger hole
    photo[red] = (250, 10, 10)
    red[:40, 84:116] = True  # the disc is reddish, too

    def redness(**options):
        # Enlarged, a known red cell still shows in the pixel beside it.
        filled = retouch.inpaint(photo, hole, working_size=working_size, **options)[51:61, 41:55].astype(int)
        return (filled[..., 0] - filled[..., 1:].max(axis=2) > 60).mean()

    assert redness() == 1
    assert redness(avoid=red) == 0
    assert redness(include=~red) == 0


def test_include_and_avoid_of_every_kind(photo, hole, include, avoid, tmp_path):
    both = retouch.inpaint(photo, hole, include=include, avoid=avoid)
    assert np.array_equal(retouch.inpaint(photo, hole, include=include & ~avoid), both)
    assert np.array_equal(retouch.inpaint(photo, hole, avoid=~include | avoid), both)
    files = {"include": include, "avoid": avoid}
    for name, mask in files.items():
        Image.fromarray(mask).save(tmp_path / f"{name}.png")
    paths = {name: tmp_path / f"{name}.png" for name in files}
    assert np.array_equal(retouch.inpaint(photo, hole, **paths), both)
    pictures = {name: Image.fromarray(mask) for name, mask in files.items()}
    assert np.array_equal(retouch.inpaint(photo, hole, **pictures), both)


@pytest.mark.parametrize("name", ["include", "avoid"])
def test_of_another_size(photo, hole, include, name):
    doubled = include.repeat(2, axis=0).repeat(2, axis=1)
    with pytest.raises(RetouchError, match=f"The {name} mask is 256 × 192 pixels.*--resize-mask"):
        retouch.inpaint(photo, hole, **{name: doubled})
    assert np.array_equal(
        retouch.inpaint(photo, hole, resize_mask=True, **{name: doubled}),
        retouch.inpaint(photo, hole, **{name: include}),
    )


@pytest.mark.parametrize("given", [("include",), ("avoid",), ("include", "avoid")])
def test_nothing_left_to_borrow_from(photo, hole, include, given):
    masks = {"include": hole, "avoid": ~hole} if len(given) == 1 else {"include": include, "avoid": include}
    with pytest.raises(RetouchError, match="include more of the photo, or avoid less of it"):
        retouch.inpaint(photo, hole, **{name: masks[name] for name in given})


def test_an_empty_mask_needs_nothing_to_borrow_from(photo):
    nothing = np.zeros(photo.shape[:2], dtype=bool)
    assert np.array_equal(retouch.inpaint(photo, nothing, include=nothing), photo)


def test_the_masks_of_the_caller_stay_as_they_are(photo, hole, include, avoid):
    before = include.copy(), avoid.copy()
    retouch.inpaint(photo, hole, model="telea", include=include, avoid=avoid)
    assert np.array_equal(include, before[0])
    assert np.array_equal(avoid, before[1])

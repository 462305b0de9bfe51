"""Whole numbers of any kind are taken, and what is none is refused in one sentence."""

import numpy as np
import pytest

import retouch
from retouch import RetouchError


@pytest.fixture
def pair():
    photo = np.random.default_rng(0).integers(0, 256, (60, 60, 3), np.uint8)
    mask = np.zeros((60, 60), bool)
    mask[25:35, 25:35] = True
    return photo, mask


@pytest.mark.parametrize("kind", [np.int8, np.int32, np.int64, np.uint64])
def test_numbers_of_numpy_are_those_of_python(kind, pair):
    same = retouch.inpaint(*pair, seed=3, dilate=2)
    assert np.array_equal(retouch.inpaint(*pair, seed=kind(3), dilate=kind(2)), same)


def test_a_hole_grows_by_numbers_that_would_overflow(pair):
    result = retouch.fill(*pair, model="telea", dilate=np.uint8(30))
    assert result.filled_by["telea"] > 2500


def test_a_seed_below_zero_fills_a_hole_that_is_filled_small(pair):
    seeds = (-1, 2**63 - 1, -(2**63))
    fills = [retouch.inpaint(*pair, model="telea", working_size=20, seed=seed) for seed in seeds]
    assert all(each.shape == (60, 60, 3) for each in fills)


@pytest.mark.parametrize(
    "wrong",
    [
        *({name: value} for name in ("seed", "dilate", "close") for value in (True, 1.5, "2", None)),
        *({"working_size": value} for value in (float("nan"), "512", True, 10.5)),
    ],
    ids=str,
)
def test_what_is_no_whole_number_is_refused(wrong, pair):
    (name,) = wrong
    with pytest.raises(RetouchError, match=f"^{name}= takes a whole number"):
        retouch.fill(*pair, **wrong)
    if name in ("seed", "dilate"):
        with pytest.raises(RetouchError, match=f"^{name}= takes a whole number"):
            retouch.restore(*pair, **wrong)


@pytest.mark.parametrize("model", [None, 7, np.zeros(3)])
def test_what_is_no_model_is_refused(model, pair):
    with pytest.raises(RetouchError, match=r"^model= takes a name"):
        retouch.fill(*pair, model=model)


def test_options_are_a_dict(pair):
    with pytest.raises(RetouchError, match=r"^options= takes a dict"):
        retouch.fill(*pair, options="patch=7")


@pytest.mark.parametrize("rounds", [(2**32,), (2,) * 17])
def test_rounds_beyond_sense_are_refused(rounds, pair):
    with pytest.raises(RetouchError, match="at most 16 levels, at most 1000 each"):
        retouch.fill(*pair, options={"rounds": rounds})


@pytest.mark.parametrize("channels", [2, 4])
def test_the_alpha_of_floats_is_1_where_opaque(channels, pair):
    _, mask = pair
    picture = np.random.default_rng(1).random((60, 60, channels)).astype(np.float32)
    picture[..., -1] = 255
    with pytest.raises(
        RetouchError, match="alpha of a float picture, 1 means opaque; this one goes from 255 to 255"
    ):
        retouch.fill(picture, mask)
    picture[..., -1] = 1
    picture[3, 3:5, -1] = (1.1, -0.05)  # as a resized edge overshoots
    picture[mask, -1] = np.nan  # what is hidden may be anything
    assert np.isfinite(retouch.inpaint(picture, mask)).all()

import doctest
import inspect
import io
import re
import subprocess
import sys
from importlib import import_module

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

import retouch
from retouch import RetouchError
from retouch.api import inpainting
from retouch.api.arguments import DEFAULTS, FillArguments, InpaintArguments
from retouch.contract import Model, Progress
from retouch.imaging import photo_from_array
from retouch.models import CARDS

FAST = "telea"


def _as(kind: str, photo: np.ndarray) -> np.ndarray:
    """``photo`` (H×W×3 uint8) as an array of another shape and depth, such as "3 uint8"."""
    channels, dtype = kind.split()
    array = {
        "none": photo[..., 0],
        "1": photo[..., :1],
        "3": photo,
        "4": np.dstack([photo, np.full(photo.shape[:2], 200, np.uint8)]),
    }[channels]
    if dtype == "uint8":
        return array
    if dtype == "uint16":
        return array.astype(np.uint16) * 257
    # Not multiples of 1/65535, so that a round trip through whole numbers would show.
    return (array / 255 * 0.987654321).astype(dtype)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "float64"])
@pytest.mark.parametrize("channels", ["none", "1", "3", "4"])
def test_arrays_come_back_as_they_went_in(photo, hole, channels, dtype):
    image = _as(f"{channels} {dtype}", photo)
    before = image.copy()
    filled = retouch.inpaint(image, hole, model=FAST)
    assert type(filled) is np.ndarray
    assert filled.dtype == image.dtype
    assert filled.shape == image.shape
    assert np.array_equal(filled[~hole], image[~hole])
    assert (filled[hole] != image[hole]).any()
    assert np.array_equal(image, before)
    assert not np.shares_memory(filled, image)


@pytest.mark.parametrize("model", [card.name for card in retouch.list_models()])
def test_every_model_fills_a_photo(photo, hole, model):
    photo[hole] = (0, 255, 0)
    filled = retouch.inpaint(photo, hole, model=model)
    assert np.array_equal(filled[~hole], photo[~hole])
    assert not (filled[hole] == (0, 255, 0)).all(axis=1).any()


def test_stripes_are_continued(photo, hole):
    broken = photo.copy()
    broken[hole] = 0
    filled = retouch.inpaint(broken, hole)
    error = np.abs(filled[hole].astype(float) - photo[hole]).mean()
    smear = np.abs(retouch.inpaint(broken, hole, model=FAST)[hole].astype(float) - photo[hole]).mean()
    assert error < smear / 2


@given(
    height=st.integers(1, 24),
    width=st.integers(2, 24),
    channels=st.sampled_from([None, 1, 3, 4]),
    dtype=st.sampled_from([np.uint8, np.uint16, np.float32, np.float64]),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_known_values_are_bit_identical(height, width, channels, dtype, seed):
    random = np.random.default_rng(seed)
    image = random.random((height, width) if channels is None else (height, width, channels))
    if np.issubdtype(dtype, np.integer):
        image = (image * np.iinfo(dtype).max).astype(dtype)
    image = image.astype(dtype)
    hole = random.random((height, width)) < 0.4
    hole[0, 0] = False
    assert np.array_equal(retouch.inpaint(image, hole, model=FAST)[~hole], image[~hole])


def test_opencv_and_scikit_image_users(photo, hole):
    bgr = photo[..., ::-1]  # a view with a negative stride
    filled = retouch.inpaint(bgr, hole.astype(np.uint8) * 255, model=FAST)
    same = retouch.inpaint(photo, hole, model=FAST)
    assert np.abs(filled[..., ::-1].astype(int) - same).max() <= 2


def test_what_lies_in_the_hole_of_a_float_array_does_not_count(photo, hole):
    image = photo / 255
    image[hole] = np.nan
    filled = retouch.inpaint(image, hole, model=FAST)
    assert np.isfinite(filled).all()
    image[0, 0] = np.nan
    with pytest.raises(RetouchError, match="must lie in"):
        retouch.inpaint(image, hole, model=FAST)


@pytest.mark.parametrize(("low", "high"), [(-2, 7), (0.4, 85), (0, 65535)])
@pytest.mark.parametrize("model", [FAST, "navier-stokes", "exemplar"])
def test_floats_of_any_range(photo, hole, low, high, model):
    image = (low + (high - low) * (photo[..., 0] / 255)).astype(np.float32)
    filled = retouch.inpaint(np.where(hole, np.float32("nan"), image), hole, model=model)
    assert filled.dtype == np.float32
    assert np.array_equal(filled[~hole], image[~hole])
    assert filled[hole].min() >= image.min()
    assert filled[hole].max() <= image.max()
    bytes_ = retouch.inpaint(photo[..., 0], hole, model=model)
    as_bytes = (filled - low) / (high - low) * 255
    assert np.abs(as_bytes - bytes_)[hole].mean() < 8, "it is the same fill but for the contrast"


def test_transparent_floats_become_opaque_where_they_are_filled(photo, hole):
    image = np.dstack([photo / 255, np.where(hole, 0.0, 0.8)])
    filled = retouch.inpaint(image, model=FAST)
    assert (filled[hole][:, 3] == 1).all()
    assert np.array_equal(filled[~hole], image[~hole])


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "I;16"])
def test_pil_images_come_back_in_their_mode(photo, hole, mode):
    if mode == "I;16":
        image = Image.fromarray(photo[..., 0].astype(np.uint16) * 257)
    else:
        image = Image.fromarray(photo).convert(mode)
    image.info["comment"] = b"kept"
    filled = retouch.inpaint(image, Image.fromarray(hole), model=FAST)
    assert isinstance(filled, Image.Image)
    assert filled.mode == mode
    assert filled.info == image.info
    assert np.array_equal(np.asarray(filled)[~hole], np.asarray(image)[~hole])
    assert (np.asarray(filled)[hole] != np.asarray(image)[hole]).any()


def test_a_pil_palette_becomes_colour(photo, hole):
    image = Image.fromarray(photo).quantize(16)
    filled = retouch.inpaint(image, hole, model=FAST)
    assert filled.mode == "RGB"
    assert np.array_equal(np.asarray(filled)[~hole], np.asarray(image.convert("RGB"))[~hole])


def test_a_transparent_pil_palette_can_be_its_own_mask(photo, hole):
    indices = np.where(hole, 0, 1 + photo[..., 0] // 2).astype(np.uint8)
    image = Image.frombytes("P", (128, 96), indices.tobytes())
    image.putpalette([value for index in range(256) for value in (index, 255 - index, 7)])
    image.info["transparency"] = 0
    filled = retouch.inpaint(image, model=FAST)
    assert filled.mode == "RGBA"
    assert "transparency" not in filled.info
    assert (np.asarray(filled)[..., 3] == 255).all()


@pytest.mark.parametrize("kind", ["array", "uint8", "01", "float", "pil", "pil P", "path", "str", "bytes"])
def test_masks_of_every_kind_mean_the_same(photo, hole, mask_file, kind):
    grey = hole.astype(np.uint8) * 255
    mask = {
        "array": hole,
        "uint8": grey[..., None],
        "01": hole.astype(np.int64),
        "float": hole.astype(np.float32),
        "pil": Image.fromarray(grey),
        "pil P": Image.fromarray(grey).convert("P"),
        "path": mask_file,
        "str": str(mask_file),
        "bytes": mask_file.read_bytes(),
    }[kind]
    expected = retouch.inpaint(photo, hole, model=FAST)
    assert np.array_equal(retouch.inpaint(photo, mask, model=FAST), expected)


def test_mask_options(photo, hole):
    expected = retouch.inpaint(photo, hole, model=FAST)
    assert np.array_equal(retouch.inpaint(photo, ~hole, model=FAST, invert_mask=True), expected)
    doubled = hole.repeat(2, axis=0).repeat(2, axis=1)
    with pytest.raises(RetouchError, match="--resize-mask"):
        retouch.inpaint(photo, doubled, model=FAST)
    assert np.array_equal(retouch.inpaint(photo, doubled, model=FAST, resize_mask=True), expected)


def test_dilate_grows_the_hole_by_that_much_and_no_more(photo, hole):
    changed = (retouch.inpaint(photo, hole, model=FAST, dilate=3) != photo).any(axis=2)
    reach = np.zeros_like(hole)
    reach[47:65, 37:59] = True
    reach[7:15, 5:43] = True
    assert changed[50:62, 37:40].any()
    assert not changed[~reach].any()


def test_a_path_is_written_beside_the_photo(photo, hole, photo_file, mask_file):
    result = retouch.fill(photo_file, mask_file, model=FAST)
    assert result.image == photo_file.with_name("photo-filled.png")
    written = np.asarray(Image.open(result.image))
    assert np.array_equal(written, retouch.inpaint(photo, hole, model=FAST))
    with pytest.raises(RetouchError, match="overwrite"):
        retouch.fill(photo_file, mask_file, model=FAST)
    assert retouch.inpaint(str(photo_file), hole, model=FAST, overwrite=True) == result.image


def test_output_is_checked_before_the_work(photo_file, mask_file, tmp_path, monkeypatch):
    monkeypatch.setattr("retouch.engine.window_fill.fill_crop", lambda *_, **__: pytest.fail("too far"))
    for target in ("no-such-folder/out.png", "out.xyz", "photo.png"):
        with pytest.raises(RetouchError):
            retouch.fill(photo_file, mask_file, output=tmp_path / target)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["mask.png", "photo.png"]


def test_output_is_for_paths_only(photo, hole, tmp_path):
    with pytest.raises(RetouchError, match="output="):
        retouch.fill(photo, hole, output=tmp_path / "out.png")


def test_no_mask_is_replaced(photo_file, mask_file, tmp_path, monkeypatch):
    """Only the photo may be, when told; and no record takes the place of what is read."""
    monkeypatch.chdir(tmp_path)
    before, photo = mask_file.read_bytes(), photo_file.read_bytes()
    (tmp_path / "link.png").symlink_to(mask_file)
    for target in ("mask.png", "link.png"):
        with pytest.raises(RetouchError, match=f"{target} is the mask, and would be replaced"):
            retouch.inpaint(photo_file, "mask.png", model=FAST, output=target, overwrite=True)
    for more, what in (({"avoid": "link.png"}, "avoid mask"), ({"references": [mask_file]}, "reference 1")):
        with pytest.raises(RetouchError, match=f"is the {what}, and would be replaced"):
            retouch.fill(photo_file, np.zeros((96, 128), bool), output=mask_file, overwrite=True, **more)
    kept = photo_file.rename(tmp_path / "odd.json")
    with pytest.raises(RetouchError, match=r"odd\.json is the photo, and would be replaced"):
        retouch.fill(kept, mask_file, model=FAST, output="odd.png", record=True, overwrite=True)
    assert (mask_file.read_bytes(), kept.read_bytes()) == (before, photo)


def test_bytes_and_photos_come_back_as_such(photo, hole, photo_file):
    expected = retouch.inpaint(photo, hole, model=FAST)
    content = retouch.inpaint(photo_file.read_bytes(), hole, model=FAST)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(content))), expected)
    filled = retouch.inpaint(photo_from_array(photo), hole, model=FAST)
    assert np.array_equal(filled.pixels, expected)


@pytest.mark.parametrize("kind", ["array", "float", "pil", "path", "bytes"])
def test_an_empty_mask_changes_nothing(photo, photo_file, kind):
    nothing = np.zeros(photo.shape[:2], bool)
    image = {
        "array": photo,
        "float": photo / 255,
        "pil": Image.fromarray(photo),
        "path": photo_file,
        "bytes": photo_file.read_bytes(),
    }[kind]
    result = retouch.fill(image, nothing)
    assert not result.changed
    if kind == "path":
        assert result.image.read_bytes() == photo_file.read_bytes()
    elif kind == "bytes":
        assert result.image == image
    else:
        assert np.array_equal(np.asarray(result.image), np.asarray(image))


def test_an_empty_mask_still_converts_to_the_format_asked_for(photo, photo_file, tmp_path):
    nothing = np.zeros(photo.shape[:2], bool)
    retouch.fill(photo_file, nothing, output=tmp_path / "out.tif")
    with Image.open(tmp_path / "out.tif") as written:
        assert written.format == "TIFF"
        assert np.array_equal(np.asarray(written), photo)


def test_the_result_says_what_it_was_made_from(photo, hole):
    seen = []
    result = retouch.fill(photo, hole, model="exemplar", on_progress=seen.append)
    assert result.changed
    assert result.correspondence.shape == (96, 128, 2)
    assert result.correspondence.dtype == np.int32
    assert (result.correspondence[~hole] == -1).all()
    rows, columns = result.correspondence[hole].T
    copied = rows >= 0
    assert not hole[rows[copied], columns[copied]].any()
    # The scratch is two pixels wide, and no patches are needed for it.
    assert result.filled_by == {"exemplar": copied.sum(), "smooth": 2 * 32}
    assert copied.sum() == 12 * 16
    places, wheel = result.draw_sources(), result.draw_sources("wheel")
    assert places.shape == wheel.shape == (96, 128, 3)
    assert not np.array_equal(places, wheel)
    with pytest.raises(RetouchError, match="places or wheel, not 'arrows'"):
        result.draw_sources("arrows")
    if result.confidence is not None:
        assert result.confidence.dtype == np.float32
        assert (result.confidence[~hole] == 1).all()
    assert all(seconds >= 0 for seconds in result.timings.values())
    assert result.timings
    assert all(isinstance(each, Progress) and 0 <= each.done <= each.total for each in seen)
    assert seen


def test_each_level_says_what_it_borrowed(photo, hole, pyramid_file):
    result = retouch.fill(photo, hole, model=pyramid_file)
    *coarser, finest = result.levels
    assert len(coarser) == 4
    assert finest is result
    for each, cell in ((coarser[2], 16), (coarser[3], 8), (finest, 4)):
        place = np.argwhere(hole)
        # Patches of a cell are borrowed whole: what lies where in it stays so.
        assert np.array_equal(each.correspondence[hole] % cell, place % cell)
        assert each.image is result.image
    assert retouch.fill(photo, hole, model=FAST).levels[0].correspondence is None


def test_a_model_that_borrows_nothing_says_none(photo, hole):
    result = retouch.fill(photo, hole, model=FAST)
    assert result.confidence is None
    assert result.correspondence is None
    assert result.draw_sources().shape == photo.shape


@pytest.mark.parametrize("seed", ["a", 1.5, None])
def test_a_seed_is_a_whole_number(photo, hole, seed):
    with pytest.raises(RetouchError, match="whole number"):
        retouch.inpaint(photo, hole, seed=seed)


def test_the_same_seed_gives_the_same_fill(photo, hole):
    assert np.array_equal(retouch.inpaint(photo, hole, seed=7), retouch.inpaint(photo, hole, seed=7))


def test_load_gives_the_contract_itself():
    image = torch.rand(1, 3, 40, 40, generator=torch.Generator().manual_seed(0))
    mask = torch.zeros(1, 1, 40, 40)
    mask[..., 15:25, 15:25] = 1
    filled = retouch.load(FAST)(image, mask)
    assert torch.equal(filled.image[(mask == 0).expand_as(image)], image[(mask == 0).expand_as(image)])


def test_a_loaded_model_can_be_used_again(photo, hole):
    model = retouch.load(FAST)
    assert isinstance(model, Model)
    assert np.array_equal(retouch.inpaint(photo, hole, model=model), retouch.inpaint(photo, hole, model=FAST))
    with pytest.raises(RetouchError, match=r"retouch\.load"):
        retouch.fill(photo, hole, model=model, device="cpu")


def test_auto_is_a_model_of_the_list():
    assert retouch.load("auto").name in [card.name for card in retouch.list_models()]
    assert [retouch.load(card.name).name for card in retouch.list_models()] == [
        card.name for card in retouch.list_models()
    ]


@pytest.mark.parametrize("device", ["quantum", "cuda:999", "meta!"])
def test_devices_that_are_not_there(device):
    with pytest.raises(RetouchError, match="no device"):
        retouch.load(device=device)


def test_models_that_are_not_there():
    with pytest.raises(RetouchError, match=r"'lama'.*exemplar.*telea"):
        retouch.load("lama")


@pytest.mark.parametrize(
    ("image", "match"),
    [
        (np.zeros((8, 8), bool), "bool"),
        (np.zeros((8, 8), np.int32), "int32"),
        (np.zeros((8, 8), np.float16), "float16"),
        (np.zeros((8, 8, 5), np.uint8), "5"),
        (np.zeros((0, 8), np.uint8), "empty"),
        (np.full((8, 8), np.inf), "finite"),
        (Image.new("CMYK", (8, 8)), "CMYK"),
        (Image.new("F", (8, 8)), "mode F"),
        (torch.zeros(1, 3, 8, 8), "tensor"),
        ([[1, 2], [3, 4]], "list"),
        (None, "NoneType"),
    ],
)
def test_pictures_that_are_refused(image, match):
    mask = np.zeros((8, 8), bool)
    mask[2, 2] = True
    with pytest.raises(RetouchError, match=match):
        retouch.inpaint(image, mask, model=FAST)


def test_masks_that_are_refused(photo, hole):
    for mask, match in [
        (torch.zeros(96, 128), "Tensor"),
        (np.ones_like(hole), "whole"),
        (hole[:50], "128"),
        (None, "transparent"),
    ]:
        with pytest.raises(RetouchError, match=match):
            retouch.inpaint(photo, mask, model=FAST)
    with pytest.raises(RetouchError, match="0 or more"):
        retouch.inpaint(photo, hole, model=FAST, dilate=-1)


def test_the_arguments_are_written_once():
    declared = inspect.signature(retouch.fill).parameters
    assert {
        name: each.default for name, each in declared.items() if name not in ("image", "mask")
    } == DEFAULTS
    assert DEFAULTS.keys() == FillArguments.__annotations__.keys()
    documents = InpaintArguments.__doc__ + FillArguments.__doc__
    documented = re.findall(r"^        (\w+): ", documents, re.MULTILINE)
    assert set(documented) == DEFAULTS.keys()
    with pytest.raises(TypeError, match=r"no argument 'sed'.*seed"):
        retouch.fill(np.zeros((8, 8), np.uint8), np.zeros((8, 8), bool), sed=1)


def test_a_photo_can_be_the_mask(photo, hole):
    expected = retouch.inpaint(photo, hole, model=FAST)
    mask = photo_from_array(hole.astype(np.uint8) * 255)
    assert np.array_equal(retouch.inpaint(photo, mask, model=FAST), expected)
    strokes = photo_from_array(np.dstack([photo, hole.astype(np.uint8) * 255]))
    assert np.array_equal(retouch.inpaint(photo, strokes, model=FAST), expected)


def test_inpaint_takes_what_fill_takes():
    fill, inpaint = (inspect.signature(each).parameters for each in (retouch.fill, retouch.inpaint))
    # Who gets the picture alone has no use for a trace.
    assert [each for each in fill.values() if each.name != "trace"] == list(inpaint.values())


def test_every_option_of_inpaint_reaches_fill(monkeypatch):
    seen = {}
    monkeypatch.setattr(
        inpainting,
        "_fill",
        lambda image, mask, arguments: seen.update(arguments) or retouch.Result(1, True, None),
    )
    given = {name: object() for name in list(inspect.signature(retouch.inpaint).parameters)[2:]}
    given |= {"seed": 1, "dilate": 2, "close": 3, "working_size": 4}  # whole numbers are checked at the door
    assert retouch.inpaint(object(), object(), **given) == 1
    assert seen == {**given, "trace": False}


def test_importing_retouch_imports_nothing_slow():
    code = (
        "import sys, retouch, retouch.cli\n"
        "slow = {'torch', 'safetensors', 'cv2', 'pyvips', 'numpy'} & set(sys.modules)\n"
        "assert not slow, slow"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_list_of_models_does_not_hide_the_package():
    assert import_module("retouch.models.opencv") is retouch.models.opencv
    assert retouch.list_models() == [card for card in CARDS if card.ready]


def test_the_examples_in_the_docstrings():
    assert doctest.testmod(inpainting).failed == 0
    assert doctest.testmod(inpainting).attempted > 0


def test_confidence_of_a_model_that_has_none(photo, hole):
    plain = retouch.fill(photo, hole, model="telea")
    judged = retouch.fill(photo, hole, model="telea", confidence=True)
    assert plain.confidence is None
    assert np.array_equal(plain.image, judged.image)
    assert judged.confidence.shape == hole.shape
    assert (judged.confidence[~hole] == 1).all()
    assert 0 < judged.confidence[hole].min() < judged.confidence[hole].max() < 1


def test_only_a_photo_is_filled_in_place(photo, hole):
    before = photo.copy()
    with pytest.raises(retouch.RetouchError, match=r"for a retouch\.imaging\.Photo"):
        retouch.fill(photo, hole, model="telea", in_place=True)
    assert np.array_equal(photo, before)
    own = photo_from_array(photo.copy())
    filled = retouch.fill(own, hole, model="telea", in_place=True)
    assert filled.image.pixels is own.pixels
    assert np.array_equal(own.pixels, retouch.inpaint(photo, hole, model="telea"))

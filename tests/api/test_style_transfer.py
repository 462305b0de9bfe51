import inspect

import numpy as np
import pytest
import torch
from PIL import Image

import retouch
from retouch import RetouchError
from retouch.api.style_transfer import stylize
from retouch.imaging import photo_from_array
from retouch.models.infer_match_translate.model import InferMatchTranslate
from retouch.models.infer_match_translate.network import InferMatchTranslateNetwork


@pytest.fixture(scope="module")
def model() -> InferMatchTranslate:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return InferMatchTranslate(InferMatchTranslateNetwork(0.03))


@pytest.fixture
def style(photo) -> np.ndarray:
    """Another picture, 32×40×3 uint8."""
    return photo[60:, 40:80][:32, ::-1, ::-1].copy()


def _as(photo: np.ndarray, channels: int | None, dtype: str) -> np.ndarray:
    array = photo[..., 0] if channels is None else photo[..., :channels]
    if channels == 4:
        array = np.dstack([photo, np.arange(photo[..., 0].size).reshape(photo.shape[:2]).astype(np.uint8)])
    if dtype == "uint16":
        return array.astype(np.uint16) * 257
    return array if dtype == "uint8" else (array / 255 * 0.987654321).astype(dtype)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "float64"])
@pytest.mark.parametrize("channels", [None, 1, 3, 4])
def test_arrays_come_back_as_they_went_in(photo, style, model, channels, dtype):
    image = _as(photo, channels, dtype)
    before, other = image.copy(), style.copy()
    made = stylize(image, style, model=model)
    assert type(made) is np.ndarray
    assert (made.shape, made.dtype) == (image.shape, image.dtype)
    assert np.array_equal(image, before)
    assert np.array_equal(style, other)
    assert not np.shares_memory(made, image)
    colours = slice(None) if channels is None else slice(min(3, channels))
    assert (made[..., colours] != image[..., colours]).mean() > 0.9
    if channels == 4:
        assert np.array_equal(made[..., 3], image[..., 3])


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "P", "I;16"])
def test_pil_images_come_back(photo, style, model, mode):
    if mode == "I;16":
        image = Image.fromarray(photo[..., 0].astype(np.uint16) * 257)
    else:
        image = Image.fromarray(photo).convert(mode)
    made = stylize(image, Image.fromarray(style), model=model)
    assert isinstance(made, Image.Image)
    assert (made.size, made.mode) == (image.size, "RGB" if mode == "P" else mode)


def test_all_kinds_agree(photo, photo_file, style, model, tmp_path):
    expected = stylize(photo, style, model=model)
    style_file = tmp_path / "style.png"
    Image.fromarray(style).save(style_file)
    assert np.array_equal(
        stylize(photo_from_array(photo), photo_from_array(style), model=model).pixels, expected
    )
    assert Image.open(stylize(photo_file, str(style_file), model=model)).size == (128, 96)
    assert np.array_equal(np.asarray(Image.open(tmp_path / "photo-stylized.png")), expected)
    content = stylize(photo_file.read_bytes(), style_file.read_bytes(), model=model)
    (tmp_path / "from-bytes.png").write_bytes(content)
    assert np.array_equal(np.asarray(Image.open(tmp_path / "from-bytes.png")), expected)


def test_strength_0_is_the_photo_byte_for_byte(photo, style, model, tmp_path):
    file, target = tmp_path / "photo.jpg", tmp_path / "out.jpg"
    Image.fromarray(photo).save(file, quality=30)
    assert stylize(file, style, strength=0, model=model, output=target) == target
    assert target.read_bytes() == file.read_bytes()
    made = stylize(photo, style, strength=0, model=model)
    assert np.array_equal(made, photo)
    assert not np.shares_memory(made, photo)


def test_a_file_keeps_its_profile_and_says_what_it_said(photo, style, model, tmp_path):
    profile = b"no profile at all"
    Image.fromarray(photo).save(tmp_path / "photo.png", icc_profile=profile, dpi=(300, 300))
    out = Image.open(stylize(tmp_path / "photo.png", style, model=model))
    assert out.info["icc_profile"] == profile
    assert out.info["dpi"] == pytest.approx((300, 300), abs=0.1)


def test_options_change_what_is_made(photo, style, model):
    plain = stylize(photo, style, model=model)
    assert np.array_equal(plain, stylize(photo, style, model=model, seed=4))  # small: nothing is random
    assert (stylize(photo, style, model=model, patch=5) != plain).any()
    assert (stylize(photo, style, model=model, strength=0.5) != plain).any()


def test_progress_is_told(photo, style, model):
    heard = []
    stylize(photo, style, model=model, on_progress=heard.append)
    assert [(each.stage, each.done, each.total) for each in heard] == [("stylize", 1, 2), ("stylize", 2, 2)]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"strength": -0.1}, "between 0 and 1, not -0.1"),
        ({"strength": 1.5}, "between 0 and 1"),
        ({"strength": float("nan")}, "between 0 and 1"),
        ({"patch": 2}, "odd, from 1 to 9, not 2"),
        ({"patch": 11}, "odd"),
        ({"patch": -1}, "odd"),
        ({"model": "exemplar"}, "The model exemplar cannot transfer a style"),
        ({"model": "lama"}, "no model called 'lama'"),
        ({"model": "gone.safetensors"}, "gone.safetensors"),
        ({"device": "cpu"}, "give device= to retouch.load"),
        ({"output": "out.png"}, "output= is for a picture given as a path"),
    ],
)
def test_mistakes_are_said_before_the_work(photo, style, model, options, says):
    with pytest.raises(RetouchError, match=says):
        stylize(photo, style, **{"model": model, **options})


def test_pictures_that_cannot_be(photo, style, model):
    with pytest.raises(RetouchError, match="float picture"):
        stylize(np.full((8, 8), np.nan, np.float32), style, model=model)
    with pytest.raises(RetouchError, match="float picture"):
        stylize(photo, np.full((8, 8), 2.0), model=model)
    with pytest.raises(RetouchError, match="int32"):
        stylize(photo, style.astype(np.int32), model=model)
    with pytest.raises(RetouchError, match="opaque"):
        stylize(photo, np.dstack([style, np.zeros(style.shape[:2], np.uint8)]), model=model)


def test_nothing_is_overwritten_unless_told(photo, style, model, photo_file, monkeypatch):
    there = photo_file.with_name("photo-stylized.png")
    there.write_bytes(b"mine")
    with monkeypatch.context() as patched:
        patched.setattr(
            "retouch.style.pipeline.stylize_photo",
            lambda *_, **__: pytest.fail("the work has started"),
        )
        with pytest.raises(RetouchError, match="exists already"):
            stylize(photo_file, style, model=model)
    assert there.read_bytes() == b"mine"
    stylize(photo_file, style, model=model, overwrite=True)
    assert np.array_equal(np.asarray(Image.open(there)), stylize(photo, style, model=model))


def test_the_style_is_never_replaced(model, photo_file):
    style_file = photo_file.with_name("style.png")
    style_file.write_bytes(photo_file.read_bytes())
    with pytest.raises(RetouchError, match="is the style, and would be replaced"):
        stylize(photo_file, style_file, model=model, output=style_file, overwrite=True, strength=0)


@pytest.mark.parametrize("strength", [True, "0.5", float("nan"), None])
def test_a_strength_is_a_number(strength, photo, style, model):
    with pytest.raises(RetouchError, match="The strength must be a number between 0 and 1"):
        stylize(photo, style, model=model, strength=strength)


def test_a_stop_writes_nothing(photo_file, style, model):
    before = sorted(photo_file.parent.iterdir())

    def interrupt(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stylize(photo_file, style, model=model, on_progress=interrupt)
    assert sorted(photo_file.parent.iterdir()) == before


def test_it_is_a_public_name():
    assert retouch.stylize is stylize
    assert "stylize" in retouch.__all__
    fill = inspect.signature(retouch.fill).parameters
    shared = {name: each for name, each in inspect.signature(stylize).parameters.items() if name in fill}
    assert {"device", "seed", "on_progress", "output", "overwrite", "allow_huge"} <= set(shared)
    assert all(each.default == fill[name].default for name, each in shared.items() if name != "model")

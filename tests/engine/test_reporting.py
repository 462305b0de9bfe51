"""Progress of a photo: previews of its windows, and stopping."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from tests.engine.fakes import Constant, Nearest

import retouch
from retouch.confidence.around import with_confidence
from retouch.contract import Progress, Stop
from retouch.engine.filled import confidence_map
from retouch.engine.pipeline import fill_photo
from retouch.errors import RetouchError
from retouch.imaging import from_srgb, photo_from_array, to_srgb
from retouch.models.opencv import NavierStokes, Telea

NAMES = [card.name for card in retouch.list_models()]


def noise(height, width):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def holes(height, width, *boxes):
    mask = np.zeros((height, width), dtype=bool)
    for rows, columns in boxes:
        mask[rows, columns] = True
    return mask


class Improving(Constant):
    """Shows what it has after each of its steps, at half the resolution."""

    def __init__(self):
        super().__init__(0.25)
        self.rendered = []

    def infer(self, image, mask, allowed, *, seed, on_progress):
        for step in range(1, 4):

            def render(step=step):
                self.rendered.append(step)
                return torch.full((1, 3, image.shape[2] // 2, image.shape[3] // 2), step / 10)

            on_progress(Progress("improve", step, 3, image=render))
        return super().infer(image, mask, allowed, seed=seed, on_progress=on_progress)


@pytest.mark.parametrize("working_size", [512, 80])
@pytest.mark.parametrize("model", [Nearest(), Constant(0.3), Telea()], ids=lambda model: model.name)
def test_previews_end_with_the_result(model, working_size):
    mask = holes(160, 700, (slice(20, 30), slice(10, 20)), (slice(30, 120), slice(540, 640)))
    photo, last = photo_from_array(noise(160, 700)), {}

    def listen(progress):
        if progress.preview is not None:
            picture = progress.preview()
            known = ~mask[progress.place]
            assert picture.shape == (*known.shape, 3)
            assert picture.dtype == np.float32
            assert np.array_equal(picture[known], to_srgb(photo, *progress.place)[known])
            if progress.stage == "blend":
                last[progress.place[1].start] = progress.place, picture

    result = fill_photo(photo, mask, model, working_size=working_size, on_progress=listen).photo
    assert len(last) == 2
    for place, picture in last.values():
        assert np.array_equal(from_srgb(photo, picture), result.pixels[place])


def test_a_window_shows_its_own_holes_alone():
    # The two holes are too far apart for one window, yet each window shows both.
    mask = holes(200, 400, (slice(90, 100), slice(100, 110)), (slice(90, 110), slice(160, 180)))
    photo, seen = photo_from_array(noise(200, 400)), []

    def listen(progress):
        if progress.stage == "blend":
            whole = to_srgb(photo, slice(None), slice(None))
            changed = np.zeros_like(mask)
            changed[progress.place] = (progress.preview() != whole[progress.place]).any(axis=2)
            seen.append(changed)

    fill_photo(photo, mask, Constant(0.3), working_size=160, on_progress=listen)
    first, second = seen
    assert np.array_equal(first, holes(200, 400, (slice(90, 100), slice(100, 110))))
    # By then the photo holds the first fill, where the second window shows it.
    assert np.array_equal(second[:, 130:], mask[:, 130:])


@pytest.mark.parametrize("working_size", [512, 50])
def test_a_model_shows_its_steps(working_size):
    mask, model, shown = holes(90, 100, (slice(30, 60), slice(40, 70))), Improving(), []
    photo = photo_from_array(noise(90, 100))

    def listen(progress):
        if progress.stage == "fill" and progress.detail == "improve":
            assert progress.image is None
            picture = progress.preview()
            assert np.array_equal(picture[~mask], to_srgb(photo, slice(None), slice(None))[~mask])
            shown.append(float(picture[mask].mean()))
            assert picture[mask] == pytest.approx(shown[-1], abs=1e-5)

    fill_photo(photo, mask, model, working_size=working_size, on_progress=listen)
    assert shown == pytest.approx([0.1, 0.2, 0.3])


def test_what_nobody_looks_at_is_not_rendered():
    model = Improving()
    mask, told = holes(90, 100, (slice(30, 60), slice(40, 70))), []
    fill_photo(photo_from_array(noise(90, 100)), mask, model, on_progress=told.append)
    assert model.rendered == []
    assert sum(each.preview is not None for each in told) == 5  # three steps, filled, blended
    assert told[0].preview is None, "before anything was done"


def load(name):
    options = {"scales": 1, "iterations": 1} if name == "neural-patch" else {}
    return retouch.load(name, device="cpu", options=options)


@pytest.mark.parametrize("name", NAMES)
def test_stopping_at_once_completes_the_photo_or_says_that_nothing_was_filled(name):
    photo, mask = photo_from_array(noise(48, 48)), holes(48, 48, (slice(18, 30), slice(20, 31)))
    before = photo.pixels.copy()

    def stop(progress):
        raise Stop

    def fill():
        return fill_photo(photo, mask, load(name), in_place=True, on_progress=stop).photo.pixels

    if name == "neural-patch":  # it improves step by step
        assert not np.array_equal(fill()[mask], before[mask])
    else:
        with pytest.raises(RetouchError, match="stopped before it was done"):
            fill()
        assert np.array_equal(photo.pixels, before)
    assert np.array_equal(photo.pixels[~mask], before[~mask])


@pytest.mark.parametrize("name", NAMES)
def test_what_is_done_when_the_stop_comes_is_kept(name):
    photo, mask = photo_from_array(noise(48, 48)), holes(48, 48, (slice(18, 30), slice(20, 31)))

    def stop(progress):
        if progress.stage == "fill" and progress.done == progress.total:
            raise Stop

    stopped, whole = (
        fill_photo(photo, mask, load(name), on_progress=each).photo.pixels for each in (stop, None)
    )
    assert np.array_equal(stopped, whole)


@pytest.mark.parametrize("model", [Nearest(), Telea()], ids=lambda model: model.name)
def test_a_stop_between_two_windows_ends_the_work(model):
    mask = holes(60, 700, (slice(20, 30), slice(10, 20)), (slice(20, 45), slice(600, 640)))
    photo, told = photo_from_array(noise(60, 700)), []

    def listen(progress):
        told.append(progress)
        if progress.stage == "blend":
            raise Stop

    with pytest.raises(Stop):
        fill_photo(photo, mask, model, on_progress=listen)
    assert (told[-1].stage, told[-1].done, told[-1].total) == ("blend", 1, 2), "nothing is told afterwards"


@pytest.mark.parametrize("model", [Constant(0.5), with_confidence(Constant(0.5)), Nearest()])
def test_without_a_hole_everything_is_known(model):
    fill = fill_photo(photo_from_array(noise(10, 12)), np.zeros((10, 12), dtype=bool), model)
    confidence = confidence_map(fill)
    assert confidence.dtype == np.float32
    assert np.array_equal(confidence, np.ones((10, 12)))


@pytest.mark.parametrize("model", [Telea, NavierStokes])
def test_opencv_fills_a_photo_without_torch(model):
    code = f"""
import sys
sys.modules["torch"] = None  # importing it is an error
import numpy as np
from retouch.engine.pipeline import fill_photo
from retouch.imaging import photo_from_array
from retouch.models.opencv import {model.__name__}

pixels = np.full((300, 900, 3), 90, np.uint8)
mask = np.zeros((300, 900), bool)
mask[100:140, 200:230], mask[5:9, 800:820] = True, True
pixels[mask] = 255
allowed = np.ones_like(mask)
allowed[:, 300:500] = False
photo, told = photo_from_array(pixels), []
fill = fill_photo(photo, mask, {model.__name__}(), allowed=allowed, on_progress=told.append)
assert len(fill.regions) == 2
assert abs(fill.photo.pixels.astype(int) - 90).max() <= 4
assert told[-1].preview().max() < 0.5
"""
    subprocess.run([sys.executable, "-c", code], check=True)

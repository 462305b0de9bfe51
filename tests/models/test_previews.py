"""Models that work step by step show each step, at the size of the photo, to whoever asks."""

import numpy as np
import pytest
import torch
from tests.models.exemplar_samples import HERE, hole
from tests.models.neural_patch_samples import Plain, noise, square, stripes, tiny

import retouch
from retouch.contract import Progress
from retouch.models.neural_patch.model import NeuralPatch, NeuralPatchOptions
from retouch.models.neural_patch.report import Report

COHERENT = NeuralPatchOptions(scales=2, iterations=(3, 4), channels=0)
NEAREST = NeuralPatchOptions(matching="nearest", scales=2, iterations=(3, 4), channels=0)


class Small(HERE):
    """A content that is filled at half the resolution."""

    working_size = 48


def photo() -> np.ndarray:
    """``70×90×3`` uint8: bands that a fill with known patches continues exactly."""
    return (stripes(90)[0, :, :70].permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)


def mask() -> np.ndarray:
    return hole(70, 90, slice(24, 48), slice(30, 60))[0, 0].numpy() > 0


def listen(model):
    """Fill, and ask for every picture; returns the fill and each picture's stage and hole."""
    seen = []

    def ask(progress):
        if progress.preview is None:
            return
        picture, (rows, columns) = progress.preview(), progress.place
        known = ~mask()[rows, columns]
        assert picture.shape == (*known.shape, 3)
        assert picture.min() >= 0
        assert picture.max() <= 1
        assert np.array_equal(picture[known], (photo()[rows, columns] / np.float32(255))[known])
        if progress.stage == "fill" and progress.done < progress.total:
            seen.append((progress.detail, picture[~known]))

    return retouch.fill(photo(), mask(), model=model, on_progress=ask).image, seen


def test_exemplar_shows_its_steps():
    filled, seen = listen(HERE())
    assert len(seen) > 6
    assert not np.array_equal(seen[0][1], seen[-1][1])
    assert np.abs(seen[-1][1] * 255 - filled[mask()]).mean() < 1


@pytest.mark.parametrize("options", [COHERENT, NEAREST], ids=lambda each: each.matching)
@pytest.mark.parametrize("content", [HERE(), Small()], ids=["whole", "small"])
def test_neural_patch_shows_the_content_and_its_own_steps(content, options):
    filled, seen = listen(NeuralPatch(content, tiny(), options))
    stages = {stage.split()[0] for stage, _ in seen}
    assert stages == {"content", "optimise"} | ({"paint"} if options is COHERENT else set())
    assert all(np.isfinite(picture).all() for _, picture in seen)
    assert np.abs(seen[-1][1] * 255 - filled[mask()]).mean() < 12


@pytest.mark.parametrize(
    "model", [HERE(), NeuralPatch(Plain(), tiny(), COHERENT)], ids=lambda model: model.name
)
def test_a_picture_shows_the_step_it_came_with(model):
    """What is painted afterwards does not reach into it."""
    early, late = [], []

    def keep(progress):
        if progress.image is not None:
            early.append(progress.image().clone())
            late.append(progress.image)

    fill = model(noise(1, 3, 66, 75), hole(66, 75, slice(24, 40), slice(20, 44)), on_progress=keep)
    assert len(early) > 6
    assert {each.shape for each in early} == {(1, 3, 66, 75)}
    assert all(torch.equal(picture, render()) for picture, render in zip(early, late, strict=True))
    inside = (slice(None), slice(None), slice(24, 40), slice(20, 44))
    if model.name == "exemplar":
        # Of the round before, and not assembled yet; two pictures of noise differ by 0.33.
        assert float((early[-1][inside] - fill.image[inside]).abs().mean()) < 0.25


def test_what_nobody_asks_for_is_not_computed():
    told: list[Progress] = []
    report = Report(told.append, 2, (64, 64))
    report.begin("32×32", 2, 2)

    def render():
        raise AssertionError("nobody asked")

    report.content(Progress("fill", 1, 2, preview=render))
    report.step("paint", render)
    assert [each.image is None for each in told] == [False, False]
    with pytest.raises(AssertionError, match="nobody asked"):
        told[1].image()


def test_a_coarse_step_lies_where_the_photo_does():
    told: list[Progress] = []
    report = Report(told.append, 1, (60, 50))
    report.begin("32×32", 1, 2)
    report.step("paint", lambda: square(32, 8, 16).expand(1, 3, -1, -1))
    shown = told[0].image()
    assert shown.shape == (1, 3, 60, 50)
    torch.testing.assert_close((shown > 0.5).float(), square(64, 16, 32)[..., :60, :50].expand(1, 3, -1, -1))

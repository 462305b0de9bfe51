"""A refined fill replaces its content only where that does not add visible seams."""

from dataclasses import replace

import pytest
import torch
from tests.models.exemplar_samples import HERE
from tests.models.neural_patch_samples import Plain, noise, square, tiny

from retouch.contract import Fill, Model
from retouch.models.neural_patch.correspondence import BatchCorrespondence, MixedCorrespondence
from retouch.models.neural_patch.judge import better_fill, keep_content
from retouch.models.neural_patch.model import NeuralPatch, open_with
from retouch.models.neural_patch.options import NeuralPatchOptions

SIDE = 96
HOLE = square(SIDE, 32, 64)
CLEAN, BROKEN = (16, 0), (7, 11)  # sides and throws of the blocks of a jigsaw; 0 = the pieces fit


class Taken:
    """A correspondence that takes each pixel of the hole from a given place."""

    def __init__(self, sources):
        self.sources = sources

    def source_map(self):
        return self.sources

    def transfer(self, values, scale=1):
        # Only whole copies of pixels are needed here.
        assert scale == 1
        return take(values, self.sources)


def take(values, sources):
    row, column = sources[0].clamp_min(0)
    return torch.where(sources[:, :1] < 0, values, values[:, :, row, column])


def ramp():
    """A blurred background: two slow waves."""
    row, column = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
    grey = 0.5 + 0.25 * torch.sin(row / 17) + 0.2 * torch.sin(column / 13)
    return grey.expand(1, 3, SIDE, SIDE).contiguous()


def painted(image, mask, block, throw):
    """Fill the hole with pieces of what lies left of it; each is thrown up or down by ``throw``."""
    row, column = (torch.arange(each) for each in image.shape[2:])
    row, column = torch.meshgrid(row, column, indexing="ij")
    odd = (row // block + column // block) % 2
    sources = torch.stack([row + throw * (2 * odd - 1), column - 32])[None]
    sources = torch.where(mask > 0, sources, -1)
    return Fill(take(image, sources), None, Taken(sources))


def test_in_front_of_a_blurred_background_a_jigsaw_loses():
    image = ramp()
    clean, broken = (painted(image, HOLE, *each) for each in (CLEAN, BROKEN))
    assert torch.equal(keep_content(HOLE, clean, broken), HOLE > 0)
    assert not keep_content(HOLE, broken, clean).any()
    chosen = better_fill(HOLE, clean, broken)
    assert torch.equal(chosen.image, clean.image)
    assert torch.equal(chosen.correspondence.source_map(), clean.correspondence.source_map())


def test_texture_hides_the_same_seams():
    image = noise(1, 3, SIDE, SIDE)
    clean, broken = (painted(image, HOLE, *each) for each in (CLEAN, BROKEN))
    assert better_fill(HOLE, clean, broken) is broken


def test_a_faint_seam_is_none():
    """However smooth the surroundings are, a step of 1 in 255 cannot be seen."""
    image = torch.full((1, 3, SIDE, SIDE), 0.5)
    clean, broken = (painted(image, HOLE, *each) for each in (CLEAN, BROKEN))
    step = (noise(1, 1, SIDE, SIDE) < 0.5) / 255
    for size, kept in ((1, False), (9, True)):
        seen = replace(broken, image=torch.where(HOLE > 0, broken.image + size * step, image))
        assert bool(keep_content(HOLE, clean, seen).any()) is kept


def test_a_content_that_is_not_made_of_known_patches_is_refined():
    """A smear has no seams, whatever it says of its sources."""
    image = ramp()
    clean, broken = (painted(image, HOLE, *each) for each in (CLEAN, BROKEN))
    smear = torch.where(HOLE > 0, image.mean((2, 3), keepdim=True), image)
    assert better_fill(HOLE, Fill(smear, None, clean.correspondence), broken) is broken
    assert better_fill(HOLE, Fill(smear), broken) is broken
    assert better_fill(HOLE, clean, replace(broken, correspondence=None)).correspondence is None
    nowhere = Taken(torch.where(HOLE > 0, -1, clean.correspondence.source_map()))
    assert better_fill(HOLE, replace(clean, correspondence=nowhere), broken) is broken


def test_alike_fills_stay_as_they_are():
    fill = painted(ramp(), HOLE, *BROKEN)
    assert better_fill(HOLE, fill, fill) is fill


def test_each_hole_is_judged_on_its_own():
    """The first hole lies in a blurred background, the second one in noise."""
    image = torch.cat([ramp(), ramp().flip(3), noise(1, 3, SIDE, 2 * SIDE)], 3)
    mask, first = (torch.zeros(1, 1, SIDE, 4 * SIDE) for _ in range(2))
    first[..., 40:60, 60:80] = 1
    mask[..., 40:60, 300:320] = 1
    mask += first
    clean, broken = (painted(image, mask, 7, each) for each in (0, 9))
    assert torch.equal(keep_content(mask, clean, broken), first > 0)
    chosen = better_fill(mask, clean, replace(broken, confidence=mask / 2))
    assert torch.equal(chosen.image, torch.where(first > 0, clean.image, broken.image))
    assert torch.equal(chosen.image, chosen.correspondence.transfer(image))
    assert torch.equal(chosen.confidence, mask / 2)


@pytest.mark.parametrize("gap", [1, 2])
def test_a_hole_with_little_around_it(gap):
    """Known pixels without known neighbours tell nothing; the refined fill stays."""
    image, mask = ramp(), torch.ones(1, 1, SIDE, SIDE)
    mask[..., ::gap, 0] = 0
    clean, broken = (Fill(image, None, Taken(torch.zeros(1, 2, SIDE, SIDE).long())) for _ in range(2))
    assert better_fill(mask, clean, broken) is broken


def test_mixed_and_joined_correspondences():
    image = noise(2, 3, SIDE, SIDE)
    one, other = (painted(image[:1], HOLE, *each).correspondence for each in (CLEAN, BROKEN))
    upper = (HOLE > 0) & (torch.arange(SIDE)[:, None] < 48)
    mixed = MixedCorrespondence(upper, one, other)
    joined = BatchCorrespondence([mixed, other])
    assert torch.equal(joined.source_map()[:1], torch.where(upper, one.source_map(), other.source_map()))
    assert torch.equal(joined.source_map()[1:], other.source_map())
    carried = joined.transfer(image)
    assert torch.equal(carried[:1], torch.where(upper, one.transfer(image[:1]), other.transfer(image[:1])))
    assert torch.equal(carried[1:], other.transfer(image[1:]))

    exemplar = HERE()(image[:1], HOLE).correspondence
    finer = noise(1, 3, 2 * SIDE, 2 * SIDE)
    carried = MixedCorrespondence(upper, exemplar, exemplar).transfer(finer, 2)
    assert torch.equal(carried, exemplar.transfer(finer, 2))


class Recorded(Model):
    """Gives a fill that was made before."""

    name = "recorded"

    def __init__(self, fill):
        self.fill = fill

    def infer(self, image, mask, allowed, *, seed, on_progress):
        return self.fill


@pytest.mark.parametrize("matching", ["coherent", "nearest"])
def test_the_model_keeps_the_content_and_its_sources(matching, monkeypatch):
    image = ramp()
    content = painted(image, HOLE, *CLEAN)
    options = NeuralPatchOptions(matching=matching, scales=2, iterations=(0, 2))
    monkeypatch.setattr("retouch.models.neural_patch.judge.LONGER", -1000.0)
    chosen = NeuralPatch(Recorded(content), tiny(), options)(image, HOLE)
    monkeypatch.setattr("retouch.models.neural_patch.judge.LONGER", 1000.0)
    refined = NeuralPatch(Recorded(content), tiny(), options)(image, HOLE)
    assert not torch.equal(refined.image, content.image)
    assert torch.equal(chosen.image[HOLE.expand_as(image) == 0], image[HOLE.expand_as(image) == 0])
    if matching == "coherent":
        assert torch.equal(chosen.image, content.image)
        assert torch.equal(chosen.correspondence.source_map(), content.correspondence.source_map())
    else:  # the paper's method has no sources
        assert torch.equal(chosen.image, refined.image)
        assert chosen.correspondence is None


def test_the_papers_preset_is_not_judged(monkeypatch):
    monkeypatch.setattr("retouch.models.neural_patch.judge.LONGER", -1000.0)
    content = painted(ramp(), HOLE, *CLEAN)
    model = open_with(Recorded(content), {"preset": "paper", "iterations": 2, "rotations": "", "sizes": ""})
    assert not torch.equal(model(ramp(), HOLE).image, content.image)


def test_items_of_a_batch_are_judged_each_on_its_own():
    image = torch.cat([ramp(), noise(1, 3, SIDE, SIDE)])
    mask = HOLE.repeat(2, 1, 1, 1)
    model = NeuralPatch(Plain(), tiny(), NeuralPatchOptions(scales=1, iterations=(0,)))
    fill = model(image, mask)
    assert fill.correspondence.transfer(image).shape == image.shape
    assert fill.confidence.shape == mask.shape

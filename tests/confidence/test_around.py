"""Any model with confidence and in passes: what the model inside is shown, and what becomes of its fills."""

import numpy as np
import pytest
import torch

import retouch
from retouch.confidence.around import ConfidenceAround, PassesOptions, open_with, with_confidence
from retouch.confidence.head import NAME, ConfidenceHead
from retouch.contract import Fill, Model, Progress, SizeRequirements, Stop
from retouch.errors import RetouchError
from retouch.weights import write_weights

torch.set_num_threads(1)


class Tone(Model):
    """Fills with a tone that is another in each call; without confidence, or with one that falls inwards."""

    name = "tone"
    size = SizeRequirements(multiple_of=8)
    working_size = 96

    def __init__(self, sure=None, stop_in=None):
        self.sure, self.stop_in, self.seen = sure, stop_in, []

    def infer(self, image, mask, allowed, *, seed, on_progress):
        self.seen.append((image.clone(), mask.clone(), allowed.clone(), seed))
        call = len(self.seen)
        on_progress(Progress("think", 1, 2))
        if call == self.stop_in:
            raise Stop
        on_progress(Progress("think", 2, 2))
        confidence = None if self.sure is None else self.sure(mask)
        return Fill(torch.full_like(image, call / 10), confidence)


class Judge(ConfidenceHead):
    """Is sure of dark fills alone, and notes what it was asked."""

    def __init__(self):
        super().__init__()
        self.asked = []

    def forward(self, image, mask):
        self.asked.append((image.clone(), mask.clone()))
        return torch.where(image[:, :1] < 0.15, 3.0, -3.0)


def border(mask):
    """Sure of the rows of the hole that touch known ones, above and below."""
    beside = torch.nn.functional.max_pool2d(1 - mask, (3, 1), 1, (1, 0)) * mask
    return torch.where(beside > 0, 0.9, 0.1)


def pair(height=40, width=37):
    image = torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(0))
    mask = torch.zeros(1, 1, height, width)
    mask[..., 10:15, 8:20] = 1
    return image, mask


def around(model, **options):
    return ConfidenceAround(model, Judge(), PassesOptions(**options))


def test_it_is_what_the_model_inside_is():
    model = around(Tone())
    assert (model.name, model.size, model.working_size) == ("tone", Tone.size, 96)
    assert model.device == torch.device("cpu")
    assert ConfidenceAround.__dict__.get("name") is None  # of one, not of all


def test_one_pass_only_adds_confidence():
    image, mask = pair()
    model = ConfidenceAround(Tone(), Judge())
    fill, plain = model(image, mask, seed=7), Tone()(image, mask)
    assert torch.equal(fill.image, plain.image)
    assert plain.confidence is None
    assert torch.allclose(fill.confidence[mask > 0], torch.tensor(3.0).sigmoid())
    assert bool((fill.confidence[mask == 0] == 1).all())
    ((asked, hole),) = model.head.asked
    assert torch.equal(asked[..., :40, :37], plain.image)
    assert torch.equal(hole[..., :40, :37], mask)
    assert [each[3] for each in model.model.seen] == [7]


def test_passes_go_inwards_and_borrow_nothing_from_each_other():
    image, mask = pair()
    allowed = torch.zeros_like(mask)
    allowed[..., :8, :] = 1
    model = around(Tone(border), passes=8)
    fill = model(image, mask, allowed=allowed)
    assert torch.allclose(fill.image[0, 0, 10:15, 10], torch.tensor([0.1, 0.2, 0.3, 0.2, 0.1]))
    assert torch.allclose(fill.confidence[0, 0, 10:15, 10], torch.tensor(0.9))
    assert not model.head.asked  # the model's own confidence is used
    for number, (shown, hole, usable, _) in enumerate(model.model.seen):
        assert hole[0, 0, :, 10].nonzero().flatten().tolist() == list(range(10 + number, 15 - number))
        assert torch.equal(usable[..., :40, :37], allowed)
        assert bool((shown[(hole > 0).expand_as(shown)] == 0.5).all())
    assert torch.allclose(model.model.seen[1][0][0, :, 10, 10], torch.tensor(0.1))


def test_the_head_judges_the_whole_hole_in_each_pass():
    image, mask = pair()
    model = around(Tone(), passes=3)
    model.model.seen.append(None)  # so that the first fill has 0.2, of which the judge is not sure
    fill = model(image, mask)
    assert len(model.head.asked) == 1  # nothing was trusted
    assert torch.allclose(fill.image[0, 0, 10:15, 10], torch.tensor(0.2))

    class Half(Judge):
        def forward(self, image, mask):
            super().forward(image, mask)
            upper = torch.arange(image.shape[2])[:, None] < 12
            return torch.where(upper, 3.0, -3.0).expand(1, 1, -1, image.shape[3])

    model = ConfidenceAround(Tone(), Half(), PassesOptions(passes=2))
    fill = model(image, mask)
    assert torch.allclose(fill.image[0, 0, 10:15, 10], torch.tensor([0.1, 0.1, 0.2, 0.2, 0.2]))
    (_, first), (asked, second) = model.head.asked
    assert torch.equal(first, second)
    assert torch.allclose(asked[0, 0, 10:15, 10], torch.tensor([0.1, 0.1, 0.2, 0.2, 0.2]))


def test_progress_goes_on_over_passes_and_ends():
    image, mask = pair()
    for passes, calls in ((2, 2), (8, 3)):
        told = []
        model = around(Tone(border), passes=passes)
        model(image, mask, on_progress=told.append)
        assert len(model.model.seen) == calls
        done = [each.done for each in told]
        assert done == sorted(done)
        assert told[0] == Progress("think", 1, 2 * passes)
        assert told[-1] == Progress("think", 2 * passes, 2 * passes)


def test_a_stop_gives_what_earlier_passes_made():
    image, mask = pair()
    fill = around(Tone(border, stop_in=2), passes=4)(image, mask)
    assert torch.allclose(fill.image[0, 0, 10:15, 10], torch.tensor(0.1))
    assert torch.allclose(fill.confidence[0, 0, 10:15, 10], torch.tensor([0.9, 0.1, 0.1, 0.1, 0.9]))
    with pytest.raises(Stop):
        around(Tone(border, stop_in=1), passes=4)(image, mask)


def test_confidence_for_a_model():
    image, mask = pair()
    plain = retouch.load("telea")
    model = with_confidence(plain)
    fill = model(image, mask)
    assert torch.equal(fill.image, plain(image, mask).image)
    hole = fill.confidence[mask > 0]
    assert bool(((hole > 0) & (hole < 1)).all())
    assert torch.equal(fill.confidence, with_confidence(plain)(image, mask).confidence)
    assert with_confidence(model) is model


@pytest.mark.parametrize("model", ["exemplar", "telea", "context-encoder", "torch"])
@pytest.mark.parametrize("options", [{}, {"working_size": 64}])
def test_judging_changes_no_pixel(model, options):
    """The seams, the windows and the detail of what is filled small are those of the model alone, too."""
    coarse = np.random.default_rng(0).integers(0, 256, (20, 20, 3), np.uint8)
    photo, mask = np.repeat(np.repeat(coarse, 8, 0), 8, 1), np.zeros((160, 160), bool)
    mask[50:110, 60:100] = mask[5:9, 140:150] = True
    # The compiled part has no patches of 11, so torch fills.
    options = options | ({"options": {"patch": 11}} if model == "torch" else {"model": model})
    plain = retouch.fill(photo, mask, **options)
    sure = retouch.fill(photo, mask, confidence=True, **options)
    assert np.array_equal(plain.image, sure.image)
    assert plain.confidence is None
    inside = sure.confidence[mask]
    assert inside.std() > 0
    assert 0 < inside.min() <= inside.max() < 1


def test_correspondence_is_that_of_the_model():
    image, mask = pair()
    plain = retouch.load("exemplar")
    one = with_confidence(plain)(image, mask)
    assert torch.equal(one.correspondence.source_map(), plain(image, mask).correspondence.source_map())
    fill = ConfidenceAround(plain, Judge(), PassesOptions(passes=2, threshold=0.0))(image, mask)
    assert torch.equal(fill.image, one.image)  # all is trusted at once


@pytest.mark.parametrize("passes", [1, 4])
def test_what_is_borrowed_in_passes_is_known(passes):
    image, mask = pair()

    class Patchy(ConfidenceHead):
        def forward(self, image, mask):
            return 4 * torch.sin(torch.arange(image.shape[3]) + image.mean(1, keepdim=True) * 50)

    model = ConfidenceAround(retouch.load("exemplar"), Patchy(), PassesOptions(passes=passes))
    fill = model(image, mask)
    row, column = fill.correspondence.source_map()[0][:, mask[0, 0] > 0]
    assert bool((mask[0, 0, row, column] == 0).all())
    known = (mask == 0).expand_as(image)
    assert torch.equal(fill.image[known], image[known])


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"passes": 0}, "Passes must be from 1 to 8, not 0"),
        ({"passes": 9}, "Passes must be from 1 to 8, not 9"),
        ({"threshold": 1.5}, "threshold of confidence must be from 0 to 1, not 1.5"),
        ({"threshold": "-0.1"}, "threshold of confidence must be from 0 to 1"),
        ({"steps": 1}, "no option 'steps'; its options are passes, threshold"),
        ({"head": 3}, "option head takes the path of a file, not 3"),
        ({"head": "gone.safetensors"}, "no weights file gone.safetensors"),
    ],
)
def test_options_that_cannot_be(options, sentence):
    with pytest.raises(RetouchError, match=sentence):
        open_with(Tone(), options)


def test_options_as_text_and_a_head_of_ones_own(tmp_path):
    image, mask = pair()
    torch.manual_seed(0)
    path = tmp_path / "head.safetensors"
    write_weights(path, NAME, ConfidenceHead().state_dict(), {})
    model = open_with(Tone(), {"passes": "3", "threshold": "0.25", "head": str(path)})
    assert model.options == PassesOptions(passes=3, threshold=0.25)
    assert open_with(Tone(), {}).options.passes == 1
    own, shipped = (open_with(Tone(), each)(image, mask).confidence for each in ({"head": path}, {}))
    assert not torch.equal(own, shipped)

"""Models made of weights files: by a path, and by a name once a file is part of the package."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import retouch
import retouch.api
from retouch import RetouchError
from retouch.models import CARDS, ModelCard, Width
from retouch.models.confidence_feedback.network import ConfidenceFeedbackNetwork
from retouch.models.context_encoder.network import ConnectedNetwork
from retouch.models.contextual_attention.network import ContextualAttentionNetwork
from retouch.models.infer_match_translate.network import InferMatchTranslateNetwork
from retouch.models.pen_net.network import PenNetNetwork
from retouch.weights import read_weights, write_weights


def pair():
    image = torch.rand(1, 3, 72, 80, generator=torch.Generator().manual_seed(0))
    mask = torch.zeros(1, 1, 72, 80)
    mask[..., 20:37, 24:50] = 1
    return image, mask


def test_a_file_opens_as_the_model_it_names(weights_file):
    model = retouch.load(weights_file)
    assert model.name == "contextual-attention"
    assert model.device == torch.device("cpu")
    for name, values in model.network.state_dict().items():
        assert torch.equal(values, read_weights(weights_file).tensors[name])
    fill = model(*pair())
    assert torch.equal(retouch.load(str(weights_file), device="cpu")(*pair()).image, fill.image)
    assert fill.correspondence is not None


def test_fill_and_inpaint_take_a_file(photo, hole, weights_file):
    loaded = retouch.inpaint(photo, hole, model=retouch.load(weights_file))
    assert np.array_equal(retouch.inpaint(photo, hole, model=weights_file), loaded)
    assert np.array_equal(retouch.fill(photo, hole, model=str(weights_file)).image, loaded)
    assert np.array_equal(loaded[~hole], photo[~hole])


def changed(weights_file, **changes):
    """The file, written anew with another model or other words about it."""
    found = read_weights(weights_file)
    parts = {"model": found.model, "tensors": found.tensors, "about": found.about} | changes
    write_weights(weights_file, **parts, overwrite=True)
    return weights_file


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"model": "lama"}, "weights of 'lama'.*give weights of contextual-attention"),
        ({"model": "telea"}, "weights of 'telea'"),
        ({"about": {}}, "does not say its recipe.width"),
        ({"about": {"config": "lite"}}, "does not say its recipe.width"),
        ({"about": {"config": {"recipe": {"width": "lite"}}}}, "does not say its recipe.width"),
        ({"about": {"config": {"recipe": {"width": True}}}}, "does not say its recipe.width"),
        (
            {"about": {"config": {"recipe": {"width": 1e9}}}},
            r"recipe.width 1000000000\.0; it must be from 0\.01 to 4",
        ),
        ({"about": {"config": {"recipe": {"width": 0}}}}, r"recipe.width 0; it must"),
        (
            {"about": {"config": {"recipe": {"width": 0.25}, "data": {"size": 128}}}},
            "does not fit the network of contextual-attention",
        ),
        ({"tensors": {}}, "is missing"),
    ],
)
def test_files_that_make_no_model(weights_file, changes, sentence):
    with pytest.raises(RetouchError, match=sentence) as caught:
        retouch.load(changed(weights_file, **changes))
    assert str(weights_file) in str(caught.value)


def test_files_that_are_not_there_or_something_else(tmp_path, photo_file):
    for name in ("gone.safetensors", tmp_path / "gone.safetensors", tmp_path / "gone"):
        with pytest.raises(RetouchError, match="There is no weights file"):
            retouch.load(name)
    with pytest.raises(RetouchError, match="no safetensors file"):
        retouch.load(photo_file)
    with pytest.raises(RetouchError, match="runs on the CPU only"):
        retouch.load("telea", device="cuda")


def test_a_network_without_weights_is_not_listed_and_says_what_to_do():
    card = ModelCard("nets", "A paper, 2018", "skies", open=lambda weights, device, options: None)
    assert not card.ready
    with pytest.raises(RetouchError, match=r"No weights for nets .*retouch train.* exported file"):
        card.make("cpu", {})


def test_one_width_makes_a_card_buildable_by_name(weights_file, monkeypatch):
    bare = next(card for card in CARDS if card.name == "contextual-attention")
    card = replace(bare, widths=(Width("tiny", 1, weights_file.name), Width("lost", 1, "lost.safetensors")))
    monkeypatch.setattr("retouch.models.CARDS", (card,))
    monkeypatch.setattr("retouch.weights.shipped", lambda name: weights_file.parent / name)
    assert retouch.list_models() == [card]
    by_name, by_path = retouch.load("contextual-attention"), retouch.load(weights_file)
    assert torch.equal(by_name(*pair()).image, by_path(*pair()).image)


PAPER = {
    "confidence-feedback": ConfidenceFeedbackNetwork,
    "context-encoder": ConnectedNetwork,
    "contextual-attention": ContextualAttentionNetwork,
    "infer-match-translate": InferMatchTranslateNetwork,
    "pen-net": PenNetNetwork,
}


def test_every_system_states_its_published_width():
    stated = {card.name: width.parameters for card in CARDS for width in card.widths if width.weights is None}
    with torch.device("meta"):
        built = {name: build() for name, build in PAPER.items()}
    assert stated == {name: sum(each.numel() for each in made.parameters()) for name, made in built.items()}


def test_every_shipped_width_has_its_file():
    package = Path(sys.modules["retouch.weights"].__file__).parent
    for card in CARDS:
        for width in card.widths:
            if width.weights is None:
                continue
            weights = read_weights(package / width.weights)
            assert weights.model == card.name
            # Fixed factors beside the weights were not learned.
            learned = (each for name, each in weights.tensors.items() if not name.endswith(".scale"))
            assert sum(each.numel() for each in learned) == width.parameters
            assert (package / width.weights).stat().st_size < 24_000_000
            measured = weights.about["scores"]["all"]
            assert width.scores is not None
            assert width.scores.st_lpips == round(measured["st_lpips_hole"], 3)
            assert width.scores.lpips == round(measured["lpips_hole"], 3)
            assert width.scores.l1 == round(measured["l1_hole"], 2)

"""Names of models that are joined: what refines what, and what a name alone means."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

import retouch
from retouch import RetouchError
from retouch.confidence.around import ConfidenceAround, Judged
from retouch.confidence.head import NAME, ConfidenceHead
from retouch.models import CARDS
from retouch.models.specification import WEIGHTS_ENDING, Specification
from retouch.weights import ENDING, write_weights

AFTER = "only exemplar, neural-patch, infer-match-translate and confidence-feedback can stand after \\+"


@pytest.mark.parametrize(
    ("name", "base", "around"),
    [
        ("telea", "telea", ()),
        ("auto", "exemplar", ()),
        ("auto+neural-patch", "exemplar", ("neural-patch",)),
        ("confidence-feedback", "confidence-feedback", ()),  # the paper's own generator
        ("neural-patch", "contextual-attention", ("neural-patch",)),
        ("neural-patch+confidence-feedback", "contextual-attention", ("neural-patch", "confidence-feedback")),
        ("telea+confidence-feedback", "telea", ("confidence-feedback",)),
        ("mine.safetensors", Path("mine.safetensors"), ()),
        ("a+b.SafeTensors+confidence-feedback", Path("a+b.SafeTensors"), ("confidence-feedback",)),
        ("telea+neural-patch+confidence-feedback", "telea", ("neural-patch", "confidence-feedback")),
        ("telea+confidence-feedback+neural-patch", "telea", ("confidence-feedback", "neural-patch")),
        (Path("telea+confidence-feedback"), Path("telea+confidence-feedback"), ()),
        ("mine.safetensors+exemplar", Path("mine.safetensors"), ("exemplar",)),
        ("neural-patch+exemplar", "contextual-attention", ("neural-patch", "exemplar")),
        ("exemplar+exemplar", "exemplar", ("exemplar",)),
        ("structure+infer-match-translate", "structure", ("infer-match-translate",)),
        ("infer-match-translate", "infer-match-translate", ()),
        ("lama+telea", "lama+telea", ()),  # telea works on no other model's fill
    ],
)
def test_a_name_is_taken_apart(name, base, around):
    found = Specification.parse(name)
    assert (found.base, found.around) == (base, around)
    assert found.file == (base if isinstance(base, Path) else None)
    assert isinstance(name, Path) or Specification.parse(str(found)) == found


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("telea", "telea+neural-patch"),
        ("confidence-feedback", "confidence-feedback+neural-patch"),
        ("telea+confidence-feedback", "telea+confidence-feedback+neural-patch"),
        ("telea+neural-patch", "telea+neural-patch"),
        ("telea+neural-patch+confidence-feedback", "telea+neural-patch+confidence-feedback"),
        ("neural-patch", "contextual-attention+neural-patch"),
        ("telea+exemplar", "telea+exemplar+neural-patch"),
        ("telea+infer-match-translate", "telea+infer-match-translate+neural-patch"),
        ("telea+neural-patch+exemplar", "telea+neural-patch+exemplar+neural-patch"),
        ("telea+exemplar+neural-patch", "telea+exemplar+neural-patch"),
    ],
)
def test_what_is_not_refined_yet_is_refined(name, expected):
    found = Specification.parse(name)
    assert str(found.refined()) == expected
    assert found.refined().improves
    assert Specification.parse(expected) == found.refined()
    assert found.improves == (str(found) == expected)


def test_a_weights_file_is_told_by_its_ending():
    assert WEIGHTS_ENDING == ENDING


def test_opencv_models_need_no_torch():
    code = "import sys, retouch; retouch.models.loading._device('auto', retouch.list_models()[1]); "
    subprocess.run([sys.executable, "-c", code + "assert 'torch' not in sys.modules"], check=True)


def test_a_model_with_confidence():
    passes = retouch.load("telea+confidence-feedback", options={"passes": 3, "threshold": "0.3"})
    assert isinstance(passes, ConfidenceAround)
    assert (passes.name, passes.options.passes, passes.options.threshold) == ("telea", 3, 0.3)
    model = retouch.load("telea+confidence-feedback", options={"passes": 1})
    assert (type(model), model.name) == (Judged, "telea")
    image, mask = torch.rand(1, 3, 40, 40), torch.zeros(1, 1, 40, 40)
    mask[..., 10:20, 10:20] = 1
    assert torch.equal(model(image, mask).image, retouch.load("telea")(image, mask).image)


def test_models_are_joined_in_the_order_of_their_names():
    inner = retouch.load("telea+neural-patch+confidence-feedback")
    assert (type(inner).__name__, inner.name, inner.model.content.name) == (
        "ConfidenceAround",
        "neural-patch",
        "telea",
    )
    outer = retouch.load("telea+confidence-feedback+neural-patch")
    assert isinstance(outer.content, Judged)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("telea+confidence-feedback+confidence-feedback", "name confidence-feedback once"),
        ("telea+confidence-feedback+neural-patch+confidence-feedback", "name confidence-feedback once"),
        ("lama+confidence-feedback", "no model called 'lama'"),
        ("+confidence-feedback", "no model called ''"),
        ("exemplar+lama", AFTER),
        ("neural-patch+telea", AFTER),
        ("telea+exemplar+exemplar", "name exemplar once"),
        ("telea+exemplar+infer-match-translate+exemplar", "name exemplar once"),
        ("exemplar+neural-patch+infer-match-translate+neural-patch+neural-patch", "name neural-patch once"),
    ],
)
def test_names_that_cannot_be(name, sentence):
    with pytest.raises(RetouchError, match=sentence):
        retouch.load(name)


def test_a_head_is_no_model_and_says_what_it_is_for(tmp_path):
    torch.manual_seed(0)
    path = tmp_path / "mine.safetensors"
    write_weights(path, NAME, ConfidenceHead().state_dict(), {})
    with pytest.raises(RetouchError, match="as the option head of exemplar\\+confidence-feedback"):
        retouch.load(path)
    assert isinstance(retouch.load("telea+confidence-feedback", options={"head": str(path)}), Judged)


def test_a_name_alone_opens_the_network_of_a_card_that_refines_too(weights_file, monkeypatch):
    opened = next(card for card in CARDS if card.name == "contextual-attention")
    card = replace(
        opened, name="both", widths=(), refine=lambda model, options: SimpleNamespace(around=model.name)
    )
    monkeypatch.setattr("retouch.models.CARDS", (*CARDS, card))
    with pytest.raises(RetouchError, match="No weights for both"):
        retouch.load("both")
    assert retouch.load("telea+both").around == "telea"

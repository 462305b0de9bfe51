"""What can be measured, and what it is called."""

import shutil
from dataclasses import replace

import pytest

from retouch import RetouchError
from retouch.evaluation import candidates
from retouch.evaluation.candidates import check_models
from retouch.files import file_digest
from retouch.models import CARDS


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (["nothing"], "choose from"),
        (["auto"], "exemplar"),
        (["telea", "telea"], "named twice"),
        (["telea+neural-patch", "telea+neural-patch"], "named twice"),
        (["nothing+neural-patch"], "no model 'nothing'"),
        (["biharmonic+neural-patch"], "refines fills of this package's models, not of biharmonic"),
        (["gone.safetensors"], "gone.safetensors"),
    ],
)
def test_what_cannot_be_measured(names, sentence):
    with pytest.raises(RetouchError, match=sentence):
        check_models(names)


def test_a_network_without_weights(monkeypatch):
    cards = [replace(card, widths=()) for card in CARDS]
    monkeypatch.setattr("retouch.models.CARDS", cards)
    with pytest.raises(RetouchError, match="retouch train"):
        check_models(["pen-net"])


def test_a_refined_model_has_both_names(weights_file):
    names = ["telea", "telea+neural-patch", f"{weights_file}+neural-patch", "neural-patch"]
    found = check_models(names)
    assert list(found) == ["telea", "telea+neural-patch", "tiny+neural-patch", "neural-patch"]
    file = found["tiny+neural-patch"]
    assert file == (f"{weights_file}+neural-patch", file_digest(weights_file))
    assert [each for each in found.values() if each] == [file]


def test_a_tool_that_is_not_installed(monkeypatch):
    monkeypatch.setitem(candidates.BASELINES, "biharmonic", "no_such_module")
    with pytest.raises(RetouchError, match=r"biharmonic is not installed; .*pip install '\.\[evaluate\]'"):
        check_models(["biharmonic"])


def test_a_weights_file_is_called_by_its_stem(weights_file):
    found = check_models(["biharmonic", str(weights_file), "telea"])
    assert list(found) == ["biharmonic", "tiny", "telea"]
    assert found["tiny"] == (str(weights_file), file_digest(weights_file))
    assert found["telea"] is None


def test_two_names_that_would_be_one(weights_file, tmp_path):
    other = tmp_path / "other" / "tiny.safetensors"
    other.parent.mkdir()
    shutil.copy(weights_file, other)
    with pytest.raises(RetouchError, match="called tiny in the report; rename"):
        check_models([str(weights_file), str(other)])
    with pytest.raises(RetouchError, match="named twice"):
        check_models([str(weights_file), str(weights_file)])
    shutil.copy(weights_file, tmp_path / "telea.safetensors")
    for names in (
        ["telea", str(tmp_path / "telea.safetensors")],
        [str(tmp_path / "telea.safetensors"), "telea"],
    ):
        with pytest.raises(RetouchError, match="called telea in the report; rename"):
            check_models(names)

"""What can be measured, and what it is called."""

import shutil

import pytest

from retouch import RetouchError
from retouch.evaluation import candidates
from retouch.evaluation.candidates import check_models
from retouch.evaluation.store import file_digest


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (["nothing"], "choose from"),
        (["auto"], "exemplar"),
        (["telea", "telea"], "named twice"),
        (["context-encoder"], "retouch train"),
        (["gone.safetensors"], "gone.safetensors"),
    ],
)
def test_what_cannot_be_measured(names, sentence):
    with pytest.raises(RetouchError, match=sentence):
        check_models(names)


def test_a_tool_that_is_not_installed(monkeypatch):
    monkeypatch.setitem(candidates.BASELINES, "biharmonic", "no_such_module")
    with pytest.raises(RetouchError, match=r"retouch\[evaluate\]"):
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

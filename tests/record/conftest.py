import sys
from dataclasses import dataclass
from io import BytesIO, TextIOWrapper

import pytest

from retouch.cli import main


@dataclass
class Outcome:
    code: int
    out: str
    err: str


@pytest.fixture
def run(capfd, monkeypatch):
    """Run the command line in this process."""

    def run(*arguments: object) -> Outcome:
        monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO()))
        with pytest.raises(SystemExit) as ended:
            main([str(each) for each in arguments])
        return Outcome(ended.value.code or 0, *capfd.readouterr())

    return run


@pytest.fixture(scope="session")
def make_chain():
    """Write a certificate chain and its key into a folder; see :mod:`tests.record.certificates`."""
    pytest.importorskip("c2pa")  # which brings what makes certificates
    from tests.record.certificates import make_chain

    return make_chain


@pytest.fixture(scope="session")
def identity(make_chain, tmp_path_factory):
    """A certificate chain and its key (P-256), made here; and the root of the chain."""
    return make_chain(tmp_path_factory.mktemp("identity"))

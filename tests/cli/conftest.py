import sys
from dataclasses import dataclass
from io import BytesIO, TextIOWrapper

import pytest

from retouch.cli import main


@dataclass
class Outcome:
    code: int
    out: bytes
    err: str


@pytest.fixture
def run(capfdbinary, monkeypatch):
    """Run the command line in this process: ``run("fill", photo, …, stdin=b"…")``."""

    def run(*arguments: object, stdin: bytes = b"") -> Outcome:
        monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(stdin)))
        with pytest.raises(SystemExit) as exit_:
            main([str(each) for each in arguments])
        sys.stdout.flush()
        out, err = capfdbinary.readouterr()
        return Outcome(exit_.value.code or 0, out, err.decode())

    return run

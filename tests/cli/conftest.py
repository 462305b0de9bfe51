import inspect
import sys
from dataclasses import dataclass
from io import BytesIO, TextIOWrapper
from pathlib import Path

import numpy as np
import pytest
import typer
from PIL import Image

import retouch
from retouch.cli import app, main


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


@pytest.fixture
def refused(run, tmp_path):
    """Check that a command is refused in one sentence, and touches no file: ``refused("fill", says="…")``."""

    def refused(*words: object, says: str) -> None:
        before = _contents(tmp_path)
        done = run(*words)
        assert done.code == 2
        assert done.out == b""
        assert done.err.startswith("retouch: ")
        assert done.err.count("\n") == 1
        assert done.err.endswith(".\n")
        assert says in done.err
        assert _contents(tmp_path) == before

    return refused


def _contents(folder: Path) -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in folder.iterdir() if each.is_file()}


@pytest.fixture
def shared_options():
    """Names that a verb's options have in common with the arguments of the function it stands for.

    ``shared_options("fill")`` also checks that they have the same defaults.
    """

    def shared_options(verb: str) -> set[str]:
        options = typer.main.get_command(app).commands[verb].params
        library = inspect.signature(getattr(retouch, verb)).parameters
        # Arguments that must be given have no default in Python, and None in typer.
        shared = [each for each in options if each.name in library and not each.required]
        # A file's name on the command line, and whether it is wanted at all in Python.
        same = [each for each in shared if each.name != "confidence"]
        assert {each.name: each.default for each in same} == {
            each.name: library[each.name].default for each in same
        }
        return {each.name for each in shared}

    return shared_options


@pytest.fixture
def pixels():
    """Read an image file, or what holds one, as an array."""
    return lambda file: np.asarray(Image.open(file))

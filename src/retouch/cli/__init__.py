"""The command line, one file for each command. Slow imports happen inside the commands."""

from __future__ import annotations

import os
import re
import shlex
import sys
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any

import typer

import retouch
from retouch.cli.batch import batch
from retouch.cli.clear_crowd import clear_crowd
from retouch.cli.edit import edit
from retouch.cli.evaluate import evaluate, score
from retouch.cli.export import export
from retouch.cli.fill import fill
from retouch.cli.find import find
from retouch.cli.install_plugin import install_plugin
from retouch.cli.models import models
from retouch.cli.replay import replay
from retouch.cli.restore import restore
from retouch.cli.serve import serve
from retouch.cli.stylize import stylize
from retouch.cli.terminal import PIPE, plain_errors
from retouch.cli.train import train
from retouch.errors import RetouchError

COMMANDS = (
    fill,
    clear_crowd,
    batch,
    find,
    restore,
    edit,
    serve,
    stylize,
    models,
    replay,
    evaluate,
    score,
    train,
    export,
    install_plugin,
)

app = typer.Typer(
    name="retouch",
    help="Fill holes in photographs, on your own computer.",
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in COMMANDS:
    app.command()(command)

# typer keeps the class of all mistakes in a command's words to itself, but not this one derived from it.
_Misuse: Any = typer.BadParameter.__base__


# What typer has from pydantic, in words for who types commands.
_WORDING = {
    r"Input should be a valid integer\b.*": "give a whole number",
    r"Input should be a valid number\b.*": "give a number",
    r"Value error, ": "",
}


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"retouch {retouch.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit: 0 = done, 2 = a mistake the user can correct, 130 = interrupted.

    Args:
        arguments: the words after ``retouch``; None = those that the program was started with.
    """
    # torch's waiting threads spin: beside other work on the same cores, a fill took ten times as long.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    given = sys.argv[1:] if arguments is None else arguments
    with plain_errors():
        _check_command(given)
        try:
            code = app(
                arguments if given else ["--help"], prog_name="retouch", standalone_mode=False, obj=given
            )
        except _Misuse as error:
            raise RetouchError(_sentence(error)) from error
    sys.exit(code)


def _check_command(given: list[str]) -> None:
    """Say what was probably meant if the first word is not a command."""
    names = [each.__name__.replace("_", "-") for each in COMMANDS]
    if not given or given[0] in names or (given[0].startswith("-") and given[0] != PIPE):
        return
    word = given[0]
    if word == PIPE or Path(word).suffix or os.path.lexists(word):
        raise RetouchError(
            f"The command is missing; to fill a photo, type: retouch fill {shlex.join(given)} "
            "(retouch --help lists the commands)."
        )
    near = get_close_matches(word.lower(), names, n=1)
    hint = f"did you mean {near[0]}?" if near else f"choose one of {', '.join(names)}."
    raise RetouchError(f"There is no command {word!r}; {hint}")


def _sentence(error: Any) -> str:
    """Return what typer says about a mistake as one sentence that tells where to read more."""
    text = " ".join(error.format_message().split()).rstrip(".")
    for theirs, ours in _WORDING.items():
        text = re.sub(theirs, ours, text)
    command = "retouch" if error.ctx is None else error.ctx.command_path
    return f"{text}; see {command} --help."

"""The command line, one file a verb. Nothing slow is imported before a verb has work to do."""

from __future__ import annotations

from typing import Annotated

import typer

import retouch
from retouch.cli.evaluate import evaluate, score
from retouch.cli.export import export
from retouch.cli.fill import fill
from retouch.cli.models import models
from retouch.cli.stylize import stylize
from retouch.cli.train import train

app = typer.Typer(
    name="retouch",
    help="Fill holes in photographs, on your own computer.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command()(fill)
app.command()(stylize)
app.command()(models)
app.command()(evaluate)
app.command()(score)
app.command()(train)
app.command()(export)


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
    """Run the command line and exit: 0 = done, 2 = a mistake the user can mend, 130 = interrupted."""
    app(arguments)

"""``retouch replay``: make a recorded fill again, and say whether it is the same."""

from __future__ import annotations

from typing import Annotated

import typer

import retouch
from retouch.cli.common import AllowHuge
from retouch.cli.terminal import plain_errors, say


def replay(
    record: Annotated[
        str, typer.Argument(metavar="RECORD", help="What retouch fill --record wrote (.json).")
    ],
    photo: Annotated[
        str | None,
        typer.Option(help="The photo, if it is not beside the record or has another name."),
    ] = None,
    mask: Annotated[str | None, typer.Option("--mask", "-m", help="The mask, likewise.")] = None,
    output: Annotated[
        str | None, typer.Option("--output", "-o", metavar="OUT", help="Write the fill to this file, too.")
    ] = None,
    device: Annotated[str | None, typer.Option(help="Left out: the device of the record.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace OUT if it exists.")] = False,
    allow_huge: AllowHuge = False,
) -> None:
    """Make a recorded fill again and say whether it is the same: exit code 0, or 1 if it differs."""
    with plain_errors():
        made = retouch.replay(
            record,
            photo=photo,
            mask=mask,
            output=output,
            device=device,
            overwrite=overwrite,
            allow_huge=allow_huge,
        )
        say(made.says)
    if not made.same:
        raise typer.Exit(1)

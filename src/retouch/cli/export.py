"""``retouch export``: write the weights of a training run to a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from retouch.cli.terminal import check_installed, plain_errors


def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder that `retouch train` wrote.")],
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="FILE", help="The file to write; its name ends in .safetensors."
        ),
    ],
    other: Annotated[
        str | None,
        typer.Option(
            "--with",
            metavar="WEIGHTS",
            help="Export the mean of the run's weights and these: a file, or the name of a shipped one. What "
            "the run began with is worth a try: the mean is often better than either.",
        ),
    ] = None,
    share: Annotated[
        float | None,
        typer.Option(metavar="S", help="How much of that mean is the run's, 0 to 1; 0.5 if left out."),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Store the scores of a report of `retouch evaluate` in the file."),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing file.")] = False,
) -> None:
    """Export a run's weights; fill photos with them: retouch fill --model FILE."""
    with plain_errors():
        check_installed("train", "torch", "yaml")
        from retouch.training.export import export as write

        step, refused = write(run, output, other=other, share=share, report=report, overwrite=overwrite)
        for path in refused:
            typer.echo(f"{path} is cut off or damaged; the one before it is used.", err=True)
        size = output.stat().st_size / 1e6
        typer.echo(f"wrote {output}: step {step}, {size:.1f} MB", err=True)

"""``retouch train``: train one of the models."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from retouch.cli.common import Device
from retouch.cli.terminal import check_installed, plain_errors


def train(
    config: Annotated[
        str,
        typer.Argument(
            metavar="CONFIG",
            help="A configuration that ships with retouch, such as contextual-attention-lite, or a YAML file "
            "of yours. A wrong name lists those that ship.",
        ),
    ],
    data: Annotated[
        list[Path],
        typer.Option(metavar="PATH", help="A folder of photos, a tar file of them, or both; repeatable."),
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="The folder of the run.")],
    masks: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="Silhouettes for masks of objects, in a folder or tar file."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Resume from the last checkpoint in --out.")
    ] = False,
    weights: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="WEIGHTS", help="Start from a weights file, or from a shipped one by its name."
        ),
    ] = None,
    changes: Annotated[
        list[str],
        typer.Option(
            "--set", metavar="KEY=VALUE", help="Change a setting, such as optimizer.lr=2e-4; repeatable."
        ),
    ] = [],  # noqa: B006 - the command line makes a new list for every call
    minutes: Annotated[
        float | None, typer.Option(metavar="N", min=0, help="Stop with a checkpoint after N minutes.")
    ] = None,
    device: Device = "auto",
    devices: Annotated[int, typer.Option(metavar="N", min=1, help="Number of devices.")] = 1,
    workers: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Threads that prepare samples; by default one per processor."),
    ] = None,
) -> None:
    """Train a model on your photos.

    Ctrl-C stops with a checkpoint; --resume continues exactly from there. Sample fills appear in the folder
    grids/ of --out, the first before training begins.
    """
    with plain_errors():
        check_installed("train", "torch", "lightning", "yaml")
        from retouch.training.start import start

        start(
            *(config, data, out),
            silhouettes=masks,
            resume=resume,
            weights=weights,
            changes=changes,
            minutes=minutes,
            device=device,
            devices=devices,
            workers=workers,
            say=lambda line: typer.echo(line, err=True),
        )

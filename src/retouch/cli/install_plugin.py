"""``retouch install-plugin``: bring retouch into other programs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

import typer

from retouch.cli.terminal import plain_errors
from retouch.errors import RetouchError


def install_plugin(
    program: Annotated[Literal["gimp", "darktable", "comfyui"], typer.Argument(help="The program.")],
    into: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="GIMP's folder of plug-ins, darktable's configuration folder, or ComfyUI's custom_nodes. "
            "Left out: where they usually are.",
        ),
    ] = None,
    server: Annotated[
        str | None,
        typer.Option(
            metavar="URL", help="Let GIMP ask a running `retouch serve` instead of starting retouch."
        ),
    ] = None,
    uninstall: Annotated[bool, typer.Option("--uninstall", help="Remove it again.")] = False,
) -> None:
    """Let another program use retouch: GIMP 3, darktable or ComfyUI."""
    with plain_errors():
        if server is not None and program != "gimp":
            raise RetouchError("--server is for GIMP; leave it out.")
        if server is not None and not server.startswith(("http://", "https://")):
            raise RetouchError("--server takes an address such as http://127.0.0.1:8080.")
        if into is not None and not os.path.isdir(into):  # noqa: PTH112 # takes long names
            raise RetouchError(f"{into} is no folder; make it first, or check its name.")
        from retouch.integrations import installing, places

        if program == "gimp":
            names = _models()
            folders = places.gimp_folders() if into is None else [into]
            plugins = [installing.gimp(folder.absolute(), names, server) for folder in folders]
        elif program == "darktable":
            folders = places.darktable_folders() if into is None else [into]
            plugins = [installing.darktable(folder.absolute()) for folder in folders]
        elif into is not None:
            plugins = [installing.comfyui(into.absolute())]
        else:
            raise RetouchError("ComfyUI can be anywhere; name its folder custom_nodes with --into.")
        for plugin in plugins:
            for line in installing.uninstall(plugin) if uninstall else installing.install(plugin):
                typer.echo(line, err=True)


def _models() -> list[str]:
    """The models that fill by themselves here, the default first."""
    import retouch

    return [card.name for card in retouch.list_models() if card.alone]

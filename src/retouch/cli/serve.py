"""``retouch serve``: the editor and its interface, for many photos."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from retouch.cli.terminal import check_installed, plain_errors
from retouch.errors import RetouchError


def serve(
    host: Annotated[
        str, typer.Option(help="The address to listen at; any but this computer's own needs a token.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 takes a free one.")] = 8080,
    token: Annotated[str | None, typer.Option(help="What clients must show.", envvar="RETOUCH_TOKEN")] = None,
    name: Annotated[
        list[str] | None,
        typer.Option(
            metavar="HOST", help="A name under which a proxy or your network reaches this server; repeatable."
        ),
    ] = None,
    root: Annotated[
        str | None, typer.Option(metavar="FOLDER", help="Show the photos of this folder, and save in it.")
    ] = None,
    sessions: Annotated[
        str | None, typer.Option(metavar="FOLDER", help="Where open photos and their fills are kept.")
    ] = None,
) -> None:
    """Serve the editor and its interface; Ctrl-C ends it, and the next start goes on."""
    with plain_errors():
        check_installed("serve", "starlette", "uvicorn")
        from retouch.server.app import create_app
        from retouch.server.places import claimed, sessions_folder
        from retouch.server.security import is_loopback, is_name
        from retouch.server.service import Settings
        from retouch.server.serving import bind, run

        if not is_loopback(host) and not token:
            raise RetouchError(
                f"Others can reach {host}; add --token and a long secret, or leave out --host."
            )
        if token is not None and not (token and token.isascii() and token.isprintable() and " " not in token):
            raise RetouchError("A token is made of letters, digits and signs without spaces; choose another.")
        for each in name or ():
            if not is_name(each):
                raise RetouchError(
                    f"{each} is no name of a server; write it without http:// and port: photos.example.org."
                )
        if root is not None and not os.path.isdir(root):  # noqa: PTH112 # takes long names
            raise RetouchError(f"{root} is no folder; name the folder of your photos after --root.")
        listener = bind(host, port)
        port = listener.getsockname()[1]
        folder = Path(sessions) if sessions else sessions_folder() / f"serve-{port}"
        settings = Settings(
            folder, host, token, names=tuple(name or ()), root=None if root is None else Path(root)
        )
        app = create_app(settings)
        shown = f"[{host}]" if ":" in host and not host.startswith("[") else host
        typer.echo(f"retouch serves http://{shown}:{port}/ (Ctrl-C ends it)", err=True)
        with claimed(folder):
            run(app, listener)

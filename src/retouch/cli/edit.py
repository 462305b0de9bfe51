"""``retouch edit``: paint and fill one photo in the browser."""

from __future__ import annotations

import filecmp
import json
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from retouch.api.inpainting import ENDING
from retouch.cli.common import AllowHuge
from retouch.cli.files import target_file
from retouch.cli.terminal import PIPE, check_installed, plain_errors
from retouch.errors import RetouchError

if TYPE_CHECKING:
    from starlette.applications import Starlette


def edit(
    photo: Annotated[str, typer.Argument(metavar="PHOTO", help="The photo.")],
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="OUT",
            help="The file or folder that Done writes to. Left out: <stem>-filled<ext>, beside the photo.",
        ),
    ] = None,
    wait: Annotated[
        bool, typer.Option("--wait", help="End at Done (exit code 0) or Discard (1), for programs that wait.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Let Done replace a file, which may be the photo itself.")
    ] = False,
    new: Annotated[
        bool, typer.Option("--new", help="Forget unsaved fills of this photo instead of asking.")
    ] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 takes a free one.")] = 0,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the page in a browser.")
    ] = True,
    allow_huge: AllowHuge = False,
) -> None:
    """Paint and fill a photo in the browser; Done writes it."""
    with plain_errors():
        check_installed("serve", "starlette", "uvicorn")
        if photo == PIPE:
            raise RetouchError("The editor needs a file, not a pipe; name the photo's file.")
        source = Path(photo)
        if not os.path.isfile(source):  # noqa: PTH113 # takes long names
            raise RetouchError(f"There is no file {photo}; check its name.")
        from retouch.server.places import claimed, edit_folder

        folder = edit_folder(source)
        target = target_file(photo, output, ENDING)
        assert target is not None  # no pipe is written to
        target = target.resolve()
        with claimed(folder):
            written = _go_on(folder, source, new=new)
            if target.exists() and not overwrite and str(target) not in written:
                raise RetouchError(f"{target} exists already; use --overwrite or another name.")
            ending = _serve(folder, source, target, wait, overwrite, port, browser, allow_huge)
        if ending == "discarded":
            raise SystemExit(1)
        if wait and ending == "interrupted":
            raise KeyboardInterrupt  # who waits must not take the photo for edited


def _serve(
    folder: Path,
    source: Path,
    target: Path,
    wait: bool,
    overwrite: bool,
    port: int,
    browser: bool,
    allow_huge: bool,
) -> str:
    """Run the server until the editing ends; returns how it ended."""
    import dataclasses

    from retouch.server.app import create_app
    from retouch.server.errors import Limits
    from retouch.server.service import Service, Settings
    from retouch.server.serving import bind, run

    limits = Limits(idle_minutes=0, bytes=1 << 40)
    if allow_huge:
        limits = dataclasses.replace(limits, pixels=1 << 40)
    listener = bind("127.0.0.1", port)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    ending = "interrupted"

    async def editing(app: Starlette) -> None:
        nonlocal ending
        service: Service = app.state.service
        if not service.photos:
            await service.open(source.name, service.copy(source), source.name)
        typer.echo(f"retouch edits {source.name} at {url} (Ctrl-C ends it)", err=True)
        if browser:
            import webbrowser

            webbrowser.open(url)
        ending = await service.ended
        for session in list(service.photos.values()):
            await service.forget(session)

    app = create_app(
        Settings(folder, limits=limits, mode="edit", wait=wait, target=target, overwrite=overwrite)
    )
    run(app, listener, editing)
    if ending == "interrupted":
        _clean(folder, source)
    return ending


def _go_on(folder: Path, source: Path, *, new: bool) -> list[str]:
    """Ask whether to go on with what was left; returns the files that were written then."""
    for journal in folder.glob("*/session.json"):
        known = json.loads(journal.read_text(encoding="utf-8"))
        same = filecmp.cmp(journal.with_name("original"), source, shallow=False)
        count = known["history"]["applied"]
        fills = f"{count} fill{'s' * (count != 1)}"
        if new or not count:
            keep = False
        elif not same:
            keep = False
            changed = f"{source.name} has changed since {fills} of it"
            if not sys.stdin.isatty():
                typer.echo(f"{changed}; they are gone", err=True)
            elif not typer.confirm(f"{changed}; forget them?", default=False, err=True):
                raise RetouchError(
                    f"{changed}; put the photo back as it was, or type --new to forget the fills."
                )
        elif sys.stdin.isatty():
            keep = typer.confirm(
                f"{fills} of {source.name} are left; go on with them?", default=True, err=True
            )
        else:
            keep = True
            typer.echo(f"goes on with {fills} of {source.name}; --new forgets them", err=True)
        if keep:
            written: list[str] = known["history"]["written"]
            return written
        shutil.rmtree(journal.parent)
    return []


def _clean(folder: Path, source: Path) -> None:
    """Remove what is saved; say how to go on with what is not."""
    from retouch.server.history import History

    for journal in folder.glob("*/session.json"):
        if not History(json.loads(journal.read_text(encoding="utf-8"))["history"]).unsaved:
            shutil.rmtree(journal.parent)
        else:
            typer.echo(f"unsaved fills of {source.name} are kept; retouch edit goes on with them", err=True)

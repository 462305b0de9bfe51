"""The server with IOPaint's own page in place of the editor's: ``python -m tests.server.iopaint_app``."""

import sys
from pathlib import Path

from starlette.responses import FileResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from retouch.server.app import create_app
from retouch.server.service import Settings
from retouch.server.serving import bind, run

# The page of another program needs more than ours: it reads its pictures back, and writes styles into itself.
POLICY = "default-src 'self' blob: data:; style-src 'self' 'unsafe-inline'"


def serve(page, sessions, root):
    async def index(request):
        return FileResponse(page / "index.html", headers={"Content-Security-Policy": POLICY})

    async def icon(request):
        return FileResponse(page / "favicon.ico")

    more = [
        Route("/", index),
        Route("/favicon.ico", icon),
        Mount("/assets", StaticFiles(directory=page / "assets")),
    ]
    app = create_app(Settings(sessions, root=root), more)
    listener = bind("127.0.0.1", 0)
    print(f"http://127.0.0.1:{listener.getsockname()[1]}/", flush=True)
    run(app, listener)


if __name__ == "__main__":
    serve(*(Path(each) if each else None for each in sys.argv[1:]))

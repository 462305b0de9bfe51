"""Who may ask: this server's own page, and programs; no page of another site, nobody without the token."""

from __future__ import annotations

import hmac
import ipaddress
import re
import socket
from functools import cache
from urllib.parse import parse_qs, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request, cookie_parser
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from retouch.server.answers import problem

COOKIE = "retouch-token"
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_HOST = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[\w.-]+)(:[0-9]+)?")
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "font-src 'self'",
        "connect-src 'self'",
        "worker-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def is_loopback(host: str) -> bool:
    """Whether only this computer reaches a server that listens there."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def is_name(text: str) -> bool:
    """Whether this can be the name of a server: no address of a page, and no port."""
    return text.isascii() and re.fullmatch(r"[\w.-]+", text) is not None


@cache
def _own_names() -> tuple[str, ...]:
    """This computer's names; asked for once, because the answer can take seconds, and strangers may ask."""
    return socket.gethostname().lower(), socket.getfqdn().lower()


class Guard:
    """Refuses what no page of this server and no program with the token would ask.

    A page of another site can make a browser ask, but not choose the header Host (with a name of its own that
    it turns to this computer's address), Origin or Sec-Fetch-Site. What comes from no browser has none of
    the last two.
    """

    def __init__(self, app: ASGIApp, *, host: str, token: str | None, names: tuple[str, ...] = ()) -> None:
        """Guard an application.

        Args:
            app: the application.
            host: the address that the server listens at.
            token: what every client must show; None for a server that only this computer reaches.
            names: further ones of the server, which a proxy or the network gave it.
        """
        self._app, self._host, self._token = app, host, token
        self._names = tuple(name.lower() for name in names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        answer = self._refusal(scope) or self._without_token(scope)
        await (answer or self._app)(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if not self._is_ours(host):
            return problem(
                421,
                "wrong_host",
                f"This server is not called {host!r}; use the address it printed, or start it with --name.",
            )
        origin = headers.get("origin")
        opened = scope["type"] == "http" and scope["method"] in ("GET", "HEAD") and scope["path"] == "/"
        from_elsewhere = headers.get("sec-fetch-site") in ("cross-site", "same-site") and not (
            opened and headers.get("sec-fetch-mode") == "navigate"
        )
        # A proxy may pass on another Host than the browser sent.
        own = {f"{scheme}://{name}" for scheme in ("http", "https") for name in (host, *self._names)}
        if from_elsewhere or (origin is not None and origin not in own):
            return problem(403, "cross_site", "A page of another site asked; only the editor's own page may.")
        return None

    def _is_ours(self, host: str) -> bool:
        """Whether a Host header names this server: a name that somebody else can turn to it does not."""
        parts = _HOST.fullmatch(host)
        name = "" if parts is None else parts["name"].strip("[]").lower()
        if name in (*_LOOPBACK, self._host.strip("[]").lower(), *self._names):
            return True
        if not name or is_loopback(self._host):
            return False
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return name in _own_names()
        return True

    def _without_token(self, scope: Scope) -> Response | None:
        """The answer to a request without the token; a page opened with it in its address gets a cookie."""
        if self._token is None:
            return None
        headers = Headers(scope=scope)
        scheme, _, shown = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self._fits(shown.strip()):
            return None
        # Programs at other ports of this computer set cookies, too. Python's own parser would give up at one
        # that is not quite right.
        if self._fits(cookie_parser(headers.get("cookie", "")).get(COOKIE, "")):
            return None
        given = parse_qs(scope["query_string"].decode("latin-1"))
        if scope["type"] == "http" and scope["path"] == "/" and self._fits(given.pop("token", [""])[0]):
            rest = urlencode(given, doseq=True)
            answer = RedirectResponse(f"/?{rest}" if rest else "/", 303)
            secure = Request(scope).url.scheme == "https"
            answer.set_cookie(COOKIE, self._token, httponly=True, samesite="strict", secure=secure)
            return answer
        return problem(
            401,
            "no_token",
            "This server needs its token: open the address that it printed, or send it as bearer.",
        )

    def _fits(self, shown: str) -> bool:
        return self._token is not None and hmac.compare_digest(shown.encode(), self._token.encode())

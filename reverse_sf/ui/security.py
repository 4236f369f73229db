"""Who may talk to the page: a browser on this machine that began with the printed address.

Every request passes :class:`Guard` before it reaches a view. The page is on loopback, yet other
web sites in the same browser can send requests there, and other users of the machine can too. So
the Host must be a name of loopback (a foreign name that resolves to it is refused), a cookie that
only the start address gives out must be there, and a write must come from a form of this page.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from hmac import compare_digest
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import RedirectResponse

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_STATIC = "/static/"
_LONGEST_FORM = 4_000_000
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self';"
        " base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not no-referrer: with it a browser hides the origin of our own forms.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True)
class Keys:
    """The secrets of one server; none outlives it.

    Attributes:
        token: in the start address; gives out the cookie.
        cookie: name of the cookie. A browser sends cookies to every port of a host, so that two
            pages that run at once need two names.
        session: value of the cookie.
        csrf: in every form of the page.
    """

    token: str = field(repr=False)
    cookie: str
    session: str = field(repr=False)
    csrf: str = field(repr=False)

    @classmethod
    def fresh(cls) -> Keys:
        """Keys that nobody has seen."""
        return cls(
            token=secrets.token_urlsafe(32),
            cookie=f"reverse-sf-{secrets.token_hex(4)}",
            session=secrets.token_urlsafe(32),
            csrf=secrets.token_urlsafe(32),
        )


class _RefusalError(Exception):
    """A request that no view may see; carries the status and one sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class Guard:
    """Lets a request through, or answers it with a refusal; adds the headers to every answer.

    Args:
        app: the page.
        keys: of this server.
        refuse: makes the answer to a request that is refused, from status and sentence.
    """

    def __init__(
        self, app: ASGIApp, keys: Keys, refuse: Callable[[Request, int, str], Response]
    ) -> None:
        self._app = app
        self._keys = keys
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or have the page answer it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        request = Request(scope, receive)
        try:
            answer: ASGIApp | None = await self._check(request)
        except _RefusalError as refusal:
            answer = self._refuse(request, refusal.status, str(refusal))
        await (answer or self._app)(scope, receive, send_guarded)

    async def _check(self, request: Request) -> Response | None:
        """The cookie for a start address; None for a request that may pass.

        Raises:
            _RefusalError: it may not.
        """
        if not _is_loopback(request.headers.get("host", "")):
            raise _RefusalError(421, "This page answers to this machine's own names alone.")
        if request.method not in {"GET", "HEAD", "POST"}:
            raise _RefusalError(405, "The page knows no such method.")
        if request.url.path.startswith(_STATIC):
            return None
        token = request.query_params.get("token")
        if token is not None:
            return self._welcome(request, token)
        if not _same(request.cookies.get(self._keys.cookie, ""), self._keys.session):
            raise _RefusalError(
                403, "Open the address that reverse-sf ui has printed in the terminal."
            )
        if request.method == "POST":
            request.state.form = await self._form(request)
        return None

    def _welcome(self, request: Request, token: str) -> Response:
        if not _same(token, self._keys.token):
            raise _RefusalError(
                403, "This address is of another start: open the one that was printed last."
            )
        rest = [(name, value) for name, value in _query(request) if name != "token"]
        # A path with two slashes in front would name another host.
        to = "/" + request.url.path.lstrip("/") + (f"?{urlencode(rest)}" if rest else "")
        answer = RedirectResponse(to, status_code=303)
        answer.set_cookie(
            self._keys.cookie, self._keys.session, httponly=True, samesite="strict", path="/"
        )
        return answer

    async def _form(self, request: Request) -> dict[str, str]:
        origin = request.headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != request.headers["host"]:
            raise _RefusalError(403, "Another site has sent this form: nothing was done.")
        body = bytearray()
        async for part in request.stream():
            body += part
            if len(body) > _LONGEST_FORM:
                raise _RefusalError(413, "The form is too long.")
        try:
            form = dict(parse_qsl(body.decode(), keep_blank_values=True, errors="strict"))
        except UnicodeDecodeError:
            raise _RefusalError(400, "The form is not UTF-8 text.") from None
        if not _same(form.pop("csrf", ""), self._keys.csrf):
            raise _RefusalError(
                403, "The form is not from this start of the page: go back, reload, try again."
            )
        return form


def _query(request: Request) -> list[tuple[str, str]]:
    return list(request.query_params.multi_items())


def _same(given: str, kept: str) -> bool:
    return compare_digest(given.encode(), kept.encode())


def _is_loopback(host: str) -> bool:
    try:
        return urlsplit(f"//{host}").hostname in _LOOPBACK
    except ValueError:
        return False

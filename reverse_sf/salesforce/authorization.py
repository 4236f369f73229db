"""A person's consent: the OAuth 2.0 authorization code flow with PKCE (RFC 7636, RFC 8252).

The browser asks Salesforce, Salesforce sends the browser back to a server on loopback that lives
for this one answer, and the code that it brings is worth nothing without the verifier that never
left this process.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass, field
from html import escape
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

import requests

from reverse_sf.errors import ConfigurationError, LoginError, RetryError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from typing_extensions import Self

CALLBACK_PATH = "/OauthRedirect"
DEFAULT_PORT = 1717
"""Port and path are those of Salesforce's own command line, so that one app serves both."""
_SCOPE = "api refresh_token"
_ANSWER_SECONDS = 60


@dataclass(frozen=True)
class Grant:
    """What a consent has given."""

    refresh_token: str = field(repr=False)
    instance_url: str


class Consent:
    """One request for consent; a context manager, because it listens on a port."""

    def __init__(self, login_url: str, client_id: str, *, port: int = DEFAULT_PORT) -> None:
        self._login_url = login_url.rstrip("/")
        self._client_id = client_id
        self._verifier = secrets.token_urlsafe(64)
        self._state = secrets.token_urlsafe(24)
        try:
            self._server = _Server(("127.0.0.1", port), _Handler)
        except OSError as error:
            raise ConfigurationError(
                f"port {port} of this machine cannot be used ({error.strerror}): choose another one"
                " with --port, and add its address to the app's callback URLs"
            ) from error
        self._server.timeout = 1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.server_close()

    @property
    def callback(self) -> str:
        """Where Salesforce sends the browser; the app must list it among its callback URLs."""
        return f"http://localhost:{self._server.server_port}{CALLBACK_PATH}"

    @property
    def address(self) -> str:
        """The page that a person opens."""
        digest = hashlib.sha256(self._verifier.encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        asked = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": self.callback,
            "scope": _SCOPE,
            "state": self._state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return f"{self._login_url}/services/oauth2/authorize?{urlencode(asked)}"

    def wait(self, seconds: float) -> str:
        """Wait for the browser to come back, and return the code that it brings.

        Raises:
            LoginError: the person or Salesforce has refused.
            RetryError: nobody came.
        """
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._server.handle_request()
            answer = self._server.answer
            if answer is None:
                continue
            # A page that some other site sent the browser to knows nothing of our state.
            if not hmac.compare_digest(answer.get("state", ""), self._state):
                self._server.answer = None
                continue
            if "code" in answer:
                return answer["code"]
            said = answer.get("error_description") or answer.get("error") or "no reason given"
            raise LoginError(f"Salesforce did not give its consent: {said}")
        raise RetryError(f"nobody has answered in the browser for {seconds:g} seconds")

    def redeem(self, code: str, client_secret: str | None = None) -> Grant:
        """Exchange a code for a refresh token.

        Raises:
            LoginError: Salesforce refuses, or gives no refresh token.
            RetryError: Salesforce cannot be reached.
        """
        form = {
            "grant_type": "authorization_code",
            "client_id": self._client_id,
            "code": code,
            "redirect_uri": self.callback,
            "code_verifier": self._verifier,
        }
        if client_secret:
            form["client_secret"] = client_secret
        answer = _post(f"{self._login_url}/services/oauth2/token", form)
        token = answer.get("refresh_token")
        if not token:
            raise LoginError(
                "Salesforce gave no refresh token: give the app the OAuth scope 'Perform requests"
                " at any time (refresh_token, offline_access)'"
            )
        return Grant(token, str(answer.get("instance_url") or ""))


def revoke(login_url: str, token: str) -> bool:
    """End a refresh token in Salesforce; False where Salesforce does not know it (any more).

    Raises:
        RetryError: Salesforce cannot be reached.
    """
    try:
        answer = requests.post(
            f"{login_url.rstrip('/')}/services/oauth2/revoke",
            data={"token": token},
            timeout=_ANSWER_SECONDS,
            allow_redirects=False,
        )
    except requests.RequestException as error:
        raise RetryError(_unreachable(login_url, error)) from None
    return answer.ok


def _post(address: str, form: Mapping[str, str]) -> dict[str, Any]:
    try:
        answer = requests.post(address, data=form, timeout=_ANSWER_SECONDS, allow_redirects=False)
        body = answer.json()
    except requests.exceptions.InvalidJSONError:
        raise LoginError(
            f"{address} answered with something else than JSON: check the login URL"
        ) from None
    except requests.RequestException as error:
        raise RetryError(_unreachable(address, error)) from None
    if not answer.ok or not isinstance(body, dict):
        said = body if isinstance(body, dict) else {}
        words = said.get("error_description") or said.get("error") or "no reason given"
        raise LoginError(f"Salesforce did not accept the consent: {words} ({answer.status_code})")
    return body


def _unreachable(address: str, error: requests.RequestException) -> str:
    return f"{urlsplit(address).netloc} cannot be reached ({type(error).__name__})"


class _Server(HTTPServer):
    """Keeps the first answer that comes to the callback."""

    answer: dict[str, str] | None = None

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that hangs up is no news."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = 5

    def do_GET(self) -> None:
        """Take the answer, and tell the person that the terminal goes on."""
        address = urlsplit(self.path)
        if address.path != CALLBACK_PATH:
            self.send_error(404)
            return
        asked = parse_qs(address.query)
        self.server.answer = {name: values[0] for name, values in asked.items()}
        text = (
            "Consent is given. Go back to the terminal; this page can be closed."
            if "code" in asked
            else "No consent was given. The terminal says why; this page can be closed."
        )
        page = (
            "<!doctype html><html lang=en><meta charset=utf-8><title>Reverse SF</title>"
            f"<p>{escape(text)}</p></html>"
        ).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(page)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it
        """Log nothing: the address of the call holds the code."""

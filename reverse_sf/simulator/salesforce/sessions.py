"""Who is logged in: access tokens, refresh tokens and authorization codes of the local org."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from reverse_sf.simulator.connection import INTEGRATION_USERNAME, REFRESH_TOKEN
from reverse_sf.simulator.world import salesforce_id

if TYPE_CHECKING:
    from datetime import datetime

    from reverse_sf.simulator.clock import Clock
    from reverse_sf.simulator.switches import Switches

ORGANIZATION_ID = salesforce_id("00D", 1)
_CODE_LIFE = timedelta(minutes=15)


@dataclass(frozen=True)
class Session:
    """One login.

    Attributes:
        token: the access token; a session id of SOAP is the same thing.
        user_id: the user who logged in.
        username: that user's username.
        opened: when, by the server's clock.
    """

    token: str
    user_id: str
    username: str
    opened: datetime


@dataclass(frozen=True)
class Grant:
    """An authorization code that waits to be exchanged (OAuth 2.0 with PKCE, RFC 7636)."""

    username: str
    redirect_uri: str
    challenge: str
    made: datetime


class Sessions:
    """All logins of the org; a session ends ``session_seconds`` after it was opened."""

    def __init__(self, clock: Clock, switches: Switches) -> None:
        self._clock = clock
        self._switches = switches
        self._lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        """Nobody is logged in; only the demo refresh token is valid."""
        with self._lock:
            self._sessions: dict[str, Session] = {}
            self._refresh = {REFRESH_TOKEN: INTEGRATION_USERNAME}
            self._codes: dict[str, Grant] = {}

    def open(self, user_id: str, username: str) -> Session:
        """Log a user in."""
        token = f"{ORGANIZATION_ID[:15]}!AQ{secrets.token_urlsafe(60).replace('-', '.')}"
        session = Session(token, user_id, username, self._clock.now())
        with self._lock:
            self._sessions[token] = session
        return session

    def find(self, token: str) -> Session | None:
        """The session of a token, unless it has ended."""
        session = self._sessions.get(token)
        if session is None:
            return None
        life = timedelta(seconds=self._switches["session_seconds"])
        return session if self._clock.now() < session.opened + life else None

    def expire(self) -> int:
        """End all sessions; how many there were. Refresh tokens stay valid."""
        with self._lock:
            count = len(self._sessions)
            self._sessions.clear()
        return count

    def revoke(self, token: str) -> bool:
        """End a session, or a refresh token with all sessions of its user."""
        with self._lock:
            if self._sessions.pop(token, None):
                return True
            username = self._refresh.pop(token, None)
            if username is None:
                return False
            ended = [key for key, one in self._sessions.items() if one.username == username]
            for key in ended:
                del self._sessions[key]
            return True

    def new_refresh_token(self, username: str) -> str:
        """A refresh token for the user."""
        token = f"5Aep861{secrets.token_urlsafe(48)}"
        with self._lock:
            self._refresh[token] = username
        return token

    def refreshed(self, token: str) -> tuple[str, str | None] | None:
        """Username of a refresh token, and the token that replaces it where they rotate."""
        username = self._refresh.get(token)
        if username is None:
            return None
        if not self._switches["rotate_refresh_tokens"]:
            return username, None
        with self._lock:
            self._refresh.pop(token, None)
        return username, self.new_refresh_token(username)

    def new_code(self, username: str, redirect_uri: str, challenge: str) -> str:
        """An authorization code, good for one exchange."""
        code = f"aPrx{secrets.token_urlsafe(32)}"
        with self._lock:
            self._codes[code] = Grant(username, redirect_uri, challenge, self._clock.now())
        return code

    def take_code(self, code: str) -> Grant | None:
        """What the code was given for; it is used up by asking."""
        with self._lock:
            grant = self._codes.pop(code, None)
        if grant is None or self._clock.now() > grant.made + _CODE_LIFE:
            return None
        return grant

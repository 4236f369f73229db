"""One authenticated conversation with SPOTIO's API: token, retries, timeouts, errors.

Facts: developer portal, Authenticating (token of 30 days, no refresh token, an expired one answers
401) and Status Codes and Errors. No rate limit is published; 429 is understood all the same.
"""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, NoReturn

import httpx

from reverse_sf.cache import Cache
from reverse_sf.errors import AccessError, LoginError, RetryError
from reverse_sf.spotio.answers import body_of, complaints_in, is_foreign_page, refusal, told
from reverse_sf.spotio.errors import AmbiguousOutcomeError, Call

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

DEFAULT_API_URL = "https://api.spotio2.com"
USER_AGENT = "reverse-sf/0.1 (+https://pypi.org/project/reverse-sf)"
_TOKEN_PATH = "/api/users/apitoken"  # noqa: S105 - a path, not a secret
_TOKEN_TYPES = ("application/json", "application/merge-patch+json")
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_LONGEST_WAIT = 30.0
_TOO_MANY, _UNAUTHORIZED, _SERVER_FAULT, _FORBIDDEN = 429, 401, 500, 403


@dataclass(frozen=True)
class Credentials:
    """An API key of SPOTIO (Settings, Integrations, API Access; made by an Admin)."""

    client_id: str
    client_secret: str = field(repr=False)
    impersonated_user_id: int | None = None

    def cache(self, api_url: str, settings: Mapping[str, Any], *, fresh: bool = False) -> Cache:
        """What is kept between runs for this key; see :mod:`reverse_sf.cache`.

        Args:
            api_url: the service's address.
            settings: of a plugin.
            fresh: find nothing, but keep what this run learns.
        """
        identity = ("spotio", api_url, self.client_id, self.impersonated_user_id)
        return Cache.from_settings(settings, identity, [self.client_secret], fresh=fresh)


@dataclass(frozen=True)
class Reply:
    """A good answer and the call that it belongs to."""

    body: Any
    call: Call


class Session:
    """Sends calls; safe to use from several threads.

    Args:
        credentials: the API key.
        api_url: the service's address.
        timeout: seconds to wait for a connection and for each part of an answer.
        attempts: how often a call is tried that may be repeated.
        cache: keeps the token, and answers of :meth:`get_kept`, between runs.
        transport: a stand-in for the network, for tests.
        sleep: waits so many seconds; tests pass their own.
    """

    def __init__(
        self,
        credentials: Credentials,
        *,
        api_url: str = DEFAULT_API_URL,
        timeout: float = 60.0,
        attempts: int = 5,
        cache: Cache | None = None,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.api_url = api_url
        self._credentials = credentials
        self._attempts = attempts
        self._sleep = sleep
        self._jitter = random.Random()  # noqa: S311 - spreads retries, protects nothing
        self._lock = threading.Lock()
        self._cache = cache or Cache.nowhere()
        self._token: str | None = None
        self._minted: datetime | None = None
        self._http = httpx.Client(
            base_url=api_url.rstrip("/"),
            timeout=httpx.Timeout(timeout, connect=min(timeout, 15.0)),
            headers={"User-Agent": USER_AGENT, "Accept": "application/json, text/plain"},
            transport=transport,
            limits=httpx.Limits(max_connections=10, max_keepalive_connections=10),
        )
        self.calls = 0
        self._told: tuple[datetime, float] | None = None

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def server_time(self) -> datetime | None:
        """SPOTIO's present time, never late: from the ``Date`` of its last answer.

        None where nothing was answered yet, or without a ``Date``.
        """
        if self._told is None:
            return None
        told, heard = self._told
        return told + timedelta(seconds=time.monotonic() - heard)

    def token(self) -> str:
        """The current access token: the one that was kept, or a new one.

        Raises:
            LoginError: the key was not accepted.
        """
        with self._lock:
            if self._token is None:
                self._token = self._kept_token() or self._new_token()
            return self._token

    @property
    def token_minted(self) -> datetime | None:
        """SPOTIO's time, as its answers tell it, when it gave out the token; None for unknown."""
        return self._minted

    def _renew(self, used: str) -> None:
        with self._lock:
            # Another thread may have renewed it while this one waited for its answer.
            if self._token == used:
                self._token = self._new_token()

    def _kept_token(self) -> str | None:
        match self._cache.token():
            case {"token": str(token), "minted": minted}:
                self._minted = None if minted is None else datetime.fromisoformat(str(minted))
                return token
            case _:
                return None

    def _new_token(self) -> str:
        # Whatever comes of this one, the old one is over.
        self._cache.drop_token()
        token = self._mint()
        self._minted = self.server_time()
        minted = None if self._minted is None else self._minted.isoformat()
        self._cache.keep_token({"token": token, "minted": minted})
        return token

    def get_kept(self, path: str, *, anew: bool = False) -> tuple[Any, bool]:
        """What a path told, and whether it told it in an earlier run.

        Args:
            path: of a reading call whose answer seldom changes.
            anew: ask, whatever was kept.
        """
        kept = None if anew else self._cache.get(path)
        if kept is not None:
            return kept, True
        body = self.get(path).body
        self._cache.put(path, body)
        return body, False

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> Reply:
        """A reading call; repeated until it is answered."""
        return self.request("GET", path, params=params, repeatable=True)

    def request(
        self,
        method: str,
        path: str,
        *,
        repeatable: bool,
        params: Mapping[str, Any] | None = None,
        payload: Any = None,
        content: bytes | None = None,
        content_type: str = "application/json",
    ) -> Reply:
        """Send one call and return its answer.

        Args:
            method: HTTP method.
            path: path under the API's address.
            repeatable: the call may be sent again where its outcome is unknown.
            params: query parameters.
            payload: JSON body.
            content: body as bytes, instead of ``payload``.
            content_type: of the body.

        Raises:
            WriteRefusedError: 400 or 422.
            NotFoundError: 404.
            AccessError: 403.
            RefusedError: another refusal.
            LoginError: the key or a fresh token was not accepted.
            AmbiguousOutcomeError: sent, not answered, and not ``repeatable``.
            RetryError: no attempt was answered.
        """
        how: dict[str, Any] = {"params": params}
        if content is not None:
            how |= {"content": content, "headers": {"Content-Type": content_type}}
        elif payload is not None:
            how |= {"json": payload, "headers": {"Content-Type": content_type}}
        call = Call(method, path, payload=payload)
        trouble = _Trouble("")
        for attempt in range(self._attempts):
            if attempt:
                self._pause(attempt, trouble)
            outcome = self._attempt(call, how, repeatable=repeatable)
            if isinstance(outcome, Reply):
                return outcome
            trouble = outcome
        raise RetryError(
            f"SPOTIO did not answer {method} {path} in {self._attempts} attempts: {trouble.words}."
            " Everything finished so far is kept; run again later."
        )

    def _attempt(self, call: Call, how: dict[str, Any], *, repeatable: bool) -> Reply | _Trouble:
        try:
            response = self._send_authorized(call, how)
        except _NEVER_SENT as error:
            return _Trouble(f"no connection ({type(error).__name__})")
        except httpx.TransportError as error:
            trouble = _Trouble(f"no answer ({type(error).__name__})")
            return trouble if repeatable else _unknown(call, trouble)
        status, foreign, body = response.status_code, is_foreign_page(response), body_of(response)
        call = replace(call, status=status, answer=None if foreign else body)
        if response.is_success and not foreign:
            return Reply(body, call)
        trouble = _Trouble(f"status {status}" + " and a web page" * foreign, _asked_wait(response))
        if status == _TOO_MANY or (foreign and status == _FORBIDDEN):
            return trouble  # turned away at the door: nothing was done
        if status >= _SERVER_FAULT or foreign:
            return trouble if repeatable else _unknown(call, trouble)
        raise refusal(response, call)

    def _send_authorized(self, call: Call, how: dict[str, Any]) -> httpx.Response:
        token = self.token()
        response = self._send(call.method, call.path, token, **how)
        if response.status_code != _UNAUTHORIZED:
            return response
        self._renew(token)
        response = self._send(call.method, call.path, self.token(), **how)
        if response.status_code == _UNAUTHORIZED:
            raise LoginError(
                "SPOTIO does not accept the token that it just gave out; is the user who made the"
                " API key suspended?"
            )
        return response

    def _send(self, method: str, path: str, token: str | None, **how: Any) -> httpx.Response:
        self.calls += 1
        headers = dict(how.pop("headers", {}))
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        response = self._http.request(method, path, headers=headers, **how)
        told = _date_of(response)
        if told is not None:
            self._told = (told, time.monotonic())
        return response

    def _pause(self, attempt: int, trouble: _Trouble) -> None:
        wait = self._jitter.uniform(0.1, min(_LONGEST_WAIT, 0.5 * 2**attempt))
        self._sleep(wait if trouble.asked_wait is None else trouble.asked_wait)

    def _mint(self) -> str:
        payload: dict[str, Any] = {
            "clientId": self._credentials.client_id,
            "secret": self._credentials.client_secret,
        }
        if self._credentials.impersonated_user_id is not None:
            payload["impersonatedUserId"] = self._credentials.impersonated_user_id
        trouble = _Trouble("")
        types = list(_TOKEN_TYPES)
        for attempt in range(self._attempts):
            if attempt:
                self._pause(attempt, trouble)
            try:
                response = self._send_for_token(payload, types)
            except httpx.TransportError as error:
                trouble = _Trouble(f"no answer ({type(error).__name__})")
                continue
            status = response.status_code
            if status != _TOO_MANY and status < _SERVER_FAULT and not is_foreign_page(response):
                return self._token_in(response)
            trouble = _Trouble(f"status {status}", _asked_wait(response))
        raise RetryError(
            f"SPOTIO at {self._http.base_url} gave no token in {self._attempts} attempts:"
            f" {trouble.words}"
        )

    def _send_for_token(self, payload: dict[str, Any], types: list[str]) -> httpx.Response:
        while True:
            headers = {"Content-Type": types[0]}
            response = self._send("POST", _TOKEN_PATH, None, json=payload, headers=headers)
            if response.status_code != httpx.codes.UNSUPPORTED_MEDIA_TYPE or len(types) == 1:
                return response
            types.pop(0)

    def _token_in(self, response: httpx.Response) -> str:
        body = body_of(response)
        if response.is_success and isinstance(body, dict):
            token = {str(key).lower(): value for key, value in body.items()}.get("accesstoken")
            if isinstance(token, str) and token:
                return token
        words = told(complaints_in(body), response.status_code)
        words = words.replace(self._credentials.client_secret, "***")
        if response.status_code == _FORBIDDEN:
            raise AccessError(f"SPOTIO refuses this API key: {words}")
        raise LoginError(
            f"SPOTIO does not accept client_id and client_secret: {words}. An Admin makes a key in"
            " Settings, Integrations, API Access."
        )


@dataclass(frozen=True)
class _Trouble:
    """What went wrong in one attempt, and how long SPOTIO asked to wait."""

    words: str
    asked_wait: float | None = None


def _unknown(call: Call, trouble: _Trouble) -> NoReturn:
    raise AmbiguousOutcomeError(
        f"{call.method} {call.path} was sent and its outcome is unknown: {trouble.words}",
        call=call,
    )


def _date_of(response: httpx.Response) -> datetime | None:
    try:
        told = parsedate_to_datetime(response.headers.get("date", ""))
    except ValueError:
        return None
    return told.astimezone(timezone.utc)


def _asked_wait(response: httpx.Response) -> float | None:
    asked = response.headers.get("retry-after", "")
    return min(float(asked), _LONGEST_WAIT) if asked.isdigit() else None

"""The session under simple-salesforce: what its calls lack is added here, for every call at once.

simple-salesforce sends everything through the ``requests`` session that it is given. This one adds
timeouts, retries with jitter, one new login when the session id has expired (also in the middle of
a job), a login that is kept between runs, the request quota, the server's clock, and plain http for
loopback hosts.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import requests
from requests.adapters import HTTPAdapter

from reverse_sf.cache import Cache
from reverse_sf.errors import LoginError, RetryError
from reverse_sf.salesforce.credentials import LOGIN_ALIAS, LOOPBACK_HOSTS, Login, log_in
from reverse_sf.salesforce.quota import Quota
from reverse_sf.salesforce.refusals import Refusal, read_refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from reverse_sf.salesforce.credentials import Credentials

logger = logging.getLogger(__name__)

# Calls of these paths may be sent again although an earlier try may have arrived: a login or a job
# made twice harms nobody, and a POST to one object's collection reads. Any other POST is sent again
# only if it surely did not arrive.
_REPEATABLE_POSTS = (
    *("/services/oauth2/", "/services/Soap/u/", "/jobs/query", "/jobs/ingest"),
    *("/composite/batch", "/composite/sobjects/"),
)
SEND_ONCE = "X-Send-Once"
"""Marks a call that is not to be sent again where an earlier try may have arrived. Never sent."""
_CLOCK_MOVED = timedelta(seconds=2)
_PASSING_FAILURES = (requests.exceptions.ConnectionError, requests.exceptions.Timeout)
_BROKEN_ANSWERS = (
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
)


@dataclass(frozen=True)
class Patience:
    """How long to try: seconds, and counts of tries.

    Attributes:
        tries: how often one call is sent at most.
        first_pause_s: longest pause before the second try; it doubles with every try.
        longest_pause_s: bound of the doubling.
        connect_s: time to reach the host.
        answer_s: time without a byte of the answer; Salesforce ends a REST call after 10 minutes.
    """

    tries: int = 6
    first_pause_s: float = 0.4
    longest_pause_s: float = 30.0
    connect_s: float = 15.0
    answer_s: float = 610.0

    def pause_s(self, tried: int) -> float:
        """Return the pause before the next try, with jitter, so that clients do not move as one."""
        bound = min(self.first_pause_s * 2.0 ** (tried - 1), self.longest_pause_s)
        return random.uniform(bound / 2, bound)  # noqa: S311 - spreads load, protects nothing


class SalesforceSession(requests.Session):
    """One pooled session with one login, safe to use from several threads."""

    def __init__(
        self,
        credentials: Credentials,
        *,
        api_version: str,
        quota: Quota | None = None,
        patience: Patience | None = None,
        connections: int = 8,
        cache: Cache | None = None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__()
        self.credentials = credentials
        self.api_version = api_version
        self.quota = quota or Quota()
        self.patience = patience or Patience()
        self.cache = cache or Cache.nowhere()
        self.logins = 0
        self._pause = pause
        self._login: Login | None = None
        self._lock = threading.Lock()
        self._clock_offset = timedelta(0)
        self._clock_told = False
        pool = HTTPAdapter(pool_connections=4, pool_maxsize=connections)
        self.mount("https://", pool)
        self.mount("http://", pool)
        self.headers["Sforce-Call-Options"] = "client=reverse-sf"
        self.headers["User-Agent"] = f"reverse-sf/{version('reverse-sf')}"
        self._login_address = urlsplit(credentials.login_url or "")
        plain = (credentials.login_url, credentials.instance_url)
        self._loopback_scheme = "http" if any(_is_plain(url) for url in plain) else "https"

    @property
    def login(self) -> Login:
        """The login in use: the one that was kept, or a new one.

        Raises:
            LoginError: if Salesforce does not accept it.
        """
        with self._lock:
            if self._login is None:
                self._login = self._kept_login() or self._log_in()
            return self._login

    @property
    def clock_is_told(self) -> bool:
        """Whether an answer of this run told the time; else it is what an earlier run was told."""
        return self._clock_told

    def server_time(self) -> datetime:
        """Return the time by Salesforce's clock, never earlier than it and a second late at most.

        From the ``Date`` of its last answer, which has whole seconds. Where nothing has been
        answered yet, from our own clock and how far it was off when the login was kept.
        """
        return datetime.now(timezone.utc) + self._clock_offset

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Send a call until it is answered for good.

        Returns:
            The answer, also where Salesforce refused for good: the caller knows what that means.

        Raises:
            RetryError: if a passing fault outlived all tries.
            LoginError: if the session expired and a new login is refused.
            QuotaError: before the call, if a share of the request quota is used up.
        """
        kwargs["timeout"] = (self.patience.connect_s, self.patience.answer_s)
        self._readdress(request)
        # simple-salesforce asks for indented answers, a quarter more bytes for nobody to read.
        request.headers.pop("X-PrettyPrint", None)
        once = request.headers.pop(SEND_ONCE, None) is not None
        repeatable = not once and _is_repeatable(request)
        signed = request.headers.get("Authorization", "").startswith("Bearer ")
        if signed:
            self.quota.check()
        renewed = False
        tried = 0
        while True:
            tried += 1
            token = self._sign(request) if signed else ""
            outcome = self._try(request, kwargs)
            if isinstance(outcome, requests.Response):
                if outcome.status_code < 400:  # noqa: PLR2004 - the first status that refuses
                    return outcome
                refusal = read_refusal(outcome)
                if signed and refusal.session_lost and not renewed:
                    renewed = True
                    self._renew(token)
                    continue
                if (
                    not _worth_another_try(refusal, repeatable=repeatable)
                    or tried >= self.patience.tries
                ):
                    return outcome
                reason = f"{refusal.status} {refusal.code}".strip()
            else:
                reason = type(outcome).__name__
                if signed and not self._clock_told:
                    # Nobody answers where the kept login leads: the org may have moved.
                    self.cache.drop_token()
                if tried >= self.patience.tries or not _may_repeat(outcome, repeatable=repeatable):
                    raise RetryError(
                        f"{request.method} {_bare(request.url)}: no answer "
                        f"({reason}, tried {tried} times). Run again later"
                    ) from outcome
            pause_s = self.patience.pause_s(tried)
            logger.warning(
                "%s %s: %s, next try in %.1f s", request.method, _bare(request.url), reason, pause_s
            )
            self._pause(pause_s)

    def _try(
        self, request: requests.PreparedRequest, kwargs: dict[str, Any]
    ) -> requests.Response | requests.RequestException:
        try:
            response = super().send(request, **kwargs)
        except (*_PASSING_FAILURES, *_BROKEN_ANSWERS) as failure:
            return failure
        self.quota.record(response.headers.get("Sforce-Limit-Info"))
        self._set_clock(response.headers.get("Date"))
        return response

    def _sign(self, request: requests.PreparedRequest) -> str:
        """Give the call the session id of this moment: the one it came with may be stale."""
        token = self.login.session_id
        request.headers["Authorization"] = f"Bearer {token}"
        return token

    def _renew(self, stale: str) -> None:
        """Log in again, once for all threads that met the same expired session id."""
        with self._lock:
            if self._login is not None and self._login.session_id != stale:
                return
            if self.credentials.flow == "session":
                raise LoginError(
                    "the session id has expired and nothing else to log in with was given. "
                    "Set a new session_id, or use one of the other login flows"
                )
            logger.info("the Salesforce session has expired; logging in again")
            self._login = self._log_in()

    def _log_in(self) -> Login:
        credentials = self.credentials
        if self._login is not None and self._login.refresh_token:
            credentials = _rotated(credentials, self._login.refresh_token)
        # Whatever comes of this one, the old one is over.
        self.cache.drop_token()
        login = log_in(credentials, self, self.api_version)
        self.logins += 1
        self._keep(login)
        if login.refresh_token and login.refresh_token != self.credentials.refresh_token:
            logger.warning(
                "Salesforce has rotated the refresh token; the new one is used for this run, and "
                "the configured one may no longer work. Switch rotation off for this app"
            )
            self.credentials = _rotated(self.credentials, login.refresh_token)
        return login

    def _kept_login(self) -> Login | None:
        kept = None if self.credentials.flow == "session" else self.cache.token()
        match kept:
            case {"session_id": str(session_id), "instance": str(instance), "ahead_s": ahead_s}:
                self._clock_offset = timedelta(seconds=float(ahead_s))
                return Login(session_id, instance)
            case _:
                return None

    def _keep(self, login: Login) -> None:
        if self.credentials.flow != "session":
            kept = {"session_id": login.session_id, "instance": login.instance}
            self.cache.keep_token(kept | {"ahead_s": self._clock_offset.total_seconds()})

    def _readdress(self, request: requests.PreparedRequest) -> None:
        """Send a call to the host that the settings name, where simple-salesforce cannot."""
        parts = urlsplit(request.url or "")
        host = parts.hostname or ""
        if host == f"{LOGIN_ALIAS}.salesforce.com":
            address = self._login_address
            parts = parts._replace(scheme=address.scheme, netloc=address.netloc)
        elif host in LOOPBACK_HOSTS:
            parts = parts._replace(scheme=self._loopback_scheme)
        else:
            return
        request.url = urlunsplit(parts)

    def _set_clock(self, date: str | None) -> None:
        if not date:
            return
        try:
            told = parsedate_to_datetime(date)
        except ValueError:
            return
        latest = told.astimezone(timezone.utc) + timedelta(seconds=1)
        offset = latest - datetime.now(timezone.utc)
        moved = abs(offset - self._clock_offset) > _CLOCK_MOVED
        self._clock_offset = offset
        if moved and not self._clock_told and self._login is not None:
            # One of the clocks was set since the login was kept; the next run begins by this one.
            self._keep(self._login)
        self._clock_told = True


def _rotated(credentials: Credentials, refresh_token: str) -> Credentials:
    return replace(credentials, refresh_token=refresh_token)


def _is_repeatable(request: requests.PreparedRequest) -> bool:
    path = urlsplit(request.url or "").path
    return request.method != "POST" or any(part in path for part in _REPEATABLE_POSTS)


def _worth_another_try(refusal: Refusal, *, repeatable: bool) -> bool:
    if not refusal.passing:
        return False
    # After 5xx nobody knows whether a write was done, whatever the body says; a refusal with a
    # code of its own, such as a locked row, says that it was not.
    refused = bool(refusal.code) and refusal.status < 500  # noqa: PLR2004 - the server's own faults
    return repeatable or refused or refusal.status == 429  # noqa: PLR2004 - Too Many Requests


def _may_repeat(failure: requests.RequestException, *, repeatable: bool) -> bool:
    return repeatable or isinstance(failure, requests.exceptions.ConnectTimeout)


def _is_plain(url: str | None) -> bool:
    return urlsplit(url or "").scheme == "http"


def _bare(url: str | None) -> str:
    """Drop the query of an address: it may hold record values."""
    return urlsplit(url or "").path

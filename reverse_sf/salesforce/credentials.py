"""How to log in: which flow the given credentials make, and the login itself.

All flows but the refresh token are simple-salesforce's own; the refresh-token grant is the OAuth
2.0 one (Salesforce Help, "OAuth 2.0 Refresh Token Flow for Renewed Sessions").
"""

from __future__ import annotations

import warnings
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
from simple_salesforce.exceptions import SalesforceAuthenticationFailed
from simple_salesforce.login import SalesforceLogin

from reverse_sf.cache import Cache
from reverse_sf.errors import ConfigurationError, LoginError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# SOAP login() is not offered from API version 65 on (SOAP API End-of-Life Policy).
LAST_SOAP_VERSION = "64.0"

# simple-salesforce logs in at https://<domain>.salesforce.com and nowhere else. With ``login_url``
# it gets this name, which the session turns into the address that was asked for.
LOGIN_ALIAS = "login-url"

LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
_SECRETS = ("password", "security_token", "client_secret", "refresh_token", "session_id")
_IDENTITY = (
    *("username", "organization_id", "client_id", "jwt_audience"),
    *("login_url", "instance_url", "domain", "is_sandbox"),
)


@dataclass(frozen=True)
class Credentials:
    """Everything that says who we are and where; the fields set decide the flow.

    ``login_url`` is where to log in, any host; without it ``domain`` (My Domain, such as
    ``acme.my``) or ``is_sandbox`` choose Salesforce's own hosts. ``instance_url`` overrides the
    API host that a login answers with. Plain http is accepted for loopback hosts only.
    """

    username: str | None = None
    password: str | None = field(default=None, repr=False)
    security_token: str | None = field(default=None, repr=False)
    organization_id: str | None = None
    client_id: str | None = None
    client_secret: str | None = field(default=None, repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    jwt_private_key: str | None = field(default=None, repr=False)
    jwt_private_key_file: str | None = None
    jwt_audience: str | None = None
    session_id: str | None = field(default=None, repr=False)
    login_url: str | None = None
    instance_url: str | None = None
    domain: str | None = None
    is_sandbox: bool = False

    def __post_init__(self) -> None:
        problems = [
            f"{name}: {problem}"
            for name in ("login_url", "instance_url")
            if (url := getattr(self, name)) and (problem := _url_problem(url))
        ]
        if problems:
            raise ConfigurationError("the address of Salesforce cannot be used", problems)

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Credentials:
        """Pick the credentials out of a plugin's settings; blank texts count as not given."""
        known = cls.__dataclass_fields__
        given = {name: value for name, value in settings.items() if name in known}
        return cls(**{name: value for name, value in given.items() if value not in (None, "")})

    @property
    def flow(self) -> str:
        """Name of the login flow that the given credentials make.

        Raises:
            ConfigurationError: if they make none.
        """
        key = self.jwt_private_key or self.jwt_private_key_file
        if self.session_id and self.instance_url:
            return "session"
        if self.client_id and self.refresh_token:
            return "refresh_token"
        if self.client_id and self.username and key:
            return "jwt"
        if self.client_id and self.client_secret and self.username and self.password:
            return "oauth_password"
        if self.username and self.password:
            return "soap"
        if self.client_id and self.client_secret and (self.domain or self.login_url):
            return "client_credentials"
        raise ConfigurationError(
            "the credentials are not complete. Any one of these sets logs in",
            [
                "client_id, refresh_token (and client_secret where the app has one)",
                "client_id, username and jwt_private_key or jwt_private_key_file",
                "client_id, client_secret and domain (My Domain) or login_url",
                "client_id, client_secret, username, password (and security_token)",
                "username, password and security_token or organization_id",
                "session_id and instance_url",
            ],
        )

    @property
    def login_domain(self) -> str:
        """The part before ``.salesforce.com`` of the host that simple-salesforce will call."""
        if self.login_url:
            return LOGIN_ALIAS
        if self.domain:
            return self.domain.removesuffix(".salesforce.com")
        return "test" if self.is_sandbox else "login"

    @property
    def audience(self) -> str:
        """The part before ``.salesforce.com`` of a JWT's audience.

        Raises:
            ConfigurationError: if ``jwt_audience`` is no address of Salesforce.
        """
        if not self.jwt_audience:
            return self.login_domain if self.domain else "test" if self.is_sandbox else "login"
        host = urlsplit(self.jwt_audience).hostname or ""
        if not host.endswith(".salesforce.com"):
            raise ConfigurationError(
                "jwt_audience must be an address of Salesforce, such as "
                f"https://login.salesforce.com, not {self.jwt_audience!r}"
            )
        return host.removesuffix(".salesforce.com")

    def cache(self, settings: Mapping[str, Any], *, fresh: bool = False) -> Cache:
        """What is kept between runs for these credentials; see :mod:`reverse_sf.cache`.

        Args:
            settings: of a plugin.
            fresh: find nothing, but keep what this run learns.
        """
        identity = [getattr(self, name) for name in _IDENTITY]
        secrets = [getattr(self, name) for name in (*_SECRETS, "jwt_private_key")]
        if self.jwt_private_key_file:
            # A file that cannot be read is for the login to complain of.
            with suppress(OSError):
                secrets.append(Path(self.jwt_private_key_file).read_text(encoding="utf-8"))
        return Cache.from_settings(settings, ("salesforce", *identity), secrets, fresh=fresh)

    def redact(self, text: str) -> str:
        """Return the text without any secret of these credentials in it."""
        for name in (*_SECRETS, "jwt_private_key"):
            secret = getattr(self, name)
            if secret:
                text = text.replace(secret, "***")
        return text


@dataclass(frozen=True)
class Login:
    """One accepted login.

    Attributes:
        session_id: the access token.
        instance: host, and port where it is not 443, of the API.
        refresh_token: a new refresh token, where Salesforce rotated the old one.
    """

    session_id: str = field(repr=False)
    instance: str
    refresh_token: str | None = field(default=None, repr=False)


def log_in(credentials: Credentials, session: requests.Session, api_version: str) -> Login:
    """Log in once.

    Args:
        credentials: who we are.
        session: the session that carries the calls; it knows where :data:`LOGIN_ALIAS` leads.
        api_version: such as ``"62.0"``; only the SOAP flow uses it.

    Raises:
        LoginError: in Salesforce's words, without any secret.
        ConfigurationError: if the credentials make no flow.
    """
    flow = credentials.flow
    login = _FLOWS[flow]
    try:
        with warnings.catch_warnings():
            # simple-salesforce warns beside the exception that it raises for the same reason.
            warnings.simplefilter("ignore")
            accepted = login(credentials, session, api_version)
    except SalesforceAuthenticationFailed as refused:
        words = credentials.redact(str(refused.auth_message or "no reason given")).strip()
        raise LoginError(
            f"Salesforce did not accept the login ({flow} flow): {words} ({refused.code}). "
            f"Check {_GIVEN[flow]}"
        ) from None
    except requests.exceptions.InvalidJSONError:
        raise LoginError(
            f"the login ({flow} flow) was answered with something else than JSON. "
            "Check login_url and domain"
        ) from None
    except (FileNotFoundError, PermissionError) as unreadable:
        raise ConfigurationError(
            f"jwt_private_key_file cannot be read: {unreadable.strerror}"
        ) from None
    except ValueError:
        raise ConfigurationError("the JWT private key is not a PEM key for RS256") from None
    if credentials.instance_url:
        return replace(accepted, instance=urlsplit(credentials.instance_url).netloc)
    return accepted


def _session(credentials: Credentials, _session: requests.Session, _version: str) -> Login:
    return Login(credentials.session_id or "", urlsplit(credentials.instance_url or "").netloc)


def _refresh(credentials: Credentials, session: requests.Session, _version: str) -> Login:
    form = {
        "grant_type": "refresh_token",
        "client_id": credentials.client_id,
        "refresh_token": credentials.refresh_token,
    }
    if credentials.client_secret:
        form["client_secret"] = credentials.client_secret
    host = credentials.login_domain
    answer = session.post(f"https://{host}.salesforce.com/services/oauth2/token", data=form)
    body = answer.json()
    if not answer.ok or not isinstance(body, dict) or "access_token" not in body:
        refused = body if isinstance(body, dict) else {}
        raise SalesforceAuthenticationFailed(
            refused.get("error") or answer.status_code, refused.get("error_description") or ""
        )
    return Login(
        body["access_token"],
        urlsplit(body.get("instance_url") or credentials.instance_url or "").netloc,
        body.get("refresh_token"),
    )


def _jwt(credentials: Credentials, session: requests.Session, _version: str) -> Login:
    return Login(
        *SalesforceLogin(
            session=session,
            username=credentials.username,
            consumer_key=credentials.client_id,
            privatekey=credentials.jwt_private_key,
            privatekey_file=credentials.jwt_private_key_file,
            instance_url=credentials.login_domain,
            domain=credentials.audience,
        )
    )


def _oauth_password(credentials: Credentials, session: requests.Session, _version: str) -> Login:
    # The token endpoint wants the security token appended to the password.
    return Login(
        *SalesforceLogin(
            session=session,
            username=credentials.username,
            password=f"{credentials.password}{credentials.security_token or ''}",
            consumer_key=credentials.client_id,
            consumer_secret=credentials.client_secret,
            domain=credentials.login_domain,
        )
    )


def _soap(credentials: Credentials, session: requests.Session, version: str) -> Login:
    return Login(
        *SalesforceLogin(
            session=session,
            username=credentials.username,
            password=credentials.password,
            security_token=credentials.security_token
            or (None if credentials.organization_id else ""),
            organizationId=credentials.organization_id,
            sf_version=min(version, LAST_SOAP_VERSION, key=float),
            domain=credentials.login_domain,
        )
    )


def _client_credentials(
    credentials: Credentials, session: requests.Session, _version: str
) -> Login:
    return Login(
        *SalesforceLogin(
            session=session,
            consumer_key=credentials.client_id,
            consumer_secret=credentials.client_secret,
            domain=credentials.login_domain,
        )
    )


_GIVEN: Mapping[str, str] = {
    "session": "session_id and instance_url",
    "refresh_token": "client_id, client_secret and refresh_token",
    "jwt": "client_id, username, the private key and jwt_audience",
    "oauth_password": "client_id, client_secret, username, password and security_token",
    "soap": "username, password and security_token",
    "client_credentials": "client_id, client_secret and the host in login_url or domain",
}
"""The settings that each flow logs in with, for messages."""

_FLOWS: Mapping[str, Callable[[Credentials, requests.Session, str], Login]] = {
    "session": _session,
    "refresh_token": _refresh,
    "jwt": _jwt,
    "oauth_password": _oauth_password,
    "soap": _soap,
    "client_credentials": _client_credentials,
}


def _url_problem(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return f"{url!r} is not an address such as https://acme.my.salesforce.com"
    if parts.scheme == "http" and parts.hostname not in LOOPBACK_HOSTS:
        return f"{url!r} would send secrets in the clear; use https"
    return ""

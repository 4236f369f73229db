"""Logins of the local org: the OAuth 2.0 grants, consent, identity, revocation and SOAP login().

Shapes from recorded answers; error words from the help page ``remoteaccess_oauth_flow_errors`` and
public client code. Everything answers on any host name, so that clients which insist on
``login.salesforce.com`` can be sent here by a proxy.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

from reverse_sf.simulator.connection import (
    CONSUMER_KEY,
    CONSUMER_SECRET,
    INTEGRATION_USERNAME,
    PASSWORD,
    SECURITY_TOKEN,
)
from reverse_sf.simulator.salesforce.assertion import AssertionRefusedError, subject_of
from reverse_sf.simulator.salesforce.exchange import Answer, Call
from reverse_sf.simulator.salesforce.place import instance_url, user_url
from reverse_sf.simulator.salesforce.refusal import ApiFault

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reverse_sf.simulator.salesforce.service import Service

_LOGIN_HOSTS = ("https://login.salesforce.com", "https://test.salesforce.com")
_SCOPE = "refresh_token api web id"


class OAuthError(Exception):
    """A refusal of the token endpoint: an object, not a list, with status 400."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.answer = Answer({"error": error, "error_description": description}, 400)


def token(service: Service, call: Call) -> Answer:
    """``POST /services/oauth2/token``: every grant."""
    form = dict(parse_qsl(call.body.decode("utf-8", errors="replace"), keep_blank_values=True))
    form = {**call.query, **form, **_basic(call.headers)}
    grants: Mapping[str, Callable[[Service, Call, dict[str, str]], dict[str, str]]] = {
        "password": _password,
        "client_credentials": _client_credentials,
        "refresh_token": _refresh,
        "authorization_code": _code,
        "urn:ietf:params:oauth:grant-type:jwt-bearer": _assertion,
    }
    grant = grants.get(form.get("grant_type", ""), _unknown_grant)
    try:
        return Answer(grant(service, call, form), headers={"Cache-Control": "no-store"})
    except OAuthError as error:
        return error.answer


def authorize(service: Service, call: Call) -> Answer:
    """``/services/oauth2/authorize``: a plain consent page, and the redirect with the code."""
    form = dict(parse_qsl(call.body.decode("utf-8", errors="replace")))
    asked = {**call.query, **form}
    redirect_uri = asked.get("redirect_uri", "")
    if asked.get("client_id") != CONSUMER_KEY:
        return _page("error=invalid_client_id&error_description=client%20identifier%20invalid", 400)
    if not redirect_uri or asked.get("response_type") != "code":
        return _page("response_type must be code, and redirect_uri must be given", 400)
    if asked.get("code_challenge") and asked.get("code_challenge_method", "S256") != "S256":
        return _page("code_challenge_method must be S256", 400)
    if call.method == "GET":
        return _consent(asked)
    back = {"state": asked["state"]} if asked.get("state") else {}
    username = asked.get("username", INTEGRATION_USERNAME)
    if asked.get("decision") != "allow" or service.user(username) is None:
        back |= {"error": "access_denied", "error_description": "end-user denied authorization"}
    else:
        challenge = asked.get("code_challenge", "")
        back["code"] = service.sessions.new_code(username, redirect_uri, challenge)
    joint = "&" if "?" in redirect_uri else "?"
    return Answer(None, 302, {"Location": f"{redirect_uri}{joint}{urlencode(back)}"})


def revoke(service: Service, call: Call) -> Answer:
    """``/services/oauth2/revoke``: end a session or a refresh token."""
    form = {**call.query, **dict(parse_qsl(call.body.decode("utf-8", errors="replace")))}
    if service.sessions.revoke(form.get("token", "")):
        return Answer(b"", media_type="text/html")
    return Answer({"error": "unsupported_token_type", "error_description": "invalid token"}, 400)


def password_accepted(
    service: Service, username: str, password: str, *, trusted: bool = False
) -> bool:
    """Whether the user may come in; from a ``trusted`` network without the security token."""
    accepted = {PASSWORD + SECURITY_TOKEN, *((PASSWORD,) if trusted else ())}
    user = service.user(username)
    return user is not None and not service.org.frozen(user["Id"]) and password in accepted


def _unknown_grant(_service: Service, _call: Call, _form: dict[str, str]) -> dict[str, str]:
    raise OAuthError("unsupported_grant_type", "grant type not supported")


def _password(service: Service, call: Call, form: dict[str, str]) -> dict[str, str]:
    _client(form)
    if not password_accepted(service, form.get("username", ""), form.get("password", "")):
        raise OAuthError("invalid_grant", "authentication failure")
    return _opened(service, call, form["username"])


def _client_credentials(service: Service, call: Call, form: dict[str, str]) -> dict[str, str]:
    if call.origin in _LOGIN_HOSTS:
        raise OAuthError("invalid_grant", "request not supported on this domain")
    _client(form)
    if not service.switches["client_credentials_user"]:
        raise OAuthError("invalid_grant", "no client credentials user enabled")
    return _opened(service, call, INTEGRATION_USERNAME)


def _refresh(service: Service, call: Call, form: dict[str, str]) -> dict[str, str]:
    _client(form, secret_needed=False)
    found = service.sessions.refreshed(form.get("refresh_token", ""))
    if found is None:
        raise OAuthError("invalid_grant", "expired access/refresh token")
    username, successor = found
    answer = _opened(service, call, username)
    return answer | ({"refresh_token": successor} if successor else {})


def _code(service: Service, call: Call, form: dict[str, str]) -> dict[str, str]:
    grant = service.sessions.take_code(form.get("code", ""))
    if grant is None:
        raise OAuthError("invalid_grant", "invalid authorization code")
    _client(form, secret_needed=not grant.challenge)
    if form.get("redirect_uri") != grant.redirect_uri:
        raise OAuthError("redirect_uri_mismatch", "redirect_uri must match configuration")
    if grant.challenge:
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != grant.challenge.rstrip("="):
            raise OAuthError("invalid_grant", "invalid code verifier")
    answer = _opened(service, call, grant.username)
    return answer | {"refresh_token": service.sessions.new_refresh_token(grant.username)}


def _assertion(service: Service, call: Call, form: dict[str, str]) -> dict[str, str]:
    audiences = {*_LOGIN_HOSTS, call.origin, instance_url(call)}
    try:
        username = subject_of(form.get("assertion", ""), service.certificate, audiences)
    except AssertionRefusedError as error:
        raise OAuthError(error.code, str(error)) from error
    if service.user(username) is None:
        raise OAuthError("invalid_grant", "user hasn't approved this consumer")
    return _opened(service, call, username)


def _client(form: Mapping[str, str], *, secret_needed: bool = True) -> None:
    if form.get("client_id") != CONSUMER_KEY:
        raise OAuthError("invalid_client_id", "client identifier invalid")
    given = form.get("client_secret")
    if given != CONSUMER_SECRET and (given or secret_needed):
        raise OAuthError("invalid_client", "invalid client credentials")


def _opened(service: Service, call: Call, username: str) -> dict[str, str]:
    user = service.user(username)
    if user is None or service.org.frozen(user["Id"]):
        raise OAuthError("invalid_grant", "inactive user")
    session = service.sessions.open(user["Id"], username)
    issued_at = str(int(session.opened.timestamp() * 1000))
    identity = user_url(call, user["Id"])
    signed = hmac.new(CONSUMER_SECRET.encode(), (identity + issued_at).encode(), hashlib.sha256)
    return {
        "access_token": session.token,
        "signature": base64.b64encode(signed.digest()).decode(),
        "scope": _SCOPE,
        "instance_url": instance_url(call),
        "id": identity,
        "token_type": "Bearer",
        "issued_at": issued_at,
    }


def _basic(headers: Mapping[str, str]) -> dict[str, str]:
    scheme, _, given = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return {}
    try:
        key, _, secret = base64.b64decode(given, validate=True).decode().partition(":")
    except ValueError as error:
        raise ApiFault("INVALID_AUTH_HEADER", "INVALID_HEADER_TYPE", status=401) from error
    return {"client_id": key, "client_secret": secret}


def _consent(asked: Mapping[str, str]) -> Answer:
    hidden = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(text)}">'
        for name, text in asked.items()
        if name not in {"username", "decision"}
    )
    return _page(
        "<h1>Allow access?</h1><p>The application asks to use this local org in your name.</p>"
        f'<form method="post">{hidden}'
        f'<label>Username <input name="username" value="{INTEGRATION_USERNAME}"></label> '
        '<button name="decision" value="allow">Allow</button> '
        '<button name="decision" value="deny">Deny</button></form>'
    )


def _page(text: str, status: int = 200) -> Answer:
    page = f"<!doctype html><html lang=en><title>Local Salesforce</title><body>{text}</body></html>"
    return Answer(page.encode(), status, media_type="text/html; charset=UTF-8")


def origin_of(scheme: str, headers: Mapping[str, str]) -> str:
    """Scheme and host as the client called them."""
    return f"{scheme}://{headers.get('host', '127.0.0.1')}".removesuffix(
        ":443" if scheme == "https" else ":80"
    )


def require_session(service: Service, call: Call) -> Any:
    """The calling session.

    Raises:
        ApiFault: there is none, or it has ended.
    """
    scheme, _, given = call.headers.get("authorization", "").partition(" ")
    if scheme.lower() not in {"bearer", "oauth"} or not given:
        raise ApiFault("INVALID_AUTH_HEADER", "INVALID_HEADER_TYPE", status=401)
    session = service.sessions.find(given.strip())
    if session is None:
        raise ApiFault("INVALID_SESSION_ID", "Session expired or invalid", status=401)
    return session

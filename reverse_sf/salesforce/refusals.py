"""What Salesforce says when it refuses, and the error of ours that each answer becomes.

Sources: REST API Developer Guide, "Status Codes and Error Responses"; the codes of one failed
call come as a list ``[{"errorCode", "message", "fields"}]``, those of the token endpoint as one
object ``{"error", "error_description"}``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from reverse_sf.errors import (
    AccessError,
    ConfigurationError,
    LoginError,
    QuotaError,
    RetryError,
    ReverseSFError,
)

if TYPE_CHECKING:
    import requests

# Codes that a later try may not meet again, whatever the HTTP status (observed: 400 and 403).
PASSING_CODES = frozenset(
    {
        "QUERY_TIMEOUT",
        "SERVER_UNAVAILABLE",
        "TXN_SECURITY_METERING_ERROR",
        "UNABLE_TO_LOCK_ROW",
        "UNKNOWN_EXCEPTION",
    }
)
PASSING_STATUSES = frozenset({408, 420, 429, 500, 502, 503, 504})

_WORDS_SHOWN = 400
_SOAP_FAULT = re.compile(rb"<sf:exceptionCode>([^<]*)</sf:exceptionCode>")


class SalesforceError(ReverseSFError):
    """Salesforce refused a call for a reason that no other error of ours names.

    Attributes:
        code: Salesforce's own code, such as ``API_ERROR``.
        status: the HTTP status.
    """

    def __init__(self, message: str, *, code: str = "", status: int = 0) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


class UnknownObjectError(ConfigurationError):
    """No such object or resource, or the user may not see it."""


class QueryError(ConfigurationError):
    """Salesforce cannot run the query: an unknown field or object, or a restriction."""


class QueryTimeoutError(RetryError):
    """The query ran longer than Salesforce allows, also when it was tried again."""


class CursorError(RetryError):
    """The server-side cursor of a query is gone; the query must be asked again from a position."""


class ReplicationWindowError(ReverseSFError):
    """The deletion log does not reach back as far as the window that was asked for."""


class BulkError(ReverseSFError):
    """A Bulk API 2.0 job cannot be made or did not complete; REST may still do."""


class BulkAbortedError(RetryError):
    """A Bulk API 2.0 job was aborted, by a person or by Salesforce."""


# What becomes of a code or a status, and what to do about it.
_VERSION_ADVICE = ". Set api_version to one that the org offers"
_ERRORS: dict[str | int, tuple[type[ReverseSFError], str]] = {
    "REQUEST_LIMIT_EXCEEDED": (QuotaError, ". Run again when request quota is free"),
    "INVALID_REPLICATION_DATE": (ReplicationWindowError, ""),
    "UNSUPPORTED_API_VERSION": (ConfigurationError, _VERSION_ADVICE),
    "QUERY_TIMEOUT": (QueryTimeoutError, ""),
    "INVALID_QUERY_LOCATOR": (CursorError, ""),
    "INVALID_FIELD": (QueryError, ""),
    "INVALID_TYPE": (QueryError, ""),
    "MALFORMED_QUERY": (QueryError, ""),
    "INVALID_QUERY_FILTER_OPERATOR": (QueryError, ""),
    403: (AccessError, ". Give the integration user this permission"),
    404: (UnknownObjectError, ""),
    410: (ConfigurationError, _VERSION_ADVICE),
}


@dataclass(frozen=True)
class Refusal:
    """The first error of a failed answer.

    Attributes:
        status: the HTTP status.
        code: Salesforce's code, or an empty text where the body is not Salesforce's.
        message: Salesforce's words, without the echo of the query.
    """

    status: int
    code: str
    message: str

    @property
    def passing(self) -> bool:
        """Whether the same call may well succeed a little later."""
        if self.code == "REQUEST_LIMIT_EXCEEDED" and self.status != 429:  # noqa: PLR2004 - Too Many Requests
            return self.message.startswith("ConcurrentRequests")
        return self.status in PASSING_STATUSES or self.code in PASSING_CODES

    @property
    def session_lost(self) -> bool:
        """Whether the session id is no longer accepted."""
        return self.status == 401 or self.code == "INVALID_SESSION_ID"  # noqa: PLR2004 - Unauthorized


def read_refusal(response: requests.Response) -> Refusal:
    """Return the first error of a failed answer; a body in no known shape keeps its status."""
    if fault := _SOAP_FAULT.search(response.content):
        # A SOAP fault always comes with 500: the code tells whether it lasts. A wrong password
        # sent six times would lock the user out.
        return Refusal(400, fault[1].decode("ascii", "replace"), "")
    try:
        body = msgspec.json.decode(response.content)
    except msgspec.DecodeError:
        return Refusal(response.status_code, "", response.reason or "")
    first = body[0] if isinstance(body, list) and body else body
    if not isinstance(first, dict):
        return Refusal(response.status_code, "", response.reason or "")
    code = first.get("errorCode") or first.get("statusCode") or first.get("error") or ""
    message = first.get("message") or first.get("error_description") or response.reason or ""
    return Refusal(response.status_code, str(code), _last_words(str(message)))


def error_of(refusal: Refusal, what: str) -> ReverseSFError:
    """Return the error to raise for a refusal that no retry can help.

    Args:
        refusal: what Salesforce answered.
        what: the call in words, such as ``"query of Account"``.
    """
    words = f"{what}: {refusal.message or 'no reason given'}"
    if refusal.code:
        words += f" ({refusal.code})"
    if refusal.session_lost:
        return LoginError(f"{words}. The session was refused again after a new login")
    error, advice = _ERRORS.get(refusal.code) or _ERRORS.get(refusal.status) or (None, "")
    if error is not None:
        return error(words + advice)
    if refusal.passing:
        return RetryError(f"{words}. HTTP status {refusal.status}, also when tried again")
    return SalesforceError(words, code=refusal.code, status=refusal.status)


def _last_words(message: str) -> str:
    """Drop the echo of the query that Salesforce puts before the reason of an INVALID_FIELD."""
    reason = message.strip()
    if "ERROR at Row:" in reason:
        reason = reason.rsplit("ERROR at Row:", 1)[1].partition("\n")[2]
    reason = " ".join(reason.split())
    return reason if len(reason) <= _WORDS_SHOWN else f"{reason[:_WORDS_SHOWN]}..."

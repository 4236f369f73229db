"""Reading SPOTIO's answers: bodies, error envelopes, and pages that are not SPOTIO's at all."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from reverse_sf.errors import AccessError, RefusedError, ReverseSFError
from reverse_sf.spotio.errors import Call, NotFoundError, WindowError, WriteRefusedError

if TYPE_CHECKING:
    import httpx

_LONGEST_QUOTE = 500
_INVALID = (400, 409, 422)


def body_of(response: httpx.Response) -> Any:
    """The JSON value of an answer whatever its content type (``text/plain`` is declared too).

    An answer that is not JSON comes back as its text, an empty one as None.
    """
    if not response.content:
        return None
    try:
        return json.loads(response.content)
    except ValueError:
        return response.text


def is_foreign_page(response: httpx.Response) -> bool:
    """Whether the answer is a web page of the firewall in front of SPOTIO, not an API answer."""
    kind = response.headers.get("content-type", "").lower()
    start = response.content[:200].lstrip().lower()
    return "text/html" in kind or start.startswith((b"<!doctype html", b"<html"))


def complaints_in(body: Any) -> dict[str, str]:
    """SPOTIO's error object as error key to message; the key ``_`` is about the whole record.

    Known shapes: ``{"errors": {key: message or list}}`` (developer guide, Status Codes and
    Errors), ``{"message", "memberName"}`` (bulk jobs), ASP.NET's ``{"title", "errors"}``, text.
    """
    if isinstance(body, dict):
        low = {str(key).lower(): value for key, value in body.items()}
        errors = low.get("errors")
        if isinstance(errors, dict) and errors:
            return {str(key): _sentence(value) for key, value in errors.items()}
        if isinstance(errors, list) and errors:
            return {"_": "; ".join(_sentence(one) for one in errors)}
        for key in ("message", "error", "detail", "title"):
            if low.get(key):
                return {"_": _sentence(low[key])}
        return {"_": _sentence(body)} if body else {}
    return {"_": _sentence(body)} if body else {}


def _sentence(value: Any) -> str:
    if isinstance(value, list):
        return "; ".join(_sentence(one) for one in value)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text[:_LONGEST_QUOTE]


def told(complaints: dict[str, str], status: int) -> str:
    """The complaints as one sentence in SPOTIO's own words."""
    if not complaints:
        return f"SPOTIO answered {status} without a reason"
    return "; ".join(
        message if key == "_" else f"{key}: {message}" for key, message in complaints.items()
    )


def _speaks_of_window(words: str) -> bool:
    return "10000" in re.sub(r"[,. ]", "", words) or "window" in words.lower()


def refusal(response: httpx.Response, call: Call) -> ReverseSFError:
    """The error for an answer that no repetition will change (guide: Status Codes and Errors)."""
    status = response.status_code
    complaints = complaints_in(body_of(response))
    words = told(complaints, status)
    where = f"{call.method} {call.path}"
    if status in _INVALID:
        # An export is read by POST.
        reads = call.method == "GET" or call.path.startswith("/api/Exports/")
        if reads and _speaks_of_window(words):
            return WindowError(f"{where}: {words}")
        return WriteRefusedError(words, code=str(status), complaints=complaints, call=call)
    if status == 403:  # noqa: PLR2004 - the HTTP status is its own best name
        return AccessError(
            f"SPOTIO refuses {where}: {words}. Use an API key that an Admin made"
            " (Settings, Integrations, API Access)."
        )
    if status == 404:  # noqa: PLR2004 - the HTTP status is its own best name
        return NotFoundError(words, call=call)
    return RefusedError(f"SPOTIO refuses {where} with {status}: {words}")

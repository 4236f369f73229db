"""Which requests may write: told from outside, without the product's own idea of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reverse_sf.simulator.local import LocalServer

_READS = re.compile(
    r"/oauth2/|/soap/|/apitoken|/token|/query"  # logins and queries
    r"|/filters|/search|/dataobjects/many"  # SPOTIO's searches and reads by id
    r"|/exports/activities/data"
    r"|/composite/sobjects/\w+$",  # Salesforce's reads by id
    re.IGNORECASE,
)


def may_write(method: str, path: str, body: Any = None) -> bool:
    """Whether a request could change anything.

    Args:
        method: HTTP method.
        path: without the query.
        body: decoded, of a composite request: it writes what its parts write.
    """
    if method == "GET":
        return False
    if method == "POST" and path.rstrip("/").endswith(("/composite", "/composite/batch")):
        parts = (body or {}).get("compositeRequest") or (body or {}).get("batchRequests") or []
        return not parts or any(
            may_write(part["method"], (part.get("url") or "").partition("?")[0]) for part in parts
        )
    return not (method == "POST" and _READS.search(path))


def writes(server: LocalServer, since: int) -> list[str]:
    """Calls that may have written, as ``METHOD path``."""
    return [f"{one['method']} {one['path']}" for one in server.requests(since) if is_write(one)]


def is_write(request: Mapping[str, Any]) -> bool:
    """Whether a request of a local server's log may have written."""
    return may_write(request["method"], request["path"], request["body"])

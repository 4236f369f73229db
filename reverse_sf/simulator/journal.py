"""The log of API requests that a local server keeps for people and tests."""

from __future__ import annotations

import json
import re
import threading
from collections import deque
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

_SECRET_NAME = re.compile(
    r"token|secret|password|assertion|^code$|code_verifier|^sid$", re.IGNORECASE
)
_CALL_OPTIONS_CLIENT = re.compile(r"client=([^,;\s]+)")
_LONGEST_BODY = 64 * 1024
_KEPT = 500_000
_BODIES_KEPT = 20_000


@dataclass
class Entry:
    """One API request.

    Attributes:
        number: counted from 1 since the server started or was reset.
        method: HTTP method.
        path: decoded path, without the query.
        query: parameters by name, secrets blanked.
        client: ``client=`` of Sforce-Call-Options, or the User-Agent.
        body: the request's body where it is kept, as sent.
        status: of the answer; none while it is under way or when the connection was broken.
        records: how many records the service touched.
        fault: what was injected, if anything.
        subrequests: method, path and status of the parts of a batch.
        billed: how many requests the service counts it as; a login counts as none, and of a
            Salesforce batch each part counts.
    """

    number: int
    method: str
    path: str
    query: dict[str, str]
    client: str
    body: bytes | None = None
    status: int | None = None
    records: int = 0
    fault: str | None = None
    subrequests: list[dict[str, Any]] = field(default_factory=list)
    billed: int = 1

    def as_json(self) -> dict[str, Any]:
        """The request as ``GET /_simulator/requests`` shows it."""
        return {**self.__dict__, "body": _readable(self.body)}


class Journal:
    """Numbers and keeps API requests; the oldest go when there are very many."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=_KEPT)
        self._with_body: deque[Entry] = deque()
        self._number = 0
        self._lock = threading.Lock()

    def begin(self, method: str, path: str, raw_query: str, headers: dict[str, str]) -> Entry:
        """Number a request and keep it; the caller fills in its outcome."""
        query: dict[str, str] = {}
        for name, text in parse_qsl(raw_query, keep_blank_values=True):
            shown = "***" if _SECRET_NAME.search(name) else text
            query[name] = f"{query[name]},{shown}" if name in query else shown
        options = _CALL_OPTIONS_CLIENT.search(headers.get("sforce-call-options", ""))
        client = options.group(1) if options else headers.get("user-agent", "")
        with self._lock:
            self._number += 1
            entry = Entry(self._number, method, path, query, client)
            self._entries.append(entry)
        return entry

    def keep_body(self, entry: Entry, body: bytes) -> None:
        """Keep the body of a request, unless it is of a login or very long; old ones go first."""
        if not _keepable(entry.path, body):
            return
        with self._lock:
            entry.body = body
            self._with_body.append(entry)
            if len(self._with_body) > _BODIES_KEPT:
                self._with_body.popleft().body = None

    def since(self, number: int) -> list[dict[str, Any]]:
        """All kept requests with a higher number."""
        with self._lock:
            entries = [entry for entry in self._entries if entry.number > number]
        return [entry.as_json() for entry in entries]

    @property
    def last(self) -> int:
        """The number of the newest request."""
        return self._number

    def clear(self) -> None:
        """Forget everything and count from 1 again."""
        with self._lock:
            self._entries.clear()
            self._with_body.clear()
            self._number = 0


def _keepable(path: str, body: bytes) -> bool:
    lowered = path.lower()
    if any(word in lowered for word in ("token", "oauth2", "/soap/", "login", "auth/")):
        return False
    return 0 < len(body) <= _LONGEST_BODY


def _readable(body: bytes | None) -> Any:
    if body is None:
        return None
    text = body.decode("utf-8", errors="replace")
    try:
        return json.loads(text)
    except ValueError:
        return text

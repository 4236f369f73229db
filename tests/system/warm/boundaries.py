"""The durable effects of one plugin, as moments at which a test may end it or edit the world.

Four kinds, each with a moment before and one after it, counted from 1 in each process:

- ``commit``: a transaction that writes to the ledger;
- ``write``: a request that may write to Salesforce or SPOTIO;
- ``request``: any request, the writing ones included;
- ``emit``: a STATE line on its way to standard output.

An ending is SIGKILL, to this process or to its whole group: nothing unwinds, as nothing would when
the machine goes away.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
from requests.adapters import HTTPAdapter
from singer_sdk.target_base import Target
from sqlalchemy.engine.default import DefaultDialect

from reverse_sf.ledger import session
from tests.system.calls import may_write
from tests.system.posting import post_whatever_happens

if TYPE_CHECKING:
    from collections.abc import Iterator

BEFORE, AFTER = "before", "after"


class Boundaries:
    """Counts the effects of this process and does what was planned for them.

    Args:
        plan: ``{kind, when, nth, do}``; ``do`` is ``kill`` (all three), ``kill this``, or
            ``{edits, account}``, see ``tests/system/posting.py``.
        trace: file that gets a line for each effect reached.
    """

    def __init__(self, plan: list[dict[str, Any]], trace: str | None) -> None:
        self._plan = plan
        self._trace = trace
        self._seen: Counter[str] = Counter()
        self._writes = False

    def install(self) -> None:
        """Watch this process's effects from now on."""
        self._watch_commits()
        self._watch_httpx()
        self._watch_requests()
        self._watch_states()

    @contextmanager
    def around(self, *kinds: str) -> Iterator[None]:
        """One effect: its moment before, the effect itself, its moment after."""
        for kind in kinds:
            self._seen[kind] += 1
            self._reach(kind, BEFORE)
        yield
        for kind in kinds:
            self._reach(kind, AFTER)

    def _reach(self, kind: str, when: str) -> None:
        nth = self._seen[kind]
        if self._trace is not None:
            with open(self._trace, "a") as file:  # noqa: PTH123 -- as cheap as can be
                file.write(f"{kind} {when} {nth}\n")
        for step in self._plan:
            if (step["kind"], step["when"], step["nth"]) == (kind, when, nth):
                self._do(step["do"])

    @staticmethod
    def _do(what: Any) -> None:
        if what == "kill":
            os.killpg(0, signal.SIGKILL)
        elif what == "kill this":
            os.kill(os.getpid(), signal.SIGKILL)
        else:
            for edit in what["edits"]:
                post_whatever_happens(edit, what["account"])

    def _watch_commits(self) -> None:
        begin, commit = session.begin_writing, DefaultDialect.do_commit

        def begin_writing(connection: Any) -> None:
            begin(connection)
            self._writes = True

        def do_commit(dialect: Any, connection: Any) -> None:
            writes, self._writes = self._writes, False
            with self.around(*(("commit",) if writes else ())):
                commit(dialect, connection)

        session.begin_writing = begin_writing
        DefaultDialect.do_commit = do_commit

    def _watch_httpx(self) -> None:
        send = httpx.HTTPTransport.handle_request

        def handle_request(transport: Any, request: httpx.Request) -> httpx.Response:
            with self.around(*_kinds(request.method, str(request.url), b"")):
                return send(transport, request)

        httpx.HTTPTransport.handle_request = handle_request

    def _watch_requests(self) -> None:
        original = HTTPAdapter.send

        def send(adapter: Any, request: Any, *args: Any, **options: Any) -> Any:
            with self.around(*_kinds(request.method, request.url, request.body)):
                return original(adapter, request, *args, **options)

        HTTPAdapter.send = send

    def _watch_states(self) -> None:
        original = Target._write_state_message

        def write_state_message(target: Any, state: Any) -> None:
            with self.around("emit"):
                original(target, state)
                sys.stdout.flush()

        Target._write_state_message = write_state_message


def _kinds(method: str, url: str, body: bytes | str | None) -> tuple[str, ...]:
    path = urlsplit(url).path
    decoded = json.loads(body) if body and path.endswith(("/composite", "/batch")) else None
    return ("request", "write") if may_write(method, path, decoded) else ("request",)

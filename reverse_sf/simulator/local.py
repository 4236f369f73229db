"""Both local servers as a child process, for tests and rehearsals.

::

    with running(records=200) as servers:
        servers.salesforce.edit(object="Account", id="001...", set={"Phone": "+1 555 0100"})
        mark = servers.spotio.last()
        ...                                   # run something against servers.environment()
        assert servers.spotio.requests(since=mark) == []
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from reverse_sf.simulator.connection import environment
from reverse_sf.simulator.errors import ControlError, StartError

if TYPE_CHECKING:
    from collections.abc import Generator

_START_SECONDS = 180
_STOP_SECONDS = 15


@dataclass
class LocalServer:
    """One running server, seen through its ``/_simulator/`` calls.

    Attributes:
        url: base URL of its API.
    """

    url: str
    _client: httpx.Client = field(repr=False)

    def requests(self, since: int = 0) -> list[dict[str, Any]]:
        """All API requests with a number above ``since``."""
        listed: list[dict[str, Any]] = self._call("GET", f"requests?since={since}")["requests"]
        return listed

    def last(self) -> int:
        """The number of the newest API request: a mark for ``requests(since=mark)``."""
        return int(self._call("GET", f"requests?since={2**62}")["last"])

    def rows(self, object_name: str) -> list[dict[str, Any]]:
        """All rows of an object, deleted ones with their mark."""
        listed: list[dict[str, Any]] = self._call("GET", f"records/{object_name}")
        return listed

    def edit(self, **body: Any) -> dict[str, Any]:
        """Edit as a person in the web app would: ``edit(object=..., id=..., set={...})``."""
        answer: dict[str, Any] = self._call("POST", "edit", body)
        return answer

    def delete(self, object_name: str, record_id: str, **how: Any) -> dict[str, Any]:
        """Delete a record as a person would; in SPOTIO ``how`` may be a mode of deletion."""
        return self.edit(object=object_name, id=record_id, delete=how or True)

    def merge(
        self, object_name: str, winner: str, *losers: str, values: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Merge the losers into the winner, whose fields become the values chosen."""
        merged = {"winner": winner, "losers": list(losers)}
        return self.edit(
            object=object_name, merge=merged if values is None else {**merged, "set": values}
        )

    def log(self, object_name: str, record_id: str, **activity: Any) -> dict[str, Any]:
        """Log an activity in SPOTIO: ``template``, ``result``, ``notes``, ``date``, ``done``."""
        return self.edit(object=object_name, id=record_id, log=activity)

    def convert(self, lead_id: str, **how: Any) -> dict[str, Any]:
        """Convert a Salesforce lead; the ids of what it became.

        ``how`` may name ``account_id``, ``contact_id``, ``opportunity``, ``status``, ``owner_id``.
        """
        answer = self.edit(object="Lead", id=lead_id, convert=how or True)
        made: dict[str, Any] = answer["converted"]
        return made

    def freeze(self, user_id: str, *, frozen: bool = True) -> None:
        """Freeze a Salesforce user, or unfreeze it: it stays active but cannot log in."""
        self.edit(object="User", id=user_id, freeze=frozen)

    def undelete(self, object_name: str, record_id: str) -> None:
        """Take a Salesforce record out of the recycle bin."""
        self.edit(object=object_name, id=record_id, undelete=True)

    def purge(self, object_name: str, record_id: str) -> None:
        """Remove a deleted Salesforce record from the recycle bin for good."""
        self.edit(object=object_name, id=record_id, purge=True)

    def hard_delete(self, object_name: str, record_id: str) -> None:
        """Delete a Salesforce record past the recycle bin."""
        self.edit(object=object_name, id=record_id, hard_delete=True)

    def rules(self) -> list[dict[str, Any]]:
        """Salesforce's validation rules, duplicate rules, assignment rules and flows."""
        listed: list[dict[str, Any]] = self._call("GET", "rules")["rules"]
        return listed

    def switch_rules(self, *, active: bool, **which: str) -> None:
        """Switch the rules that ``object``, ``kind`` and ``name`` single out on or off."""
        self._call("POST", "rules", {**which, "active": active})

    def usage(self, **used: int) -> dict[str, dict[str, int]]:
        """What is used of Salesforce's daily allowances; or pretend that so much is."""
        answer: dict[str, dict[str, int]] = (
            self._call("POST", "usage", used) if used else self._call("GET", "usage")
        )
        return answer

    def calls(self, since: int = 0) -> int:
        """How many API requests there were, parts of a composite or batch counted one by one."""
        return sum(len(entry["subrequests"]) or 1 for entry in self.requests(since))

    def billed(self, since: int = 0) -> int:
        """As how many requests the service counts them."""
        return sum(entry["billed"] for entry in self.requests(since))

    def fault(self, match: dict[str, Any], then: dict[str, Any]) -> None:
        """Inject one fault."""
        self._call("POST", "faults", {"match": match, "then": then})

    def faults(self) -> list[dict[str, Any]]:
        """All injected faults, with how many requests they saw and hit."""
        listed: list[dict[str, Any]] = self._call("GET", "faults")["faults"]
        return listed

    def clear_faults(self) -> None:
        """Forget all faults."""
        self._call("DELETE", "faults")

    def clock(self, **move: Any) -> str:
        """Move the clock (``set``, ``advance``, ``frozen``) or just read it: ISO 8601."""
        answer = self._call("POST", "clock", move) if move else self._call("GET", "clock")
        return str(answer["now"])

    def switches(self, **changes: Any) -> dict[str, Any]:
        """Change some switches, if any, and give all settings."""
        answer = (
            self._call("POST", "switches", changes) if changes else self._call("GET", "switches")
        )
        settings: dict[str, Any] = answer["switches"]
        return settings

    def reset(self) -> None:
        """Back to the seed: records, switches, faults, clock, sessions and log."""
        self._call("POST", "reset")

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        answer = self._client.request(method, f"{self.url}/_simulator/{path}", json=body)
        if answer.status_code != httpx.codes.OK:
            try:
                problem = answer.json()["error"]
            except (ValueError, KeyError, TypeError):
                problem = answer.text
            raise ControlError(f"{method} /_simulator/{path}: {answer.status_code}: {problem}")
        return answer.json()


@dataclass
class LocalServers:
    """Both servers of one child process.

    Attributes:
        authority: the CA file, when they speak TLS.
        process: the child process.
    """

    salesforce: LocalServer
    spotio: LocalServer
    authority: Path | None
    process: subprocess.Popen[bytes] = field(repr=False)

    @property
    def salesforce_url(self) -> str:
        """Base URL of the Salesforce server."""
        return self.salesforce.url

    @property
    def spotio_url(self) -> str:
        """Base URL of the SPOTIO server."""
        return self.spotio.url

    def environment(self) -> dict[str, str]:
        """Environment variables that point taps and targets at the servers."""
        return environment(self.salesforce_url, self.spotio_url, self.authority)

    def reset(self) -> None:
        """Both servers back to the seed."""
        self.salesforce.reset()
        self.spotio.reset()

    def stop(self) -> int:
        """Ask the process to end and wait for it; its exit code."""
        return _stop(self.process)


@contextlib.contextmanager
def running(
    *,
    records: int | None = None,
    seed: int = 1,
    empty: bool = False,
    tls: bool = False,
    accounts: int = 0,
    data: Path | None = None,
    salesforce_port: int = 0,
    spotio_port: int = 0,
) -> Generator[LocalServers, None, None]:
    """Start both servers in a child process, on free ports unless told, and stop them at the end.

    Raises:
        StartError: they did not come up; the message holds what they said.
    """
    arguments = [
        *("--announce", "-", "--stop-on-eof", "--seed", str(seed)),
        *("--salesforce-port", str(salesforce_port), "--spotio-port", str(spotio_port)),
        *(() if records is None else ("--records", str(records))),
        *(("--empty",) if empty else ()),
        *(("--tls",) if tls else ()),
        *(("--accounts", str(accounts)) if accounts else ()),
        *(("--data", str(data)) if data else ()),
    ]
    with tempfile.TemporaryFile() as complaints, contextlib.ExitStack() as stack:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", "reverse_sf.simulator", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        stack.callback(_close, process)
        announced = _first_line(process)
        if not announced:
            process.kill()
            process.wait()
            complaints.seek(0)
            said = complaints.read().decode("utf-8", errors="replace").strip()
            raise StartError(f"the local servers did not start: {said or 'no word from them'}")
        places = json.loads(announced)
        authority = Path(places["authority"]) if places["authority"] else None
        # Stopped last: a server waits for its clients to hang up.
        stack.callback(_stop, process)
        verify = ssl.create_default_context(cafile=authority) if authority else True
        client = stack.enter_context(httpx.Client(trust_env=False, timeout=120, verify=verify))
        servers = LocalServers(
            LocalServer(places["salesforce_url"], client),
            LocalServer(places["spotio_url"], client),
            authority,
            process,
        )
        yield servers


def _first_line(process: subprocess.Popen[bytes]) -> bytes:
    if process.stdout is None:
        return b""
    guard = threading.Timer(_START_SECONDS, process.kill)
    guard.start()
    try:
        return process.stdout.readline()
    finally:
        guard.cancel()


def _stop(process: subprocess.Popen[bytes]) -> int:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        return process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def _close(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()

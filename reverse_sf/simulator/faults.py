"""Faults that a person or a test injects into a local server's answers."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_plus

from reverse_sf.simulator.errors import ControlError

_MATCH_KEYS = {"method", "path", "nth", "every"}
_THEN_KEYS = {"status", "body", "headers", "delay_s", "drop", "times", "applied"}
DROPS = ("before", "during", "after")


@dataclass(frozen=True)
class Outcome:
    """What happens to a matched request.

    Attributes:
        status: the HTTP status to answer with instead of running the service; none runs it.
        body: JSON value or text of that answer; none is the service's own error shape.
        headers: extra headers of the answer, whoever makes it.
        delay_s: seconds to wait before anything else.
        drop: ``before`` breaks the connection without running the service, ``after`` runs it and
            breaks the connection without a byte, ``during`` breaks it in the middle of the body.
        applied: with a status: the service runs first, and its answer is thrown away.
    """

    status: int | None = None
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    delay_s: float = 0.0
    drop: str | None = None
    applied: bool = False


@dataclass
class Fault:
    """One injected fault: which requests it hits, how often, and what happens to them.

    Attributes:
        method: HTTP method, or none for all.
        path: text contained in path and query (as sent or decoded), or a regular expression
            found in them; none for all.
        nth: the first matching request that is hit, counted from 1 since the fault was set;
            without ``times`` only this one.
        every: only each so-manieth matching request.
        times: at most so many hits; none for no limit.
    """

    outcome: Outcome
    method: str | None = None
    path: str | None = None
    nth: int | None = None
    every: int | None = None
    times: int | None = None
    seen: int = 0
    hits: int = 0

    def hit(self, method: str, target: str) -> bool:
        """Count the request; tell whether the fault hits it. ``target`` is path and raw query."""
        if self.method is not None and self.method.upper() != method.upper():
            return False
        if self.path is not None and not _found(self.path, target):
            return False
        self.seen += 1
        if self.times is not None and self.hits >= self.times:
            return False
        if self.nth is not None and self.seen < self.nth:
            return False
        if self.every is not None and self.seen % self.every:
            return False
        self.hits += 1
        return True

    def as_json(self) -> dict[str, Any]:
        """The fault as ``GET /_simulator/faults`` shows it."""
        match = {"method": self.method, "path": self.path, "nth": self.nth, "every": self.every}
        then = {**self.outcome.__dict__, "times": self.times}
        return {
            "match": {name: setting for name, setting in match.items() if setting is not None},
            "then": {name: setting for name, setting in then.items() if setting},
            "seen": self.seen,
            "hits": self.hits,
        }


class Faults:
    """All faults of one server, in the order they were set: the first that hits wins."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> None:
        """Set one more fault."""
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        """Forget all faults."""
        with self._lock:
            self._faults.clear()

    def outcome(self, method: str, target: str) -> Outcome | None:
        """What happens to this request: none for the ordinary course."""
        with self._lock:
            for fault in self._faults:
                if fault.hit(method, target):
                    return fault.outcome
        return None

    def as_json(self) -> list[dict[str, Any]]:
        """All faults with their counts."""
        with self._lock:
            return [fault.as_json() for fault in self._faults]


def parse_fault(body: Any) -> Fault:
    """Read one fault of ``POST /_simulator/faults``.

    Raises:
        ControlError: a key is unknown or a setting makes no sense.
    """
    if not isinstance(body, dict):
        raise ControlError("a fault is an object with match and then")
    _only(body, {"match", "then"}, "fault")
    match, then = body.get("match", {}), body.get("then")
    if not isinstance(match, dict) or not isinstance(then, dict) or not then:
        raise ControlError("a fault needs match (an object) and then (an object that is not empty)")
    _only(match, _MATCH_KEYS, "match")
    _only(then, _THEN_KEYS, "then")
    for name, setting in (*match.items(), *then.items()):
        if name in {"nth", "every", "times", "status"} and not _positive(setting):
            raise ControlError(f"{name} must be a whole number of 1 or more, not {setting!r}")
    drop = then.get("drop")
    if drop is not None and drop not in DROPS:
        raise ControlError(f"drop must be one of {', '.join(DROPS)}, not {drop!r}")
    if drop is not None and "status" in then:
        raise ControlError("a fault either drops the connection or answers a status, not both")
    times = then.get("times", 1 if "nth" in match else None)
    outcome = Outcome(
        status=then.get("status"),
        body=then.get("body"),
        headers={str(name): str(text) for name, text in (then.get("headers") or {}).items()},
        delay_s=float(then.get("delay_s", 0)),
        drop=drop,
        applied=bool(then.get("applied", False)),
    )
    return Fault(
        outcome,
        method=match.get("method"),
        path=match.get("path"),
        nth=match.get("nth"),
        every=match.get("every"),
        times=times,
    )


def _only(body: dict[str, Any], known: set[str], where: str) -> None:
    unknown = sorted(set(body) - known)
    if unknown:
        raise ControlError(
            f"unknown keys in {where}: {', '.join(unknown)}; known are: {', '.join(sorted(known))}"
        )


def _positive(setting: Any) -> bool:
    return isinstance(setting, int) and not isinstance(setting, bool) and setting >= 1


def _found(wanted: str, target: str) -> bool:
    decoded = unquote_plus(target)
    if wanted in target or wanted in decoded:
        return True
    try:
        return re.search(wanted, decoded) is not None
    except re.error:
        return False

"""Whatever single thing goes wrong at whatever call, the next run completes the work."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from reverse_sf.errors import Exit
from tests.system.expectation import differences
from tests.system.servers_fixture import pipeline, small_world, sweeping

if TYPE_CHECKING:
    from reverse_sf.simulator.local import LocalServer, LocalServers
    from tests.system.pipeline import Pipeline
    from tests.system.warm.runner import Ended

__all__ = ["pipeline", "small_world"]

pytestmark = [pytest.mark.slow]

TIMEOUT_S = 2
EVERY = 1 if sweeping() else 20
"""`make sweep` takes every call in turn; `make test` every sixth, each fault others."""

FAULTS: dict[str, dict[str, Any]] = {
    "503": {"status": 503},
    "429": {"status": 429},
    "401": {"status": 401},
    "timeout": {"delay_s": TIMEOUT_S * 3},
    "dropped before commit": {"drop": "before"},
    "dropped after commit": {"drop": "after"},
}
DOCUMENTED = {Exit.DONE, Exit.UNEXPECTED, Exit.REFUSED}


def kinds_of_calls(server: LocalServer) -> list[tuple[str, str]]:
    """Each kind of call that a run made, as a method and a pattern of its path."""
    kinds: dict[tuple[str, str], None] = {}
    for request in server.requests():
        path = re.sub(
            r"/[0-9a-f]{24}(?=/|$)|/[0-9a-f-]{36}(?=/|$)|/750\w+", "/[^/]+", request["path"]
        )
        kinds[request["method"], f"^{path}$"] = None
    return list(kinds)


def said_one_clear_thing(ended: Ended) -> bool:
    """Every part that failed by itself said why in one message, without a traceback."""
    return "Traceback" not in "".join(ended.errors) and any(
        "error:" in error for error in ended.errors
    )


@pytest.mark.parametrize("fault", FAULTS)
def test_one_fault_at_each_kind_of_call_loses_and_doubles_nothing(
    fault: str, pipeline: Pipeline, small_world: LocalServers
) -> None:
    pipeline.tap = {"request_timeout": TIMEOUT_S}
    pipeline.target = {"request_timeout": TIMEOUT_S, "bulk_threshold": 40}
    assert pipeline.run().ended_well
    assert differences(small_world) == []
    calls = [
        (server, method, path)
        for server in (small_world.salesforce, small_world.spotio)
        for method, path in kinds_of_calls(server)
    ]
    assert len(calls) > 12
    for server, method, path in calls[list(FAULTS).index(fault) % EVERY :: EVERY]:
        pipeline.forget()
        small_world.reset()
        server.fault({"method": method, "path": path}, {**FAULTS[fault], "times": 1})
        ended = pipeline.run()
        where = f"{fault} at {method} {path}: {ended}"
        if not ended.ended_well:
            assert {*ended.codes} <= DOCUMENTED, where
            assert said_one_clear_thing(ended), where
        small_world.salesforce.clear_faults()
        small_world.spotio.clear_faults()
        again = pipeline.run()
        assert again.ended_well, f"{where}\nand then {again}"
        assert differences(small_world) == [], where

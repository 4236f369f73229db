"""A tap may send its streams in any order: the result is the same."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.system.expectation import differences
from tests.system.servers_fixture import pipeline, small_world

if TYPE_CHECKING:
    from reverse_sf.simulator.local import LocalServers
    from tests.system.pipeline import Pipeline

__all__ = ["pipeline", "small_world"]

ORDERS = [
    ["User", "Account", "Contact", "Lead", "Opportunity"],
    ["Opportunity", "Contact", "Account", "Lead", "User"],
    ["Lead", "Contact", "User", "Opportunity", "Account"],
]


@pytest.mark.parametrize("order", ORDERS, ids="-".join)
def test_parents_and_owners_may_come_after_those_who_name_them(
    order: list[str], pipeline: Pipeline, small_world: LocalServers
) -> None:
    lines = [line for line in pipeline.read_tap() if b'"STATE"' not in line]
    pipeline.apply(sorted(lines, key=lambda line: order.index(json.loads(line)["stream"])))
    pipeline.apply([])
    assert differences(small_world) == []

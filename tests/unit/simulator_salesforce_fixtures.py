"""A local org with a frozen clock, and shorthands to ask it."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest

from reverse_sf.simulator.clock import Clock
from reverse_sf.simulator.salesforce.org import Org
from reverse_sf.simulator.salesforce.refusal import ApiFault

NOW = datetime(2026, 5, 6, 11, 56, 44, tzinfo=timezone.utc)


def new_org(**options: Any) -> Org:
    options.setdefault("empty", True)
    return Org(Clock(NOW, frozen=True), **options)


def found(org: Org, soql: str, **options: Any) -> list[dict[str, Any]]:
    return list(org.query(soql, **options).rows)


def names(org: Org, soql: str, **options: Any) -> list[Any]:
    return [row["Name"] for row in found(org, soql, **options)]


def refusal(org: Org, soql: str) -> ApiFault:
    with pytest.raises(ApiFault) as caught:
        org.query(soql)
    return caught.value

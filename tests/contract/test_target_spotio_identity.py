"""target-spotio and the ledger of another company."""

from __future__ import annotations

import pytest

from reverse_sf.errors import StopError
from reverse_sf.ledger.store import Ledger
from reverse_sf.mapping.definition import Side
from tests.contract.spotio_fixtures import (
    Sync,
    account,
    server_fixture,
    spotio_fixture,
    sync_fixture,
)

__all__ = ["server_fixture", "spotio_fixture", "sync_fixture"]


def test_the_ledger_of_another_company_is_refused_before_anything_is_written(sync: Sync) -> None:
    with Ledger.open(sync.ledger_uri) as ledger:
        ledger.pin_identity(Side.SPOTIO, "5a8ae9070d5d9e3268df53c4")
    mark = sync.spotio.last()
    sync.begin().decide(account(1))
    with pytest.raises(StopError, match="belongs to the SPOTIO company 5a8ae9070d5d9e3268df53c4"):
        sync.deliver()
    assert sync.writes(mark) == []
    assert sync.states == []


def test_the_first_run_binds_the_ledger_to_its_company(sync: Sync) -> None:
    sync.begin().decide(account(1))
    sync.deliver()
    with Ledger.open(sync.ledger_uri) as ledger:
        bound_to = ledger.identity(Side.SPOTIO)
    assert bound_to is not None
    sync.begin().decide(account(2))
    sync.deliver()
    assert len(sync.rows("Accounts")) == 2


def test_a_spotio_that_does_not_tell_its_company_is_written_all_the_same(sync: Sync) -> None:
    sync.spotio.fault({"path": "/api/CalendarSettings"}, {"status": 403, "times": 9})
    sync.begin().decide(account(1))
    sync.deliver()
    assert len(sync.rows("Accounts")) == 1

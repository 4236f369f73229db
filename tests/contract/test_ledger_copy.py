"""A ledger that is copied, from every backend to every other."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from reverse_sf.errors import ConfigurationError, LeaseHeldError, StopError
from reverse_sf.ledger.copying import COPIED
from reverse_sf.ledger.rows import LogRow
from reverse_sf.ledger.store import Ledger
from reverse_sf.mapping.definition import Direction
from tests.contract.ledger_fixtures import AT, any_uri, created, decide, finish, join, ledger, run
from tests.postgresql import postgresql_server

__all__ = ["any_uri", "ledger", "postgresql_server"]


@pytest.fixture(params=["file", "postgresql"])
def copy(request, tmp_path):
    uri = f"sqlite:///{tmp_path}/copy.db"
    if request.param == "postgresql":
        uri = request.getfixturevalue("postgresql_server").new_database()
    with Ledger.open(uri) as opened:
        yield opened


def rows(of: Ledger) -> dict[str, list[tuple]]:
    with of._reading() as connection:
        return {
            table.name: sorted(map(repr, connection.execute(select(table)))) for table in COPIED
        }


def filled(ledger: Ledger) -> None:
    join(ledger, *(f"record {number}" for number in range(30)))
    ledger.add_log(
        [LogRow(at=AT, run_id="run-1", direction=Direction.TO_SPOTIO, reason="an entry")]
    )
    ledger.finish_run("run-1", "done")


def test_a_copy_holds_every_row_and_goes_on_working(ledger, copy):
    filled(ledger)
    told = {}
    held = ledger.copy_to(copy, lambda table, number: told.update({table: number}))
    assert rows(copy) == rows(ledger)
    assert {one.table: one.rows for one in held if one.rows} == told
    assert told["sync_links"] == 30

    copy.begin_run(run("run-2"), ttl_seconds=600)
    decide(copy, "a new record", run_id="run-2")
    finish(copy, created("a new record"), run_id="run-2")
    assert copy.linked_number("Account:Accounts") == 31


def test_a_ledger_at_work_is_not_copied(ledger, copy):
    join(ledger, "one")
    with pytest.raises(LeaseHeldError, match="run-1"):
        ledger.copy_to(copy)
    assert not any(rows(copy).values())


def test_a_ledger_that_holds_something_is_never_overwritten(ledger, copy):
    filled(ledger)
    copy.begin_run(run("of the other"), ttl_seconds=600)
    before = rows(copy)
    with pytest.raises(StopError, match="not empty"):
        ledger.copy_to(copy)
    assert rows(copy) == before


def test_a_copy_that_breaks_off_leaves_an_empty_ledger(ledger, copy):
    filled(ledger)

    def told(table: str, number: int) -> None:
        if table == "sync_log":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ledger.copy_to(copy, told)
    assert not any(rows(copy).values())
    ledger.copy_to(copy)
    assert rows(copy) == rows(ledger)


def test_a_ledger_is_not_copied_onto_itself(tmp_path):
    with (
        Ledger.open(f"sqlite:///{tmp_path}/one.db") as one,
        pytest.raises(ConfigurationError, match="itself"),
    ):
        one.copy_to(one)

"""Letting go of withheld work, on every backend."""

# ruff: noqa: F811 - a test asks for an imported fixture by naming it

from __future__ import annotations

import pytest

from reverse_sf.errors import LeaseHeldError
from reverse_sf.ledger.batches import Decisions
from reverse_sf.ledger.releases import Release
from reverse_sf.ledger.rows import Parked
from reverse_sf.mapping.definition import Direction, Side
from tests.contract.ledger_fixtures import (  # noqa: F401 - fixtures
    AT,
    PAIR,
    any_uri,
    finish,
    image,
    join,
    ledger,
    link,
    link_id,
    run,
)
from tests.postgresql import postgresql_server  # noqa: F401 - a fixture


def parked(name: str, key: str = "") -> Parked:
    return Parked(
        link_id=link_id(name),
        direction=Direction.TO_SPOTIO,
        key=key,
        pair=PAIR,
        reason="too_long",
        message="it is too long",
        at=AT,
        run_id="run-1",
    )


def snapshot(ledger, name):
    return ledger.snapshots([link_id(name)]).get(link_id(name))


def test_a_field_gets_the_base_that_stands_and_its_row_goes(ledger):
    join(ledger, "one")
    finish(ledger, parked=[parked("one", "Website"), parked("one", "Phone")])
    one = Release(
        link=snapshot(ledger, "one").link,
        rows=[parked("one", "Website")],
        settled={"Website": ["mine", "theirs"]},
    )
    ledger.release([one], why="by somebody")
    assert snapshot(ledger, "one").base == {
        "Company": ["one", "one"],
        "Website": ["mine", "theirs"],
    }
    assert [row.key for row in ledger.parked_rows()] == ["Phone"]


def test_a_record_that_is_set_aside_is_forgotten_but_for_what_it_held(ledger):
    ledger.commit_decisions(
        Decisions(
            run_id="run-1",
            links=[link("one", flagged=Direction.TO_SPOTIO)],
            images=[image("one")],
            parked=[parked("one")],
        )
    )
    one = Release(link=snapshot(ledger, "one").link, rows=[parked("one")], aside="its digest")
    ledger.release([one], why="by somebody")
    assert ledger.set_aside(PAIR, Side.SALESFORCE) == {"sf-one": "its digest"}
    assert ledger.set_aside(PAIR, Side.SPOTIO) == {}
    assert snapshot(ledger, "one") is None
    assert ledger.parked_rows() == []
    ledger.commit_decisions(Decisions(run_id="run-1", links=[link("one")], images=[image("one")]))
    assert snapshot(ledger, "one").link.salesforce_id == "sf-one", "it may come back"


def test_runs_are_kept_out_and_a_run_keeps_out(ledger):
    with pytest.raises(LeaseHeldError), ledger.kept_out("release-1", "somebody"):
        pass
    ledger.finish_run("run-1", "done")
    with ledger.kept_out("release-1", "somebody"):
        for direction in Direction:
            with pytest.raises(LeaseHeldError, match="somebody"):
                ledger.begin_run(run(f"run {direction.value}", direction), ttl_seconds=60)
    ledger.begin_run(run("run-2"), ttl_seconds=60)
    assert ledger.last_run(Direction.TO_SPOTIO).run_id == "run-2"

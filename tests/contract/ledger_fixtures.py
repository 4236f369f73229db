"""Ledgers on every backend, and short ways to make rows."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from reverse_sf.ledger.batches import Decisions, Outcomes
from reverse_sf.ledger.rows import Image, Intent, Link, OperationStatus, Outcome, Run
from reverse_sf.ledger.store import Ledger
from reverse_sf.mapping.definition import Direction, Side

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PAIR = "Account:Accounts"
AT = "2026-05-06T11:56:44.000Z"


@pytest.fixture(params=["file", "memory", "postgresql"])
def any_uri(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A ledger that does not exist yet, on each backend."""
    if request.param == "postgresql":
        return request.getfixturevalue("postgresql_server").new_database()
    return "sqlite://" if request.param == "memory" else f"sqlite:///{tmp_path}/ledger.db"


@pytest.fixture
def ledger(any_uri: str) -> Iterator[Ledger]:
    """An open ledger with the run ``run-1`` toward SPOTIO at work."""
    with Ledger.open(any_uri) as opened:
        opened.begin_run(run("run-1"), ttl_seconds=600)
        yield opened


def run(
    run_id: str,
    direction: Direction = Direction.TO_SPOTIO,
    *,
    started_at: str = AT,
    fingerprint: str = "definition-1",
) -> Run:
    return Run(
        run_id=run_id,
        direction=direction,
        started_at=started_at,
        definition_fingerprint=fingerprint,
        holder=f"holder of {run_id}",
    )


def link_id(name: str) -> str:
    return hashlib.blake2b(name.encode(), digest_size=16).hexdigest()


def link(name: str, **changes: object) -> Link:
    values = {"origin": Side.SALESFORCE, "salesforce_id": f"sf-{name}", "pair": PAIR, **changes}
    return Link(link_id=link_id(name), **values)


def image(name: str, values: dict[str, object] | None = None, **changes: object) -> Image:
    return Image(
        **{
            "link_id": link_id(name),
            "side": Side.SALESFORCE,
            "values": values or {"Name": name},
            "digest": f"digest of {values or name}",
            "modified_at": AT,
            "observed_at": AT,
            **changes,
        }
    )


def intent(name: str, operation: str | None = None, **changes: object) -> Intent:
    return Intent(
        **{
            "operation_id": operation or f"operation of {name}",
            "link_id": link_id(name),
            "pair": PAIR,
            "direction": Direction.TO_SPOTIO,
            "action": "create",
            "run_id": "run-1",
            "record": {"Company": name},
            "envelope": {"action": "create"},
            "source": {"Company": name},
            "decision": {"Company": {"row": "create"}},
            "issued_at": AT,
            **changes,
        }
    )


def outcome(name: str, operation: str | None = None, **changes: object) -> Outcome:
    return Outcome(
        **{
            "operation_id": operation or f"operation of {name}",
            "link_id": link_id(name),
            "status": OperationStatus.APPLIED,
            "at": AT,
            **changes,
        }
    )


def created(name: str) -> Outcome:
    """The usual end of a create: the id, the image read back, and what was written."""
    return outcome(name, spotio_id=f"sp-{name}", image={"Company": name}, written=["Company"])


def decide(ledger: Ledger, *names: str, run_id: str = "run-1", **changes: object) -> None:
    """Commit new links with an image and a create each."""
    ledger.commit_decisions(
        Decisions(
            run_id=run_id,
            links=[link(name) for name in names],
            images=[image(name) for name in names],
            intents=[intent(name, run_id=run_id, **changes) for name in names],
        )
    )


def finish(ledger: Ledger, *outcomes: Outcome, run_id: str = "run-1", **changes: object) -> None:
    ledger.commit_outcomes(
        Outcomes(run_id=run_id, direction=Direction.TO_SPOTIO, outcomes=list(outcomes), **changes)
    )


def join(ledger: Ledger, *names: str) -> None:
    """Commit links that are created and linked."""
    decide(ledger, *names)
    finish(ledger, *(created(name) for name in names))

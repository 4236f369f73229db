"""What became of one operation, and its rows for the ledger."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from reverse_sf.ledger.rows import (
    Conflict,
    Count,
    LogRow,
    OperationStatus,
    Outcome,
    Outcomes,
    Parked,
)
from reverse_sf.mapping.definition import Direction, Side
from reverse_sf.spotio.instants import format_instant, now

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reverse_sf.spotio.errors import Call
    from target_spotio.operations import Operation
    from target_spotio.vocabulary import Withheld

DIRECTION = Direction.TO_SPOTIO
_FIRST_RETRY = timedelta(minutes=10)
_MOST_DOUBLINGS = 7
_BY_TIME = {"unknown_outcome"}
"""Only what may pass by itself is tried again by the clock: a quiet system makes no write."""


@dataclass
class Result:
    """What became of one operation.

    Attributes:
        counter: how it counts, see :class:`reverse_sf.ledger.rows.Count`.
        image: all mapped keys as read back; None where not read.
        written: keys whose values are settled now.
        withheld: keys not written, and why; the key ``""`` is the whole record.
        overruled: keys of SPOTIO's own values that a link overwrote, as ``(key, lost, won)``.
        calls: the calls that wrote, for the log.
        waiting_for: link id of the parent that must exist first.
        stale: keys that hold neither the wanted nor the expected value.
        parent_unread: the record type has parents, and no call told this record's.
    """

    operation: Operation
    status: OperationStatus
    counter: str
    spotio_id: str | None = None
    image: dict[str, Any] | None = None
    modified_at: str | None = None
    written: list[str] = field(default_factory=list)
    withheld: list[Withheld] = field(default_factory=list)
    overruled: list[tuple[str, Any, Any]] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    waiting_for: str | None = None
    stale: list[str] = field(default_factory=list)
    parent_unread: bool = False

    @property
    def refused(self) -> bool:
        """Whether nothing was written because of what is withheld."""
        return self.status is OperationStatus.REJECTED


def rows_of(
    results: Iterable[Result], run_id: str, attempts: Mapping[tuple[str, str], int]
) -> Outcomes:
    """The rows to commit for the outcomes of decided operations, one transaction's worth.

    Args:
        results: of operations with an envelope.
        run_id: the mapper's run.
        attempts: how often a link's key was withheld before, by ``(link_id, key)``.
    """
    at = now()
    stamp = format_instant(at)
    rows = Outcomes(run_id=run_id, direction=DIRECTION)
    for result in results:
        envelope = result.operation.envelope
        if envelope is None:
            continue
        words = "; ".join(one.message for one in result.withheld)
        rows.outcomes.append(
            Outcome(
                operation_id=envelope.operation_id,
                link_id=envelope.link_id,
                status=result.status,
                at=stamp,
                spotio_id=result.spotio_id,
                image=result.image,
                image_modified_at=result.modified_at,
                written=result.written,
                error=words or None,
                error_code=result.withheld[0].reason if result.withheld else None,
                fields=[one.key for one in result.withheld if one.key],
            )
        )
        for one in result.withheld:
            doublings = min(attempts.get((envelope.link_id, one.key), 0), _MOST_DOUBLINGS)
            due = at + _FIRST_RETRY * 2**doublings if one.reason in _BY_TIME else None
            rows.parked.append(
                Parked(
                    link_id=envelope.link_id,
                    direction=DIRECTION,
                    key=one.key,
                    pair=envelope.pair,
                    reason=one.reason,
                    message=one.message,
                    at=stamp,
                    run_id=run_id,
                    next_attempt_at=format_instant(due) if due else None,
                    waiting_for=result.waiting_for,
                )
            )
        if result.stale:
            reason = f"changed in SPOTIO meanwhile: {', '.join(result.stale)}"
            rows.flagged.append((envelope.link_id, DIRECTION, reason))
        rows.conflicts += [
            Conflict(
                link_id=envelope.link_id,
                pair=envelope.pair,
                key=key,
                loser=Side.SPOTIO,
                losing_value=lost,
                winning_value=won,
                rule="on_link",
                row="C3-11",
                at=stamp,
                run_id=run_id,
                operation_id=envelope.operation_id,
            )
            for key, lost, won in result.overruled
        ]
        rows.log += [_log_row(result, call, stamp, run_id) for call in result.calls]
        rows.counts += _counts(result, run_id, envelope.pair)
    return rows


def _log_row(result: Result, call: Call, stamp: str, run_id: str) -> LogRow:
    envelope = result.operation.envelope
    answer = call.answer
    if isinstance(answer, dict) and "id" in answer:
        # The whole record is kept as the image already.
        answer = {key: answer[key] for key in ("id", "updatedAt") if key in answer}
    return LogRow(
        at=stamp,
        run_id=run_id,
        direction=DIRECTION,
        pair=envelope.pair if envelope else "",
        link_id=envelope.link_id if envelope else None,
        operation_id=envelope.operation_id if envelope else None,
        salesforce_id=envelope.salesforce_id if envelope else None,
        spotio_id=result.spotio_id,
        method=call.method,
        path=call.path,
        status=call.status,
        outcome=result.counter,
        reason="; ".join(one.message for one in result.withheld),
        payload=call.payload,
        answer=answer,
    )


def _counts(result: Result, run_id: str, pair: str) -> list[Count]:
    tallies = [Count(run_id=run_id, pair=pair, counter=result.counter, reason=_reason(result))]
    if result.counter != "waiting":
        tallies += [
            Count(run_id=run_id, pair=pair, counter="parked", reason=one.reason)
            for one in result.withheld
        ]
    if result.overruled:
        number = len(result.overruled)
        tallies.append(Count(run_id=run_id, pair=pair, counter="journaled", number=number))
    return tallies


def _reason(result: Result) -> str:
    return result.withheld[0].reason if result.refused and result.withheld else ""

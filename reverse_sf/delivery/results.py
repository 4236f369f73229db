"""What became of one operation, and its rows for the ledger, whichever way it went."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Protocol

from reverse_sf.ledger.batches import Outcomes
from reverse_sf.ledger.rows import (
    AwaitedOwner,
    Conflict,
    Count,
    LogRow,
    OperationStatus,
    Outcome,
    Parked,
)
from reverse_sf.mapping.definition import Direction, Side
from reverse_sf.merge.envelope import Action
from reverse_sf.merge.identity import NOT_THERE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from reverse_sf.merge.envelope import Envelope
    from reverse_sf.spotio.errors import Call

_FIRST_RETRY = timedelta(minutes=10)
_MOST_DOUBLINGS = 7


class Delivered(Protocol):
    """An operation, as far as results need it."""

    @property
    def stream(self) -> str:
        """Name of its stream."""

    @property
    def envelope(self) -> Envelope | None:
        """What the mapper decided; None for a record of any other tap."""

    @property
    def shown(self) -> str:
        """The record's own name, for people."""


Overruled = tuple[str, Any, Any]
"""A key of the destination's own values that a link overwrites, the value, and the new one."""


@dataclass(frozen=True)
class Withheld:
    """One key of a record that cannot be written, and why.

    Attributes:
        key: record key; the empty text is the whole record.
        reason: short stable code.
        message: one sentence, with the system's own words.
        by_time: whether it may pass by itself. Only then is it tried again by the clock: a quiet
            system makes no write.
    """

    key: str
    reason: str
    message: str
    by_time: bool = False


@dataclass(frozen=True)
class Exchange:
    """One call about one record, for the log: without credentials."""

    method: str
    path: str
    status: int | None
    payload: Any = None
    answer: Any = None

    @classmethod
    def of(cls, call: Call) -> Exchange:
        """A call to SPOTIO's API as it was made."""
        return cls(call.method, call.path, call.status, call.payload, call.answer)


@dataclass
class Result:
    """What became of one operation.

    Attributes:
        counter: how it counts, see :class:`reverse_sf.ledger.rows.Count`.
        record_id: the record in the destination.
        image: all mapped keys as read back; None where not read.
        written: keys whose values are settled now.
        base: the destination's value of a written key, where the image has other names.
        withheld: keys not written, and why.
        overruled: keys of the destination's own values that a link overwrote, as
            ``(key, lost, won)``.
        calls: the calls that wrote, for the log.
        waiting_for: link id of the record that must exist first.
        stale: keys that hold neither the wanted nor the expected value.
        awaited: a user of the source whom nobody of the destination stands for: once somebody does,
            the record is decided again.
        parted: the counterpart that the record names is not to be had: the link forgets it.
    """

    operation: Delivered
    status: OperationStatus
    counter: str
    record_id: str | None = None
    image: dict[str, Any] | None = None
    modified_at: str | None = None
    written: list[str] = field(default_factory=list)
    base: dict[str, Any] | None = None
    withheld: list[Withheld] = field(default_factory=list)
    overruled: list[Overruled] = field(default_factory=list)
    calls: list[Exchange] = field(default_factory=list)
    waiting_for: str | None = None
    stale: list[str] = field(default_factory=list)
    awaited: str | None = None
    parted: bool = False

    @property
    def refused(self) -> bool:
        """Whether nothing was written because of what is withheld."""
        return self.status is OperationStatus.REJECTED


@dataclass(frozen=True)
class Heading:
    """Where the results of one target go.

    Attributes:
        direction: of the writes.
        destination: the written side.
        system: its name, for people.
    """

    direction: Direction
    destination: Side
    system: str

    def ids(self, envelope: Envelope, record_id: str | None) -> tuple[str | None, str | None]:
        """The Salesforce Id and the SPOTIO id."""
        if self.destination is Side.SPOTIO:
            return envelope.salesforce_id, record_id
        return record_id, envelope.spotio_id


def rows_of(
    results: Iterable[Result],
    run_id: str,
    heading: Heading,
    attempts: Mapping[tuple[str, str], int],
) -> Outcomes:
    """The rows to commit for the outcomes of decided operations, one transaction's worth.

    Args:
        results: of operations with an envelope.
        run_id: the mapper's run.
        heading: where they went.
        attempts: how often a link's key was withheld before, by ``(link_id, key)``.
    """
    book = _Book(run_id, heading, datetime.now(timezone.utc), attempts)
    rows = Outcomes(run_id=run_id, direction=heading.direction)
    for result in results:
        envelope = result.operation.envelope
        if envelope is None:
            continue
        rows.outcomes.append(book.outcome(result, envelope))
        rows.parked += [book.parked(one, result, envelope) for one in result.withheld]
        if result.stale:
            reason = f"changed in {heading.system} meanwhile: {', '.join(result.stale)}"
            rows.flagged.append((envelope.link_id, heading.direction, reason))
        if result.parted and not result.withheld:
            rows.flagged.append((envelope.link_id, heading.direction, NOT_THERE))
        if result.counter == "linked" and envelope.action is Action.CREATE:
            # What did not win on the link waits for the values that were read only now.
            rows.flagged.append((envelope.link_id, heading.direction, "found, not created"))
        if result.awaited is not None:
            one = AwaitedOwner(heading.direction, envelope.pair, result.awaited)
            rows.awaited.append(one)
        rows.conflicts += book.conflicts(result.overruled, envelope)
        rows.log += [book.log_row(call, result, envelope) for call in result.calls]
        rows.counts += _counts(result, run_id, envelope.pair)
    return rows


def _with_omitted(result: Result, envelope: Envelope) -> tuple[list[str], dict[str, Any] | None]:
    """Settle what a create left out on purpose with what the created record holds of it."""
    image = result.image or {}
    if result.base is None:
        return [*result.written, *(key for key in envelope.settles if key in image)], None
    base = dict(result.base)
    for key in envelope.settles:
        place = envelope.keys.get(key)
        if isinstance(place, str) and place in image:
            base[key] = image[place]
    return list(base), base


def journal_of(
    foreseen: Iterable[tuple[Envelope, Sequence[Overruled]]], run_id: str, heading: Heading
) -> list[Conflict]:
    """The journal's rows of values that links are about to overwrite."""
    book = _Book(run_id, heading, datetime.now(timezone.utc), {})
    return [row for envelope, ones in foreseen for row in book.conflicts(ones, envelope)]


def spared_by(result: Result, foreseen: Iterable[str]) -> set[str]:
    """Of the keys that were to be overruled, those whose value is certainly still there.

    A call without an answer may have been carried out: what it was to overrule stays journaled.
    """
    if result.refused or not result.calls:
        return set(foreseen)
    overruled = {key for key, _, _ in result.overruled}
    return {one.key for one in result.withheld if one.key in foreseen} - overruled


@dataclass(frozen=True)
class _Book:
    """Makes the rows of one commit."""

    run_id: str
    heading: Heading
    at: datetime
    attempts: Mapping[tuple[str, str], int]

    def outcome(self, result: Result, envelope: Envelope) -> Outcome:
        to_spotio = self.heading.destination is Side.SPOTIO
        words = "; ".join(one.message for one in result.withheld)
        written, base = result.written, result.base
        if envelope.settles and result.counter == "created":
            written, base = _with_omitted(result, envelope)
        return Outcome(
            operation_id=envelope.operation_id,
            link_id=envelope.link_id,
            status=result.status,
            at=_stamp(self.at),
            spotio_id=result.record_id if to_spotio else None,
            salesforce_id=None if to_spotio else result.record_id,
            image=result.image,
            image_modified_at=result.modified_at,
            written=written,
            base=base,
            error=words or None,
            error_code=result.withheld[0].reason if result.withheld else None,
            fields=[one.key for one in result.withheld if one.key],
            parted=result.parted,
        )

    def parked(self, one: Withheld, result: Result, envelope: Envelope) -> Parked:
        doublings = min(self.attempts.get((envelope.link_id, one.key), 0), _MOST_DOUBLINGS)
        due = self.at + _FIRST_RETRY * 2**doublings if one.by_time else None
        return Parked(
            link_id=envelope.link_id,
            direction=self.heading.direction,
            key=one.key,
            pair=envelope.pair,
            reason=one.reason,
            message=one.message,
            at=_stamp(self.at),
            run_id=self.run_id,
            next_attempt_at=_stamp(due) if due else None,
            waiting_for=result.waiting_for,
        )

    def conflicts(self, overruled: Iterable[Overruled], envelope: Envelope) -> list[Conflict]:
        return [
            Conflict(
                link_id=envelope.link_id,
                pair=envelope.pair,
                key=key,
                loser=self.heading.destination,
                losing_value=lost,
                winning_value=won,
                rule="on_link",
                row="C3-11",
                at=_stamp(self.at),
                run_id=self.run_id,
                operation_id=envelope.operation_id,
            )
            for key, lost, won in overruled
        ]

    def log_row(self, call: Exchange, result: Result, envelope: Envelope) -> LogRow:
        salesforce_id, spotio_id = self.heading.ids(envelope, result.record_id)
        return LogRow(
            at=_stamp(self.at),
            run_id=self.run_id,
            direction=self.heading.direction,
            pair=envelope.pair,
            link_id=envelope.link_id,
            operation_id=envelope.operation_id,
            salesforce_id=salesforce_id,
            spotio_id=spotio_id,
            method=call.method,
            path=call.path,
            status=call.status,
            outcome=result.counter,
            reason="; ".join(one.message for one in result.withheld),
            payload=call.payload,
            answer=call.answer,
        )


def _counts(result: Result, run_id: str, pair: str) -> list[Count]:
    reason = result.withheld[0].reason if result.refused and result.withheld else ""
    tallies = [Count(run_id=run_id, pair=pair, counter=result.counter, reason=reason)]
    if result.counter != "waiting":
        tallies += [
            Count(run_id=run_id, pair=pair, counter="parked", reason=one.reason)
            for one in result.withheld
        ]
    if result.overruled:
        number = len(result.overruled)
        tallies.append(Count(run_id=run_id, pair=pair, counter="journaled", number=number))
    return tallies


def _stamp(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"

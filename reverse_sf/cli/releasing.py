"""What becomes of withheld work that a person lets go of."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reverse_sf.cli.journal import links_of, parked_work
from reverse_sf.cli.remedies import remedy_of
from reverse_sf.ledger.holder import this_process
from reverse_sf.ledger.releases import Release
from reverse_sf.ledger.rows import LinkState, OperationStatus
from reverse_sf.mapping.activity_fields import DESCRIBED
from reverse_sf.mapping.definition import Side
from reverse_sf.mapping.describe import SalesforceObject
from reverse_sf.mapping.known_pair import compile_known, salesforce_value
from reverse_sf.mapping.values import UNSET
from reverse_sf.merge.envelope import USERS_PAIR
from reverse_sf.merge.identity import UNKNOWN_OUTCOME
from reverse_sf.spotio.facts import type_from_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reverse_sf.ledger.rows import Parked, Snapshot
    from reverse_sf.ledger.store import Ledger
    from reverse_sf.mapping.definition import SyncDefinition
    from reverse_sf.mapping.pair import PairConverter

_UNDER_WAY = "a write of its record is under way or had no answer: run the sync once, then release"
_UNREAD = "nobody has read it in both systems: run the sync once with --full-refresh, then release"
_UNMAPPED = "sync.yml does not map its record any more: map it again, then release"
_USERS = "users are decided anew in every run: select other users under users: of sync.yml"
_ALONE = "its record has no counterpart whose value could stand: release the whole record"
_UNKNOWN = "whether the record was created is not known, and letting go might make it twice"


@dataclass
class Released:
    """What is let go of, and what cannot be.

    Attributes:
        found: what happens to each link.
        refused: withheld rows that stay, and why, with the way out.
    """

    found: list[Release] = field(default_factory=list)
    refused: list[tuple[Parked, str]] = field(default_factory=list)

    @property
    def number(self) -> int:
        """How many withheld rows go."""
        return sum(len(one.rows) for one in self.found)


def release(
    ledger: Ledger,
    definition: SyncDefinition,
    choose: Callable[[], Sequence[Parked]],
    why: str | None = None,
) -> Released:
    """Let go of withheld rows, while no run is at work.

    Args:
        ledger: where they are.
        definition: the sync definition.
        choose: finds them.
        why: for the log.

    Raises:
        LeaseHeldError: a run is at work.
    """
    holder = this_process()
    who, _, _ = holder.partition(" (")
    with ledger.kept_out(f"release-{secrets.token_hex(3)}", holder):
        made = released(ledger, definition, choose())
        if made.found:
            ledger.release(made.found, why=f"by {who}" + (f" ({why})" if why else ""))
    return made


def released(ledger: Ledger, definition: SyncDefinition, rows: Sequence[Parked]) -> Released:
    """What would become of withheld rows; nothing of it has happened yet."""
    by_link: dict[str, list[Parked]] = {}
    for row in rows:
        by_link.setdefault(row.link_id, []).append(row)
    made = Released()
    readers: dict[str, _Reader | None] = {}
    every = ledger.parked(list(by_link))
    for link_id, snapshot in ledger.snapshots(list(by_link)).items():
        pair = snapshot.link.pair
        if pair not in readers:
            readers[pair] = _Reader.of(ledger, definition, pair)
        _one(ledger, snapshot, (by_link[link_id], every[link_id]), readers[pair], made)
    return made


def chosen(
    ledger: Ledger,
    *,
    record: str | None = None,
    reason: str | None = None,
    key: str | None = None,
    pair: str | None = None,
    direction: str | None = None,
) -> list[Parked]:
    """Withheld rows; every filter that is given must hold.

    Raises:
        UsageError: the ledger knows no such record.
    """
    of_record = None if record is None else {one.link_id for one in links_of(ledger, record)}
    return [
        row
        for row in parked_work(ledger, direction, pair, reason)
        if (of_record is None or row.link_id in of_record)
        and (key is None or key in (row.key, ledger.places(row.pair).get(row.key)))
    ]


class _Reader:
    """Reads the values of a pair from what the ledger has seen."""

    def __init__(self, pair: PairConverter, places: dict[str, Any]) -> None:
        self._pair = pair
        self.places = places

    @classmethod
    def of(cls, ledger: Ledger, definition: SyncDefinition, name: str) -> _Reader | None:
        """The reader of a pair; None where the definition has none of that name any more."""
        mapping = next((one for one in definition.pairs if one.name == name), None)
        if mapping is None:
            return None
        told = ledger.catalog(Side.SALESFORCE, mapping.salesforce)
        spotio = None
        if mapping.activity is None:
            spotio = ledger.catalog(Side.SPOTIO, mapping.spotio)
        pair = compile_known(
            mapping,
            None if told is None else SalesforceObject.from_schema(mapping.salesforce, told),
            None if spotio is None else type_from_schema(spotio),
            described=ledger.catalog(Side.SALESFORCE, DESCRIBED + mapping.salesforce),
            time_zone=definition.time_zone,
        )
        return cls(pair, ledger.places(name))

    def now(self, key: str, snapshot: Snapshot) -> list[Any] | None:
        """Both systems' values of a key as a base keeps them; None where one was never read."""
        spotio = (snapshot.spotio_image or {}).get(key, UNSET)
        image = snapshot.salesforce_image or {}
        salesforce = salesforce_value(self._pair, key, self.places[key], image)
        return None if spotio is UNSET or salesforce is UNSET else [spotio, salesforce]


def _one(
    ledger: Ledger,
    snapshot: Snapshot,
    of_link: tuple[list[Parked], list[Parked]],
    reader: _Reader | None,
    made: Released,
) -> None:
    """Decide the chosen rows of one link; ``of_link`` holds them, and all that it has."""
    chosen, every = of_link
    link = snapshot.link
    is_alone = link.state is LinkState.PENDING and not (link.salesforce_id and link.spotio_id)
    goes = is_alone and any(not row.key for row in chosen)
    barrier = _barrier(snapshot, every if goes else chosen, is_mapped=reader is not None)
    digest = snapshot.spotio_digest if link.spotio_id else snapshot.salesforce_digest
    if goes and digest is None:
        barrier = barrier or _UNREAD
    if barrier or reader is None:
        made.refused += [(row, barrier) for row in chosen]
    elif goes:
        # The ledger forgets the link with all that is withheld of it.
        made.found.append(Release(link=link, rows=every, aside=digest))
    elif is_alone:
        made.refused += [(row, _ALONE) for row in chosen]
    else:
        _linked(ledger, snapshot, of_link, reader, made)


def _barrier(snapshot: Snapshot, rows: Sequence[Parked], *, is_mapped: bool) -> str:
    """Why nothing of a link can be let go of; "" where it can."""
    if any(row.reason == UNKNOWN_OUTCOME for row in rows):
        remedy = remedy_of(UNKNOWN_OUTCOME, None)
        return f"{_UNKNOWN}. {remedy.words if remedy else ''}"
    if snapshot.link.pair == USERS_PAIR:
        return _USERS
    if not is_mapped:
        return _UNMAPPED
    return _UNDER_WAY if snapshot.open_operation is not None else ""


def _linked(
    ledger: Ledger,
    snapshot: Snapshot,
    of_link: tuple[list[Parked], list[Parked]],
    reader: _Reader,
    made: Released,
) -> None:
    """Settle what is withheld of a record that has a counterpart."""
    chosen, every = of_link
    done = Release(link=snapshot.link)
    for row in chosen:
        if not row.key:
            _settle_refused(ledger, snapshot, row, reader, done)
        if not row.key or row.key not in reader.places:
            done.rows.append(row)
            continue
        values = reader.now(row.key, snapshot)
        if values is None:
            made.refused.append((row, _UNREAD))
        else:
            done.settled[row.key] = values
    # A base is one for both directions.
    done.rows += [row for row in every if row.key and row.key in done.settled]
    if done.rows:
        made.found.append(done)


def _settle_refused(
    ledger: Ledger, snapshot: Snapshot, row: Parked, reader: _Reader, done: Release
) -> None:
    """Settle the fields of the last write of a linked record, which the system has refused."""
    operations = ledger.operations_of_links([row.link_id])
    last = next((one for one in reversed(operations) if one.direction is row.direction), None)
    if last is None or last.status != OperationStatus.REJECTED.value:
        return
    for key in last.source:
        values = reader.now(key, snapshot) if key in reader.places else None
        if values is not None:
            done.settled[key] = values

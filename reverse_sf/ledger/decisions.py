"""Committing what the mapper decided, before any of it is emitted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.exc import IntegrityError

from reverse_sf.errors import StopError
from reverse_sf.ledger.awaited import note_awaited
from reverse_sf.ledger.dialects import Delete, Insert, Update, keys, numbers
from reverse_sf.ledger.differing import NOTHING_DIFFERS
from reverse_sf.ledger.encoding import moment, to_text
from reverse_sf.ledger.leases import Leases, add_counts
from reverse_sf.ledger.match_index import write_match_keys
from reverse_sf.ledger.observations import IS_OPEN
from reverse_sf.ledger.restores import drop_restores, keep_restores
from reverse_sf.ledger.rows import LinkState, LogRow, OperationStatus
from reverse_sf.ledger.tables import (
    bases,
    flags,
    images,
    links,
    operations,
    users,
)
from reverse_sf.ledger.taking_over import take_over
from reverse_sf.ledger.writing import (
    add_conflicts,
    all_given,
    drop_parked,
    merge_bases,
    put_flags,
    put_images,
    put_parked,
    write_log,
)
from reverse_sf.mapping.definition import Direction, Side

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection, Row

    from reverse_sf.ledger.batches import Decisions
    from reverse_sf.ledger.rows import Image, Intent, Link, UserRow


# An enum's value costs a call, and these stand in each of a hundred thousand rows.
_SIDES = (Side.SALESFORCE.value, Side.SPOTIO.value)
_DIRECTIONS = (Direction.TO_SALESFORCE.value, Direction.TO_SPOTIO.value)
_INTENDED = OperationStatus.INTENDED.value


_add_links = Insert(
    links, ("number", "link_id", "pair", "origin", "state", "salesforce_id", "spotio_id")
)
_change_links = Update(links, ("pair", "state", "salesforce_id", "spotio_id"), identity=("number",))
_drop_flags = Delete(flags, ("link_id", "direction"))
_drop_images = Delete(images, ("link", "side"))
_renew_images = Update(images, ("modified_at",), identity=("link", "side"))
_drop_bases = Delete(bases, ("link",))
_OPERATION = (
    "run_id",
    "status",
    "attempts",
    "waiting_for",
    "record",
    "envelope",
    "source",
    "decision",
)
_add_operations = Insert(
    operations, ("operation_id", "link", "pair", "direction", "action", *_OPERATION, "issued_at")
)
_reissue = Update(operations, _OPERATION, identity=("number",))
_supersede = (
    update(operations)
    .where(operations.c.operation_id.in_(keys()), IS_OPEN)
    .values(status=OperationStatus.SUPERSEDED.value, closed_at=bindparam("at"))
)
_known_links = select(
    links.c.link_id, links.c.number, links.c.state, links.c.salesforce_id, links.c.spotio_id
).where(links.c.link_id.in_(keys()))
_last_number = select(func.coalesce(func.max(links.c.number), 0))
_open_operations = (
    select(operations.c.operation_id, operations.c.number, operations.c.attempts)
    .where(operations.c.link.in_(numbers()), operations.c.operation_id.in_(keys()), IS_OPEN)
    .order_by(operations.c.link)
)
_put_users = Insert(
    users,
    ("side", "user_id", "email", "username", "external_id", "name", "active", "attributes"),
    identity=("side", "user_id"),
    changes=all_given("email", "username", "external_id", "name", "active", "attributes"),
)
_drop_users = Delete(users, ("side", "user_id"))


class DecisionCommits(Leases):
    """The mapper's commit."""

    def commit_decisions(self, decisions: Decisions) -> None:
        """Commit a batch in one transaction; after it returns the records may be emitted.

        An intent whose operation is open still (the same decision made again after a crash) counts
        one more attempt, and stays as old as the first one: what that may have made is as old. A
        link's ids never become unknown through this call, and a link that a target joined meanwhile
        stays joined: the mapper runs ahead of the target, and what it read may be older than what
        the target stored. ``Link.flagged`` adds a flag; only ``unflagged`` takes the run's own
        direction's flag away. Parked rows without a definition
        fingerprint get the run's.

        Raises:
            LeaseHeldError: another run has taken over the lease: emit nothing.
            StopError: a link would join a record that another link has already.
        """
        with self._writing() as connection:
            run = self._fence(connection, decisions.run_id)
            _take_over(connection, decisions.taken_over)
            known, new = _put_links(connection, decisions, self._link_numbers)
            _forget_sides(connection, decisions.parted, known)
            put_images.execute(connection, [_image_row(it, known) for it in decisions.images])
            _renew_images.execute(
                connection, [(at, known[it], side.value) for it, side, at in decisions.renewed]
            )
            merge_bases(
                connection, {known[it]: entries for it, entries in decisions.rebased.items()}
            )
            _drop_flags.execute(connection, [(it, run.direction) for it in decisions.unflagged])
            put_flags.execute(connection, _flag_rows(decisions.links))
            put_flags.execute(
                connection, [(link_id, run.direction, why) for link_id, why in decisions.flagged]
            )
            if decisions.superseded:
                connection.execute(
                    _supersede,
                    {"keys": to_text(decisions.superseded), "at": moment(self._now(connection))},
                )
            _put_intents(connection, decisions.intents, known, new)
            drop_parked.execute(
                connection, [(link_id, run.direction, key) for link_id, key in decisions.unparked]
            )
            put_parked(connection, decisions.parked, run)
            add_conflicts(connection, decisions.conflicts)
            if decisions.issued or decisions.ended:
                self._restores(connection, decisions, run)
            _put_users.execute(connection, [_user_row(user) for user in decisions.users])
            note_awaited(connection, decisions.awaited, decisions.run_id)
            add_counts(connection, decisions.counts)
            if decisions.match_keys:
                write_match_keys(connection, decisions.match_keys)

    def replace_users(self, side: Side, rows: Sequence[UserRow]) -> None:
        """Keep all users of a side as just read; who is not among them is not there any more."""
        kept = {row.user_id for row in rows}
        with self._writing() as connection:
            known = connection.scalars(select(users.c.user_id).where(users.c.side == side.value))
            gone = [(side.value, user_id) for user_id in known if user_id not in kept]
            _drop_users.execute(connection, gone)
            _put_users.execute(connection, [_user_row(row) for row in rows])

    def _restores(self, connection: Connection, decisions: Decisions, run: Row[Any]) -> None:
        """Keep which of the values that a person wants back are under way, and how others ended."""
        keep_restores(connection, run.direction, decisions.issued)
        drop_restores(connection, run.direction, [one[:2] for one in decisions.ended])
        at = moment(self._now(connection))
        write_log(
            connection,
            [
                LogRow(
                    at=at,
                    run_id=decisions.run_id,
                    direction=Direction(run.direction),
                    kind="restore",
                    link_id=link_id,
                    outcome="settled",
                    reason=f"{key}: {how}",
                )
                for link_id, key, how in decisions.ended
            ],
        )


def _take_over(connection: Connection, taken_over: Sequence[tuple[str, str]]) -> None:
    """End the links whose record another one joins in this batch."""
    if not taken_over:
        return
    sought = sorted({one for names in taken_over for one in names})
    rows = connection.execute(_known_links, {"keys": to_text(sought)}).all()
    known = {row.link_id: row for row in rows}
    take_over(connection, [(known[kept], known[given_up]) for kept, given_up in taken_over])


def _put_links(
    connection: Connection, decisions: Decisions, remembered: Mapping[str, int]
) -> tuple[dict[str, int], set[str]]:
    """Insert new links, change known ones.

    Args:
        connection: inside a write transaction.
        decisions: the batch.
        remembered: numbers of links that need not be looked up; numbers never change.

    Returns:
        The number of every link that the batch names, and the ids of the new ones.
    """
    given = {link.link_id: link for link in decisions.links}
    named = {
        *(image.link_id for image in decisions.images),
        *(intent.link_id for intent in decisions.intents),
        *decisions.rebased,
        *(link_id for link_id, _, _ in decisions.renewed),
    }
    known = {it: remembered[it] for it in named - given.keys() if it in remembered}
    sought = [*given, *(named - given.keys() - known.keys())]
    if not sought:
        return known, set()
    rows = connection.execute(_known_links, {"keys": to_text(sought)}).all()
    known.update((row.link_id, row.number) for row in rows)
    new = [link for link in given.values() if link.link_id not in known]
    parted = dict(decisions.parted)
    changed = [
        _changed_link(given[row.link_id], row, parted.get(row.link_id))
        for row in rows
        if row.link_id in given
    ]
    try:
        _change_links.execute(connection, changed)
        if new:
            first: int = connection.execute(_last_number).scalar_one() + 1
            _add_links.execute(connection, [_link_row(*it) for it in enumerate(new, first)])
            known.update((link.link_id, number) for number, link in enumerate(new, first))
    except IntegrityError as error:
        raise StopError(
            "a link would join a record that belongs to another link already; nothing of this "
            "batch was stored. See both records with 'reverse-sf logs', unlink one, and run again"
        ) from error
    return known, {link.link_id for link in new}


def _changed_link(link: Link, row: Row[Any], parted: Side | None) -> tuple[Any, ...]:
    if parted is not None:
        return (link.pair, link.state.value, link.salesforce_id, link.spotio_id, row.number)
    joined_meanwhile = row.state == LinkState.LINKED.value and link.state is LinkState.PENDING
    return (
        link.pair,
        row.state if joined_meanwhile else link.state.value,
        link.salesforce_id or row.salesforce_id,
        link.spotio_id or row.spotio_id,
        row.number,
    )


def _forget_sides(
    connection: Connection, parted: Sequence[tuple[str, Side]], known: Mapping[str, int]
) -> None:
    """Forget what was known of the sides that links have parted with, and what was settled."""
    if not parted:
        return
    _drop_images.execute(connection, [(known[it], side.value) for it, side in parted])
    _drop_bases.execute(connection, [(known[it],) for it, _ in parted])


def _put_intents(
    connection: Connection, intents: Sequence[Intent], known: Mapping[str, int], fresh: set[str]
) -> None:
    """Open operations; one that is open under the same id is issued once more."""
    of_known = [intent for intent in intents if intent.link_id not in fresh]
    earlier: dict[str, tuple[int, int]] = {}
    if of_known:
        rows = connection.execute(
            _open_operations,
            {
                "numbers": to_text(sorted({known[intent.link_id] for intent in of_known})),
                "keys": to_text([intent.operation_id for intent in of_known]),
            },
        ).all()
        earlier = {operation_id: (number, attempts) for operation_id, number, attempts in rows}
    new: list[tuple[Any, ...]] = []
    again: list[tuple[Any, ...]] = []
    for intent in intents:
        if intent.operation_id in earlier:
            number, attempts = earlier[intent.operation_id]
            again.append((*_intent_content(intent, attempts + 1), number))
            continue
        new.append(
            (
                intent.operation_id,
                known[intent.link_id],
                intent.pair,
                _DIRECTIONS[intent.direction is Direction.TO_SPOTIO],
                intent.action,
                *_intent_content(intent, 1),
                intent.issued_at,
            )
        )
    _reissue.execute(connection, again)
    _add_operations.execute(connection, new)


def _flag_rows(given: Sequence[Link]) -> list[tuple[Any, ...]]:
    return [
        (link.link_id, link.flagged.value, link.flag_reason or "")
        for link in given
        if link.flagged is not None
    ]


def _link_row(number: int, link: Link) -> tuple[Any, ...]:
    return (
        number,
        link.link_id,
        link.pair,
        link.origin.value,
        link.state.value,
        link.salesforce_id,
        link.spotio_id,
    )


def _image_row(image: Image, known: Mapping[str, int]) -> tuple[Any, ...]:
    return (
        known[image.link_id],
        _SIDES[image.side is Side.SPOTIO],
        image.digest,
        image.modified_at,
        image.observed_at,
        image.deleted,
        to_text(image.values),
        to_text(image.differing) if image.differing else NOTHING_DIFFERS,
    )


def _intent_content(intent: Intent, attempts: int) -> tuple[Any, ...]:
    return (
        intent.run_id,
        _INTENDED,
        attempts,
        intent.waiting_for,
        to_text(intent.record),
        to_text(intent.envelope),
        to_text(intent.source),
        to_text(intent.decision),
    )


def _user_row(user: UserRow) -> tuple[Any, ...]:
    return (
        user.side.value,
        user.user_id,
        user.email,
        user.username,
        user.external_id,
        user.name,
        user.active,
        to_text(user.attributes) if user.attributes else None,
    )

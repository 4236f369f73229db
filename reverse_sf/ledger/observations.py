"""What the mapper asks about the records that it sees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, bindparam, exists, null, or_, select, text, type_coerce, union
from sqlalchemy.types import NullType

from reverse_sf.ledger.dialects import constant, keys
from reverse_sf.ledger.encoding import sortable, to_text
from reverse_sf.ledger.rows import Link, LinkState, Observed, Parked, Snapshot
from reverse_sf.ledger.session import Session
from reverse_sf.ledger.tables import bases, flags, images, leases, links, operations, parked
from reverse_sf.mapping.definition import Direction, Side

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import ColumnElement, FromClause, Row, Select

_STATES = {state.value: state for state in LinkState}
_SIDES = {side.value: side for side in Side}
_DIRECTIONS = {direction.value: direction for direction in Direction}

# The words of the partial index, as they stand there: SQLite uses it for nothing else.
IS_OPEN = text("sync_operations.status IN ('intended', 'waiting')")

_salesforce = images.alias("salesforce")
_spotio = images.alias("spotio")


def _image_of(alias: Any, side: Side) -> ColumnElement[bool]:
    return and_(alias.c.link == links.c.number, alias.c.side == constant(side.value))


def _seen(side: Side, identity: Any) -> Select[Any]:
    image = _salesforce if side is Side.SALESFORCE else _spotio
    return (
        select(
            identity,
            links.c.link_id,
            links.c.state,
            image.c.digest,
            image.c.modified_at,
            image.c.observed_at,
            image.c.differing,
            exists().where(operations.c.link == links.c.number, IS_OPEN),
        )
        .select_from(links.outerjoin(image, _image_of(image, side)))
        .where(links.c.pair == bindparam("pair"), identity.in_(keys()))
    )


_observed = {
    Side.SALESFORCE: _seen(Side.SALESFORCE, links.c.salesforce_id),
    Side.SPOTIO: _seen(Side.SPOTIO, links.c.spotio_id),
}
_link_ids = select(links.c.salesforce_id, links.c.link_id).where(
    links.c.pair == bindparam("pair"), links.c.salesforce_id.in_(keys())
)
_owners = select(links.c.spotio_id, links.c.link_id).where(
    links.c.pair == bindparam("pair"), links.c.spotio_id.in_(keys())
)


def _image_columns(side: Side, without: Side | None) -> list[ColumnElement[Any]]:
    """Content, digest, deletion and moments of a side's image, as far as they are asked for."""
    names = ("content", "digest", "deleted", "modified_at", "observed_at", "differing")
    alias = _salesforce if side is Side.SALESFORCE else _spotio
    asked = names if without is None else () if without is side else ("content", "deleted")
    # Without its type: SQLAlchemy would work through every row to make a truth value of it.
    columns = {**dict(alias.c), "deleted": type_coerce(alias.c.deleted, NullType())}
    return [
        columns[name] if name in asked else null().label(f"{side.value}_{name}") for name in names
    ]


def _all_of(without: Side | None = None) -> Select[Any]:
    """Everything that a decision about links needs.

    Where a newer image of one side is at hand, the one that is kept is left where it is; digests
    and moments, which few decisions ask for, are left as well.
    """
    joined: FromClause = links
    for side, alias in ((Side.SALESFORCE, _salesforce), (Side.SPOTIO, _spotio)):
        if side is not without:
            joined = joined.outerjoin(alias, _image_of(alias, side))
    return (
        select(
            links.c.link_id,
            links.c.number,
            links.c.pair,
            links.c.origin,
            links.c.state,
            links.c.salesforce_id,
            links.c.spotio_id,
            *_image_columns(Side.SALESFORCE, without),
            *_image_columns(Side.SPOTIO, without),
            bases.c.entries,
            flags.c.direction,
            flags.c.reason,
            operations.c.operation_id,
            operations.c.attempts,
            operations.c.action,
            operations.c.direction,
            operations.c.number,
        )
        .select_from(
            joined.outerjoin(bases, bases.c.link == links.c.number)
            .outerjoin(flags, flags.c.link_id == links.c.link_id)
            .outerjoin(operations, and_(operations.c.link == links.c.number, IS_OPEN))
        )
        .where(links.c.link_id.in_(keys()))
    )


_snapshots = {without: _all_of(without) for without in (None, *Side)}
_parked_of = (
    select(parked).where(parked.c.link_id.in_(keys())).order_by(parked.c.direction, parked.c.key)
)


def _replan() -> Any:
    """Links due for a direction, in the order of their ids, after the last one of a page."""
    direction: Any = bindparam("direction")
    after: Any = bindparam("after")
    holder = select(leases.c.run_id).where(leases.c.direction == direction).scalar_subquery()
    open_before = (
        select(links.c.link_id)
        .select_from(operations.join(links, links.c.number == operations.c.link))
        .where(
            operations.c.direction == direction,
            operations.c.run_id.is_distinct_from(holder),
            links.c.link_id > after,
            IS_OPEN,
        )
    )
    flagged = select(flags.c.link_id).where(flags.c.direction == direction, flags.c.link_id > after)
    parent = links.alias("parent")
    parent_arrived = exists().where(parent.c.link_id == parked.c.waiting_for, has_both(parent))
    due = select(parked.c.link_id).where(
        parked.c.direction == direction,
        parked.c.link_id > after,
        or_(
            parked.c.next_attempt_at <= bindparam("now"),
            parked.c.definition_fingerprint != bindparam("fingerprint"),
            parent_arrived,
        ),
    )
    every = union(open_before, flagged, due).subquery()
    return select(every.c.link_id).order_by(every.c.link_id).limit(bindparam("page"))


def has_both(table: Any) -> ColumnElement[bool]:
    """Both sides of a link are known."""
    return and_(table.c.spotio_id.is_not(None), table.c.salesforce_id.is_not(None))


_links_to_replan = _replan()


class Observations(Session):
    """What is known of records, links and withheld work."""

    def observed(
        self, pair: str, ids: Sequence[str], *, side: Side = Side.SALESFORCE
    ) -> dict[str, Observed]:
        """Tell which of these records were seen before, and as what.

        One statement for any number of ids; the mapper calls it for every record.

        Args:
            pair: the object mapping.
            ids: of one side.
            side: whose ids they are, and whose image is asked for.

        Returns:
            By id; an id that has no link is not in it.
        """
        if not ids:
            return {}
        with self._reading() as connection:
            rows = connection.execute(
                _observed[side], {"pair": pair, "keys": to_text(list(ids))}
            ).all()
        return {
            record_id: Observed(
                link_id=link_id,
                state=_STATES[state],
                digest=digest,
                modified_at=modified_at,
                has_open_operation=bool(is_open),
                observed_at=observed_at,
                differing_text=differing,
            )
            for (
                record_id,
                link_id,
                state,
                digest,
                modified_at,
                observed_at,
                differing,
                is_open,
            ) in rows
        }

    def snapshots(
        self,
        link_ids: Sequence[str],
        *,
        direction: Direction | None = None,
        without: Side | None = None,
    ) -> dict[str, Snapshot]:
        """Read everything that a decision about these links needs, in one consistent statement.

        Args:
            link_ids: the links; unknown ones are not in the answer.
            direction: whose flag and open operation to show where both directions have one.
            without: the side whose image is not needed, because a newer one is at hand; it is
                None in the answer, and so are digests and moments.
        """
        if not link_ids:
            return {}
        with self._reading() as connection:
            rows = connection.execute(_snapshots[without], {"keys": to_text(list(link_ids))}).all()
        self._link_numbers = {row[0]: row[1] for row in rows}
        chosen: dict[str, Row[Any]] = {}
        for row in rows:
            other = chosen.setdefault(row[0], row)
            if other is not row:
                # Both directions have a flag or an open operation: the joins give every pair.
                chosen[row[0]] = max(row, other, key=lambda it: _relevance(it, direction))
        return {link_id: _snapshot(row) for link_id, row in chosen.items()}

    def link_ids(self, pair: str, salesforce_ids: Sequence[str]) -> dict[str, str]:
        """Link ids by Salesforce Id, where there is a link."""
        return self._pairs(_link_ids, pair, salesforce_ids)

    def link_ids_of_spotio(self, pair: str, spotio_ids: Sequence[str]) -> dict[str, str]:
        """Link ids by SPOTIO id, where there is a link: who already owns a candidate."""
        return self._pairs(_owners, pair, spotio_ids)

    def _pairs(self, statement: Any, pair: str, ids: Sequence[str]) -> dict[str, str]:
        if not ids:
            return {}
        with self._reading() as connection:
            rows = connection.execute(statement, {"pair": pair, "keys": to_text(list(ids))}).all()
        return {row[0]: row[1] for row in rows}

    def links_to_replan(
        self,
        direction: Direction,
        *,
        now: str,
        definition_fingerprint: str,
        batch: int = 500,
    ) -> Iterator[list[str]]:
        """Find links that must be decided again although no tap has seen them again.

        These are links with an operation of an earlier run whose outcome is unknown or which
        waits, links flagged for the direction, and links with something parked that is due: its
        time has come, the definition is another one, or the missing parent has its counterpart.

        Batches may be committed while this goes on: every link comes at most once.

        Args:
            direction: the run's direction; its run must hold the lease.
            now: the moment up to which parked work is due.
            definition_fingerprint: of the definition in force, as it is stored with parked work.
            batch: links per list.
        """
        after = ""
        while True:
            with self._reading() as connection:
                page = list(
                    connection.scalars(
                        _links_to_replan,
                        {
                            "direction": direction.value,
                            "after": after,
                            "now": sortable(now),
                            "fingerprint": definition_fingerprint,
                            "page": batch,
                        },
                    )
                )
            if page:
                yield page
            if len(page) < batch:
                return
            after = page[-1]

    def parked(self, link_ids: Sequence[str]) -> dict[str, list[Parked]]:
        """What is withheld of these links, in both directions; links with nothing are absent."""
        if not link_ids:
            return {}
        with self._reading() as connection:
            rows = connection.execute(_parked_of, {"keys": to_text(list(link_ids))}).all()
        found: dict[str, list[Parked]] = {}
        for row in rows:
            found.setdefault(row.link_id, []).append(_parked(row))
        return found

    def parked_rows(
        self, direction: Direction | None = None, pair: str | None = None
    ) -> list[Parked]:
        """Everything withheld, by pair and reason."""
        statement = select(parked).order_by(
            parked.c.pair, parked.c.reason, parked.c.link_id, parked.c.direction, parked.c.key
        )
        if direction is not None:
            statement = statement.where(parked.c.direction == direction.value)
        if pair is not None:
            statement = statement.where(parked.c.pair == pair)
        with self._reading() as connection:
            return [_parked(row) for row in connection.execute(statement)]


def _relevance(row: Row[Any], direction: Direction | None) -> tuple[bool, bool, str, int]:
    *_, flagged, _, _, _, _, operation_direction, number = row
    wanted = None if direction is None else direction.value
    return flagged == wanted, operation_direction == wanted, flagged or "", number or 0


def _snapshot(row: Row[Any]) -> Snapshot:
    (
        link_id,
        _,
        pair,
        origin,
        state,
        salesforce_id,
        spotio_id,
        salesforce_text,
        salesforce_digest,
        salesforce_deleted,
        salesforce_modified_at,
        salesforce_observed_at,
        salesforce_differing,
        spotio_text,
        spotio_digest,
        spotio_deleted,
        spotio_modified_at,
        spotio_observed_at,
        spotio_differing,
        base_text,
        flagged,
        flag_reason,
        operation_id,
        attempts,
        action,
        operation_direction,
        _,
    ) = row
    return Snapshot(
        link=Link(
            link_id=link_id,
            pair=pair,
            origin=_SIDES[origin],
            state=_STATES[state],
            salesforce_id=salesforce_id,
            spotio_id=spotio_id,
            flagged=None if flagged is None else _DIRECTIONS[flagged],
            flag_reason=flag_reason,
        ),
        salesforce_text=salesforce_text,
        salesforce_digest=salesforce_digest,
        spotio_text=spotio_text,
        spotio_digest=spotio_digest,
        salesforce_deleted=bool(salesforce_deleted),
        salesforce_modified_at=salesforce_modified_at,
        salesforce_observed_at=salesforce_observed_at,
        salesforce_differing=salesforce_differing,
        spotio_deleted=bool(spotio_deleted),
        spotio_modified_at=spotio_modified_at,
        spotio_observed_at=spotio_observed_at,
        spotio_differing=spotio_differing,
        base_text=base_text,
        open_operation=operation_id,
        open_attempts=attempts or 0,
        open_action=action,
        open_direction=None if operation_direction is None else _DIRECTIONS[operation_direction],
    )


def _parked(row: Row[Any]) -> Parked:
    return Parked(
        link_id=row.link_id,
        direction=Direction(row.direction),
        key=row.key,
        pair=row.pair,
        reason=row.reason,
        message=row.message,
        at=row.at,
        run_id=row.run_id,
        attempts=row.attempts,
        next_attempt_at=row.next_attempt_at,
        waiting_for=row.waiting_for,
        definition_fingerprint=row.definition_fingerprint,
    )

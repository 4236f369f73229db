"""Owners without a counterpart: who is awaited, and which records are theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, bindparam, select

from reverse_sf.ledger.dialects import Delete
from reverse_sf.ledger.facts import Facts, put_fact
from reverse_sf.ledger.rows import AwaitedOwner
from reverse_sf.ledger.tables import facts, images, links

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy import Connection

    from reverse_sf.mapping.definition import Direction, Side

_KIND = "awaited_owner"
_forget = Delete(facts, ("kind", "name", "value"))
_theirs = (
    select(links.c.number, links.c.link_id, images.c.content)
    .select_from(
        links.join(
            images, and_(images.c.link == links.c.number, images.c.side == bindparam("side"))
        )
    )
    .where(
        links.c.pair == bindparam("pair"),
        links.c.number > bindparam("after"),
        images.c.content.contains(bindparam("user")),
    )
    .order_by(links.c.number)
    .limit(bindparam("page"))
)


def note_awaited(connection: Connection, found: Iterable[AwaitedOwner], run_id: str) -> None:
    """Keep that records have asked for owners in vain."""
    rows = {(_kind(one.direction, one.pair), one.user_id, run_id) for one in found}
    put_fact.execute(connection, sorted(rows))


class AwaitedOwners(Facts):
    """Users whose records cannot be given to anybody on the other side."""

    def awaited_owners(self, direction: Direction) -> list[AwaitedOwner]:
        """Who is awaited in a direction, by pair and id."""
        prefix = _kind(direction, "")
        with self._reading() as connection:
            rows = connection.execute(
                select(facts.c.kind, facts.c.name, facts.c.value)
                .where(facts.c.kind.startswith(prefix, autoescape=True))
                .order_by(facts.c.kind, facts.c.name)
            ).all()
        return [
            AwaitedOwner(direction, kind.removeprefix(prefix), user_id, run_id)
            for kind, user_id, run_id in rows
        ]

    def no_longer_awaited(self, found: Iterable[AwaitedOwner]) -> None:
        """Forget who was awaited; who was asked for again meanwhile, by another run, is kept."""
        with self._writing() as connection:
            rows = [(_kind(one.direction, one.pair), one.user_id, one.run_id) for one in found]
            _forget.execute(connection, rows)

    def images_naming(
        self, pair: str, side: Side, user_id: str, *, batch: int = 500
    ) -> Iterator[dict[str, str]]:
        """Images of a side that have an id somewhere in their text: owned by that user, or not.

        Batches may be committed while this goes on.

        Yields:
            Image text by link id, so many at a time.
        """
        after = 0
        while True:
            given = {"pair": pair, "side": side.value, "user": user_id, "after": after}
            with self._reading() as connection:
                page = connection.execute(_theirs, {**given, "page": batch}).all()
            if page:
                yield {link_id: content for _, link_id, content in page}
            if len(page) < batch:
                return
            after = page[-1][0]


def _kind(direction: Direction, pair: str) -> str:
    return f"{_KIND}:{direction.value}:{pair}"

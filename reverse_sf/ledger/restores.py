"""Values that a person wants back: asked for here, written by the next run of a direction."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import delete, select

from reverse_sf.ledger.encoding import from_text, moment, to_text
from reverse_sf.ledger.facts import Facts, put_fact
from reverse_sf.ledger.rows import LogRow, Restore
from reverse_sf.ledger.tables import facts
from reverse_sf.ledger.writing import add_flags, write_log

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from reverse_sf.mapping.definition import Direction

ASKED = "a person wants a value back"
"""Why a link is decided again."""


class Restores(Facts):
    """Asking for values, and what was asked for."""

    def ask(self, direction: Direction, wanted: Sequence[Restore]) -> None:
        """Have the next run of a direction write these values, and put it into the log."""
        with self._writing() as connection:
            at = moment(self._now(connection))
            keep_restores(connection, direction.value, wanted)
            add_flags.execute(connection, [(one.link_id, direction.value, ASKED) for one in wanted])
            write_log(
                connection,
                [
                    LogRow(
                        at=at,
                        run_id="",
                        direction=direction,
                        kind="restore",
                        pair=one.pair,
                        link_id=one.link_id,
                        outcome="asked",
                        reason=f"{one.key}: {one.why}",
                        payload=one.value,
                    )
                    for one in wanted
                ],
            )

    def asked(self, direction: Direction) -> dict[str, list[Restore]]:
        """What is wanted in a direction, by link."""
        with self._reading() as connection:
            rows = connection.scalars(
                select(facts.c.value).where(facts.c.kind == _kind(direction.value))
            ).all()
        found: dict[str, list[Restore]] = {}
        for text in rows:
            one = msgspec.convert(from_text(text), Restore)
            found.setdefault(one.link_id, []).append(one)
        return found


def keep_restores(connection: Connection, direction: str, wanted: Sequence[Restore]) -> None:
    """Store what is wanted; of two for one value the later one counts."""
    put_fact.execute(
        connection,
        [(_kind(direction), _name(one.link_id, one.key), to_text(one)) for one in wanted],
    )


def drop_restores(connection: Connection, direction: str, ended: Sequence[tuple[str, str]]) -> None:
    """Forget what was done or given up, by link and key."""
    names = [_name(*one) for one in ended]
    if names:
        connection.execute(
            delete(facts).where(facts.c.kind == _kind(direction), facts.c.name.in_(names))
        )


def _kind(direction: str) -> str:
    return f"restore {direction}"


def _name(link_id: str, key: str) -> str:
    return f"{link_id} {key}"

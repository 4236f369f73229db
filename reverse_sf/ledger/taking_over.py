"""Two records that turn out to be one thing, and had a link each: one link takes over the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, update

from reverse_sf.ledger.tables import bases, flags, images, links, operations, parked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Row


def take_over(connection: Connection, merged: Sequence[tuple[Row[Any], Row[Any]]]) -> None:
    """Let links take over what the ledger knows of their other record, whose own link ends.

    Args:
        connection: inside a write transaction.
        merged: rows with ``number`` and ``link_id``: of the link that is kept, and of the other.
    """
    if not merged:
        return
    numbers = [{"kept": kept.number, "given_up": gone.number} for kept, gone in merged]
    names = [{"kept": kept.link_id, "given_up": gone.link_id} for kept, gone in merged]
    kept: Any = bindparam("kept")
    given_up: Any = bindparam("given_up")
    for table in (images, operations):
        connection.execute(update(table).where(table.c.link == given_up).values(link=kept), numbers)
    connection.execute(delete(bases).where(bases.c.link == given_up), numbers)
    for table in (parked, flags):
        connection.execute(delete(table).where(table.c.link_id == given_up), names)
    for table in (parked, operations):
        connection.execute(
            update(table).where(table.c.waiting_for == given_up).values(waiting_for=kept), names
        )
    connection.execute(delete(links).where(links.c.number == given_up), numbers)

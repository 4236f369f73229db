"""Records of which a person said that they have no counterpart: they are created, never matched."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, select

from reverse_sf.ledger.dialects import keys
from reverse_sf.ledger.encoding import moment, to_text
from reverse_sf.ledger.facts import Facts, put_fact
from reverse_sf.ledger.leases import Leases
from reverse_sf.ledger.matches import insert_links, known_links, pending_link
from reverse_sf.ledger.rows import LogRow
from reverse_sf.ledger.tables import facts
from reverse_sf.ledger.writing import write_log
from reverse_sf.mapping.definition import Direction, Side

if TYPE_CHECKING:
    from collections.abc import Sequence

_KIND = "alone"


class Alone(Facts, Leases):
    """What ``reverse-sf link --choose ID=new`` leaves in the ledger."""

    def alone(self, pair: str, side: Side) -> set[str]:
        """Ids of a side's records that a person said to have no counterpart."""
        with self._reading() as connection:
            return set(
                connection.scalars(select(facts.c.name).where(facts.c.kind == _kind(pair, side)))
            )

    def set_alone(self, run_id: str, pair: str, side: Side, record_ids: Sequence[str]) -> None:
        """Keep that records have no counterpart.

        Each gets a link of its own, so that the mapper never looks for another: it decides the
        record when the tap tells of it, or at once where the ledger has seen it.
        """
        with self._writing() as connection:
            run = self._fence(connection, run_id)
            at = moment(self._now(connection))
            put_fact.execute(connection, [(_kind(pair, side), one, at) for one in record_ids])
            known = known_links(connection, side, pair, record_ids)
            from_salesforce = side is Side.SALESFORCE
            insert_links(
                connection,
                [pending_link(pair, side, one) for one in record_ids if one not in known],
            )
            write_log(
                connection,
                [
                    LogRow(
                        at=at,
                        run_id=run_id,
                        direction=Direction(run.direction),
                        kind="match",
                        pair=pair,
                        salesforce_id=one if from_salesforce else None,
                        spotio_id=None if from_salesforce else one,
                        outcome="released",
                        reason="C4 0 candidates: a person said so",
                    )
                    for one in record_ids
                ],
            )

    def drop_alone(self, pair: str, side: Side, record_ids: Sequence[str]) -> None:
        """Forget it of records that a person has given a counterpart since."""
        with self._writing() as connection:
            connection.execute(
                delete(facts).where(facts.c.kind == _kind(pair, side), facts.c.name.in_(keys())),
                {"keys": to_text(list(record_ids))},
            )


def _kind(pair: str, side: Side) -> str:
    return f"{_KIND}:{side.value}:{pair}"

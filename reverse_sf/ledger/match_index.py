"""The index of match keys: ``reverse-sf link`` makes it, the mapper keeps it and looks into it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, select

from reverse_sf.ledger.dialects import Delete, Insert, keys
from reverse_sf.ledger.encoding import to_text
from reverse_sf.ledger.facts import MATCHED, Facts, put_fact
from reverse_sf.ledger.leases import Leases
from reverse_sf.ledger.tables import facts, match_keys
from reverse_sf.mapping.definition import Side

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

    from reverse_sf.ledger.rows import KeysOfRecord

_put_keys = Insert(
    match_keys,
    ("pair", "side", "rule", "key", "record_id"),
    identity=("pair", "side", "rule", "key", "record_id"),
)
_drop_keys = Delete(match_keys, ("pair", "side", "record_id"))
_own = match_keys.alias("own")
_candidates = select(match_keys.c.rule, match_keys.c.key, match_keys.c.record_id).where(
    match_keys.c.pair == bindparam("pair"),
    match_keys.c.side == bindparam("side"),
    match_keys.c.rule == bindparam("rule"),
    match_keys.c.key.in_(keys()),
)
_rivals = (
    select(match_keys.c.record_id, _own.c.record_id)
    .select_from(match_keys.join(_own, match_keys.c.key == _own.c.key))
    .where(
        match_keys.c.pair == bindparam("pair"),
        match_keys.c.side == bindparam("side"),
        match_keys.c.rule == bindparam("rule"),
        match_keys.c.record_id.in_(keys()),
        _own.c.pair == bindparam("pair"),
        _own.c.side == bindparam("own"),
        _own.c.rule == bindparam("rule"),
    )
    .distinct()
)


def write_match_keys(connection: Connection, rows: Sequence[KeysOfRecord]) -> None:
    """Replace the keys of records: ``(pair, side, record id, keys by rule)``."""
    _drop_keys.execute(connection, [(pair, side.value, it) for pair, side, it, _ in rows])
    _put_keys.execute(
        connection,
        [
            (pair, side.value, rule, key, record_id)
            for pair, side, record_id, by_rule in rows
            for rule, found in by_rule.items()
            for key in found
        ],
    )


class MatchIndex(Facts, Leases):
    """By what records of a pair can be told again, on both sides.

    While a pair is being matched the ledger says that it never was: a run that ends halfway leaves
    nothing that a mapper would rely on.
    """

    def begin_matching(self, run_ids: Sequence[str], pair: str) -> None:
        """Forget that a pair was matched, and its index.

        Raises:
            LeaseHeldError: another run has taken over a lease.
        """
        with self._writing() as connection:
            for run_id in run_ids:
                self._fence(connection, run_id)
            connection.execute(delete(facts).where(facts.c.kind == MATCHED, facts.c.name == pair))
            connection.execute(delete(match_keys).where(match_keys.c.pair == pair))

    def add_match_keys(
        self, pair: str, side: Side, rows: Sequence[tuple[str, Mapping[str, tuple[str, ...]]]]
    ) -> None:
        """Add records to the index: ``(record id, keys by rule)``."""
        with self._writing() as connection:
            write_match_keys(connection, [(pair, side, it, dict(by_rule)) for it, by_rule in rows])

    def finish_matching(self, pair: str, at: str, made_of: Any) -> None:
        """Keep that a pair is matched, when, and what its keys are made of."""
        self.set_setting(_made_of(pair), made_of)
        with self._writing() as connection:
            put_fact.execute(connection, [(MATCHED, pair, at)])

    def match_document(self, pair: str) -> Any:
        """What the keys of a pair's index are made of; None where there is no index."""
        return self.setting(_made_of(pair))

    def match_candidates(
        self, pair: str, side: Side, rule: str, wanted: Sequence[str]
    ) -> dict[str, list[str]]:
        """Records of a side by key, of one rule."""
        if not wanted:
            return {}
        given = {"pair": pair, "side": side.value, "rule": rule, "keys": to_text(list(wanted))}
        found: dict[str, list[str]] = {}
        with self._reading() as connection:
            for _, key, record_id in connection.execute(_candidates, given):
                found.setdefault(key, []).append(record_id)
        return found

    def match_rivals(
        self, pair: str, side: Side, rule: str, record_ids: Sequence[str]
    ) -> dict[str, list[str]]:
        """By record of a side, the records of the other side that share a key of the rule."""
        if not record_ids:
            return {}
        own = Side.SPOTIO if side is Side.SALESFORCE else Side.SALESFORCE
        given = {
            "pair": pair,
            "side": side.value,
            "own": own.value,
            "rule": rule,
            "keys": to_text(list(record_ids)),
        }
        found: dict[str, list[str]] = {}
        with self._reading() as connection:
            for record_id, rival in connection.execute(_rivals, given):
                found.setdefault(record_id, []).append(rival)
        return found


def _made_of(pair: str) -> str:
    return f"match_keys:{pair}"

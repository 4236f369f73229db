"""What deciding a record starts from, and what it comes to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from reverse_sf.ledger.rows import Restore, Snapshot
from reverse_sf.mapper.sightings import Watch
from reverse_sf.mapper.withheld import NOTHING, Withheld
from reverse_sf.mapping.definition import Direction
from reverse_sf.mapping.values import Reason, Undefined


class Draft(msgspec.Struct):
    """What was decided about the fields of one record.

    Attributes:
        record: what to write, in the destination's vocabulary.
        source: by key, the source's values behind it.
        expected: the destination's values that the decision was made against, as the record names
            them.
        decision: per key, the row and rule that decided it.
        on_link: for a create, what of the record wins where it turns out to exist.
        rebased: keys that agree, with SPOTIO's and Salesforce's value.
        parked: key, reason and message of what is withheld; the key "" withholds the record.
        overruled: key, rule, row, losing and winning value where a user's value loses.
        won_back: keys that the destination won: the other direction's work.
        keys: toward Salesforce, the fields behind the keys of the record.
        claims: the destination does not carry the source's id yet, and is to.
        settles: for a create, keys that ``on_create: omit`` left out: what the created record holds
            of them is settled with the source's value as it is.
        restores: values that a person wants back and that the record carries.
        ended: key and outcome of those that are settled.
        awaited: owners whom nobody stands for yet, with the direction in which they were to travel.
        named: the source names the counterpart by its id, and nobody has read that one yet.
    """

    record: dict[str, Any] = {}
    source: dict[str, Any] = {}
    expected: dict[str, Any] = {}
    decision: dict[str, Any] = {}
    on_link: list[str] = []
    rebased: dict[str, list[Any]] = {}
    parked: list[tuple[str, str, str]] = []
    overruled: list[tuple[str, str, str, Any, Any]] = []
    won_back: list[str] = []
    keys: dict[str, Any] = {}
    claims: bool = False
    settles: list[str] = []
    restores: list[Restore] = []
    ended: list[tuple[str, str]] = []
    awaited: list[tuple[Direction, str]] = []
    named: bool = False

    @property
    def refusal(self) -> tuple[str, str, str] | None:
        """Why the whole record is withheld, if it is."""
        return next((one for one in self.parked if one[0] == ""), None)

    def withhold(self, key: str, undefined: Undefined) -> None:
        """Park a field; one that the definition keeps back on purpose is no unfinished work."""
        if undefined.reason is not Reason.DO_NOT_SYNC:
            self.parked.append((key, undefined.reason.value, undefined.message))


class Prior(msgspec.Struct):
    """What was known of a link before the observation that is decided now.

    Attributes:
        snapshot: what the ledger knows of the link.
        watch: since when the source differs from its base.
        reread: reads a link once more with all that is kept, which only evidence needs; None
            where the snapshot has it all.
        withheld: which keys are withheld.
        restores: values that a person wants back in the destination.
    """

    snapshot: Snapshot
    watch: Watch
    reread: Callable[[str], Snapshot] | None = None
    withheld: Withheld = NOTHING
    restores: Sequence[Restore] = ()

    def whole(self) -> Snapshot:
        """All that the ledger keeps of the link; read at most once."""
        if self.reread is None:
            return self.snapshot
        found = self.reread(self.snapshot.link.link_id)
        # What was decided of the link since stays.
        found.link = self.snapshot.link
        self.snapshot, self.reread = found, None
        return found

"""One record to write, as it came in: from the mapper with its envelope, or from any tap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from reverse_sf.mapping.activity_fields import ACTIVITIES, is_of_activities
from reverse_sf.merge.envelope import ENVELOPE_KEY, USERS_PAIR, Action, Envelope

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reverse_sf.ledger.rows import Intent

EXTERNAL_ID = "externalDataObjectId"
STAGE = "Stage"
ADDRESS = "address"
OWNER = "owner"
PARENT = "parent"
_KEY_SEPARATOR = "|"


@dataclass(frozen=True)
class Operation:
    """One record to write.

    Attributes:
        stream: name of the record type.
        record: record key to value, without the envelope; an absent key is left alone.
        envelope: what the mapper decided; None for a record of any other tap.
        external_id: the key in the source, under which SPOTIO files the record.
    """

    stream: str
    record: Mapping[str, Any]
    envelope: Envelope | None = None
    external_id: str | None = None

    @classmethod
    def from_message(
        cls, stream: str, message: Mapping[str, Any], key_properties: Sequence[str]
    ) -> Operation:
        """From the record of a RECORD message."""
        record = dict(message)
        raw = record.pop(ENVELOPE_KEY, None)
        if raw is not None:
            return cls._decided(stream, record, msgspec.convert(raw, Envelope))
        given = record.pop(EXTERNAL_ID, None)
        if given is None and key_properties:
            given = _KEY_SEPARATOR.join(str(record[name]) for name in key_properties)
        return cls(stream, record, None, None if given is None else str(given))

    @classmethod
    def from_intent(cls, intent: Intent) -> Operation:
        """From an operation that waited in the ledger."""
        of_activities = is_of_activities(intent.pair)
        stream = ACTIVITIES if of_activities else intent.pair.partition(":")[2]
        envelope = msgspec.convert(intent.envelope, Envelope)
        return cls._decided(stream, dict(intent.record), envelope)

    @classmethod
    def _decided(cls, stream: str, record: dict[str, Any], envelope: Envelope) -> Operation:
        external_id = record.pop(EXTERNAL_ID, None) or envelope.salesforce_id
        return cls(stream, record, envelope, external_id)

    @property
    def shown(self) -> str:
        """The record's own name, for people."""
        return self.external_id or "(no key)"

    @property
    def action(self) -> Action | None:
        """What to do; None means create or update, whichever it takes."""
        return self.envelope.action if self.envelope else None

    @property
    def of_user(self) -> bool:
        """Whether this is a user, and not a record."""
        return self.envelope is not None and self.envelope.pair == USERS_PAIR

    @property
    def of_activity(self) -> bool:
        """Whether this is an activity, and not a record."""
        return self.envelope is not None and is_of_activities(self.envelope.pair)

    @property
    def creates(self) -> bool:
        """Whether the record may have to be created."""
        return self.envelope is None or self.envelope.action is Action.CREATE

    @property
    def spotio_id(self) -> str | None:
        """The record in SPOTIO, where the mapper knew it."""
        return self.envelope.spotio_id if self.envelope else None

    @property
    def expected(self) -> Mapping[str, Any]:
        """The guard."""
        return self.envelope.expected if self.envelope else {}

    @property
    def parent_link(self) -> str | None:
        """Link id of the parent that the record names."""
        parent = self.record.get(PARENT)
        return parent.get("link_id") if self.envelope and isinstance(parent, dict) else None

    def without(self, keys: set[str]) -> Operation:
        """The same operation with some keys left out."""
        kept = {key: value for key, value in self.record.items() if key not in keys}
        return Operation(self.stream, kept, self.envelope, self.external_id)

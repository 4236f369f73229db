"""One record to write, as it came in: from the mapper with its envelope, or from any tap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from reverse_sf.merge.envelope import ENVELOPE_KEY, Action, Envelope

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reverse_sf.ledger.rows import Intent

_OWNER_KEYS = frozenset({"spotio_id", "email", "default", "keep_on_update"})


@dataclass(frozen=True)
class Operation:
    """One record to write.

    Attributes:
        stream: the stream, which names the object.
        record: field to value, without the envelope; an absent field is left alone, null clears.
        envelope: what the mapper decided; None for a record of any other tap.
    """

    stream: str
    record: Mapping[str, Any]
    envelope: Envelope | None = None

    @classmethod
    def from_message(cls, stream: str, message: Mapping[str, Any]) -> Operation:
        """From the record of a RECORD message."""
        record = dict(message)
        raw = record.pop(ENVELOPE_KEY, None)
        return cls(stream, record, None if raw is None else msgspec.convert(raw, Envelope))

    @classmethod
    def from_intent(cls, intent: Intent) -> Operation:
        """From an operation that waited in the ledger."""
        stream = intent.pair.partition(":")[0]
        record = _plain(intent.record)
        return cls(stream, record, msgspec.convert(_plain(intent.envelope), Envelope))

    @property
    def shown(self) -> str:
        """The record's own name, for people: never more of it than that."""
        for name in ("Id", "id", "Name", "name"):
            if isinstance(self.record.get(name), (str, int)):
                return str(self.record[name])
        return "(no id)"

    @property
    def action(self) -> Action | None:
        """What to do; None means what the settings say."""
        return self.envelope.action if self.envelope else None

    @property
    def references(self) -> Iterator[tuple[str, str, str | None]]:
        """Fields that name another link, with its link id and what was known of its Id."""
        for field, value in self.record.items():
            if isinstance(value, dict) and value.get("link_id"):
                yield field, str(value["link_id"]), value.get("salesforce_id")


def _plain(value: dict[str, Any] | msgspec.Raw) -> dict[str, Any]:
    """A value that the ledger may keep encoded."""
    decoded: dict[str, Any] = (
        msgspec.json.decode(value) if isinstance(value, msgspec.Raw) else dict(value)
    )
    return decoded


def is_owner(value: Any) -> bool:
    """Whether a decided value is an owner object."""
    return isinstance(value, dict) and "link_id" not in value and bool(_OWNER_KEYS & value.keys())

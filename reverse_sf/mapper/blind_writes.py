"""Fields are decided whose value in the destination nobody has read."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any

from reverse_sf.mapper.spelling import RecordSpelling, new_value
from reverse_sf.mapping.values import Reason, Undefined
from reverse_sf.merge.creation import blank_row, fills, wins_on_link
from reverse_sf.merge.tables import Row

if TYPE_CHECKING:
    from reverse_sf.mapper.draft import Draft
    from reverse_sf.mapper.parts import Part


class BlindWrites(RecordSpelling):
    """The part of deciding fields that writes without knowing what is there."""

    def _unseen(self, part: Part, source: Any, draft: Draft) -> None:
        """Decide a field whose value in the destination was never read.

        Where the source wins over a blank and over a value alike (rows 11 to 13) it is written,
        and the target reads back what the destination holds; any other field waits for that.
        """
        if wins_on_link(part.rule, source, self._destination, self._policy):
            self._write_blindly(part, source, Row.NO_BASE, draft)

    def _unread(self, part: Part, source: Any, draft: Draft) -> None:
        """Decide a field of a known record whose value nobody has read, such as one mapped since.

        It is written as far as it fills a blank. A value that is there is no blank: the target
        writes nothing then and keeps what it has read, and the field is decided in full knowledge
        of it, so that what is overruled is in the journal before anything is written.
        """
        if not fills(part.rule, source, self._destination, self._policy):
            return
        self._write_blindly(part, source, blank_row(self._destination), draft)
        if part.key in draft.source:
            draft.expected.update(self._blank(part))

    @abstractmethod
    def _blank(self, part: Part) -> dict[str, Any]:
        """The guard of a key that is expected to be blank."""

    def _write_blindly(self, part: Part, source: Any, row: Row, draft: Draft) -> None:
        """Have a value written whose counterpart is not known."""
        convert = part.exchange.to_spotio if self._from_salesforce else part.exchange.to_salesforce
        value = convert(source)
        if isinstance(value, Undefined):
            if value.reason is Reason.OWNER_UNKNOWN:
                draft.awaited.append((self._course.direction, source))
            else:
                draft.withhold(part.key, value)
            return
        spotio, salesforce = (None, source) if self._from_salesforce else (source, None)
        spelled = self._spell(part, value, spotio, salesforce, None)
        if spelled is None:
            return
        draft.record.update(spelled)
        draft.source[part.key] = source
        draft.keys[part.key] = part.place
        draft.decision[part.key] = {
            "row": row.value,
            "rule": part.rule_name,
            "new": new_value(part, spelled),
        }

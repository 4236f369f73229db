"""Field values on SPOTIO's wire, in and out.

SPOTIO sends every value as text in ``value`` (``values`` for a multiple choice); how it spells a
date or puts several choices into ``value`` is not published and varies between calls (the export
feed has no ``values``). Every known spelling is read; a value is written in the spelling that the
tenant itself was last seen to use.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from reverse_sf.mapping import canon
from reverse_sf.mapping.values import is_blank

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reverse_sf.mapping.workflow import SpotioField

_US = re.compile(
    r"(?P<month>\d{1,2})/(?P<day>\d{1,2})/(?P<year>\d{4})"
    r"(?:,? (?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2}))?(?: ?(?P<half>[AaPp][Mm]))?)?"
)
_NOON = 12
_NUMBERS = {"Number", "Currency"}


def decode(field: SpotioField, entry: Mapping[str, Any]) -> Any:
    """The value of an entry of ``fields`` in the record's own vocabulary.

    Text, number, ``YYYY-MM-DD``, ``YYYY-MM-DDTHH:MM:SSZ``, or a sorted list for a multiple choice;
    None for every blank. What does not spell a value of the field's type stays text.
    """
    if field.type == "MultiChoice":
        return canon.choices(_several(entry, field.options))
    value = entry.get("value")
    if value is None and entry.get("values"):
        value = entry["values"][0]
    if field.type == "Date":
        moment = _american(value)
        if moment:
            return moment.date().isoformat()
        # A date is told without a zone: what follows the day is midnight in some spelling.
        whole = canon.text(value)
        return canon.day(whole[:10]) if whole and re.match(r"\d{4}-\d\d-\d\d[T ]", whole) else whole
    if field.type == "DateTime":
        moment = _american(value)
        return canon.instant(moment.isoformat() if moment else value)
    if field.type in _NUMBERS:
        return canon.number(None)(value)
    return canon.text(value)


def _several(entry: Mapping[str, Any], options: tuple[str, ...]) -> Any:
    if entry.get("values"):
        return entry["values"]
    value = entry.get("value")
    if not isinstance(value, str) or value in options:
        return [value] if value else None
    if value.lstrip().startswith("["):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _american(value: Any) -> datetime | None:
    match = _US.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        return None
    hour = int(match["hour"] or 0)
    if match["half"]:
        hour = hour % _NOON + (_NOON if match["half"].upper() == "PM" else 0)
    try:
        return datetime(
            int(match["year"]),
            int(match["month"]),
            int(match["day"]),
            hour,
            int(match["minute"] or 0),
            int(match["second"] or 0),
            tzinfo=timezone.utc,
        )
    except ValueError:
        return None


@dataclass
class Spelling:
    """How this tenant spells dates and several choices; learned from what it sends.

    Attributes:
        dates: ``date`` (2026-05-06), ``datetime`` (2026-05-06T00:00:00Z) or ``us`` (05/06/2026);
            moments are always written in ISO 8601, which names its zone.
        choices: where several choices stand: in ``values``, or in ``value`` as ``semicolon``
            (A;B) or ``json``.
    """

    dates: str = "date"
    choices: str = "values"

    def learn(self, field: SpotioField, entry: Mapping[str, Any]) -> None:
        """Look at one entry of a full read (not of the export feed, which has no ``values``)."""
        value = entry.get("value")
        if field.type == "MultiChoice":
            if entry.get("values"):
                self.choices = "values"
            elif isinstance(value, str) and value:
                self.choices = "json" if value.startswith("[") else "semicolon"
        elif field.type == "Date" and isinstance(value, str) and value:
            self.dates = "us" if "/" in value else "datetime" if "T" in value else "date"

    def encode(self, field: SpotioField, value: Any) -> dict[str, Any]:
        """An entry of ``fields`` that holds the value; a blank value clears the field."""
        entry: dict[str, Any] = {"fieldId": field.id, "value": None}
        if field.type == "MultiChoice":
            return entry | self._choices(canon.choices(value) or [])
        if is_blank(value):
            return entry
        if field.type == "Date":
            return entry | {"value": self._date(str(value))}
        if isinstance(value, (dict, list)):
            return entry | {"value": json.dumps(value, ensure_ascii=False, sort_keys=True)}
        return entry | {"value": canon.spelling(value)}

    def _choices(self, chosen: list[str]) -> dict[str, Any]:
        if self.choices == "semicolon":
            return {"value": ";".join(chosen) or None}
        if self.choices == "json":
            return {"value": json.dumps(chosen, ensure_ascii=False) if chosen else None}
        return {"values": chosen}

    def _date(self, value: str) -> str:
        if self.dates == "us":
            return f"{value[5:7]}/{value[8:10]}/{value[:4]}"
        return f"{value}T00:00:00Z" if self.dates == "datetime" else value

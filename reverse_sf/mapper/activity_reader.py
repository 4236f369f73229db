"""From tap-spotio's activity to an observation, where it is one that the mapping takes."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import msgspec

from reverse_sf.errors import ConfigurationError
from reverse_sf.mapper.keys import OWNER_KEY, PARENT_KEY
from reverse_sf.mapper.observation import Observation, instant
from reverse_sf.mapping.activities import EVENT
from reverse_sf.mapping.activity_fields import DURATION, FIELDS, STATUS, Activity, values_of
from reverse_sf.mapping.pair import spotio_references

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reverse_sf.mapping.definition import ObjectMapping

_DAY = 24 * 60
_WANTED = tuple(one.encode_name for one in msgspec.structs.fields(Activity))


class ActivityReader:
    """Reads activities for one pair; those of other templates and other records are not its own.

    Args:
        mapping: the pair; its needed values are read and all others skipped.
    """

    def __init__(self, mapping: ObjectMapping) -> None:
        source = mapping.activity
        if source is None:
            raise ConfigurationError(f"{mapping.name} is no mapping of activities")
        self._template = source.template
        self._record_type = source.record_type
        named = {STATUS, *spotio_references(mapping)}
        self._names = sorted(name for name in named if name in FIELDS)
        self.width = len(self._names) + 2
        self._fills = mapping.salesforce == EVENT and any(
            one.spotio == DURATION and one.salesforce == "DurationInMinutes"
            for one in mapping.fields
        )
        self._decode = msgspec.json.Decoder(Activity).decode
        self._encode = msgspec.json.Encoder().encode
        self._hash = hashlib.blake2b(mapping.fingerprint.encode(), digest_size=16)

    def read(self, record: msgspec.Raw) -> Observation | None:
        """Read one record; None where it is not for this pair.

        Raises:
            ConfigurationError: it is no activity as tap-spotio sends it.
        """
        try:
            found = self._decode(record)
        except msgspec.ValidationError as error:
            raise ConfigurationError(f"a record of activities cannot be read ({error})") from error
        if found.name != self._template or found.data_object_type != self._record_type:
            return None
        values = values_of(found, self._names)
        if self._fills:
            # Salesforce wants a length of every event, and whole days of one that lasts all day.
            least = _DAY if found.all_day else 0
            values[DURATION] = max(values[DURATION] or 0, least)
        values[OWNER_KEY] = found.owner_id
        values[PARENT_KEY] = found.data_object_id
        content = self._encode(values)
        digest = self._hash.copy()
        digest.update(content)
        at = instant(found.updated_at) if found.updated_at else None
        return Observation(found.id, at, digest.hexdigest(), content)


def missing_activity_names(schema: Mapping[str, Any]) -> list[str]:
    """What every mapping of activities needs and the tap's schema does not carry."""
    present = schema.get("properties") or {}
    return sorted(name for name in _WANTED if name not in present)

"""From a tap's record to an observation: the needed fields, a digest, and when it was modified.

This is the hot path of a run in which nothing changed: one decode of the needed fields, one encode
of them, one hash.
"""

from __future__ import annotations

import hashlib
import keyword
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from reverse_sf.errors import ConfigurationError
from reverse_sf.mapping import canon
from reverse_sf.mapping.pair import LIFE_FIELDS, SYSTEM_FIELDS, content_fields

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from reverse_sf.mapping.definition import ObjectMapping

STAMPS = ("SystemModstamp", "LastModifiedDate", "CreatedDate")
"""What says when a record was modified, best first."""
CREATED = "CreatedDate"
"""What says when a record was created."""

_OPTIONAL = SYSTEM_FIELDS | frozenset().union(*LIFE_FIELDS.values()) - {"Id"}
_decode_values = msgspec.json.Decoder(dict[str, Any]).decode
_MILLISECONDS = 24
_MICROSECONDS = 27
_ID_LENGTH = 18


class Observation(msgspec.Struct, frozen=True):
    """One record as a tap saw it.

    Attributes:
        record_id: in Salesforce 18 characters.
        modified_at: UTC with milliseconds; None where the record carries no stamp.
        digest: of the values that a decision can depend on and of what the definition says.
        content: those values as JSON.
        created: when it was created, as its tap spells it, where it says so.
    """

    record_id: str
    modified_at: str | None
    digest: str
    content: bytes
    created: Any = None

    @property
    def values(self) -> dict[str, Any]:
        """The values that a decision can depend on; absent ones are absent."""
        return _decode_values(self.content)


def completed(newer: Observation, older: Observation) -> Observation:
    """The newer of two observations of a record, with what only the older one carries.

    A partial event says nothing of the fields that it lacks, the filter's among them.
    """
    told, before = newer.values, older.values
    if before.keys() <= told.keys():
        return newer
    whole = {**before, **told}
    if whole == before:
        return Observation(older.record_id, newer.modified_at, older.digest, older.content)
    content = msgspec.json.encode(whole)
    digest = hashlib.blake2b(content, digest_size=16).hexdigest()
    return Observation(newer.record_id, newer.modified_at, digest, content)


class Reader(Protocol):
    """Reads the records of one stream for one object mapping."""

    @property
    def width(self) -> int:
        """So many values has an observation in which none is absent."""

    def read(self, record: msgspec.Raw) -> Observation | None:
        """Read one record; None where it is another mapping's."""


class SalesforceReader:
    """Reads the records of an sObject's stream for one object mapping.

    Args:
        mapping: the object mapping; its needed fields are read and all others skipped.
        present: the names of the fields that the stream's schema carries.
    """

    def __init__(self, mapping: ObjectMapping, present: Iterable[str]) -> None:
        self._stream = mapping.salesforce
        content = content_fields(mapping)
        self.width = len(content)
        """So many values has an observation in which none is absent."""
        names = sorted(content | set(STAMPS))
        attributes = {name: _attribute(name, at) for at, name in enumerate(names)}
        layout = msgspec.defstruct(
            "Fields",
            [
                ("Id", str) if name == "Id" else (attributes[name], Any, msgspec.UNSET)
                for name in ["Id", *(one for one in names if one != "Id")]
            ],
            rename={attribute: name for name, attribute in attributes.items()},
            forbid_unknown_fields=False,
        )
        self._decode: Callable[[msgspec.Raw], Any] = msgspec.json.Decoder(layout).decode
        # A stamp is no content: a change of fields that nobody mapped moves it.
        self._stamps = [
            (attributes[name], name not in content) for name in STAMPS if name in set(present)
        ] or [(attributes[name], name not in content) for name in STAMPS]
        self._created = attributes[CREATED]
        self._dropped = [attributes[name] for name in STAMPS if name not in content]
        self._hash = hashlib.blake2b(mapping.fingerprint.encode(), digest_size=16)
        self._encode = msgspec.json.Encoder().encode

    def read(self, record: msgspec.Raw) -> Observation:
        """Read one record.

        Raises:
            ConfigurationError: it has no Id, or is no object.
        """
        try:
            found = self._decode(record)
        except msgspec.ValidationError as error:
            raise ConfigurationError(
                f"a record of {self._stream} cannot be read ({error}): every record needs its Id"
            ) from error
        stamp = None
        for attribute, _ in self._stamps:
            stamp = getattr(found, attribute)
            if stamp:
                break
        created = getattr(found, self._created)
        for attribute in self._dropped:
            setattr(found, attribute, msgspec.UNSET)
        if len(found.Id) != _ID_LENGTH:
            found.Id = canon.record_id(found.Id)
        content = self._encode(found)
        digest = self._hash.copy()
        digest.update(content)
        modified_at = instant(stamp) if stamp else None
        return Observation(found.Id, modified_at, digest.hexdigest(), content, created)


def instant(stamp: Any) -> str | None:
    """Spell a stamp as UTC with milliseconds, so that texts sort as the instants do.

    Taps write milliseconds, microseconds, ``Z`` or ``+0000``.
    """
    if not isinstance(stamp, str):
        return None
    if stamp[-1:] == "Z":
        if len(stamp) == _MILLISECONDS:
            return stamp
        if len(stamp) == _MICROSECONDS:
            return stamp[:23] + "Z"
    seconds = canon.instant(stamp)
    if not isinstance(seconds, str) or seconds[-1:] != "Z":
        return None
    _, point, fraction = stamp.partition(".")
    digits = fraction[:3] if point and fraction[:3].isdigit() else "000"
    return f"{seconds[:-1]}.{digits}Z"


def missing_fields(mapping: ObjectMapping, present: Iterable[str]) -> list[str]:
    """Name the fields that the definition needs and the tap's schema does not carry."""
    known = set(present)
    wanted = content_fields(mapping) - _OPTIONAL - {mapping.salesforce_external_id}
    if mapping.on_convert:
        wanted |= {"IsConverted", f"Converted{mapping.on_convert}Id"}
    return sorted(name for name in wanted if name not in known and name.split(".")[0] not in known)


def _attribute(name: str, at: int) -> str:
    plain = name.isidentifier() and not name.startswith("_") and not keyword.iskeyword(name)
    return name if plain else f"field_{at}"

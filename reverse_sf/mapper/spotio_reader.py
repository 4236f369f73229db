"""From tap-spotio's record to an observation, in the vocabulary of the ledger's SPOTIO images.

The tap names a field by its label or id, the definition by label, id or role; images and bases name
it as the definition does, and owner and parent by the keys that the mapper's records use. So an
image made here and one that target-spotio read back can be compared key by key.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import msgspec

from reverse_sf.errors import ConfigurationError
from reverse_sf.mapper.keys import EXTERNAL_ID_KEY, OWNER_KEY, PARENT_KEY
from reverse_sf.mapper.observation import Observation, instant
from reverse_sf.mapper.subject import DELETED_KEY
from reverse_sf.mapping.address import ADDRESS_KEY
from reverse_sf.mapping.definition import SyncRule
from reverse_sf.mapping.pair import spotio_references
from reverse_sf.spotio.facts import record_keys, type_from_schema

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reverse_sf.mapping.address import AddressConverter
    from reverse_sf.mapping.definition import ObjectMapping

_NATIVE = {
    ADDRESS_KEY: "address",
    OWNER_KEY: "ownerId",
    PARENT_KEY: "parentId",
    EXTERNAL_ID_KEY: "externalDataObjectId",
    DELETED_KEY: "deleted",
}
"""Keys of an image that are no fields, and the tap's names for them."""


def tap_names(mapping: ObjectMapping, schema: Mapping[str, Any]) -> dict[str, str | None]:
    """The tap's name of every key of an image; None where the stream does not carry it.

    Args:
        mapping: the object mapping.
        schema: the stream's schema, with the workflow's facts.
    """
    present = schema.get("properties") or {}
    record_type = type_from_schema(schema)
    keys = record_keys(record_type) if record_type is not None else {}
    names: dict[str, str | None] = {}
    for reference in sorted(spotio_references(mapping)):
        field = record_type.field(reference) if record_type is not None else None
        name = keys.get(field.id, reference) if field is not None else reference
        names[reference] = name if name in present else None
    for key, name in _NATIVE.items():
        if _is_wanted(key, mapping):
            names[key] = name if name in present else None
    return names


def _is_wanted(key: str, mapping: ObjectMapping) -> bool:
    parts = {ADDRESS_KEY: mapping.address, OWNER_KEY: mapping.owner, PARENT_KEY: mapping.parent}
    if key not in parts:
        return True
    part = parts[key]
    return part is not None and part.rule is not SyncRule.DO_NOT_SYNC


def missing_names(mapping: ObjectMapping, schema: Mapping[str, Any]) -> list[str]:
    """What the definition needs and the tap's schema does not carry."""
    optional = {EXTERNAL_ID_KEY, DELETED_KEY}
    return sorted(
        key
        for key, name in tap_names(mapping, schema).items()
        if name is None and key not in optional
    )


class SpotioReader:
    """Reads the records of a record type's stream for one object mapping.

    Args:
        mapping: the object mapping; its needed values are read and all others skipped.
        schema: the stream's schema.
        address: converter of the address, if one is mapped and synced.

    Raises:
        ConfigurationError: two names of the definition mean one field.
    """

    def __init__(
        self,
        mapping: ObjectMapping,
        schema: Mapping[str, Any],
        address: AddressConverter | None,
    ) -> None:
        self._stream = mapping.spotio
        self._address = address
        names = {key: name for key, name in tap_names(mapping, schema).items() if name is not None}
        doubled = sorted({one for one in names.values() if list(names.values()).count(one) > 1})
        if doubled:
            raise ConfigurationError(
                f"the sync definition names a field of {mapping.spotio} in two ways",
                [
                    f"{name}: {', '.join(key for key, one in names.items() if one == name)}"
                    for name in doubled
                ],
            )
        keys = list(names)
        self.width = len(keys)
        attributes = {key: f"field_{at}" for at, key in enumerate(keys)}
        self._address_attribute = attributes.get(ADDRESS_KEY) if address else None
        wire = msgspec.defstruct(
            "SpotioRecord",
            [
                ("record_id", str),
                *((attributes[key], Any, msgspec.UNSET) for key in keys),
                ("updated_at", Any, msgspec.UNSET),
            ],
            rename={
                "record_id": "id",
                "updated_at": "updatedAt",
                **{attributes[key]: name for key, name in names.items()},
            },
        )
        self._image = msgspec.defstruct(
            "SpotioImage",
            [(attributes[key], Any, msgspec.UNSET) for key in keys],
            rename={attribute: key for key, attribute in attributes.items()},
        )
        self._decode = msgspec.json.Decoder(wire).decode
        self._encode = msgspec.json.Encoder().encode
        self._hash = hashlib.blake2b(mapping.fingerprint.encode(), digest_size=16)

    def read(self, record: msgspec.Raw) -> Observation:
        """Read one record.

        Raises:
            ConfigurationError: it has no id, or is no object.
        """
        try:
            found: Any = self._decode(record)
        except msgspec.ValidationError as error:
            raise ConfigurationError(
                f"a record of {self._stream} cannot be read ({error}): every record needs its id"
            ) from error
        if self._address is not None and self._address_attribute is not None:
            told = getattr(found, self._address_attribute)
            if told is not msgspec.UNSET:
                canonical = self._address.canon_spotio(told)
                setattr(found, self._address_attribute, canonical)
        record_id, *values, stamp = msgspec.structs.astuple(found)
        content = self._encode(self._image(*values))
        digest = self._hash.copy()
        digest.update(content)
        at = instant(stamp) if stamp else None
        return Observation(record_id, at, digest.hexdigest(), content)

"""What a SPOTIO tenant's workflow says of its record types, as frozen values.

The facts come from the answer of ``GET /api/workflow/dataObjects/full``. Nothing here calls
anybody: the shells fetch, these types hold.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reverse_sf.mapping.definition import STAGE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True)
class SpotioField:
    """One field of a record type (``Field`` in SPOTIO's OpenAPI file).

    Attributes:
        id: SPOTIO's field id, as text.
        type: one of SPOTIO's twelve field types, such as ``SingleChoice``.
        role: ``Name`` where the record's name is made of it, ``Location`` for its address.
        system_role: such as ``FirstName`` or ``Company``; stable where labels and ids are not.
        required: needs a value whatever the stage.
        required_in_stages: ids of the stages in which it needs a value.
        max_length: characters; SPOTIO states none, so ``None`` unless somebody knows better.
    """

    id: str
    label: str
    type: str
    role: str | None = None
    system_role: str | None = None
    options: tuple[str, ...] = ()
    read_only: bool = False
    inherited: bool = False
    required: bool = False
    required_in_stages: frozenset[str] = frozenset()
    max_length: int | None = None


@dataclass(frozen=True)
class Stage:
    """One stage; ``group`` is ``active``, ``won`` or ``lost``."""

    id: str
    name: str
    group: str
    loss_reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class SpotioType:
    """A record type (``DataObjectDefinition`` in SPOTIO's OpenAPI file)."""

    id: str
    name: str
    fields: tuple[SpotioField, ...] = ()
    stages: tuple[Stage, ...] = ()
    parent_id: str | None = None
    parent_required: bool = False
    has_address: bool = False
    inherit_owner_from_parent: bool = False

    def fields_named(self, reference: str) -> tuple[SpotioField, ...]:
        """The fields that a reference from ``sync.yml`` means; several if a label is not unique.

        Args:
            reference: a label, ``id:<field id>`` or ``role:<system role>``.
        """
        kind, _, rest = reference.partition(":")
        if kind == "id":
            return tuple(one for one in self.fields if one.id == rest.strip())
        if kind == "role":
            return tuple(one for one in self.fields if one.system_role == rest.strip())
        return tuple(one for one in self.fields if one.label == reference)

    def field(self, reference: str) -> SpotioField | None:
        """The one field that a reference means, or ``None`` if it means none or several.

        The word ``Stage`` gives the stage as if it were a single-choice field.
        """
        if reference == STAGE:
            return SpotioField(
                id="", label=STAGE, type=STAGE, options=tuple(one.name for one in self.stages)
            )
        found = self.fields_named(reference)
        return found[0] if len(found) == 1 else None

    def stage(self, name: str) -> Stage | None:
        """The stage of this name."""
        return next((one for one in self.stages if one.name == name), None)


@dataclass(frozen=True)
class Workflow:
    """All record types of a tenant."""

    types: tuple[SpotioType, ...] = field(default=())

    def type(self, name: str) -> SpotioType | None:
        """The record type of this name."""
        return next((one for one in self.types if one.name == name), None)

    def type_by_id(self, type_id: str) -> SpotioType | None:
        """The record type with this id."""
        return next((one for one in self.types if one.id == type_id), None)

    @classmethod
    def from_api(cls, answer: Iterable[Mapping[str, Any]]) -> Workflow:
        """From the answer of ``GET /api/workflow/dataObjects/full``; every id becomes text."""
        return cls(tuple(_type_from_api(one) for one in answer))


SPOTIO_TYPES = (
    "Email",
    "Text",
    "Phone",
    "SingleChoice",
    "MultiChoice",
    "Date",
    "Number",
    "Address",
    "Currency",
    "DateTime",
    "MultiLine",
    "Attachment",
)
"""``CustomFieldType`` of SPOTIO's OpenAPI file."""

_ROLES = ("Name", "Location")
_SYSTEM_ROLES = (
    "Company",
    "FirstName",
    "LastName",
    "Phone",
    "Email",
    "Value",
    "Unit",
    "Address",
    "LossReasons",
    "LeadMachine",
)


def _enumerated(said: Any, known: Iterable[str]) -> str | None:
    """A value of an enumeration in the OpenAPI file's spelling; services differ in case.

    A value that the file does not know is kept, so that it can be reported.
    """
    if said is None or said == "":
        return None
    spelled = str(said)
    return next((one for one in known if one.casefold() == spelled.casefold()), spelled)


def _type_from_api(answer: Mapping[str, Any]) -> SpotioType:
    parent = answer.get("parentId")
    return SpotioType(
        id=str(answer["id"]),
        name=answer.get("name") or "",
        fields=tuple(_field_from_api(one) for one in answer.get("fields") or ()),
        stages=tuple(
            Stage(
                id=str(one["id"]),
                name=one.get("name") or "",
                group=group,
                loss_reasons=tuple(one.get("lossReasons") or ()),
            )
            for group in ("active", "won", "lost")
            for one in ((answer.get("stages") or {}).get(group) or {}).get("stages") or ()
        ),
        parent_id=None if parent is None else str(parent),
        parent_required=bool(answer.get("parentRequired")),
        has_address=bool(answer.get("hasAddress")),
        inherit_owner_from_parent=bool(answer.get("inheritOwnerFromParent")),
    )


def _field_from_api(answer: Mapping[str, Any]) -> SpotioField:
    return SpotioField(
        id=str(answer["id"]),
        label=answer.get("name") or "",
        type=_enumerated(answer.get("type"), SPOTIO_TYPES) or "Text",
        role=_enumerated(answer.get("role"), _ROLES),
        system_role=_enumerated(answer.get("systemRole"), _SYSTEM_ROLES),
        options=tuple(answer.get("activeOptions") or ()),
        read_only=bool(answer.get("readonly")),
        inherited=bool(answer.get("inherited")),
        required=bool(answer.get("requiredWithoutStage")),
        required_in_stages=frozenset(str(one) for one in answer.get("stageConstraints") or ()),
    )

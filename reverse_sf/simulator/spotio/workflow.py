"""The tenant's schema: record types with their stages and fields, and activity templates.

Ids as in live tenants: fields with a system role have high ids that all types share, custom ones
low ids; stage ids are unique in the tenant. Choices are plain strings. (SPOTIO OpenAPI file,
``/api/workflow``.)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field
from typing import TYPE_CHECKING, Any

from reverse_sf.simulator.spotio.refusals import not_found

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

GROUPS = ("active", "won", "lost")


@dataclass(frozen=True)
class Field:
    """A field of a record type.

    Attributes:
        kind: one of the twelve types, such as ``SingleChoice``.
        role: ``Name``, ``Location`` or none.
        system_role: such as ``FirstName``, or none.
        stage_constraints: ids of the stages in which a value is required.
        required: a value is required whatever the stage (``requiredWithoutStage``).
        inherited: the value is the parent's, of the field with the same name.
    """

    id: int
    name: str
    kind: str
    options: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    role: str = ""
    system_role: str = ""
    stage_constraints: tuple[int, ...] = ()
    required: bool = False
    readonly: bool = False
    inherited: bool = False


@dataclass(frozen=True)
class Stage:
    """A stage of one record type, in one of the three groups."""

    id: int
    name: str
    group: str


@dataclass(frozen=True)
class RecordType:
    """A record type; ``parent_id`` names the type of its records' parents."""

    id: int
    name: str
    has_address: bool
    fields: tuple[Field, ...]
    stages: tuple[Stage, ...]
    parent_id: int | None = None
    parent_required: bool = False
    _by_id: Mapping[int, Field] = dataclass_field(init=False, repr=False, compare=False)

    def field(self, field_id: int) -> Field | None:
        """The field with that id, if the type has it."""
        return self._by_id.get(field_id)

    def named(self, name: str) -> Field | None:
        """The field with that label, if the type has it."""
        return next((field for field in self.fields if field.name == name), None)

    def stage(self, stage_id: int) -> Stage | None:
        """The stage with that id, if the type has it."""
        return next((stage for stage in self.stages if stage.id == stage_id), None)

    def of_kind(self, kind: str) -> Iterator[Field]:
        """The fields of one of the twelve types."""
        return (field for field in self.fields if field.kind == kind)

    def __post_init__(self) -> None:
        """Index the fields: records are validated by the hundred thousand."""
        object.__setattr__(self, "_by_id", {field.id: field for field in self.fields})


@dataclass(frozen=True)
class Template:
    """An activity template; its results are id and name."""

    id: int
    name: str
    system_role: str
    category: str
    results: tuple[tuple[int, str], ...] = ()


class Workflow:
    """The schema of one tenant, looked up by id and changed by its administrator."""

    def __init__(self, types: Iterable[RecordType], templates: Iterable[Template]) -> None:
        self._types = {record_type.id: record_type for record_type in types}
        self.templates = tuple(templates)

    @property
    def types(self) -> tuple[RecordType, ...]:
        """All record types."""
        return tuple(self._types.values())

    def type(self, type_id: int) -> RecordType:
        """The record type with that id.

        Raises:
            Refusal: 404, there is none.
        """
        try:
            return self._types[type_id]
        except KeyError:
            raise not_found("DataObject type", type_id) from None

    def get(self, type_id: int) -> RecordType | None:
        """The record type with that id, if there is one."""
        return self._types.get(type_id)

    def named(self, name: str) -> RecordType | None:
        """The record type with that name, if there is one."""
        return next((row for row in self._types.values() if row.name == name), None)

    def template(self, template_id: int) -> Template | None:
        """The activity template with that id, if there is one."""
        return next((row for row in self.templates if row.id == template_id), None)

    def template_of(self, system_role: str) -> Template | None:
        """The activity template with that system role, if there is one."""
        return next((row for row in self.templates if row.system_role == system_role), None)

    def change_field(self, type_id: int, field_id: int, **changes: Any) -> Field:
        """Change a field as the administrator would, such as remove one of its options."""
        record_type = self.type(type_id)
        old = record_type.field(field_id)
        if old is None:
            raise not_found("Field", field_id)
        new = replace(old, **changes)
        fields = tuple(new if field is old else field for field in record_type.fields)
        self._types[type_id] = replace(record_type, fields=fields)
        return new

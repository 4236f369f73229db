"""The tenant's activity templates: names by id, and which activities a run is to read. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reverse_sf.errors import ConfigurationError
from reverse_sf.mapping.wording import did_you_mean
from reverse_sf.spotio.activity_calls import Template
from tap_spotio.properties import identifier

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    Row = Mapping[str, Any]

NOTE = "Note"
APPOINTMENT = "Appointment"
_AUTOMATIC = {"transition", "create", "ownerchanged", "update"}
"""What SPOTIO notes by itself (OpenAPI, ``Type``)."""


class Vocabulary:
    """All templates of a tenant."""

    def __init__(self, templates: Iterable[Row]) -> None:
        self._by_id = {one.id: one for one in map(Template.from_api, templates)}
        self.names = frozenset(one.name for one in self._by_id.values())

    def get(self, template_id: str | None) -> Template | None:
        """The template with that id."""
        return self._by_id.get(template_id or "")

    def role(self, template_id: str | None) -> str | None:
        """The system role of a template."""
        found = self.get(template_id)
        return found.role if found else None

    def ids(self, names: Iterable[str]) -> list[str]:
        """Ids of the templates with these names."""
        wanted = frozenset(names)
        return [one.id for one in self._by_id.values() if one.name in wanted]

    def knows(self, row: Row) -> bool:
        """Whether an activity's template and result have names."""
        template_id = identifier(row.get("activityTemplateId"))
        if template_id is None:
            return True
        template, result_id = self.get(template_id), identifier(row.get("resultId"))
        return template is not None and (result_id is None or result_id in template.results)


@dataclass(frozen=True)
class Choice:
    """Which activities a run reads.

    Attributes:
        names: of templates, and ``Note`` for those without; empty for all.
        automatic: also what SPOTIO notes by itself.
    """

    names: frozenset[str] = frozenset()
    automatic: bool = False

    @classmethod
    def of(cls, names: Sequence[str], vocabulary: Vocabulary, *, automatic: bool) -> Choice:
        """From the settings.

        Raises:
            ConfigurationError: there is no such template.
        """
        known = sorted({*vocabulary.names, NOTE})
        problems = [
            f"activity_templates: SPOTIO has no template {one!r}{did_you_mean(one, known)}"
            for one in names
            if one not in known
        ]
        if problems:
            raise ConfigurationError("the activities cannot be read", problems)
        return cls(frozenset(names), automatic)

    def template_ids(self, vocabulary: Vocabulary) -> list[str]:
        """What SPOTIO itself can choose by: nothing, where something without a template counts."""
        if self.automatic or not self.names or NOTE in self.names:
            return []
        return vocabulary.ids(self.names)

    def may_want(self, exported: Row, vocabulary: Vocabulary) -> bool:
        """Whether a row of the export can be of a wanted activity; it has names only."""
        name = str(exported.get("activityType") or "")
        if name in vocabulary.names:
            return not self.names or name in self.names
        if exported.get("activityTemplateType"):
            return True
        return self.automatic or name.replace(" ", "").lower() not in _AUTOMATIC

    def wants(self, row: Row, vocabulary: Vocabulary) -> bool:
        """Whether an activity is wanted."""
        template_id = identifier(row.get("activityTemplateId"))
        if template_id is not None:
            template = vocabulary.get(template_id)
            return not self.names or (template is not None and template.name in self.names)
        kind = str(row.get("type")).lower()
        if row.get("isNote") or kind == NOTE.lower():
            return not self.names or NOTE in self.names
        return self.automatic if kind in _AUTOMATIC else not self.names

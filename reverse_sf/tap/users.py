"""The User stream with what tells who is to be a user of SPOTIO: profile, role, groups, frozen.

None of that is a field of User, and none of it moves a user's time stamp: a profile is renamed, a
group gets a member, a login is frozen. So with ``user_details`` every user is sent in every run,
and whoever reads them compares. The details cost five small queries a run; the records stay plain:
``Profile.Name`` and ``UserRole.Name`` are texts, ``IsFrozen`` is a flag and ``Group`` a list of the
names of the public groups and queues that a user is in, directly or through another group or role.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reverse_sf.mapping.describe import WHOLE_LISTING
from reverse_sf.salesforce.user_details import BEHIND, FROZEN, GROUP, PROFILE, ROLE, Details
from reverse_sf.tap import facts
from reverse_sf.tap.page import Page
from reverse_sf.tap.stream import SObjectStream
from reverse_sf.tap.window import Window

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reverse_sf.tap.reading import Reading
    from reverse_sf.tap.tap import TapSalesforce

USER = "User"
_DETAILS: dict[str, dict[str, Any]] = {
    PROFILE: {"type": ["string", "null"], facts.FACTS: {"type": "string", "label": "Profile"}},
    ROLE: {"type": ["string", "null"], facts.FACTS: {"type": "string", "label": "Role"}},
    FROZEN: {"type": ["boolean", "null"], facts.FACTS: {"type": "boolean", "label": "Frozen"}},
    GROUP: {
        "type": ["array", "null"],
        "items": {"type": "string"},
        facts.FACTS: {"type": "multipicklist", "label": "Groups"},
    },
}


class UserStream(SObjectStream):
    """All users, each with the details that are selected."""

    def __init__(self, tap: TapSalesforce, schema: Mapping[str, Any], name: str) -> None:
        whole = {**schema.get(facts.FACTS, {}), WHOLE_LISTING: True}
        properties = {**schema["properties"], **_DETAILS}
        super().__init__(tap, {**schema, facts.FACTS: whole, "properties": properties}, name)
        self._details: Details | None = None

    def _window(self, now: str) -> Window:
        del now
        return Window()

    def _reading(self, window: Window) -> Reading:
        reading = super()._reading(window)
        wanted = [name for name in _DETAILS if name in reading.types]
        if not wanted:
            return reading
        self._details = Details(self._tap.client, wanted)
        for name in self._details.refused:
            self.logger.warning(
                "User.%s cannot be read (%s): it is left out. The login needs the permission Manage"
                " Users for it",
                name,
                self._details.refused[name],
            )
        types = {name: kind for name, kind in reading.types.items() if name not in _DETAILS}
        for name in wanted:
            types.update(dict.fromkeys(BEHIND[name], "reference"))
        return type(reading)(
            client=reading.client,
            source=reading.source,
            types=types,
            window=reading.window,
            api_type=reading.api_type,
            bulk_threshold=reading.bulk_threshold,
            expected=reading.expected,
        )

    def _emit(self, page: Page, now: str) -> None:
        super()._emit(self._completed(page), now)

    def _completed(self, page: Page) -> Page:
        if self._details is None:
            return page
        selected = self.selected_types
        columns = dict(zip(page.fields, page.columns, strict=True))
        columns.update(self._details.columns(columns))
        kept = {name: column for name, column in columns.items() if name in selected}
        return Page(tuple(kept), list(kept.values()), page.ordered)

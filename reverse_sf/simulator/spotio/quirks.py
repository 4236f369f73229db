"""The switches of the local SPOTIO: what is not publicly known of the real one.

The first choice is the default. A client is right when it works under every setting.
"""

from __future__ import annotations

from typing import Any, Protocol

from reverse_sf.simulator.switches import Switch


class Settings(Protocol):
    """The present settings by name."""

    def __getitem__(self, name: str, /) -> Any:
        """One setting."""


def _choice(name: str, meaning: str, *choices: object) -> Switch:
    return Switch(name=name, default=choices[0], meaning=meaning, choices=choices)


SWITCHES: tuple[Switch, ...] = (
    _choice(
        "updated_after",
        "whether the export feed shows records updated at the very instant of updatedAfter",
        "inclusive",
        "exclusive",
    ),
    _choice("feed_order", "order of the export feed", "updated_asc", "updated_desc", "random"),
    Switch("feed_page", 50, "records a page of the export, deleted and default search pages"),
    Switch(
        "export_window",
        None,
        "export feed, search and activity feeds answer 400 past that many; null for no limit",
    ),
    Switch(
        "feed_delay_s",
        0.0,
        "seconds of the clock before a new record is seen in the export feed and in search",
    ),
    _choice(
        "scroll_end",
        "the cursor of the last page: null, no such key, or the same cursor over and over",
        "null",
        "absent",
        "repeat",
    ),
    _choice(
        "patch_fields",
        "what a patch does to fields: RFC 6902 on the record; only entries that the patch touches "
        "survive; or it is applied to an empty array that then replaces the collection",
        "entries",
        "replaces",
        "rebuilds",
    ),
    _choice(
        "patch_paths",
        "legal paths below fields: by index, with the field's id as segment, or /fields as a whole",
        "index",
        "by_id",
        "collection",
    ),
    _choice("patch_test", "the test operation of JSON Patch", "honoured", "refused", "ignored"),
    _choice("validation_status", "status of a record that fails validation", 422, 400),
    _choice("login_status", "status of a wrong client id or secret", 400, 401, 404),
    _choice(
        "multichoice_wire",
        "how a multiple choice travels: in values, in value as A;B, or in value as a JSON list; "
        "values is always understood on the way in",
        "values",
        "semicolon",
        "json",
    ),
    _choice(
        "date_wire",
        "how dates are shown: 2026-05-06, 2026-05-06T00:00:00+00:00 or 05/06/2026; all three are "
        "understood on the way in",
        "date",
        "datetime",
        "us",
    ),
    _choice("email_case", "whether e-mails keep their case", "kept", "lower"),
    _choice(
        "bulk_update",
        "whole: update makes the record equal to the line, patch changes the keys and field "
        "entries sent; keys: both replace each key sent, fields as a whole; entries: both change "
        "the keys and field entries sent",
        "whole",
        "keys",
        "entries",
    ),
    Switch("export_polls", 1, "looks at a CSV export until it is ready"),
    Switch("bulk_polls", 2, "progress calls until a started bulk job is complete"),
    Switch(
        "bulk_seconds", 2.0, "seconds of the clock after which a job is complete without any poll"
    ),
    _choice(
        "bulk_fail",
        "a started job fails: never, with nothing applied, half way with results, or half way "
        "with its results lost",
        "none",
        "before",
        "half",
        "lost",
    ),
    Switch(
        "activity_touches",
        default=True,
        meaning="an activity gives its record a new updatedAt, so that feeds show its last results",
    ),
    Switch(
        "reassign_touches",
        default=True,
        meaning="a child that a merge or a reassigning delete gives to another parent gets a new "
        "updatedAt",
    ),
    Switch(
        "merged_in_deleted",
        default=True,
        meaning="the deleted feed shows records that were merged into another",
    ),
    Switch(
        "permanent_in_deleted",
        default=True,
        meaning="the deleted feed shows records that were deleted permanently",
    ),
    _choice(
        "activity_dates",
        "what startDate and endDate of the activity feed and exports compare, and their order: the "
        "activity's own date, or the instant it was created or updated",
        "date",
        "created",
        "updated",
    ),
    _choice(
        "activity_period",
        "whether activities at the very instant of startDate or endDate belong to the period",
        "inclusive",
        "exclusive",
    ),
    _choice(
        "activity_order",
        "order of the activity exports by the instant that their dates compare",
        "asc",
        "desc",
        "random",
    ),
    Switch(
        "activity_delay_s",
        0.0,
        "seconds of the clock before a new activity is seen in the activity feed and exports",
    ),
    _choice(
        "done_activities",
        "a PATCH of an activity that is done; a PUT of one is always refused",
        "refused",
        "changed",
    ),
    _choice(
        "historical_distance",
        "the unit of distance in a record's history; the activity feed has metres",
        "metres",
        "kilometres",
        "miles",
    ),
    Switch(
        "series_horizon_days", 90, "days for which occurrences of a series without end are shown"
    ),
    _choice(
        "many_activities",
        "activities sent together of which one is refused: none is kept, or those before it are",
        "none",
        "until_error",
    ),
    Switch(
        "fourth_role", "Sales Rep 2", "name of the tenant's fourth role; empty where it has none"
    ),
    _choice(
        "user_put",
        "a PUT of a user without some keys: they are emptied, e-mail and role being required, or "
        "they stay as they are",
        "whole",
        "keys",
    ),
    _choice(
        "user_restore",
        "how a suspended user comes back: a PUT with suspended false, another block, or by people "
        "in the web app only",
        "put",
        "block",
        "never",
    ),
    _choice(
        "user_external_ids",
        "whether two users may have the same externalSystemUserId",
        "any",
        "unique",
    ),
    _choice(
        "suspended_users",
        "whether lists of users show suspended ones, or only where that status is asked for",
        "listed",
        "hidden",
    ),
    _choice(
        "readonly_writes",
        "what becomes of a change by a read-only user",
        "refused",
        "allowed",
    ),
    _choice("invited_status", "status of a user who has not joined yet", "pending", "invited"),
    Switch("licences", None, "how many users may be neither read-only nor suspended; null: any"),
    _choice(
        "team_children",
        "what becomes of the teams below a deleted one: they go up to its parent, or are gone too",
        "up",
        "gone",
    ),
    _choice(
        "webhook_children",
        "whether records of child types cause lead events too, or are silent",
        "told",
        "silent",
    ),
    Switch("webhook_batch", 1, "events that wait for one endpoint and go out in one call, at most"),
    Switch(
        "webhook_mixed", default=True, meaning="one webhook call may carry events of several types"
    ),
    Switch(
        "webhook_retry_s",
        1.0,
        "real seconds before the first retry of a webhook call; the second and third wait two and "
        "three times as long",
    ),
    Switch("webhook_timeout_s", 10.0, "real seconds that a webhook call waits for its answer"),
    Switch("external_id_in_search", default=False, meaning="q also finds externalDataObjectId"),
)

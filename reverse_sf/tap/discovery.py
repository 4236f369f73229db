"""Which objects become streams."""

from __future__ import annotations

from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from reverse_sf.errors import ConfigurationError, ReverseSFError
from reverse_sf.salesforce.refusals import UnknownObjectError

if TYPE_CHECKING:
    import logging
    from collections.abc import Iterable, Mapping, Sequence

    from reverse_sf.salesforce import SalesforceClient

# What a sales sync reads. Every object more costs a describe call, so not all thousand of them.
USUAL_OBJECTS = (
    "Account",
    "Campaign",
    "CampaignMember",
    "Case",
    "Contact",
    "Event",
    "Lead",
    "Opportunity",
    "OpportunityContactRole",
    "Organization",
    "Profile",
    "RecordType",
    "Task",
    "User",
    "UserRole",
)
# Endings of objects that Salesforce derives from another one; a pattern never means them.
_DERIVED_ENDINGS = ("ChangeEvent", "Feed", "History", "Share", "__Tag", "__Share", "__History")


def describes_of(
    client: SalesforceClient, wanted: Sequence[str], logger: logging.Logger
) -> list[Mapping[str, Any]]:
    """Describe the objects that the setting ``streams_to_discover`` means.

    An object that was named must be there; one that a pattern or the default meant is left out,
    with a warning, where the user may not read it.

    Raises:
        ConfigurationError: for named objects that are not there, all of them at once.
    """
    named = [name for name in wanted if "*" not in name]
    patterns = [name for name in wanted if "*" in name]
    names = list(named)
    if patterns or not wanted:
        names += _meant_by(client.describe_global(), patterns)
    answers = client.describe_many(names)
    problems = [
        f"{name}: {_problem(client, name, answer)}"
        for name, answer in answers.items()
        if name in named and (isinstance(answer, ReverseSFError) or not _is_readable(answer))
    ]
    if problems:
        raise ConfigurationError("streams_to_discover names what cannot be read", problems)
    described = []
    for name, answer in answers.items():
        if isinstance(answer, ReverseSFError):
            logger.warning("%s is left out: %s", name, answer)
        elif _is_readable(answer):
            described.append(answer)
    return described


def suggestion(wrong: str, known: Iterable[str]) -> str:
    """Return a half sentence that names what was probably meant, or nothing."""
    by_folded = {name.casefold(): name for name in known}
    close = get_close_matches(wrong.casefold(), by_folded, n=1)
    return f"; did you mean {by_folded[close[0]]}?" if close else ""


def _meant_by(listed: Iterable[Mapping[str, Any]], patterns: Sequence[str]) -> list[str]:
    readable = [entry for entry in listed if entry.get("queryable", True)]
    if patterns:
        return [
            entry["name"]
            for entry in readable
            if not entry["name"].endswith(_DERIVED_ENDINGS)
            and any(fnmatchcase(entry["name"], pattern) for pattern in patterns)
        ]
    return [
        entry["name"]
        for entry in readable
        if entry["name"] in USUAL_OBJECTS
        or (
            entry.get("custom") and entry["name"].endswith("__c") and not entry.get("customSetting")
        )
    ]


def _is_readable(described: Mapping[str, Any]) -> bool:
    has_id = any(field["name"] == "Id" for field in described["fields"])
    return bool(described.get("queryable", True)) and has_id


def _problem(
    client: SalesforceClient, name: str, answer: Mapping[str, Any] | ReverseSFError
) -> str:
    match answer:
        case UnknownObjectError():
            known = [entry["name"] for entry in client.describe_global()]
            return f"no such object, or not visible to this user{suggestion(name, known)}"
        case ReverseSFError():
            return str(answer)
        case _:
            return "Salesforce does not offer it to queries"

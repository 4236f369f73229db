"""What a reason means to a person, and who can do something about it."""

from __future__ import annotations

from typing import NamedTuple

SALESFORCE = "an administrator of Salesforce"
SPOTIO = "an administrator of SPOTIO"
AUTHOR = "whoever keeps sync.yml"
USER = "whoever works with the record"
NOBODY = "nobody: it passes by itself"


class Remedy(NamedTuple):
    """What a stable reason code means.

    Attributes:
        words: what happened and what to do, in one or two sentences.
        who: who can do it.
    """

    words: str
    who: str


REMEDIES: dict[str, Remedy] = {
    "choice_unmapped": Remedy(
        "The definition maps choices of this field, and not this one: add it under choices, or set"
        " it to do_not_sync.",
        AUTHOR,
    ),
    "choice_unknown": Remedy(
        "The other system has no such active choice: add it there, or map it to one that is there.",
        f"{SALESFORCE} or of SPOTIO",
    ),
    "do_not_sync": Remedy("The definition says that this choice is not to be sent.", AUTHOR),
    "type_mismatch": Remedy(
        "The value is of a type that the other system's field cannot hold: map another field.",
        AUTHOR,
    ),
    "stage_unknown": Remedy(
        "SPOTIO's record type has no such stage: add it there, or map the value to one that is"
        " there.",
        f"{SPOTIO}, or {AUTHOR}",
    ),
    "several_values": Remedy(
        "Several choices are set, and the other system's field takes one.", USER
    ),
    "too_long": Remedy(
        "The text is longer than the other system's field: shorten it, lengthen the field, or say"
        " truncate: true.",
        f"{USER}, or {AUTHOR}",
    ),
    "out_of_range": Remedy("The number does not fit into the other system's field.", USER),
    "unparsable": Remedy(
        "The text does not spell a value of the other system's type: correct it.", USER
    ),
    "owner_unknown": Remedy(
        "The owner has no user in the other system: create or sync that user, or set a default"
        " owner.",
        f"{AUTHOR}, or an administrator",
    ),
    "required_missing": Remedy(
        "The other system demands a field for which this record has no value: fill it in, or map"
        " another field to it.",
        f"{USER}, or {AUTHOR}",
    ),
    "waiting_for_parent": Remedy(
        "Its parent has no counterpart yet. It follows as soon as the parent has one: see what"
        " holds the parent up.",
        NOBODY,
    ),
    "ambiguous_match": Remedy(
        "Several records may be its counterpart, so none was created: say which one it is with"
        " reverse-sf link --choose.",
        USER,
    ),
    "ambiguous": Remedy(
        "Several records may be its counterpart, so none was created: say which one it is with"
        " reverse-sf link --choose.",
        USER,
    ),
    "already_linked": Remedy(
        "Its counterpart belongs to another record already: merge one of the two, or take the id"
        " out of the one that carries it wrongly.",
        USER,
    ),
    "unknown_outcome": Remedy(
        "A create had no answer, and nothing tells whether it happened: look for the record in"
        " Salesforce, then say with reverse-sf link --choose which one it is.",
        USER,
    ),
    "manual": Remedy(
        "Both sides changed it and the rule is manual: make the two values equal, in either"
        " system.",
        USER,
    ),
    "rejected": Remedy(
        "The system refused the value, in its own words. It is sent again when the record has a"
        " new value to send.",
        f"{USER}, or an administrator where a rule of the system is meant",
    ),
    "not_taken": Remedy(
        "The system said yes and kept its own value: a flow, a trigger or a read-only field.",
        "an administrator of that system",
    ),
    "duplicates_detected": Remedy(
        "A duplicate rule of Salesforce refused the record: merge the records, or change the rule.",
        SALESFORCE,
    ),
    "missing_in_spotio": Remedy("SPOTIO has no such record any more.", USER),
    "missing_in_salesforce": Remedy("Salesforce has no such record any more.", USER),
    "deletion_ignored": Remedy(
        "The target is set to ignore deletions (on_delete: ignore).", AUTHOR
    ),
    "busy": Remedy("Somebody kept changing the record while it was to be written.", NOBODY),
    "locked": Remedy("Salesforce had the record locked; it is tried again.", NOBODY),
    "user_not_written": Remedy(
        "SPOTIO accepted the write and its list of users shows something else: do it by hand,"
        " under Settings, Users.",
        SPOTIO,
    ),
    "user_without_email": Remedy(
        "The Salesforce user has no e-mail in the field that email_field names, and a SPOTIO user"
        " needs one.",
        SALESFORCE,
    ),
    "user_shares_email": Remedy(
        "Several selected Salesforce users have one e-mail, and SPOTIO takes it once: correct one,"
        " or use email_field: Username.",
        f"{SALESFORCE}, or {AUTHOR}",
    ),
    "user_email_taken": Remedy(
        "The SPOTIO user with this e-mail belongs to another Salesforce user: correct the external"
        " user id or the e-mail.",
        SPOTIO,
    ),
    "user_ambiguous": Remedy(
        "Several SPOTIO users may be this one: correct their external user ids or e-mails.", SPOTIO
    ),
    "user_owns_api_key": Remedy(
        "The API key of this very sync belongs to the user, who is never suspended: make the key as"
        " somebody else first.",
        SPOTIO,
    ),
    "user_is_last_admin": Remedy(
        "The user is the last active Admin, who is never suspended: make another Admin first.",
        SPOTIO,
    ),
    "not_writable": Remedy(
        "SPOTIO does not take this value for an activity of this kind: set it there by hand, or"
        " take the field out of the mapping.",
        f"{USER}, or {AUTHOR}",
    ),
    "unsupported": Remedy("The system has no call for it.", NOBODY),
}

_BY_STATUS = (
    (401, "The login was refused: check the credentials.", "an administrator of that system"),
    (403, "The user behind the login lacks a right.", "an administrator of that system"),
    (429, "The system asked to go slower; it was tried again.", NOBODY),
)
_SERVER_ERROR = 500
_REFUSED = 400


def remedy_of(reason: str | None, status: int | None) -> Remedy | None:
    """What to do about a reason code or, without one, an HTTP status; None where all is well."""
    if reason:
        known = REMEDIES.get(reason)
        return known or Remedy("The system refused it, in its own words.", USER)
    if status is None or status < _REFUSED:
        return None
    for code, words, who in _BY_STATUS:
        if status == code:
            return Remedy(words, who)
    if status >= _SERVER_ERROR:
        return Remedy("The system failed; it was tried again.", NOBODY)
    return REMEDIES["rejected"]

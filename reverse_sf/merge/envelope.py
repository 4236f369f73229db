"""The ``_sync`` envelope: what the mapper tells a target about the write that it decided.

The record around it is an ordinary Singer record of the destination's stream that holds only the
fields to write. Absent, null and blank are three different things in it: an absent key is left
alone, null clears.

Record keys toward SPOTIO (stream = name of the record type):

* a field as ``sync.yml`` names it (label, ``id:20``, ``role:FirstName``): text, number, boolean,
  ``YYYY-MM-DD``, UTC instant ``YYYY-MM-DDTHH:MM:SSZ``, or a sorted list for a multiple choice;
* ``Stage``: the stage's name;
* ``address``: object of address components (``reverse_sf.mapping.definition.ADDRESS_COMPONENTS``)
  plus ``skip_geocoding``; a component that is absent is left alone;
* ``owner``: object with ``salesforce_id``, ``email`` (of the Salesforce user, where known),
  ``default`` (e-mail, maybe null) and ``keep_on_update``, and ``spotio_id`` where the sync of users
  has joined the two, and ``nobody`` where nothing of this run is to tell an e-mail that is null, so
  that the default owner is settled; the target resolves it by that, external user id, e-mail, then
  default;
* ``parent``: object with ``link_id`` and ``salesforce_id``, or null;
* ``externalDataObjectId``: on create and link, the Salesforce Id.

A user (stream ``users``, pair :data:`USERS_PAIR`) has SPOTIO's own property names, as far as they
are written: ``email``, ``role``, ``externalSystemUserId``, ``firstName``, ``lastName``,
``isReadonly``, ``suspended``.

An activity (stream ``activities``, pair named such as ``Task:Call (Lead:Leads)``) has the names of
``reverse_sf.mapping.activity_fields``, ``owner``, and where it is made ``Name`` and ``parent``.

Record keys toward Salesforce (stream = API name of the object) are API names of fields with typed
JSON values; a multi-select picklist may be a list. A reference to another record is an object with
``link_id`` and ``spotio_id``; an owner is an object with ``spotio_id``, ``email``, ``default``
(username or e-mail, maybe null) and ``keep_on_update``, and ``salesforce_id`` where the two users
are joined. What the ledger keeps under a record key of
the pair (a base, parked work) is found through :attr:`Envelope.keys`.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

import msgspec

KEY_MARK = "x-reverse-sf-key"
"""Marks the property, in a SCHEMA toward Salesforce, that sync.yml names as the external id."""
ENVELOPE_KEY = "_sync"
USERS_PAIR = "User:users"
"""What the links of users stand under in the ledger, and in every account of a run."""


class Action(str, Enum):
    """What is to be done to the destination's record."""

    CREATE = "create"
    UPDATE = "update"
    LINK = "link"
    DELETE = "delete"
    ARCHIVE = "archive"
    """As an update; the link is a tombstone afterwards."""
    SUSPEND = "suspend"
    """Of a user, as the next one."""
    RESTORE = "restore"


class Envelope(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What is known of the pair and of the decision behind one emitted record.

    Attributes:
        operation_id: deterministic; the same decision made twice has the same id.
        action: what to do.
        link_id: the pair.
        run_id: the mapper's run, owner of the lease.
        pair: name of the object mapping, ``<sObject>:<record type>``.
        salesforce_id: 18 characters, where known.
        spotio_id: where known; always on update.
        expected: destination values, in the record's own vocabulary, that the decision was made
            against: the guard. A key that is absent here was not known and is not guarded.
        on_link: for a create, the keys of the record that win where it turns out that the record
            exists already (truth table rows 11 to 13); the others keep the destination's value.
        settles: for a create, keys of the pair that were left out on purpose (``on_create: omit``):
            where the record is really created, they are settled as they are read back.
        reissued: an earlier attempt's outcome is unknown: look before creating.
        named: for a link, the record names its counterpart by id and nobody has read that one yet:
            where it is not there, or carries another record's id, the link forgets it.
        keys: where the record's keys are not those of the ledger (toward Salesforce): record key
            of the pair to the field behind it, or to an object of its parts' fields, such as
            ``{"Company": "Name", "address": {"city": "BillingCity"}, "parent": "AccountId"}``.
            Every field of the record stands in it; parts that the record does not write too.
        user: of a user, what is known of the one in Salesforce
            (:class:`reverse_sf.merge.users.UserFacts`): the target decides once more with it, on
            the users that SPOTIO has at that moment.
        match: of a user, how an existing one is recognised (``users.match``).
    """

    operation_id: str
    action: Action
    link_id: str
    run_id: str
    pair: str
    salesforce_id: str | None = None
    spotio_id: str | None = None
    expected: dict[str, Any] = {}
    on_link: list[str] = []
    settles: list[str] = []
    reissued: bool = False
    named: bool = False
    keys: dict[str, Any] = {}
    user: dict[str, Any] = {}
    match: str = ""


ENVELOPE_SCHEMA: dict[str, Any] = {
    "type": ["object", "null"],
    "properties": {
        "operation_id": {"type": "string"},
        "action": {"type": "string", "enum": [action.value for action in Action]},
        "link_id": {"type": "string"},
        "run_id": {"type": "string"},
        "pair": {"type": "string"},
        "salesforce_id": {"type": ["string", "null"]},
        "spotio_id": {"type": ["string", "null"]},
        "expected": {"type": "object", "additionalProperties": True},
        "on_link": {"type": "array", "items": {"type": "string"}},
        "settles": {"type": "array", "items": {"type": "string"}},
        "reissued": {"type": "boolean"},
        "named": {"type": "boolean"},
        "keys": {"type": "object", "additionalProperties": True},
        "user": {"type": "object", "additionalProperties": True},
        "match": {"type": "string"},
    },
}
"""JSON Schema of the property :data:`ENVELOPE_KEY`, for SCHEMA messages."""

"""What the two small systems look like, and which configurations may run over them.

One parent object (Account : Accounts) and one child (Contact : Contacts). Every kind of field that
behaves differently in a sync stands here once: text, a text with a limit, a number with a scale, a
many-to-one choice, a multiple choice, the stage, an address, an owner, a parent. Leads come where
there is no child: what they are converted to takes their place beside the same SPOTIO record.

A pair goes by its sObject, which is in one pair only; SPOTIO's records by the sObject of the first
pair that they are in (:meth:`Config.kind`).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from functools import lru_cache
from random import Random
from typing import Any, NamedTuple

import msgspec

from reverse_sf.mapping.activities import activity_mapping
from reverse_sf.mapping.activity_fields import Activity
from reverse_sf.mapping.definition import (
    AddressMapping,
    Criterion,
    DeletePolicy,
    DirectionSettings,
    FieldMapping,
    ObjectMapping,
    OwnerMapping,
    ParentMapping,
    SyncDefinition,
    SyncRule,
)
from reverse_sf.mapping.describe import FACTS_KEY, WHOLE_LISTING
from reverse_sf.mapping.users import EmailField, RoleSelection, UserMatch, UserSync
from reverse_sf.mapping.workflow import SpotioField, SpotioType, Stage
from reverse_sf.spotio.facts import field_facts, stage_facts, type_facts
from tests.convergence import activities
from tests.convergence.activities import EVENT, TASK

P, S = "P", "S"
STREAM = {
    "Account": "Accounts",
    "Contact": "Contacts",
    "Lead": "Leads",
    **dict.fromkeys(activities.KINDS, activities.STREAM),
}
"""SPOTIO's record types, by what its records go by."""
USERS_STREAM = {P: "users", S: "User"}
EXTERNAL_ID = "SPOTIO_Id__c"

FIELD_OF = {
    "Account": {
        "Company": "Name",
        "Website": "Website",
        "Annual Revenue": "AnnualRevenue",
        "Rating": "Rating",
        "Products": "Product_Interest__c",
        "Notes": "Description",
        "Stage": "Type",
    },
    "Contact": {"First Name": "FirstName", "Last Name": "LastName", "Remark": "Description"},
    "Lead": {
        "First Name": "FirstName",
        "Last Name": "LastName",
        "Remark": "Description",
        "Firm": "Company",
    },
    **activities.FIELD_OF,
}
"""Record key to Salesforce field, by sObject; address, owner and parent come on top."""
PARENT_FIELD = {"Contact": "AccountId", TASK: "WhatId", EVENT: "WhoId"}
COMPONENTS = {"street": "BillingStreet", "city": "BillingCity"}
LIMITS = {"Website": 12, "Company": 20}
"""Longest text that Salesforce takes, by record key."""
NUMBERS = frozenset({"Annual Revenue"})
SETS = frozenset({"Products"})

PEOPLE = {"u1": "005000000000001AAA", "u2": "005000000000002AAA", "u9": "005000000000009AAA"}
"""SPOTIO user to Salesforce user; ``u7`` and ``…7AAA`` have no counterpart."""
STRANGER = {P: "u7", S: "005000000000007AAA"}
EMAILS = {
    "u1": "one@example.com",
    "u2": "two@example.com",
    "u9": "ops@example.com",
    "u7": "seven@example.com",
    "005000000000007AAA": "sieben@example.com",
}
DEFAULT_OWNER = {P: "u9", S: PEOPLE["u9"]}
OPS = "ops@example.com"

CHOICES: tuple[dict[str, str | None], ...] = (
    {"Hot": "Hot", "Lukewarm": "Warm", "Cool": "Warm", "Dead": None},
    {"Hot": "Hot", "Lukewarm": "Warm", "Cool": "Cold", "Dead": "Cold"},
    {"Cool": "Warm", "Lukewarm": "Warm", "Hot": "Hot"},
)
STAGES: dict[str, str | None] = {"Prospect": "Prospect", "Customer": "Customer", "Former": None}

POOL: dict[str, dict[str, tuple[Any, ...]]] = {
    "Company": {P: ("Acme", "Zoë", " Acme ", "0", "x" * 25), S: ("Acme", "Zoe\u0308", "0", "Ace")},
    "Website": {P: ("a.io", "b.io", None, "", "long" * 5, "A.IO"), S: ("a.io", "b.io", None, " ")},
    "Annual Revenue": {P: (0, 1, 2.345, None, 7.5), S: (0, 1, 2.35, None, 7.5)},
    "Rating": {
        P: ("Hot", "Lukewarm", "Cool", "Dead", "Odd", None),
        S: ("Hot", "Warm", "Cold", "Frozen", None),
    },
    "Products": {P: (["Fiber"], ["Panels", "Fiber"], None, []), S: ("Fiber", "Fiber;Panels", None)},
    "Notes": {P: ("call", "false", None, "no"), S: ("call", "false", None, "yes")},
    "Stage": {P: ("Prospect", "Customer", "Former"), S: ("Prospect", "Customer", "Partner")},
    "First Name": {P: ("Ann", "Bo", None), S: ("Ann", "Bo", None)},
    "Last Name": {P: ("Ash", "Birch"), S: ("Ash", "Birch")},
    "Remark": {P: ("hm", None, "oh"), S: ("hm", None, "ah")},
    "Firm": {P: ("Acme", "Zoë"), S: ("Acme", "Ace")},
    "owner": {P: ("u1", "u2", "u7"), S: (PEOPLE["u1"], PEOPLE["u2"], STRANGER[S])},
    "street": {P: ("1 Elm Street", "2 Oak St", None), S: ("1 Elm Street", "2 Oak St", None)},
    "city": {P: ("Ulm", "Bonn", None), S: ("Ulm", "Bonn", None)},
    **activities.POOL,
}
"""Small pools, so that collisions are common."""
MAILS = (*EMAILS.values(), "One@Example.com", "new@example.com", "1@org", "101@org")
NEWCOMERS = {
    P: ("u101", "u102", "u103"),
    S: ("005000000000101AAA", "005000000000102AAA", "005000000000103AAA"),
}
"""Users who may be there once somebody has hired them; they are counted through on both sides."""
STAFF: dict[str, dict[str, tuple[Any, ...]]] = {
    S: {
        "Email": (*MAILS, None),
        "Username": (*MAILS, "x@org"),
        "Department": ("Field", "Desk", None),
        "IsActive": (True, False),
        "IsFrozen": (True, False),
        "LastName": ("Ash", "Birch"),
    },
    P: {
        "email": MAILS,
        "role": ("Admin", "Manager", "Sales"),
        "externalSystemUserId": (PEOPLE["u1"], PEOPLE["u2"], "005000000000101AAA", None),
        "suspended": (True, False, False),
        "isReadonly": (True, False),
    },
}
"""What people write of users."""


def pool(side: str, sobject: str, key: str) -> tuple[Any, ...]:
    """What people write into a key of a side's records; nothing where they cannot."""
    own = activities.POOL_OF_EVENTS if sobject == EVENT else {}
    return own.get(key, POOL.get(key, {})).get(side, ())


RULES = tuple(one.value for one in SyncRule if one is not SyncRule.UNION)
"""The rules that any field may have; a union is for :data:`SETS`."""
_OPTIONS = {
    "Rating": ("Hot", "Lukewarm", "Cool", "Dead", "Odd", "Mild"),
    "Products": ("Panels", "Fiber", "Batteries"),
}


class Role(NamedTuple):
    """Who gets a role of SPOTIO: of these departments, or of these names; nothing = everybody."""

    name: str
    departments: tuple[str, ...] = ()
    usernames: tuple[str, ...] = ()


class Users(NamedTuple):
    """What the section ``users`` says."""

    roles: tuple[Role, ...]
    match: str = "email"
    email_field: str = "Email"
    create: bool = True
    suspends: bool = True

    @property
    def section(self) -> UserSync:
        """As the definition has it."""
        return UserSync(
            roles=tuple(
                RoleSelection(
                    one.name,
                    (Criterion("Department", one.departments),) if one.departments else (),
                    one.usernames,
                )
                for one in self.roles
            ),
            match=UserMatch(self.match),
            email_field=EmailField(self.email_field),
            create=self.create,
            suspend_when_removed=self.suspends,
            path="users",
        )


@dataclass(frozen=True)
class Config:
    """What an administrator may set.

    Attributes:
        rules: sync rule by record key; a key that is not here is not mapped.
        choices: number of the choice map of Rating.
        omit: keys that are not sent on create.
        scope_s: values of Type that take part toward SPOTIO; empty = all.
        scope_p: values of Stage that take part toward Salesforce; empty = all.
        on_delete: policy by the side of the deletion.
        keep_owner: the default owner never replaces an owner.
        skip_geocoding: SPOTIO keeps addresses as sent.
        enabled: directions that are on, by source side.
        contacts: the child object is mapped.
        resurrect: a deletion that loses to a change has the record created anew.
        adopt: what the other system made of a two-way value is copied back; left out, as what
            follows, of the spelling that other choices are drawn from.
        leads: leads are mapped, and the contacts that they are converted to; not with contacts.
        users: the section of users; None where owners are found in :data:`PEOPLE`.
        activities: what of the accounts' activities is synced: nothing (empty), what SPOTIO's
            people do ("push"), what becomes of it in Salesforce as well ("two_way"), or what
            Salesforce's own people do too ("from_salesforce"). Those of leads are only pushed.
    """

    rules: tuple[tuple[str, str], ...]
    choices: int = 0
    omit: frozenset[str] = frozenset()
    scope_s: tuple[str, ...] = ()
    scope_p: tuple[str, ...] = ()
    on_delete: tuple[str, str] = ("ignore", "ignore")
    keep_owner: bool = True
    skip_geocoding: bool = True
    enabled: str = "PS"
    contacts: bool = False
    resurrect: bool = False
    adopt: bool = field(default=False, repr=False)
    leads: bool = field(default=False, repr=False)
    users: Users | None = field(default=None, repr=False)
    activities: str = field(default="", repr=False)

    @property
    def drawn_from(self) -> str:
        """What other choices are drawn from: the same in every process, unlike a set's order."""
        listed = ", ".join(map(repr, sorted(self.omit)))
        return repr(self).replace(
            repr(self.omit), f"frozenset({{{listed}}})" if listed else "frozenset()"
        )

    @property
    def spelled(self) -> str:
        """All of it, for people."""
        unsaid = {name: getattr(self, name) for name in ("adopt", "leads", "activities", "users")}
        return (
            self.drawn_from[:-1]
            + "".join(f", {name}={one!r}" for name, one in unsaid.items())
            + ")"
        )

    def rule(self, key: str, sobject: str) -> str | None:
        """The rule of a key in the pair of an sObject; None where it is not mapped."""
        if key not in self.keys(sobject):
            return None
        if sobject in activities.KINDS:
            is_back = self.reads(S, sobject) and key in activities.TAKEN_BACK
            return "two_way" if is_back else "spotio_only"
        return dict(self.rules).get(key)

    def reads(self, side: str, sobject: str) -> bool:
        """Whether what a side holds of a pair travels."""
        if side in self.enabled and side == S and sobject in activities.KINDS:
            return sobject == TASK and self.activities != "push"
        return side in self.enabled

    def keeps_owner(self, sobject: str) -> bool:
        """Whether an owner whom nobody knows leaves the owner of a pair's records alone."""
        if sobject in activities.KINDS and not self.has_default_owner(sobject):
            return True
        return self.keep_owner

    def has_default_owner(self, sobject: str) -> bool:
        """Whether somebody stands in for an owner whom nobody knows."""
        # An activity's owner is mapped as that of its records is.
        return sobject in ("Account", TASK) and "owner" in dict(self.rules)

    def parents(self, sobject: str) -> tuple[str, ...]:
        """The sObjects that the parent of a pair's records may be."""
        if sobject == EVENT:
            return ("Contact", "Lead")
        return ("Account",) if sobject in PARENT_FIELD else ()

    def keys(self, sobject: str) -> list[str]:
        """The mapped keys of the pair of an sObject."""
        return list(_keys(self, sobject))

    def kind(self, side: str, sobject: str) -> str:
        """What a side's records go by that are in the pair of an sObject."""
        return "Lead" if side == P and sobject == "Contact" and self.leads else sobject

    def stream(self, side: str, kind: str) -> str:
        """The name of the tap's stream of a side's records."""
        return kind if side == S else STREAM[kind]

    def pair(self, sobject: str) -> str:
        """The name of the pair of an sObject."""
        if sobject in activities.KINDS:
            of = self.pair("Account" if sobject == TASK else "Lead")
            return f"{sobject}:{activities.TEMPLATE} ({of})"
        return f"{sobject}:{STREAM[self.kind(P, sobject)]}"

    def pairs_of(self, side: str, kind: str) -> list[str]:
        """The sObjects of the pairs that a side's records are in."""
        return [one for one in self.objects if self.kind(side, one) == kind]

    def kinds(self, side: str) -> list[str]:
        """What a side's tap reads, parents first."""
        read = (one for one in self.objects if self.reads(side, one))
        return list(dict.fromkeys(self.kind(side, one) for one in read))

    def creates(self, sobject: str, side: str = P) -> bool:
        """Whether a side's record gets a counterpart; what leads became is only taken over."""
        if side == S and sobject in activities.KINDS:
            return sobject == TASK and self.activities == "from_salesforce"
        return not (self.leads and sobject == "Contact")

    def with_rule(self, key: str, rule: str) -> Config:
        """The same with another rule for a key."""
        return replace(self, rules=tuple((k, rule if k == key else r) for k, r in self.rules))

    @property
    def objects(self) -> tuple[str, ...]:
        """The mapped sObjects, parents first."""
        logged = (TASK, *([EVENT] if self.leads else [])) if self.activities else ()
        if self.leads:
            return ("Account", "Lead", "Contact", *logged)
        return ("Account", "Contact", *logged) if self.contacts else ("Account", *logged)


@lru_cache(4096)
def _keys(config: Config, sobject: str) -> tuple[str, ...]:
    if sobject in activities.KINDS:
        return (*FIELD_OF[sobject], "owner", "parent") if sobject in config.objects else ()
    extra = {"address", "owner"} if sobject == "Account" else set()
    if sobject == "Contact" and config.contacts:
        extra = {"parent"}
    return tuple(key for key, _ in config.rules if key in FIELD_OF[sobject] or key in extra)


def some_config(random: Random) -> Config:
    """Any configuration that passes the check of a definition."""
    keys = ["Company", "Website", "Annual Revenue", "Rating", "Products", "Notes"]
    chosen = ["Company", *random.sample(keys[1:], random.randint(1, 4))]
    rules = [(key, random.choice(RULES)) for key in chosen]
    if random.random() < 0.5:
        rules[0] = ("Company", "two_way")
    if random.random() < 0.4:
        rules.append(("Stage", random.choice(RULES)))
    if random.random() < 0.3:
        rules.append(("address", random.choice(RULES)))
    if random.random() < 0.3:
        rules.append(("owner", random.choice(RULES)))
    contacts = random.random() < 0.3
    if contacts:
        rules += [("First Name", random.choice(RULES)), ("Last Name", "two_way")]
        rules.append(("parent", random.choice(RULES)))
    config = Config(
        rules=tuple(rules),
        choices=random.randrange(len(CHOICES)),
        omit=frozenset(k for k in chosen[1:] if random.random() < 0.15),
        scope_s=random.choice(((), (), ("Prospect", "Customer"))),
        scope_p=random.choice(((), (), ("Prospect", "Customer"), ("Customer",))),
        on_delete=(
            random.choice(("ignore", "unlink", "delete")),
            random.choice(("ignore", "unlink", "delete")),
        ),
        keep_owner=random.random() < 0.5,
        skip_geocoding=random.random() < 0.5,
        enabled=random.choice(("PS", "PS", "PS", "PS", "P", "S")),
        contacts=contacts,
    )
    # From the configuration itself: a seed that was drawn before there was a union tells the same.
    united = config.enabled == "PS" and Random(config.drawn_from).random() < 0.3
    # Nothing is omitted then: what a second create leaves out a person may have written since.
    if config.enabled == "PS" and "delete" in config.on_delete and not config.omit:
        config = replace(config, resurrect=Random(config.drawn_from).random() < 0.5)
    for key in SETS & {key for key, _ in config.rules} if united else ():
        config = replace(config.with_rule(key, "union"), omit=config.omit - {key})
    adopts = config.enabled == "PS" and Random(f"adopt {config.drawn_from}").random() < 0.3
    return replace(config, adopt=adopts)


@lru_cache(512)
def definition_of(config: Config) -> SyncDefinition:
    """The definition that a configuration spells."""
    records = {one: _mapping(config, one) for one in config.objects if one not in activities.KINDS}
    return SyncDefinition(
        version=1,
        objects=tuple(records.values()),
        users=config.users.section if config.users else UserSync(),
        fingerprint=_fingerprint(config),
        activities=tuple(
            _logged(config, one, records["Account" if one == TASK else "Lead"])
            for one in config.objects
            if one in activities.KINDS
        ),
        time_zone=activities.ZONE,
    )


def _fingerprint(config: Config) -> str:
    spelled = repr(replace(config, omit=frozenset())) + repr(sorted(config.omit))
    spelled += " adopts" if config.adopt else ""
    spelled += " leads" if config.leads else ""
    spelled += repr(config.users) if config.users else ""
    spelled += f" activities {config.activities}" if config.activities else ""
    return hashlib.blake2b(spelled.encode(), digest_size=8).hexdigest()


def _logged(config: Config, sobject: str, of: ObjectMapping) -> ObjectMapping:
    """The pair of an entry under ``activities``, made of it as the product makes it."""
    said = {
        "spotio": activities.TEMPLATE,
        "salesforce": sobject,
        "enabled": P in config.enabled,
        "two_way": config.reads(S, sobject),
        "from_salesforce": config.creates(sobject, S),
        "salesforce_external_id": EXTERNAL_ID,
        "fields": dict(FIELD_OF[sobject]),
    }
    return activity_mapping(
        said,
        of,
        sobject,
        lambda one, path: FieldMapping(
            one["spotio"], one["salesforce"], SyncRule(one["rule"]), path=path
        ),
    )


def _mapping(config: Config, sobject: str) -> ObjectMapping:
    rules = dict(config.rules)
    fields = tuple(
        FieldMapping(
            spotio=key,
            salesforce=name,
            rule=SyncRule(rules[key]),
            choices=CHOICES[config.choices]
            if key == "Rating"
            else STAGES
            if key == "Stage"
            else None,
            omit_on_create=key in config.omit,
            path=key,
            adopt=config.adopt and rules[key] == "two_way",
        )
        for key, name in FIELD_OF[sobject].items()
        if key in rules
    )
    accounts = sobject == "Account"
    scoped_s = tuple([Criterion("Type", config.scope_s)] if accounts and config.scope_s else [])
    scoped_p = tuple([Criterion("Stage", config.scope_p)] if accounts and config.scope_p else [])
    owner = address = parent = None
    if accounts and "owner" in rules:
        owner = OwnerMapping(
            OPS, OPS, keep_on_update=config.keep_owner, rule=SyncRule(rules["owner"])
        )
    if accounts and "address" in rules:
        address = AddressMapping(
            dict(COMPONENTS),
            config.skip_geocoding,
            SyncRule(rules["address"]),
            adopt=config.adopt and rules["address"] == "two_way",
        )
    if "parent" in config.keys(sobject):
        parent = ParentMapping("AccountId", "Accounts", SyncRule(rules["parent"]))
    return ObjectMapping(
        name=config.pair(sobject),
        spotio=STREAM[config.kind(P, sobject)],
        salesforce=sobject,
        to_spotio=DirectionSettings(
            S in config.enabled, only_when=scoped_s, create=config.creates(sobject)
        ),
        to_salesforce=DirectionSettings(
            P in config.enabled, only_when=scoped_p, create=config.creates(sobject)
        ),
        fields=fields,
        address=address,
        owner=owner,
        parent=parent,
        on_delete_in_salesforce=DeletePolicy(config.on_delete[0]),
        on_delete_in_spotio=DeletePolicy(config.on_delete[1]),
        salesforce_external_id=EXTERNAL_ID,
        resurrect=config.resurrect,
        on_convert="Contact" if sobject == "Lead" else None,
        path=sobject,
        fingerprint=_fingerprint(config),
    )


# --- what the taps say of the two systems ------------------------------------------------------

_FACTS: dict[str, dict[str, dict[str, Any]]] = {
    "Account": {
        "Id": {"type": "id"},
        "IsDeleted": {"type": "boolean"},
        "MasterRecordId": {"type": "reference"},
        "SystemModstamp": {"type": "datetime"},
        "Name": {"type": "string", "length": 20, "createable": True},
        "Type": {"type": "picklist", "nillable": True},
        "Website": {"type": "url", "length": 12, "nillable": True},
        "AnnualRevenue": {"type": "currency", "precision": 18, "scale": 2, "nillable": True},
        "Product_Interest__c": {"type": "multipicklist", "nillable": True},
        "Description": {"type": "textarea", "length": 32000, "nillable": True},
        "Rating": {"type": "picklist", "nillable": True},
        "BillingStreet": {"type": "textarea", "length": 255, "nillable": True},
        "BillingCity": {"type": "string", "length": 40, "nillable": True},
        "OwnerId": {"type": "reference", "referenceTo": ["User"], "defaultedOnCreate": True},
        EXTERNAL_ID: {"type": "string", "externalId": True, "unique": True, "nillable": True},
    },
    "Contact": {
        "Id": {"type": "id"},
        "IsDeleted": {"type": "boolean"},
        "MasterRecordId": {"type": "reference"},
        "SystemModstamp": {"type": "datetime"},
        "FirstName": {"type": "string", "length": 40, "nillable": True},
        "LastName": {"type": "string", "length": 80, "createable": True},
        "AccountId": {"type": "reference", "referenceTo": ["Account"], "nillable": True},
        "Description": {"type": "textarea", "length": 32000, "nillable": True},
        EXTERNAL_ID: {"type": "string", "externalId": True, "unique": True, "nillable": True},
    },
    "Lead": {
        "Id": {"type": "id"},
        "IsDeleted": {"type": "boolean"},
        "MasterRecordId": {"type": "reference"},
        "IsConverted": {"type": "boolean"},
        "ConvertedContactId": {"type": "reference", "nillable": True},
        "ConvertedAccountId": {"type": "reference", "nillable": True},
        "ConvertedOpportunityId": {"type": "reference", "nillable": True},
        "SystemModstamp": {"type": "datetime"},
        "FirstName": {"type": "string", "length": 40, "nillable": True},
        "LastName": {"type": "string", "length": 80, "createable": True},
        "Company": {"type": "string", "length": 255, "createable": True},
        "Description": {"type": "textarea", "length": 32000, "nillable": True},
        EXTERNAL_ID: {"type": "string", "externalId": True, "unique": True, "nillable": True},
    },
    **{
        one: {
            **facts,
            EXTERNAL_ID: {"type": "string", "externalId": True, "unique": True, "nillable": True},
        }
        for one, facts in activities.FACTS.items()
    },
}
_TYPES = {
    "Accounts": SpotioType(
        id="1",
        name="Accounts",
        has_address=True,
        stages=tuple(
            Stage(str(10 + at), name, "active")
            for at, name in enumerate(("Prospect", "Customer", "Former"))
        ),
        fields=(
            SpotioField("20", "Company", "Text", role="Name", system_role="Company"),
            SpotioField("23", "Website", "Text"),
            SpotioField("26", "Annual Revenue", "Currency"),
            SpotioField("27", "Products", "MultiChoice", options=_OPTIONS["Products"]),
            SpotioField("29", "Notes", "MultiLine"),
            SpotioField("31", "Rating", "SingleChoice", options=_OPTIONS["Rating"]),
        ),
    ),
    "Contacts": SpotioType(
        id="2",
        name="Contacts",
        parent_id="1",
        stages=(Stage("40", "Active", "active"),),
        fields=(
            SpotioField("50", "First Name", "Text", system_role="FirstName"),
            SpotioField("51", "Last Name", "Text", system_role="LastName"),
        ),
    ),
    "Leads": SpotioType(
        id="3",
        name="Leads",
        stages=(Stage("60", "Open", "active"),),
        fields=(
            SpotioField("61", "First Name", "Text", system_role="FirstName"),
            SpotioField("62", "Last Name", "Text", system_role="LastName"),
            SpotioField("63", "Remark", "MultiLine"),
            SpotioField("64", "Firm", "Text", role="Name", system_role="Company"),
        ),
    ),
}
NATIVE = {
    "Accounts": ("address", "ownerId"),
    "Contacts": ("parentId", "ownerId"),
    "Leads": ("ownerId",),
}
TAP_NAMES = {"owner": "ownerId", "parent": "parentId"}


def line(message: dict[str, Any]) -> bytes:
    """A message as a tap writes it."""
    return json.dumps(message).encode() + b"\n"


@lru_cache(None)
def schema_line(side: str, sobject: str) -> bytes:
    """The SCHEMA message of a stream."""
    if side == S:
        properties = {name: {"x-salesforce": facts} for name, facts in _FACTS[sobject].items()}
        schema: dict[str, Any] = {"type": "object", "properties": properties}
        stream, key, mark = sobject, "Id", "SystemModstamp"
    elif sobject in activities.KINDS:
        names = [one.encode_name for one in msgspec.structs.fields(Activity)]
        schema = {"type": "object", "properties": {name: {} for name in names}}
        stream, key, mark = activities.STREAM, "id", "updatedAt"
    else:
        stream, key, mark = STREAM[sobject], "id", "updatedAt"
        kind = _TYPES[stream]
        text = {"type": ["string", "null"]}
        properties = {
            name: dict(text)
            for name in ("id", "externalDataObjectId", "deleted", "updatedAt", *NATIVE[stream])
        }
        properties["Stage"] = {**text, "x-spotio": {"type": "Stage", "stages": stage_facts(kind)}}
        for one in kind.fields:
            properties[one.label] = {**text, "x-spotio": field_facts(one, kind)}
        parent = _TYPES["Accounts"] if kind.parent_id else None
        schema = {
            "type": "object",
            "x-spotio": type_facts(kind, parent),
            "properties": properties,
        }
    return line(
        {
            "type": "SCHEMA",
            "stream": stream,
            "schema": schema,
            "key_properties": [key],
            "bookmark_properties": [mark],
        }
    )


@lru_cache(None)
def users_schema_line(side: str, fields: tuple[str, ...], *, whole: bool = False) -> bytes:
    """The SCHEMA message of a side's users."""
    schema: dict[str, Any] = {"type": "object", "properties": {one: {} for one in fields}}
    if whole:
        schema[FACTS_KEY] = {WHOLE_LISTING: True}
    told = {"type": "SCHEMA", "stream": USERS_STREAM[side], "schema": schema}
    return line({**told, "key_properties": ["Id" if side == S else "id"]})


def blank_record(side: str, sobject: str, record_id: str) -> dict[str, Any]:
    """A new record, every field of it there."""
    if side == S:
        values: dict[str, Any] = dict.fromkeys(_FACTS[sobject])
        del values["SystemModstamp"]
        values |= {"Id": record_id, "IsDeleted": False}
        if sobject in activities.KINDS:
            return values | {"OwnerId": PEOPLE["u1"], **activities.BLANK[S, sobject]}
        if sobject == "Account":
            values |= {"OwnerId": PEOPLE["u1"], "Type": "Customer", "Name": "?"}
        else:
            values["LastName"] = "?"
        if sobject == "Lead":
            values |= {"Company": "?", "IsConverted": False}
        return values
    if sobject in activities.KINDS:
        values = {"id": record_id, "deleted": False, "ownerId": "u1", "parentId": None}
        return values | activities.BLANK[P, sobject]
    stream = STREAM[sobject]
    values = dict.fromkeys((*(one.label for one in _TYPES[stream].fields), *NATIVE[stream]))
    values |= {"id": record_id, "deleted": False, "externalDataObjectId": None, "ownerId": "u1"}
    values["Stage"] = _TYPES[stream].stages[0].name
    return values


def places(side: str, sobject: str, key: str) -> tuple[str, ...]:
    """Where a side's record holds a key."""
    if side == P:
        return (TAP_NAMES.get(key, key),)
    if key == "address":
        return tuple(COMPONENTS.values())
    if key == "owner":
        return ("OwnerId",)
    if key == "parent":
        return (PARENT_FIELD[sobject],)
    return (FIELD_OF[sobject][key],)


def held(side: str, sobject: str, key: str, values: dict[str, Any]) -> Any:
    """What a side's record holds of a key, raw; an address as an object of its components."""
    if key == "address":
        if side == P:
            return values.get("address")
        return {part: values.get(name) for part, name in COMPONENTS.items()}
    if side == P and sobject in activities.KINDS:
        return activities.held(key, values)
    return values.get(places(side, sobject, key)[0])


@dataclass
class Switches:
    """How the two systems behave beyond keeping what they are told.

    Attributes:
        trims: they trim text and drop letters' case in websites (Salesforce), round numbers.
        geocodes: SPOTIO rewrites addresses unless asked not to.
        flow: Salesforce writes Description whenever Rating changes.
        stage_flow: SPOTIO writes Notes whenever Stage changes.
        children: a new Account brings a Contact of its own.
        refusing: per side, texts that are refused, with or without naming the field.
        skew: per side, milliseconds that its clock is ahead.
        hides_suspended: SPOTIO's plain list of users leaves out those who are suspended.
        restores: how a suspended user comes back: by ``put``, by a second ``block``, or ``never``.
        names_owner: the token of the API key names its user.
        tells_details: Salesforce's tap sends every user in every run, and who is frozen.
    """

    trims: bool = False
    geocodes: bool = False
    flow: bool = False
    stage_flow: bool = False
    children: bool = False
    refusing: dict[str, dict[str, bool]] = field(default_factory=lambda: {P: {}, S: {}})
    skew: dict[str, int] = field(default_factory=lambda: {P: 0, S: 0})
    hides_suspended: bool = False
    restores: str = "put"
    names_owner: bool = True
    tells_details: bool = True

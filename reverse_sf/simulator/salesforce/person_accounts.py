"""Person accounts: accounts that are people, each with a contact of its own.

Declared by ``person_accounts: true`` under Account. A record type with ``person: true`` makes an
account a person: its name is composed and read-only, its contact is made and kept by the org, shows
in queries of contacts, and cannot be written but through the account (Object Reference, Account;
reference describes of an org with person accounts).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from reverse_sf.simulator.salesforce.refusal import ApiFault

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reverse_sf.simulator.salesforce.metadata import Field, Schema, SObject
    from reverse_sf.simulator.salesforce.store import Store

FLAG, CONTACT = "IsPersonAccount", "PersonContactId"
_NAMES = ("LastName", "FirstName", "Salutation")
FIELD_LINES = {
    "LastName": "string(80) in=Name extra=switchablepersonname name | Last Name",
    "FirstName": "string(40) in=Name extra=switchablepersonname name | First Name",
    "Salutation": "picklist in=Name extra=switchablepersonname | Salutation",
    CONTACT: "reference readonly to=Contact as=PersonContact prefilter | Contact ID",
    FLAG: "boolean readonly | Is Person Account",
    "PersonMailingAddress": "address(PersonMailing) | Mailing Address",
    "PersonOtherAddress": "address(PersonOther) | Other Address",
    "PersonMobilePhone": "phone(40) | Mobile",
    "PersonHomePhone": "phone(40) | Home Phone",
    "PersonOtherPhone": "phone(40) | Other Phone",
    "PersonAssistantPhone": "phone(40) | Asst. Phone",
    "PersonEmail": "email(80) | Email",
    "PersonTitle": "string(80) | Title",
    "PersonDepartment": "string(80) | Department",
    "PersonAssistantName": "string(40) | Assistant",
    "PersonLeadSource": "picklist(255) | Lead Source",
    "PersonBirthdate": "date | Birthdate",
}
CONTACT_LINES = {FLAG: "boolean readonly | Is Person Account"}
_SHARED = {"Phone": "Phone", "Fax": "Fax", "OwnerId": "OwnerId", "Description": "Description"}
"""Fields of the account that are the contact's under the same name."""


def name_of(field: Field) -> Field:
    """The account's Name where people are among the accounts: composed for them."""
    return replace(field, nillable=True) if field.name == "Name" else field


class PersonAccounts:
    """Keeps the contact of each person account in step."""

    def __init__(self, schema: Schema, store: Store) -> None:
        self._schema = schema
        self._store = store

    def check(
        self, one: SObject, old: Mapping[str, Any] | None, row: dict[str, Any], given: Iterable[str]
    ) -> None:
        """Refuse what a person, or a firm, cannot have, and compose a person's name.

        Args:
            one: the object that is written.
            old: the row before; None for a new one.
            row: the values to store.
            given: the fields that the request names.

        Raises:
            ApiFault: such a field is written, or a name is missing.
        """
        if one.name == "Contact" and one.has(FLAG) and (old or {}).get(FLAG):
            raise _unwritable(sorted(set(given)) or ["Id"])
        if one.name != "Account" or not one.has(FLAG):
            return
        person = self._is_person({**(old or {}), **row})
        if old is not None and bool(old.get(FLAG)) != person:
            raise ApiFault(
                "FIELD_INTEGRITY_EXCEPTION",
                "Record Type ID: an account cannot become a person, nor a person a firm",
                fields=("RecordTypeId",),
            )
        row[FLAG] = int(person)
        foreign = {"Name"} if person else {*_NAMES, *(n for n in FIELD_LINES if n[:6] == "Person")}
        wrong = sorted(name for name in given if name in foreign and row.get(name) is not None)
        if wrong:
            raise _unwritable(wrong)
        full = {**(old or {}), **row}
        needed = "LastName" if person else "Name"
        if full.get(needed) is None:
            raise ApiFault(
                "REQUIRED_FIELD_MISSING",
                f"Required fields are missing: [{needed}]",
                fields=(needed,),
            )

    def _is_person(self, row: Mapping[str, Any]) -> bool:
        found = self._store.rows(
            'SELECT "IsPersonType" FROM "RecordType" WHERE "Id" = ?', (row.get("RecordTypeId"),)
        )
        return bool(found and found[0][0])

    def contact_of(self, account: Mapping[str, Any]) -> dict[str, Any] | None:
        """What the contact of a person account holds; None for a firm."""
        if not account.get(FLAG):
            return None
        contact = self._schema.typed("Contact")
        values: dict[str, Any] = {name: account.get(name) for name in (*_NAMES, *_SHARED)}
        for field in contact.stored:
            own = f"Person{field.name}"
            if own in account and own != CONTACT:
                values[field.name] = account[own]
        return {**values, "AccountId": account["Id"], FLAG: True}


def _unwritable(names: list[str]) -> ApiFault:
    return ApiFault(
        "INVALID_FIELD_FOR_INSERT_UPDATE",
        f"Unable to create/update fields: {', '.join(names)}. Please check the security settings "
        "of this field and verify that it is read/write for your profile or permission set.",
        fields=names,
    )

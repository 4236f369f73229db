"""SPOTIO's API as the product uses it: schema, users, records. Knows no Singer."""

from __future__ import annotations

import base64
import json
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reverse_sf.errors import AccessError
from reverse_sf.mapping.workflow import Workflow
from reverse_sf.spotio.bulk import BulkJobs
from reverse_sf.spotio.errors import NotFoundError
from reverse_sf.spotio.feeds import Feeds
from reverse_sf.spotio.paging import pages
from reverse_sf.spotio.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from reverse_sf.spotio.errors import Call
    from reverse_sf.spotio.patches import Operation
    from reverse_sf.spotio.session import Session

MANY = 70
"""Ids in one ``many`` call: their query stays under the 2,048 characters that IIS allows."""

_USER_CLAIMS = ("userid", "user_id", "nameid", "sub", "id", "uid")
_ADMIN = "admin"
_GONE = {"suspended", "blocked", "deleted", "inactive"}


@dataclass(frozen=True)
class User:
    """A user of the tenant (``User`` in the OpenAPI file)."""

    id: str
    email: str = ""
    role: str = ""
    external_id: str | None = None
    read_only: bool = False
    suspended: bool = False
    name: str = ""
    raw: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def from_api(cls, answer: Mapping[str, Any]) -> User:
        """From one object of ``GET /api/users``; enumerations are read without regard to case."""
        status = str(answer.get("status") or "").lower()
        return cls(
            id=str(answer["id"]),
            email=str(answer.get("email") or "").strip().lower(),
            role=str(answer.get("role") or ""),
            external_id=answer.get("externalSystemUserId") or None,
            read_only=bool(answer.get("isReadonly")),
            suspended=bool(answer.get("suspended")) or status in _GONE,
            name=f"{answer.get('firstName') or ''} {answer.get('lastName') or ''}".strip(),
            raw=dict(answer),
        )


@dataclass(frozen=True)
class Written:
    """A record as the answer of a write showed it, and the call for the log."""

    record: Record
    call: Call


class Spotio:
    """One tenant of SPOTIO.

    Args:
        session: the authenticated conversation.
        validate_required_fields: let SPOTIO refuse a patch of a record that lacks required fields.
    """

    def __init__(self, session: Session, *, validate_required_fields: bool = True) -> None:
        self.session = session
        self.feeds = Feeds(session)
        self.bulk = BulkJobs(session)
        self._validate = validate_required_fields

    def close(self) -> None:
        """Close the connections."""
        self.session.close()

    # schema and users

    def workflow(self) -> Workflow:
        """All record types with their fields and stages."""
        return Workflow.from_api(self.session.get("/api/workflow/dataObjects/full").body or ())

    def users(self) -> list[User]:
        """All users of the tenant."""
        return [User.from_api(one) for one in self.session.get("/api/users").body or ()]

    def all_users(self) -> list[User]:
        """All users, those too whom the list does not show because they are suspended."""
        found = {user.id: user for user in self.users()}
        hidden = pages(
            lambda cursor: (
                self.session.get(
                    "/api/v2/users/list",
                    {"statuses": "suspended", **({"scrollId": cursor} if cursor else {})},
                ).body
            )
        )
        for page in hidden:
            for answer in page:
                user = User.from_api(answer)
                # Whoever is not told apart by the filter is in the first list already.
                found.setdefault(user.id, user)
        return list(found.values())

    def create_user(self, body: Mapping[str, Any]) -> tuple[User, Call]:
        """Create a user.

        Raises:
            WriteRefusedError: such as for an e-mail that another user has.
            AmbiguousOutcomeError: no answer came; look for the external id before repeating it.
        """
        reply = self.session.request("POST", "/api/Users", payload=dict(body), repeatable=False)
        return User.from_api(reply.body), reply.call

    def change_user(self, user_id: str, body: Mapping[str, Any]) -> Call:
        """Write a whole user; a second time changes nothing. The answer shows nothing of it.

        Raises:
            WriteRefusedError: SPOTIO refuses.
        """
        return self.session.request(
            "PUT", f"/api/users/{user_id}", payload=dict(body), repeatable=True
        ).call

    def block_user(self, user_id: str) -> Call:
        """Suspend a user. A second time may restore it: look before repeating it.

        Raises:
            WriteRefusedError: SPOTIO refuses.
            AmbiguousOutcomeError: no answer came.
        """
        return self.session.request("POST", f"/api/users/{user_id}/block", repeatable=False).call

    def territories_of_users(self) -> dict[str, list[str]]:
        """Ids of the territories that are given to single users, by the user's id."""
        found: defaultdict[str, list[str]] = defaultdict(list)
        for one in self.session.get("/api/Territories/all").body or ():
            if not one.get("global"):
                for user_id in one.get("userIds") or ():
                    found[str(user_id)].append(str(one["id"]))
        return found

    def key_owner(self, users: Iterable[User]) -> User | None:
        """The user behind the API key, by the ids and e-mails that the token's claims name.

        Which claims the token has is not published; None where none of them names a user.
        """
        claims = token_claims(self.session.token())
        by_id = {user.id: user for user in users}
        for name in _USER_CLAIMS:
            found = by_id.get(str(claims.get(name)))
            if found:
                return found
        emails = {str(value).lower() for value in claims.values()}
        return next((user for user in by_id.values() if user.email and user.email in emails), None)

    def check_key(self, users: Sequence[User]) -> None:
        """Make sure that the key may see and write everything.

        Raises:
            AccessError: the key's user is no Admin, or is read-only or suspended.
        """
        owner = self.key_owner(users)
        if owner is None:
            return
        if owner.role.lower() != _ADMIN:
            raise AccessError(
                f"the SPOTIO API key belongs to {owner.email or owner.id}, whose role is"
                f" {owner.role or 'unknown'}: it sees only a part of the records, so that the rest"
                " would be created again. Make a key as an Admin (Settings, Integrations, API"
                " Access) and put its client_id and client_secret into the settings."
            )
        if owner.read_only or owner.suspended:
            state = "read-only" if owner.read_only else "suspended"
            raise AccessError(
                f"the SPOTIO API key belongs to {owner.email or owner.id}, who is {state} and"
                " cannot write. Make a key as an active Admin and put its client_id and"
                " client_secret into the settings."
            )

    def create_type(self, name: str) -> str:
        """Make a record type; returns its id. Not safe to repeat."""
        payload = {"name": name, "parentRequired": False, "inheritOwnerFromParent": False}
        reply = self.session.request(
            "POST", "/api/workflow/dataObjects", payload=payload, repeatable=False
        )
        return str(reply.body["id"])

    def create_stage(self, type_id: str, name: str) -> None:
        """Make a stage in the group of active ones. Not safe to repeat."""
        self.session.request(
            "POST",
            f"/api/workflow/dataObjects/{type_id}/stages/active",
            payload={"name": name, "index": 0},
            repeatable=False,
        )

    def create_field(self, type_id: str, name: str, kind: str = "Text") -> None:
        """Make a field of a record type. Not safe to repeat."""
        self.session.request(
            "POST",
            f"/api/workflow/dataobjects/{type_id}/fields",
            payload={"name": name, "type": kind, "readonly": False},
            repeatable=False,
        )

    # records

    def read(self, record_id: str) -> Record | None:
        """One record with its parents; None where there is none."""
        try:
            return Record.from_api(self.session.get(f"/api/DataObjects/{record_id}").body)
        except NotFoundError:
            return None

    def many(self, record_ids: Sequence[str]) -> Iterator[Record]:
        """The records that exist among these ids, in any order; without parents."""
        for start in range(0, len(record_ids), MANY):
            wanted = ",".join(record_ids[start : start + MANY])
            # Commas stay as they are: escaped they would make the query half as long again.
            body = self.session.get(f"/api/DataObjects/many?dataObjectsIds={wanted}").body
            for answer in body or ():
                if answer:
                    yield Record.from_api(answer)

    def create(self, body: Mapping[str, Any]) -> Written:
        """Create a record.

        Raises:
            AmbiguousOutcomeError: no answer came; look for the external id before repeating it.
        """
        reply = self.session.request(
            "POST", "/api/DataObjects", payload={"dataObject": dict(body)}, repeatable=False
        )
        return Written(Record.from_api(reply.body), reply.call)

    def patch(self, record_id: str, operations: Sequence[Operation]) -> Written:
        """Patch a record; the answer is a full read of it, without parents.

        Raises:
            AmbiguousOutcomeError: no answer came; read the record before repeating it.
        """
        reply = self.session.request(
            "PATCH",
            f"/api/DataObjects/{record_id}/jsonp",
            params={"validateRequiredFields": "true" if self._validate else "false"},
            payload=list(operations),
            content_type="application/json-patch+json",
            repeatable=False,
        )
        return Written(Record.from_api(reply.body), reply.call)

    def delete(self, record_id: str, *, spare_types: Sequence[str] = ()) -> Call | None:
        """Delete a record; a second time changes nothing. None where it was gone already.

        Args:
            record_id: the record.
            spare_types: types of children that stay, without a parent; others go with it.

        Raises:
            RecordError: SPOTIO refuses.
        """
        try:
            reply = self.session.request(
                "DELETE",
                f"/api/DataObjects/{record_id}",
                payload={
                    "mode": "DeleteAndReassign" if spare_types else "Delete",
                    "reassignTypesIds": list(spare_types),
                    "permanently": False,
                },
                repeatable=True,
            )
        except NotFoundError:
            return None
        return reply.call


def token_claims(token: str) -> dict[str, Any]:
    """The claims of a JSON Web Token, names in lower case and without their namespace."""
    parts = token.split(".")
    if len(parts) < 2:  # noqa: PLR2004 - header and claims
        return {}
    padded = parts[1] + "=" * (-len(parts[1]) % 4)
    try:
        claims = json.loads(base64.urlsafe_b64decode(padded))
    except ValueError:
        return {}
    if not isinstance(claims, dict):
        return {}
    return {str(name).rsplit("/", 1)[-1].lower(): value for name, value in claims.items()}

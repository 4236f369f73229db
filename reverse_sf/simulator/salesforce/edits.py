"""Edits of the local org as a person in the web app, or an administrator in Setup, makes them.

Every edit of records obeys the org's rules and sets the audit fields as Salesforce would. It may
say who did it (``user_id`` or ``username``) and ``late_s``: it bears a stamp that lies so many
seconds in the past, as a row does that was committed late.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reverse_sf.simulator.errors import ControlError
from reverse_sf.simulator.salesforce.activities import ACTIVITIES
from reverse_sf.simulator.salesforce.assertion import public_key
from reverse_sf.simulator.salesforce.behaviour import WriteOptions
from reverse_sf.simulator.salesforce.instants import parse_instant
from reverse_sf.simulator.salesforce.refusal import ApiFault
from reverse_sf.simulator.salesforce.succession import Conversion

if TYPE_CHECKING:
    from collections.abc import Callable

    from reverse_sf.simulator.salesforce.service import Service

    Body = dict[str, Any]

_ADMINISTRATOR = "admin.user@example.com.demo"
_SHAPES = (
    "{object, id, set}, {object, id, set, automated: true}, {object, create}, "
    "{object, id, delete: true}, {object, id, undelete: true}, {object, id, purge: true}, "
    "{object, empty_bin: true}, {object, id, hard_delete: true}, "
    "{object, merge: {winner, losers, set}}, "
    "{object: Task or Event, id, archive: true or false}, "
    '{object: "User", id, freeze: true or false}, {object: "User", id, lock: true or false}, '
    '{object: "Lead", id, convert: true or {account_id, contact_id, opportunity, status, '
    'owner_id}}, {sessions: "expire"}, '
    "{connected_app: {certificate}}, {declare: {objects: {...}}}, "
    "{object, remove_field: name}, {object, alter_field: {name, ...attributes}}, "
    "{object, set_choice: {field, value, active}}, {purge_delete_log: true or an instant}; "
    "an edit of a record may say who did it (user_id or username) and late_s"
)
_COMMON = {"object", "user_id", "username", "late_s"}
_IN_THE_WEB_APP = WriteOptions(auto_assign=False, allow_duplicates=True)
"""A person is asked before an assignment rule runs, and may save past an alert."""
_AUTOMATED = {"LastModifiedDate": None, "LastModifiedById": None}
"""What an automated process leaves as it is; the SystemModstamp moves."""


class Edits:
    """Carries out the bodies of ``POST /_simulator/edit``."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._org = service.org
        self._shapes: dict[frozenset[str], Callable[[Body, str], Body]] = {
            frozenset({"id", "set"}): self._set,
            frozenset({"id", "set", "automated"}): self._set,
            frozenset({"create"}): self._create,
            frozenset({"id", "delete"}): self._delete,
            frozenset({"id", "undelete"}): self._undelete,
            frozenset({"id", "purge"}): self._purge,
            frozenset({"empty_bin"}): self._empty_bin,
            frozenset({"id", "hard_delete"}): self._hard_delete,
            frozenset({"merge"}): self._merge,
            frozenset({"id", "convert"}): self._convert,
            frozenset({"id", "archive"}): self._archive,
            frozenset({"id", "freeze"}): self._freeze,
            frozenset({"id", "lock"}): self._freeze,
            frozenset({"remove_field"}): self._remove_field,
            frozenset({"alter_field"}): self._alter_field,
            frozenset({"set_choice"}): self._set_choice,
        }

    def make(self, body: Body) -> Body:
        """Carry out one edit.

        Raises:
            ControlError: the edit is not understood, or the org refuses it.
        """
        if set(body) == {"sessions"} and body["sessions"] == "expire":
            return {"expired": self._service.sessions.expire()}
        if set(body) == {"connected_app"} and isinstance(body["connected_app"], dict):
            self._service.certificate = public_key(body["connected_app"].get("certificate", ""))
            return {"registered": True}
        if set(body) in ({"declare"}, {"purge_delete_log"}):
            return self._administer(body)
        chosen = self._shapes.get(frozenset(body) - _COMMON)
        if chosen is None or not isinstance(body.get("object"), str):
            raise ControlError(f"this edit is not understood; known are: {_SHAPES}")
        try:
            with self._service.clock.shifted(-float(body.get("late_s", 0))):
                return chosen(body, self._editor(body))
        except ApiFault as fault:
            fields = f" (fields: {', '.join(fault.fields)})" if fault.fields else ""
            raise ControlError(f"{fault.code}: {fault.message}{fields}") from fault

    def _editor(self, body: Body) -> str:
        if body.get("user_id"):
            return str(body["user_id"])
        username = str(body.get("username", _ADMINISTRATOR))
        user = self._service.user(username)
        if user is None:
            raise ControlError(f"the org has no user {username}")
        return str(user["Id"])

    # Records

    def _set(self, body: Body, editor: str) -> Body:
        self._org.update(
            body["object"],
            body["id"],
            body["set"],
            user_id=editor,
            options=_IN_THE_WEB_APP,
            audit=_AUTOMATED if body.get("automated") else None,
        )
        return {"id": body["id"]}

    def _create(self, body: Body, editor: str) -> Body:
        options = WriteOptions(allow_duplicates=True)
        made = self._org.create(body["object"], body["create"], user_id=editor, options=options)
        return {"id": made}

    def _delete(self, body: Body, editor: str) -> Body:
        self._org.delete(body["object"], body["id"], user_id=editor)
        return {"id": body["id"]}

    def _undelete(self, body: Body, editor: str) -> Body:
        self._org.undelete(body["object"], body["id"], user_id=editor)
        return {"id": body["id"]}

    def _purge(self, body: Body, _editor: str) -> Body:
        if not self._org.purge(body["object"], body["id"]):
            raise ControlError(f"{body['id']} is not in the recycle bin")
        return {"id": body["id"]}

    def _empty_bin(self, body: Body, _editor: str) -> Body:
        return {"purged": self._org.purge(body["object"])}

    def _hard_delete(self, body: Body, editor: str) -> Body:
        self._org.hard_delete(body["object"], body["id"], user_id=editor)
        return {"id": body["id"]}

    def _merge(self, body: Body, editor: str) -> Body:
        asked = _object(body, "merge")
        if not {"winner", "losers"} <= set(asked) <= {"winner", "losers", "set"}:
            raise ControlError(
                "merge takes winner (an id), losers (a list of ids) and maybe set (values chosen)"
            )
        self._org.merge(
            body["object"],
            asked["winner"],
            list(asked["losers"]),
            values=asked.get("set"),
            user_id=editor,
            touch_children=self._service.switches["merge_touches_children"],
        )
        return {"id": asked["winner"]}

    def _convert(self, body: Body, editor: str) -> Body:
        if body["object"] != "Lead":
            raise ControlError("only a Lead can be converted")
        asked = {} if body["convert"] is True else _object(body, "convert")
        known = set(Conversion.__dataclass_fields__)
        if not set(asked) <= known:
            raise ControlError(f"convert takes true, or some of {', '.join(sorted(known))}")
        made = self._org.convert_lead(body["id"], Conversion(**asked), user_id=editor)
        return {"id": body["id"], "converted": made}

    def _archive(self, body: Body, editor: str) -> Body:
        """Archive an old task or event, as Salesforce does after a year: no stamp moves."""
        if body["object"] not in ACTIVITIES or not isinstance(body["archive"], bool):
            raise ControlError("archive takes true or false, and the id of a Task or Event")
        kept = {**_AUTOMATED, "SystemModstamp": None, "IsArchived": int(body["archive"])}
        self._org.update(body["object"], body["id"], {}, user_id=editor, audit=kept)
        return {"id": body["id"], "IsArchived": body["archive"]}

    def _freeze(self, body: Body, editor: str) -> Body:
        key, field = ("freeze", "IsFrozen") if "freeze" in body else ("lock", "IsPasswordLocked")
        if body["object"] != "User" or not isinstance(body[key], bool):
            raise ControlError(f"{key} takes true or false, and the id of a User")
        self._org.set_login(body["id"], {field: body[key]}, editor=editor)
        return {"id": body["id"], field: body[key]}

    # Setup

    def _administer(self, body: Body) -> Body:
        """What an administrator does in Setup, or Salesforce by itself."""
        if "declare" in body:
            if not isinstance(body["declare"], dict):
                raise ControlError("declare takes what a declaration file holds: {objects: {...}}")
            try:
                self._org.declare(body["declare"])
            except (KeyError, TypeError, AttributeError) as error:
                raise ControlError(f"this declaration cannot be read: {error!r}") from error
            return {"declared": sorted(body["declare"].get("objects", {}))}
        before = body["purge_delete_log"]
        try:
            self._org.purge_delete_log(None if before is True else parse_instant(str(before)))
        except ValueError as error:
            raise ControlError(f"purge_delete_log takes true or an instant: {error}") from error
        return {"purged": True}

    def _remove_field(self, body: Body, _editor: str) -> Body:
        self._org.remove_field(body["object"], str(body["remove_field"]))
        return {"removed": body["remove_field"]}

    def _alter_field(self, body: Body, _editor: str) -> Body:
        asked = dict(_object(body, "alter_field"))
        name = str(asked.pop("name", ""))
        self._org.alter_field(body["object"], name, **asked)
        return {"altered": name}

    def _set_choice(self, body: Body, _editor: str) -> Body:
        asked = _object(body, "set_choice")
        if set(asked) != {"field", "value", "active"}:
            raise ControlError("set_choice takes field, value and active (true or false)")
        self._org.set_choice(
            body["object"], asked["field"], asked["value"], active=bool(asked["active"])
        )
        return {"field": asked["field"]}


def _object(body: Body, key: str) -> Body:
    given = body[key]
    if not isinstance(given, dict):
        raise ControlError(f"{key} takes an object")
    return given

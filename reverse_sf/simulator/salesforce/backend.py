"""The local org as the control calls see it: rows, edits as in the web app, switches, reset."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reverse_sf.simulator.errors import ControlError
from reverse_sf.simulator.salesforce.assertion import public_key
from reverse_sf.simulator.salesforce.instants import parse_instant
from reverse_sf.simulator.salesforce.refusal import ApiFault

if TYPE_CHECKING:
    from collections.abc import Callable

    from reverse_sf.simulator.salesforce.service import Service

_ADMINISTRATOR = "admin.user@example.com.demo"
_SHAPES = (
    "{object, id, set}, {object, create}, {object, id, delete: true}, "
    "{object, id, undelete: true}, "
    "{object, id, purge: true}, {object, merge: {winner, losers}}, "
    '{object: "Lead", id, convert: true}, {sessions: "expire"}, '
    "{connected_app: {certificate}}, {declare: {objects: {...}}}, "
    "{object, remove_field: name}, {object, alter_field: {name, ...attributes}}, "
    "{object, set_choice: {field, value, active}}, {purge_delete_log: true or an instant}; "
    "an edit of a record may say who did it (user_id or username) and late_s: "
    "it bears a stamp that lies so many seconds in the past, as a row does that was committed late"
)
_COMMON = {"object", "user_id", "username", "late_s"}


class SalesforceBackend:
    """What ``/_simulator/`` reaches of the local org."""

    def __init__(self, service: Service, *, accounts: int = 0) -> None:
        self._service = service
        self._accounts = accounts

    @property
    def switches(self) -> dict[str, Any]:
        """All settings."""
        return self._service.switches.settings()

    def set_switches(self, changes: dict[str, Any]) -> None:
        """Change some settings.

        Raises:
            ControlError: a name or a setting is not known.
        """
        self._service.switches.set(changes)

    def rows(self, object_name: str) -> list[dict[str, Any]]:
        """All rows of an object, deleted ones with IsDeleted true.

        Raises:
            ControlError: the org has no such object.
        """
        try:
            return list(self._service.org.rows(object_name))
        except ApiFault as fault:
            raise ControlError(fault.message) from fault

    def reset(self) -> None:
        """The org as the seed makes it, nobody logged in, all switches at their defaults."""
        self._service.reset()
        self._service.org.reset()
        if self._accounts:
            self._service.org.populate_accounts(self._accounts)

    def edit(self, body: dict[str, Any]) -> dict[str, Any]:
        """Edit as a person in the web app would.

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
        keys = frozenset(body) - _COMMON
        chosen = self._edits().get(keys)
        if chosen is None or not isinstance(body.get("object"), str):
            raise ControlError(f"this edit is not understood; known are: {_SHAPES}")
        try:
            with self._service.clock.shifted(-float(body.get("late_s", 0))):
                return chosen(body, self._editor(body))
        except ApiFault as fault:
            fields = f" (fields: {', '.join(fault.fields)})" if fault.fields else ""
            raise ControlError(f"{fault.code}: {fault.message}{fields}") from fault

    def _edits(self) -> dict[frozenset[str], Callable[[dict[str, Any], str], dict[str, Any]]]:
        return {
            frozenset({"id", "set"}): self._set,
            frozenset({"create"}): self._create,
            frozenset({"id", "delete"}): self._delete,
            frozenset({"id", "undelete"}): self._undelete,
            frozenset({"id", "purge"}): self._purge,
            frozenset({"merge"}): self._merge,
            frozenset({"id", "convert"}): self._convert,
            frozenset({"remove_field"}): self._remove_field,
            frozenset({"alter_field"}): self._alter_field,
            frozenset({"set_choice"}): self._set_choice,
        }

    def _administer(self, body: dict[str, Any]) -> dict[str, Any]:
        """What an administrator does in Setup, or Salesforce by itself."""
        if "declare" in body:
            if not isinstance(body["declare"], dict):
                raise ControlError("declare takes what a declaration file holds: {objects: {...}}")
            try:
                self._service.org.declare(body["declare"])
            except (KeyError, TypeError, AttributeError) as error:
                raise ControlError(f"this declaration cannot be read: {error!r}") from error
            return {"declared": sorted(body["declare"].get("objects", {}))}
        before = body["purge_delete_log"]
        try:
            self._service.org.purge_delete_log(
                None if before is True else parse_instant(str(before))
            )
        except ValueError as error:
            raise ControlError(f"purge_delete_log takes true or an instant: {error}") from error
        return {"purged": True}

    def _remove_field(self, body: dict[str, Any], _editor: str) -> dict[str, Any]:
        self._service.org.remove_field(body["object"], str(body["remove_field"]))
        return {"removed": body["remove_field"]}

    def _alter_field(self, body: dict[str, Any], _editor: str) -> dict[str, Any]:
        asked = dict(_object(body, "alter_field"))
        name = str(asked.pop("name", ""))
        self._service.org.alter_field(body["object"], name, **asked)
        return {"altered": name}

    def _set_choice(self, body: dict[str, Any], _editor: str) -> dict[str, Any]:
        asked = _object(body, "set_choice")
        if set(asked) != {"field", "value", "active"}:
            raise ControlError("set_choice takes field, value and active (true or false)")
        self._service.org.set_choice(
            body["object"], asked["field"], asked["value"], active=bool(asked["active"])
        )
        return {"field": asked["field"]}

    def _editor(self, body: dict[str, Any]) -> str:
        if body.get("user_id"):
            return str(body["user_id"])
        username = str(body.get("username", _ADMINISTRATOR))
        user = self._service.user(username)
        if user is None:
            raise ControlError(f"the org has no user {username}")
        return str(user["Id"])

    def _set(self, body: dict[str, Any], editor: str) -> dict[str, Any]:
        self._service.org.update(body["object"], body["id"], body["set"], user_id=editor)
        return {"id": body["id"]}

    def _create(self, body: dict[str, Any], editor: str) -> dict[str, Any]:
        return {"id": self._service.org.create(body["object"], body["create"], user_id=editor)}

    def _delete(self, body: dict[str, Any], editor: str) -> dict[str, Any]:
        self._service.org.delete(body["object"], body["id"], user_id=editor)
        return {"id": body["id"]}

    def _undelete(self, body: dict[str, Any], editor: str) -> dict[str, Any]:
        self._service.org.undelete(body["object"], body["id"], user_id=editor)
        return {"id": body["id"]}

    def _purge(self, body: dict[str, Any], _editor: str) -> dict[str, Any]:
        self._service.org.purge(body["object"], body["id"])
        return {"id": body["id"]}

    def _merge(self, body: dict[str, Any], editor: str) -> dict[str, Any]:
        asked = body["merge"]
        if not isinstance(asked, dict) or set(asked) != {"winner", "losers"}:
            raise ControlError("merge takes winner (an id) and losers (a list of ids)")
        self._service.org.merge(
            body["object"], asked["winner"], list(asked["losers"]), user_id=editor
        )
        return {"id": asked["winner"]}

    def _convert(self, body: dict[str, Any], editor: str) -> dict[str, Any]:
        made = self._service.org.convert_lead(body["id"], user_id=editor)
        return {"id": body["id"], "converted": made}


def _object(body: dict[str, Any], key: str) -> dict[str, Any]:
    given = body[key]
    if not isinstance(given, dict):
        raise ControlError(f"{key} takes an object")
    return given

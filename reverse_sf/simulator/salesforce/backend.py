"""The local org as the control calls see it: rows, edits, switches, rules, allowances, reset."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reverse_sf.simulator.errors import ControlError
from reverse_sf.simulator.salesforce.edits import Edits
from reverse_sf.simulator.salesforce.refusal import ApiFault

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reverse_sf.simulator.salesforce.service import Service


class SalesforceBackend:
    """What ``/_simulator/`` reaches of the local org.

    Besides the calls that both servers have there are ``rules``: which validation rules, duplicate
    rules, assignment rules and flows there are, and to switch them on or off; ``usage``: the day's
    allowances, and to say how much of them is used; and ``meanings`` of the switches.
    """

    def __init__(self, service: Service, *, accounts: int = 0) -> None:
        self._service = service
        self._edits = Edits(service)
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
        return self._edits.make(body)

    @property
    def further(self) -> Mapping[str, Callable[[dict[str, Any] | None], Any]]:
        """The calls that this server has beyond those of both."""
        switches = self._service.switches
        return {
            "rules": self._rules,
            "usage": self._usage,
            "meanings": lambda _body: switches.explained(),
        }

    def _rules(self, body: dict[str, Any] | None) -> dict[str, Any]:
        rules = self._service.org.rules
        with self._service.org.lock:
            if body is not None:
                for wanted in body["rules"] if set(body) == {"rules"} else [body]:
                    rules.switch(wanted)
            return {"rules": rules.listed()}

    def _usage(self, body: dict[str, Any] | None) -> dict[str, Any]:
        if body is not None:
            self._service.quota.pretend(body)
        return self._service.quota.usage()

"""What the two targets do about users: the product's own writes of them, and who owns records.

Both run the product's code over the small systems: ``target_spotio.users`` and the two ``people``.
"""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from reverse_sf.mapping.definition import Direction, Side
from reverse_sf.spotio.errors import AmbiguousOutcomeError
from reverse_sf.target import people as of_salesforce
from target_spotio import people as of_spotio
from target_spotio.users import UserWrites, keep_users
from tests.convergence.roster import SmallSpotio, refusal
from tests.convergence.shape import OPS, S
from tests.convergence.world import TimeoutFault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from reverse_sf.delivery.results import Result
    from reverse_sf.spotio.client import User
    from reverse_sf.spotio.errors import Call
    from tests.convergence.world import World

_FINGERPRINT = "spotio_fingerprint"
_QUOTED = re.compile(r"'([^']*)'")


class _Writes(UserWrites):
    """The product's writes; each call is noted with the operation that it is made for."""

    def _write(self, task: Any, known: Any) -> None:
        self._spotio.operation = task.envelope.operation_id  # type: ignore[attr-defined]
        super()._write(task, known)

    def _block_once_more(self, task: Any) -> None:
        self._spotio.operation = task.envelope.operation_id  # type: ignore[attr-defined]
        super()._block_once_more(task)


class Tenant:
    """SPOTIO's users as its target sees them; connects when it is made.

    Args:
        world: the systems.
        ledger: of the run.
        call: makes a writing call.
        report: takes results.
    """

    def __init__(
        self,
        world: World,
        ledger: Any,
        call: Callable[[Callable[[], Any]], Any],
        report: Callable[[Result], None],
    ) -> None:
        self._ledger = ledger
        self._call = call
        spotio = SmallSpotio(world.roster, self._answered, lambda: world.now)
        users = spotio.users()
        spotio.check_key(users)
        known = ledger.setting(_FINGERPRINT)
        if known is not None and known != _fingerprint(users):
            ledger.retry_parked(Direction.TO_SPOTIO, now=world.told(world.now))
        if known != _fingerprint(users) and ledger.users(Side.SPOTIO):
            keep_users(ledger, spotio.all_users())
        ledger.set_setting(_FINGERPRINT, _fingerprint(users))
        self._people = of_spotio.People(users)
        self._writes = _Writes(spotio, ledger, report)

    def _answered(self, do: Callable[[], Any], call: Call) -> Any:
        try:
            return self._call(do)
        except TimeoutFault as error:
            if error.args:
                raise refusal("not now", call) from error
            raise AmbiguousOutcomeError("no answer", call=call) from error

    def apply(self, operations: Sequence[Any]) -> None:
        """Write users, and meet all of them anew: records that follow may be theirs."""
        users = self._writes.apply(operations)
        self._people = of_spotio.People(users)
        self._ledger.set_setting(_FINGERPRINT, _fingerprint(users))

    def owner(self, wanted: Mapping[str, Any]) -> str | None:
        """The user whom an owner object means."""
        return self._people.owner(wanted)

    def default(self) -> str | None:
        """The default owner."""
        return self._people.by_email(OPS)


def _fingerprint(users: Iterable[User]) -> str:
    people = sorted(users, key=lambda one: one.id)
    return repr(
        [
            (one.id, one.email, one.role, one.external_id, one.read_only)
            for one in people
            if not one.suspended
        ]
    )


class Org:
    """Salesforce's users as its target sees them."""

    def __init__(self, world: World, ledger: Any) -> None:
        self._world = world
        client: Any = SimpleNamespace(query=self._query)
        self._people = of_salesforce.People(client, ledger)

    def _query(self, select: Any) -> Any:
        named = {one.casefold() for one in _QUOTED.findall(" ".join(select.where))}
        records = [
            one.values
            for one in self._world.roster.of[S].values()
            if one.values["IsActive"]
            and named & {str(one.values[key]).casefold() for key in ("Id", "Email", "Username")}
        ]
        return SimpleNamespace(records=records, next_page=None)

    def owner(self, wanted: Mapping[str, Any]) -> str | None:
        """The user whom an owner object means."""
        self._people.look_up([wanted])
        return self._people.owner(wanted)

    def default(self) -> str | None:
        """The default owner."""
        return self._people.default({"default": OPS})

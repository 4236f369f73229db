"""The sync of users at work: what the mapper knows of both sides becomes decided writes.

What is decided is :mod:`reverse_sf.merge.users`. All users that the ledger knows are decided in
every run that reads the org, because an attribute of the whole (two users of one e-mail, the last
Admin) can change a decision about somebody who has not changed. A user who is to be written, or
who is withheld, has a link under :data:`USERS_PAIR`; the link's base keeps what the sync wrote
last, so that ``suspended`` in it tells a suspension by the sync from one by a person.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from reverse_sf.errors import ConfigurationError
from reverse_sf.ledger.batches import Decisions
from reverse_sf.mapper.people import REMOVED
from reverse_sf.mapper.user_entries import UserEntries, UserEntry
from reverse_sf.mapper.user_facts import IS_FROZEN, facts_of, member_of
from reverse_sf.mapping.definition import Direction, Side
from reverse_sf.mapping.describe import FACTS_KEY, WHOLE_LISTING
from reverse_sf.mapping.user_roles import compile_roles
from reverse_sf.merge.envelope import USERS_PAIR
from reverse_sf.merge.identity import link_id_of
from reverse_sf.merge.tenant_users import Tenant
from reverse_sf.merge.users import Standing, UserAct, UserDecision, decide_users

if TYPE_CHECKING:
    import logging
    from collections.abc import Iterable, Mapping

    from reverse_sf.ledger.rows import Parked, Snapshot
    from reverse_sf.ledger.store import Ledger
    from reverse_sf.mapper.batch import RunFacts, Tally
    from reverse_sf.mapper.messages import Writer
    from reverse_sf.mapper.people import People
    from reverse_sf.mapping.users import UserSync
    from reverse_sf.merge.plan import Selection

_NAMES = ("FirstName", "LastName")
_AT_ONCE = 1000


def criteria_names(sync: UserSync) -> list[str]:
    """The attributes without which nobody can be judged."""
    return sorted({one.name for role in sync.roles for one in role.only_when})


def attribute_names(sync: UserSync) -> list[str]:
    """Every attribute that the section looks at, beyond what is kept of each user anyway."""
    if not sync.stated:
        return []
    return sorted({*criteria_names(sync), *_NAMES, IS_FROZEN})


class UserSyncing:
    """Decides the users of one run toward SPOTIO.

    Args:
        sync: the ``users`` section.
        ledger: of the run.
        people: users of both sides, and who of them this run saw.
        writer: where records for the target go.
        tally: of the run.
        run: the run's facts.
        logger: of the mapper.
        most_suspensions: more than so many at once are withheld, where that is more than
            ``percent`` of the synced users.
        percent: see there.
    """

    def __init__(
        self,
        sync: UserSync,
        ledger: Ledger,
        people: People,
        writer: Writer,
        *,
        tally: Tally,
        run: RunFacts,
        logger: logging.Logger,
        most_suspensions: int,
        percent: float,
    ) -> None:
        self._sync = sync
        self._ledger = ledger
        self._people = people
        self._writer = writer
        self._tally = tally
        self._run = run
        self._logger = logger
        self._most_suspensions = most_suspensions
        self._percent = percent
        self._role_of = compile_roles(sync)
        self._entries = UserEntries(sync.match, tally, run)
        self._criteria = frozenset(criteria_names(sync))
        self._whole = False
        self.due = sync.stated and bool(sync.roles)

    def announce(self, schema: Any) -> None:
        """Take in the SCHEMA of the User stream.

        Raises:
            ConfigurationError: it lacks attributes that the section asks for.
        """
        if not self.due:
            return
        told: dict[str, Any] = schema if isinstance(schema, dict) else {}
        properties = told.get("properties") or {}
        self._whole = bool((told.get(FACTS_KEY) or {}).get(WHOLE_LISTING))
        needed = {*self._criteria, "Username", self._sync.email_field.value, "IsActive"}
        missing = sorted(name for name in needed if not _is_declared(name, properties))
        if missing:
            raise ConfigurationError(
                "the tap does not send every attribute of User that users: asks for; add these"
                " lines to `select:` of the tap in meltano.yml. Profile.Name, UserRole.Name, Group"
                f" and {IS_FROZEN} are there with tap-salesforce's setting user_details: true",
                [f"User.{name}" for name in missing],
            )
        if not _is_declared(IS_FROZEN, properties):
            self._logger.warning(
                "the tap does not send User.%s: frozen users are taken for active ones (set"
                " user_details: true of tap-salesforce, whose login needs Manage Users)",
                IS_FROZEN,
            )

    def decide(self, now: str, *, complete: bool, only: Selection | None = None) -> None:
        """Decide everybody, commit, then emit; once a run, when the users were read.

        Args:
            now: the moment.
            complete: the User stream is known to have come to its end.
            only: of a plan that is carried out.
        """
        if not self.due:
            return
        self.due = False
        everybody = self._people.of(Side.SALESFORCE)
        links = self._ledger.link_ids(USERS_PAIR, list(everybody))
        if complete and self._whole:
            self._note_lost()
        known = self._snapshots(list(links.values()))
        withheld = self._withheld(list(known))
        tenant = self._tenant()
        facts = [
            facts_of(one, known.get(links.get(one.user_id, "")), self._sync, self._role_of)
            for one in everybody.values()
        ]
        made = list(decide_users(facts, self._sync, tenant))
        stopped = self._too_many(made, len(known))
        decisions = Decisions(run_id=self._run.run_id)
        records: list[msgspec.Raw] = []
        for one, decision in zip(facts, made, strict=True):
            if only is not None and decision.user not in only.record_ids:
                continue
            is_judged = everybody[one.id].attributes.keys() >= self._criteria
            if one.standing is Standing.ACTIVE and not is_judged:
                # Whoever has left is out whatever a role asks for, and may never be read again.
                self._tally.add(USERS_PAIR, "skipped", "not read with all that users: asks for")
                continue
            link_id = links.get(one.id) or link_id_of(USERS_PAIR, one.id)
            if stopped and decision.act is UserAct.SUSPEND:
                decision = _stopped(decision, stopped)  # noqa: PLW2901
            entry = UserEntry(
                one, decision, link_id, known.get(link_id), withheld.get(link_id), now
            )
            record = self._entries.enter(entry, tenant, decisions)
            if record is not None:
                records.append(record)
        self._commit(decisions, records)

    def _commit(self, decisions: Decisions, records: list[msgspec.Raw]) -> None:
        decisions.users, self._people.changed = self._people.changed, []
        decisions.counts = self._tally.take(self._run.run_id)
        self._ledger.commit_decisions(decisions)
        if records:
            self._writer.users(records)
            self._writer.flush()

    def _note_lost(self) -> None:
        """Take note of users whom the org shows no more: who was never synced is not created."""
        if not self._people.seen:
            return
        everybody = self._people.of(Side.SALESFORCE)
        for user_id in sorted(everybody.keys() - self._people.seen):
            if not everybody[user_id].attributes.get(REMOVED):
                self._people.lost(user_id)

    def _tenant(self) -> Tenant:
        members = [member_of(one) for one in self._people.of(Side.SPOTIO).values()]
        # Whose the API key is only the target can tell; it guards that user.
        return Tenant(members, key_owner="")

    def _snapshots(self, link_ids: list[str]) -> dict[str, Snapshot]:
        found: dict[str, Snapshot] = {}
        for at in range(0, len(link_ids), _AT_ONCE):
            some = link_ids[at : at + _AT_ONCE]
            found.update(self._ledger.snapshots(some, direction=Direction.TO_SPOTIO))
        return found

    def _withheld(self, link_ids: list[str]) -> dict[str, Parked]:
        """What is withheld of whole users toward SPOTIO, by link."""
        found: dict[str, Parked] = {}
        for at in range(0, len(link_ids), _AT_ONCE):
            for link_id, rows in self._ledger.parked(link_ids[at : at + _AT_ONCE]).items():
                for one in rows:
                    if one.direction is Direction.TO_SPOTIO and not one.key:
                        found[link_id] = one
        return found

    def _too_many(self, made: Iterable[UserDecision], linked: int) -> str:
        number = sum(one.act is UserAct.SUSPEND for one in made)
        most = max(self._most_suspensions, int(linked * self._percent / 100))
        if number <= most:
            return ""
        words = (
            f"{number} users would be suspended in SPOTIO at once, and at most {most} may be"
            " (delete_limit of the mapper): nobody was. Look at users: in the sync definition, or"
            " raise the limit"
        )
        self._logger.error("%s", words)
        return words


def _is_declared(name: str, properties: Mapping[str, Any]) -> bool:
    return name in properties or ("." in name and name.partition(".")[0] in properties)


def _stopped(decision: UserDecision, words: str) -> UserDecision:
    return msgspec.structs.replace(decision, act=UserAct.PARK, message=words)

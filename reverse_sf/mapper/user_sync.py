"""The sync of users at work: what the mapper knows of both sides becomes decided writes.

What is decided is :mod:`reverse_sf.merge.users`. All users that the ledger knows are decided in
every run that reads the org, because an attribute of the whole (two users of one e-mail, the last
Admin) can change a decision about somebody who has not changed. A user who is to be written, or
who is withheld, has a link under :data:`USERS_PAIR`; the link's base keeps what the sync wrote
last, so that ``suspended`` in it tells a suspension by the sync from one by a person.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import msgspec

from reverse_sf.errors import ConfigurationError
from reverse_sf.ledger.encoding import sortable
from reverse_sf.ledger.rows import Decisions, Image, Intent, Link, LinkState, Parked, Snapshot
from reverse_sf.mapper.messages import as_object, joined, text_of, with_envelope
from reverse_sf.mapper.people import REMOVED
from reverse_sf.mapping.definition import Direction, Side
from reverse_sf.mapping.metadata import FACTS_KEY, WHOLE_LISTING
from reverse_sf.mapping.user_roles import compile_roles
from reverse_sf.mapping.users import EmailField
from reverse_sf.merge.envelope import USERS_PAIR, Action
from reverse_sf.merge.identity import link_id_of
from reverse_sf.merge.tenant_users import Member, Tenant
from reverse_sf.merge.users import Standing, UserAct, UserDecision, UserFacts, UserRow, decide_users

if TYPE_CHECKING:
    import logging
    from collections.abc import Iterable, Mapping

    from reverse_sf.ledger.rows import UserRow as KnownUser
    from reverse_sf.ledger.store import Ledger
    from reverse_sf.mapper.batch import RunFacts, Tally
    from reverse_sf.mapper.messages import Writer
    from reverse_sf.mapper.people import People
    from reverse_sf.mapping.users import UserSync
    from reverse_sf.merge.plan import Selection

IS_FROZEN = "IsFrozen"
SUSPENDED = "suspended"
TOO_MANY = "user_suspensions_stopped"
_NAMES = ("FirstName", "LastName")
_AT_ONCE = 1000
_ACTIONS = {
    UserAct.CREATE: Action.CREATE,
    UserAct.LINK: Action.LINK,
    UserAct.UPDATE: Action.UPDATE,
    UserAct.SUSPEND: Action.SUSPEND,
    UserAct.RESTORE: Action.RESTORE,
}
_COUNTERS = {
    UserAct.CREATE: "decided_create",
    UserAct.LINK: "decided_link",
    UserAct.UPDATE: "decided_update",
    UserAct.SUSPEND: "decided_update",
    UserAct.RESTORE: "decided_update",
}


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
            self._note_lost(links)
        known = self._snapshots(list(links.values()))
        withheld = self._withheld(list(known))
        tenant = self._tenant()
        facts = [
            self._facts(one, known.get(links.get(one.user_id, ""))) for one in everybody.values()
        ]
        made = list(decide_users(facts, self._sync, tenant))
        stopped = self._too_many(made, len(known))
        decisions = Decisions(run_id=self._run.run_id)
        records: list[msgspec.Raw] = []
        for one, decision in zip(facts, made, strict=True):
            if only is not None and decision.user not in only.record_ids:
                continue
            if not everybody[one.id].attributes.keys() >= self._criteria:
                self._tally.add(USERS_PAIR, "skipped", "not read with all that users: asks for")
                continue
            link_id = links.get(one.id) or link_id_of(USERS_PAIR, one.id)
            if stopped and decision.act is UserAct.SUSPEND:
                decision = _stopped(decision, stopped)  # noqa: PLW2901
            entry = _Entry(one, decision, link_id, known.get(link_id), withheld.get(link_id), now)
            record = self._enter(entry, tenant, decisions)
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

    def _note_lost(self, links: Mapping[str, str]) -> None:
        """Take note of synced users whom the org shows no more."""
        if not self._people.seen:
            return
        for user_id in links.keys() - self._people.seen:
            if not self._people.of(Side.SALESFORCE)[user_id].attributes.get(REMOVED):
                self._people.lost(user_id)

    def _tenant(self) -> Tenant:
        members = [_member(one) for one in self._people.of(Side.SPOTIO).values()]
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

    def _facts(self, user: KnownUser, snapshot: Snapshot | None) -> UserFacts:
        values = {**user.attributes, "Username": user.username, "Email": user.email}
        email = user.email if self._sync.email_field is EmailField.EMAIL else user.username
        linked = snapshot.link if snapshot is not None else None
        is_linked = linked is not None and linked.state is LinkState.LINKED
        return UserFacts(
            id=user.user_id,
            role=self._role_of({**values, "IsActive": user.active}),
            email=email or "",
            standing=_standing(user),
            linked=linked.spotio_id if linked is not None and is_linked else None,
            suspended_by_sync=snapshot is not None and _suspended_by_sync(snapshot),
            first_name=str(values.get("FirstName") or ""),
            last_name=str(values.get("LastName") or user.name or ""),
        )

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

    def _enter(self, entry: _Entry, tenant: Tenant, into: Decisions) -> msgspec.Raw | None:
        """Add a decision to the batch; the record to emit, if there is something to write."""
        decision, snapshot = entry.decision, entry.snapshot
        self._rebase(entry, tenant, into)
        if decision.act is UserAct.NOTHING:
            counter, reason = _COUNTED_NOTHING.get(decision.row, ("unchanged", ""))
            self._tally.add(USERS_PAIR, counter, reason)
            if entry.withheld is not None:
                into.unparked.append((entry.link_id, ""))
            if snapshot is not None and snapshot.open_operation is not None:
                into.superseded.append(snapshot.open_operation)
                if decision.row is UserRow.OUT_ALREADY:
                    # An earlier run asked for it and never learnt that SPOTIO did it.
                    into.rebased[entry.link_id] = {SUSPENDED: [True, True]}
            if snapshot is not None and snapshot.link.flagged is Direction.TO_SPOTIO:
                into.unflagged.append(entry.link_id)
            return None
        member = tenant.member(decision.member) if decision.member else None
        digest = self._digest(entry, member)
        if self._is_told(entry, digest):
            self._tally.add(USERS_PAIR, "parked", entry.withheld.reason if entry.withheld else "")
            return None
        self._remember(entry, digest, into)
        if decision.act is UserAct.PARK:
            into.parked.append(_parked(entry, self._run))
            self._tally.add(USERS_PAIR, "parked", decision.row.value)
            return None
        self._tally.add(USERS_PAIR, _COUNTERS[decision.act])
        return self._intent(entry, digest, into)

    def _rebase(self, entry: _Entry, tenant: Tenant, into: Decisions) -> None:
        """Forget a suspension by the sync that a person has taken back."""
        snapshot = entry.snapshot
        if snapshot is None or not _suspended_by_sync(snapshot):
            return
        member = tenant.member(snapshot.link.spotio_id or "")
        if member is not None and not member.suspended:
            into.rebased[entry.link_id] = {SUSPENDED: [False, False]}

    def _digest(self, entry: _Entry, member: Member | None) -> str:
        """Digest of a decision and all that it was made of."""
        parts = (
            entry.link_id.encode(),
            entry.decision.act.value.encode(),
            entry.decision.row.value.encode(),
            text_of(dict(entry.decision.writes)),
            text_of(msgspec.to_builtins(entry.facts)),
            text_of(msgspec.to_builtins(member)),
        )
        return hashlib.blake2b(joined(parts), digest_size=16).hexdigest()

    def _is_told(self, entry: _Entry, digest: str) -> bool:
        """Whether this very decision stands withheld already, and nothing has made it due."""
        withheld, snapshot = entry.withheld, entry.snapshot
        if withheld is None or snapshot is None or snapshot.salesforce_digest != digest:
            return False
        if withheld.definition_fingerprint != self._run.definition_fingerprint:
            return False
        due = withheld.next_attempt_at
        return due is None or sortable(due) > sortable(entry.now)

    def _remember(self, entry: _Entry, digest: str, into: Decisions) -> None:
        if entry.snapshot is not None:
            if entry.snapshot.link.flagged is Direction.TO_SPOTIO:
                into.unflagged.append(entry.link_id)
        else:
            into.links.append(
                Link(
                    link_id=entry.link_id,
                    pair=USERS_PAIR,
                    origin=Side.SALESFORCE,
                    state=LinkState.PENDING,
                    salesforce_id=entry.facts.id,
                )
            )
        into.images.append(
            Image(
                link_id=entry.link_id,
                side=Side.SALESFORCE,
                values=msgspec.to_builtins(entry.facts),
                digest=digest,
                observed_at=entry.now,
            )
        )

    def _intent(self, entry: _Entry, digest: str, into: Decisions) -> msgspec.Raw:
        decision, snapshot = entry.decision, entry.snapshot
        record: dict[str, Any] = dict(decision.writes)
        if decision.act in {UserAct.SUSPEND, UserAct.RESTORE}:
            record[SUSPENDED] = decision.act is UserAct.SUSPEND
        action = _ACTIONS[decision.act]
        envelope: dict[str, Any] = {
            "operation_id": digest,
            "action": action.value,
            "link_id": entry.link_id,
            "run_id": self._run.run_id,
            "pair": USERS_PAIR,
            "salesforce_id": entry.facts.id,
            "user": msgspec.to_builtins(entry.facts),
            "match": self._sync.match.value,
        }
        if decision.member is not None:
            envelope["spotio_id"] = decision.member
        if snapshot is not None and snapshot.open_operation is not None:
            envelope["reissued"] = True
            if snapshot.open_operation != digest:
                into.superseded.append(snapshot.open_operation)
        record_text, envelope_text = text_of(record), text_of(envelope)
        told = {name: {"row": decision.row.value, "new": value} for name, value in record.items()}
        into.intents.append(
            Intent(
                operation_id=digest,
                link_id=entry.link_id,
                pair=USERS_PAIR,
                direction=Direction.TO_SPOTIO,
                action=action.value,
                run_id=self._run.run_id,
                record=as_object(record_text),
                envelope=as_object(envelope_text),
                source=as_object(record_text),
                decision=as_object(text_of(told or {"": {"row": decision.row.value}})),
                issued_at=entry.now,
            )
        )
        return with_envelope(record_text, envelope_text)


class _Entry(msgspec.Struct, frozen=True):
    """One user's decision on its way into the ledger."""

    facts: UserFacts
    decision: UserDecision
    link_id: str
    snapshot: Snapshot | None
    withheld: Parked | None
    now: str


_COUNTED_NOTHING = {
    UserRow.NEVER_SYNCED: ("skipped", "not selected"),
    UserRow.NOT_CREATED: ("skipped", "not in SPOTIO, and create: false"),
    UserRow.KEPT: ("skipped", "no longer selected, and suspend_when_removed: false"),
    UserRow.SUSPENDED_BY_HAND: ("skipped", "suspended by a person"),
    UserRow.KEY_OWNER: ("skipped", "owns the API key"),
}


def _is_declared(name: str, properties: Mapping[str, Any]) -> bool:
    return name in properties or ("." in name and name.partition(".")[0] in properties)


def _standing(user: KnownUser) -> Standing:
    if user.attributes.get(REMOVED):
        return Standing.REMOVED
    if not user.active:
        return Standing.DEACTIVATED
    return Standing.FROZEN if user.attributes.get(IS_FROZEN) is True else Standing.ACTIVE


def _suspended_by_sync(snapshot: Snapshot) -> bool:
    return bool(snapshot.base.get(SUSPENDED, [False])[0])


def _member(row: KnownUser) -> Member:
    return Member(
        id=row.user_id,
        email=row.email or "",
        role=str(row.attributes.get("role") or ""),
        external_id=row.external_id,
        read_only=bool(row.attributes.get("read_only")),
        suspended=not row.active,
    )


def _stopped(decision: UserDecision, words: str) -> UserDecision:
    return msgspec.structs.replace(decision, act=UserAct.PARK, message=words)


def _parked(entry: _Entry, run: RunFacts) -> Parked:
    decision = entry.decision
    return Parked(
        link_id=entry.link_id,
        direction=Direction.TO_SPOTIO,
        pair=USERS_PAIR,
        reason=decision.row.value,
        message=decision.message,
        at=entry.now,
        run_id=run.run_id,
        definition_fingerprint=run.definition_fingerprint,
    )

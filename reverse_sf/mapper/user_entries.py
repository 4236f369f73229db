"""What the decision about a user leaves in the ledger and sends to the target."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import msgspec

from reverse_sf.ledger.encoding import sortable
from reverse_sf.ledger.rows import Image, Intent, Link, LinkState, Parked, Snapshot
from reverse_sf.mapper.messages import as_object, joined, text_of, with_envelope
from reverse_sf.mapper.user_facts import SUSPENDED, suspended_by_sync
from reverse_sf.mapping.definition import Direction, Side
from reverse_sf.merge.envelope import USERS_PAIR, Action
from reverse_sf.merge.users import UserAct, UserDecision, UserFacts, UserRow

if TYPE_CHECKING:
    from reverse_sf.ledger.batches import Decisions
    from reverse_sf.mapper.batch import RunFacts, Tally
    from reverse_sf.mapping.users import UserMatch
    from reverse_sf.merge.tenant_users import Member, Tenant

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
_COUNTED_NOTHING = {
    UserRow.NEVER_SYNCED: ("skipped", "not selected"),
    UserRow.NOT_CREATED: ("skipped", "not in SPOTIO, and create: false"),
    UserRow.KEPT: ("skipped", "no longer selected, and suspend_when_removed: false"),
    UserRow.SUSPENDED_BY_HAND: ("skipped", "suspended by a person"),
    UserRow.KEY_OWNER: ("skipped", "owns the API key"),
}


class UserEntry(msgspec.Struct, frozen=True):
    """One user's decision on its way into the ledger."""

    facts: UserFacts
    decision: UserDecision
    link_id: str
    snapshot: Snapshot | None
    withheld: Parked | None
    now: str


class UserEntries:
    """Writes down the decisions about the users of one run.

    Args:
        match: how a user finds the member of SPOTIO.
        tally: where what is written down is counted.
        run: the run's facts.
    """

    def __init__(self, match: UserMatch, tally: Tally, run: RunFacts) -> None:
        self._match = match
        self._tally = tally
        self._run = run

    def enter(self, entry: UserEntry, tenant: Tenant, into: Decisions) -> msgspec.Raw | None:
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

    def _rebase(self, entry: UserEntry, tenant: Tenant, into: Decisions) -> None:
        """Forget a suspension by the sync that a person has taken back."""
        snapshot = entry.snapshot
        if snapshot is None or not suspended_by_sync(snapshot):
            return
        member = tenant.member(snapshot.link.spotio_id or "")
        if member is not None and not member.suspended:
            into.rebased[entry.link_id] = {SUSPENDED: [False, False]}

    def _digest(self, entry: UserEntry, member: Member | None) -> str:
        """Digest of a decision and all that it was made of: sent again, it keeps its name."""
        facts = msgspec.structs.replace(entry.facts, unanswered="")
        parts = (
            entry.link_id.encode(),
            entry.decision.act.value.encode(),
            entry.decision.row.value.encode(),
            text_of(dict(entry.decision.writes)),
            text_of(msgspec.to_builtins(facts)),
            text_of(msgspec.to_builtins(member)),
        )
        return hashlib.blake2b(joined(parts), digest_size=16).hexdigest()

    def _is_told(self, entry: UserEntry, digest: str) -> bool:
        """Whether this very decision stands withheld already, and nothing has made it due."""
        withheld, snapshot = entry.withheld, entry.snapshot
        if withheld is None or snapshot is None or snapshot.salesforce_digest != digest:
            return False
        if withheld.definition_fingerprint != self._run.definition_fingerprint:
            return False
        due = withheld.next_attempt_at
        return due is None or sortable(due) > sortable(entry.now)

    def _remember(self, entry: UserEntry, digest: str, into: Decisions) -> None:
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

    def _intent(self, entry: UserEntry, digest: str, into: Decisions) -> msgspec.Raw:
        decision, snapshot = entry.decision, entry.snapshot
        record: dict[str, Any] = dict(decision.writes)
        if decision.act in {UserAct.SUSPEND, UserAct.RESTORE}:
            record[SUSPENDED] = decision.act is UserAct.SUSPEND
        if decision.act is UserAct.RESTORE:
            # A suspension that had no answer is the sync's own also where this is refused.
            into.rebased[entry.link_id] = {SUSPENDED: [True, True]}
        action = _ACTIONS[decision.act]
        envelope: dict[str, Any] = {
            "operation_id": digest,
            "action": action.value,
            "link_id": entry.link_id,
            "run_id": self._run.run_id,
            "pair": USERS_PAIR,
            "salesforce_id": entry.facts.id,
            "user": msgspec.to_builtins(entry.facts),
            "match": self._match.value,
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


def _parked(entry: UserEntry, run: RunFacts) -> Parked:
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

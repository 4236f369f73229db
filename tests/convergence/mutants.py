"""Bugs planted into the product's own code: each must be found by some invariant.

A mutant is a context manager that changes one thing in ``reverse_sf`` and takes it back.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import msgspec
from sqlalchemy import select

from reverse_sf.cli import restore
from reverse_sf.delivery import outbox, verdict
from reverse_sf.ledger import outcomes, settlement
from reverse_sf.ledger.encoding import from_text, to_text
from reverse_sf.ledger.rows import RESTORED, LinkState, OperationStatus
from reverse_sf.ledger.tables import images
from reverse_sf.mapper import (
    comparison,
    course,
    fields,
    matching,
    newcomers,
    planner,
    restoring,
    run,
    streams,
    subject,
    toward_activities,
    toward_salesforce,
    toward_spotio,
    user_facts,
)
from reverse_sf.mapper.conversion import Conversion
from reverse_sf.mapper.entries import Entries
from reverse_sf.mapper.people import People
from reverse_sf.mapper.user_sync import UserSyncing
from reverse_sf.mapper.winners import Winners
from reverse_sf.mapping import choices, conversion, known_pair
from reverse_sf.mapping.criteria import Criteria
from reverse_sf.mapping.definition import Direction, Side, SyncDefinition
from reverse_sf.merge import decide as deciding
from reverse_sf.merge import evidence, tables, tenant_users, users
from reverse_sf.merge.envelope import USERS_PAIR
from reverse_sf.merge.lifecycle import Act, Event, RecordDecision
from target_spotio import users as user_writes
from tests.convergence.memory import MemoryLedger
from tests.convergence.reference import canon
from tests.convergence.shape import EXTERNAL_ID, P, S, held

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass(frozen=True)
class Mutant:
    """One planted bug.

    Attributes:
        name: what is wrong.
        plant: plants it for a while.
        kind: the ledger that it can be seen with.
    """

    name: str
    plant: Callable[[], Any]
    kind: str = "memory"


def _around(owner: Any, name: str, change: Callable[..., Any]) -> Any:
    """Replace a function by one that is given the original first."""
    original = getattr(owner, name)

    def changed(*arguments: Any, **named: Any) -> Any:
        return change(original, *arguments, **named)

    return patch.object(owner, name, changed)


# --- the list of the specification ----------------------------------------------------------------


def _unkeyed_create() -> Any:
    def created(original: Any, *arguments: Any) -> Any:
        draft = original(*arguments)
        draft.record.pop(EXTERNAL_ID, None)
        return draft

    return _around(toward_salesforce.TowardSalesforce, "created", created)


def _no_guard() -> Any:
    def judge(_: Any, wanted: Any, current: Any, _expected: Any, same: Any) -> Any:
        found = verdict.Verdict()
        for key, value in wanted.items():
            agreed = key in current and same(key, value, current[key])
            (found.agreed if agreed else found.write).append(key)
        return found

    return _around(verdict, "judge", judge)


def _sent(result: Any, key: str) -> Any:
    """What an operation sent under a record key; an address and references stay as read back."""
    operation = result.operation
    place = operation.envelope.keys.get(key, key)
    value = operation.record.get(place) if isinstance(place, str) else None
    return None if isinstance(value, dict) else value


def _base_of_the_sent() -> Any:
    def rows_of(original: Any, results: Any, *rest: Any) -> Any:
        rows = original(results, *rest)
        for result, outcome in zip(results, rows.outcomes, strict=True):
            base = dict(outcome.base if outcome.base is not None else outcome.image or {})
            for key in outcome.written:
                value = _sent(result, key)
                if value is not None and key in base:
                    base[key] = value
            if outcome.image is not None:
                outcome.base = base
        return rows

    return _around(outbox, "rows_of", rows_of)


def _base_of_the_latest() -> Any:
    def apply(original: Any, self: Any, connection: Any, direction: Any, accepted: Any) -> Any:
        side = Side.SALESFORCE if direction is Direction.TO_SPOTIO else Side.SPOTIO
        changed = []
        for outcome, row in accepted:
            text = connection.scalar(
                select(images.c.content).where(
                    images.c.link == row.link, images.c.side == side.value
                )
            )
            image, source = from_text(text) or {}, from_text(row.source)
            sobject = row.pair.split(":")[0]
            # Users go one way: nothing of theirs is touched on the other side.
            for key in source if row.pair != USERS_PAIR else ():
                if side is Side.SPOTIO:
                    source[key] = image.get(key, source[key])
                elif key != "address":
                    value = canon(S, key, held(S, sobject, key, image))
                    source[key] = ";".join(value) if isinstance(value, tuple) else value
            told = SimpleNamespace(**{**row._mapping, "source": to_text(source)})
            changed.append((outcome, told))
        return original(self, connection, direction, changed)

    return _around(outcomes.OutcomeCommits, "_apply", apply)


def _agreement(agrees: Callable[[Any, Any, Any, Any], bool]) -> Any:
    def change(_: Any, p_end: Any, s_end: Any, to_p: Any, to_s: Any, **__: Any) -> Any:
        def wrong(p: Any, s: Any) -> bool:
            p, s = p_end.canon(p), s_end.canon(s)
            if p is None or s is None:
                return p is s
            return agrees(p, s, to_p, to_s)

        return wrong

    return _around(conversion, "_agreement", change)


def _both_ways() -> Any:
    return _agreement(lambda p, s, to_p, to_s: bool(to_p(s) == p and to_s(p) == s))


def _by_equality() -> Any:
    return _agreement(lambda p, s, _to_p, _to_s: bool(p == s))


def _no_base() -> Any:
    def decided(original: Any, self: Any, prior: Any, values: Any) -> Any:
        bare = msgspec.structs.replace(prior.snapshot, base_text=None)
        return original(self, msgspec.structs.replace(prior, snapshot=bare), values)

    return _around(fields.FieldDecisions, "decided", decided)


def _no_settled_state() -> Any:
    def rows_of(original: Any, results: Any, *rest: Any) -> Any:
        rows = original(results, *rest)
        for result, outcome in zip(results, rows.outcomes, strict=True):
            told = outcome.base if outcome.base is not None else outcome.image or {}
            outcome.written = [
                key
                for key in outcome.written
                if _sent(result, key) is None
                or canon(P, key, _sent(result, key)) == canon(P, key, told.get(key))
            ]
        return rows

    return _around(outbox, "rows_of", rows_of)


# --- more of our own ------------------------------------------------------------------------------


def _tie_reversed() -> Any:
    return _around(deciding, "newer", lambda original, told: original(told) or Side.SPOTIO)


def _old_image_filter() -> Any:
    def whole(original: Any, self: Any, snapshot: Any, told: Any, winner: Any) -> Any:
        old = None
        if told.is_new and subject.event_of(told.values) is Event.PRESENT:
            old = self._course.source_image(_BEFORE.get(snapshot.link.link_id, snapshot))
        if old and subject.event_of(old) is Event.PRESENT:
            told = msgspec.structs.replace(told, values={**told.values, **old})
        return original(self, snapshot, told, winner)

    def again(original: Any, self: Any, prior: Any, *rest: Any, **named: Any) -> Any:
        link_id = prior.snapshot.link.link_id
        if prior.reread is not None:
            _BEFORE[link_id] = prior.reread(link_id)
        try:
            return original(self, prior, *rest, **named)
        finally:
            _BEFORE.pop(link_id, None)

    return _all(
        _around(planner.Planner, "_as_a_whole", whole), _around(planner.Planner, "again", again)
    )


_BEFORE: dict[str, Any] = {}


@contextmanager
def _all(*plants: Any) -> Iterator[None]:
    with ExitStack() as stack:
        for plant in plants:
            stack.enter_context(plant)
        yield


def _nothing(owner: Any, name: str) -> Any:
    return patch.object(owner, name, lambda *_, **__: None)


def _early_state() -> Any:
    def other(original: Any, self: Any, line: Any, text: bytes) -> None:
        if line.type == "STATE":
            self._writer.state(text)
            self._decide_all()
        else:
            original(self, line, text)

    return _around(run.MappingRun, "_other", other)


def _forgotten_attempts() -> Any:
    return patch.object(Entries, "_own_operation", lambda *_: None)


def _field_blocks() -> Any:
    def withhold(_: Any, self: Any, _key: str, undefined: Any) -> None:
        self.parked.append(("", undefined.reason.value, undefined.message))

    return _around(fields.Draft, "withhold", withhold)


def _unlinks_out_of_scope() -> Any:
    def record_decision(original: Any, facts: Any) -> Any:
        found = original(facts)
        if found.act is Act.FROZEN and "scope" in found.row:
            return RecordDecision(Act.UNLINK, found.row)
        return found

    return _around(planner, "record_decision", record_decision)


def _tombstone_recreated() -> Any:
    def again(original: Any, self: Any, prior: Any, told: Any, *rest: Any, **named: Any) -> Any:
        link = prior.snapshot.link
        if link.state is LinkState.TOMBSTONE and self._course.destination_deleted(prior.snapshot):
            bare = msgspec.structs.replace(
                link, salesforce_id=None, spotio_id=None, state=LinkState.PENDING
            )
            snapshot = msgspec.structs.replace(
                prior.snapshot, link=bare, salesforce_deleted=False, spotio_deleted=False
            )
            prior = msgspec.structs.replace(prior, snapshot=snapshot)
        return original(self, prior, told, *rest, **named)

    return _around(planner.Planner, "again", again)


def _last_listed() -> Any:
    def toward(_: Any, mapping: Any) -> dict[str, Any]:
        listed = (mapping.choices or {}).items()
        return {value: choice for choice, value in listed if value is not None}

    return _around(choices, "_toward_spotio", toward)


def _clocks_trusted() -> Any:
    def after(_: Any, later: Any, earlier: Any, _eps: float) -> bool:
        return later.lo is not None and earlier.hi is not None and later.lo > earlier.hi - 60

    return _around(evidence, "_certainly_after", after)


def _blank_is_absent() -> Any:
    def decide(
        original: Any, rule: Any, spotio: Any, salesforce: Any, *rest: Any, **more: Any
    ) -> Any:
        if (spotio is None) is not (salesforce is None):
            return deciding.Decision(deciding.Kind.NOTHING, deciding.Row.ABSENT)
        return original(rule, spotio, salesforce, *rest, **more)

    return _around(fields, "decide", decide)


def _nothing_expected() -> Any:
    def issue(
        original: Any, self: Any, action: Any, told: Any, draft: Any, *rest: Any, **m: Any
    ) -> Any:
        draft.expected = {}
        return original(self, action, told, draft, *rest, **m)

    return _around(Entries, "issue", issue)


def _older_counts() -> Any:
    return patch.object(comparison, "_is_older", lambda *_: False)


def _deletes_over_changes() -> Any:
    return _all(
        patch.object(fields.FieldDecisions, "other_changed", lambda *_: False),
        patch.object(fields.FieldDecisions, "guarded", lambda *_: {}),
    )


def _stale_is_done() -> Any:
    def rows_of(original: Any, results: Any, *rest: Any) -> Any:
        rows = original(results, *rest)
        rows.flagged = []
        for outcome in rows.outcomes:
            if outcome.status is OperationStatus.STALE:
                outcome.image = None
        return rows

    return _around(outbox, "rows_of", rows_of)


def _fills_cleared() -> Any:
    row = tables.Row.ONLY_SALESFORCE_CLEARED
    cells = (tables.Cell.S, tables.Cell.P, tables.Cell.P)
    return patch.dict(tables.TABLE, {row: cells})


def _omit_ignored() -> Any:
    def sent(_: Any, field: Any, _created: Any) -> bool:
        return field.rule.value != "do_not_sync"

    return _all(
        _around(toward_salesforce, "is_sent_on_create", sent),
        _around(toward_spotio, "is_sent_on_create", sent),
    )


def _whole_record() -> Any:
    def decided(original: Any, self: Any, prior: Any, values: Any) -> Any:
        draft = original(self, prior, values)
        if draft.record and self._from_salesforce:
            other = prior.snapshot.spotio_image or {}
            for key, _, part in self._keyed:
                if key not in draft.record and key in other and key in ("Company", "Notes"):
                    draft.record[key] = part.exchange.to_spotio(part.read(values))
                    draft.source[key] = part.read(values)
        return draft

    return _around(fields.FieldDecisions, "decided", decided)


def _refused_again() -> Any:
    return patch.object(fields.FieldDecisions, "news", lambda _self, keys, *_: keys)


def _scope_ignored() -> Any:
    return patch.object(Criteria, "__call__", lambda *_: True)


def _always(*_: Any) -> bool:
    return True


def _unsettled_revert() -> Any:
    def brought_back(original: Any, self: Any, one: Any, *rest: Any) -> None:
        original(self, msgspec.structs.replace(one, settles=False), *rest)

    return _around(fields.FieldDecisions, "_restore", brought_back)


def _unkept_restore() -> Any:
    def overruled(original: Any, self: Any, link: Any, draft: Any, *rest: Any) -> None:
        draft.overruled = [one for one in draft.overruled if one[1] != RESTORED]
        original(self, link, draft, *rest)

    return _around(Entries, "overruled", overruled)


def _union_settles_at_once() -> Any:
    return _around(settlement, "settled", lambda _original, value, *_: value)


# --- users ----------------------------------------------------------------------------------------


def _suspends_strangers() -> Any:
    def unwanted(original: Any, one: Any, sync: Any, tenant: Any) -> Any:
        found = tenant.with_email(one.email)
        if one.linked is None and found and not found[0].suspended:
            out, row = users.UserAct.SUSPEND, users.UserRow.DESELECTED
            return users.UserDecision(one.id, out, row, found[0].id)
        return original(one, sync, tenant)

    return _around(users, "_unwanted", unwanted)


def _names_with_each_change() -> Any:
    def differences(original: Any, one: Any, member: Any) -> Any:
        found = original(one, member)
        return {**found, "lastName": one.last_name} if found else found

    return _around(users, "_differences", differences)


def _nobody_by_id() -> Any:
    return patch.object(tenant_users.Tenant, "with_external_id", lambda *_: [])


def _by_sync(owner: Any) -> Any:
    return patch.object(owner, "suspended_by_sync", _always)


def _any_owner() -> Any:
    return patch.object(tenant_users.Tenant, "may_own_key", lambda *_: False)


def _owners_are_not_awaited() -> Any:
    return _nothing(fields, "_await_owner")


def _lost_suspension_is_a_persons() -> Any:
    return patch.object(users.UserFacts, "may_be_out", property(lambda _: False))


def _part_of_a_user() -> Any:
    return patch.object(user_writes.UserWrites, "_whole", lambda *_: {})


# --- of conversion ------------------------------------------------------------------------------


def _lead_stays_linked() -> Any:
    def record_decision(original: Any, facts: Any) -> Any:
        found = original(facts)
        return RecordDecision(Act.FROZEN, found.row) if facts.event is Event.CONVERTED else found

    return _around(planner, "record_decision", record_decision)


def _conversion_forgets_the_base() -> Any:
    def move(original: Any, self: Any, snapshot: Any, values: Any, batch: Any) -> None:
        original(self, snapshot, values, batch)
        batch.decisions.rebased.clear()

    return _around(Conversion, "move", move)


def _second_lead_takes_over() -> Any:
    return patch.object(Winners, "moved", lambda self, _, image: self.id_of(image))


# --- of activities ------------------------------------------------------------------------------


def _foreign_tasks() -> Any:
    def settings(original: Any, self: Any, mapping: Any) -> Any:
        found = original(self, mapping)
        return found if mapping.activity is None else replace(found, create=True)

    def whole(original: Any, *arguments: Any, **named: Any) -> Any:
        return original(*arguments, **{**named, "only_linked": False})

    return _all(_around(course.Course, "settings", settings), _around(streams, "MappedPair", whole))


def _unawaited_record() -> Any:
    def parent_of(original: Any, self: Any, values: Any) -> Any:
        return None if self._mapping.activity is not None else original(self, values)

    return _around(newcomers.Newcomers, "parent_of", parent_of)


def _lead_for_ever() -> Any:
    def parents_of(original: Any, self: Any, child: Any) -> Any:
        found = original(self, child)
        return found if child.activity is None else found[-1:]

    return _around(SyncDefinition, "parents_of", parents_of)


def _day_of_utc() -> Any:
    def dated(original: Any, pair: Any, _zone: Any, facts: Any) -> Any:
        return original(pair, None, facts)

    return _around(known_pair, "with_activity_values", dated)


def _done_is_written() -> Any:
    decided = toward_spotio.TowardSpotio.decided
    return patch.object(toward_activities.TowardActivities, "decided", decided)


def _time_of_day_lost() -> Any:
    return patch.object(toward_activities, "kept_time", lambda value, *_: value)


MUTANTS = (
    Mutant("a union is settled before both sides hold it", _union_settles_at_once),
    Mutant("create not keyed by external id", _unkeyed_create),
    Mutant("no precondition on write", _no_guard),
    Mutant("base stores the value sent", _base_of_the_sent),
    Mutant("base stores the latest value of the untouched side", _base_of_the_latest, "sqlite"),
    Mutant("agreement tested in both directions", _both_ways),
    Mutant("no base (stateless)", _no_base),
    Mutant("no settled state", _no_settled_state),
    Mutant("agreement by equality", _by_equality),
    Mutant("tie-break reversed", _tie_reversed),
    Mutant("filter judged on the image before", _old_image_filter),
    Mutant("filter ignored", _scope_ignored),
    Mutant("journal row dropped", lambda: _nothing(Entries, "overruled")),
    Mutant("STATE before commit", _early_state),
    Mutant("earlier attempts forgotten", _forgotten_attempts),
    Mutant("parked field blocks its record", _field_blocks),
    Mutant("unlinks on leaving scope", _unlinks_out_of_scope),
    Mutant("tombstone created again", _tombstone_recreated),
    Mutant("the other direction is not told", lambda: _nothing(Entries, "flag")),
    Mutant("last listed choice is written", _last_listed),
    Mutant("clocks trusted beyond eps", _clocks_trusted),
    Mutant("blank treated as absent", _blank_is_absent),
    Mutant("guard without expectation", _nothing_expected),
    Mutant("older observation overrides", _older_counts),
    Mutant("deletes over a change", _deletes_over_changes),
    Mutant("stale write counts as done", _stale_is_done),
    Mutant("cleared value filled again", _fills_cleared),
    Mutant("on_create: omit ignored", _omit_ignored),
    Mutant("unchanged fields sent as well", _whole_record),
    Mutant("out of scope tells nobody", lambda: _nothing(planner.Planner, "_hand_over")),
    Mutant("refused value calls for itself", _refused_again),
    Mutant("brought back over a newer value", lambda: patch.object(restoring, "_is", _always)),
    Mutant("restored where the other side rules", lambda: _nothing(restore, "_ruler")),
    Mutant("what was taken back is not settled", _unsettled_revert),
    Mutant("taken back over a change", lambda: _nothing(fields.FieldDecisions, "_has_moved")),
    Mutant("what was brought back is not kept", _unkept_restore),
    Mutant("a lead's id is a contact's", lambda: patch.object(matching, "_may_be_of", _always)),
    Mutant("the link of a converted lead stays", _lead_stays_linked),
    Mutant("a conversion forgets the base", _conversion_forgets_the_base),
    Mutant("a second lead takes the first one's place", _second_lead_takes_over),
    Mutant("a wish is forgotten", lambda: _nothing(MemoryLedger, "_want")),
    Mutant("somebody whom no role selects is suspended", _suspends_strangers),
    Mutant("a suspension by a person is undone", lambda: _by_sync(user_facts)),
    Mutant("a user is not looked for by external id", _nobody_by_id),
    Mutant("the user of the API key is written", _any_owner),
    Mutant("names are sent with each change of a user", _names_with_each_change),
    Mutant("a part of a user is sent for the whole", _part_of_a_user),
    Mutant("a suspension without an outcome is a person's", _lost_suspension_is_a_persons),
    Mutant("an owner whom nobody knows is not awaited", _owners_are_not_awaited),
    Mutant("who is out owns records", lambda: patch.object(People, "may_own", _always)),
    Mutant("who is shown no more stays", lambda: _nothing(UserSyncing, "_note_lost")),
    Mutant(
        "the ledger is not told of SPOTIO's users", lambda: _nothing(MemoryLedger, "replace_users")
    ),
    Mutant("a done activity is written", _done_is_written),
    Mutant("Tasks of Salesforce's own are taken", _foreign_tasks),
    Mutant("an activity does not wait for its record", _unawaited_record),
    Mutant("an activity is on the lead that was converted", _lead_for_ever),
    Mutant("an activity's day is that of UTC", _day_of_utc),
    Mutant("another day takes the time of day away", _time_of_day_lost),
)

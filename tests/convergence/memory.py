"""The ledger once more, in dictionaries: what it answers is what the real one answers, only faster.

A test runs the same histories over both and compares every event, so a difference in behaviour is
found. Each commit is one step: a process that dies does so before or after it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from reverse_sf.errors import StopError
from reverse_sf.ledger.differing import (
    BESIDE,
    NOTHING_DIFFERS,
    after_read_back,
    back_at_base,
    changed_beside,
)
from reverse_sf.ledger.encoding import digest_of, from_text, sortable, to_text
from reverse_sf.ledger.rehearsals import RunOperation
from reverse_sf.ledger.restores import ASKED
from reverse_sf.ledger.rows import (
    AwaitedOwner,
    Conflict,
    Intent,
    Link,
    LinkState,
    Observed,
    OperationStatus,
    Outcome,
    Parked,
    Restore,
    Run,
    Snapshot,
    UserRow,
)
from reverse_sf.ledger.settlement import base_of_write, without_uncarried
from reverse_sf.mapping.definition import Direction, Side
from reverse_sf.merge import evidence
from reverse_sf.merge.adoption import NORMALISED, is_marked
from reverse_sf.merge.identity import link_id_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reverse_sf.ledger.batches import Decisions, Outcomes

_OPEN = (OperationStatus.INTENDED, OperationStatus.WAITING)
_SUCCEEDED = (OperationStatus.APPLIED, OperationStatus.AGREED)
_WRITTEN = {Direction.TO_SPOTIO: Side.SPOTIO, Direction.TO_SALESFORCE: Side.SALESFORCE}
_plain = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


@dataclass
class _Operation:
    number: int
    intent: Intent
    status: OperationStatus = OperationStatus.INTENDED
    attempts: int = 1


@dataclass
class _Image:
    text: str
    digest: str
    modified_at: str | None
    observed_at: str
    deleted: bool
    differing: str | None

    @property
    def content(self) -> str:
        """As the real ledger's row names it."""
        return self.text


@dataclass
class MemoryLedger:
    """Everything that MappingRun and the outbox ask of a ledger."""

    links: dict[str, Link] = field(default_factory=dict)
    by_id: dict[tuple[str, Side, str], str] = field(default_factory=dict)
    images: dict[tuple[str, Side], _Image] = field(default_factory=dict)
    bases: dict[str, dict[str, list[Any]]] = field(default_factory=dict)
    flags: dict[tuple[str, Direction], str] = field(default_factory=dict)
    beside: dict[tuple[str, Direction], str] = field(default_factory=dict)
    adopting: dict[tuple[str, Direction], str] = field(default_factory=dict)
    operations: list[_Operation] = field(default_factory=list)
    open_of: dict[str, list[_Operation]] = field(default_factory=dict)
    withheld: dict[tuple[str, Direction, str], Parked] = field(default_factory=dict)
    conflict_rows: list[Conflict] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    people: dict[tuple[Side, str], UserRow] = field(default_factory=dict)
    catalogs: dict[tuple[Side, str], dict[str, Any]] = field(default_factory=dict)
    noted_places: dict[str, dict[str, Any]] = field(default_factory=dict)
    wanted: dict[tuple[Direction, str, str], Restore] = field(default_factory=dict)
    ended: list[tuple[str, str, str]] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    awaited: dict[tuple[Direction, str, str], str] = field(default_factory=dict)

    # --- runs ----------------------------------------------------------------------------------

    @property
    def is_new(self) -> bool:
        return not self.links and all(
            one.status in ("running", "failed", "interrupted") for one in self.runs
        )

    def last_run(self, direction: Direction) -> Run | None:
        return next((one for one in reversed(self.runs) if one.direction is direction), None)

    def begin_run(self, run: Run, *, ttl_seconds: float) -> None:
        for one in self.runs:
            if one.direction is run.direction and one.ended_at is None:
                one.ended_at, one.status = "ended", "interrupted"
        self.runs.append(run)

    def heartbeat(self, run_id: str, *, ttl_seconds: float, holder: str | None = None) -> None:
        """Nobody else is here."""

    def finish_run(self, run_id: str, status: str) -> None:
        for one in self.runs:
            if one.run_id == run_id and one.ended_at is None:
                one.ended_at, one.status = "ended", status

    def _run(self, run_id: str) -> Run:
        return next(one for one in reversed(self.runs) if one.run_id == run_id)

    # --- facts ---------------------------------------------------------------------------------

    def users(self, side: Side) -> dict[str, UserRow]:
        return {user_id: row for (of, user_id), row in self.people.items() if of is side}

    def replace_users(self, side: Side, rows: Sequence[UserRow]) -> None:
        self.people = {one: row for one, row in self.people.items() if one[0] is not side}
        self.people.update(((one.side, one.user_id), one) for one in rows)

    def catalog(self, side: Side, stream: str) -> dict[str, Any] | None:
        return self.catalogs.get((side, stream))

    def store_catalog(self, side: Side, stream: str, schema: dict[str, Any]) -> None:
        self.catalogs[side, stream] = schema

    def add_log(self, rows: Sequence[Any]) -> None:
        """Nobody reads it."""

    def linked_number(self, pair: str) -> int:
        return sum(one.state is LinkState.LINKED for one in self.links.values() if one.pair == pair)

    def linked_pairs(self, pair: str) -> dict[str, str]:
        linked = (one for one in self.links.values() if one.pair == pair)
        return {
            one.salesforce_id or "": one.spotio_id or ""
            for one in linked
            if one.state is LinkState.LINKED
        }

    def linked_ids(self, pair: str, *, batch: int = 1000) -> Iterator[list[str]]:
        linked = (LinkState.LINKED,)
        found = [one.link_id for one in self.links.values() if one.pair == pair]
        page = sorted(one for one in found if self.links[one].state in linked)
        if page:
            yield page

    def setting(self, name: str) -> Any:
        return self.settings.get(name)

    def set_setting(self, name: str, value: Any) -> None:
        self.settings[name] = value

    def note_places(self, pair: str, places: dict[str, Any]) -> None:
        self.noted_places[pair] = places

    def places(self, pair: str) -> dict[str, Any]:
        return self.noted_places.get(pair, {})

    def activation(self, pair: str, direction: Direction, *, now: str) -> str:
        moment: str = self.settings.setdefault(f"since {direction.value}:{pair}", now)
        return moment

    def matched_at(self, pair: str) -> str | None:
        return None

    def set_aside(self, pair: str, side: Side) -> dict[str, str]:
        """Nobody sets a record aside in these histories."""
        return {}

    def pin_identity(self, side: Side, identity: str) -> None:
        """Every record comes from one org."""

    # --- what the mapper asks ------------------------------------------------------------------

    def observed(
        self, pair: str, ids: Sequence[str], *, side: Side = Side.SALESFORCE
    ) -> dict[str, Observed]:
        found = {}
        for one in ids:
            link_id = self.by_id.get((pair, side, one))
            if link_id is None:
                continue
            image = self.images.get((link_id, side))
            found[one] = Observed(
                link_id=link_id,
                state=self.links[link_id].state,
                digest=image.digest if image else None,
                modified_at=image.modified_at if image else None,
                has_open_operation=bool(self.open_of.get(link_id)),
                observed_at=image.observed_at if image else None,
                differing_text=image.differing if image else None,
            )
        return found

    # --- values that a person wants back -------------------------------------------------------

    def ask(self, direction: Direction, wanted: Sequence[Restore]) -> None:
        self._want(direction, wanted)
        for one in wanted:
            self.flags.setdefault((one.link_id, direction), ASKED)

    def asked(self, direction: Direction) -> dict[str, list[Restore]]:
        found: dict[str, list[Restore]] = {}
        for (to, link_id, _), one in self.wanted.items():
            if to is direction:
                found.setdefault(link_id, []).append(one)
        return found

    def _want(self, direction: Direction, wanted: Sequence[Restore]) -> None:
        for one in wanted:
            plain = msgspec.convert(_plain(_encode(one)), Restore)
            self.wanted[direction, one.link_id, one.key] = plain

    def conflicts(self, *, number: int | None = None, limit: int = 100) -> list[Conflict]:
        found = [it for it in reversed(self.conflict_rows) if number in (None, it.number)]
        return found[:limit]

    def operations_of(self, run_id: str) -> dict[str, RunOperation]:
        return {
            it.intent.operation_id: RunOperation(
                it.intent.operation_id,
                it.intent.link_id,
                it.intent.pair,
                it.intent.action,
                it.status.value,
                None,
                it.intent.decision,
                it.intent.source,
            )
            for it in self.operations
            if it.intent.run_id == run_id
        }

    # --- what is known of links ----------------------------------------------------------------

    def snapshots(
        self,
        link_ids: Sequence[str],
        *,
        direction: Direction | None = None,
        without: Side | None = None,
    ) -> dict[str, Snapshot]:
        return {
            one: self._snapshot(self.links[one], direction, without)
            for one in link_ids
            if one in self.links
        }

    def _snapshot(self, link: Link, direction: Direction | None, without: Side | None) -> Snapshot:
        link_id = link.link_id
        base = self.bases.get(link_id)
        found = Snapshot(
            link=Link(
                link_id=link_id,
                pair=link.pair,
                origin=link.origin,
                state=link.state,
                salesforce_id=link.salesforce_id,
                spotio_id=link.spotio_id,
            ),
            base_text=None if base is None else to_text(base),
        )
        flagged = [to for to in Direction if (link_id, to) in self.flags]
        if flagged:
            to = direction if direction in flagged else max(flagged, key=lambda one: one.value)
            found.link.flagged, found.link.flag_reason = to, self.flags[link_id, to]
        opened = self.open_of.get(link_id)
        if opened:
            best = max(opened, key=lambda one: (one.intent.direction is direction, one.number))
            found.open_operation = best.intent.operation_id
            found.open_attempts = best.attempts
            found.open_action = best.intent.action
            found.open_direction = best.intent.direction
        for side in Side:
            image = self.images.get((link_id, side))
            if image is None or side is without:
                continue
            name = side.value
            setattr(found, f"{name}_text", image.text)
            setattr(found, f"{name}_deleted", image.deleted)
            if without is None:
                setattr(found, f"{name}_digest", image.digest)
                setattr(found, f"{name}_modified_at", image.modified_at)
                setattr(found, f"{name}_observed_at", image.observed_at)
                setattr(found, f"{name}_differing", image.differing)
        return found

    def link_ids(self, pair: str, salesforce_ids: Sequence[str]) -> dict[str, str]:
        return self._pairs(pair, Side.SALESFORCE, salesforce_ids)

    def link_ids_of_spotio(self, pair: str, spotio_ids: Sequence[str]) -> dict[str, str]:
        return self._pairs(pair, Side.SPOTIO, spotio_ids)

    def _pairs(self, pair: str, side: Side, ids: Sequence[str]) -> dict[str, str]:
        return {one: link for one in ids if (link := self.by_id.get((pair, side, one)))}

    def counterparts(self, link_ids: Sequence[str]) -> dict[str, str]:
        found = {one: self.links[one].spotio_id for one in link_ids if one in self.links}
        return {one: value for one, value in found.items() if value is not None}

    def counterparts_in_salesforce(self, link_ids: Sequence[str]) -> dict[str, str]:
        found = {one: self.links[one].salesforce_id for one in link_ids if one in self.links}
        return {one: value for one, value in found.items() if value is not None}

    def under_way(self, link_ids: Sequence[str]) -> set[str]:
        return {one for one in link_ids if self.open_of.get(one)}

    def parked(self, link_ids: Sequence[str]) -> dict[str, list[Parked]]:
        wanted = set(link_ids)
        found: dict[str, list[Parked]] = {}
        for (link_id, _, _), row in sorted(
            self.withheld.items(), key=lambda one: (one[0][0], one[0][1].value, one[0][2])
        ):
            if link_id in wanted:
                found.setdefault(link_id, []).append(row)
        return found

    def links_to_replan(
        self, direction: Direction, *, now: str, definition_fingerprint: str, batch: int = 500
    ) -> Iterator[list[str]]:
        holder = self.last_run(direction)
        mine = holder.run_id if holder else ""
        due = {link_id for link_id, to in self.flags if to is direction}
        for link_id, opened in self.open_of.items():
            if any(it.intent.direction is direction and it.intent.run_id != mine for it in opened):
                due.add(link_id)
        for (link_id, to, _), row in self.withheld.items():
            if to is direction and (
                (row.next_attempt_at is not None and row.next_attempt_at <= sortable(now))
                or row.definition_fingerprint != definition_fingerprint
                or (row.waiting_for is not None and self._has_both(row.waiting_for))
            ):
                due.add(link_id)
        if due:
            yield sorted(due)

    def _has_both(self, link_id: str | None) -> bool:
        link = self.links.get(link_id or "")
        return bool(link and link.salesforce_id and link.spotio_id)

    # --- the mapper's commit -------------------------------------------------------------------

    def commit_decisions(self, decisions: Decisions) -> None:
        run = self._run(decisions.run_id)
        direction = run.direction
        for kept, given_up in decisions.taken_over:
            self._take_over(kept, given_up)
        self._check(decisions.links)
        for link_id, side in decisions.parted:
            self._part(self.links[link_id], side)
            self.images.pop((link_id, side), None)
            self.bases.pop(link_id, None)
        for link in decisions.links:
            self._put_link(link)
        for image in decisions.images:
            self.images[image.link_id, image.side] = _Image(
                to_text(image.values),
                image.digest,
                image.modified_at,
                image.observed_at,
                image.deleted,
                to_text(image.differing) if image.differing else NOTHING_DIFFERS,
            )
        for link_id, side, at in decisions.renewed:
            self.images[link_id, side].modified_at = at
        for link_id, entries in decisions.rebased.items():
            self._merge(link_id, entries)
        for link_id in decisions.unflagged:
            self.flags.pop((link_id, direction), None)
        for link in decisions.links:
            if link.flagged is not None:
                self.flags[link.link_id, link.flagged] = link.flag_reason or ""
        for link_id, why in decisions.flagged:
            self.flags[link_id, direction] = why
        for operation_id in decisions.superseded:
            self._close(operation_id, OperationStatus.SUPERSEDED)
        for intent in decisions.intents:
            self._put_intent(intent)
        for link_id, key in decisions.unparked:
            self.withheld.pop((link_id, direction, key), None)
        self._park(decisions.parked, run)
        self._add_conflicts(decisions.conflicts)
        self._want(direction, decisions.issued)
        for link_id, key, how in decisions.ended:
            self.wanted.pop((direction, link_id, key), None)
            self.ended.append((link_id, key, how))
        self.people.update(((one.side, one.user_id), one) for one in decisions.users)
        self._await(decisions.awaited, decisions.run_id)

    def _take_over(self, kept: str, given_up: str) -> None:
        gone = self.links.pop(given_up)
        for side, value in _ids(gone):
            del self.by_id[gone.pair, side, value]
            if (given_up, side) in self.images:
                self.images[kept, side] = self.images.pop((given_up, side))
        self.bases.pop(given_up, None)
        for one in self.operations:
            if one.intent.link_id == given_up:
                one.intent.link_id = kept
            if one.intent.waiting_for == given_up:
                one.intent.waiting_for = kept
        self.open_of.setdefault(kept, []).extend(self.open_of.pop(given_up, []))
        self.flags = {one: why for one, why in self.flags.items() if one[0] != given_up}
        self.withheld = {one: it for one, it in self.withheld.items() if one[0] != given_up}
        for it in self.withheld.values():
            if it.waiting_for == given_up:
                it.waiting_for = kept

    def _check(self, links: Sequence[Link]) -> None:
        moving = {one.link_id: one for one in links}
        for link in links:
            for side, value in _ids(link):
                holder = self.by_id.get((link.pair, side, value), link.link_id)
                leaves = holder in moving and (side, value) not in _ids(moving[holder])
                if holder != link.link_id and not leaves:
                    raise StopError("a link would join a record that belongs to another link")

    def _put_link(self, link: Link) -> None:
        known = self.links.get(link.link_id)
        if known is None:
            known = self.links[link.link_id] = Link(
                link_id=link.link_id,
                pair=link.pair,
                origin=link.origin,
                state=link.state,
                salesforce_id=link.salesforce_id,
                spotio_id=link.spotio_id,
            )
        else:
            if not (known.state is LinkState.LINKED and link.state is LinkState.PENDING):
                known.state = link.state
            self._join(known, link.salesforce_id, link.spotio_id)
        self.by_id.update(((known.pair, side, value), known.link_id) for side, value in _ids(known))

    def _join(self, known: Link, salesforce_id: str | None, spotio_id: str | None) -> None:
        for side, value in _ids(known):
            if self.by_id.get((known.pair, side, value)) == known.link_id:
                del self.by_id[known.pair, side, value]
        known.salesforce_id = salesforce_id or known.salesforce_id
        known.spotio_id = spotio_id or known.spotio_id
        self.by_id.update(((known.pair, side, value), known.link_id) for side, value in _ids(known))

    def _merge(self, link_id: str, entries: dict[str, list[Any]]) -> None:
        told = _plain(_encode(entries))
        if told:
            self.bases[link_id] = {**self.bases.get(link_id, {}), **told}
        for side in Side:
            image = self.images.get((link_id, side))
            if image is not None and image.differing not in (None, NOTHING_DIFFERS):
                image.differing = to_text(evidence.settled(from_text(image.differing), told))

    def _put_intent(self, intent: Intent) -> None:
        plain = Intent(
            operation_id=intent.operation_id,
            link_id=intent.link_id,
            pair=intent.pair,
            direction=intent.direction,
            action=intent.action,
            run_id=intent.run_id,
            record=_plain(_encode(intent.record)),
            envelope=_plain(_encode(intent.envelope)),
            source=_plain(_encode(intent.source)),
            decision=_plain(_encode(intent.decision)),
            issued_at=intent.issued_at,
            waiting_for=intent.waiting_for,
        )
        for one in self.open_of.get(intent.link_id, []):
            if one.intent.operation_id == intent.operation_id:
                one.intent, one.status = plain, OperationStatus.INTENDED
                one.attempts += 1
                return
        opened = _Operation(len(self.operations), plain)
        self.operations.append(opened)
        self.open_of.setdefault(intent.link_id, []).append(opened)

    def _close(self, operation_id: str, status: OperationStatus) -> None:
        for opened in self.open_of.values():
            for one in list(opened):
                if one.intent.operation_id == operation_id:
                    one.status = status
                    if status not in _OPEN:
                        opened.remove(one)

    def _park(self, rows: Sequence[Parked], run: Run) -> None:
        for it in rows:
            identity = (it.link_id, it.direction, it.key)
            known = self.withheld.get(identity)
            attempts = it.attempts
            if known is not None and attempts <= known.attempts:
                attempts = known.attempts + 1
            self.withheld[identity] = msgspec.structs.replace(
                it,
                attempts=attempts,
                next_attempt_at=it.next_attempt_at and sortable(it.next_attempt_at),
                definition_fingerprint=it.definition_fingerprint or run.definition_fingerprint,
            )

    def _add_conflicts(self, found: Sequence[Conflict]) -> None:
        known = {
            (it.operation_id, it.link_id, it.key) for it in self.conflict_rows if it.operation_id
        }
        for it in found:
            if it.operation_id is None or (it.operation_id, it.link_id, it.key) not in known:
                number = max((one.number for one in self.conflict_rows), default=0) + 1
                self.conflict_rows.append(
                    msgspec.structs.replace(
                        it,
                        losing_value=_plain(_encode(it.losing_value)),
                        winning_value=_plain(_encode(it.winning_value)),
                        number=number,
                    )
                )

    # --- the target's commit -------------------------------------------------------------------

    def commit_outcomes(self, outcomes: Outcomes) -> None:
        run = self._run(outcomes.run_id)
        released: list[tuple[str, str]] = []
        refused: list[Parked] = []
        written: dict[str, set[str]] = {}
        latest = {it.intent.operation_id: it for it in self.operations}
        for outcome in outcomes.outcomes:
            operation = latest.get(outcome.operation_id)
            if operation is None:
                raise StopError(f"no operation {outcome.operation_id}")
            link = self.links[outcome.link_id]
            holder = self._holder(outcome, link)
            if holder is not None:
                self._finish(operation, OperationStatus.REJECTED)
                refused.append(
                    Parked(
                        link_id=link.link_id,
                        direction=operation.intent.direction,
                        pair=link.pair,
                        reason="already_linked",
                        message=f"its counterpart is linked to {holder}",
                        at=outcome.at,
                        run_id=outcomes.run_id,
                    )
                )
                continue
            before = (link.state, link.salesforce_id, link.spotio_id)
            self._apply(outcome, operation, link)
            if link.salesforce_id and link.spotio_id:
                names = {link.link_id}
                if before != (link.state, link.salesforce_id, link.spotio_id):
                    names.add(link_id_of(link.pair, link.salesforce_id, Side.SALESFORCE))
                    names.add(link_id_of(link.pair, link.spotio_id, Side.SPOTIO))
                released += [(sortable(outcome.at), one) for one in names]
            if outcome.status in _SUCCEEDED:
                written.setdefault(link.link_id, {""}).update(outcome.written)
            told = {one.key for one in outcomes.parked if one.link_id == link.link_id}
            if outcome.status is OperationStatus.REJECTED and told:
                overtaken = operation.intent.source if "" in told else [""]
                for key in overtaken:
                    self.withheld.pop((link.link_id, outcomes.direction, key), None)
        for link_id, keys in written.items():
            for key in keys:
                self.withheld.pop((link_id, outcomes.direction, key), None)
        for at, link_id in released:
            for row in self.withheld.values():
                if row.waiting_for == link_id:
                    row.next_attempt_at = at
        self._park([*outcomes.parked, *refused], run)
        for link_id, to, reason in outcomes.flagged:
            self.flags.setdefault((link_id, to), reason)
        for one, reason in (*self.beside.items(), *self.adopting.items()):
            self.flags.setdefault(one, reason)
        self.beside.clear()
        self.adopting.clear()
        self._add_conflicts(outcomes.conflicts)
        spared = set(outcomes.spared)
        self.conflict_rows = [
            one
            for one in self.conflict_rows
            if (one.operation_id, one.link_id, one.key) not in spared
        ]
        self._await(outcomes.awaited, outcomes.run_id)

    def journal(self, rows: Sequence[Conflict]) -> None:
        self._add_conflicts(rows)

    def _holder(self, outcome: Outcome, link: Link) -> str | None:
        for side, value in (
            (Side.SPOTIO, outcome.spotio_id),
            (Side.SALESFORCE, outcome.salesforce_id),
        ):
            if value:
                holder = self.by_id.get((link.pair, side, value), link.link_id)
                if holder != link.link_id:
                    return holder
        return None

    def _finish(self, operation: _Operation, status: OperationStatus) -> None:
        operation.status = status
        opened = self.open_of.get(operation.intent.link_id, [])
        if status not in _OPEN and operation in opened:
            opened.remove(operation)

    def _apply(self, outcome: Outcome, operation: _Operation, link: Link) -> None:
        intent = operation.intent
        if outcome.parted:
            self._part(link, _WRITTEN[intent.direction])
        self._join(link, outcome.salesforce_id, outcome.spotio_id)
        if intent.action in {"delete", "archive"} and outcome.status in _SUCCEEDED:
            link.state = LinkState.TOMBSTONE
        elif intent.action == "link" and outcome.status is OperationStatus.REJECTED:
            pass
        elif link.state is LinkState.PENDING and link.salesforce_id and link.spotio_id:
            link.state = LinkState.LINKED
        if outcome.image is not None:
            self._read_back(outcome, intent)
        self._finish(operation, outcome.status)

    def _part(self, link: Link, side: Side) -> None:
        for of, value in _ids(link):
            if of is side and self.by_id.get((link.pair, of, value)) == link.link_id:
                del self.by_id[link.pair, of, value]
        setattr(link, f"{side.value}_id", None)
        link.state = LinkState.PENDING

    def _read_back(self, outcome: Outcome, intent: Intent) -> None:
        link_id, side = intent.link_id, _WRITTEN[intent.direction]
        image = outcome.image or {}
        told = image if outcome.base is None else outcome.base
        told = without_uncarried(told, intent.decision, intent.direction)
        to_spotio = intent.direction is Direction.TO_SPOTIO
        entries = base_of_write(
            told, intent.source, outcome.written, intent.direction, intent.decision
        )
        adopted = [key for key, entry in entries.items() if is_marked(entry, side)]
        if adopted:
            back = Direction.TO_SALESFORCE if to_spotio else Direction.TO_SPOTIO
            self.adopting[link_id, back] = NORMALISED + ", ".join(adopted)
        places = None if to_spotio else self.noted_places.get(intent.pair)
        found = None
        if to_spotio or places is not None:
            hi = outcome.image_modified_at or outcome.at
            before: Any = self.images.get((link_id, side))
            found = after_read_back(before, image, hi, set(entries), places)
            beside = changed_beside(before, image, set(entries), places)
            if beside:
                self.beside[link_id, intent.direction] = BESIDE + ", ".join(beside)
        if found:
            found = back_at_base(found, image, self.bases.get(link_id, {}), side, places)
        self.images[link_id, side] = _Image(
            to_text(image),
            digest_of(image),
            outcome.image_modified_at,
            intent.issued_at,
            deleted=False,
            differing=None if found is None else to_text(found),
        )
        self._merge(link_id, entries)

    def released(self, run_id: str, direction: Direction, limit: int = 500) -> list[Intent]:
        return [
            it.intent
            for opened in self.open_of.values()
            for it in opened
            if it.status is OperationStatus.WAITING
            and it.intent.run_id == run_id
            and it.intent.direction is direction
            and self._has_both(it.intent.waiting_for)
        ]

    def _await(self, found: Sequence[AwaitedOwner], run_id: str) -> None:
        for one in found:
            self.awaited[one.direction, one.pair, one.user_id] = run_id

    def awaited_owners(self, direction: Direction) -> list[AwaitedOwner]:
        return [
            AwaitedOwner(*one, run_id)
            for one, run_id in sorted(self.awaited.items())
            if one[0] is direction
        ]

    def no_longer_awaited(self, found: Sequence[AwaitedOwner]) -> None:
        for one in found:
            key = (one.direction, one.pair, one.user_id)
            if self.awaited.get(key) == one.run_id:
                del self.awaited[key]

    def images_naming(self, pair: str, side: Side, user_id: str) -> Iterator[dict[str, str]]:
        found = {
            link_id: image.text
            for (link_id, of), image in self.images.items()
            if of is side and self.links[link_id].pair == pair and user_id in image.text
        }
        if found:
            yield found

    def retry_parked(self, direction: Direction, *, now: str) -> int:
        number = 0
        for (_, to, _), row in self.withheld.items():
            if to is direction and row.waiting_for is None and row.next_attempt_at is None:
                row.next_attempt_at = sortable(now)
                number += 1
        return number


def _ids(link: Link) -> list[tuple[Side, str]]:
    both = ((Side.SALESFORCE, link.salesforce_id), (Side.SPOTIO, link.spotio_id))
    return [(side, value) for side, value in both if value]

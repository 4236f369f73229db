"""The fields of one record: what the truth tables leave of an update, whichever way it goes."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any

from reverse_sf.mapper.adoptions import Adoptions
from reverse_sf.mapper.blind_writes import BlindWrites
from reverse_sf.mapper.draft import Draft
from reverse_sf.mapper.keys import OWNER_FIELD, OWNER_KEY
from reverse_sf.mapper.removals import Removals
from reverse_sf.mapper.sightings import read_by
from reverse_sf.mapper.spelling import new_value
from reverse_sf.mapper.wishes import Wishes
from reverse_sf.mapping import canon
from reverse_sf.mapping.definition import Direction, Side, SyncRule
from reverse_sf.mapping.values import UNSET, Reason
from reverse_sf.merge.adoption import is_marked
from reverse_sf.merge.creation import is_sent_on_create, wins_on_link
from reverse_sf.merge.decide import Decision, Kind, decide, same
from reverse_sf.merge.evidence import NO_EVIDENCE
from reverse_sf.merge.union import UNCARRIED

if TYPE_CHECKING:
    from reverse_sf.ledger.rows import Snapshot
    from reverse_sf.mapper.course import Course
    from reverse_sf.mapper.draft import Prior
    from reverse_sf.mapper.parts import Part
    from reverse_sf.mapper.people import People
    from reverse_sf.mapper.relations import Parent, Parents
    from reverse_sf.mapping.pair import PairConverter
    from reverse_sf.merge.union import Merged

_BY_TIME = frozenset({SyncRule.TWO_WAY})
_ON_PURPOSE = frozenset({Reason.DO_NOT_SYNC.value, Reason.OWNER_UNKNOWN.value})
"""Why a winner's value goes nowhere, and is no unfinished work: the definition keeps a choice back,
or nobody stands for an owner."""


class FieldDecisions(Wishes, Adoptions, BlindWrites, Removals):
    """Decides the fields of one object mapping, toward one side.

    Args:
        pair: the compiled mapping.
        people: users of both sides.
        parents: parents of the batch, where the mapping has a parent.
        course: the run's direction.
    """

    def __init__(
        self, pair: PairConverter, people: People, parents: Parents | None, course: Course
    ) -> None:
        super().__init__(pair, people, parents, course)
        self._keyed = [(part.key, part.field, part) for part in self._parts]
        left_out = {
            one.key
            for one in pair.fields.values()
            if one.mapping.rule is not SyncRule.DO_NOT_SYNC
            and not is_sent_on_create(one.mapping, course.destination)
        }
        self._omitted = [part for part in self._parts if part.key in left_out]
        self._winning = {
            part.key
            for part in self._parts
            if wins_on_link(part.rule, "x", self._destination, self._policy)
        }

    @abstractmethod
    def created(self, source_id: str, values: dict[str, Any], parent: Parent | None) -> Draft:
        """Draft a create: every sent field that is not blank."""

    @abstractmethod
    def linked(self, source_id: str, values: dict[str, Any], rule: str = "external_id") -> Draft:
        """Draft the join with a record of the destination whose values nobody has read yet.

        Only what the source wins over a blank and over a value alike goes out (rows 11 to 13); the
        rest is decided once the record was read.
        """

    def _leave_out(self, values: dict[str, Any], draft: Draft) -> None:
        """Settle what ``on_create: omit`` keeps out of a create; later changes follow the rule.

        Without it the next look would find no base (row 12 or 13) and send it after all.
        """
        for part in self._omitted:
            value = read_by(part, values, self._course.source)
            if value is UNSET or value is None:
                continue
            draft.source[part.key] = value if self._from_salesforce else values[part.key]
            draft.keys[part.key] = part.place
            draft.settles.append(part.key)
            draft.decision[part.key] = {"row": "on_create: omit", "rule": part.rule_name}

    def decided(self, prior: Prior, values: dict[str, Any]) -> Draft:
        """Decide every field of a linked record.

        Args:
            prior: what is known of the link.
            values: the source's image now.
        """
        draft = Draft()
        snapshot = prior.snapshot
        other = self._course.destination_image(snapshot) or {}
        spotio, salesforce = (other, values) if self._from_salesforce else (values, other)
        bases = snapshot.base
        self._claim(other, prior, draft)
        base_of, spotio_of, value_of = bases.get, spotio.get, salesforce.get
        # Most fields of a changed record are as they were: compare before one is read.
        for key, part in [
            (key, part)
            for key, name, part in self._keyed
            if (base := base_of(key)) is None
            or base[0] != spotio_of(key, UNSET)
            or base[1] != value_of(name, UNSET)
        ]:
            self._decide(part, spotio_of(key, UNSET), salesforce, base_of(key), (draft, prior))
        for part in self._adopting:
            if is_marked(base_of(part.key), self._course.source):
                self._adopt(part, (spotio, salesforce, other), base_of(part.key) or [], draft)
        for one in prior.restores:
            self._restore(one, (spotio, salesforce, other), prior, draft)
        return draft

    @abstractmethod
    def is_named(self, snapshot: Snapshot) -> bool:
        """Whether the destination's record, as it was read, carries the id of the link's source."""

    @abstractmethod
    def _claim(self, other: dict[str, Any], prior: Prior, draft: Draft) -> None:
        """See whether the destination's record carries the source's id.

        A record that was linked by matching and never read is claimed blindly: the target looks
        whose it is, and reads back what it holds.
        """

    def _decide(
        self,
        part: Part,
        spotio: Any,
        image: dict[str, Any],
        base: list[Any] | None,
        work: tuple[Draft, Prior],
    ) -> None:
        """Decide one field that is not plainly as it was."""
        still = base if base is not None and spotio == base[0] else None
        if still is not None and part.is_still(image, still[1]):
            return
        salesforce = part.read(image)
        source, other = (salesforce, spotio) if self._from_salesforce else (spotio, salesforce)
        if source is UNSET or (still is not None and salesforce == still[1]):
            return
        if base is not None:
            canonical = source if self._from_salesforce else part.canon_spotio(source)
            self._note(part, canonical, base, work[1])
        if other is not UNSET:
            self._differing(part, (spotio, salesforce), base, image, work)
        elif base is None and work[0].claims:
            # The target journals what a link overwrites.
            self._unseen(part, source, work[0])
        elif base is None:
            self._unread(part, source, work[0])

    def _differing(
        self,
        part: Part,
        values: tuple[Any, Any],
        base: list[Any] | None,
        image: dict[str, Any],
        work: tuple[Draft, Prior],
    ) -> None:
        key = part.key
        draft, prior = work
        spotio, salesforce = values
        canonical = part.canon_spotio(spotio)
        settled = None
        evidence = NO_EVIDENCE
        if base is not None:
            # A base may have been settled under an earlier definition of the field.
            settled = (part.canon_spotio(base[0]), base[1])
            if (
                part.rule in _BY_TIME
                and not same(canonical, settled[0])
                and not same(salesforce, settled[1])
            ):
                evidence = self._evidence(key, prior)
        decision = decide(
            part.rule,
            canonical,
            salesforce,
            settled,
            part.exchange,
            evidence=evidence,
            policy=self._policy,
        )
        if decision.kind is Kind.REBASE:
            if base is None or base[0] != spotio or base[1] != salesforce:
                draft.rebased[key] = [spotio, salesforce]
        elif decision.kind is Kind.PARK and decision.reason in _ON_PURPOSE:
            # No work of the other direction either: called for it, it would try in vain what its
            # API has refused of the record, and call for itself by doing so.
            _await_owner(decision, (canonical, salesforce), draft)
        elif decision.writes is not None and decision.writes is not self._destination:
            draft.won_back.append(key)
        elif decision.kind is Kind.PARK:
            draft.parked.append((key, decision.reason, decision.message))
        elif decision.kind is Kind.WRITE:
            self._write(part, decision, (spotio, salesforce), base, (draft, image))
            if decision.both is not None:
                self._half(part, decision.both, draft)

    def finds_owner(self, user_id: str) -> bool:
        """Whether a record of a user of the source may be given to somebody, as far as is known."""
        return self._owner is None or self._owner.finds(user_id)

    def owner_in(self, image: dict[str, Any]) -> str | None:
        """Whose record an image of the source is."""
        found: str | None = (
            canon.record_id(image.get(OWNER_FIELD))
            if self._from_salesforce
            else canon.text(image.get(OWNER_KEY))
        )
        return found

    def _half(self, part: Part, merged: Merged, draft: Draft) -> None:
        """Note which changes of the destination have not gone anywhere: the other direction's."""
        if part.key in draft.decision:
            half = merged.spotio if self._destination is Side.SPOTIO else merged.salesforce
            draft.decision[part.key][UNCARRIED] = [half.added, half.gone]
            draft.won_back.append(part.key)

    def _write(
        self,
        part: Part,
        decision: Decision,
        values: tuple[Any, Any],
        base: list[Any] | None,
        work: tuple[Draft, dict[str, Any]],
    ) -> None:
        key = part.key
        draft, image = work
        spotio, salesforce = values
        value = decision.value
        if decision.both is not None:
            both = decision.both
            value = (both.spotio if self._destination is Side.SPOTIO else both.salesforce).value
        spelled = self._spell(part, value, spotio, salesforce, base)
        if spelled is None:
            # What differs is settled, and what changed is what the destination holds already.
            draft.rebased[key] = [spotio, salesforce]
            return
        held, source = (spotio, salesforce) if self._from_salesforce else (salesforce, spotio)
        draft.record.update(spelled)
        draft.source[key] = source
        draft.keys[key] = part.place
        draft.expected.update(self._guard(part, spelled, spotio, image))
        new = new_value(part, spelled)
        draft.decision[key] = {
            "row": decision.row.value,
            "rule": part.rule_name,
            "old": held,
            "new": new,
        }
        if decision.journal:
            draft.overruled.append((key, part.rule_name, decision.row.value, held, new))


def _await_owner(decision: Decision, values: tuple[Any, Any], draft: Draft) -> None:
    """Note whom nobody stands for: the winner's owner, whichever way it was to travel."""
    if decision.reason == Reason.OWNER_UNKNOWN.value:
        spotio, salesforce = values
        draft.awaited.append(
            (Direction.TO_SPOTIO, salesforce)
            if decision.writes is Side.SPOTIO
            else (Direction.TO_SALESFORCE, spotio)
        )

"""The fields of one record: what the truth tables leave of an update, whichever way it goes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import msgspec

from reverse_sf.ledger.rows import RESTORED
from reverse_sf.mapper.draft import Draft
from reverse_sf.mapper.parts import parts_of
from reverse_sf.mapper.people import OwnerExchange
from reverse_sf.mapper.refusals import Refusals
from reverse_sf.mapper.relations import ParentExchange
from reverse_sf.mapper.restoring import End, due
from reverse_sf.mapper.sightings import interval_of, read_by
from reverse_sf.mapping.definition import Side, SyncRule
from reverse_sf.mapping.values import UNSET, Reason, Undefined
from reverse_sf.merge.adoption import ADOPT, ADOPTS, WHOLE, is_marked
from reverse_sf.merge.creation import blank_row, fills, is_sent_on_create, wins_on_link
from reverse_sf.merge.decide import Decision, Kind, decide, same
from reverse_sf.merge.evidence import NO_EVIDENCE, Evidence
from reverse_sf.merge.tables import Row
from reverse_sf.merge.union import UNCARRIED

if TYPE_CHECKING:
    from reverse_sf.ledger.rows import Restore, Snapshot
    from reverse_sf.mapper.course import Course
    from reverse_sf.mapper.draft import Prior
    from reverse_sf.mapper.parts import Part
    from reverse_sf.mapper.people import People
    from reverse_sf.mapper.relations import Parent, Parents
    from reverse_sf.mapping.pair import PairConverter
    from reverse_sf.merge.union import Merged

_BY_TIME = frozenset({SyncRule.TWO_WAY})


class FieldDecisions(Refusals, ABC):
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
        self._course = course
        self._destination = course.destination
        self._from_salesforce = course.source is Side.SALESFORCE
        self._address = pair.address
        self._policy = pair.mapping.conflicts
        mapping = pair.mapping
        toward_spotio = course.destination is Side.SPOTIO
        marks = mapping.archive_in_spotio if toward_spotio else mapping.archive_in_salesforce
        self._archive = marks or {}
        parts = parts_of(pair, people, parents, course)
        self._parts = parts.every
        self._owner = parts.owner
        self._parents = parts.parents
        self._adopting = [part for part in self._parts if part.adopts]
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

    @property
    def parts(self) -> tuple[Part, ...]:
        """The keys, each ready to be read."""
        return self._parts

    @property
    def places(self) -> dict[str, Any]:
        """The Salesforce field behind each key, or the fields of its components."""
        return {part.key: part.place for part in self._parts}

    @abstractmethod
    def created(self, source_id: str, values: dict[str, Any], parent: Parent | None) -> Draft:
        """Draft a create: every sent field that is not blank."""

    @abstractmethod
    def linked(self, source_id: str, values: dict[str, Any], rule: str = "external_id") -> Draft:
        """Draft the join with a record of the destination whose values nobody has read yet.

        Only what the source wins over a blank and over a value alike goes out (rows 11 to 13); the
        rest is decided once the record was read.
        """

    @abstractmethod
    def _spell(
        self,
        part: Part,
        value: Any,
        spotio: Any,
        salesforce: Any,
        base: list[Any] | None,
    ) -> dict[str, Any] | None:
        """Spell a decided value as the record says it; None where nothing is left to write.

        Args:
            part: the key.
            value: what is written, in the destination's terms.
            spotio: SPOTIO's value.
            salesforce: Salesforce's canonical value.
            base: of the key.
        """

    @abstractmethod
    def _guard(
        self, part: Part, spelled: dict[str, Any], spotio: Any, image: dict[str, Any]
    ) -> dict[str, Any]:
        """The destination's values behind what is written, as the record names them."""

    def guarded(self, snapshot: Snapshot) -> dict[str, Any]:
        """All mapped values of the destination: what a deletion was decided against."""
        image = self._course.destination_image(snapshot) or {}
        if self._from_salesforce:
            names = [part.key for part in self._parts]
        else:
            places = [part.place for part in self._parts]
            names = [
                name
                for place in places
                for name in ([place] if isinstance(place, str) else place.values())
            ]
        return {name: image[name] for name in names if name in image}

    def archived(self, values: dict[str, Any]) -> Draft:
        """Draft the mark of a record whose source was deleted; a mapped value of it is settled.

        Args:
            values: what was last seen of the source.
        """
        toward_spotio = self._destination is Side.SPOTIO
        marks = self._archive
        draft = Draft(record=dict(marks), keys={name: name for name in marks})
        for part in self._parts:
            name = part.key if toward_spotio else part.field
            source = read_by(part, values, self._course.source)
            if name in marks:
                del draft.keys[name]
                draft.keys[part.key] = part.place
                if source is not UNSET:
                    draft.source[part.key] = source
        return draft

    def other_changed(self, snapshot: Snapshot) -> bool:
        """Whether the destination differs from the base in any mapped key."""
        image = self._course.destination_image(snapshot) or {}
        bases = snapshot.base
        for part in self._parts:
            base = bases.get(part.key)
            if base is None:
                continue
            if self._from_salesforce:
                if part.key in image and not same(
                    part.canon_spotio(image[part.key]), part.canon_spotio(base[0])
                ):
                    return True
            elif (held := part.read(image)) is not UNSET and not same(held, base[1]):
                return True
        return False

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

    def mark_adopting(self, draft: Draft) -> None:
        """Note the keys of a write that the other direction is to copy back as they come out."""
        keys = [
            part.key
            for part in self._adopting
            if part.key in draft.source
            and part.key not in draft.settles
            and draft.decision.get(part.key, {}).get("row") not in {ADOPT, RESTORED}
        ]
        if keys:
            draft.decision.setdefault(WHOLE, {})[ADOPTS] = keys

    def _adopt(
        self,
        part: Part,
        images: tuple[dict[str, Any], dict[str, Any], dict[str, Any]],
        base: list[Any],
        draft: Draft,
    ) -> None:
        """Copy back what the source made of a value, where nobody has changed either since."""
        spotio, salesforce = images[0].get(part.key, UNSET), part.read(images[1])
        is_still = part.canon_spotio(base[0]) == part.canon_spotio(spotio) and base[1] == salesforce
        if spotio is UNSET or salesforce is UNSET or not is_still:
            return
        if part.exchange.agrees(part.canon_spotio(spotio), salesforce):
            return
        source = salesforce if self._from_salesforce else spotio
        convert = part.exchange.to_spotio if self._from_salesforce else part.exchange.to_salesforce
        value = convert(source)
        if isinstance(value, Undefined):
            return
        spelled = self._spell(part, value, spotio, salesforce, None)
        if not spelled:
            return
        held = spotio if self._from_salesforce else salesforce
        key, new = part.key, _one(part, spelled)
        draft.record.update(spelled)
        draft.source[key] = source
        draft.keys[key] = part.place
        draft.expected.update(self._guard(part, spelled, spotio, images[2]))
        draft.decision[key] = {"row": ADOPT, "rule": part.rule_name, "old": held, "new": new}
        draft.overruled.append((key, part.rule_name, ADOPT, held, new))

    def _restore(
        self,
        one: Restore,
        images: tuple[dict[str, Any], dict[str, Any], dict[str, Any]],
        prior: Prior,
        draft: Draft,
    ) -> None:
        """Write a value that a person wants back, whatever the rule of the field would do."""
        spotio, salesforce, other = images
        part = next((each for each in self._parts if each.key == one.key), None)
        is_open = prior.snapshot.open_operation is not None
        value, end = due(one, part, other, self._destination, is_open=is_open)
        if end is not None:
            draft.ended.append((one.key, end.value))
        if part is None:
            return
        key = part.key
        source = part.read(salesforce) if self._from_salesforce else spotio.get(key)
        has_moved = self._has_moved(part, source, prior)
        if end is End.BACK and one.settles and one.issued and not has_moved:
            # Its write may have had no outcome that would have settled it.
            self._overrule(key, draft)
            draft.rebased[key] = [spotio.get(key), part.read(salesforce)]
        if end is not None or value is UNSET:
            return
        if one.settles and has_moved:
            # Settled now, that change would never be carried over.
            draft.ended.append((key, End.OVERTAKEN.value))
            return
        spelled = self._spell_wanted(part, value, spotio.get(key), part.read(salesforce))
        self._overrule(key, draft)
        if one.settles:
            # Otherwise what both sides agreed on until now is what this is a change against.
            draft.rebased.pop(key, None)
        held = other.get(key) if self._from_salesforce else part.read(other)
        draft.record.update(spelled)
        draft.keys[key] = part.place
        draft.expected.update(self._guard(part, spelled, spotio.get(key), other))
        if one.settles:
            draft.source[key] = source
        new = _one(part, spelled)
        draft.decision[key] = {"row": RESTORED, "rule": one.why, "old": held, "new": new}
        draft.overruled.append((key, RESTORED, RESTORED, held, new))
        draft.restores.append(msgspec.structs.replace(one, issued=True))

    def _overrule(self, key: str, draft: Draft) -> None:
        """Take back what the rule of a field has decided."""
        self.drop(key, draft)
        draft.won_back = [each for each in draft.won_back if each != key]
        draft.parked = [each for each in draft.parked if each[0] != key]

    @staticmethod
    def brings_back(key: str, draft: Draft) -> bool:
        """Whether a key is written because a person wants its value back."""
        return bool(draft.decision.get(key, {}).get("row") == RESTORED)

    def _spell_wanted(self, part: Part, value: Any, spotio: Any, salesforce: Any) -> dict[str, Any]:
        """Spell a value that is wanted back; an owner and a parent are named by their own ids."""
        name = part.key if self._destination is Side.SPOTIO else part.field
        if isinstance(part.exchange, OwnerExchange):
            return {name: part.exchange.record_of(value)}
        if isinstance(part.exchange, ParentExchange):
            parent = part.exchange.at(value)
            return {name: None if parent is None else parent.named(self._course)}
        return self._spell(part, value, spotio, salesforce, None) or {}

    def _has_moved(self, part: Part, source: Any, prior: Prior) -> bool:
        """Whether the source holds another value than the settled one."""
        base = prior.snapshot.base.get(part.key)
        value = source if self._from_salesforce else part.canon_spotio(source)
        return base is not None and not same(value, self._settled(part, base))

    @abstractmethod
    def _claim(self, other: dict[str, Any], prior: Prior, draft: Draft) -> None:
        """See whether the destination's record carries the source's id.

        A record that was linked by matching and never read is claimed blindly: the target looks
        whose it is, and reads back what it holds.
        """

    def differing(self, prior: Prior, values: dict[str, Any]) -> None:
        """Note which keys differ from their base in a record whose fields are not decided."""
        bases = prior.snapshot.base
        for part in self._parts:
            value = read_by(part, values, self._course.source)
            base = bases.get(part.key)
            if base is not None and value is not UNSET:
                self._note(part, value, base, prior)

    def under_way(self, prior: Prior, values: dict[str, Any]) -> None:
        """Note which keys differ from their base, or will, while a write is under way."""
        side = self._course.source
        bases = prior.snapshot.base
        for part in self._parts:
            value = read_by(part, values, side)
            if value is not UNSET:
                base = bases.get(part.key)
                settled = UNSET if base is None else self._settled(part, base)
                prior.watch.note_under_way(part, value, settled, side)

    def _note(self, part: Part, value: Any, base: list[Any], prior: Prior) -> None:
        settled = self._settled(part, base)
        if not same(value, settled):
            prior.watch.note(part, value, settled, self._course.source)

    def _settled(self, part: Part, base: list[Any]) -> Any:
        """The source's value in a base."""
        return base[1] if self._from_salesforce else part.canon_spotio(base[0])

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
        elif self._stays_apart(part, decision):
            # No work of the other direction either: called for it, it would try in vain what its
            # API has refused of the record, and call for itself by doing so.
            return
        elif decision.writes is not None and decision.writes is not self._destination:
            draft.won_back.append(key)
        elif decision.kind is Kind.PARK:
            draft.parked.append((key, decision.reason, decision.message))
        elif decision.kind is Kind.WRITE:
            self._write(part, decision, (spotio, salesforce), base, (draft, image))
            if decision.both is not None:
                self._half(part, decision.both, draft)

    def _stays_apart(self, part: Part, decision: Decision) -> bool:
        """Whether the winner's value goes nowhere on purpose, and is no unfinished work.

        So is the owner whom nobody knows where no default owner steps in, and a choice that the
        definition keeps back.
        """
        return decision.kind is Kind.PARK and (
            part.exchange is self._owner or decision.reason == Reason.DO_NOT_SYNC.value
        )

    def _half(self, part: Part, merged: Merged, draft: Draft) -> None:
        """Note which changes of the destination have not gone anywhere: the other direction's."""
        if part.key in draft.decision:
            half = merged.spotio if self._destination is Side.SPOTIO else merged.salesforce
            draft.decision[part.key][UNCARRIED] = [half.added, half.gone]
            draft.won_back.append(part.key)

    def _evidence(self, key: str, prior: Prior) -> Evidence:
        """When each side changed, as far as anybody has seen it (section C.1)."""
        kept = self._course.destination_differing(prior.whole()) or {}
        source, other = interval_of(prior.watch.found.get(key)), interval_of(kept.get(key))
        if self._from_salesforce:
            return Evidence(spotio=other, salesforce=source)
        return Evidence(spotio=source, salesforce=other)

    def _unseen(self, part: Part, source: Any, draft: Draft) -> None:
        """Decide a field whose value in the destination was never read.

        Where the source wins over a blank and over a value alike (rows 11 to 13) it is written,
        and the target reads back what the destination holds; any other field waits for that.
        """
        if wins_on_link(part.rule, source, self._destination, self._policy):
            self._write_blindly(part, source, Row.NO_BASE, draft)

    def _unread(self, part: Part, source: Any, draft: Draft) -> None:
        """Decide a field of a known record whose value nobody has read, such as one mapped since.

        It is written as far as it fills a blank. A value that is there is no blank: the target
        writes nothing then and keeps what it has read, and the field is decided in full knowledge
        of it, so that what is overruled is in the journal before anything is written.
        """
        if not fills(part.rule, source, self._destination, self._policy):
            return
        self._write_blindly(part, source, blank_row(self._destination), draft)
        if part.key in draft.source:
            draft.expected.update(self._blank(part))

    @abstractmethod
    def _blank(self, part: Part) -> dict[str, Any]:
        """The guard of a key that is expected to be blank."""

    def _write_blindly(self, part: Part, source: Any, row: Row, draft: Draft) -> None:
        """Have a value written whose counterpart is not known."""
        convert = part.exchange.to_spotio if self._from_salesforce else part.exchange.to_salesforce
        value = convert(source)
        if isinstance(value, Undefined):
            if part.exchange is not self._owner:
                draft.withhold(part.key, value)
            return
        spotio, salesforce = (None, source) if self._from_salesforce else (source, None)
        spelled = self._spell(part, value, spotio, salesforce, None)
        if spelled is None:
            return
        draft.record.update(spelled)
        draft.source[part.key] = source
        draft.keys[part.key] = part.place
        draft.decision[part.key] = {
            "row": row.value,
            "rule": part.rule_name,
            "new": _one(part, spelled),
        }

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
        new = _one(part, spelled)
        draft.decision[key] = {
            "row": decision.row.value,
            "rule": part.rule_name,
            "old": held,
            "new": new,
        }
        if decision.journal:
            draft.overruled.append((key, part.rule_name, decision.row.value, held, new))


def _one(part: Part, spelled: dict[str, Any]) -> Any:
    """The value of a key that is one field; all of them, by their names, where it is several."""
    if isinstance(part.place, str):
        return next(iter(spelled.values()))
    return spelled.get(part.key, spelled)

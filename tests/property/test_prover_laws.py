"""The prover and the product's own decisions must tell the same story, in both directions.

What is called safe is driven through ``decide``: every edit of the generated values, written and
read back, round after round. Nothing may go on and on, and nothing that the editor did not see may
be gone. What is called unsafe must come with an example that loses something when it is driven the
same way. The driver below knows nothing of how the prover reasons.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from reverse_sf.mapping import canon
from reverse_sf.mapping.check import check
from reverse_sf.mapping.conversion import FieldConverter, compile_field
from reverse_sf.mapping.definition import (
    Conversion,
    DirectionSettings,
    FieldMapping,
    ObjectMapping,
    Side,
    SyncRule,
)
from reverse_sf.mapping.describe import PicklistValue, SalesforceField
from reverse_sf.mapping.document import parse
from reverse_sf.mapping.kinds import SALESFORCE_KINDS, SPOTIO_KINDS
from reverse_sf.mapping.problem import Severity
from reverse_sf.mapping.proof import prove
from reverse_sf.mapping.values import Undefined
from reverse_sf.mapping.workflow import SpotioField
from reverse_sf.merge.decide import Kind, decide
from reverse_sf.simulator.local import running
from tests.conftest import ROOT
from tests.property.test_mapping_laws import VALUES as VALUES_OF_ANY_TYPE

if TYPE_CHECKING:
    from collections.abc import Callable

ON = DirectionSettings(enabled=True)
WRITABLE = {"createable": True, "updateable": True, "nillable": True}
CHOICES = ("Gold", "Hot", "Solar", "Warm")
VALUES = ("A", "B", "C", "Gold")
RULES = [rule for rule in SyncRule if rule is not SyncRule.DO_NOT_SYNC]
OF_ANY_FIELD = [rule for rule in RULES if rule is not SyncRule.UNION]


class Link:
    """One field of a linked record, as a run sees it: two values and what they were based on."""

    def __init__(
        self,
        converter: FieldConverter,
        rule: SyncRule,
        spotio: Any,
        stored: Callable[[Any], Any] = lambda value: value,
    ) -> None:
        self.converter = converter
        self.stored = stored
        self.rule = rule
        self.spotio = converter.canon_spotio(spotio)
        self.salesforce = converter.to_salesforce(spotio)
        self.base = (self.spotio, self.salesforce)
        self.journal: list[Any] = []

    def cycle(self) -> bool:
        """Decide once and write; say whether anything was written."""
        decision = decide(self.rule, self.spotio, self.salesforce, self.base, self.converter)
        if decision.kind is Kind.REBASE:
            self.base = (self.spotio, self.salesforce)
        if decision.kind is not Kind.WRITE:
            return False
        if decision.both is not None:
            self.spotio, self.salesforce = (one.value for one in decision.both)
        elif decision.writes is Side.SPOTIO:
            self.journal += [self.spotio] if decision.journal else []
            self.spotio = self.converter.canon_spotio(self.stored(decision.value))
        else:
            self.journal += [self.salesforce] if decision.journal else []
            self.salesforce = self.converter.canon_salesforce(self.stored(decision.value))
        self.base = (self.spotio, self.salesforce)
        return True

    def rests(self) -> bool:
        """Whether one cycle is enough: the next two have nothing to write."""
        self.cycle()
        return not (self.cycle() or self.cycle())


def members(value: Any) -> set[str]:
    return set(canon.choices(value) or ())


def lost(link: Link, side: Side, edited: Any) -> set[str]:
    """What an edit of the other side's value has taken from this side, though it was not shown.

    A member that is shown is expected to stay as long as the editor leaves what shows it.
    """
    show = link.converter.to_salesforce if side is Side.SPOTIO else link.converter.to_spotio
    before = link.spotio if side is Side.SPOTIO else link.salesforce
    kept = set()
    for member in members(before):
        image = show([member])
        if isinstance(image, Undefined) or members(image) <= members(edited):
            kept.add(member)
    if side is Side.SPOTIO:
        link.salesforce = link.converter.canon_salesforce(edited)
    else:
        link.spotio = link.converter.canon_spotio(edited)
    assert link.rests()
    if before in link.journal:
        return set()
    return kept - members(link.spotio if side is Side.SPOTIO else link.salesforce)


@st.composite
def sets(draw):
    """A pair of sets of choices: any mapping of some of the choices, under any rule."""
    options = draw(st.lists(st.sampled_from(CHOICES), min_size=2, unique=True))
    images = {one: draw(st.sampled_from([*VALUES, None])) for one in options}
    mapping = FieldMapping("Interests", "Interests__c", draw(st.sampled_from(RULES)), images)
    named = {one for one in images.values() if one is not None}
    further = draw(st.dictionaries(st.sampled_from(VALUES), st.sampled_from([*options, None])))
    mapping = replace(
        mapping,
        salesforce_choices={one: to for one, to in further.items() if one not in named},
    )
    spotio = SpotioField("1", "Interests", "MultiChoice", options=tuple(options))
    salesforce = SalesforceField(
        "Interests__c",
        "multipicklist",
        picklist=tuple(map(PicklistValue, VALUES)),
        restricted=draw(st.booleans()),
        **WRITABLE,
    )
    return mapping, spotio, salesforce


def pair_of(mapping: FieldMapping, **ways: DirectionSettings) -> ObjectMapping:
    both = {"to_spotio": ON, "to_salesforce": ON, **ways}
    return ObjectMapping("Lead:Leads", "Leads", "Lead", fields=(mapping,), **both)


def starts(converter, options):
    """Every record in which both sides agree on some of the choices."""
    for size in (1, 2):
        for chosen in product(options, repeat=size):
            value = sorted(set(chosen))
            if not isinstance(converter.to_salesforce(value), Undefined):
                yield value


def edits(shown: set[str], offered) -> list[list[str]]:
    """One member more, one less, one for another; never none at all."""
    more = [sorted({*shown, one}) for one in offered if one not in shown]
    less = [sorted(shown - {one}) for one in shown if len(shown) > 1]
    swaps = [sorted({one}) for one in offered if len(shown) == 1 and one not in shown]
    return more + less + swaps


def losing_edits(converter, mapping, options):
    """Every losing edit that the driver finds, of the values of both sides."""
    found = []
    for start in starts(converter, options):
        for side, offered in ((Side.SPOTIO, VALUES), (Side.SALESFORCE, options)):
            link = Link(converter, mapping.rule, start)
            shown = members(link.salesforce if side is Side.SPOTIO else link.spotio)
            for edit in edits(shown, offered):
                fresh = Link(converter, mapping.rule, start)
                edited = ";".join(edit) if side is Side.SPOTIO else edit
                gone = lost(fresh, side, edited)
                if gone:
                    found.append((side, start, edit, gone))
    # What Salesforce alone can hold is reached from its own side.
    for size in (1, 2):
        for chosen in product(VALUES, repeat=size):
            value = ";".join(sorted(set(chosen)))
            image = converter.to_spotio(value)
            if isinstance(image, Undefined):
                continue
            for edit in edits(members(image), options):
                fresh = Link(converter, mapping.rule, image)
                fresh.salesforce = converter.canon_salesforce(value)
                fresh.base = (fresh.spotio, fresh.salesforce)
                gone = lost(fresh, Side.SALESFORCE, edit)
                if gone:
                    found.append((Side.SALESFORCE, value, edit, gone))
    return found


@given(sets())
@settings(max_examples=150)
def test_a_pair_of_sets_is_called_safe_where_no_edit_loses_what_it_does_not_see(pair):
    mapping, spotio, salesforce = pair
    proof = prove(pair_of(mapping), mapping, spotio, salesforce)
    converter = compile_field(mapping, salesforce, spotio)
    losing = losing_edits(converter, mapping, spotio.options)
    assert {loss.side for loss in proof.losses} == {side for side, *_ in losing}, losing[:2]


@given(sets())
@settings(max_examples=150)
def test_every_counter_example_loses_what_it_says_when_it_is_driven(pair):
    mapping, spotio, salesforce = pair
    proof = prove(pair_of(mapping), mapping, spotio, salesforce)
    assume(proof.losses)
    converter = compile_field(mapping, salesforce, spotio)
    for loss in proof.losses:
        link = Link(converter, mapping.rule, loss.before)
        if loss.side is Side.SALESFORCE:
            link.spotio = converter.canon_spotio(loss.shown)
            link.salesforce = converter.canon_salesforce(loss.before)
            link.base = (link.spotio, link.salesforce)
        assert loss.lost in lost(link, loss.side, loss.edited)


@given(
    rule=st.sampled_from(OF_ANY_FIELD),
    length=st.integers(min_value=3, max_value=20),
    own=st.one_of(st.none(), st.integers(min_value=1, max_value=40)),
    truncate=st.booleans(),
)
def test_a_cut_text_is_called_safe_where_an_edit_keeps_what_was_cut(rule, length, own, truncate):
    mapping = FieldMapping("Notes", "Notes__c", rule, truncate=truncate)
    spotio = SpotioField("1", "Notes", "MultiLine", max_length=own)
    salesforce = SalesforceField("Notes__c", "textarea", length=length, **WRITABLE)
    proof = prove(pair_of(mapping), mapping, spotio, salesforce)
    converter = compile_field(mapping, salesforce, spotio)
    losing = set()
    for side, holds in ((Side.SPOTIO, own or 60), (Side.SALESFORCE, length)):
        link = Link(converter, rule, "x")
        full = "".join(chr(ord("a") + at % 26) for at in range(holds))
        show = converter.to_salesforce if side is Side.SPOTIO else converter.to_spotio
        shown = show(full)
        if isinstance(shown, Undefined):
            continue
        values = (full, shown) if side is Side.SPOTIO else (shown, full)
        link.spotio, link.salesforce = link.base = values
        edited = f"Z{shown[1:]}"
        if side is Side.SPOTIO:
            link.salesforce = edited
        else:
            link.spotio = edited
        assert link.rests()
        after = link.spotio if side is Side.SPOTIO else link.salesforce
        tail = full[len(shown) :]
        if full not in link.journal and tail and not after.endswith(tail):
            losing.add(side)
    assert {loss.side for loss in proof.losses} == losing


P_TYPES = sorted(kind for kind in SPOTIO_KINDS if kind != "Stage")
S_TYPES = sorted(SALESFORCE_KINDS)
NORMALISERS = {
    "none": lambda value: value,
    "upper case": lambda value: value.upper() if isinstance(value, str) else value,
    "short": lambda value: value[:4] if isinstance(value, str) else value,
    "whole": lambda value: int(value) if isinstance(value, float) else value,
    "blank": lambda _: None,
}


@given(
    rule=st.sampled_from(RULES),
    kinds=st.tuples(st.sampled_from(P_TYPES), st.sampled_from(S_TYPES)),
    how=st.tuples(st.sampled_from(Conversion), st.booleans()),
    edits=st.lists(st.tuples(st.sampled_from(Side), VALUES_OF_ANY_TYPE), min_size=1, max_size=5),
    stored=st.sampled_from(sorted(NORMALISERS)),
)
@settings(max_examples=300)
def test_no_pair_by_itself_goes_on_and_on(rule, kinds, how, edits, stored):
    """Whatever the types, the edits and what a target makes of what it is sent."""
    conversion, restricted = how
    mapping = FieldMapping("Field", "Field__c", rule, conversion=conversion, truncate=restricted)
    spotio = SpotioField("1", "Field", kinds[0], options=CHOICES)
    picklist = tuple(map(PicklistValue, VALUES))
    salesforce = SalesforceField(
        "Field__c", kinds[1], length=8, scale=1, restricted=restricted, picklist=picklist
    )
    link = Link(compile_field(mapping, salesforce, spotio), rule, None, NORMALISERS[stored])
    for side, value in edits:
        if side is Side.SPOTIO:
            link.spotio = link.converter.canon_spotio(value)
        else:
            link.salesforce = link.converter.canon_salesforce(value)
        assert link.rests()


TWINS = """\
version: 1
objects:
  - spotio: Leads
    salesforce: Lead
    to_spotio: {{enabled: true, only_when: {{Status: {first}}}}}
    to_salesforce: {{enabled: true}}
    salesforce_external_id: SPOTIO_Id__c
    fields: [{{spotio: Rating, salesforce: Rating, rule: {left}}}]
  - spotio: Prospects
    salesforce: Lead
    to_spotio: {{enabled: true, only_when: {{Status: {second}}}}}
    to_salesforce: {{enabled: true}}
    salesforce_external_id: SPOTIO_Id__c
    fields: [{{spotio: Rating, salesforce: Rating, rule: {right}}}]
"""


@pytest.mark.parametrize(("left", "right"), list(product(OF_ANY_FIELD, OF_ANY_FIELD)))
def test_two_pairs_of_one_record_are_refused_where_their_decisions_take_turns(left, right):
    text = TWINS.format(left=left.value, right=right.value, first="[Open]", second="[Open]")
    refused = [one for one in check(parse(text)) if "never comes to rest" in one.message]
    plain = compile_field(FieldMapping("Rating", "Rating", left))
    first, second = Link(plain, left, "x"), Link(plain, right, "x")
    # Both partners and the record they share are changed between two runs.
    first.spotio, second.spotio, shared = "a", "b", "c"
    written = []
    for _ in range(12):
        wrote = False
        for link in (first, second):
            link.salesforce = shared
            wrote = link.cycle() or wrote
            shared = link.salesforce
        written.append(wrote)
    assert bool(refused) == written[-1], (written, refused)
    assert all(one.severity is Severity.ERROR for one in refused)


MIRRORED = """\
version: 1
objects:
  - spotio: People
    salesforce: Lead
    to_spotio: {{enabled: true}}
    to_salesforce: {{enabled: true}}
    fields: [{{spotio: Rating, salesforce: Rating, rule: {left}}}]
  - spotio: People
    salesforce: Contact
    to_spotio: {{enabled: true}}
    to_salesforce: {{enabled: {back}, create: {create}}}
    fields: [{{spotio: Rating, salesforce: Level__c, rule: {right}}}]
"""


@pytest.mark.parametrize(("left", "right"), list(product(RULES, RULES)))
def test_two_sobjects_of_one_record_are_refused_where_their_decisions_take_turns(left, right):
    text = MIRRORED.format(left=left.value, right=right.value, back="true", create="true")
    refused = [one for one in check(parse(text)) if "never comes to rest" in one.message]
    plain = compile_field(FieldMapping("Rating", "Rating", left))
    first, second = Link(plain, left, "x"), Link(plain, right, "x")
    first.salesforce, second.salesforce, shared = "a", "b", "c"
    wrote = False
    for _ in range(12):
        wrote = False
        for link in (first, second):
            link.spotio = shared
            wrote = link.cycle() or wrote
            shared = link.spotio
    assert bool(refused) == wrote, refused


def test_pairs_that_never_come_to_share_a_record_are_not_refused():
    ruled = "salesforce_only"
    text = MIRRORED.format(left=ruled, right=ruled, back="false", create="false")
    alone = text.replace("to_salesforce: {enabled: true}", "to_salesforce: {enabled: false}")
    assert not [one for one in check(parse(alone)) if "never comes to rest" in one.message]


def test_a_link_that_moves_at_conversion_is_never_shared():
    ruled = "salesforce_only"
    text = MIRRORED.format(left=ruled, right=ruled, back="true", create="false")
    moving = text.replace(
        "    salesforce: Lead\n", "    salesforce: Lead\n    on_convert: Contact\n"
    )
    moving = moving.replace(
        "salesforce: Contact\n    to_spotio: {enabled: true}",
        "salesforce: Contact\n    to_spotio: {enabled: true, create: false}",
    )
    assert [one for one in check(parse(text)) if "never comes to rest" in one.message]
    assert not [one for one in check(parse(moving)) if "never comes to rest" in one.message]


def test_two_pairs_whose_conditions_exclude_each_other_are_warned_of():
    text = TWINS.format(left="spotio_only", right="spotio_only", first="[Open]", second="[Shut]")
    found = [one for one in check(parse(text)) if "never comes to rest" in one.message]
    assert [one.severity for one in found] == [Severity.WARNING]


def test_no_field_pair_of_the_demo_is_flagged(monkeypatch):
    from reverse_sf.cli.systems import read_salesforce, read_spotio  # noqa: PLC0415

    definition = parse((ROOT / "sync.yml").read_bytes())
    with running(records=1) as servers:
        for name, value in servers.environment().items():
            monkeypatch.setenv(name, value)
        org, _, _ = read_salesforce(definition)
        workflow, _, _ = read_spotio()
    flagged = [one for one in check(definition, org, workflow) if one.severity is not Severity.NOTE]
    assert all("is not mapped from" in f"is {one.message}" for one in flagged), flagged
    proofs = [
        prove(one, mapping, kind.field(mapping.spotio), org.objects[one.salesforce].fields[name])
        for one in definition.objects
        if (kind := workflow.type(one.spotio))
        for mapping in one.fields
        if (name := mapping.salesforce) and mapping.rule is not SyncRule.DO_NOT_SYNC
    ]
    assert len(proofs) > 30
    assert all(proof.safe for proof in proofs)

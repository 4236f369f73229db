"""Laws of the rule ``union``: it is the formula of C.3, and its two halves come to one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from reverse_sf.mapping.conversion import compile_field
from reverse_sf.mapping.definition import FieldMapping, Side, SyncRule
from reverse_sf.mapping.describe import SalesforceField
from reverse_sf.mapping.workflow import SpotioField
from reverse_sf.merge.decide import Kind, decide
from reverse_sf.merge.union import elements, settled

FIELD = compile_field(
    FieldMapping("Products", "Products__c", SyncRule.UNION),
    SalesforceField("Products__c", type="multipicklist"),
    SpotioField("1", "Products", "MultiChoice", options=tuple("ABCDE")),
)
SETS = st.frozensets(st.sampled_from("ABCDE"))


def spelled(p, s):
    """The values as both systems hold them."""
    return FIELD.canon_spotio(sorted(p)), FIELD.canon_salesforce(";".join(sorted(s)))


def step(values, base, side):
    """One direction decides and writes; answers both values and the base that it leaves."""
    decision = decide(SyncRule.UNION, *values, base, FIELD)
    if decision.kind is Kind.REBASE:
        return values, values
    at = 0 if side is Side.SPOTIO else 1
    if decision.kind is Kind.NOTHING or (decision.both is None and decision.writes is not side):
        return values, base
    wanted = decision.value if decision.both is None else decision.both[at].value
    new = [values[0], values[1]]
    new[at] = wanted
    left = list(new)
    if decision.both is not None:
        left[at] = settled(wanted, decision.both[at][1:], side)
    return tuple(new), tuple(left)


@given(SETS, SETS, SETS, st.booleans())
def test_it_is_the_formula_whichever_side_is_written_first(b, p, s, salesforce_first):
    wanted = (b & p & s) | (p - b) | (s - b)
    values, base = spelled(p, s), spelled(b, b)
    first, second = Side.SALESFORCE, Side.SPOTIO
    for side in (first, second) if salesforce_first else (second, first):
        values, base = step(values, base, side)
    values, base = step(values, base, first)
    assert [elements(one) for one in values] == [wanted, wanted]
    assert step(values, base, second) == (values, base), "at rest"


@given(SETS, SETS, st.booleans())
def test_without_a_base_nothing_is_lost(p, s, salesforce_first):
    values, base = spelled(p, s), None
    first, second = Side.SALESFORCE, Side.SPOTIO
    for side in (first, second) if salesforce_first else (second, first):
        values, base = step(values, base, side)
    assert [elements(one) for one in values] == [p | s, p | s]


@given(SETS, SETS, SETS, SETS, st.sampled_from(Side))
def test_an_edit_between_the_two_halves_counts(b, p, s, edited, written):
    """Whoever edits the written side sees the union there: what is changed then is meant."""
    values, base = step(spelled(p, s), spelled(b, b), written)
    at = 0 if written is Side.SPOTIO else 1
    seen = elements(values[at])
    now = spelled(edited, edited)
    values = (now[0], values[1]) if at == 0 else (values[0], now[1])
    for side in (Side.SPOTIO, Side.SALESFORCE, Side.SPOTIO):
        values, base = step(values, base, side)
    held = elements(values[0])
    assert held == elements(values[1])
    if decide(SyncRule.UNION, *spelled(p, s), spelled(b, b), FIELD).both is not None:
        assert held >= edited - seen, "what was added is there"
        assert not held & (seen - edited), "what was taken away is gone"

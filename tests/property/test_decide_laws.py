"""Laws of the decision function, and its agreement with an independent naive reference."""

from __future__ import annotations

from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from reverse_sf.mapping.definition import DeletePolicy, Side, SyncRule
from reverse_sf.mapping.values import UNSET, Reason, Undefined, is_blank
from reverse_sf.merge.decide import Kind, Policy, decide, same
from reverse_sf.merge.evidence import Evidence, Interval
from reverse_sf.merge.lifecycle import Act, Event, RecordFacts, Standing, record_decision

S, P = Side.SALESFORCE, Side.SPOTIO

# Small pools make collisions common. "a" and "A" are one value to Salesforce (many to one), "u" has
# no image toward SPOTIO, "v" none toward Salesforce.
VALUES = st.sampled_from(["a", "A", "b", "u", "v", None, 0, False, 1, True, ""])
OBSERVED = st.one_of(VALUES, st.just(UNSET))
BASES = st.one_of(st.none(), st.tuples(VALUES, VALUES))
RULES = st.sampled_from([one for one in SyncRule if one is not SyncRule.UNION])
"""A union is of sets: its laws are in ``test_union_laws.py``."""
BOUNDS = st.one_of(st.none(), st.integers(0, 6))
INTERVALS = st.builds(Interval, BOUNDS, BOUNDS)
EVIDENCE = st.builds(Evidence, INTERVALS, INTERVALS, st.sampled_from([0, 1]))
POLICIES = st.builds(Policy, st.sampled_from([S, P]), st.sampled_from([S, P]), st.booleans())


class Case(NamedTuple):
    """One field of a linked pair."""

    rule: SyncRule
    p: object
    s: object
    base: tuple | None
    evidence: Evidence
    policy: Policy

    def decision(self, **other):
        one = self._replace(**other)
        return decide(
            one.rule, one.p, one.s, one.base, EXCHANGE, evidence=one.evidence, policy=one.policy
        )


CASES = st.builds(Case, RULES, OBSERVED, OBSERVED, BASES, EVIDENCE, POLICIES)
SEEN = st.builds(Case, RULES, VALUES, VALUES, BASES, EVIDENCE, POLICIES)


class ManyToOne:
    """SPOTIO's ``a`` and ``A`` are both Salesforce's ``a``."""

    def to_spotio(self, value):
        return Undefined(Reason.CHOICE_UNMAPPED, "no") if value == "u" else value

    def to_salesforce(self, value):
        if value == "v":
            return Undefined(Reason.CHOICE_UNMAPPED, "no")
        return "a" if value == "A" else value

    def agrees(self, p, s):
        if is_blank(p) or is_blank(s):
            return is_blank(p) and is_blank(s)
        return same(self.to_spotio(s), p) or same(self.to_salesforce(p), s)


class Mirrored:
    """An exchange with its sides swapped."""

    def __init__(self, exchange):
        self.to_spotio = exchange.to_salesforce
        self.to_salesforce = exchange.to_spotio
        self.agrees = lambda p, s: exchange.agrees(s, p)


EXCHANGE = ManyToOne()
MIRROR = {
    SyncRule.SALESFORCE_ONLY: SyncRule.SPOTIO_ONLY,
    SyncRule.SALESFORCE_UNLESS_BLANK: SyncRule.SPOTIO_UNLESS_BLANK,
    SyncRule.SPOTIO_ONLY: SyncRule.SALESFORCE_ONLY,
    SyncRule.SPOTIO_UNLESS_BLANK: SyncRule.SALESFORCE_UNLESS_BLANK,
}


def other(side):
    return S if side is P else P


def naive(case):
    """The table once more, written by situation instead of by row; shares no code with the core."""
    rule, p, s, base, evidence, policy = case
    if rule is SyncRule.DO_NOT_SYNC or p is UNSET or s is UNSET:
        return "nothing", False
    if (empty(p) and empty(s)) or one(to_p(s), p) or one(to_s(p), s):
        return "rebase", False
    dp, ds = (True, True) if base is None else (not one(p, base[0]), not one(s, base[1]))
    if not dp and not ds:
        return "nothing", False
    if rule.value.endswith(("_only", "_unless_blank")):
        winner, star = by_ruler(case, dp, ds)
    elif base is None:
        winner, star = without_base(case)
    elif dp and ds:
        winner = later(evidence) or (P if empty(s) else S if empty(p) else policy.tie)
        star = True
        if rule is SyncRule.MANUAL:
            winner = "park"
    else:
        winner, star = P if dp else S, False
    if winner in {"rebase", "park"}:
        return winner, False
    image = to_p(s) if winner is S else to_s(p)
    if isinstance(image, Undefined):
        return "park", False
    loser = other(winner)
    return ("write", loser, image), star or stood_alone(case, loser)


def stood_alone(case, side):
    """What had no counterpart when it was settled (row 12) was a person's all the same."""
    at, held = (0, case.p) if side is P else (1, case.s)
    if case.base is None or empty(held):
        return False
    return one(held, case.base[at]) and empty(case.base[1 - at])


def by_ruler(case, dp, ds):
    """Rules with one ruling side: it wins, unless it is blank and the rule makes way."""
    ruler = S if case.rule.value.startswith("salesforce") else P
    gives_way = case.rule.value.endswith("_unless_blank")
    ruling, ruled = (case.s, case.p) if ruler is S else (case.p, case.s)
    ruling_changed, ruled_changed = (ds, dp) if ruler is S else (dp, ds)
    if case.base is None:
        if not empty(ruling):
            return ruler, not empty(ruled)
        if gives_way:
            return other(ruler), False
        return (ruler, True) if case.policy.clear_at_go_live else ("rebase", False)
    if not ruled_changed:
        return ruler, False
    if gives_way and empty(ruling):
        return other(ruler), ruling_changed
    return ruler, True


def without_base(case):
    if empty(case.s):
        return P, False
    if empty(case.p):
        return S, False
    return ("park", False) if case.rule is SyncRule.MANUAL else (case.policy.initial, True)


def later(evidence):
    p, s, eps = evidence.spotio, evidence.salesforce, evidence.eps
    if p.lo is not None and s.hi is not None and p.lo - s.hi > eps:
        return P
    if s.lo is not None and p.hi is not None and s.lo - p.hi > eps:
        return S
    return None


def empty(value):
    return value is None or (isinstance(value, str) and value == "")


def one(left, right):
    return (type(left) is bool) == (type(right) is bool) and left == right


def to_p(value):
    return None if empty(value) else EXCHANGE.to_spotio(value)


def to_s(value):
    return None if empty(value) else EXCHANGE.to_salesforce(value)


def told(decision):
    if decision.kind is Kind.WRITE:
        return ("write", decision.writes, decision.value), decision.journal
    return decision.kind.value, decision.journal


@given(CASES)
def test_the_decision_is_that_of_the_naive_reference(case):
    assert told(case.decision()) == naive(case)


@given(CASES)
def test_swapping_the_sides_mirrors_the_result(case):
    rule, p, s, base, evidence, policy = case
    straight = case.decision()
    swapped = decide(
        MIRROR.get(rule, rule),
        s,
        p,
        None if base is None else (base[1], base[0]),
        Mirrored(EXCHANGE),
        evidence=Evidence(evidence.salesforce, evidence.spotio, evidence.eps),
        policy=Policy(other(policy.tie), other(policy.initial), policy.clear_at_go_live),
    )
    assert straight.kind is swapped.kind
    assert straight.value == swapped.value
    assert straight.journal == swapped.journal
    assert (straight.writes and other(straight.writes)) == swapped.writes


@given(SEEN, st.sampled_from([SyncRule.TWO_WAY, SyncRule.MANUAL]), VALUES)
def test_under_two_way_a_side_that_did_not_change_never_wins(case, rule, still):
    only_salesforce = case.decision(rule=rule, p=still, base=(still, "gone"))
    assert only_salesforce.writes is not S
    only_spotio = case.decision(rule=rule, s=still, base=("gone", still))
    assert only_spotio.writes is not P


@given(CASES)
def test_do_not_sync_writes_nothing(case):
    assert case.decision(rule=SyncRule.DO_NOT_SYNC).kind is Kind.NOTHING


@given(SEEN)
def test_agreement_writes_nothing(case):
    if EXCHANGE.agrees(case.p, case.s):
        assert case.decision().kind in {Kind.REBASE, Kind.NOTHING}


@given(SEEN)
def test_what_was_written_and_rebased_is_at_rest(case):
    """Applying a decision, with the value read back as sent, leaves nothing to decide."""
    decision = case.decision()
    if decision.kind in {Kind.PARK, Kind.NOTHING}:
        return
    p = decision.value if decision.writes is P else case.p
    s = decision.value if decision.writes is S else case.s
    again = case.decision(p=p, s=s, base=(p, s))
    assert again.kind in {Kind.NOTHING, Kind.REBASE}


@given(SEEN, VALUES)
def test_a_target_that_normalises_our_write_is_left_alone(case, read_back):
    decision = case.decision(base=None)
    if decision.kind is not Kind.WRITE:
        return
    p, s = (read_back, case.s) if decision.writes is P else (case.p, read_back)
    again = case.decision(p=p, s=s, base=(p, s))
    assert again.kind in {Kind.NOTHING, Kind.REBASE}


@given(SEEN)
def test_only_a_users_value_goes_to_the_journal(case):
    """A loser that did not change since the base was settled with the other side: nothing to keep.

    Except where the other side had nothing to settle it with (row 12).
    """
    decision = case.decision()
    if decision.journal and case.base is not None:
        loser, was, across = (
            (case.p, *case.base) if decision.writes is P else (case.s, *reversed(case.base))
        )
        assert not same(loser, was) or is_blank(across)


FACTS = st.builds(
    RecordFacts,
    st.sampled_from(Standing),
    st.sampled_from(Event),
    st.booleans(),
    st.one_of(st.none(), st.booleans()),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.sampled_from(DeletePolicy),
)


@given(FACTS)
def test_a_delete_needs_a_deletion_the_policy_and_an_unchanged_linked_partner(facts):
    """Invariant I11: leaving scope and absence never delete."""
    if record_decision(facts).act is Act.DELETE:
        assert facts.event in {Event.DELETED, Event.MERGED}
        assert facts.on_delete is DeletePolicy.DELETE
        assert facts.standing is Standing.LINKED
        assert not facts.other_changed


@given(FACTS)
def test_nothing_out_of_scope_is_created_or_updated(facts):
    """Invariant I6: the filter holds for the very image that is written."""
    if record_decision(facts).act in {Act.CREATE, Act.FIELDS, Act.REVIVE}:
        assert facts.in_scope
        assert facts.event is Event.PRESENT

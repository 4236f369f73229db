"""Laws of the decision function, and its agreement with an independent naive reference."""

from __future__ import annotations

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
RULES = st.sampled_from(SyncRule)
BOUNDS = st.one_of(st.none(), st.integers(0, 6))
INTERVALS = st.builds(Interval, BOUNDS, BOUNDS)
EVIDENCE = st.builds(Evidence, INTERVALS, INTERVALS, st.sampled_from([0, 1]))
POLICIES = st.builds(Policy, st.sampled_from([S, P]), st.sampled_from([S, P]), st.booleans())


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


def naive(rule, p, s, base, evidence, policy):  # noqa: C901, PLR0911, PLR0912 - the table, cell by cell
    """The table once more, written by situation instead of by row; shares no code with the core."""
    blank = lambda v: v is None or (v == "" and isinstance(v, str))  # noqa: E731
    eq = lambda a, b: (type(a) is bool) == (type(b) is bool) and a == b  # noqa: E731
    to_p = lambda v: None if blank(v) else EXCHANGE.to_spotio(v)  # noqa: E731
    to_s = lambda v: None if blank(v) else EXCHANGE.to_salesforce(v)  # noqa: E731
    if rule is SyncRule.DO_NOT_SYNC or p is UNSET or s is UNSET:
        return "nothing", False
    if (blank(p) and blank(s)) or eq(to_p(s), p) or eq(to_s(p), s):
        return "rebase", False
    dp, ds = (True, True) if base is None else (not eq(p, base[0]), not eq(s, base[1]))
    if not dp and not ds:
        return "nothing", False
    if base is None:
        kind = "none"
    else:
        kind = {(True, True): "both", (True, False): "p", (False, True): "s"}[dp, ds]
    later = None
    e, x, y = evidence.eps, evidence.spotio, evidence.salesforce
    if x.lo is not None and y.hi is not None and x.lo > y.hi + e:
        later = P
    elif y.lo is not None and x.hi is not None and y.lo > x.hi + e:
        later = S
    name = rule.value
    star = False
    if name.endswith(("_only", "_unless_blank")):
        ruler = S if name.startswith("salesforce") else P
        ruling, ruled = (s, p) if ruler is S else (p, s)
        ruling_changed, ruled_changed = (ds, dp) if ruler is S else (dp, ds)
        winner = ruler
        if kind == "none":
            if blank(ruling):
                if name.endswith("_unless_blank"):
                    winner = other(ruler)
                elif not policy.clear_at_go_live:
                    return "rebase", False
                else:
                    star = True
            else:
                star = not blank(ruled)
        elif ruled_changed:
            star = True
            if name.endswith("_unless_blank") and blank(ruling):
                winner = other(ruler)
                star = ruling_changed
    elif name == "manual" and (
        kind == "both" or (kind == "none" and not blank(p) and not blank(s))
    ):
        return "park", False
    elif kind == "none":
        if blank(s):
            winner = P
        elif blank(p):
            winner = S
        else:
            winner, star = policy.initial, True
    elif kind == "both":
        star = True
        winner = later or (P if blank(s) else S if blank(p) else policy.tie)
    else:
        winner = P if kind == "p" else S
    image = to_p(s) if winner is S else to_s(p)
    if isinstance(image, Undefined):
        return "park", False
    return ("write", other(winner), image), star


def told(decision):
    if decision.kind is Kind.WRITE:
        return ("write", decision.writes, decision.value), decision.journal
    return decision.kind.value, decision.journal


@given(RULES, OBSERVED, OBSERVED, BASES, EVIDENCE, POLICIES)
def test_the_decision_is_that_of_the_naive_reference(rule, p, s, base, evidence, policy):
    decision = decide(rule, p, s, base, EXCHANGE, evidence=evidence, policy=policy)
    assert told(decision) == naive(rule, p, s, base, evidence, policy)


@given(RULES, OBSERVED, OBSERVED, BASES, EVIDENCE, POLICIES)
def test_swapping_the_sides_mirrors_the_result(rule, p, s, base, evidence, policy):
    straight = decide(rule, p, s, base, EXCHANGE, evidence=evidence, policy=policy)
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


@given(st.sampled_from([SyncRule.TWO_WAY, SyncRule.MANUAL]), VALUES, VALUES, VALUES, EVIDENCE)
def test_under_two_way_a_side_that_did_not_change_never_wins(rule, p, s, still, evidence):
    only_salesforce = decide(rule, still, s, (still, "gone"), EXCHANGE, evidence=evidence)
    assert only_salesforce.writes is not S
    only_spotio = decide(rule, p, still, ("gone", still), EXCHANGE, evidence=evidence)
    assert only_spotio.writes is not P


@given(OBSERVED, OBSERVED, BASES, EVIDENCE, POLICIES)
def test_do_not_sync_writes_nothing(p, s, base, evidence, policy):
    decision = decide(SyncRule.DO_NOT_SYNC, p, s, base, EXCHANGE, evidence=evidence, policy=policy)
    assert decision.kind is Kind.NOTHING


@given(RULES, VALUES, VALUES, BASES, EVIDENCE, POLICIES)
def test_agreement_writes_nothing(rule, p, s, base, evidence, policy):
    decision = decide(rule, p, s, base, EXCHANGE, evidence=evidence, policy=policy)
    if EXCHANGE.agrees(p, s):
        assert decision.kind in {Kind.REBASE, Kind.NOTHING}


@given(RULES, VALUES, VALUES, BASES, EVIDENCE, POLICIES)
def test_what_was_written_and_rebased_is_at_rest(rule, p, s, base, evidence, policy):
    """Applying a decision, with the value read back as sent, leaves nothing to decide."""
    decision = decide(rule, p, s, base, EXCHANGE, evidence=evidence, policy=policy)
    if decision.kind in {Kind.PARK, Kind.NOTHING}:
        return
    if decision.writes is P:
        p = decision.value
    elif decision.writes is S:
        s = decision.value
    again = decide(rule, p, s, (p, s), EXCHANGE, evidence=evidence, policy=policy)
    assert again.kind in {Kind.NOTHING, Kind.REBASE}


@given(RULES, VALUES, VALUES, VALUES, EVIDENCE, POLICIES)
def test_a_target_that_normalises_our_write_is_left_alone(rule, p, s, read_back, evidence, policy):
    decision = decide(rule, p, s, None, EXCHANGE, evidence=evidence, policy=policy)
    if decision.kind is not Kind.WRITE:
        return
    p, s = (read_back, s) if decision.writes is P else (p, read_back)
    again = decide(rule, p, s, (p, s), EXCHANGE, evidence=evidence, policy=policy)
    assert again.kind in {Kind.NOTHING, Kind.REBASE}


@given(RULES, VALUES, VALUES, BASES, EVIDENCE)
def test_only_a_users_value_goes_to_the_journal(rule, p, s, base, evidence):
    """A loser that did not change since the base is not a user's value to keep."""
    decision = decide(rule, p, s, base, EXCHANGE, evidence=evidence)
    if decision.journal and base is not None:
        loser, was = (p, base[0]) if decision.writes is P else (s, base[1])
        assert not same(loser, was)


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

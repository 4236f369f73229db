"""One test per row of the specification; the ids name the row and the rule."""

from __future__ import annotations

import pytest

from reverse_sf.mapping.definition import DeletePolicy, Direction, FieldMapping, Side, SyncRule
from reverse_sf.mapping.values import UNSET, Reason, Undefined, is_blank
from reverse_sf.merge.creation import is_sent_on_create, wins_on_link
from reverse_sf.merge.decide import Kind, Policy, decide, same
from reverse_sf.merge.evidence import Evidence, Interval, newer
from reverse_sf.merge.lifecycle import Act, Event, RecordFacts, Standing, record_decision
from reverse_sf.merge.tables import Row

S, P = Side.SALESFORCE, Side.SPOTIO


class Alike:
    """Both sides spell a value alike, except that one value has no counterpart."""

    def __init__(self, undefined=()):
        self.undefined = undefined

    def to_spotio(self, value):
        return self._carry(value)

    def to_salesforce(self, value):
        return self._carry(value)

    def agrees(self, spotio, salesforce):
        if is_blank(spotio) or is_blank(salesforce):
            return is_blank(spotio) and is_blank(salesforce)
        return same(self._carry(salesforce), spotio) or same(self._carry(spotio), salesforce)

    def _carry(self, value):
        if value in self.undefined:
            return Undefined(Reason.CHOICE_UNMAPPED, f"{value} is not mapped")
        return value


# By row: the SPOTIO value, the Salesforce value and the base.
SITUATIONS = {
    "C3-01": ("new", "new", ("old", "old")),
    "C3-02": ("p", "s", ("p", "s")),
    "C3-03": ("old", "new", ("old", "old")),
    "C3-04": ("old", None, ("old", "old")),
    "C3-05": ("new", "old", ("old", "old")),
    "C3-06": ("new", None, (None, None)),
    "C3-07": (None, "old", ("old", "old")),
    "C3-08": ("mine", "theirs", ("old", "old")),
    "C3-09": ("mine", None, ("old", "old")),
    "C3-10": (None, "theirs", ("old", "old")),
    "C3-11": ("mine", "theirs", None),
    "C3-12": ("mine", None, None),
    "C3-13": (None, "theirs", None),
}

# What each rule does: rebase, nothing, park, or the winner; a star means that the loser is
# journaled. Written down from the table of section C.3; the last three columns are the
# mirror images of the first two, and "manual".
EXPECTED = {
    #         salesforce_only, unless_blank, two_way, spotio_only, spotio_unless_blank, manual
    "C3-01": ("rebase", "rebase", "rebase", "rebase", "rebase", "rebase"),
    "C3-02": ("nothing", "nothing", "nothing", "nothing", "nothing", "nothing"),
    "C3-03": ("S", "S", "S", "P*", "P*", "S"),
    "C3-04": ("S", "S", "S", "P*", "P*", "S"),
    "C3-05": ("S*", "S*", "P", "P", "P", "P"),
    "C3-06": ("S*", "P", "P", "P", "P", "P"),
    "C3-07": ("S*", "S*", "P", "P", "P", "P"),
    "C3-08": ("S*", "S*", "S*", "P*", "P*", "park"),
    "C3-09": ("S*", "P*", "P*", "P*", "P*", "park"),
    "C3-10": ("S*", "S*", "S*", "P*", "S*", "park"),
    "C3-11": ("S*", "S*", "S*", "P*", "P*", "park"),
    "C3-12": ("rebase", "P", "P", "P", "P", "P"),
    "C3-13": ("S", "S", "S", "rebase", "S", "S"),
}
RULES = (
    SyncRule.SALESFORCE_ONLY,
    SyncRule.SALESFORCE_UNLESS_BLANK,
    SyncRule.TWO_WAY,
    SyncRule.SPOTIO_ONLY,
    SyncRule.SPOTIO_UNLESS_BLANK,
    SyncRule.MANUAL,
)
CELLS = [
    pytest.param(
        row,
        rule,
        EXPECTED[row][column],
        id=f"{row} {rule.value}",
        marks=pytest.mark.row(f"{row} {rule.value}"),
    )
    for row in SITUATIONS
    for column, rule in enumerate(RULES)
]


def told(decision):
    if decision.kind is not Kind.WRITE:
        return decision.kind.value
    winner = "P" if decision.writes is S else "S"
    return winner + ("*" if decision.journal else "")


@pytest.mark.parametrize(("row", "rule", "expected"), CELLS)
def test_a_cell_of_the_table_is_kept(row, rule, expected):
    spotio, salesforce, base = SITUATIONS[row]
    decision = decide(rule, spotio, salesforce, base, Alike())
    assert decision.row == row
    assert told(decision) == expected
    if decision.kind is Kind.WRITE:
        assert decision.value == (spotio if decision.writes is S else salesforce)


@pytest.mark.row("{row} do_not_sync")
@pytest.mark.parametrize("row", [pytest.param(row, id=f"{row} do_not_sync") for row in SITUATIONS])
def test_do_not_sync_does_nothing(row):
    decision = decide(SyncRule.DO_NOT_SYNC, *SITUATIONS[row], Alike())
    assert decision.kind is Kind.NOTHING


@pytest.mark.row("C3-14 {rule}")
@pytest.mark.parametrize("rule", [pytest.param(one, id=f"C3-14 {one.value}") for one in RULES])
def test_a_winner_without_an_image_on_the_other_side_is_parked(rule):
    for spotio, salesforce in (("x", "bad"), ("bad", "x")):
        loses = "bad" if rule is SyncRule.MANUAL else None
        decision = decide(
            rule, spotio, salesforce, ("old", "old"), Alike(undefined=("bad",)), evidence=Evidence()
        )
        if loses:
            assert decision.kind is Kind.PARK
            continue
        winner = salesforce if rule in {*RULES[:3]} else spotio
        if winner == "bad":
            assert (decision.kind, decision.row) == (Kind.PARK, Row.UNDEFINED)
            assert decision.reason == "choice_unmapped"
            assert decision.because is Row.BOTH
        else:
            assert decision.kind is Kind.WRITE


@pytest.mark.row("C3-14 do_not_sync")
def test_a_field_that_is_not_synced_is_not_even_parked():
    decision = decide(SyncRule.DO_NOT_SYNC, "x", "bad", None, Alike(undefined=("bad",)))
    assert decision.kind is Kind.NOTHING


@pytest.mark.row("C3-04 salesforce_unless_blank", "C3-06 salesforce_unless_blank")
def test_c3_06_with_a_base_reads_as_the_row_that_only_the_base_tells_from_row_4():
    """Rows 4 and 6 show identical images (p=x, s=_): only the base differs."""
    cleared = decide(SyncRule.SALESFORCE_UNLESS_BLANK, "x", None, ("x", "x"), Alike())
    filled = decide(SyncRule.SALESFORCE_UNLESS_BLANK, "x", None, (None, None), Alike())
    assert (cleared.row, cleared.writes, cleared.value) == ("C3-04", P, None)
    assert (filled.row, filled.writes, filled.value) == ("C3-06", S, "x")


@pytest.mark.parametrize(
    ("evidence", "winner"),
    [
        pytest.param(Evidence(Interval(100, 200), Interval(10, 20)), P, id="C3-08 spotio is newer"),
        pytest.param(Evidence(Interval(10, 20), Interval(100, 200)), S, id="C3-08 s is newer"),
        pytest.param(Evidence(Interval(10, 20), Interval(19, 30)), S, id="C3-08 tie"),
        pytest.param(Evidence(Interval(22, 30), Interval(10, 20), eps=2), S, id="C3-08 skew"),
        pytest.param(Evidence(Interval(22.5, 30), Interval(10, 20), eps=2), P, id="C3-08 beyond"),
    ],
)
def test_two_way_follows_the_newer_change_and_ties_to_salesforce(evidence, winner):
    decision = decide(SyncRule.TWO_WAY, "p", "s", ("b", "b"), Alike(), evidence=evidence)
    assert decision.journal
    assert decision.writes is (S if winner is P else P)


def test_c3_09_and_c3_10_two_way_follow_certain_evidence_even_to_the_blank_side():
    spotio_newer = Evidence(Interval(100, 200), Interval(10, 20))
    salesforce_newer = Evidence(Interval(10, 20), Interval(100, 200))
    nine = decide(SyncRule.TWO_WAY, "p", None, ("b", "b"), Alike(), evidence=salesforce_newer)
    ten = decide(SyncRule.TWO_WAY, None, "s", ("b", "b"), Alike(), evidence=spotio_newer)
    assert (nine.row, nine.writes, nine.value) == ("C3-09", P, None)
    assert (ten.row, ten.writes, ten.value) == ("C3-10", S, None)


def test_the_tie_and_the_initial_winner_are_policies():
    policy = Policy(tie=P, initial=P)
    assert decide(SyncRule.TWO_WAY, "p", "s", ("b", "b"), Alike(), policy=policy).writes is S
    assert decide(SyncRule.TWO_WAY, "p", "s", None, Alike(), policy=policy).writes is S


@pytest.mark.row("C3-12 salesforce_only, clear at go-live")
def test_c3_12_salesforce_only_clears_at_go_live_only_where_asked():
    asked = Policy(clear_at_go_live=True)
    decision = decide(SyncRule.SALESFORCE_ONLY, "p", None, None, Alike(), policy=asked)
    assert (decision.writes, decision.value, decision.journal) == (P, None, True)


@pytest.mark.parametrize(
    ("rule", "spotio", "salesforce", "base", "told_as"),
    [
        (SyncRule.SALESFORCE_ONLY, "p", "s", ("p", None), "S*"),
        (SyncRule.SPOTIO_ONLY, "p", "s", (None, "s"), "P*"),
        (SyncRule.SALESFORCE_ONLY, "p", "s", ("p", "p"), "S"),
        (SyncRule.SALESFORCE_ONLY, "p", None, ("p", "p"), "S"),
    ],
)
def test_a_value_that_row_12_left_standing_is_journaled_when_it_has_to_go(
    rule, spotio, salesforce, base, told_as
):
    assert told(decide(rule, spotio, salesforce, base, Alike())) == told_as


@pytest.mark.parametrize("rule", list(SyncRule))
def test_an_absent_value_decides_nothing(rule):
    for spotio, salesforce in ((UNSET, "s"), ("p", UNSET), (UNSET, None)):
        decision = decide(rule, spotio, salesforce, ("b", "b"), Alike())
        assert (decision.kind, decision.row) == (Kind.NOTHING, Row.ABSENT)


@pytest.mark.parametrize(("zero", "blank"), [(0, None), (False, None), (0, ""), (False, [])])
def test_zero_and_false_are_values_and_not_blank(zero, blank):
    assert decide(SyncRule.TWO_WAY, zero, blank, None, Alike()).row == "C3-12"
    assert not Alike().agrees(zero, blank)


def test_true_is_not_one():
    assert not Alike().agrees(*(1, True))


def test_newer_is_unknown_where_a_bound_is_unknown():
    assert newer(Evidence(Interval(None, 200), Interval(10, 20))) is None
    assert newer(Evidence(Interval(100, 200), Interval(10, None))) is None


# --- On create -------------------------------------------------------------------------------


@pytest.mark.row("create {created} {rule}")
@pytest.mark.parametrize("created", list(Direction))
@pytest.mark.parametrize("rule", [pytest.param(one, id=f"create {one.value}") for one in SyncRule])
def test_on_create_every_rule_but_do_not_sync_sends_the_field(rule, created):
    field = FieldMapping("Company", "Name", rule)
    side = P if created is Direction.TO_SPOTIO else S
    assert is_sent_on_create(field, side) is (rule is not SyncRule.DO_NOT_SYNC)


@pytest.mark.row("create to_spotio, on_create omit", "create to_salesforce, on_create omit")
def test_omit_on_create_holds_a_field_back_from_the_side_that_rules_it():
    ruled_by_salesforce = FieldMapping("A", "B", SyncRule.TWO_WAY, omit_on_create=True)
    ruled_by_spotio = FieldMapping("A", "B", SyncRule.SPOTIO_ONLY, omit_on_create=True)
    assert is_sent_on_create(ruled_by_salesforce, P)
    assert not is_sent_on_create(ruled_by_salesforce, S)
    assert not is_sent_on_create(ruled_by_spotio, P)
    assert is_sent_on_create(ruled_by_spotio, S)


@pytest.mark.parametrize(
    ("rule", "wins"),
    [
        (SyncRule.SALESFORCE_ONLY, True),
        (SyncRule.SALESFORCE_UNLESS_BLANK, True),
        (SyncRule.TWO_WAY, True),
        (SyncRule.DO_NOT_SYNC, False),
        (SyncRule.SPOTIO_ONLY, False),
        (SyncRule.SPOTIO_UNLESS_BLANK, False),
        (SyncRule.MANUAL, False),
    ],
)
def test_rows_11_to_13_say_which_fields_replace_those_of_a_record_found_to_exist(rule, wins):
    assert wins_on_link(rule, "value", P) is wins
    assert not wins_on_link(rule, None, P), "a blank never clears an existing record (row 12)"


# --- C.4 -------------------------------------------------------------------------------------

IGNORE, UNLINK, DELETE = DeletePolicy.IGNORE, DeletePolicy.UNLINK, DeletePolicy.DELETE
LINKED, UNLINKED = Standing.LINKED, Standing.UNLINKED
RECORD_ROWS = {
    "unlinked, source in scope": (RecordFacts(UNLINKED), Act.CREATE),
    "unlinked, source out of scope": (RecordFacts(UNLINKED, in_scope=False), Act.NOTHING),
    "linked, source in scope": (RecordFacts(LINKED), Act.FIELDS),
    "linked, source out of scope": (RecordFacts(LINKED, in_scope=False), Act.FROZEN),
    "leaves scope in this change": (
        RecordFacts(LINKED, in_scope=False, was_in_scope=True),
        Act.FROZEN,
    ),
    "re-enters scope": (RecordFacts(LINKED, was_in_scope=False), Act.FIELDS),
    "S deleted, ignore": (RecordFacts(LINKED, Event.DELETED), Act.TOMBSTONE),
    "S deleted, unlink": (RecordFacts(LINKED, Event.DELETED, on_delete=UNLINK), Act.UNLINK),
    "S deleted, delete": (RecordFacts(LINKED, Event.DELETED, on_delete=DELETE), Act.DELETE),
    "S deleted, delete, other side changed": (
        RecordFacts(LINKED, Event.DELETED, on_delete=DELETE, other_changed=True),
        Act.UNLINK,
    ),
    "S deleted, unlink, other side changed": (
        RecordFacts(LINKED, Event.DELETED, on_delete=UNLINK, other_changed=True),
        Act.UNLINK,
    ),
    "S deleted, never linked": (RecordFacts(UNLINKED, Event.DELETED), Act.TOMBSTONE),
    "S deleted, set apart before": (
        RecordFacts(Standing.UNLINKED_BY_POLICY, Event.DELETED, on_delete=DELETE),
        Act.FROZEN,
    ),
    "both deleted": (
        RecordFacts(LINKED, Event.DELETED, on_delete=DELETE, other_deleted=True),
        Act.TOMBSTONE,
    ),
    "P deleted, ignore": (RecordFacts(LINKED, Event.DELETED, source="P"), Act.TOMBSTONE),
    "P deleted, unlink": (
        RecordFacts(LINKED, Event.DELETED, on_delete=UNLINK, source="P"),
        Act.UNLINK,
    ),
    "P deleted, delete": (
        RecordFacts(LINKED, Event.DELETED, on_delete=DELETE, source="P"),
        Act.DELETE,
    ),
    "P deleted, delete, other side changed": (
        RecordFacts(LINKED, Event.DELETED, on_delete=DELETE, other_changed=True, source="P"),
        Act.UNLINK,
    ),
    "the other side is gone": (RecordFacts(LINKED, other_deleted=True), Act.FROZEN),
    "a tombstone of the other side": (
        RecordFacts(Standing.TOMBSTONE, other_deleted=True),
        Act.FROZEN,
    ),
    "undeleted": (RecordFacts(Standing.TOMBSTONE), Act.REVIVE),
    "undeleted, out of scope": (RecordFacts(Standing.TOMBSTONE, in_scope=False), Act.FROZEN),
    "merge loser, winner has no link": (RecordFacts(LINKED, Event.MERGED), Act.MOVE),
    "merge loser, winner linked": (
        RecordFacts(LINKED, Event.MERGED, winner_linked=True),
        Act.ALIAS,
    ),
    "merge loser, winner linked, delete": (
        RecordFacts(LINKED, Event.MERGED, winner_linked=True, on_delete=DELETE),
        Act.ALIAS,
    ),
    "merge loser, never linked": (RecordFacts(UNLINKED, Event.MERGED), Act.TOMBSTONE),
    "alias": (RecordFacts(Standing.ALIAS), Act.FROZEN),
    "unlinked by policy": (RecordFacts(Standing.UNLINKED_BY_POLICY), Act.FROZEN),
    "lead converted, linked": (RecordFacts(LINKED, Event.CONVERTED), Act.FROZEN),
    "lead converted, never linked": (RecordFacts(UNLINKED, Event.CONVERTED), Act.NOTHING),
}


@pytest.mark.parametrize(
    ("facts", "act"), [pytest.param(*case, id=f"C4 {name}") for name, case in RECORD_ROWS.items()]
)
def test_a_row_of_the_record_tables_is_kept(facts, act):
    assert record_decision(facts).act is act


@pytest.mark.parametrize(("source", "other"), [("S", "P"), ("P", "S")])
def test_a_row_names_the_side_that_was_deleted(source, other):
    gone = RecordFacts(LINKED, Event.DELETED, on_delete=DELETE, source=source)
    assert record_decision(gone).row == f"C4 {source} deleted"
    left = RecordFacts(LINKED, other_deleted=True, source=source)
    assert record_decision(left).row == f"C4 {other} deleted"


def test_a_change_that_outlives_a_deletion_is_journaled():
    facts = RecordFacts(LINKED, Event.DELETED, on_delete=DELETE, other_changed=True)
    assert record_decision(facts).journal

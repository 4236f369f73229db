"""Whole records in both directions, row by row of section C.4: deletions, undeletes, merges."""

from __future__ import annotations

import pytest

from reverse_sf.errors import ConfigurationError
from reverse_sf.ledger.rows import LinkState
from reverse_sf.mapper.course import TO_SALESFORCE, TO_SPOTIO
from reverse_sf.mapping.document import parse
from tests.unit.two_way_fixtures import SYNC, TwoWay, world

__all__ = ["world"]

PAIR = "Account:Accounts"
SIDES = pytest.mark.parametrize("side", ["S", "P"])


def with_policy(folder, side, policy, more=""):
    asked = {"S": "ignore", "P": "ignore", side: policy}
    told = f"on_delete: {{in_salesforce: {asked['S']}, in_spotio: {asked['P']}{more}}}"
    return TwoWay(
        folder, SYNC.replace("on_delete: {in_salesforce: ignore, in_spotio: delete}", told)
    )


def delete(world, side, ids):
    if side == "S":
        world.in_salesforce("Account", ids[0], IsDeleted=True)
    else:
        world.delete_in_spotio(ids[1])


def change(world, side, ids):
    """A change that the sync has seen and holds back: the record left the filter with it."""
    if side == "S":
        world.in_salesforce("Account", ids[0], Website="changed", Type="Other")
        assert world.to_spotio() == []
    else:
        world.in_spotio("Accounts", ids[1], Website="changed", Stage="Former")
        assert world.to_salesforce() == []


def is_gone(world, side, ids):
    if side == "S":
        return world.salesforce.by_stream["Account"][ids[0]]["IsDeleted"] is True
    return world.spotio.by_stream["Accounts"][ids[1]]["deleted"] is True


def state(world, ids):
    with world.open() as ledger:
        link = ledger.link_ids_of_spotio(PAIR, [ids[1]])[ids[1]]
        return ledger.snapshots([link])[link].link.state


def only(world, side):
    """One run of the direction in which a side's events go."""
    return world.to_spotio() if side == "S" else world.to_salesforce()


OTHER = {"S": "P", "P": "S"}
# policy, other side changed: whether the other record is deleted, and what the link becomes
POLICIES = {
    "ignore": (False, LinkState.TOMBSTONE),
    "ignore, other changed": (False, LinkState.TOMBSTONE),
    "unlink": (False, LinkState.UNLINKED),
    "unlink, other changed": (False, LinkState.UNLINKED),
    "delete": (True, LinkState.TOMBSTONE),
    "delete, other changed": (False, LinkState.UNLINKED),
    "archive": (False, LinkState.TOMBSTONE),
    "archive, other changed": (False, LinkState.UNLINKED),
}
MARKS = {"S": "archive: {spotio: {Stage: Former}}", "P": "archive: {salesforce: {Site: Gone}}"}
"""By the side that is deleted: what marks the record that stays."""


def mark_of(world, side, ids):
    if side == "S":
        return world.spotio.by_stream["Accounts"][ids[1]]["Stage"]
    return world.salesforce.by_stream["Account"][ids[0]]["Site"]


@pytest.mark.row("C4 {side} deleted, {case}")
@SIDES
@pytest.mark.parametrize("case", POLICIES)
def test_a_deletion_follows_the_policy_unless_the_other_side_has_changed(tmp_path, side, case):
    policy, _, changed = case.partition(", ")
    deletes, becomes = POLICIES[case]
    more = f", {MARKS[side]}" if policy == "archive" else ""
    world = with_policy(tmp_path, side, policy, more)
    ids = world.linked(Website="a")
    if changed:
        change(world, OTHER[side], ids)
    delete(world, side, ids)
    told = only(world, side)
    is_carried_out = policy in ("delete", "archive") and not changed
    assert [one["_sync"]["action"] for one in told] == ([policy] if is_carried_out else [])
    assert is_gone(world, OTHER[side], ids) is deletes
    assert state(world, ids) is becomes
    kept = [(key, row) for key, row, _, _ in world.conflicts()]
    outlived = [("", f"C4 {side} deleted, other changed")]
    assert kept == (outlived if changed and policy in ("delete", "archive") else [])
    assert world.cycle() == 0
    if case == "archive":
        assert mark_of(world, side, ids) == ("Former" if side == "S" else "Gone")


def test_an_archived_records_counterpart_comes_back_and_the_mark_stays(tmp_path):
    world = with_policy(tmp_path, "S", "archive", f", {MARKS['S']}")
    ids = world.linked(Website="a")
    delete(world, "S", ids)
    world.rest()
    world.in_salesforce("Account", ids[0], IsDeleted=False, Website="b")
    world.rest()
    assert state(world, ids) is LinkState.LINKED
    assert world.spotio.by_stream["Accounts"][ids[1]]["Website"] == "b"
    assert mark_of(world, "S", ids) == "Former"
    assert world.salesforce.by_stream["Account"][ids[0]]["Type"] == "Customer"
    world.in_salesforce("Account", ids[0], Type="Prospect")
    world.rest()
    assert mark_of(world, "S", ids) == "Prospect"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("in_salesforce: archive, in_spotio: ignore", "archive needs values that mark the record"),
        ("archive: {spotio: {Stage: Former}}", "nothing is archived there"),
    ],
)
def test_an_archive_that_would_mark_nothing_is_refused(said, words):
    before = "on_delete: {in_salesforce: ignore, in_spotio: delete}"
    assert before in SYNC
    with pytest.raises(ConfigurationError) as told:
        parse(SYNC.replace(before, f"on_delete: {{{said}}}"))
    assert any(words in one for one in told.value.problems)


@pytest.mark.row("C4 {side} deleted, delete, other changed, resurrect")
@SIDES
def test_a_deleted_record_is_created_anew_where_the_other_side_has_changed(tmp_path, side):
    world = with_policy(tmp_path, side, "delete, resurrect: true")
    ids = world.linked(Website="a")
    change(world, OTHER[side], ids)
    delete(world, side, ids)
    only(world, side)
    assert not is_gone(world, OTHER[side], ids)
    assert [(key, row) for key, row, _, _ in world.conflicts()] == [
        ("", f"C4 {side} deleted, other changed")
    ]
    # It comes back with the change once that is in scope.
    if side == "S":
        world.in_spotio("Accounts", ids[1], Stage="Customer")
    else:
        world.in_salesforce("Account", ids[0], Type="Customer")
    world.rest()
    stream = (
        world.salesforce.by_stream["Account"] if side == "S" else world.spotio.by_stream["Accounts"]
    )
    assert len(stream) == 2
    old = ids["SP".index(side)]
    (new,) = set(stream) - {old}
    assert stream[new]["Website"] == "changed"
    kept = ids["PS".index(side)] if side == "P" else ids[1]
    pair = (new, kept) if side == "S" else (kept, new)
    assert world.counterpart(pair[1]) == pair[0]
    # Late word of the old one, told once more or taken back, makes nothing.
    assert world.cycle(again=True) == 0
    if side == "S":
        world.in_salesforce("Account", old, IsDeleted=False, Website="back")
        world.rest()
        assert len(world.spotio.by_stream["Accounts"]) == 1
        assert len(stream) == 2


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ("{in_spotio: unlink, resurrect: true}", "nothing is ever deleted"),
        ("{in_salesforce: delete, resurrect: true}", "cannot come back: to_salesforce"),
    ],
)
def test_what_cannot_come_back_is_no_setting(told, words):
    sync = SYNC.replace(
        "on_delete: {in_salesforce: ignore, in_spotio: delete}", f"on_delete: {told}"
    )
    one_way = sync.replace(
        "to_salesforce: {enabled: true, only", "to_salesforce: {enabled: false, only"
    )
    with pytest.raises(ConfigurationError) as caught:
        parse(one_way)
    assert words in "\n".join(caught.value.problems)


@pytest.mark.row("C4 both deleted")
@pytest.mark.parametrize("first", ["S", "P"])
def test_where_both_are_deleted_nothing_is_left_to_do(tmp_path, first):
    world = with_policy(tmp_path, first, "delete")
    ids = world.linked()
    delete(world, "S", ids)
    delete(world, "P", ids)
    only(world, OTHER[first])
    assert only(world, first) == []
    assert state(world, ids) is LinkState.TOMBSTONE
    assert world.cycle() == 0


@pytest.mark.row("C4 {side} undeleted")
@SIDES
def test_an_undelete_revives_the_same_link_and_the_field_rules_go_on(tmp_path, side):
    world = with_policy(tmp_path, side, "ignore")
    ids = world.linked(Website="a")
    before = dict(world.spotio.by_stream["Accounts"][ids[1]])
    delete(world, side, ids)
    assert world.cycle() == 0
    assert state(world, ids) is LinkState.TOMBSTONE
    if side == "S":
        world.in_salesforce("Account", ids[0], IsDeleted=False, Website="b")
    else:
        world.in_spotio("Accounts", ids[1], **{**before, "Website": "b"})
    world.rest()
    mine, theirs = world.both(ids[1])
    assert (mine["Website"], theirs["Website"]) == ("b", "b")
    assert state(world, ids) is LinkState.LINKED
    assert len(world.salesforce.by_stream["Account"]) == 1
    assert len(world.spotio.by_stream["Accounts"]) == 1


@pytest.mark.row("C4 {side} missing from a partial listing")
@SIDES
def test_a_record_that_a_listing_leaves_out_is_not_deleted(tmp_path, side):
    world = with_policy(tmp_path, side, "delete")
    ids = world.linked()
    if side == "S":
        world.in_salesforce("Account", Name="Another", Type="Other")
    else:
        world.in_spotio("Accounts", Company="Another", Stage="Former")
    assert only(world, side) == []
    assert only(world, side) == []
    assert state(world, ids) is LinkState.LINKED
    assert not is_gone(world, OTHER[side], ids)


@pytest.mark.row("C4 {side} hard delete")
@SIDES
def test_a_hard_delete_that_the_deletion_log_names_is_a_deletion(tmp_path, side):
    """The logs of both systems tell an id and that it is gone; tap-salesforce adds the stamp."""
    world = with_policy(tmp_path, side, "delete")
    ids = world.linked(Website="a")
    if side == "S":
        gone = {"Id": ids[0], "IsDeleted": True, "SystemModstamp": world.now()}
        world.salesforce.by_stream["Account"][ids[0]] = gone
        world.salesforce.untold.append(("Account", ids[0]))
    else:
        world.spotio.by_stream["Accounts"][ids[1]] = {"id": ids[1], "deleted": True}
        world.spotio.untold.append(("Accounts", ids[1]))
    assert [one["_sync"]["action"] for one in only(world, side)] == ["delete"]
    assert is_gone(world, OTHER[side], ids)


@pytest.mark.row("C4 P merge loser")
def test_a_merge_in_spotio_is_read_as_what_its_api_tells_a_deletion_and_an_update(tmp_path):
    """Its API names no winner: the loser's counterpart stays for a person to merge."""
    world = with_policy(tmp_path, "P", "ignore")
    ids = world.linked(Website="a")
    winner = world.in_spotio("Accounts", Company="Winner")
    world.rest()
    world.delete_in_spotio(ids[1])
    world.in_spotio("Accounts", winner, Website="taken over")
    world.rest()
    assert state(world, ids) is LinkState.TOMBSTONE
    assert world.both(winner)[1]["Website"] == "taken over"
    assert len(world.salesforce.by_stream["Account"]) == 2
    assert not is_gone(world, "S", ids)


# --- owners -------------------------------------------------------------------------------------

UNKNOWN = "005000000000404AAA"


@pytest.mark.row("create to_spotio, owner unknown")
def test_a_record_of_an_unknown_owner_is_created_for_the_default_owner_in_spotio(world):
    world.in_salesforce("Account", Name="A", OwnerId=UNKNOWN)
    (one,) = world.to_spotio()
    assert one["owner"]["default"] == "ops@example.com"
    (row,) = world.spotio.by_stream["Accounts"].values()
    assert row["ownerId"] == "u9"


@pytest.mark.row("create to_salesforce, owner unknown")
def test_a_record_of_an_unknown_owner_is_created_for_the_default_owner_in_salesforce(world):
    world.in_spotio("Accounts", Company="A", ownerId="u404")
    (one,) = world.to_salesforce()
    assert one["OwnerId"]["default"] == "ops@example.com"
    (row,) = world.salesforce.by_stream["Account"].values()
    assert row["OwnerId"] == "005000000000009AAA"


@pytest.mark.row("owner on update to_spotio, unknown")
def test_an_unknown_salesforce_owner_never_replaces_the_one_that_is_there(world):
    s, p = world.linked()
    world.in_salesforce("Account", s, OwnerId=UNKNOWN)
    assert world.to_spotio() == []
    assert world.spotio.by_stream["Accounts"][p]["ownerId"] == "u1"


@pytest.mark.row("owner on update to_spotio, unknown")
def test_the_default_owner_is_sent_once_where_the_definition_lets_it(tmp_path):
    asked = SYNC.replace(
        "rule: two_way}\n    fields", "rule: two_way, keep_on_update: false}\n    fields", 1
    )
    world = TwoWay(tmp_path, asked)
    s, p = world.linked()
    world.in_salesforce("Account", s, OwnerId=UNKNOWN)
    (one,) = world.to_spotio()
    assert one["owner"]["default"] == "ops@example.com"
    assert world.spotio.by_stream["Accounts"][p]["ownerId"] == "u9"
    assert world.rest() <= 1
    assert world.salesforce.by_stream["Account"][s]["OwnerId"] == UNKNOWN


@pytest.mark.row("C4 {course} unlinked, source in scope")
@pytest.mark.parametrize("course", [TO_SPOTIO, TO_SALESFORCE], ids=lambda one: one.direction.value)
def test_a_record_that_is_told_again_is_created_once(world, course):
    if course is TO_SPOTIO:
        world.in_salesforce("Account", Name="A")
    else:
        world.in_spotio("Accounts", Company="A")
    world.rest()
    assert world.cycle(again=True) == 0

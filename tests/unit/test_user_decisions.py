"""Users: each row of the tables in ``reverse_sf.merge.users``, and the guards over them."""

from __future__ import annotations

import pytest

from reverse_sf.mapping.users import UserMatch, UserSync
from reverse_sf.merge.tenant_users import Member, Tenant
from reverse_sf.merge.users import (
    Standing,
    UserAct,
    UserDecision,
    UserFacts,
    UserRow,
    decide_users,
)

ANN, BOB = "005000000000001AAA", "005000000000002AAA"
ALL = UserSync(create=True, suspend_when_removed=True)
BOSS = Member("1", "boss@example.com", "Admin")


def ann(**facts: object) -> UserFacts:
    return UserFacts(**{"id": ANN, "role": "Sales", "email": "ann@example.com", **facts})


def bob(**facts: object) -> UserFacts:
    return UserFacts(**{"id": BOB, "role": "Sales", "email": "bob@example.com", **facts})


def ann_in_spotio(**facts: object) -> Member:
    said = {"id": "7", "email": "ann@example.com", "role": "Sales", "external_id": ANN}
    return Member(**{**said, **facts})


def decided(
    *users: UserFacts, spotio: tuple[Member, ...] = (), sync: UserSync = ALL, key: str | None = "1"
) -> list[UserDecision]:
    return list(decide_users(users, sync, Tenant((BOSS, *spotio), key)))


def only(*users: UserFacts, **world: object) -> tuple[UserAct, UserRow, dict[str, object]]:
    (decision,) = decided(*users, **world)
    assert bool(decision.message) is (decision.act is UserAct.PARK)
    return decision.act, decision.row, dict(decision.writes)


# wanted, not synced yet


def test_a_selected_user_is_created_as_read_only_with_role_email_names_and_external_id():
    assert only(ann(first_name="Ann", last_name="Lee")) == (
        UserAct.CREATE,
        UserRow.CREATED,
        {
            "externalSystemUserId": ANN,
            "role": "Sales",
            "email": "ann@example.com",
            "firstName": "Ann",
            "lastName": "Lee",
            "isReadonly": True,
        },
    )


def test_nobody_is_created_unless_the_section_says_so():
    assert only(ann(), sync=UserSync())[:2] == (UserAct.NOTHING, UserRow.NOT_CREATED)


def test_a_user_without_an_email_is_parked():
    assert only(ann(email=""))[:2] == (UserAct.PARK, UserRow.NO_EMAIL)


def test_an_existing_user_is_linked_by_external_id_before_the_email():
    spotio = (
        ann_in_spotio(email="old@example.com"),
        Member("8", "other@example.com", "Sales"),
    )
    decision = decided(ann(email="new@example.com"), spotio=spotio)[0]
    assert (decision.act, decision.row, decision.member) == (
        UserAct.LINK,
        UserRow.BY_EXTERNAL_ID,
        "7",
    )
    assert decision.writes == {"email": "new@example.com"}


def test_an_external_id_of_15_characters_is_the_same_id():
    assert only(ann(), spotio=(ann_in_spotio(external_id=ANN[:15]),)) == (
        UserAct.LINK,
        UserRow.BY_EXTERNAL_ID,
        {},
    )


def test_an_existing_user_is_linked_by_email_in_any_case_and_gets_the_external_id_and_role():
    there = ann_in_spotio(email="Ann@Example.com", external_id=None, role="manager")
    assert only(ann(), spotio=(there,)) == (
        UserAct.LINK,
        UserRow.BY_EMAIL,
        {"externalSystemUserId": ANN, "role": "Sales"},
    )


def test_with_match_external_id_an_existing_email_is_parked_and_not_linked_or_created():
    sync = UserSync(create=True, match=UserMatch.EXTERNAL_ID)
    there = ann_in_spotio(external_id=None)
    assert only(ann(), spotio=(there,), sync=sync)[:2] == (UserAct.PARK, UserRow.TAKEN)


def test_an_email_whose_spotio_user_carries_another_external_id_is_parked():
    there = ann_in_spotio(external_id="005000000000099AAA")
    assert only(ann(), spotio=(there,))[:2] == (UserAct.PARK, UserRow.TAKEN)


def test_an_email_whose_spotio_user_is_linked_to_a_user_who_left_is_parked():
    there = ann_in_spotio(external_id=None, suspended=True)
    left = bob(standing=Standing.DEACTIVATED, linked="7")
    assert decided(left, ann(), spotio=(there,))[1].row is UserRow.TAKEN


def test_two_selected_users_with_one_email_are_both_parked():
    found = decided(ann(), bob(email="ANN@example.com"), spotio=(ann_in_spotio(external_id=None),))
    assert [(one.act, one.row) for one in found] == [(UserAct.PARK, UserRow.SHARED_EMAIL)] * 2


def test_an_email_shared_with_a_user_who_is_not_wanted_is_not_ambiguous():
    others = [
        bob(email="ann@example.com", role=None),
        bob(id="005000000000003AAA", email="ann@example.com", standing=Standing.FROZEN),
    ]
    assert decided(ann(), *others)[0].act is UserAct.CREATE


@pytest.mark.parametrize("external_id", [ANN, None], ids=["external id", "e-mail"])
def test_several_spotio_users_who_match_are_ambiguous(external_id):
    spotio = tuple(ann_in_spotio(id=one, external_id=external_id) for one in ("7", "8"))
    assert only(ann(), spotio=spotio)[:2] == (UserAct.PARK, UserRow.AMBIGUOUS)


# wanted, and synced


def test_a_synced_user_who_is_as_it_should_be_is_left_alone():
    assert only(ann(linked="7"), spotio=(ann_in_spotio(role="sales"),)) == (
        UserAct.NOTHING,
        UserRow.AGREED,
        {},
    )


def test_a_synced_user_gets_a_new_role_and_a_new_email():
    changed = ann(linked="7", role="Manager", email="ann.new@example.com")
    assert only(changed, spotio=(ann_in_spotio(),)) == (
        UserAct.UPDATE,
        UserRow.CHANGED,
        {"role": "Manager", "email": "ann.new@example.com"},
    )


def test_the_name_of_a_synced_user_is_not_written():
    user = ann(linked="7", role="Manager", first_name="Ann", last_name="New")
    assert only(user, spotio=(ann_in_spotio(),))[2] == {"role": "Manager"}


def test_an_email_that_salesforce_has_lost_is_not_cleared_in_spotio():
    assert only(ann(linked="7", email=""), spotio=(ann_in_spotio(),))[1] is UserRow.AGREED


def test_an_email_that_another_spotio_user_has_is_not_written():
    act, row, _ = only(ann(linked="7", email="boss@example.com"), spotio=(ann_in_spotio(),))
    assert (act, row) == (UserAct.PARK, UserRow.TAKEN)


def test_a_new_email_that_two_synced_users_want_is_written_to_neither():
    spotio = (ann_in_spotio(), Member("8", "bob@example.com", "Sales", external_id=BOB))
    users = [ann(linked="7", email="x@example.com"), bob(linked="8", email="x@example.com")]
    assert [one.row for one in decided(*users, spotio=spotio)] == [UserRow.SHARED_EMAIL] * 2


def test_the_license_of_a_synced_user_is_never_written():
    for read_only in (True, False):
        there = ann_in_spotio(read_only=read_only)
        assert "isReadonly" not in only(ann(linked="7", role="Manager"), spotio=(there,))[2]


def test_a_user_whom_the_sync_suspended_is_restored_when_back_with_the_role_of_today():
    back = ann(linked="7", suspended_by_sync=True, role="Manager")
    assert only(back, spotio=(ann_in_spotio(suspended=True),)) == (
        UserAct.RESTORE,
        UserRow.RESTORED,
        {"role": "Manager"},
    )


def test_a_user_whom_a_person_suspended_in_spotio_stays_suspended():
    there = ann_in_spotio(suspended=True)
    assert only(ann(linked="7", role="Manager"), spotio=(there,))[:2] == (
        UserAct.NOTHING,
        UserRow.SUSPENDED_BY_HAND,
    )


def test_a_synced_user_whom_spotio_does_not_have_any_more_is_parked_and_not_created_again():
    assert only(ann(linked="7"))[:2] == (UserAct.PARK, UserRow.GONE)


# not wanted


OUT = {
    UserRow.DESELECTED: {"role": None},
    UserRow.DEACTIVATED: {"standing": Standing.DEACTIVATED},
    UserRow.FROZEN: {"standing": Standing.FROZEN},
    UserRow.REMOVED: {"standing": Standing.REMOVED},
}
out = pytest.mark.parametrize("row", OUT, ids=[one.name.lower() for one in OUT])


@out
def test_a_synced_user_is_suspended_who_is(row):
    assert only(ann(linked="7", **OUT[row]), spotio=(ann_in_spotio(),)) == (
        UserAct.SUSPEND,
        row,
        {},
    )


@out
def test_nobody_is_suspended_unless_the_section_says_so(row):
    user = ann(linked="7", **OUT[row])
    assert only(user, spotio=(ann_in_spotio(),), sync=UserSync(create=True))[:2] == (
        UserAct.NOTHING,
        UserRow.KEPT,
    )


@out
def test_a_user_whom_the_sync_did_not_select_is_never_touched(row):
    user = ann(**OUT[row])
    assert only(user, spotio=(ann_in_spotio(),))[:2] == (UserAct.NOTHING, UserRow.NEVER_SYNCED)


@out
def test_a_user_who_is_suspended_already_or_gone_is_not_suspended_again(row):
    for spotio in ((), (ann_in_spotio(suspended=True),)):
        user = ann(linked="7", suspended_by_sync=True, **OUT[row])
        assert only(user, spotio=spotio)[:2] == (UserAct.NOTHING, UserRow.OUT_ALREADY)


# writes whose outcome nobody knows


@pytest.mark.parametrize("suspended", [True, False])
@pytest.mark.parametrize("sent", ["suspend", "restore"])
def test_who_may_have_been_suspended_by_the_sync_is_restored_when_back(sent, suspended):
    """Whatever is known of the SPOTIO user is from before the call."""
    user = ann(linked="7", unanswered=sent)
    found = only(user, spotio=(ann_in_spotio(suspended=suspended),))
    assert found[:2] == (UserAct.RESTORE, UserRow.RESTORED)


def test_who_was_written_without_an_answer_is_looked_at_once_more():
    user = ann(linked="7", unanswered="update")
    assert only(user, spotio=(ann_in_spotio(),))[:2] == (UserAct.UPDATE, UserRow.CHANGED)
    seen = user.answered
    assert only(seen, spotio=(ann_in_spotio(),))[:2] == (UserAct.NOTHING, UserRow.AGREED)


@out
def test_who_may_be_back_is_suspended_when_not_wanted_any_more(row):
    user = ann(linked="7", suspended_by_sync=True, unanswered="restore", **OUT[row])
    found = only(user, spotio=(ann_in_spotio(suspended=True),))
    assert found[:2] == (UserAct.SUSPEND, row)


def test_a_suspension_by_a_person_beside_another_lost_write_stays_theirs():
    user = ann(linked="7", unanswered="update")
    found = only(user, spotio=(ann_in_spotio(suspended=True),))
    assert found[:2] == (UserAct.NOTHING, UserRow.SUSPENDED_BY_HAND)


# the guards


def alone(**facts: object) -> Tenant:
    return Tenant(
        [ann_in_spotio(role="Admin"), Member("8", "x@example.com", "Admin", **facts)], "8"
    )


@pytest.mark.parametrize(
    "other", [{"suspended": True}, {"read_only": True}], ids=["suspended", "read-only"]
)
@out
def test_the_last_admin_is_never_suspended_whoever_else_cannot_sign_in(row, other):
    (decision,) = decide_users([ann(linked="7", **OUT[row])], ALL, alone(**other))
    assert (decision.act, decision.row) == (UserAct.PARK, UserRow.LAST_ADMIN)


def test_the_last_admin_is_given_no_other_role_and_may_change_the_email():
    (demoted,) = decide_users([ann(linked="7")], ALL, alone(suspended=True))
    assert (demoted.act, demoted.row) == (UserAct.PARK, UserRow.LAST_ADMIN)
    renamed = ann(linked="7", role="Admin", email="new@example.com")
    (decision,) = decide_users([renamed], ALL, alone(suspended=True))
    assert (decision.act, decision.writes) == (UserAct.UPDATE, {"email": "new@example.com"})


def test_of_two_admins_who_leave_in_one_run_the_second_stays():
    tenant = Tenant(
        [ann_in_spotio(role="Admin"), Member("8", "bob@example.com", "Admin", external_id=BOB)],
        "99",
    )
    users = [ann(linked="7", role=None), bob(linked="8", standing=Standing.DEACTIVATED)]
    rows = [(one.act, one.row) for one in decide_users(users, ALL, tenant)]
    assert rows == [
        (UserAct.SUSPEND, UserRow.DESELECTED),
        (UserAct.PARK, UserRow.LAST_ADMIN),
    ]


@out
def test_the_api_keys_own_user_is_never_suspended(row):
    user = ann(linked="7", **OUT[row])
    assert only(user, spotio=(ann_in_spotio(),), key="7")[:2] == (UserAct.PARK, UserRow.KEY_OWNER)


@pytest.mark.parametrize("linked", ["7", None], ids=["synced", "not synced"])
def test_the_api_keys_own_user_is_given_no_other_role_or_email(linked):
    for change in ({"role": "Manager"}, {"email": "new@example.com"}):
        user = ann(linked=linked, **change)
        assert only(user, spotio=(ann_in_spotio(),), key="7")[:2] == (
            UserAct.PARK,
            UserRow.KEY_OWNER,
        )


def test_the_api_keys_own_user_is_not_even_given_an_external_id():
    there = ann_in_spotio(external_id=None)
    assert only(ann(), spotio=(there,), key="7") == (UserAct.NOTHING, UserRow.KEY_OWNER, {})


def test_where_the_api_keys_user_is_not_known_no_admin_is_written_and_others_are():
    admin = ann_in_spotio(role="Admin")
    user = ann(linked="7", role=None)
    assert only(user, spotio=(admin,), key=None)[:2] == (UserAct.PARK, UserRow.KEY_OWNER)
    assert only(user, spotio=(ann_in_spotio(),), key=None)[0] is UserAct.SUSPEND


def test_every_row_of_the_tables_is_told_in_the_docstring():
    text = decide_users.__globals__["__doc__"]
    assert [one.name for one in UserRow if f"``{one.name}``" not in text] == []

"""Who owns what: the turns by which a user is found on the other side, and who may own."""

from __future__ import annotations

import json

import msgspec
import pytest

from reverse_sf.ledger.rows import UserRow
from reverse_sf.mapper.course import TO_SALESFORCE, TO_SPOTIO
from reverse_sf.mapper.people import OwnerExchange, People
from reverse_sf.mapping.definition import OwnerMapping, Side
from reverse_sf.mapping.values import Reason, Undefined

ANN, BOB, OPS = "005000000000001AAA", "005000000000002AAA", "005000000000009AAA"


def salesforce(user_id=ANN, email="ann@x.co", **said):
    return UserRow(side=Side.SALESFORCE, user_id=user_id, email=email, **said)


def spotio(user_id="1", email="ann@x.co", **said):
    return UserRow(side=Side.SPOTIO, user_id=user_id, email=email, **said)


def people(*rows, linked=None, course=TO_SPOTIO):
    of = {side: {one.user_id: one for one in rows if one.side is side} for side in Side}
    return People(of[Side.SALESFORCE], of[Side.SPOTIO], course, linked=linked)


def exchange(known, course=TO_SPOTIO, *, keep=True):
    return OwnerExchange(OwnerMapping("ops@x.co", "ops@x.co", keep_on_update=keep), known, course)


def test_a_user_is_found_by_link_then_external_id_then_email():
    rows = [
        salesforce(),
        spotio("1"),
        spotio("2", "b@x.co", external_id=ANN),
        spotio("3", "c@x.co"),
    ]
    assert list(people(*rows, linked={ANN: "3"}).counterparts(Side.SPOTIO, ANN)) == ["3", "2", "1"]
    assert people(*rows).in_salesforce("2") == ANN
    assert people(*rows, linked={BOB: "1"}).in_salesforce("1") == BOB


@pytest.mark.parametrize("linked", [{ANN: "1"}, {}], ids=["joined", "by e-mail"])
def test_who_is_suspended_owns_nothing_and_is_still_the_same_person(linked):
    known = people(salesforce(), spotio(active=False), linked=linked)
    owner = exchange(known)
    assert isinstance(owner.to_spotio(ANN), Undefined)
    assert owner.to_spotio(ANN).reason is Reason.OWNER_UNKNOWN
    assert owner.agrees("1", ANN)


def test_the_default_owner_stands_in_only_where_one_may():
    ops = spotio("9", "ops@x.co")
    assert exchange(people(salesforce(), ops), keep=False).to_spotio(ANN) == "9"
    out = msgspec.structs.replace(ops, active=False)
    assert isinstance(exchange(people(salesforce(), out), keep=False).to_spotio(ANN), Undefined)


@pytest.mark.parametrize("order", [1, -1])
def test_of_several_with_one_email_it_is_always_the_same(order):
    rows = [salesforce(BOB), salesforce(ANN), spotio()][::order]
    assert people(*rows, course=TO_SALESFORCE).in_salesforce("1") == ANN
    rows[rows.index(salesforce(ANN))] = salesforce(ANN, active=False)
    assert people(*rows, course=TO_SALESFORCE).in_salesforce("1") == BOB, "the active one"


def test_an_email_that_was_just_changed_finds_nobody_any_more():
    known = people(salesforce(), spotio())
    assert known.in_salesforce("1") == ANN
    known.saw(msgspec.Raw(json.dumps({"Id": ANN, "Email": "new@x.co"}).encode()))
    assert known.in_salesforce("1") is None


def test_an_owner_of_whom_the_tap_says_nothing_is_nobody_once_it_has_come_to_its_users():
    known = people(spotio())
    assert "nobody" not in exchange(known).record_value(ANN)
    known.announced = True
    assert exchange(known).record_value(ANN)["nobody"] is True


def test_who_is_known_without_an_email_is_nobody():
    assert exchange(people(salesforce(email=None))).record_value(ANN)["nobody"] is True

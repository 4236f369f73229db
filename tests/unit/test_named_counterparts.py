"""Records that name a counterpart by its id, which need not name them back (C.4)."""

from __future__ import annotations

import pytest

from reverse_sf.ledger.rows import LinkState
from reverse_sf.mapper.course import TO_SPOTIO
from reverse_sf.mapping.definition import Direction
from tests.unit.two_way_fixtures import SYNC, TwoWay, world

__all__ = ["world"]

PAIR = "Account:Accounts"
EMAIL = {
    "kind": "email",
    "name": "email",
    "spotio": ["Billing Email"],
    "salesforce": ["Billing_Email__c"],
}


def link_of_salesforce(world, salesforce_id):
    with world.open() as ledger:
        link_id = ledger.link_ids(PAIR, [salesforce_id])[salesforce_id]
        return ledger.snapshots([link_id])[link_id].link


def link_of_spotio(world, spotio_id):
    with world.open() as ledger:
        link_id = ledger.link_ids_of_spotio(PAIR, [spotio_id])[spotio_id]
        return ledger.snapshots([link_id])[link_id].link


def accounts(world):
    return sorted(world.spotio.by_stream["Accounts"]), sorted(world.salesforce.by_stream["Account"])


def out_of_scope_in_spotio(world, **values):
    """A record that SPOTIO has and that no link knows."""
    p = world.in_spotio("Accounts", Stage="Former", **values)
    world.to_salesforce()
    return p


def out_of_scope_in_salesforce(world, **values):
    """A record that Salesforce has and that no link knows."""
    s = world.in_salesforce("Account", Type="Other", **values)
    world.to_spotio()
    return s


@pytest.mark.row("C4 1 candidate, unlinked, named by Salesforce only")
def test_a_salesforce_record_that_names_a_spotio_record_gets_no_second_one(world):
    p = out_of_scope_in_spotio(world, Company="Theirs", Suite="4 b")
    s = world.in_salesforce("Account", Name="Mine", Phone="1", SPOTIO_Id__c=p)
    (one,) = world.to_spotio()
    envelope = one.pop("_sync")
    assert (envelope["action"], envelope["spotio_id"], envelope["named"]) == ("link", p, True)
    world.rest()
    assert accounts(world) == ([p], [s])
    assert link_of_salesforce(world, s).state is LinkState.LINKED
    theirs, mine = world.both(p)
    assert theirs["externalDataObjectId"] == s
    assert theirs["Company"] == mine["Name"] == "Mine"
    assert mine["Site"] == "4 b"


@pytest.mark.row("C4 1 candidate, unlinked, named by SPOTIO only")
def test_a_spotio_record_that_names_a_salesforce_record_gets_no_second_one(world):
    s = out_of_scope_in_salesforce(world, Name="Theirs")
    p = world.in_spotio("Accounts", Company="Mine", Suite="4 b", externalDataObjectId=s)
    world.rest()
    assert accounts(world) == ([p], [s])
    assert link_of_spotio(world, p).salesforce_id == s
    mine, theirs = world.both(p)
    assert theirs["SPOTIO_Id__c"] == p
    assert theirs["Site"] == mine["Suite"] == "4 b"


@pytest.mark.parametrize("is_known", [True, False])
@pytest.mark.row("C4 0 candidates, the named record is gone")
def test_a_salesforce_record_that_names_a_record_that_is_gone_is_created(world, is_known):
    if is_known:
        p = world.in_spotio("Accounts", Company="Gone")
        world.delete_in_spotio(p)
        assert world.to_salesforce() == []
        del world.spotio.by_stream["Accounts"][p]
    s = world.in_salesforce("Account", Name="Acme", SPOTIO_Id__c=p if is_known else "p77")
    world.rest()
    (new,), (kept,) = accounts(world)
    assert (kept, world.counterpart(new)) == (s, s)
    assert world.spotio.by_stream["Accounts"][new]["Company"] == "Acme"


@pytest.mark.row("C4 0 candidates, the named record is gone")
def test_a_spotio_record_that_names_a_record_that_is_not_there_is_created(world):
    p = world.in_spotio("Accounts", Company="Acme", externalDataObjectId="001000000000777AAA")
    world.rest()
    (kept,), (new,) = accounts(world)
    assert (kept, world.counterpart(p)) == (p, new)
    assert world.salesforce.by_stream["Account"][new]["SPOTIO_Id__c"] == p


@pytest.mark.row("C4 1 candidate, linked to another record")
def test_a_record_that_names_one_with_another_id_is_parked_and_never_created(world):
    p = out_of_scope_in_spotio(world, Company="Theirs", externalDataObjectId="001000000000777AAA")
    s = world.in_salesforce("Account", Name="Mine", SPOTIO_Id__c=p)
    world.rest()
    world.in_salesforce("Account", s, Name="Mine, edited")
    world.rest()
    assert accounts(world) == ([p], [s])
    assert world.parked(Direction.TO_SPOTIO) == {"": "already_linked"}
    link = link_of_salesforce(world, s)
    assert (link.state, link.spotio_id) == (LinkState.PENDING, None)
    assert world.spotio.by_stream["Accounts"][p]["Company"] == "Theirs"


@pytest.mark.row("C4 1 candidate, linked to another record")
def test_a_record_that_names_a_linked_one_is_parked_toward_spotio_too(world):
    s, p = world.linked()
    other = world.in_salesforce("Account", Name="Copy", SPOTIO_Id__c=p)
    assert world.to_spotio() == []
    assert world.parked(Direction.TO_SPOTIO) == {"": "already_linked"}
    assert link_of_salesforce(world, other).spotio_id is None
    assert world.counterpart(p) == s


def test_a_named_record_is_linked_once_although_the_first_answer_was_lost(world):
    p = out_of_scope_in_spotio(world, Company="Theirs")
    s = world.in_salesforce("Account", Name="Mine", SPOTIO_Id__c=p)
    world.finish(world.run(TO_SPOTIO))
    (one,) = world.to_spotio()
    assert one["_sync"]["named"], "nobody has read it yet"
    world.rest()
    assert accounts(world) == ([p], [s])


def test_a_deleted_record_takes_nobody_along_that_it_only_named(tmp_path):
    world = TwoWay(tmp_path, SYNC.replace("in_salesforce: ignore", "in_salesforce: delete"))
    p = out_of_scope_in_spotio(world, Company="Theirs")
    world.refuses["Phone"] = lambda _: True
    s = world.in_salesforce("Account", Name="Mine", Phone="1", SPOTIO_Id__c=p)
    world.rest()
    world.in_salesforce("Account", s, IsDeleted=True)
    world.rest()
    assert world.spotio.by_stream["Accounts"][p]["deleted"] is False
    assert ("", "C4 S deleted, other changed") in [one[:2] for one in world.conflicts()]


def matched_by_email(tmp_path):
    """The world where ``reverse-sf link`` has made an index of e-mail addresses."""
    key = "    salesforce_external_id: SPOTIO_Id__c\n"
    world = TwoWay(tmp_path, SYNC.replace(key, f"{key}    match: [external_id, email]\n", 1))
    with world.open() as ledger:
        made_of = {"region": "US", "address": {}, "rules": [EMAIL]}
        ledger.finish_matching(PAIR, "2026-05-06T00:00:00.000Z", made_of)
    return world


def test_the_match_rules_go_on_where_the_named_record_is_not_there(tmp_path):
    world = matched_by_email(tmp_path)
    p = out_of_scope_in_spotio(world, Company="Theirs", **{"Billing Email": "a@example.com"})
    s = world.in_salesforce(
        "Account", Name="Mine", Billing_Email__c="a@example.com", SPOTIO_Id__c="p77"
    )
    world.rest()
    assert accounts(world) == ([p], [s])
    assert link_of_salesforce(world, s).spotio_id == p


def test_of_two_new_records_the_one_that_names_a_record_has_it(tmp_path):
    world = matched_by_email(tmp_path)
    p = out_of_scope_in_spotio(world, Company="Theirs", **{"Billing Email": "a@example.com"})
    like_it = world.in_salesforce("Account", Name="Like it", Billing_Email__c="a@example.com")
    names_it = world.in_salesforce("Account", Name="Names it", SPOTIO_Id__c=p)
    world.rest()
    assert link_of_salesforce(world, names_it).spotio_id == p
    assert link_of_salesforce(world, like_it).spotio_id is None
    assert world.parked(Direction.TO_SPOTIO) == {"": "ambiguous_match"}

"""Histories that once failed, shrunk to what matters; each stays."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.convergence.edits import (
    Add,
    Configure,
    Convert,
    Edit,
    History,
    Life,
    Refuse,
    Restore,
    Revert,
    Select,
    Staff,
    Twin,
    Wait,
)
from tests.convergence.machine import play
from tests.convergence.shape import Config, P, Role, S, Users
from tests.convergence.sync import Plan

ACME = Add(S, "Account", (("Name", "Acme"), ("Website", "a.io")))
LEE = Add(S, "Lead", (("Company", "Acme"), ("LastName", "Ash")))
OF_LEADS = Config(
    (("Company", "two_way"), ("Last Name", "two_way"), ("Firm", "two_way")), leads=True
)

COMPANY = (("Company", "two_way"),)
FIELD = Users((Role("Sales", ("Field",)), Role("Manager", ("Desk",))))
OF_USERS = Config(COMPANY, users=FIELD)


def ann(department):
    """The first user of Salesforce is moved."""
    return Staff("change", S, 0, (("Department", department),))


SEEDS = {
    "a record out of scope receives: its change is undone by the side that rules": History(
        Config((("Company", "salesforce_unless_blank"),), scope_p=("Customer",)),
        steps=(ACME, Plan(S), Edit(P, "Account", 0, (("Stage", "Former"), ("Company", "Zoë")))),
    ),
    "a city that changed beside the written street is no part of the new base": History(
        Config((("Company", "two_way"), ("address", "salesforce_only"))),
        steps=(
            ACME,
            Plan(S),
            Edit(S, "Account", 0, (("BillingStreet", "2 Oak St"),)),
            Edit(P, "Account", 0, (("address", {"street": None, "city": "Ulm"}),)),
        ),
        order="SP",
    ),
    "a value that a rounding system does not take is not written again in every cycle": History(
        Config((("Company", "two_way"), ("Annual Revenue", "spotio_unless_blank"))),
        (("trims", True),),
        (
            Add(S, "Account", (("Name", "Acme"), ("AnnualRevenue", 2.35))),
            Plan(S),
            Edit(P, "Account", 0, (("Annual Revenue", 2.345),)),
        ),
    ),
    "a refused value is not tried in every cycle": History(
        Config((("Company", "two_way"), ("Notes", "spotio_only"))),
        steps=(
            Twin((("Company", "Zoë"),), (("Name", "Zoë"), ("Description", "yes"))),
            Refuse(S, "call", on=True),
            Edit(P, "Account", 0, (("Notes", "call"),)),
        ),
        keep_refusing=True,
    ),
    "a record that is told again while a write is under way is no reason to try in vain": History(
        Config(
            (
                *(("Company", "spotio_only"), ("Website", "spotio_only")),
                *(("Annual Revenue", "manual"), ("Products", "spotio_unless_blank")),
            )
        ),
        (("trims", True),),
        (
            *(Add(S, "Account", (("Name", "Zoë"),)), Plan(S), Plan(P)),
            Edit(S, "Account", 0, (("AnnualRevenue", 2.35), ("Product_Interest__c", "Fiber"))),
            *(Plan(S), Edit(P, "Account", 0, (("Annual Revenue", 2.345),))),
            Edit(S, "Account", 0, (("Website", "b.io"),)),
            *(Plan(P), Plan(S), Plan(P), Revert(2)),
        ),
    ),
    "two refused values do not call for each other": History(
        Config((("Rating", "salesforce_only"), ("Annual Revenue", "spotio_unless_blank"))),
        (("trims", True),),
        (
            Twin(
                (("Company", "Zoë"), ("Rating", "Cool"), ("Annual Revenue", 2.345)),
                (("Name", "Zoë"), ("AnnualRevenue", 2.35), ("Rating", "Frozen")),
                both=False,
            ),
        ),
    ),
    "the loser of a merge that is decided again knows that the winner is linked": History(
        Config((("Company", "spotio_only"), ("Products", "salesforce_only"))),
        steps=(
            ACME,
            Twin((("Company", "Ace"),), (("Name", "Ace"), ("Product_Interest__c", "Fiber"))),
            Plan(S),
            Edit(P, "Account", 0, (("Company", " Acme "), ("Products", ["Panels", "Fiber"]))),
            Life("merge", S, "Account", 1, 0),
        ),
        order="PS",
    ),
    "an address that was cleared is a blank base": History(
        Config((("Company", "two_way"), ("address", "spotio_only"))),
        steps=(
            ACME,
            Plan(S),
            Edit(S, "Account", 0, (("BillingStreet", "1 Elm Street"), ("BillingCity", "Bonn"))),
            Plan(P),
            Plan(S),
            Edit(P, "Account", 0, (("address", {"street": "1 Elm Street", "city": "Ulm"}),)),
        ),
    ),
    "of a found record's address only what was sent is known to agree": History(
        Config((("Company", "two_way"), ("address", "spotio_only"))),
        steps=(
            Twin(
                (("Company", "Acme"), ("address", {"street": "2 Oak St", "city": "Bonn"})),
                (("Name", "0"), ("BillingStreet", "2 Oak St")),
            ),
        ),
    ),
    "a crash between the creating call and its outcome makes no second record": History(
        Config((("Company", "two_way"),)),
        steps=(
            Add(P, "Account", (("Company", "Acme"),)),
            Plan(P, crash=12),
            Plan(S),
            Configure("Company", "salesforce_only"),
        ),
    ),
    "a record that was gone before it was linked is matched when it is back": History(
        Config((("Company", "two_way"),)),
        steps=(
            Twin((("Company", "Acme"),), (("Name", "Acme"),), both=False),
            *(Life("delete", P, "Account", 0, 0), Plan(P), Life("undelete", P, "Account", 0, 0)),
        ),
    ),
    "a record that is back and names one that is linked by now waits for a person": History(
        Config((("Company", "two_way"),)),
        steps=(
            Twin((("Company", "Acme"),), (("Name", "Acme"),), both=False),
            *(Life("delete", P, "Account", 0, 0), Plan(P), Plan(S)),
            Life("undelete", P, "Account", 0, 0),
        ),
    ),
    "a record that is back and names one that is gone is created": History(
        Config((("Company", "two_way"),)),
        steps=(
            Twin((("Company", "Acme"),), (("Name", "Acme"),), both=False),
            *(Life("delete", P, "Account", 0, 0), Life("delete", S, "Account", 0, 0)),
            *(Plan(P), Plan(S), Life("undelete", P, "Account", 0, 0)),
        ),
    ),
    "a late event of a merge's loser creates nothing": History(
        Config((("Company", "two_way"),)),
        steps=(
            ACME,
            Plan(S),
            Add(S, "Account", (("Name", "Ace"),)),
            Life("merge", S, "Account", 0, 1),
        ),
        order="PS",
    ),
    "an id that did not get there is written once the lock is gone": History(
        Config(
            (
                ("Company", "two_way"),
                ("Stage", "salesforce_only"),
                ("First Name", "spotio_only"),
                ("Last Name", "two_way"),
                ("parent", "salesforce_only"),
            ),
            choices=0,
            scope_p=("Prospect", "Customer"),
            contacts=True,
        ),
        steps=(
            Add(P, "Account", (("Company", " Acme "),), parent=2),
            Plan(P),
            Plan(S, faults=((1, "locked"),), partial=("Annual Revenue", "Products", "Type")),
        ),
        order="SP",
    ),
    "what a write brings home of another field is decided where nobody reads that side": History(
        Config(
            (("Company", "two_way"), ("address", "spotio_unless_blank")),
            skip_geocoding=False,
            enabled="S",
        ),
        steps=(
            ACME,
            Plan(S),
            Edit(P, "Account", 0, (("address", {"street": "2 Oak St", "city": "Ulm"}),)),
            Edit(S, "Account", 0, (("BillingStreet", "1 Elm Street"), ("BillingCity", "Ulm"))),
            Plan(S),
            Edit(P, "Account", 0, (("address", {"street": None, "city": None}),)),
            Edit(S, "Account", 0, (("Name", "Ace"),)),
        ),
        order="PS",
    ),
    "a blank that lost comes back where its side rules, or it would be filled again": History(
        Config((("Company", "two_way"), ("Notes", "spotio_unless_blank"))),
        steps=(
            Add(S, "Account", (("Name", "Acme"), ("Description", "yes"))),
            Plan(S),
            Plan(P),
            Edit(P, "Account", 0, (("Notes", None),)),
            Edit(S, "Account", 0, (("Description", "call"),)),
            Plan(P),
            Plan(S),
            Restore(0),
        ),
    ),
    "a value that lost before the other side ruled comes back to the side that rules now": History(
        Config((("Company", "two_way"), ("Notes", "spotio_unless_blank"))),
        steps=(
            Add(S, "Account", (("Name", "Acme"), ("Description", "yes"))),
            Plan(S),
            Plan(P),
            Edit(S, "Account", 0, (("Description", "call"),)),
            Plan(S),
            Plan(P),
            Configure("Notes", "salesforce_only"),
            Restore(0),
        ),
    ),
    "what a system has not taken back leaves alone what was settled beside it": History(
        Config((("Company", "two_way"), ("Website", "salesforce_unless_blank"))),
        (("trims", True),),
        (
            Twin(
                (("Company", "Zoë"), ("Website", "A.IO")),
                (("Name", "Zoë"), ("Website", "b.io")),
            ),
            *(Plan(S), Restore(0), Plan(P), Plan(S), Plan(S)),
            *(Revert(2), Restore(0)),
        ),
    ),
    "what was taken back is not copied to the other side": History(
        Config((("Company", "two_way"),), adopt=True),
        steps=(
            Add(S, "Account", (("Name", "Acme"),)),
            Plan(S),
            Plan(P),
            Edit(P, "Account", 0, (("Company", "Ace"),)),
            Plan(P),
            Plan(S),
            Revert(2),
        ),
        order="PS",
    ),
    "taking back forgets no change of the other side that is on its way": History(
        Config((("Company", "spotio_only"),)),
        steps=(
            Add(S, "Account", (("Name", "Acme"),)),
            Plan(S),
            Plan(P),
            Edit(P, "Account", 0, (("Company", "Zoë"),)),
            Edit(S, "Account", 0, (("Name", "Ace"),)),
            Plan(S),
            Plan(P),
            Revert(2),
        ),
        order="PS",
    ),
    "what was taken back by a process that died is settled as what it is": History(
        Config((("Company", "two_way"),)),
        steps=(
            Add(S, "Account", (("Name", "Acme"),)),
            Plan(S),
            Plan(P),
            Edit(S, "Account", 0, (("Name", "Ace"),)),
            Plan(S),
            Plan(P),
            Revert(2),
            Plan(S, crash=16),
            Plan(P),
        ),
    ),
    "what a system has made of a value is what its run wrote": History(
        Config((("Company", "two_way"), ("Website", "two_way"))),
        (("trims", True),),
        (
            Add(P, "Account", (("Company", "Acme"), ("Website", "b.io"))),
            Plan(P),
            Plan(S),
            Edit(P, "Account", 0, (("Website", "A.IO"),)),
            Plan(P),
            Plan(S),
            Revert(2),
        ),
    ),
    "a number that is spelled longer than it is compared is no change of the other side": History(
        Config((("Company", "two_way"), ("Annual Revenue", "two_way"))),
        steps=(
            Add(P, "Account", (("Company", "Acme"), ("Annual Revenue", 1))),
            Plan(P),
            Plan(S),
            Edit(P, "Account", 0, (("Annual Revenue", 2.345),)),
            Plan(P),
            Plan(S),
            Revert(2),
        ),
    ),
    "a wish for a record out of scope is told, and the other side still hears of its edit": History(
        Config(
            (("Company", "two_way"), ("Annual Revenue", "salesforce_only")), scope_p=("Customer",)
        ),
        steps=(
            Add(S, "Account", (("Name", "Acme"), ("AnnualRevenue", 7.5))),
            Plan(S),
            Plan(P),
            Edit(P, "Account", 0, (("Annual Revenue", None),)),
            Plan(P),
            Plan(S),
            Restore(0),
            Edit(P, "Account", 0, (("Annual Revenue", 1), ("Stage", "Former"))),
        ),
    ),
    "a wish for a merge's loser is no reason to move its link once more": History(
        Config((("Company", "spotio_only"),), scope_s=("Customer",)),
        steps=(
            Add(S, "Account", (("Name", "Acme"),)),
            Add(S, "Account", (("Name", "Zoë"), ("Type", "Partner"))),
            Plan(S),
            Plan(P),
            Edit(S, "Account", 0, (("Name", "Ace"),)),
            Plan(S),
            Plan(P),
            Life("merge", S, "Account", 0, 1),
            Restore(0),
        ),
        order="PS",
    ),
    "an owner whom nobody knows calls for no other value that was refused": History(
        Config((("Company", "two_way"), ("Notes", "spotio_only"), ("owner", "two_way"))),
        steps=(
            Add(P, "Account", (("Company", "Acme"),)),
            Plan(P),
            Plan(S),
            Refuse(S, "call", on=True),
            Edit(P, "Account", 0, (("Notes", "call"), ("ownerId", "u7"))),
        ),
        keep_refusing=True,
        order="PS",
    ),
    "a choice that stays apart on purpose calls for no other value that was refused": History(
        Config((("Company", "two_way"), ("Notes", "spotio_only"), ("Rating", "two_way"))),
        steps=(
            Add(P, "Account", (("Company", "Acme"),)),
            Plan(P),
            Plan(S),
            Refuse(S, "call", on=True),
            Edit(P, "Account", 0, (("Notes", "call"), ("Rating", "Dead"))),
        ),
        keep_refusing=True,
        order="PS",
    ),
    "a value that a wish overrules is kept, also where the rule overruled the same one before": (
        History(
            Config((("Company", "two_way"), ("Notes", "spotio_only"))),
            steps=(
                Add(P, "Account", (("Company", "Acme"), ("Notes", "call"))),
                Plan(P),
                Plan(S),
                Plan(P),
                Edit(S, "Account", 0, (("Description", "yes"),)),
                Plan(S),
                Plan(P),
                Revert(2),
                Plan(P),
                Restore(1),
            ),
        )
    ),
    "what a person has typed anew stands as it was taken back": History(
        Config((("Company", "spotio_only"),), activities="two_way"),
        steps=(
            Add(P, "Account", (("Company", "0"),)),
            Add(P, "Task", (("Subject", "Ring"),)),
            Plan(P),
            Plan(S),
            Edit(S, "Task", 0, (("Priority", "High"),)),
            Plan(S),
            Plan(P),
            Revert(2),
            Edit(S, "Task", 0, (("Priority", "High"),)),
        ),
    ),
    "a lead's id in a record of SPOTIO names no contact": History(
        OF_LEADS,
        steps=(Add(P, "Lead", (("Firm", "Zoë"), ("Last Name", "Birch"))),),
    ),
    "a lead that is converted while its new record is being read is one record": History(
        OF_LEADS,
        steps=(LEE, Plan(S), Plan(P), Plan(S, edits=((9, Convert(0)),))),
    ),
    "a record that names a contact which is not there is not created as one": History(
        OF_LEADS,
        steps=(
            Add(
                P,
                "Lead",
                (
                    ("Firm", "Zoë"),
                    ("Last Name", "Ash"),
                    ("externalDataObjectId", "003000000000099AAA"),
                ),
            ),
        ),
    ),
    "an id that a stale attempt did not write is written by the next one": History(
        Config((("Company", "two_way"), ("owner", "manual"))),
        steps=(
            Add(P, "Account", (("ownerId", "u7"), ("Company", "Acme"))),
            Plan(P),
            Edit(P, "Account", 0, (("ownerId", "u1"),)),
            Edit(S, "Account", 0, (("OwnerId", "005000000000002AAA"),)),
            Plan(S),
        ),
        order="PS",
    ),
    "a blank that on_create left out was seen when it was read back": History(
        Config(
            (("Company", "manual"), ("Notes", "two_way")), omit=frozenset({"Notes"}), enabled="P"
        ),
        steps=(
            Add(P, "Account", (("Company", "Acme"), ("Notes", "call"))),
            Plan(P),
            Edit(S, "Account", 0, (("Description", "call"),)),
            Edit(S, "Account", 0, (("Description", None),)),
            Edit(P, "Account", 0, (("Notes", "no"),)),
        ),
    ),
    "a record that was refused as a whole is not due any more where only a value of it is": History(
        Config((("Company", "two_way"), ("Notes", "spotio_only"))),
        steps=(
            Add(P, "Account", (("Company", "Acme"),)),
            Plan(P),
            Plan(S),
            Refuse(S, "call", on=True, named=False),
            Edit(P, "Account", 0, (("Notes", "call"),)),
            Plan(P),
            Refuse(S, "call", on=True),
        ),
        keep_refusing=True,
    ),
    "a parent that left the filter before it had a counterpart holds up no other value": History(
        Config(
            (
                ("Company", "two_way"),
                ("First Name", "salesforce_unless_blank"),
                ("Last Name", "two_way"),
                ("parent", "spotio_only"),
            ),
            scope_p=("Customer",),
            contacts=True,
        ),
        steps=(
            Add(S, "Contact", (("LastName", "Birch"), ("FirstName", "Ann"))),
            Add(P, "Account", (("Stage", "Customer"), ("Company", "x" * 25))),
            Plan(S),
            Plan(P),
            Life("parent", P, "Contact", 0, 0),
            Edit(P, "Contact", 0, (("First Name", "Bo"), ("Last Name", "Ash"))),
            Edit(P, "Account", 0, (("Stage", "Prospect"),)),
        ),
        order="PS",
    ),
    "a lead that its deletion has unlinked stays so, whatever it becomes later": History(
        replace(OF_LEADS, on_delete=("unlink", "ignore")),
        steps=(
            *(LEE, Plan(S), Plan(P), Life("delete", S, "Lead", 0), Plan(S)),
            *(Life("undelete", S, "Lead", 0), Convert(0)),
        ),
    ),
    "of two leads that become one contact the second one's counterpart is an alias": History(
        OF_LEADS,
        steps=(LEE, LEE, Plan(S), Plan(P), Convert(0), Convert(1, into=0), Plan(S), Plan(P)),
    ),
    "a lead whose counterpart a contact has named leaves it to that one": History(
        OF_LEADS,
        steps=(
            LEE,
            Plan(S),
            Plan(P),
            Edit(P, "Lead", 0, (("externalDataObjectId", None),)),
            Add(S, "Contact", (("LastName", "Birch"),)),
            Life("name", S, "Contact", 0, 0),
            Plan(S),
            Convert(0),
        ),
    ),
    "the winner of a merge that was told before its link came is read all the same": History(
        OF_LEADS,
        steps=(
            *(Add(S, "Contact", (("LastName", "Birch"),)), LEE, Plan(S), Plan(P)),
            *(Convert(0), Plan(S), Plan(P), Life("merge", S, "Contact", 1, 0)),
            *(Wait(300_000), Add(S, "Contact", (("LastName", "Lee"),)), Plan(S, batch=1)),
        ),
    ),
    "a join whose outcome was lost and that leaves nothing to write is made all the same": History(
        Config(COMPANY, scope_p=("Customer",)),
        steps=(
            Twin((("Company", "Acme"),), (("Name", "Acme"),)),
            *(Plan(S, crash=5), Plan(P)),
        ),
    ),
    "who is not there any more is suspended, whatever the section has come to ask for": History(
        Config(COMPANY, users=Users((Role("Sales"),))),
        steps=(Plan(S), Select(FIELD), Staff("hide", S, 0)),
    ),
    "who is not there any more is not created, whoever is asked for now": History(
        OF_USERS,
        steps=(Plan(S), Staff("hide", S, 0), Plan(S), Select(Users((Role("Sales"),)))),
    ),
    "a merge that was put off by a write, and whose winner is purged": History(
        Config((*COMPANY, ("Products", "do_not_sync")), scope_s=("Prospect", "Customer")),
        steps=(
            Add(S, "Account", (("Name", "Ace"), ("Type", "Partner"))),
            Twin(
                (("Company", "Ace"), ("Stage", "Customer")),
                (("Name", "Acme"), ("Type", "Customer"), ("Product_Interest__c", "Fiber")),
                both=False,
            ),
            *(Plan(S), Plan(P)),
            Configure("Products", "spotio_unless_blank", scope_p=()),
            *(Life("merge", S, "Account", 1, 0), Plan(S)),
            Life("purge", S, "Account", 1, 1),
        ),
        order="SP",
    ),
    "an owner whom nobody knew is written once users have changed": History(
        Config((*COMPANY, ("owner", "two_way")), users=FIELD),
        steps=(
            ACME,
            *(Plan(S), Plan(P)),
            Edit(P, "Account", 0, (("ownerId", "u7"),)),
            *(Plan(P), Plan(S)),
            Staff("change", P, 2, (("externalSystemUserId", "005000000000007AAA"),)),
        ),
    ),
    "the default owner of a user who is nowhere does not come back as a value": History(
        Config((*COMPANY, ("owner", "spotio_only")), users=FIELD, activities="two_way"),
        steps=(
            *(Staff("dismiss", P, 0), ACME, Plan(S)),
            Add(P, "Task", (("Subject", "Ring"),)),
        ),
        order="PS",
    ),
    "who is out is given no record, and the edit is not forgotten": History(
        Config((*COMPANY, ("owner", "spotio_only")), users=FIELD),
        steps=(
            Add(P, "Account", (("Company", "Acme"),)),
            *(Plan(S), Plan(P), Staff("change", S, 1, (("IsActive", False),)), Plan(S)),
            *(Edit(P, "Account", 0, (("ownerId", "u2"),)), Plan(P)),
            Staff("change", S, 1, (("IsActive", True),)),
        ),
    ),
    "a suspension whose call had no answer is taken back when its user is back": History(
        OF_USERS, steps=(ann("Field"), Plan(S), ann(None), Plan(S, crash=12), ann("Field"))
    ),
    "a suspension whose outcome was lost is taken back when its user is back": History(
        OF_USERS, steps=(ann("Field"), Plan(S), ann(None), Plan(S, crash=14), ann("Field"))
    ),
    "a suspension whose outcome was lost is the sync's own also where no restore is taken": History(
        OF_USERS,
        (("restores", "never"),),
        (ann("Field"), Plan(S), ann(None), Plan(S, crash=14), ann("Field")),
    ),
    "a restore whose outcome was lost is followed by the suspension that is due": History(
        Config(COMPANY, users=FIELD, enabled="S"),
        steps=(
            *(ann("Field"), Plan(S), ann(None), Plan(S), ann("Field")),
            *(Plan(S, crash=12), ann(None)),
        ),
    ),
    "a role whose change had no answer is looked at when it is not to change any more": History(
        Config(COMPANY, users=FIELD, enabled="S"),
        steps=(ann("Field"), Plan(S), ann("Desk"), Plan(S, crash=12), ann("Field")),
    ),
    "a contact that a lead became is given SPOTIO's id although nobody has read it yet": History(
        Config((("Company", "manual"), ("Last Name", "two_way")), leads=True),
        steps=(
            Add(S, "Lead", ()),
            Add(P, "Account", (("Company", " Acme "),)),
            Plan(S, crash=20),
            Add(S, "Lead", ()),
            Plan(S),
            Plan(P, edits=((9, Convert(2)),)),
            Plan(S, crash=24, eager=True, state_each=True),
            Plan(P),
        ),
    ),
    "a record that was named is decided in full also where its first attempt died": History(
        Config((("First Name", "manual"), ("Last Name", "two_way")), enabled="S", leads=True),
        steps=(
            Add(S, "Contact", (("FirstName", "Bo"),)),
            Add(P, "Lead", ()),
            Plan(S),
            Life("name", S, "Contact", 0, 0),
            Plan(S, crash=5),
        ),
    ),
    "what comes late from before the last change is older, also where nothing differs now": History(
        Config(
            (("Company", "salesforce_unless_blank"), ("Annual Revenue", "salesforce_unless_blank")),
            scope_s=("Prospect", "Customer"),
            scope_p=("Customer",),
        ),
        steps=(
            Add(S, "Account", (("AnnualRevenue", 2.35),)),
            Twin((("Company", " Acme "),), (("Name", "Zoë"), ("Type", "Customer")), both=False),
            Plan(S),
            Edit(S, "Account", 0, (("AnnualRevenue", 1),)),
            Edit(S, "Account", 1, (("Type", "Partner"),)),
            Plan(S, batch=1, crash=6, order=4),
            Edit(S, "Account", 0, (("AnnualRevenue", 2.35),)),
        ),
    ),
    "a refused value is not sent again for what a tap tells a second time meanwhile": History(
        Config(
            (
                ("Company", "two_way"),
                ("Website", "spotio_unless_blank"),
                ("Rating", "salesforce_unless_blank"),
            )
        ),
        (("trims", True),),
        (
            Add(S, "Account", (("Name", "Acme"), ("Rating", "Hot"))),
            Plan(S),
            Edit(P, "Account", 0, (("Website", "A.IO"),)),
            *(Plan(P, crash=15), Plan(S)),
            Edit(P, "Account", 0, (("Rating", "Lukewarm"),)),
            *(Plan(P), Plan(S), Plan(P)),
        ),
    ),
    "a choice that a revert has brought back stands alone whatever goes beside it later": History(
        Config((("Company", "two_way"), ("Products", "union"))),
        steps=(
            Add(S, "Account", (("Name", "Acme"), ("Product_Interest__c", "Fiber;Panels"))),
            Plan(S),
            Edit(P, "Account", 0, (("Products", ["Panels"]),)),
            *(Plan(P), Revert(1), Plan(P)),
            Edit(P, "Account", 0, (("Products", None),)),
        ),
    ),
    "a number that agrees once it is rounded is not written where no tap tells the scale": History(
        Config((("Company", "two_way"), ("Annual Revenue", "spotio_unless_blank")), enabled="P"),
        steps=(
            Twin((("Company", "Acme"),), (("Name", "Acme"), ("AnnualRevenue", 2.35))),
            Plan(P),
            Edit(P, "Account", 0, (("Annual Revenue", 2.345),)),
        ),
    ),
    "what comes late of a record that was left out in the same run is no news": History(
        Config((("Company", "two_way"),), scope_p=("Prospect", "Customer")),
        steps=(
            Add(P, "Account", (("Company", "Zoë"),)),
            Plan(P, crash=2),
            Edit(P, "Account", 0, (("Stage", "Former"),)),
        ),
    ),
    "a union that changed before its create was read back is settled as it was read": History(
        Config((("Company", "two_way"), ("Products", "union"))),
        steps=(
            Add(P, "Account", (("Company", "Acme"), ("Products", ["Fiber", "Panels"]))),
            Plan(P, edits=((12, Edit(S, "Account", 0, (("Product_Interest__c", None),))),)),
        ),
    ),
    "what a person changed and changed back is that person's, and no revert's to take": History(
        Config(COMPANY),
        steps=(
            *(Add(P, "Account", (("Company", "Acme"),)), Plan(P), Plan(S)),
            *(Edit(P, "Account", 0, (("Company", "Zoë"),)), Plan(P)),
            *(Edit(S, "Account", 0, (("Name", "Bo"),)), Plan(S)),
            *(Edit(S, "Account", 0, (("Name", "Zoë"),)), Revert(2)),
        ),
        order="PS",
    ),
}


@pytest.mark.parametrize("name", SEEDS)
def test_what_once_failed_holds(name):
    assert play(SEEDS[name]).violations == []

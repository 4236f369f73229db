"""A crash at every effect of a recorded history (I8), and input in any order (I13)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.convergence.edits import Add, Edit, History
from tests.convergence.machine import play
from tests.convergence.shape import TAP_NAMES, Config, P, S
from tests.convergence.sync import Plan

CONFIG = Config(
    rules=(
        ("Company", "two_way"),
        ("Website", "salesforce_only"),
        ("Notes", "spotio_unless_blank"),
        ("Rating", "two_way"),
        ("Last Name", "two_way"),
        ("parent", "two_way"),
    ),
    contacts=True,
)
SETUP = (
    Add(S, "Account", (("Name", "Acme"), ("Website", "a.io"), ("Rating", "Warm"))),
    Add(P, "Account", (("Company", "Zoë"), ("Notes", "call"), ("Rating", "Cool"))),
    Add(S, "Contact", (("LastName", "Ash"),), parent=0),
    Add(P, "Contact", (("Last Name", "Birch"),), parent=0),
)
EDITS = (
    Edit(S, "Account", 0, (("Name", "Ace"), ("Website", "b.io"))),
    Edit(P, "Account", 0, (("Website", "z.io"), ("Notes", "no"))),
    Edit(S, "Contact", 0, (("LastName", "Birch"),)),
)
MOST_EFFECTS = 60


def what_people_see(played):
    """Both systems' values, records named by what they are called, not by their ids."""
    hidden = {"Id", "id", "externalDataObjectId", "SPOTIO_Id__c", "AccountId", *TAP_NAMES.values()}
    seen = []
    for where, row in played.world.rows.items():
        kept = {name: value for name, value in row.values.items() if name not in hidden}
        seen.append((where.side, where.sobject, row.deleted, repr(sorted(kept.items(), key=str))))
    return sorted(seen)


@pytest.mark.parametrize("survives", [False, True])
@pytest.mark.parametrize("source", [S, P])
@pytest.mark.parametrize("first", [True, False])
def test_a_crash_at_any_effect_changes_nothing_in_the_end(source, first, survives):
    """First runs create, later ones update; one history for each effect of the run that dies."""

    def history(crash):
        dying = Plan(source, crash=crash, survives=survives, commit_every=1, batch=1)
        if first:
            return History(CONFIG, steps=(*SETUP, dying, Plan(S), Plan(P), *EDITS))
        return History(CONFIG, steps=(*SETUP, Plan(S), Plan(P), Plan(S), *EDITS, dying))

    calm = what_people_see(play(history(0)))
    crashes = 0
    for at in range(1, MOST_EFFECTS):
        played = play(history(at))
        if not any(event[0] == "crash" for event in played.world.events):
            break
        crashes += 1
        assert played.violations == [], f"crash at effect {at}"
        assert what_people_see(played) == calm, f"crash at effect {at}"
    assert crashes > 10


@pytest.mark.parametrize(
    "change",
    [
        {"order": 3},
        {"order": 4, "batch": 1},
        {"twice": True},
        {"children_first": True},
        {"state_each": True, "commit_every": 1},
        {"eager": True},
        {"replay": True},
    ],
    ids=str,
)
def test_the_order_and_number_of_messages_changes_nothing_in_the_end(change):
    plain = History(CONFIG, steps=(*SETUP, Plan(S), Plan(P), *EDITS, Plan(S), Plan(P)))
    steps = [replace(one, **change) if isinstance(one, Plan) else one for one in plain.steps]
    other = play(replace(plain, steps=tuple(steps)))
    assert other.violations == []
    assert what_people_see(other) == what_people_see(play(plain))

"""Random histories of activities: people on both sides, crashes, faults; one Task each at rest.

``SEEDS=100:140`` plays others than the few of ``make test``.
"""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from reverse_sf.ledger.store import Ledger
from reverse_sf.mapping.definition import Direction
from reverse_sf.simulator.local import running
from tests.system.activity_fixtures import Diary, entry
from tests.system.histories.history import FAULTS
from tests.system.sync import DIRECTIONS, TO_SALESFORCE, TO_SPOTIO, Sync

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reverse_sf.simulator.local import LocalServers

pytestmark = [pytest.mark.slow]

SEEDS = range(*map(int, os.environ.get("SEEDS", "0:1").split(":")))
CALL = {"Subject": "Subject", "Description": "Description", "Status": "Status"}
CALL |= {"Activity Date": "ActivityDate", "CallResult": "Result__c"}
VISIT = {"Subject": "Subject", "Description": "Description", "VisitResult": "Result__c"}
COMMANDS = {
    TO_SALESFORCE: ("tap-spotio", "spotio-mapper", "target-salesforce"),
    TO_SPOTIO: ("spotio-mapper", "target-spotio"),
}
KINDS = {
    "tap-spotio": ("request",),
    "spotio-mapper": ("commit",),
    "target-salesforce": ("commit", "write", "request", "emit"),
    "target-spotio": ("commit", "write", "request", "emit"),
}
MOST_CYCLES = 4


@pytest.fixture(scope="module")
def servers() -> Iterator[LocalServers]:
    with running(records=6) as found:
        yield found


class Story:
    """One history; everything comes from its seed."""

    def __init__(self, seed: int, diary: Diary) -> None:
        self.rng = random.Random(seed)
        self.diary = diary
        self.logged: dict[str, str] = {}
        """Activities that people made: id to template."""
        self.killed = 0
        self.first = {str(one["id"]) for one in diary.spotio.rows("activities")}

    def play(self) -> None:
        for _ in range(self.rng.randint(3, 5)):
            for _ in range(self.rng.randint(1, 4)):
                self.edit()
            self.run(self.rng.choice(list(DIRECTIONS)))

    def edit(self) -> None:
        """A rep in SPOTIO, or somebody at a Task in Salesforce."""
        rng, diary = self.rng, self.diary
        tasks = [one for one in diary.salesforce.rows("Task") if one["SPOTIO_Id__c"] in self.logged]
        chance = rng.random()
        if not self.logged or chance < 0.4:
            template = rng.choice(("Call", "Call", "Visit"))
            result = rng.choice(("Reached", "No Answer") if template == "Call" else ("Interested",))
            said = self.values(Subject="title", Description="notes")
            done = rng.random() < 0.5
            _, spotio_id = diary.linked("Account", rng.randint(0, 1))
            made = diary.log(spotio_id, template=template, done=done, **said, result=result)
            self.logged[made] = template
        elif chance < 0.65:
            said = self.values(Subject="title", Description="notes")
            if rng.random() < 0.3:
                said["done"] = True
            chosen = rng.choice(sorted(self.logged))
            diary.spotio.edit(object="activities", id=chosen, set=said)
        elif tasks:
            task = rng.choice(sorted(tasks, key=lambda one: str(one["Id"])))
            if chance > 0.95:
                if not task["IsDeleted"]:
                    diary.salesforce.delete("Task", task["Id"])
            elif not task["IsDeleted"]:
                said = self.values(Subject="Subject", Description="Description")
                diary.salesforce.edit(object="Task", id=task["Id"], set=said)

    def values(self, **names: str) -> dict[str, Any]:
        number = self.rng.randint(1, 9)
        pool = {"Subject": f"Subject {number}", "Description": f"Caf\u00e9 {number}"}
        return {names[key]: value for key, value in pool.items() if self.rng.random() < 0.8}

    def run(self, mapping: str) -> None:
        rng, diary = self.rng, self.diary
        plan: dict[str, tuple[dict[str, Any], ...]] = {}
        if rng.random() < 0.6:
            command = rng.choice(COMMANDS[mapping])
            step = {
                "kind": rng.choice(KINDS[command]),
                "when": rng.choice(("before", "after")),
                "nth": rng.choice((1, 1, 2, 3, 4)),
                "do": "kill",
            }
            plan[command] = (step,)
        if rng.random() < 0.3:
            server = rng.choice((diary.salesforce, diary.spotio))
            match = {"nth": rng.randint(1, 3), "method": rng.choice(("POST", "PATCH"))}
            server.fault(match, {**rng.choice(FAULTS), "times": 1})
        ended = diary.sync.run(mapping, plan=plan)
        self.killed += ended.killed
        assert not any("Traceback" in error for error in ended.errors), str(ended)
        assert ended.killed or all(code in range(5) for code in ended.codes), str(ended)

    def come_to_rest(self) -> None:
        diary = self.diary
        diary.salesforce.clear_faults()
        diary.spotio.clear_faults()
        with Ledger.open(diary.sync.ledger_uri) as ledger:
            with ledger._writing() as connection:
                connection.execute(text("UPDATE sync_leases SET expires_at = '2000-01-01'"))
            for direction in Direction:
                ledger.retry_parked(direction, now="2030-01-01T00:00:00.000Z")
        for _ in range(MOST_CYCLES):
            if not diary.cycle():
                break
        assert diary.cycle() == [], "quiet"
        for mapping in DIRECTIONS:
            diary.sync.state_file(mapping).unlink(missing_ok=True)
        assert diary.cycle() == [], "a full read of both sides is quiet"

    def judge(self) -> None:
        """One Task or Event for each activity, alike unless the ledger says why not."""
        diary = self.diary
        activities = {str(one["id"]): one for one in diary.spotio.rows("activities")}
        by_people = {
            key
            for key, one in activities.items()
            if one.get("activityTemplateId") in ("1", "2") and key not in self.first
        }
        assert by_people == set(self.logged), "nobody else made an activity"
        with Ledger.open(diary.sync.ledger_uri) as ledger:
            rows = ledger.parked_rows()
            links = ledger.snapshots(sorted({one.link_id for one in rows}))
            kept = {(links[one.link_id].link.spotio_id, one.key) for one in rows}
        for activity_id, template in self.logged.items():
            sobject = "Task" if template == "Call" else "Event"
            made = [
                one for one in diary.salesforce.rows(sobject) if one["SPOTIO_Id__c"] == activity_id
            ]
            assert len(made) == 1, (activity_id, template, made)
            (row,), activity = made, activities[activity_id]
            if row["IsDeleted"]:
                continue
            pairs = (("Subject", "title"), ("Description", "notes"))
            for field, name in pairs:
                if (activity_id, field) in kept or (activity_id, "") in kept:
                    continue
                assert row[field] == activity[name], (activity_id, field, row, activity)


@pytest.mark.parametrize("seed", SEEDS)
def test_activities_converge_whatever_happens(
    servers: LocalServers, tmp_path: Path, seed: int
) -> None:
    servers.reset()
    sync = Sync(
        tmp_path,
        servers,
        tmp_path / "sync.yml",
        settings={
            # One call after the other, so that the nth is the same one each time.
            "target-spotio": {"max_workers": 1, "settle_seconds": 0.2},
            "tap-spotio": {"max_workers": 1},
        },
        select=("User", "Account", "Contact", "Task"),
        spotio_streams=("users", "Accounts", "Contacts", "activities"),
    )
    diary = Diary(sync)
    diary.define(
        of_accounts=entry("Call", "Task", CALL, two_way=True) + entry("Visit", "Event", VISIT)
    )
    diary.run(TO_SPOTIO)
    story = Story(seed, diary)
    story.play()
    story.come_to_rest()
    story.judge()

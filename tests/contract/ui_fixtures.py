"""The page over a prepared ledger, with a program in place of reverse-sf that answers at once."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import msgspec

from reverse_sf.ledger.batches import Decisions
from reverse_sf.ledger.rows import Conflict, LogRow, OperationStatus, Parked
from reverse_sf.ledger.store import Ledger
from reverse_sf.mapping.definition import Direction, Side
from reverse_sf.mapping.document import parse
from reverse_sf.merge.envelope import Action
from reverse_sf.merge.plan import VERSION, DirectionPlan, Plan, PlannedField, PlannedWrite
from reverse_sf.ui.jobs import Jobs
from reverse_sf.ui.security import Keys
from reverse_sf.ui.site import Site
from tests.contract.ledger_fixtures import AT, PAIR, finish, intent, join, link_id, outcome, run

if TYPE_CHECKING:
    from pathlib import Path

LATER = "2026-05-06T12:10:00.000Z"
EVIL = "<script>alert('Harbor & Sons')</script>"
SECRET = "the-password-of-the-ledger"
DEFINITION = """\
# What we sync.
version: 1
time_zone: America/Denver

objects:
  # the companies
  - spotio: Accounts
    salesforce: Account
    to_spotio:
      enabled: true
      only_when:
        Type: [Prospect, Customer]
    to_salesforce: {enabled: true}  # since May
    fields:
      - {spotio: Company, salesforce: Name, rule: salesforce_only}
      - {spotio: Website, salesforce: Website, rule: two_way}  # the reps know better
      - {spotio: Phone, salesforce: Phone, rule: salesforce_unless_blank}
      - spotio: Rating
        salesforce: Rating
        rule: two_way
        choices:
          Hot: Hot
          Lukewarm: Warm  # as sales says
          Cold: do_not_sync
    address:
      street: BillingStreet
      city: BillingCity
      skip_geocoding: true
      rule: salesforce_only
  # the people
  - spotio: Contacts
    salesforce: Contact
    to_spotio: {enabled: true}
    to_salesforce: {enabled: false}
    parent: {salesforce: AccountId, spotio: Accounts}
    fields:
      - {spotio: Last Name, salesforce: LastName, rule: two_way}
    activities:
      - spotio: Visit
        salesforce: Event
        fields:
          Subject: Subject
          VisitResult: {salesforce: Visit_Result__c, choices: {Met: Met, Missed: do_not_sync}}
"""


def prepare(folder: Path) -> None:
    """A project: a ledger with a run, parked work, two conflicts and a log; and a definition."""
    (folder / "sync.yml").write_text(DEFINITION)
    _write_stand_in(folder)
    with Ledger.open(_uri(folder)) as ledger:
        ledger.begin_run(run("run-1"), ttl_seconds=600)
        ledger.note_places(PAIR, {"Company": "Name", "Website": "Website", "Phone": "Phone"})
        join(ledger, "one", "two", "three")
        change = intent(
            "one",
            "the update",
            action="update",
            record={"Website": "new.example"},
            source={"Website": "new.example"},
            decision={
                "Website": {
                    "row": "C3-08",
                    "rule": "two_way",
                    "old": "mine.example",
                    "new": "new.example",
                }
            },
            issued_at=LATER,
        )
        ledger.commit_decisions(
            Decisions(
                run_id="run-1",
                intents=[change],
                conflicts=[
                    _conflict("Website", "mine.example", "new.example"),
                    _conflict("Company", EVIL, "Harbor & Sons"),
                ],
            )
        )
        finish(
            ledger,
            outcome("one", "the update", status=OperationStatus.APPLIED, written=["Website"]),
            parked=[
                _parked("two", "Phone", "rejected", "Phone number is not valid."),
                _parked("three", "Rating", "choice_unmapped", "No choice maps 'Boiling'."),
            ],
        )
        ledger.add_log(_log())
        ledger.finish_run("run-1", "done")


def _uri(folder: Path) -> str:
    return f"sqlite:///{folder}/ledger.db"


def _conflict(key: str, lost: str, won: str) -> Conflict:
    return Conflict(
        link_id=link_id("one"),
        pair=PAIR,
        key=key,
        loser=Side.SPOTIO,
        losing_value=lost,
        winning_value=won,
        rule="two_way",
        row="C3-08",
        at=LATER,
        run_id="run-1",
        operation_id="the update",
    )


def _parked(name: str, key: str, reason: str, message: str) -> Parked:
    return Parked(
        link_id=link_id(name),
        direction=Direction.TO_SPOTIO,
        key=key,
        pair=PAIR,
        reason=reason,
        message=message,
        at=AT,
        run_id="run-1",
    )


def _log() -> list[LogRow]:
    return [
        _row("one", "operation of one"),
        _row(
            "one",
            "the update",
            at=LATER,
            method="PATCH",
            path="/api/DataObjects/sp-one/jsonp",
            outcome="updated",
            payload=[{"op": "replace", "path": "/fields/Website", "value": "new.example"}],
            answer={"id": "sp-one", "name": EVIL},
        ),
        _row(
            "two",
            "operation of two",
            status=422,
            outcome="rejected",
            reason="Phone number is not valid.",
        ),
        _row("three", "of a task", pair="Task:Visit"),
        # As long as they are in earnest.
        _row(
            "out",
            "of another",
            direction=Direction.TO_SALESFORCE,
            pair="Opportunity:Opportunities",
            salesforce_id="006000000000007AAA",
            spotio_id="6650d0f00001000000000087",
            path="/services/data/v62.0/composite/sobjects/Opportunity",
        ),
    ]


def _row(name: str, operation: str, **changes: object) -> LogRow:
    return LogRow(
        **{
            "at": AT,
            "run_id": "run-1",
            "direction": Direction.TO_SPOTIO,
            "pair": PAIR,
            "link_id": link_id(name),
            "operation_id": operation,
            "salesforce_id": f"sf-{name}",
            "spotio_id": f"sp-{name}",
            "method": "POST",
            "path": "/api/DataObjects",
            "status": 200,
            "outcome": "created",
            **changes,
        }
    )


def made_plan() -> Plan:
    update = PlannedWrite(
        operation_id="planned-1",
        action=Action.UPDATE,
        stream="Accounts",
        pair=PAIR,
        link_id=link_id("one"),
        salesforce_id="sf-one",
        spotio_id="sp-one",
        fields=[
            PlannedField(
                key="Website",
                old="new.example",
                new="newest.example",
                rule="two_way",
                row="C3-06",
                overrules=True,
            )
        ],
    )
    return Plan(
        version=VERSION,
        made_at="2026-05-06T13:00:00.000Z",
        definition_fingerprint=parse(DEFINITION).fingerprint,
        salesforce_org=None,
        spotio_company=None,
        directions=[
            DirectionPlan(
                direction=Direction.TO_SPOTIO, writes=[update], parked={"choice_unmapped": 1}
            ),
            DirectionPlan(direction=Direction.TO_SALESFORCE),
        ],
    )


_PROGRAM = """\
import pathlib, shutil, sys, time
words, here = sys.argv[1:], pathlib.Path(__file__).parent
(here / "called").open("a").write(" ".join(words) + "\\n")
print("tap-salesforce: reads", file=sys.stderr, flush=True)
until = here / f"hold-{words[0]}"
while until.exists():
    time.sleep(0.02)
if (here / f"fail-{words[0]}").exists():
    print("reverse-sf: error: the run would stop: tap-salesforce: no login", file=sys.stderr)
    sys.exit(3)
if words[0] == "plan":
    shutil.copy(here / "plan.out", words[words.index("--out") + 1])
print((here / f"{words[0]}.out").read_text())
"""
_CHECKED = {
    "ok": True,
    "offline": False,
    "snapshot": None,
    "problems": [
        {
            "line": 15,
            "path": "objects[0].fields[0]",
            "severity": "warning",
            "message": "Name holds 255 characters and Company 100",
            "remedy": "set truncate, or shorten the names",
        }
    ],
    "coverage": [
        {
            "pair": PAIR,
            "spotio_mapped": 4,
            "spotio_mappable": 9,
            "salesforce_mapped": 4,
            "salesforce_mappable": 30,
        }
    ],
    "proofs": [
        {
            "line": 19,
            "safe": False,
            "pair": PAIR,
            "path": "objects[0].fields[3]",
            "spotio": "Rating",
            "salesforce": "Rating",
            "rule": "two_way",
            "exhaustive": True,
            "to_spotio": {
                "total": False,
                "one_to_one": True,
                "round_trip": True,
                "undefined": "Boiling",
                "because": "no choice maps it",
                "shared": None,
                "changed": None,
            },
            "to_salesforce": {
                "total": True,
                "one_to_one": True,
                "round_trip": False,
                "undefined": None,
                "because": None,
                "shared": None,
                "changed": "Cold -> Hot -> Warm",
            },
            "losses": [{"lost": "Cold", "side": "spotio"}],
        }
    ],
}
_APPLIED = [
    {
        "direction": "to_spotio",
        "exit_code": 0,
        "as_planned": ["planned-1"],
        "planned_anew": [],
        "no_longer_due": [],
        "not_carried_out": [],
    }
]


def _write_stand_in(folder: Path) -> None:
    """A program that takes reverse-sf's words, notes them and prints what reverse-sf would."""
    (folder / "program.py").write_text(_PROGRAM)
    for name, said in (("plan", made_plan()), ("check", _CHECKED), ("apply", _APPLIED)):
        (folder / f"{name}.out").write_bytes(msgspec.json.encode(said))


def site(folder: Path) -> Site:
    """The page of a prepared project."""
    program = (sys.executable, "-I", str(folder / "program.py"))
    return Site(Keys.fresh(), Jobs(program), folder / "sync.yml", _uri(folder))

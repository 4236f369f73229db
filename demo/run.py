"""The two-way sync on a fresh machine: start both local servers, run it, show what happened.

Everything it does can be done by hand; it prints each command before it runs it.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
KEPT = ROOT / ".meltano" / "reverse-sf"
SALESFORCE = "http://127.0.0.1:8730"
SPOTIO = "http://127.0.0.1:8731"
JOB = "two-way-sync"
STATES = (
    "demo:tap-salesforce-to-target-spotio",
    "demo:tap-spotio-to-target-salesforce",
)
IN_SALESFORCE = {
    "Account": "Accounts",
    "Contact": "Contacts",
    "Lead": "Leads",
    "Opportunity": "deals",
}
IN_SPOTIO = {
    "Accounts": "accounts",
    "Contacts": "contacts",
    "Leads": "leads",
    "Opportunities": "deals",
}
NEW_USER = "rep.eleven@example.com"
VISIT = {
    "template": "Visit",
    "result": "Appointment Set",
    "title": "First visit",
    "duration": 20,
    "notes": "Roof faces south.",
}
CALL = {"template": "Call", "title": "Call Bob", "done": False, "date": "2027-03-01T16:00:00Z"}
NEW_LEAD = {100002: "Ada", 100003: "Whitlock", 100004: "Whitlock Orchards"}
READS_BY_POST = ("apitoken", "search", "filters", "/many", "/exports/", "/token", "/query")
RETRIEVES = re.compile(r"POST .*/composite/sobjects/\w+")
MOST_RUNS_TO_REST = 4
MOST_SHOWN = 240
SECONDS_TO_START = 120

console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)


def main() -> int:
    """Run the demo; the exit code is that of the first command that failed, else 0."""
    started = time.monotonic()
    os.chdir(ROOT)
    os.environ["PATH"] = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    os.environ["MELTANO_ENVIRONMENT"] = "demo"
    try:
        with servers():
            forget_last_demo()
            first_load()
            until_quiet()
            users_and_activities()
            edits()
            until_quiet()
    except subprocess.CalledProcessError as error:
        console.print(
            f"[red]stopped: {' '.join(map(str, error.cmd))} ended with {error.returncode}"
        )
        return error.returncode or 1
    where_to_look_next(time.monotonic() - started)
    return 0


@contextlib.contextmanager
def servers() -> Iterator[None]:
    """Both local servers, up while the block runs."""
    heading("The local Salesforce and SPOTIO servers")
    console.print("[bold]$ reverse-sf simulator")
    server = subprocess.Popen([BIN / "reverse-sf", "simulator"], start_new_session=True)  # noqa: S603 - our own script
    try:
        for url in (SALESFORCE, SPOTIO):
            wait_for(url, server)
        yield
    finally:
        server.send_signal(signal.SIGINT)
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()


def wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    """Return when the server answers; end the demo if it ends first or takes too long."""
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise subprocess.CalledProcessError(server.returncode, ["reverse-sf", "simulator"])
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{url}/_simulator/health", timeout=2).is_success:
                return
        time.sleep(0.2)
    raise subprocess.CalledProcessError(1, ["reverse-sf", "simulator"])


def forget_last_demo() -> None:
    """The servers begin anew, so the ledger, kept logins and bookmarks of the last demo must go."""
    shutil.rmtree(KEPT, ignore_errors=True)
    heading("Meltano installs the plugins")
    run("meltano", "install", quiet=True)
    for state in STATES:
        run("meltano", "state", "clear", "--force", state, quiet=True)


def first_load() -> None:
    """The first run: everything in scope is new."""
    heading("First run: everything in scope is new")
    console.print(f"  Salesforce holds {held(SALESFORCE, IN_SALESFORCE)}")
    console.print(f"  SPOTIO holds {held(SPOTIO, IN_SPOTIO)}")
    run("meltano", "run", JOB, quiet=True)
    run("reverse-sf", "account")
    console.print(f"  Salesforce holds {held(SALESFORCE, IN_SALESFORCE)}")
    console.print(f"  SPOTIO holds {held(SPOTIO, IN_SPOTIO)}")


def until_quiet() -> None:
    """Nobody edits anything: the sync comes to rest, and stays there."""
    heading("Nobody edits anything: the sync comes to rest")
    for _ in range(MOST_RUNS_TO_REST):
        before = requests_so_far()
        run("meltano", "run", JOB, quiet=True)
        written, made = writes_since(before), made_since(before)
        console.print(
            f"  write requests: [bold]{written[SALESFORCE]}[/] to Salesforce,"
            f" [bold]{written[SPOTIO]}[/] to SPOTIO; requests in all: {made}"
        )
        if not any(written.values()):
            return
    console.print("[red]it did not come to rest")
    raise subprocess.CalledProcessError(1, ["meltano", "run", JOB])


def users_and_activities() -> None:
    """The selected user is in SPOTIO; a visit and a call become an Event and a Task, and back."""
    heading("Users and activities")
    (user,) = [row for row in rows(SPOTIO, "users") if row["email"] == NEW_USER]
    console.print(
        f"  {NEW_USER}, whom sync.yml selects, is in SPOTIO: {user['role']},"
        f" read-only {user['isReadonly']}, external id {user['externalSystemUserId']}"
    )
    _, spotio_id = linked_pairs()["Account"][0]
    for said in (VISIT, CALL):
        edit(SPOTIO, {"object": "Accounts", "id": spotio_id, "log": said})
    console.print("  SPOTIO: a visit that ended with an appointment, and a call for tomorrow")
    run("meltano", "run", JOB, quiet=True)
    (event,) = [row for row in rows(SALESFORCE, "Event") if row["Subject"] == VISIT["title"]]
    (task,) = [row for row in rows(SALESFORCE, "Task") if row["Subject"] == CALL["title"]]
    console.print(
        f"  Salesforce: Event {event['Subject']!r}, {event['DurationInMinutes']} minutes,"
        f" {event['Result__c']}; Task {task['Subject']!r}, {task['Status']},"
        f" {task['ActivityDate']}; both related to {event['WhatId']}"
    )
    edit(SALESFORCE, {"object": "Task", "id": task["Id"], "set": {"Subject": "Call Ada, not Bob"}})
    console.print("  Salesforce: the Task gets another subject")
    run("meltano", "run", JOB, quiet=True)
    (call,) = [row for row in rows(SPOTIO, "activities") if str(row["id"]) == task["SPOTIO_Id__c"]]
    console.print(f"  SPOTIO: the planned call is {call['title']!r} now")


@dataclass(frozen=True)
class Edit:
    """What people type into one field of a linked pair, on one side or on both.

    Attributes:
        about: what is to be seen.
        sobject: object in Salesforce.
        kind: record type in SPOTIO.
        field: in Salesforce.
        label: in SPOTIO.
        in_salesforce: typed there; None for nothing.
        in_spotio: typed there; None for nothing.
    """

    about: str
    sobject: str
    kind: str
    field: str
    label: str
    in_salesforce: str | None
    in_spotio: str | None


EDITS = (
    Edit("edit", "Account", "Accounts", "Website", "Website", "https://new-in-sf.example", None),
    Edit("edit", "Account", "Accounts", "Website", "Website", None, "https://new-in-sp.example"),
    Edit(
        "salesforce_only", "Account", "Accounts", "Phone", "Phone",
        "(801) 555-0142", "(801) 555-0199",
    ),
    Edit(
        "salesforce_unless_blank", "Account", "Accounts", "Billing_Email__c", "Billing Email",
        "billing@sf.example", "billing@spotio.example",
    ),
    Edit(
        "two_way", "Account", "Accounts", "Website", "Website",
        "https://both-sf.example", "https://both-spotio.example",
    ),
    Edit("spotio_only", "Contact", "Contacts", "Title", "Job Title", "Buyer", "Head of buying"),
    Edit(
        "spotio_unless_blank", "Contact", "Contacts", "MobilePhone", "Mobile",
        "(801) 555-0111", "(801) 555-0122",
    ),
    Edit("manual", "Opportunity", "Opportunities", "NextStep", "Next Step", "Call", "Visit"),
    Edit(
        "do_not_sync", "Contact", "Contacts", "Description", "Contact Notes",
        "likes tea", "likes coffee",
    ),
)  # fmt: skip


def edits() -> None:
    """People edit on both sides: two plain edits, a conflict under each rule, a new record each."""
    heading("People edit on both sides between two runs: a conflict under each rule")
    pairs = linked_pairs()
    used: dict[str, int] = {}
    edited: list[tuple[Edit, str, str]] = []
    for one in EDITS:
        number = used[one.sobject] = used.get(one.sobject, -1) + 1
        salesforce_id, spotio_id = pairs[one.sobject][number]
        edited.append((one, salesforce_id, spotio_id))
        if one.in_salesforce is not None:
            body = {"object": one.sobject, "id": salesforce_id}
            edit(SALESFORCE, {**body, "set": {one.field: one.in_salesforce}})
        if one.in_spotio is not None:
            body = {"object": one.kind, "id": spotio_id}
            edit(SPOTIO, {**body, "set": {one.label: one.in_spotio}})
    console.print(f"  {len(edited)} pairs edited; and one new record on each side:")
    new_records()
    before = requests_so_far()
    run("meltano", "run", JOB, quiet=True)
    console.print("  what was sent (each with its read-back in the ledger: reverse-sf logs):")
    for request in write_requests(before):
        call = f"{request['method']} {request['path']} {request['body']}"
        console.print(f"    {call[:MOST_SHOWN]}", soft_wrap=True, markup=False)
    run("meltano", "run", JOB, quiet=True)
    heading("The account of it")
    show_outcome(edited)
    run("reverse-sf", "conflicts", "--limit", "5")
    run("reverse-sf", "parked", "--reason", "manual")


def new_records() -> None:
    """A customer signs in Salesforce; a rep finds an interested household in SPOTIO."""
    edit(SALESFORCE, {"object": "Account", "create": {"Name": "Harbor Tile", "Type": "Customer"}})
    console.print("    Salesforce: Account Harbor Tile, a customer")
    call_spotio(
        "/api/DataObjects",
        {
            "dataObject": {
                "typeId": 3,
                "stageId": 8,
                "fields": [{"fieldId": at, "value": told} for at, told in NEW_LEAD.items()],
            },
            "activity": {"activityTemplateId": 1, "resultId": 3, "done": True},
        },
    )
    console.print("    SPOTIO: lead Ada Whitlock, whose first visit ended with an appointment")


def show_outcome(edited: list[tuple[Edit, str, str]]) -> None:
    """What both sides hold now."""
    table = Table(title="What people typed, and what both sides hold now", title_justify="left")
    for name in ("rule", "field", "typed in Salesforce", "typed in SPOTIO", "Salesforce", "SPOTIO"):
        table.add_column(name, overflow="fold", no_wrap=name in {"rule", "field"})
    for one, salesforce_id, spotio_id in edited:
        theirs = next(row for row in rows(SALESFORCE, one.sobject) if row["Id"] == salesforce_id)
        ours = next(row for row in rows(SPOTIO, one.kind) if row["id"] == spotio_id)
        table.add_row(
            one.about, one.label, one.in_salesforce, one.in_spotio,
            theirs[one.field], ours["fields"].get(one.label),
        )  # fmt: skip
    console.print(table)
    made = [row for row in rows(SALESFORCE, "Lead") if row["LastName"] == "Whitlock"]
    theirs = [row for row in rows(SPOTIO, "Accounts") if row["name"] == "Harbor Tile"]
    console.print(
        f"  Ada Whitlock is {len(made)} Lead in Salesforce; Harbor Tile is {len(theirs)} account in"
        " SPOTIO"
    )


def linked_pairs() -> dict[str, list[tuple[str, str]]]:
    """Salesforce Id and SPOTIO id of linked records whose fields are filled, by sObject."""
    spotio = {row["id"]: row for row in rows(SPOTIO, "dataObjects") if not row["deleted"]}
    found: dict[str, list[tuple[str, str]]] = {}
    needed = {"Account": ("Website", "Phone", "Billing_Email__c"), "Contact": ("Title",)}
    for sobject in ("Account", "Contact", "Opportunity"):
        found[sobject] = [
            (row["Id"], row["SPOTIO_Id__c"])
            for row in rows(SALESFORCE, sobject)
            if row["SPOTIO_Id__c"] in spotio
            and not row["IsDeleted"]
            and all(row[name] for name in needed.get(sobject, ()))
            and row.get("Type") in {None, "Customer", "Prospect"}
        ]
    return found


def where_to_look_next(seconds: float) -> None:
    """What a newcomer may want to open now."""
    heading(f"Done in {seconds:.0f} seconds. Where to look next")
    for line in (
        "sync.yml                        what is synced, and by which rules",
        "meltano.yml                     environments, plugins, jobs and the schedule",
        ".venv/bin/reverse-sf parked     what is withheld, why, and what to do about it",
        ".venv/bin/reverse-sf logs       each write with its payload and its answer",
        ".venv/bin/reverse-sf simulator  the two servers, to rehearse your own sync.yml on",
    ):
        console.print(f"  {line}", soft_wrap=True)


def run(*command: str, quiet: bool = False) -> None:
    """Print the command, then run it; a quiet one shows its output only where it fails."""
    console.print(f"[bold]$ {' '.join(command)}")
    if not quiet:
        subprocess.run(command, check=True)  # noqa: S603 - our own scripts
        return
    finished = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own scripts
    if finished.returncode:
        console.print(finished.stdout, finished.stderr, markup=False)
        raise subprocess.CalledProcessError(finished.returncode, list(command))


def heading(text: str) -> None:
    """Set a step apart from the one before."""
    console.print()
    console.rule(f"[bold]{text}", align="left")


def rows(url: str, name: str) -> list[dict[str, Any]]:
    """All rows of one object, as the server holds them."""
    answer = httpx.get(f"{url}/_simulator/records/{name}", timeout=60).raise_for_status().json()
    return list(answer["records"] if isinstance(answer, dict) else answer)


def held(url: str, names: Mapping[str, str]) -> str:
    """How many living rows each object has, in words."""
    numbers = {
        many: sum(not (row.get("IsDeleted") or row.get("deleted")) for row in rows(url, name))
        for name, many in names.items()
    }
    return ", ".join(f"{number:,} {many}" for many, number in numbers.items())


def edit(url: str, body: dict[str, Any]) -> dict[str, Any]:
    """Edit a record as a person in the web app would."""
    answer = httpx.post(f"{url}/_simulator/edit", json=body, timeout=30).raise_for_status().json()
    return dict(answer)


def call_spotio(path: str, body: dict[str, Any]) -> None:
    """What a rep's phone sends to SPOTIO's API."""
    key = {"clientId": "demo-client", "secret": "demo-secret"}
    answer = httpx.post(f"{SPOTIO}/api/users/apitoken", json=key, timeout=30).raise_for_status()
    token = {"Authorization": f"Bearer {answer.json()['accessToken']}"}
    httpx.post(f"{SPOTIO}{path}", json=body, headers=token, timeout=30).raise_for_status()


def requests_so_far() -> dict[str, int]:
    """The number of the last request to each server."""
    return {url: len(requests(url)) for url in (SALESFORCE, SPOTIO)}


def requests(url: str) -> list[dict[str, Any]]:
    """Every API request that a server has had."""
    answer = httpx.get(f"{url}/_simulator/requests", timeout=60).raise_for_status().json()
    return list(answer["requests"] if isinstance(answer, dict) else answer)


def write_requests(before: dict[str, int]) -> list[dict[str, Any]]:
    """Every request since that wrote; logins, queries and searches are not writes."""
    return [
        request
        for url, number in before.items()
        for request in requests(url)[number:]
        if request["method"] in {"POST", "PUT", "PATCH", "DELETE"}
        and not any(word in request["path"].lower() for word in READS_BY_POST)
        and not RETRIEVES.fullmatch(f"{request['method']} {request['path']}")
    ]


def writes_since(before: dict[str, int]) -> dict[str, int]:
    """How many writes each server has had since."""
    return {url: len(write_requests({url: number})) for url, number in before.items()}


def made_since(before: dict[str, int]) -> int:
    """How many requests both servers have had since."""
    return sum(len(requests(url)) - number for url, number in before.items())


if __name__ == "__main__":
    sys.exit(main())

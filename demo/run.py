"""The main job on a fresh machine: start both local servers, run the sync, show what happened.

Everything it does can be done by hand; it prints each command before it runs it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
from rich.console import Console

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
LEDGER = ROOT / ".meltano" / "reverse-sf" / "demo.db"
SALESFORCE = "http://127.0.0.1:8730"
SPOTIO = "http://127.0.0.1:8731"
PIPELINE = ("tap-salesforce", "spotio-mapper", "target-spotio")
SECONDS_TO_START = 120

console = Console(highlight=False)


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
            second_run()
            edits()
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
    """The servers begin anew, so the ledger and the bookmarks of the last demo must go."""
    for leftover in LEDGER.parent.glob(f"{LEDGER.name}*"):
        leftover.unlink()
    heading("Meltano installs the plugins")
    run("meltano", "install", quiet=True)
    run("meltano", "state", "clear", "--force", "demo:tap-salesforce-to-target-spotio", quiet=True)


def first_load() -> None:
    """The first run: everything in scope is new."""
    heading("First run: Salesforce to SPOTIO")
    console.print(f"  Salesforce holds {held_in_salesforce()}")
    run("meltano", "run", *PIPELINE)
    run("reverse-sf", "account")


def second_run() -> None:
    """The second run: nothing changed, so nothing may be written."""
    heading("Second run: nothing changed")
    before = writes_so_far()
    run("meltano", "run", *PIPELINE, quiet=True)
    console.print(f"  write requests to SPOTIO: [bold]{len(writes_so_far()) - len(before)}[/]")


def edits() -> None:
    """Three edits in Salesforce, of which exactly one concerns SPOTIO."""
    heading("Three edits: a mapped field, an unmapped one, one that leaves the filter")
    customers = [
        row
        for row in rows(SALESFORCE, "Account")
        if row["Type"] == "Customer" and not row["IsDeleted"] and row["Phone"]
    ]
    changed, unmapped, leaving = customers[:3]
    for row, values in (
        (changed, {"Phone": "(801) 555-0142"}),
        (unmapped, {"Site": "Back office"}),
        (leaving, {"Type": "Partner"}),
    ):
        edit(SALESFORCE, {"object": "Account", "id": row["Id"], "set": values})
        console.print(f"  {row['Name']}: {values}")
    before = writes_so_far()
    run("meltano", "run", *PIPELINE, quiet=True)
    due = writes_so_far()[len(before) :]
    console.print(f"  write requests to SPOTIO: [bold]{len(due)}[/]")
    for request in due:
        call = f"{request['method']} {request['path']} {request['body']}"
        console.print(f"    {call}", soft_wrap=True, markup=False)
    run("reverse-sf", "account")


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


def held_in_salesforce() -> str:
    """How many rows each object has, in words."""
    names = {"Account": "Accounts", "Contact": "Contacts", "Lead": "Leads", "Opportunity": "deals"}
    return ", ".join(f"{len(rows(SALESFORCE, name))} {many}" for name, many in names.items())


def edit(url: str, body: dict[str, Any]) -> None:
    """Edit a record as a person in the web app would."""
    httpx.post(f"{url}/_simulator/edit", json=body, timeout=30).raise_for_status()


def writes_so_far() -> list[dict[str, Any]]:
    """Every request that wrote to SPOTIO; minting a token and searching are not writes."""
    answer = httpx.get(f"{SPOTIO}/_simulator/requests", timeout=60).raise_for_status().json()
    requests = answer["requests"] if isinstance(answer, dict) else answer
    return [
        request
        for request in requests
        if request["method"] in {"POST", "PUT", "PATCH", "DELETE"}
        and not any(word in request["path"].lower() for word in ("apitoken", "search", "filters"))
    ]


if __name__ == "__main__":
    sys.exit(main())

"""One random history: drawn from its seed, played over real processes, judged at rest."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML
from sqlalchemy import text

from reverse_sf.ledger.store import Ledger
from reverse_sf.mapping.definition import Direction
from tests.system.histories.definition import Pair, document, random_pairs
from tests.system.histories.edits import People, accepted
from tests.system.histories.judge import Judge, Witness
from tests.system.posting import post, settled
from tests.system.sync import DIRECTIONS, Marks, Sync

if TYPE_CHECKING:
    from pathlib import Path

    from reverse_sf.simulator.local import LocalServers
    from tests.system.sync import Plan
    from tests.system.warm.runner import Ended

RECORDS = 9
"""Of the servers' world: three Accounts, two Contacts, one Lead, and some of them in SPOTIO too."""
MOST_CYCLES = 4
"""Cycles within which a quiet system comes to rest: two, one more for a parent, one for a guard."""
MOST_TRIES = 6
"""Runs that are tried for a history's crash: a boundary is not there where nothing is written."""

SWITCHES: tuple[dict[str, Any], ...] = (
    {},
    {"updated_after": "exclusive"},
    {"feed_order": "updated_desc", "feed_page": 3},
    {"feed_order": "random"},
    {"scroll_end": "absent"},
    {"scroll_end": "repeat", "feed_page": 3},
    {"patch_fields": "replaces"},
    {"patch_fields": "rebuilds"},
    {"patch_paths": "by_id"},
    {"patch_paths": "collection"},
    {"patch_test": "refused"},
    {"patch_test": "ignored"},
    {"patch_test": "refused", "patch_fields": "replaces", "patch_paths": "by_id"},
    {"validation_status": 400},
    {"multichoice_wire": "semicolon"},
    {"multichoice_wire": "json"},
    {"date_wire": "datetime"},
    {"date_wire": "us"},
    {"bulk_update": "keys"},
    {"bulk_update": "entries"},
    {"bulk_fail": "half"},
    {"bulk_fail": "lost"},
    {"external_id_in_search": True},
)
GUARDED = {"patch_test": "honoured", "patch_fields": "entries", "patch_paths": "index"}
"""How a SPOTIO is patched that lets a write say which values it expects."""
FAULTS: tuple[dict[str, Any], ...] = (
    {"status": 503},
    {"status": 503, "applied": True},
    {"status": 429, "headers": {"Retry-After": "0"}},
    {"status": 401},
    {"drop": "before"},
    {"drop": "after"},
)
BOUNDARIES = {
    "tap-salesforce": ("request",),
    "tap-spotio": ("request",),
    "spotio-mapper": ("commit", "commit", "commit"),
    "target-spotio": ("commit", "write", "write", "request", "emit"),
    "target-salesforce": ("commit", "write", "write", "request", "emit"),
}


@dataclass
class Verdict:
    """What came of a history.

    Attributes:
        problems: what does not hold; none is well.
        story: what happened, a line each.
    """

    seed: int
    problems: list[str] = field(default_factory=list)
    story: list[str] = field(default_factory=list)
    runs: int = 0
    crashes: int = 0
    edits: int = 0
    cycles: int = 0

    def __str__(self) -> str:
        lines = [f"seed {self.seed}", *self.story, "PROBLEMS:", *self.problems]
        return "\n  ".join(lines)


class History:
    """Plays one history.

    Args:
        seed: everything comes from it.
        servers: reset by this history.
        folder: its own.
        ledger_uri: of a new ledger; by default a file in the folder.
        wide: children move and accounts are merged, too.
    """

    def __init__(
        self,
        seed: int,
        servers: LocalServers,
        folder: Path,
        ledger_uri: str = "",
        *,
        wide: bool = False,
    ) -> None:
        self._rng = random.Random(seed)
        # Of its own, so that a seed tells the same story of all else.
        self._wide = random.Random(f"wide {seed}") if wide else None
        self._servers = servers
        self._account = folder / "edits.jsonl"
        self._pairs: list[Pair] = random_pairs(self._rng)
        file = folder / "sync.yml"
        with file.open("w") as stream:
            YAML(typ="safe").dump(document(self._pairs), stream)
        rng = self._rng
        self._sync = Sync(
            folder,
            servers,
            file,
            ledger_uri,
            settings={
                "spotio-mapper": {"batch_size": rng.choice((1, 3, 1000)), "allow_empty": True},
                # One call after the other, so that the nth is the same one each time.
                "target-spotio": {
                    "max_workers": 1,
                    "bulk_threshold": rng.choice((0, 0, 3, 200)),
                    "settle_seconds": 0.2,
                    "batch_size_rows": rng.choice((1, 4, 2000)),
                },
                "target-salesforce": {
                    "bulk_threshold": rng.choice((2, 200, 200)),
                    "batch_size_rows": rng.choice((1, 4, 2000)),
                },
            },
            select=("User", *(pair.salesforce for pair in self._pairs)),
        )
        to_salesforce = self._sync.settings["target-salesforce"]
        self._writes_many = to_salesforce["batch_size_rows"] > 1
        self._states: dict[str, list[bytes]] = {mapping: [] for mapping in DIRECTIONS}
        self.verdict = Verdict(seed)

    def play(self) -> Verdict:
        """From the first edit to the judgement at rest."""
        self._servers.reset()
        self._servers.salesforce.clear_faults()
        self._servers.spotio.clear_faults()
        self._arrange()
        first = self._beginning()
        people = People(self._rng, self._servers, self._pairs)
        for _ in range(self._rng.randint(2, 5)):
            for edit in people.draw(4):
                self._edit(edit)
            for edit in people.draw_wide(self._wide, 2) if self._wide is not None else ():
                self._edit(edit)
            self._run(self._rng.choice(list(DIRECTIONS)), people)
            self._disturb_states()
        self._crash_at_last(people)
        self._become_quiet()
        if not self.verdict.problems and self._come_to_rest():
            self._judge(first)
        self.verdict.edits = len(accepted(self._account, self._servers))
        return self.verdict

    def play_one(self, mapping: str, plan: Plan, *, trace: bool = False) -> Verdict:
        """Edits of linked records on both sides, one run under a plan, and then rest.

        The edits are the same for all plans of a seed. Run after run differs in nothing else.
        """
        self._servers.reset()
        first = self._beginning()
        people = People(self._rng, self._servers, self._pairs)
        for _ in range(2):
            self._sync.cycle()
        for _ in range(3):
            for edit in people.draw(5):
                self._edit(edit)
        ended = self._sync.run(mapping, plan=plan, trace=trace)
        self.verdict.crashes += ended.killed
        self._say(f"run {mapping} {plan} ended {ended.codes}")
        self._look_at(ended)
        self._become_quiet()
        if not self.verdict.problems and self._come_to_rest():
            self._judge(first)
        return self.verdict

    def _arrange(self) -> None:
        rng = self._rng
        switches = rng.choice(SWITCHES)
        if switches:
            self._servers.spotio.switches(**switches)
        self._is_unguarded = any(switches.get(name, mild) != mild for name, mild in GUARDED.items())
        if rng.random() < 0.3:
            self._servers.salesforce.switches(query_shuffle=True, query_page_size=200)
        self._say(f"pairs {[pair.name for pair in self._pairs]}, switches {switches}")

    def _beginning(self) -> dict[str, dict[str, Any]]:
        """Every record by its id, before anybody did anything."""
        salesforce, spotio = self._servers.salesforce, self._servers.spotio
        rows = {row["Id"]: row for pair in self._pairs for row in salesforce.rows(pair.salesforce)}
        return rows | {row["id"]: row for row in spotio.rows("dataObjects")}

    def _edit(self, edit: dict[str, Any]) -> None:
        post(edit, self._account)
        self._say(f"edit {edit['url'].split(':')[2][:5]} {edit['body']}")

    # Runs

    def _crash_at_last(self, people: People) -> None:
        """A history in which no crash has hit anything gets one at an early boundary."""
        for _ in range(MOST_TRIES):
            if self.verdict.crashes:
                return
            for edit in people.draw(4):
                self._edit(edit)
            mapping = self._rng.choice(list(DIRECTIONS))
            plan: dict[str, tuple[dict[str, Any], ...]] = {}
            self._add(plan, mapping, "kill", nths=(1,))
            self._play(mapping, plan)

    def _run(self, mapping: str, people: People) -> None:
        rng = self._rng
        plan: dict[str, tuple[dict[str, Any], ...]] = {}
        if rng.random() < 0.4:
            self._add(plan, mapping, {"edits": people.draw(3), "account": str(self._account)})
        if rng.random() < 0.6:
            self._add(plan, mapping, rng.choice(("kill", "kill", "kill this")))
        if rng.random() < 0.25:
            self._fault()
        self._play(mapping, plan)

    def _play(self, mapping: str, plan: dict[str, tuple[dict[str, Any], ...]]) -> None:
        ended = self._sync.run(mapping, plan=plan)
        self.verdict.runs += 1
        self.verdict.crashes += ended.killed
        with settled(self._account):
            self._say(f"run {mapping} {plan} ended {ended.codes}")
        self._look_at(ended)
        self._keep(mapping)

    def _add(
        self,
        plan: dict[str, tuple[dict[str, Any], ...]],
        mapping: str,
        what: Any,
        nths: tuple[int, ...] = (1, 2, 3, 4, 6, 9, 14),
    ) -> None:
        rng = self._rng
        command = rng.choice(DIRECTIONS[mapping])
        kinds = BOUNDARIES[command]
        if self._is_unguarded and command == "target-spotio" and isinstance(what, dict):
            # Between the last look and the write nothing protects an edit there (docs, "How a
            # value is written"): it may come at any other moment.
            kinds = ("commit", "emit")
        elif self._writes_many and command == "target-salesforce" and isinstance(what, dict):
            # Only a record that goes alone carries the moment up to which it was seen.
            kinds = ("commit", "emit")
        step = {
            "kind": rng.choice(kinds),
            "when": rng.choice(("before", "after")),
            "nth": rng.choice(nths),
            "do": what,
        }
        plan[command] = (*plan.get(command, ()), step)

    def _fault(self) -> None:
        rng = self._rng
        server = rng.choice((self._servers.salesforce, self._servers.spotio))
        match = {"nth": rng.randint(1, 25)}
        if rng.random() < 0.5:
            match = {"nth": rng.randint(1, 4), "method": rng.choice(("POST", "PATCH"))}
        then = {**rng.choice(FAULTS), "times": rng.choice((1, 1, 2))}
        server.fault(match, then)
        self._say(f"fault at {server.url}: {match} {then}")

    def _look_at(self, ended: Ended) -> None:
        """However a run ended, it says so in a sentence."""
        if any("Traceback" in error for error in ended.errors):
            self.verdict.problems.append(f"a traceback\n{ended}")
        elif not ended.killed and any(code not in range(5) for code in ended.codes):
            self.verdict.problems.append(f"an unknown exit code\n{ended}")

    def _keep(self, mapping: str) -> None:
        state = self._sync.state_file(mapping)
        if state.exists():
            self._states[mapping].append(state.read_bytes())

    def _disturb_states(self) -> None:
        rng = self._rng
        for mapping, known in self._states.items():
            chance = rng.random()
            if known and chance < 0.1:
                self._sync.state_file(mapping).write_bytes(rng.choice(known))
                self._say(f"an earlier STATE of {mapping}")
            elif known and chance < 0.15:
                self._sync.state_file(mapping).unlink(missing_ok=True)
                self._say(f"no STATE of {mapping}")

    # Rest

    def _become_quiet(self) -> None:
        """The last fault is over; what waits for time to pass need not wait."""
        self._servers.salesforce.clear_faults()
        self._servers.spotio.clear_faults()
        self._servers.spotio.switches(bulk_fail="none")
        with Ledger.open(self._sync.ledger_uri) as ledger:
            # A target that was killed before it took over the lease is missed when it expires.
            with ledger._writing() as connection:
                connection.execute(text("UPDATE sync_leases SET expires_at = '2000-01-01'"))
            now = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
            for direction in Direction:
                ledger.retry_parked(direction, now=now.replace("+00:00", "Z"))

    def _come_to_rest(self) -> bool:
        for number in range(MOST_CYCLES + 1):
            due = self._due()
            made = self._cycle(again=False)
            if made is None:
                return False
            if not made and self._due() <= due:
                self.verdict.cycles = number
                break
        else:
            self.verdict.problems.append(f"not at rest after {MOST_CYCLES} cycles: {made}")
            return False
        for again in (False, True):
            made = self._cycle(again=again)
            if made:
                words = "a full read of both sides" if again else "a further cycle"
                self.verdict.problems.append(f"{words} wrote {made}")
            if made is None or made:
                return False
        return True

    def _due(self) -> set[tuple[str, str, str]]:
        """Links that a direction's next run is to decide again, and why."""
        with Ledger.open(self._sync.ledger_uri) as ledger, ledger._reading() as connection:
            rows = connection.execute(text("SELECT link_id, direction, reason FROM sync_flags"))
            return {(row.link_id, row.direction, row.reason) for row in rows}

    def _cycle(self, *, again: bool) -> list[str] | None:
        marks = Marks.now(self._servers)
        for mapping in DIRECTIONS:
            if again:
                self._sync.state_file(mapping).unlink(missing_ok=True)
            ended = self._sync.run(mapping)
            self.verdict.runs += 1
            if not ended.ended_well:
                self.verdict.problems.append(f"a quiet run of {mapping} failed\n{ended}")
                return None
        made = marks.writes(self._servers)
        self._say(f"cycle{' over everything' if again else ''} wrote {made}")
        return made

    def _judge(self, first: dict[str, dict[str, Any]]) -> None:
        judge = Judge(
            self._servers,
            self._pairs,
            Witness(self._sync.ledger_uri),
            accepted(self._account, self._servers),
            first=first,
        )
        self.verdict.problems += judge.problems()

    def _say(self, line: str) -> None:
        self.verdict.story.append(re.sub("x{100,}", "xxx...", line))

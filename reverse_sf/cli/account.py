"""``reverse-sf account``: what a run of each direction did, in a page."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from reverse_sf.cli.rendering import say, say_json, show, strict_option
from reverse_sf.cli.settings import open_ledger
from reverse_sf.errors import Exit, UsageError
from reverse_sf.mapping.definition import Direction

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from reverse_sf.ledger.rows import Count, Parked, Run
    from reverse_sf.ledger.store import Ledger

COLUMNS = (
    "observed",
    "unchanged",
    "skipped",
    "created",
    "linked",
    "updated",
    "agreed",
    "stale",
    "rejected",
    "parked",
    "waiting",
)
"""The counters that a line of the account shows, in the order of a record's way."""

_REASONED = ("skipped", "parked", "waiting", "rejected", "flagged")
_MOST_REASONS = 12
_RUNS_LOOKED_AT = 1000


@click.command("account")
@click.option(
    "--run", "run_id", default="latest", show_default=True, help="Id of a run, or latest."
)
@click.option(
    "--direction",
    type=click.Choice([one.value for one in Direction]),
    help="The latest run of this direction.",
)
@click.option("--ledger-uri", help="The ledger.  [default: setting ledger_uri]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON in place of tables.")
@strict_option
def account(
    *,
    run_id: str,
    direction: str | None,
    ledger_uri: str | None,
    as_json: bool,
    strict: bool,
) -> int:
    """What the latest runs did: records created, linked, updated, skipped and parked, and why.

    Without options it shows the latest run of each direction.

    Exit codes: 0 done, 2 no such run or no ledger, 5 with --strict where something is parked.
    """
    with open_ledger(ledger_uri) as ledger:
        accounts = [_read(ledger, run) for run in _find(ledger, run_id, direction)]
    if as_json:
        say_json({"runs": [one.as_json() for one in accounts]})
    else:
        for number, one in enumerate(accounts):
            if number:
                say()
            one.show()
    parked = any(one.parked for one in accounts)
    return Exit.PARKED if strict and parked else Exit.DONE


@dataclass(frozen=True)
class Account:
    """What the ledger knows of one run.

    Attributes:
        counts: the run's tallies with their reasons.
        parked: what is withheld in the run's direction now.
        journaled: how many values the run overruled.
    """

    run: Run
    counts: list[Count]
    parked: list[Parked]
    journaled: int

    def as_json(self) -> dict[str, Any]:
        """The account for programs."""
        withheld = Counter((one.pair, one.reason) for one in self.parked)
        return {
            "run": self.run,
            "pairs": tallies(self.counts),
            "reasons": [one for one in self.counts if one.reason],
            "parked_now": [
                {"pair": pair, "reason": reason, "number": number}
                for (pair, reason), number in sorted(withheld.items())
            ],
            "journaled": self.journaled,
        }

    def show(self) -> None:
        """The account for people."""
        of_pairs = tallies(self.counts)
        _show_run(self.run, of_pairs)
        _show_reasons(self.counts)
        _show_parked(self.parked)
        _show_where_next(self.run, of_pairs, self.parked, self.journaled)


def _read(ledger: Ledger, run: Run) -> Account:
    return Account(
        run,
        ledger.counts(run.run_id),
        ledger.parked_rows(run.direction),
        len(ledger.conflicts(run_id=run.run_id, limit=_RUNS_LOOKED_AT)),
    )


def _find(ledger: Ledger, run_id: str, direction: str | None) -> list[Run]:
    """The run that is asked for, or the latest of each direction, Salesforce to SPOTIO first."""
    runs = ledger.runs(limit=_RUNS_LOOKED_AT)
    if run_id != "latest":
        found = [one for one in runs if one.run_id.startswith(run_id)]
        if len(found) != 1:
            which = "several runs" if found else "no run"
            raise UsageError(f"{which} in this ledger with the id {run_id}")
        return found
    wanted = [Direction(direction)] if direction else [Direction.TO_SPOTIO, Direction.TO_SALESFORCE]
    latest = [next((run for run in runs if run.direction is one), None) for one in wanted]
    shown = [run for run in latest if run is not None]
    if not shown:
        raise UsageError("this ledger has seen no run" + (f" {direction}" if direction else ""))
    return shown


def tallies(counts: Iterable[Count]) -> dict[str, dict[str, int]]:
    """Counts by pair and counter, reasons added up."""
    found: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for one in counts:
        found[one.pair][one.counter] += one.number
    return {pair: dict(of_pair) for pair, of_pair in sorted(found.items())}


def _show_run(run: Run, tallies: Mapping[str, Mapping[str, int]]) -> None:
    way = "Salesforce to SPOTIO" if run.direction is Direction.TO_SPOTIO else "SPOTIO to Salesforce"
    ended = f"ended {run.ended_at}" if run.ended_at else "not ended"
    say(f"Run {run.run_id}, {way}: {run.status}, began {run.started_at}, {ended}")
    say()
    if not tallies:
        say("It saw no records.")
        return
    used = [one for one in COLUMNS if any(one in of_pair for of_pair in tallies.values())]
    rows: list[Sequence[object]] = [
        (pair, *(of_pair.get(one, 0) for one in used)) for pair, of_pair in tallies.items()
    ]
    if len(rows) > 1:
        sums = (sum(of_pair.get(one, 0) for of_pair in tallies.values()) for one in used)
        rows.append(("all", *sums))
    show(
        "Records",
        ("pair", *used),
        rows,
        numbers=used,
        styles=["" for _ in tallies] + ["bold"],
    )


def _show_reasons(counts: Sequence[Count]) -> None:
    rows = sorted(
        (one for one in counts if one.counter in _REASONED and one.reason),
        key=lambda one: (one.pair, _REASONED.index(one.counter), -one.number, one.reason),
    )
    if not rows:
        return
    shown: list[Sequence[object]] = []
    per_line: Counter[tuple[str, str]] = Counter()
    left_out: Counter[tuple[str, str]] = Counter()
    for one in rows:
        line = (one.pair, one.counter)
        per_line[line] += 1
        if per_line[line] <= _MOST_REASONS:
            shown.append((one.pair, one.counter, one.number, one.reason))
        else:
            left_out[line] += one.number
    shown += [(*line, number, "other reasons") for line, number in left_out.items()]
    say()
    show("Why", ("pair", "", "records", "reason"), shown, numbers=("records",))


def _show_parked(parked: Sequence[Parked]) -> None:
    if not parked:
        return
    groups: dict[tuple[str, str, str], list[Parked]] = defaultdict(list)
    for one in parked:
        groups[one.pair, one.reason, one.key].append(one)
    say()
    show(
        "Parked now, by this run or an earlier one",
        ("pair", "field", "number", "reason", "for example"),
        (
            (pair, key or "whole record", len(several), reason, several[0].message)
            for (pair, reason, key), several in sorted(groups.items())
        ),
        numbers=("number",),
    )


def _show_where_next(
    run: Run,
    tallies: Mapping[str, Mapping[str, int]],
    parked: Sequence[Parked],
    journaled: int,
) -> None:
    lines = []
    if run.status == "running":
        lines.append(
            "this run has not ended: it is still at work, or it was stopped; the next run goes on "
            "where it left off"
        )
    elif run.status in {"failed", "interrupted"}:
        lines.append(
            f"the run was {run.status}: what it finished is kept, the next one does the rest"
        )
    if parked:
        lines.append("reverse-sf parked        each record or field that is withheld, and why")
    if any(of_pair.get("rejected") for of_pair in tallies.values()):
        lines.append("reverse-sf logs --outcome rejected   the calls that were refused")
    if journaled:
        lines.append("reverse-sf conflicts     the values that a sync rule overruled")
    lines.append(f"reverse-sf logs --run {run.run_id}   each call and its answer")
    say()
    say("Where to look next:")
    for line in lines:
        say(f"  {line}")

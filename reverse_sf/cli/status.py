"""``reverse-sf status``: is the sync healthy, and what is each part of it doing."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import click

from reverse_sf.cli.health import metrics, tell_change
from reverse_sf.cli.rendering import say, say_json, show, strict_option, to_the_second
from reverse_sf.cli.settings import open_ledger, own_setting
from reverse_sf.errors import Exit
from reverse_sf.mapping.definition import Direction

if TYPE_CHECKING:
    from reverse_sf.ledger.rows import Run
    from reverse_sf.ledger.store import Ledger

_HELP = """Is the sync healthy? Per direction and object: last run, lag, synced, parked, conflicts.

\b
healthy    the last run of each direction is done, and nothing is parked
attention  done, with records or fields parked: reverse-sf parked
late       the last good run is older than --max-age allows
failing    the last run of a direction failed or was interrupted, or none has run yet

Owners who have no user in the other system are listed too. That is no fault: their records keep the
owner that they have there, and follow once there is such a user.

With --alert-url (or REVERSE_SF_ALERT_URL) a webhook is told when the verdict has changed since it
was told last: JSON with a "text" that a chat shows. --prometheus prints metrics.

Exit codes, for monitors: 0 healthy or attention, 1 failing or late (or the webhook is out of
reach), 2 no ledger, 5 with --strict where attention is due.
"""
IN_WORDS = {
    "healthy": "The sync is healthy.",
    "attention": "The sync needs attention: something is parked (reverse-sf parked).",
    "late": "The sync is late: its last good run is too long ago.",
    "failing": "The sync is failing: the last run of a direction did not come to its end.",
}
_DONE = "done"
_RUNNING = "running"
_LOOKED_AT = 200
_MINUTE = 60


@dataclass(frozen=True)
class DirectionStatus:
    """One direction.

    Attributes:
        last: the latest run.
        last_good: the latest run that came to its end.
        lag_seconds: since the last good run began: nothing older is unknown to the sync.
        calls: requests of the latest run that wrote something.
    """

    direction: Direction
    last: Run
    last_good: Run | None
    lag_seconds: int | None
    calls: int


@dataclass(frozen=True)
class PairStatus:
    """One object mapping in one direction; counts of the latest run, and what is withheld now."""

    direction: Direction
    pair: str
    synced: int
    observed: int
    written: int
    rejected: int
    parked: int
    conflicts: int


@dataclass(frozen=True)
class StrandedOwner:
    """A user whose records keep the owner that they have in the other system.

    Attributes:
        direction: that the owner would travel in.
        pair: the object mapping.
        user_id: in the system that the records come from.
        user: e-mail or name, where known.
    """

    direction: Direction
    pair: str
    user_id: str
    user: str | None


@dataclass(frozen=True)
class Overview:
    """The sync as a whole: the verdict in one word, and what it follows from."""

    verdict: str
    directions: list[DirectionStatus]
    pairs: list[PairStatus]
    stranded_owners: list[StrandedOwner]

    @property
    def parked(self) -> int:
        """How many records and fields are withheld."""
        return sum(one.parked for one in self.pairs)


@click.command("status", help=_HELP)
@click.option(
    "--max-age",
    type=click.IntRange(1),
    metavar="MINUTES",
    help="Late where a direction's last good run began longer ago.",
)
@click.option(
    "--alert-url",
    metavar="URL",
    help="Webhook to tell of a change.  [default: setting alert_url]",
)
@click.option("--prometheus", is_flag=True, help="Print metrics in the format of Prometheus.")
@click.option("--ledger-uri", help="The ledger.  [default: setting ledger_uri]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON in place of tables.")
@strict_option
def status(
    *,
    max_age: int | None,
    alert_url: str | None,
    prometheus: bool,
    ledger_uri: str | None,
    as_json: bool,
    strict: bool,
) -> int:
    """Tell the sync's health; :data:`_HELP` is what a user reads."""
    with open_ledger(ledger_uri) as ledger:
        seen = overview(ledger, max_age)
        url = alert_url or own_setting("alert_url")
        if url:
            tell_change(ledger, url, seen.verdict, {"parked": seen.parked})
    verdict, directions, pairs = seen.verdict, seen.directions, seen.pairs
    if prometheus:
        click.echo(metrics(verdict, directions, pairs), nl=False)
    elif as_json:
        say_json(
            {
                "verdict": verdict,
                "directions": directions,
                "pairs": pairs,
                "stranded_owners": seen.stranded_owners,
            }
        )
    else:
        _show(seen)
    if verdict in {"failing", "late"}:
        return Exit.UNEXPECTED
    return Exit.PARKED if strict and verdict == "attention" else Exit.DONE


def overview(ledger: Ledger, max_age: int | None = None) -> Overview:
    """The sync's health and what each part of it is doing; ``max_age`` in minutes."""
    directions = _directions(ledger)
    pairs = [row for one in directions for row in _pairs(ledger, one)]
    verdict = verdict_of(directions, sum(one.parked for one in pairs), max_age)
    return Overview(verdict, directions, pairs, _stranded(ledger, directions))


def verdict_of(directions: list[DirectionStatus], parked: int, max_age: int | None) -> str:
    """The health of the sync in one word; ``max_age`` in minutes."""
    if not directions or any(
        one.last_good is None or one.last.status not in {_DONE, _RUNNING} for one in directions
    ):
        return "failing"
    if max_age is not None and any(
        (one.lag_seconds or 0) > max_age * _MINUTE for one in directions
    ):
        return "late"
    return "attention" if parked else "healthy"


def _directions(ledger: Ledger) -> list[DirectionStatus]:
    now = datetime.now(timezone.utc)
    runs = ledger.runs(limit=_LOOKED_AT)
    found = []
    for direction in (Direction.TO_SPOTIO, Direction.TO_SALESFORCE):
        mine = [run for run in runs if run.direction is direction]
        if not mine:
            continue
        good = next((run for run in mine if run.status == _DONE), None)
        lag = None
        if good is not None:
            began = datetime.fromisoformat(good.started_at.replace("Z", "+00:00"))
            lag = max(0, int((now - began).total_seconds()))
        found.append(
            DirectionStatus(direction, mine[0], good, lag, ledger.calls_of(mine[0].run_id))
        )
    return found


def _pairs(ledger: Ledger, of: DirectionStatus) -> list[PairStatus]:
    tallies = ledger.counts_by_pair(of.last.run_id)
    parked = Counter(row.pair for row in ledger.parked_rows(of.direction))
    conflicts = ledger.conflicts_by_pair(of.last.run_id)
    names = [name for name in sorted({*tallies, *parked}) if ":" in name]
    return [
        PairStatus(
            direction=of.direction,
            pair=name,
            synced=ledger.linked_number(name),
            observed=tallies.get(name, {}).get("observed", 0),
            written=sum(
                tallies.get(name, {}).get(counter, 0)
                for counter in ("created", "linked", "updated", "deleted")
            ),
            rejected=tallies.get(name, {}).get("rejected", 0),
            parked=parked[name],
            conflicts=conflicts.get(name, 0),
        )
        for name in names
    ]


def _stranded(ledger: Ledger, directions: list[DirectionStatus]) -> list[StrandedOwner]:
    found = []
    for of in directions:
        users = ledger.users(of.direction.back.destination)
        for one in ledger.awaited_owners(of.direction):
            user = users.get(one.user_id)
            told = (user.email or user.name) if user is not None else None
            found.append(StrandedOwner(one.direction, one.pair, one.user_id, told))
    return found


def _show(seen: Overview) -> None:
    verdict, directions, pairs = seen.verdict, seen.directions, seen.pairs
    say(IN_WORDS[verdict] if directions else "The sync has not run yet.")
    if not directions:
        return
    show(
        "Directions",
        ("direction", "last run began", "ended as", "last good run", "calls that wrote"),
        (
            (
                one.direction.value,
                to_the_second(one.last.started_at),
                one.last.status,
                ago(one.lag_seconds),
                one.calls,
            )
            for one in directions
        ),
        numbers=("calls that wrote",),
    )
    numbers = ("synced", "seen", "written", "rejected", "parked", "conflicts")
    show(
        "Objects, in the last run of each direction; synced and parked as of now",
        ("direction", "pair", *numbers),
        (_row(one) for one in pairs),
        numbers=numbers,
    )
    if seen.stranded_owners:
        show(
            "Owners without a user in the other system; their records follow once they have one",
            ("direction", "pair", "user", "user id"),
            (
                (one.direction.value, one.pair, one.user or "not known", one.user_id)
                for one in seen.stranded_owners
            ),
        )


def _row(one: PairStatus) -> tuple[Any, ...]:
    counts = (one.synced, one.observed, one.written, one.rejected, one.parked, one.conflicts)
    return (one.direction.value, one.pair, *(f"{count:,}" for count in counts))


def ago(seconds: int | None) -> str:
    """How long ago, in the largest unit that fits."""
    if seconds is None:
        return "never"
    for size, unit in ((86_400, "d"), (3_600, "h"), (_MINUTE, "min")):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit} ago"
    return f"{seconds} s ago"

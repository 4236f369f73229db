"""``reverse-sf logs``: what was sent and what was answered, with filters, live, or one in full."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click
import msgspec

from reverse_sf.cli.remedies import remedy_of
from reverse_sf.cli.rendering import in_words, say, say_json, show, to_the_second
from reverse_sf.cli.settings import open_ledger
from reverse_sf.errors import UsageError
from reverse_sf.mapping.definition import Direction

if TYPE_CHECKING:
    from reverse_sf.cli.remedies import Remedy
    from reverse_sf.ledger.histories import KeptOperation
    from reverse_sf.ledger.rows import LogRow
    from reverse_sf.ledger.store import Ledger

_HELP = """What was sent and what was answered, newest first.

Every filter that is given must hold. One row in full, with the payload, the answer, the reason in
plain words and who can do something about it: reverse-sf logs show NUMBER.

\b
reverse-sf logs --type activities --since 2026-05-01
reverse-sf logs --record 001000000000006AAA
reverse-sf logs --direction outgoing --method PATCH --status 400
reverse-sf logs --follow

Exit codes: 0 done, 2 no ledger.
"""
_OBJECTS = {"activities": ("Task", "Event"), "users": ("User",)}
DIRECTIONS = {
    "incoming": Direction.TO_SPOTIO,
    "outgoing": Direction.TO_SALESFORCE,
    **{one.value: one for one in Direction},
}
_SECONDS_BETWEEN_LOOKS = 2.0
_uri = click.option("--ledger-uri", help="The ledger.  [default: setting ledger_uri]")
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON in place of a table.")


class _Logs(click.Group):
    """A list with options, and ``show`` below it."""


@click.group("logs", cls=_Logs, invoke_without_command=True, help=_HELP)
@click.option(
    "--type",
    "kind",
    type=click.Choice(["objects", "activities", "users"]),
    help="Only records, only tasks and events, or only users.",
)
@click.option("--pair", help="Only this pair, such as Account:Accounts.")
@click.option(
    "--direction",
    type=click.Choice(list(DIRECTIONS)),
    help="incoming: from Salesforce to SPOTIO; outgoing: the other way.",
)
@click.option("--method", help="Only this HTTP method.")
@click.option("--status", type=int, help="Only answers with this HTTP status.")
@click.option("--outcome", help="Only this outcome, such as created, updated or rejected.")
@click.option("--record", "record_id", help="Only the record with this id, of either system.")
@click.option("--salesforce-id", help="Only the record with this Salesforce Id.")
@click.option("--spotio-id", help="Only the record with this SPOTIO id.")
@click.option("--run", "run_id", help="Only this run.")
@click.option("--text", help="Only rows with this text in reason, path, payload or answer.")
@click.option("--since", help="Not older than this UTC date or instant, such as 2026-05-06.")
@click.option("--until", help="Older than this UTC date or instant.")
@click.option(
    "--limit", type=click.IntRange(1), default=100, show_default=True, help="At most so many."
)
@click.option("--follow", is_flag=True, help="Go on with what comes; Ctrl-C ends it.")
@_uri
@_json
@click.pass_context
def logs(
    context: click.Context,
    /,
    *,
    kind: str | None,
    direction: str | None,
    method: str | None,
    limit: int,
    follow: bool,
    ledger_uri: str | None,
    as_json: bool,
    **filters: Any,
) -> None:
    """List the log; :data:`_HELP` is what a user reads."""
    if context.invoked_subcommand is not None:
        return
    with open_ledger(ledger_uri) as ledger:
        filters |= {"direction": direction, "method": method}
        rows = read_log(ledger, kind, limit, filters)
        if follow:
            _follow(ledger, rows, kind, filters, as_json=as_json)
            return
    if as_json:
        say_json(rows)
    elif not rows:
        say("The log has no such row.")
    else:
        _list(f"Log, newest first ({len(rows)})", rows)
        say("One in full: reverse-sf logs show NUMBER")


def read_log(ledger: Ledger, kind: str | None, limit: int, filters: dict[str, Any]) -> list[LogRow]:
    """The rows for which every filter holds, newest first; the filters are the command's."""
    direction, method = filters.get("direction"), filters.get("method")
    wanted = {
        **filters,
        "direction": DIRECTIONS[direction] if direction else None,
        "method": method.upper() if method else None,
    }
    if kind in _OBJECTS:
        wanted["objects"] = _OBJECTS[kind]
    rows = ledger.log_rows(**wanted, limit=limit)
    if kind == "objects":
        others = {name for names in _OBJECTS.values() for name in names}
        rows = [one for one in rows if one.pair.partition(":")[0] not in others]
    return rows


def _follow(
    ledger: Ledger,
    rows: list[LogRow],
    kind: str | None,
    filters: dict[str, Any],
    *,
    as_json: bool,
) -> None:
    """Print rows, oldest first, and then those that come, until the user has seen enough."""
    last = 0
    try:
        while True:
            for row in reversed(rows):
                last = max(last, row.number or 0)
                say(msgspec.json.encode(row).decode() if as_json else _line(row))
            time.sleep(_SECONDS_BETWEEN_LOOKS)
            rows = read_log(ledger, kind, 10_000, {**filters, "behind": last})
    except KeyboardInterrupt:
        return


def _line(row: LogRow) -> str:
    record = row.salesforce_id or row.spotio_id or ""
    call = f"{row.method} {row.path}".strip()
    parts = (to_the_second(row.at), row.pair, call, row.status, row.outcome, record, row.reason)
    return f"#{row.number}  " + "  ".join(str(one) for one in parts if one not in (None, ""))


def _list(title: str, rows: list[LogRow]) -> None:
    show(
        title,
        ("no.", "at", "pair", "call", "status", "outcome", "Salesforce", "SPOTIO", "reason"),
        (
            (
                one.number,
                to_the_second(one.at),
                one.pair,
                f"{one.method} {one.path}".strip(),
                one.status,
                one.outcome,
                one.salesforce_id,
                one.spotio_id,
                one.reason,
            )
            for one in rows
        ),
        numbers=("no.",),
    )


@logs.command("show")
@click.argument("number", type=int)
@_uri
@_json
def show_row(*, number: int, ledger_uri: str | None, as_json: bool) -> None:
    """One row of the log in full: the decision, the payload, the answer, and what to do.

    Exit codes: 0 done, 2 no such row or no ledger.
    """
    with open_ledger(ledger_uri) as ledger:
        entry = read_entry(ledger, number)
    remedy = entry.remedy
    if as_json:
        say_json(
            {
                "row": entry.row,
                "operation": entry.operation,
                "reason_code": entry.reason,
                "what_to_do": remedy.words if remedy else None,
                "who_can": remedy.who if remedy else None,
            }
        )
        return
    _show_in_full(entry)


@dataclass(frozen=True)
class LogEntry:
    """One row of the log with what is known around it.

    Attributes:
        operation: the operation that the call carried, with its decision.
        reason: the stable code behind the row's reason, as long as the work is parked.
        remedy: what to do about it, where anything went wrong.
    """

    row: LogRow
    operation: KeptOperation | None
    reason: str | None
    remedy: Remedy | None


def read_entry(ledger: Ledger, number: int) -> LogEntry:
    """One row of the log in full.

    Raises:
        UsageError: the log has no such row.
    """
    rows = ledger.log_rows(number=number, limit=1)
    if not rows:
        raise UsageError(f"the log has no row {number}: reverse-sf logs lists the numbers")
    (row,) = rows
    reason = _reason_of(ledger, row)
    return LogEntry(row, _operation_of(ledger, row), reason, remedy_of(reason, row.status))


def _operation_of(ledger: Ledger, row: LogRow) -> KeptOperation | None:
    if row.link_id is None or row.operation_id is None:
        return None
    kept = ledger.operations_of_links([row.link_id])
    return next((one for one in reversed(kept) if one.operation_id == row.operation_id), None)


def _reason_of(ledger: Ledger, row: LogRow) -> str | None:
    """The stable code behind a row's reason, as long as the work is parked."""
    if row.link_id is None or not row.reason:
        return None
    parked = ledger.parked([row.link_id]).get(row.link_id, ())
    held = [one for one in parked if one.direction is row.direction and one.message in row.reason]
    return held[0].reason if held else None


def _show_in_full(entry: LogEntry) -> None:
    row, operation, remedy = entry.row, entry.operation, entry.remedy
    way = "Salesforce to SPOTIO" if row.direction is Direction.TO_SPOTIO else "SPOTIO to Salesforce"
    say(f"#{row.number}  {to_the_second(row.at)} UTC  {way}  {row.pair}")
    say(f"Record: Salesforce {row.salesforce_id or '-'}, SPOTIO {row.spotio_id or '-'}")
    call = f"{row.method} {row.path}".strip()
    if call:
        say(f"Call: {call}, answered {row.status if row.status is not None else 'not at all'}")
    say(f"Outcome: {row.outcome or '-'}{f' ({row.reason})' if row.reason else ''}")
    say(f"Run: {row.run_id}")
    if remedy is not None:
        say(f"What to do: {remedy.words}")
        say(f"Who can: {remedy.who}")
    if operation is not None and operation.decision:
        show(
            "Decided",
            ("field", "old", "new", "rule", "row"),
            (
                (
                    key or "whole record",
                    in_words(one["old"]) if "old" in one else None,
                    in_words(one["new"]) if "new" in one else None,
                    one.get("rule"),
                    one.get("row"),
                )
                for key, one in operation.decision.items()
            ),
        )
    for title, content in (("Sent", row.payload), ("Answered", row.answer)):
        if content is not None:
            say(f"{title}:")
            say(msgspec.json.format(msgspec.json.encode(content), indent=2).decode())

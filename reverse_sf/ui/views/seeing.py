"""Status, logs and the history of a record: views that ask and change nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reverse_sf.cli.explain import held, histories, settled
from reverse_sf.cli.logs import DIRECTIONS, read_entry, read_log
from reverse_sf.cli.rendering import in_words
from reverse_sf.cli.status import IN_WORDS, ago, overview
from reverse_sf.errors import ConfigurationError, UsageError
from reverse_sf.ui.site import given, number_of, site_of
from reverse_sf.ui.tables import Cell, address, code, moment, number, pair, record, table
from reverse_sf.ui.wording import TOWARD, WAYS, who

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from reverse_sf.cli.explain import Told
    from reverse_sf.cli.status import DirectionStatus, Overview, PairStatus
    from reverse_sf.ledger.rows import LogRow
    from reverse_sf.ui.tables import Table

_FILTERS = (
    ("direction", "incoming or outgoing"),
    ("pair", "pair"),
    ("method", "HTTP method"),
    ("status", "HTTP status"),
    ("outcome", "outcome"),
    ("record_id", "record"),
    ("salesforce_id", "Salesforce Id"),
    ("spotio_id", "SPOTIO id"),
    ("run_id", "run"),
    ("text", "text"),
    ("since", "since"),
    ("until", "until"),
)
"""Of the command's, those that are handed to it as they are; and how a person calls each."""
_KINDS = ("objects", "activities", "users")
_ROWS = 100
_MOST_ROWS = 5_000


def status(request: Request) -> Response:
    """Is the sync healthy, and what is each part of it doing."""
    site = site_of(request)
    try:
        with site.ledger() as ledger:
            seen = overview(ledger)
    except ConfigurationError as error:
        return site.page(request, "status.html", "Status", seen=None, absent=str(error))
    sentence = IN_WORDS[seen.verdict] if seen.directions else "The sync has not run yet."
    return site.page(
        request,
        "status.html",
        "Status",
        seen=seen,
        sentence=sentence.replace(" (reverse-sf parked)", ""),
        directions=_directions(seen),
        pairs=_pairs(seen),
    )


def _directions(seen: Overview) -> Table:
    def cells(one: DirectionStatus) -> tuple[Cell | str, ...]:
        run = one.last.run_id
        return (
            WAYS[one.direction],
            moment(one.last.started_at),
            Cell(one.last.status, None, "" if one.last.status in {"done", "running"} else "error"),
            ago(one.lag_seconds),
            number(
                one.calls, address("/logs", run_id=run), f"calls of the run {WAYS[one.direction]}"
            ),
        )

    return table(
        "The last run of each direction",
        ("Direction", "Last run began (UTC)", "Ended as", "Last good run", "Calls that wrote"),
        map(cells, seen.directions),
    )


def _pairs(seen: Overview) -> Table:
    runs = {one.direction: one.last.run_id for one in seen.directions}

    def cells(one: PairStatus) -> tuple[Cell | str, ...]:
        of = f"of {one.pair}, {WAYS[one.direction]}"
        where = {"pair": one.pair, "direction": one.direction.value}
        run = runs[one.direction]
        return (
            pair(one.pair),
            WAYS[one.direction],
            number(one.synced),
            number(one.observed),
            number(one.written, address("/logs", **where, run_id=run), f"written {of}"),
            number(
                one.rejected,
                address("/logs", **where, run_id=run, outcome="rejected"),
                f"rejected {of}",
            ),
            number(one.parked, address("/parked", **where), f"parked {of}"),
            number(
                one.conflicts, address("/conflicts", pair=one.pair, run_id=run), f"conflicts {of}"
            ),
        )

    return table(
        "Counts of the last run of each direction; synced and parked as of now",
        (
            "Pair",
            "Direction",
            "Synced",
            "Seen",
            "Written",
            "Rejected",
            "Parked",
            "Conflicts",
        ),
        map(cells, seen.pairs),
    )


def logs(request: Request) -> Response:
    """What was sent and what was answered, newest first."""
    site = site_of(request)
    kind = given(request, "type")
    if kind is not None and kind not in _KINDS:
        raise UsageError(f"type is one of {', '.join(_KINDS)}, not {kind}")
    filters: dict[str, Any] = {name: given(request, name) for name, _ in _FILTERS}
    if filters["direction"] not in {None, *DIRECTIONS}:
        raise UsageError(f"direction is one of {', '.join(DIRECTIONS)}")
    filters["status"] = number_of(filters["status"], "status")
    limit = number_of(given(request, "limit"), "limit") or _ROWS
    limit = min(limit, _MOST_ROWS)
    with site.ledger() as ledger:
        rows = read_log(ledger, kind, limit, filters)
    query = {name: given(request, name) for name, _ in (*_FILTERS, ("type", ""))}
    follow = given(request, "follow") == "yes"
    more = len(rows) == limit < _MOST_ROWS
    answer = site.page(
        request,
        "logs.html",
        "Logs",
        rows=_log_table(rows),
        query={**query, "limit": str(limit)},
        filtered=any(query.values()),
        follow=follow,
        follow_href=address("/logs", **query, limit=str(limit), follow=None if follow else "yes"),
        more=address("/logs", **query, limit=str(limit * 5)) if more else None,
    )
    if follow:
        answer.headers["Refresh"] = str(site.look_every * 2)
    return answer


def _log_table(rows: list[LogRow]) -> Table:
    return table(
        f"Newest first ({len(rows):,})",
        (
            "Number",
            "At (UTC)",
            "Pair",
            "Toward",
            "Call",
            "Outcome",
            "Salesforce",
            "SPOTIO",
            "Reason",
        ),
        (
            (
                Cell(str(one.number), f"/logs/{one.number}", "", "row of the log in full"),
                moment(one.at),
                pair(one.pair),
                TOWARD[one.direction],
                code(f"{one.method} {one.path}".strip()),
                Cell(", ".join(str(it) for it in (one.outcome, one.status) if it), None, _how(one)),
                record(one.salesforce_id),
                record(one.spotio_id),
                one.reason,
            )
            for one in rows
        ),
    )


_REFUSED = 400


def _how(row: LogRow) -> str:
    return "error" if (row.status or 0) >= _REFUSED or row.outcome == "rejected" else ""


def log_row(request: Request) -> Response:
    """One row of the log in full."""
    site = site_of(request)
    with site.ledger() as ledger:
        entry = read_entry(ledger, request.path_params["number"])
    decided = None
    if entry.operation is not None and entry.operation.decision:
        decided = table(
            "What was decided, and by which rule and row of the tables",
            ("Field", "Old", "New", "Rule", "Row"),
            (
                (
                    key or "whole record",
                    Cell(in_words(one["old"]) if "old" in one else "", None, "value"),
                    Cell(in_words(one["new"]) if "new" in one else "", None, "value"),
                    str(one.get("rule") or ""),
                    str(one.get("row") or ""),
                )
                for key, one in entry.operation.decision.items()
            ),
        )
    row = entry.row
    return site.page(
        request,
        "log_row.html",
        f"Log row {row.number}",
        row=row,
        way=WAYS[row.direction],
        call=f"{row.method} {row.path}".strip(),
        how=_how(row),
        remedy=entry.remedy,
        who=who(entry.remedy),
        decided=decided,
        run_href=address("/logs", run_id=row.run_id),
    )


def find_record(request: Request) -> Response:
    """The history of the record that the form names, or the form again."""
    site = site_of(request)
    identifier = given(request, "id")
    if identifier is None:
        return site.page(request, "find.html", "Find a record")
    return _history(request, identifier)


def history(request: Request) -> Response:
    """The whole history of a record, on both sides."""
    return _history(request, request.path_params["identifier"])


def _history(request: Request, identifier: str) -> Response:
    site = site_of(request)
    field = given(request, "field")
    with site.ledger() as ledger:
        told = histories(ledger, identifier, field)
    return site.page(
        request,
        "record.html",
        f"Record {identifier}",
        identifier=identifier,
        field=field,
        links=[(one, _now(one), _entries(one)) for one in told],
        waysto=TOWARD,
    )


def _now(told: Told) -> Table | None:
    if told.snapshot is None:
        return None
    base = told.snapshot.base
    return table(
        "Now, as last seen",
        ("Field", "SPOTIO", "Salesforce", "Last agreed"),
        (
            (
                key,
                *(Cell(in_words(one), None, "value") for one in held(told, key)),
                Cell(settled(base.get(key)), None, "value"),
            )
            for key in told.places
        ),
    )


def _entries(told: Told) -> Table:
    return table(
        "What happened, oldest first",
        ("Field", "At (UTC)", "What", "Old", "New", "By", "Outcome", "Log"),
        (
            (
                one.field or "whole record",
                moment(one.at),
                one.what,
                Cell(in_words(one.old), None, "value"),
                Cell(in_words(one.new), None, "value"),
                one.by.strip(),
                one.outcome,
                Cell(
                    ", ".join(map(str, one.log)),
                    f"/logs/{one.log[-1]}" if one.log else None,
                    "",
                    "row of the log",
                ),
            )
            for one in told.entries
        ),
    )

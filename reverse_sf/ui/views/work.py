"""Parked work and conflicts: what is withheld and what was overruled, and a person's answer."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from reverse_sf.cli.journal import parked_of, parked_work, read_conflict, retry
from reverse_sf.cli.releasing import chosen, release
from reverse_sf.cli.remedies import remedy_of
from reverse_sf.cli.rendering import in_words
from reverse_sf.cli.restore import restore_conflict
from reverse_sf.errors import UsageError
from reverse_sf.mapping.definition import Direction
from reverse_sf.ui.site import form_of, given, number_of, site_of
from reverse_sf.ui.tables import Cell, address, moment, record, table
from reverse_sf.ui.tables import pair as pair_cell
from reverse_sf.ui.wording import SIDES, TOWARD, WAYS, who

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

_ROWS = 200
_PARKED_FILTERS = ("direction", "pair", "reason")


def _direction(text: str | None) -> str | None:
    if text is not None and text not in {one.value for one in Direction}:
        raise UsageError(f"direction is one of {', '.join(one.value for one in Direction)}")
    return text


def parked(request: Request) -> Response:
    """Records and fields that are withheld, and why."""
    site = site_of(request)
    direction, pair, reason = (given(request, name) for name in _PARKED_FILTERS)
    limit = number_of(given(request, "limit"), "limit") or _ROWS
    with site.ledger() as ledger:
        found = parked_work(ledger, _direction(direction), pair, reason)
        every = parked_work(ledger, None, None, None)
        shown = found[:limit]
        links = [one.link_id for one in shown]
        ids = {**ledger.counterparts(links), **ledger.counterparts_in_salesforce(links)}
    rows = table(
        f"Parked ({len(found):,})",
        ("Record", "Pair", "Toward", "Field", "Why", "Since (UTC)", "What to do"),
        (
            (
                Cell(
                    ids.get(one.link_id, ""),
                    f"/parked/{quote(ids[one.link_id], safe='')}" if one.link_id in ids else None,
                    "code",
                    "and what is withheld of it",
                ),
                pair_cell(one.pair),
                TOWARD[one.direction],
                one.key or "whole record",
                f"{one.reason}: {one.message}",
                moment(one.at),
                remedy.words if (remedy := remedy_of(one.reason, None)) else "",
            )
            for one in shown
        ),
    )
    query = {"direction": direction, "pair": pair, "reason": reason}
    return site.page(
        request,
        "parked.html",
        "Parked",
        rows=rows,
        found=len(found),
        query=query,
        reasons=sorted({one.reason for one in every}),
        pairs=sorted({one.pair for one in every}),
        directions=WAYS,
        more=address("/parked", **query, limit=str(limit * 5)) if len(found) > limit else None,
    )


def parked_record(request: Request) -> Response:
    """What is withheld of one record, and who can help."""
    site = site_of(request)
    identifier = request.path_params["identifier"]
    with site.ledger() as ledger:
        told = parked_of(ledger, identifier)
    return site.page(
        request,
        "parked_record.html",
        f"Parked of {identifier}",
        identifier=identifier,
        told=[(row, TOWARD[row.direction], remedy, who(remedy)) for row, remedy in told],
    )


def retry_parked(request: Request) -> Response:
    """Have withheld work tried again in the next run."""
    site = site_of(request)
    form = form_of(request)
    direction, pair, reason, identifier = (
        form.get(name, "").strip() or None for name in (*_PARKED_FILTERS, "record")
    )
    with site.ledger() as ledger:
        released = retry(
            ledger, direction=_direction(direction), pair=pair, reason=reason, record=identifier
        )
    rows = "row" if released == 1 else "rows"
    back = address("/parked", direction=direction, pair=pair, reason=reason)
    return site.done(f"{released:,} withheld {rows} will be tried in the next run.", back)


def release_parked(request: Request) -> Response:
    """Let go of what is withheld of a record: it stays as it is until it changes."""
    site = site_of(request)
    form = form_of(request)
    identifier = form.get("record", "").strip()
    why = form.get("why", "").strip() or None
    with site.ledger() as ledger:
        made = release(ledger, site.definition(), lambda: chosen(ledger, record=identifier), why)
    told = [f"{made.number:,} withheld {'row' if made.number == 1 else 'rows'} let go of."]
    for row, words in made.refused:
        told.append(f"{row.key or 'The whole record'} stays parked: {words.rstrip('.')}.")
    return site.done(" ".join(told), "/parked")


def conflicts(request: Request) -> Response:
    """Values that people wrote and that a rule overruled, newest first."""
    site = site_of(request)
    run_id, pair = given(request, "run_id"), given(request, "pair")
    limit = number_of(given(request, "limit"), "limit") or _ROWS
    with site.ledger() as ledger:
        found = ledger.conflicts(run_id=run_id, pair=pair, limit=limit)
        ids = ledger.counterparts_in_salesforce([one.link_id for one in found])
    rows = table(
        f"Overruled values, newest first ({len(found):,})",
        ("Number", "At (UTC)", "Pair", "Salesforce", "Field", "Lost in", "Lost", "Won", "Rule"),
        (
            (
                Cell(str(one.number), f"/conflicts/{one.number}", "", "conflict in full"),
                moment(one.at),
                pair_cell(one.pair),
                record(ids.get(one.link_id)),
                one.key,
                SIDES[one.loser],
                Cell(in_words(one.losing_value), None, "value"),
                Cell(in_words(one.winning_value), None, "value"),
                f"{one.rule} {one.row}",
            )
            for one in found
        ),
    )
    query = {"run_id": run_id, "pair": pair}
    more = address("/conflicts", **query, limit=str(limit * 5)) if len(found) == limit else None
    return site.page(
        request, "conflicts.html", "Conflicts", rows=rows, query=query, found=len(found), more=more
    )


def conflict(request: Request) -> Response:
    """Both values, the rule, and the record."""
    site = site_of(request)
    number = request.path_params["number"]
    with site.ledger() as ledger:
        entry = read_conflict(ledger, number)
    one = entry.conflict
    return site.page(
        request,
        "conflict.html",
        f"Conflict {number}",
        one=one,
        link=entry.link,
        loser=SIDES[one.loser],
        winner=next(name for side, name in SIDES.items() if side is not one.loser),
        run_href=address("/logs", run_id=one.run_id),
    )


def restore(request: Request) -> Response:
    """Have the value that lost a conflict written back by the next run."""
    site = site_of(request)
    definition = site.definition()
    with site.ledger() as ledger:
        one = restore_conflict(request.path_params["number"], ledger, definition)
    return site.done(
        f"{one.key} of {one.pair} will be {in_words(one.losing_value)} again with the next runs,"
        " where nobody has changed it since.",
        f"/conflicts/{one.number}",
    )

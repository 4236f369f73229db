"""The report of ``reverse-sf link``: a row per pair or record, a table, a CSV, JSON."""

from __future__ import annotations

import csv
from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec

from reverse_sf.cli.rendering import say, say_json, show
from reverse_sf.errors import ConfigurationError
from reverse_sf.mapping.definition import Side
from reverse_sf.matching.table import CHOSEN, DOUBTFUL, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from reverse_sf.cli.populations import Pair
    from reverse_sf.matching.table import Finding, Item, Matching

MOST_SHOWN = 100
"""Doubtful records in the table; the CSV and JSON hold them all."""
_SIDES = {Side.SALESFORCE: "Salesforce", Side.SPOTIO: "SPOTIO"}


class Row(msgspec.Struct, kw_only=True):
    """A pair, or a record that has no counterpart (yet)."""

    pair: str
    outcome: str
    rule: str
    salesforce_id: str | None = None
    salesforce_name: str | None = None
    spotio_id: str | None = None
    spotio_name: str | None = None
    candidates: list[str] = []
    remark: str = ""


def rows_of(pair: Pair, matching: Matching) -> Iterator[Row]:
    """Every record of a pair once: pairs first, then who has no counterpart."""
    names = {one.id: one.label for one in pair.spotio}
    for item in pair.salesforce:
        finding = matching.salesforce[item.id]
        row = _row(pair, Side.SALESFORCE, item, finding)
        if finding.outcome in (Outcome.MATCHED, Outcome.LINKED):
            row.spotio_id = finding.candidates[0] if finding.candidates else None
            row.spotio_name = names.get(row.spotio_id or "")
            row.candidates = []
        yield row
    there = matching.salesforce.keys()
    for item in pair.spotio:
        finding = matching.spotio[item.id]
        paired = finding.outcome in (Outcome.MATCHED, Outcome.LINKED)
        if paired and finding.candidates and finding.candidates[0] in there:
            continue
        row = _row(pair, Side.SPOTIO, item, finding)
        if paired:
            row.salesforce_id = finding.candidates[0] if finding.candidates else None
            row.candidates = []
        yield row


def _row(pair: Pair, side: Side, item: Item, finding: Finding) -> Row:
    from_salesforce = side is Side.SALESFORCE
    return Row(
        pair=pair.name,
        outcome=finding.outcome.value,
        rule=finding.rule,
        salesforce_id=item.id if from_salesforce else None,
        salesforce_name=item.label if from_salesforce else None,
        spotio_id=None if from_salesforce else item.id,
        spotio_name=None if from_salesforce else item.label,
        candidates=list(finding.candidates),
        remark=remark(side, finding, {}),
    )


def remark(side: Side, finding: Finding, names: dict[str, str]) -> str:
    """Why a record is doubtful, in a sentence that names the candidates; empty for others.

    Args:
        side: the record's.
        finding: what it came to.
        names: names of the candidates by id, as far as they are known.
    """
    if finding.outcome not in DOUBTFUL:
        return _why_unmatched(side, finding)
    own, other = (
        (_SIDES[side], _SIDES[Side.SPOTIO])
        if side is Side.SALESFORCE
        else (_SIDES[side], _SIDES[Side.SALESFORCE])
    )
    listed = ", ".join(_named(one, names) for one in finding.candidates)
    more = " and more" if finding.more else ""
    if finding.outcome is Outcome.TAKEN:
        return f"by {finding.rule} it is {other} {listed}, which is linked to another record"
    if len(finding.candidates) > 1:
        return f"by {finding.rule} it may be any of {other} {listed}{more}"
    if finding.rivals:
        rivals = ", ".join(finding.rivals)
        return f"by {finding.rule} it is {other} {listed}, and so is {own} {rivals}{more}"
    return f"by {finding.rule} it is {other} {listed}, which is in doubt by an earlier rule"


def _why_unmatched(side: Side, finding: Finding) -> str:
    if finding.outcome is not Outcome.UNMATCHED or not finding.rule:
        return ""
    if finding.rule == CHOSEN:
        return "a person said that it has no counterpart"
    other = _SIDES[Side.SPOTIO if side is Side.SALESFORCE else Side.SALESFORCE]
    return f"it carries the id of a record that {other} does not have"


def _named(record_id: str, names: dict[str, str]) -> str:
    name = names.get(record_id)
    return f"{record_id} ({name})" if name else record_id


def write_csv(path: Path, rows: Sequence[Row]) -> None:
    """Write every row, candidates separated by spaces.

    Raises:
        ConfigurationError: the file cannot be written.
    """
    columns = Row.__struct_fields__
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(columns)
            for row in rows:
                cells = msgspec.structs.asdict(row)
                cells["candidates"] = " ".join(row.candidates)
                writer.writerow([_safe(cells[name]) for name in columns])
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error.strerror}") from error


def _safe(cell: str | None) -> str:
    """A cell that no spreadsheet takes for a formula."""
    text = cell or ""
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t"} else text


def counts_of(pairs: Sequence[Pair], rows: Sequence[Row]) -> list[dict[str, Any]]:
    """How many records of each pair came to what."""
    doubtful = {one.value for one in DOUBTFUL}
    found = []
    for pair in pairs:
        own = [one for one in rows if one.pair == pair.name]
        number: Counter[tuple[str, bool]] = Counter(
            (one.outcome, one.salesforce_id is not None) for one in own
        )
        found.append(
            {
                "pair": pair.name,
                "rules": ["external_id", *pair.keys.rules],
                "salesforce": len(pair.salesforce),
                "spotio": len(pair.spotio),
                "linked_before": sum(one.outcome == Outcome.LINKED.value for one in own),
                "matched": sum(one.outcome == Outcome.MATCHED.value for one in own),
                "matched_by": dict(
                    Counter(one.rule for one in own if one.outcome == Outcome.MATCHED.value)
                ),
                "ambiguous_salesforce": number[Outcome.AMBIGUOUS.value, True],
                "ambiguous_spotio": number[Outcome.AMBIGUOUS.value, False],
                "already_linked": sum(one.outcome == Outcome.TAKEN.value for one in own),
                "unmatched_salesforce": number[Outcome.UNMATCHED.value, True],
                "unmatched_spotio": number[Outcome.UNMATCHED.value, False],
                "in_doubt": sum(one.outcome in doubtful for one in own),
            }
        )
    return found


def print_json(counts: Sequence[Any], rows: Sequence[Row], *, applied: bool) -> None:
    """The whole report as JSON."""
    say_json({"applied": applied, "pairs": counts, "records": rows})


def print_tables(counts: Sequence[dict[str, Any]], rows: Sequence[Row]) -> None:
    """Numbers by pair, then the doubtful records."""
    numbers = (
        "Salesforce", "SPOTIO", "linked before", "matched", "ambiguous", "already linked",
        "only in Salesforce", "only in SPOTIO",
    )  # fmt: skip
    show(
        "Records matched",
        ("pair", *numbers),
        (
            (
                one["pair"],
                one["salesforce"],
                one["spotio"],
                one["linked_before"],
                one["matched"],
                f"{one['ambiguous_salesforce']:,} + {one['ambiguous_spotio']:,}",
                one["already_linked"],
                one["unmatched_salesforce"],
                one["unmatched_spotio"],
            )
            for one in counts
        ),
        numbers=numbers,
    )
    say()
    for one in counts:
        by = ", ".join(f"{number:,} by {rule}" for rule, number in one["matched_by"].items())
        if by:
            say(f"{one['pair']}: {by}")
    doubtful = [one for one in rows if one.outcome in {each.value for each in DOUBTFUL}]
    if not doubtful:
        say("No record is in doubt.")
        return
    say()
    show(
        f"In doubt ({len(doubtful):,}): never linked and never created until a person decides",
        ("pair", "record", "name", "why"),
        (
            (
                one.pair,
                one.salesforce_id or one.spotio_id,
                one.salesforce_name or one.spotio_name,
                f"{one.outcome}: {one.remark}",
            )
            for one in doubtful[:MOST_SHOWN]
        ),
        whole=("record",),
    )
    if len(doubtful) > MOST_SHOWN:
        say(f"{len(doubtful) - MOST_SHOWN:,} more: --csv FILE or --json lists all of them")

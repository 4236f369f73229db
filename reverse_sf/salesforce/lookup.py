"""Records found by a field's value, many values a query."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from reverse_sf.salesforce import soql
from reverse_sf.salesforce.soql import Select, encoded_length

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reverse_sf.salesforce.client import SalesforceClient

_NUMBERS = frozenset({"double", "int", "long", "currency", "percent"})


def find_by(
    client: SalesforceClient,
    sobject: str,
    field: str,
    values: Sequence[Any],
    *,
    kind: str = "string",
    where: tuple[str, ...] = (),
    fields: tuple[str, ...] = (),
) -> list[dict[str, Any]]:
    """Return the records, not deleted, whose field holds one of the values.

    SOQL compares texts without regard to case; the caller compares once more where it matters.

    Args:
        client: the org.
        sobject: API name of the object.
        field: API name of the field.
        values: what to look for; blank ones are not.
        kind: the field's type, which says how its literals are written.
        where: further conditions.
        fields: further fields of the answer, besides Id and ``field``.

    Raises:
        ReverseSFError: the query is refused.
    """
    base = Select(sobject, tuple(dict.fromkeys(("Id", field, *fields))), where)
    found: list[dict[str, Any]] = []
    literals = [_literal(value, kind) for value in dict.fromkeys(values) if value not in (None, "")]
    for condition in _conditions(base, field, literals, client.most_query_characters):
        select = Select(sobject, base.fields, (*where, condition))
        page = client.query(select)
        found += page.records
        while page.next_page:
            page = client.query_more(page, source=sobject)
            found += page.records
    return found


def _literal(value: Any, kind: str) -> str:
    return str(value) if kind in _NUMBERS else soql.quoted(str(value))


def _conditions(
    base: Select, field: str, literals: Sequence[str], most_characters: int
) -> Iterator[str]:
    """``field IN (...)`` with as many literals as an address holds."""
    room = most_characters - encoded_length(Select(base.source, base.fields, (*base.where, field)))
    part: list[str] = []
    used = 0
    for literal in literals:
        length = _length(f", {literal}")
        if part and used + length > room - 64:
            yield f"{soql.name(field)} IN ({', '.join(part)})"
            part, used = [], 0
        part.append(literal)
        used += length
    if part:
        yield f"{soql.name(field)} IN ({', '.join(part)})"


def _length(text: str) -> int:
    return len(quote(text, safe=""))

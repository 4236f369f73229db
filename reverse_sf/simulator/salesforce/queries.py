"""``/query`` and ``/queryAll``, with their pages."""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING

import msgspec

from reverse_sf.simulator.salesforce.exchange import Answer, Call
from reverse_sf.simulator.salesforce.refusal import ApiFault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reverse_sf.simulator.salesforce.service import Service

_LITERAL = re.compile(r"'(?:\\.|[^'\\])*'")
_ORDERED = re.compile(r"\border\s+by\b", re.IGNORECASE)


def query(service: Service, call: Call, _named: dict[str, str]) -> Answer:
    """``GET /query?q=``."""
    return _run(service, call, all_rows=False)


def query_all(service: Service, call: Call, _named: dict[str, str]) -> Answer:
    """``GET /queryAll?q=``: deleted and merged records and archived activities too."""
    return _run(service, call, all_rows=True)


def more(service: Service, call: Call, named: dict[str, str]) -> Answer:
    """``GET /query/<locator>``."""
    page, call.records = service.cursors.page(named["locator"], call.base)
    return Answer(page)


def ordered(soql: str) -> bool:
    """Whether the statement promises an order."""
    return _ORDERED.search(without_literals(soql)) is not None


def without_literals(soql: str) -> str:
    """The statement with its strings emptied, so that words can be looked for."""
    return _LITERAL.sub("''", soql)


def _run(service: Service, call: Call, *, all_rows: bool) -> Answer:
    soql = call.query.get("q")
    if not soql:
        raise ApiFault("MALFORMED_QUERY", "A query string has to be specified")
    found = service.org.query(soql, all_rows=all_rows, user_id=call.user_id, version=call.version)
    records: Iterator[bytes] = map(msgspec.json.Encoder().encode, found.rows)
    if service.switches["query_shuffle"] and not ordered(soql):
        shuffled = list(records)
        random.Random(len(shuffled)).shuffle(shuffled)  # noqa: S311 - an order, not a secret
        records = iter(shuffled)
    total = found.total_size
    page, call.records = service.cursors.first_page(records, total, call.headers, call.base)
    return Answer(page)

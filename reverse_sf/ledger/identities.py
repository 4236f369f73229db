"""Which org and company a ledger belongs to, asked without touching it.

A check must neither make a ledger nor bring an older one up to date: a ledger that is not there, or
that no run has used yet, belongs to nobody.
"""

from __future__ import annotations

from urllib.parse import quote

from sqlalchemy import URL, create_engine, inspect, select
from sqlalchemy.pool import NullPool

from reverse_sf.ledger.address import parse
from reverse_sf.ledger.dialects import engine_for
from reverse_sf.ledger.facts import IDENTITY
from reverse_sf.ledger.faults import explained
from reverse_sf.ledger.tables import facts
from reverse_sf.mapping.definition import Side


def pinned_identities(uri: str) -> dict[Side, str]:
    """The Salesforce org and the SPOTIO company that the ledger at an address is bound to.

    Args:
        uri: ``ledger_uri``.

    Raises:
        ConfigurationError: the address is wrong, or what is there is no ledger.
        RetryError: the server is out of reach.
    """
    address = parse(uri, looking=True)
    if address.server:
        engine = engine_for(address.url)
    elif address.file is None or not address.file.exists():
        return {}
    else:
        path = quote(str(address.file.absolute()))
        url = URL.create("sqlite", database=f"file:{path}", query={"mode": "ro", "uri": "true"})
        engine = create_engine(url, poolclass=NullPool, hide_parameters=True)
    with explained(address.shown, server=address.server), engine.connect() as connection:
        if not inspect(connection).has_table(facts.name):
            return {}
        rows = connection.execute(
            select(facts.c.name, facts.c.value).where(facts.c.kind == IDENTITY)
        )
        return {Side(name): value for name, value in rows}

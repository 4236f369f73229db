"""Where the local org lives, as seen from the host that a client called."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from reverse_sf.simulator.salesforce.sessions import ORGANIZATION_ID

if TYPE_CHECKING:
    from reverse_sf.simulator.salesforce.exchange import Call

MY_DOMAIN = "https://demo.my.salesforce.com"


def instance_url(call: Call) -> str:
    """Base URL of the org: its My Domain where a login host was called, else the host called."""
    host = urlsplit(call.origin).hostname or ""
    if host in {"login.salesforce.com", "test.salesforce.com"}:
        return MY_DOMAIN
    return call.origin


def user_url(call: Call, user_id: str) -> str:
    """The user's identity URL, on the host that was called."""
    return f"{call.origin}/id/{ORGANIZATION_ID}/{user_id}"

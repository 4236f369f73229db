"""Whose org it is: from the session id, or asked for where that does not tell."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from reverse_sf.salesforce import Credentials, SalesforceClient
from reverse_sf.salesforce import client as client_module
from tests.contract.target_salesforce_fixtures import org_fixture, server_fixture, settings

if TYPE_CHECKING:
    import pytest

    from reverse_sf.simulator.local import LocalServer

__all__ = ["org_fixture", "server_fixture"]


def organization(org: LocalServer) -> tuple[str | None, list[str]]:
    """What a new login says of its org, and the queries that it took."""
    mark = org.last()
    credentials = Credentials.from_settings(settings(org))
    with closing(SalesforceClient(credentials, api_version="62.0")) as client:
        found = client.organization_id
    asked = [one["path"] for one in org.requests(mark) if "/oauth2/" not in one["path"]]
    return found, asked


def test_a_session_id_tells_its_org_without_a_call(org: LocalServer) -> None:
    found, asked = organization(org)
    assert found is not None
    assert found.startswith("00D")
    assert asked == []


def test_where_the_session_id_does_not_tell_the_org_is_asked(
    org: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, _ = organization(org)
    monkeypatch.setattr(client_module, "organization_of", lambda _session_id: None)
    found, asked = organization(org)
    assert found == told
    assert len(asked) == 1


def test_an_org_that_does_not_say_who_it_is_is_nobody_s(
    org: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "organization_of", lambda _session_id: None)
    body = '[{"errorCode": "INVALID_TYPE", "message": "no such object"}]'
    org.fault({"path": "/query"}, {"status": 400, "body": body, "times": 9})
    assert organization(org)[0] is None

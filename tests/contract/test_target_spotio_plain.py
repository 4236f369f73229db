"""target-spotio as a plain Singer target: the SDK's suite, and upserts by key."""

from __future__ import annotations

import contextlib
import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from singer_sdk.testing import get_target_test_class

from reverse_sf.errors import AccessError, ConfigurationError, LoginError, ReverseSFError
from target_spotio.target import TargetSpotio
from tests.contract.spotio_admin_fixtures import administered
from tests.contract.spotio_fixtures import server_fixture, settings, spotio_fixture  # noqa: F401 - fixtures

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reverse_sf.simulator.local import LocalServer

_CONFIG: dict[str, Any] = {
    "client_id": "demo-client",
    "client_secret": "demo-secret",
    "create_record_types": True,
    "create_missing_fields": True,
    "settle_seconds": 0.2,
}


@pytest.fixture(scope="module", autouse=True)
def _point_at_server() -> Iterator[None]:
    with administered() as url:
        _CONFIG["api_url"] = url
        yield


StandardTests = get_target_test_class(target_class=TargetSpotio, config=_CONFIG)


class TestStandard(StandardTests):  # type: ignore[misc, valid-type]
    """The SDK's own tests of a target."""


def deliver(spotio: LocalServer, *messages: dict[str, Any], **config: Any) -> list[str]:
    """Run the target over messages; the STATE lines that it wrote."""
    text = "".join(json.dumps(message) + "\n" for message in messages)
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        TargetSpotio(config=settings(spotio, **config)).listen(io.StringIO(text))
    return out.getvalue().splitlines()


def schema(stream: str = "Accounts", *names: str) -> dict[str, Any]:
    """A SCHEMA message with the key ``Company``."""
    properties = {name: {} for name in ("Company", *names)}
    return {
        "type": "SCHEMA",
        "stream": stream,
        "schema": {"type": "object", "properties": properties},
        "key_properties": ["Company"],
    }


def record(stream: str = "Accounts", **values: Any) -> dict[str, Any]:
    """A RECORD message."""
    return {"type": "RECORD", "stream": stream, "record": values}


def test_a_record_is_created_once_and_then_updated(spotio: LocalServer) -> None:
    first = record(Company="Peju", Phone="(512) 555-0100")
    deliver(spotio, schema("Accounts", "Phone"), first)
    deliver(spotio, schema("Accounts", "Phone"), record(Company="Peju", Phone="(512) 555-0200"))
    (row,) = spotio.rows("Accounts")
    assert row["externalDataObjectId"] == "Peju"
    assert row["fields"]["Phone"] == "(512) 555-0200"


def test_later_records_of_a_batch_win_key_by_key(spotio: LocalServer) -> None:
    deliver(
        spotio,
        schema("Accounts", "Phone", "Website"),
        record(Company="Peju", Phone="(512) 555-0100", Website="https://a.example.com"),
        record(Company="Peju", Phone="(512) 555-0200"),
    )
    (row,) = spotio.rows("Accounts")
    assert row["fields"]["Phone"] == "(512) 555-0200"
    assert row["fields"]["Website"] == "https://a.example.com"


def test_a_refused_record_ends_the_run_without_state(spotio: LocalServer) -> None:
    messages = [
        schema("Accounts", "Billing Email"),
        record(Company="Peju", **{"Billing Email": "nonsense"}),
        {"type": "STATE", "value": {"at": 1}},
    ]
    with pytest.raises(ReverseSFError, match="Billing Email"):
        deliver(spotio, *messages)


def test_an_unknown_record_type_is_named_with_those_that_exist(spotio: LocalServer) -> None:
    with pytest.raises(ConfigurationError, match=r"'Accuonts'.*Accounts, Contacts"):
        deliver(spotio, schema("Accuonts"), record("Accuonts", Company="Peju"))


def test_all_unknown_fields_are_named_at_once(spotio: LocalServer) -> None:
    with pytest.raises(ConfigurationError) as caught:
        deliver(spotio, schema("Accounts", "Phnoe", "Wbsite"), record(Company="Peju"))
    assert len(caught.value.problems) == 2


def test_a_wrong_secret_is_a_login_error(spotio: LocalServer) -> None:
    for status in (400, 401, 404):
        spotio.switches(login_status=status)
        with pytest.raises(LoginError, match="ClientId and Secret do not exist") as caught:
            deliver(spotio, schema(), record(Company="Peju"), client_secret="wrong-secret")
        assert "wrong-secret" not in str(caught.value)


def test_a_sales_key_is_refused_with_the_remedy(spotio: LocalServer) -> None:
    with pytest.raises(AccessError, match="Make a key as an Admin"):
        deliver(
            spotio,
            schema(),
            record(Company="Peju"),
            client_id="sales-client",
            client_secret="sales-secret",
        )


def test_without_records_nobody_is_called(spotio: LocalServer) -> None:
    mark = spotio.last()
    states = deliver(spotio, schema(), {"type": "STATE", "value": {"at": 1}})
    assert spotio.requests(mark) == []
    assert states == ['{"at": 1}']

"""The SDK's standard suite for tap-spotio, its settings, its catalog and its refusals."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from singer_sdk.testing import SuiteConfig, get_tap_test_class

from reverse_sf.errors import AccessError, ConfigurationError, LoginError
from reverse_sf.simulator.local import running
from reverse_sf.spotio.facts import FACTS, type_from_schema
from tap_spotio.activity_shape import PROPERTIES
from tap_spotio.schema import schema_of
from tap_spotio.tables import TABLES
from tap_spotio.tap import DIARIES, TapSpotio
from tap_spotio.tenant import TenantSetup
from tests.contract.spotio_server_fixtures import Api
from tests.contract.tap_spotio_fixtures import (  # noqa: F401 - fixtures are asked for by name
    TYPES,
    calls,
    discovered,
    run_tap,
    settings_of,
    spotio,
    started,
)


def setup_of(api):
    """The tenant's setup without a server."""
    answered = SimpleNamespace(get_kept=lambda path, anew=False: (api.get(path).json(), anew))
    return TenantSetup.read(answered)


DEMO = setup_of(Api(empty=True).login())


def catalog():
    """A catalog without a server: the suite asks for its streams when it is imported."""
    diary = {"type": "object", "properties": dict(PROPERTIES)}
    schemas = {
        **{name: (table.schema, list(table.keys), None) for name, table in TABLES.items()},
        **{one.name: (schema_of(one, DEMO), ["id"], "updatedAt") for one in DEMO.workflow.types},
        **dict.fromkeys(DIARIES, (diary, ["id"], "updatedAt")),
    }
    return {
        "streams": [
            {
                "tap_stream_id": name,
                "stream": name,
                "key_properties": keys,
                "replication_key": replication_key,
                "schema": schema,
                "metadata": [{"breadcrumb": [], "metadata": {"selected": True}}],
            }
            for name, (schema, keys, replication_key) in schemas.items()
        ]
    }


SETTINGS = {"client_id": "", "client_secret": ""}


@pytest.fixture(scope="module", autouse=True)
def server():
    with running(records=300) as servers:
        SETTINGS.update(settings_of(servers.spotio, upcoming_appointments=True))
        yield servers.spotio


TestStandardSuite = get_tap_test_class(
    TapSpotio,
    config=SETTINGS,
    catalog=catalog(),
    suite_config=SuiteConfig(
        max_records_limit=30, ignore_no_records_for_streams=["Contacts", "Opportunities"]
    ),
)

pytestmark = pytest.mark.filterwarnings(
    # The demo world leaves many fields blank; the suite warns of each.
    "ignore:No records were available to test",
    "ignore:Fields in transformed catalog but not in records",
)


def test_every_setting_is_described_and_the_secret_is_marked():
    properties = TapSpotio.config_jsonschema["properties"]
    for name, declared in properties.items():
        assert declared.get("title"), name
        assert declared.get("description"), name
    secrets = {name for name, declared in properties.items() if declared.get("secret")}
    assert secrets == {"client_secret"}
    assert properties["lookback_window"]["default"] == 600


def test_the_catalog_carries_the_workflow(spotio):  # noqa: F811
    streams = {entry["stream"]: entry for entry in discovered(settings_of(spotio))["streams"]}
    assert set(streams) == {*TYPES, *TABLES, *DIARIES}
    accounts = streams["Accounts"]["schema"]
    assert accounts[FACTS]["id"] == "1"
    assert {"id": "4", "name": "Signed", "group": "won"} in accounts[FACTS]["stages"]
    properties = accounts["properties"]
    assert properties["Company"][FACTS]["systemRole"] == "Company"
    assert properties["Company"][FACTS]["required"] is True
    assert properties["Billing Email"][FACTS]["requiredByStage"] == ["4"]
    assert properties["SPOTIO Score"][FACTS]["readonly"] is True
    assert "Lukewarm" in properties["Rating"][FACTS]["options"]
    assert properties["Stage"][FACTS]["options"][0] == "Prospect"
    assert "Appointment Set" in properties["Last Visit Result"][FACTS]["options"]
    assert properties["Customer Since"]["format"] == "date"
    assert properties["Last Audit"]["format"] == "date-time"
    assert properties["Products"]["type"] == ["array", "null"]
    assert properties["Employees"]["type"] == ["number", "null"]
    assert "parentId" not in properties
    assert "address" not in streams["Contacts"]["schema"]["properties"]
    assert streams["Contacts"]["schema"][FACTS]["parentName"] == "Accounts"


def test_a_schema_message_says_all_that_the_workflow_says(spotio):  # noqa: F811
    schemas = run_tap(settings_of(spotio)).schemas
    assert tuple(type_from_schema(schemas[one.name]) for one in DEMO.workflow.types) == (
        DEMO.workflow.types
    )


def test_discovery_asks_for_the_workflow_and_whose_it_is(spotio):  # noqa: F811
    mark = spotio.last()
    discovered(settings_of(spotio))
    assert calls(spotio, mark) == ["GET /api/workflow", "GET /api/CalendarSettings"]


def test_tables_come_first_and_parents_before_their_children(spotio):  # noqa: F811
    tap = TapSpotio(config=settings_of(spotio))
    names = list(tap.streams)
    tap.close()
    assert names[: len(TABLES)] == list(TABLES)
    assert names[-len(DIARIES) :] == list(DIARIES)
    assert names.index("Accounts") < names.index("Contacts")
    assert names.index("Accounts") < names.index("Opportunities")


def test_record_types_choose_the_streams(spotio):  # noqa: F811
    catalog = discovered(settings_of(spotio, record_types=["Leads", "id:2"]))
    assert {entry["stream"] for entry in catalog["streams"]} == {
        *("Leads", "Contacts"),
        *TABLES,
        *DIARIES,
    }


def test_unknown_record_types_are_named_together_with_what_was_meant(spotio):  # noqa: F811
    output = run_tap(settings_of(spotio, record_types=["Acounts", "Leads", "id:77"]))
    assert isinstance(output.error, ConfigurationError)
    assert len(output.error.problems) == 2
    assert "did you mean Accounts?" in output.error.problems[0]
    assert "id:77" in output.error.problems[1]


def test_a_catalog_of_another_make_is_completed_or_refused(spotio):  # noqa: F811
    entry = {
        "tap_stream_id": "Leads",
        "stream": "Leads",
        "schema": {"type": "object", "properties": {"id": {"type": "string"}}},
        "metadata": [{"breadcrumb": [], "metadata": {"selected": True}}],
    }
    output = run_tap(settings_of(spotio), catalog={"streams": [entry]})
    assert output.error is None
    assert output.by_id
    strange = {**entry, "tap_stream_id": "Lead", "stream": "Lead"}
    output = run_tap(settings_of(spotio), catalog={"streams": [strange]})
    assert isinstance(output.error, ConfigurationError)
    assert "did you mean Leads?" in output.error.problems[0]


@pytest.mark.parametrize("status", [400, 401, 404])
def test_a_wrong_key_is_a_login_error_without_the_secret(spotio, status):  # noqa: F811
    spotio.switches(login_status=status)
    output = run_tap(settings_of(spotio, client_secret="wrong-and-secret"))
    assert isinstance(output.error, LoginError)
    assert "wrong-and-secret" not in str(output.error)


def test_the_key_of_a_sales_user_is_refused_before_any_record(spotio):  # noqa: F811
    key = {"client_id": "sales-client", "client_secret": "sales-secret"}
    catalog = discovered(settings_of(spotio), *TYPES)
    output = run_tap(settings_of(spotio, **key), catalog=catalog)
    assert isinstance(output.error, AccessError)
    assert "Sales" in str(output.error)
    assert not output.records


def test_missing_settings_are_one_clear_error():
    with pytest.raises(ConfigurationError) as raised:
        TapSpotio(config={})
    assert any("client_id" in problem for problem in raised.value.problems)

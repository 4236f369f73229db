"""The SDK's standard suite for tap-salesforce, against the local server."""

from __future__ import annotations

import json

import pytest
from singer_sdk.testing import SuiteConfig, get_tap_test_class

from reverse_sf.simulator.clock import Clock
from reverse_sf.simulator.local import running
from reverse_sf.simulator.salesforce.org import Org
from reverse_sf.tap import facts
from reverse_sf.tap.tap import TapSalesforce
from tests.contract.tap_salesforce_fixtures import discovered, settings_of

OBJECTS = ("Account", "Contact", "Lead", "Opportunity", "Task", "Site__c", "User")


def catalog_of(*objects):
    """A catalog without a server: the suite asks for its streams when it is imported."""
    org = Org(Clock(), records=0, empty=True)
    return {
        "streams": [
            {
                "tap_stream_id": name,
                "stream": name,
                "key_properties": ["Id"],
                "replication_key": "SystemModstamp",
                "schema": facts.schema_of(org.describe(name)),
                "metadata": [{"breadcrumb": [], "metadata": {"selected": True}}],
            }
            for name in objects
        ]
    }


SETTINGS = {"streams_to_discover": list(OBJECTS)}


@pytest.fixture(scope="module", autouse=True)
def server():
    with running(records=300) as servers:
        SETTINGS.update(settings_of(servers.salesforce, *OBJECTS))
        yield servers.salesforce


TestStandardSuite = get_tap_test_class(
    TapSalesforce,
    config=SETTINGS,
    catalog=catalog_of(*OBJECTS),
    suite_config=SuiteConfig(max_records_limit=150),
)

pytestmark = pytest.mark.filterwarnings(
    # The demo world leaves many standard fields blank; the suite warns of each.
    "ignore:No records were available to test",
    "ignore:Fields in transformed catalog but not in records",
)


def test_every_setting_is_described_and_secrets_are_marked():
    properties = TapSalesforce.config_jsonschema["properties"]
    for name, declared in properties.items():
        assert declared.get("title"), name
        assert declared.get("description"), name
    secrets = {name for name, declared in properties.items() if declared.get("secret")}
    assert secrets == {
        "password",
        "security_token",
        "client_secret",
        "refresh_token",
        "jwt_private_key",
        "session_id",
    }


def test_the_catalog_carries_the_describe_facts(server):
    catalog = json.loads(json.dumps(discovered(settings_of(server, "Account"))))
    (account,) = catalog["streams"]
    properties = account["schema"]["properties"]
    industry = properties["Industry"][facts.FACTS]
    assert industry["type"] == "picklist"
    assert {"value": "Solar", "label": "Solar", "active": True} in industry["picklistValues"]
    assert properties["OwnerId"][facts.FACTS]["referenceTo"] == ["User"]
    assert properties["Customer_Since__c"]["format"] == "date"
    assert properties["Last_Audit__c"]["format"] == "date-time"
    assert properties["Score__c"][facts.FACTS]["scale"] == 2
    assert properties["Health__c"][facts.FACTS]["calculated"] is True
    assert account["schema"][facts.FACTS]["keyPrefix"] == "001"


def test_compound_fields_are_not_offered_unless_asked_for(server):
    def inclusion(**more):
        (account,) = discovered(settings_of(server, "Account", **more))["streams"]
        by_field = {
            entry["breadcrumb"][-1]: entry for entry in account["metadata"] if entry["breadcrumb"]
        }
        return by_field["BillingAddress"]["metadata"]["inclusion"]

    assert inclusion() == "unsupported"
    assert inclusion(compound_fields=True) == "available"


def test_the_default_objects_are_the_usual_ones_and_all_custom_ones(server):
    settings = settings_of(server, streams_to_discover=[])
    names = {stream["tap_stream_id"] for stream in discovered(settings)["streams"]}
    assert {"Account", "Contact", "Lead", "Opportunity", "Task", "User", "Site__c"} <= names


def test_a_pattern_finds_objects(server):
    names = {
        stream["tap_stream_id"]
        for stream in discovered(settings_of(server, "*__c", "Lead"))["streams"]
    }
    assert names == {"Site__c", "Lead"}

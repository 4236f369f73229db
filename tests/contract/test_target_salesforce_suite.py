"""target-salesforce and the SDK's standard suite, against objects declared for its streams."""

from __future__ import annotations

import json
from importlib import resources
from typing import TYPE_CHECKING, Any

import pytest
from singer_sdk.testing import get_target_test_class

from reverse_sf.simulator.local import running
from reverse_sf.target.target import TargetSalesforce
from tests.contract.target_salesforce_fixtures import settings

if TYPE_CHECKING:
    from collections.abc import Iterator

SPECIAL = "test:SpecialChars!in?attributes"
SYSTEM = {
    "id", "isdeleted", "ownerid", "name", "createddate", "createdbyid", "lastmodifieddate",
    "lastmodifiedbyid", "systemmodstamp",
}  # fmt: skip
# A stream's name that no object can have is renamed, as a user would do it. The Id of a new record
# is Salesforce's to give, so the suite's own ids are left out.
_CONFIG: dict[str, Any] = {
    "action": "insert",
    "ignore_read_only": True,
    "stream_maps": {SPECIAL: {"__alias__": "SpecialChars__c"}},
}


def properties_by_stream() -> dict[str, set[str]]:
    """What the suite's streams declare."""
    streams: dict[str, set[str]] = {}
    for file in resources.files("singer_sdk.testing.target_test_streams").iterdir():
        for line in file.read_text("utf-8").splitlines() if file.name.endswith(".singer") else ():
            message = json.loads(line)
            if message["type"] == "SCHEMA":
                properties = message["schema"].get("properties") or {}
                streams.setdefault(message["stream"], set()).update(properties)
    return streams


def declarations() -> dict[str, Any]:
    """An object with a text area per property, for every stream of the suite."""
    return {
        "objects": {
            "SpecialChars__c" if stream == SPECIAL else stream: {
                "label": "Made for a test",
                "prefix": f"a{number:02d}",
                "fields": {
                    "Name": "string(80) defaulted name | Name",
                    **{
                        name: f"textarea(32000) | {name}"
                        for name in sorted(properties)
                        if name.lower() not in SYSTEM
                    },
                },
            }
            for number, (stream, properties) in enumerate(sorted(properties_by_stream().items()))
        }
    }


@pytest.fixture(scope="module", autouse=True)
def _declared() -> Iterator[None]:
    with running(empty=True) as servers:
        servers.salesforce.edit(declare=declarations())
        _CONFIG.update(settings(servers.salesforce))
        yield


StandardTests = get_target_test_class(target_class=TargetSalesforce, config=_CONFIG)


class TestStandard(StandardTests):  # type: ignore[misc, valid-type]
    """The SDK's own tests of a target."""

"""Whatever is not publicly known of SPOTIO's API, the result of a sync is the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.system.calls import writes
from tests.system.expectation import differences
from tests.system.servers_fixture import in_a_sweep, pipeline, small_world, sweeping

if TYPE_CHECKING:
    from reverse_sf.simulator.local import LocalServers
    from tests.system.pipeline import Pipeline

__all__ = ["pipeline", "small_world"]

pytestmark = [pytest.mark.slow]

TOGETHER: list[Any] = [
    {
        "updated_after": "exclusive",
        "feed_order": "updated_desc",
        "feed_page": 7,
        "patch_fields": "replaces",
        "multichoice_wire": "semicolon",
    },
    {
        "feed_order": "random",
        "export_window": 30,
        "scroll_end": "absent",
        "patch_fields": "rebuilds",
        "date_wire": "us",
    },
    {
        "feed_delay_s": 5.0,
        "scroll_end": "repeat",
        "patch_paths": "by_id",
        "multichoice_wire": "json",
        "email_case": "lower",
    },
    {
        "patch_paths": "collection",
        "validation_status": 400,
        "date_wire": "datetime",
        "bulk_update": "keys",
    },
    {
        "patch_test": "refused",
        "patch_fields": "replaces",
        "patch_paths": "by_id",
        "login_status": 401,
        "bulk_polls": 0,
    },
    {"patch_test": "ignored", "bulk_update": "entries", "external_id_in_search": True},
    pytest.param({"bulk_fail": "before"}, marks=in_a_sweep),
    pytest.param({"bulk_fail": "half"}, marks=in_a_sweep),
    {"bulk_fail": "lost"},
]
"""Every setting of every switch at least once, in as few runs as that takes."""

ALONE: list[dict[str, Any]] = [
    {"updated_after": "exclusive"},
    {"feed_order": "updated_desc"},
    {"feed_order": "random"},
    {"feed_page": 7},
    {"export_window": 30},
    {"feed_delay_s": 5.0},
    {"scroll_end": "absent"},
    {"scroll_end": "repeat"},
    {"patch_fields": "replaces"},
    {"patch_fields": "rebuilds"},
    {"patch_paths": "by_id"},
    {"patch_paths": "collection"},
    {"patch_test": "refused"},
    {"patch_test": "ignored"},
    {"patch_test": "refused", "patch_fields": "replaces", "patch_paths": "by_id"},
    {"validation_status": 400},
    {"login_status": 401},
    {"multichoice_wire": "semicolon"},
    {"multichoice_wire": "json"},
    {"date_wire": "datetime"},
    {"date_wire": "us"},
    {"email_case": "lower"},
    {"bulk_update": "keys"},
    {"bulk_update": "entries"},
    {"bulk_polls": 0},
    {"bulk_fail": "before"},
    {"bulk_fail": "half"},
    {"bulk_fail": "lost"},
    {"external_id_in_search": True},
]


@pytest.mark.parametrize("settings", ALONE if sweeping() else TOGETHER, ids=str)
def test_first_load_edits_and_quiet_end_alike(
    settings: dict[str, Any], pipeline: Pipeline, small_world: LocalServers
) -> None:
    pipeline.target = {"bulk_threshold": 20}
    small_world.spotio.switches(**settings)
    ended = pipeline.run()
    assert ended.ended_well, ended
    edit_every_kind_of_field(small_world)
    # What a failed bulk job left, or a late feed hid, may take one more run.
    for _ in range(2 if {"bulk_fail", "feed_delay_s"} & settings.keys() else 1):
        ended = pipeline.run()
        assert ended.ended_well, ended
    wrong = differences(small_world)
    if settings.get("email_case") == "lower":
        wrong = [each for each in wrong if "mail" not in each]
    assert wrong == []
    before = small_world.spotio.last()
    assert pipeline.run().ended_well
    assert writes(small_world.spotio, before) == []


def edit_every_kind_of_field(servers: LocalServers) -> None:
    """A person edits a text, choices, dates, numbers and an address, and clears two fields."""
    customers = [
        row
        for row in servers.salesforce.rows("Account")
        if row["Type"] == "Customer" and not row["IsDeleted"]
    ]
    edits: list[dict[str, Any]] = [
        {"Name": "Renamed Ltd"},
        {"Rating": "Cold", "Industry": "Solar"},
        {"Product_Interest__c": "Fiber;Alarms"},
        {"Customer_Since__c": "2020-02-29", "Last_Audit__c": "2026-01-02T03:04:05.000Z"},
        {"AnnualRevenue": 12345.0, "NumberOfEmployees": 0},
        {"BillingStreet": "12 Somewhere Street", "BillingCity": "Elsewhere"},
        {"Website": None, "Phone": None},
    ]
    for row, values in zip(customers, edits, strict=False):
        servers.salesforce.edit(object="Account", id=row["Id"], set=values)
    assert len(customers) >= len(edits)

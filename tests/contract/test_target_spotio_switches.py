"""The same result under every setting of every switch of the local SPOTIO."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.spotio_fixtures import (  # noqa: F401 - fixtures
    Sync,
    account,
    contact,
    salesforce_id,
    server_fixture,
    spotio_fixture,
    sync_fixture,
    update,
)

PATCHES = [
    {"patch_fields": fields, "patch_paths": paths, "patch_test": test}
    for fields in ("entries", "replaces", "rebuilds")
    for paths in ("index", "by_id", "collection")
    for test in ("honoured", "refused", "ignored")
]
OTHERS: list[dict[str, Any]] = [
    {"updated_after": "exclusive"},
    {"feed_order": "updated_desc"},
    {"feed_order": "random"},
    {"scroll_end": "absent"},
    {"scroll_end": "repeat"},
    {"feed_page": 2, "scroll_end": "repeat"},
    {"export_window": 3, "feed_page": 2},
    {"validation_status": 400},
    {"multichoice_wire": "semicolon"},
    {"multichoice_wire": "json"},
    {"date_wire": "datetime"},
    {"date_wire": "us"},
    {"email_case": "lower"},
    {"bulk_update": "keys"},
    {"bulk_fail": "before"},
    {"bulk_fail": "half"},
    {"bulk_fail": "lost"},
    {"bulk_polls": 5},
]


def story(sync: Sync) -> tuple[dict[str, Any], dict[tuple[str, str], str], dict[str, Any]]:
    """A first load, then updates; what SPOTIO and the ledger hold in the end."""
    first = [account(n) for n in range(1, 6)]
    first[0]["record"]["Account Notes"] = "kept"
    children = [contact(n, parent=n) for n in range(1, 4)]
    sync.begin().decide(*children, *first, account(6, **{"Billing Email": "nonsense"}))
    sync.deliver(bulk_threshold=3)
    ids = {row["externalDataObjectId"]: row["id"] for row in sync.rows("Accounts")}
    sync.begin().decide(
        update(
            1,
            ids[salesforce_id(1)],
            {"Phone": "(512) 555-0001", "Products": ["Batteries", "Panels"]},
            **{
                "Phone": "(512) 555-9991",
                "Products": ["Alarms", "Fiber"],
                "Customer Since": "2021-01-31",
                "Last Audit": "2026-07-08T09:10:11Z",
                "Website": "https://new.example.com",
            },
        ),
        update(2, ids[salesforce_id(2)], {"Stage": "Customer"}, Stage="Former"),
        update(3, ids[salesforce_id(3)], {}, Phone=None, Employees=12),
        update(4, ids[salesforce_id(4)], {}, **{"Billing Email": "none", "Employees": 7}),
    )
    sync.deliver()
    rows = {
        row["externalDataObjectId"]: (row["fields"], row["stage"], row["owner"])
        for row in sync.rows("Accounts")
    }
    images = {number: sync.snapshot(salesforce_id(number)).spotio_image for number in range(1, 7)}
    return rows, sync.parked(), images


@pytest.fixture(scope="module")
def plain(server, tmp_path_factory) -> Any:
    server.reset()
    folder = tmp_path_factory.mktemp("plain")
    return story(Sync(server, f"sqlite:///{folder / 'ledger.db'}"))


@pytest.mark.parametrize(
    "switches", PATCHES + OTHERS, ids=lambda one: ",".join(f"{k}={v}" for k, v in one.items())
)
def test_the_result_is_the_same_under_every_switch(
    plain: Any, sync: Sync, switches: dict[str, Any]
) -> None:
    sync.spotio.switches(**switches)
    assert story(sync) == plain


def test_a_tenant_that_follows_the_standard_costs_one_call_an_update(sync: Sync) -> None:
    sync.begin().decide(*[account(n) for n in range(1, 4)])
    sync.deliver()
    ids = {row["externalDataObjectId"]: row["id"] for row in sync.rows("Accounts")}
    sync.begin().decide(
        *[update(n, ids[salesforce_id(n)], {}, Phone="(512) 555-4444") for n in range(1, 4)]
    )
    mark = sync.spotio.last()
    sync.deliver()
    assert len(sync.writes(mark)) == 3


@pytest.mark.parametrize("switches", PATCHES, ids=lambda one: ",".join(one.values()))
def test_the_dialect_is_found_out_once_in_few_calls(sync: Sync, switches: dict[str, Any]) -> None:
    sync.spotio.switches(**switches)
    sync.begin().decide(*[account(n) for n in range(1, 6)])
    sync.deliver()
    ids = {row["externalDataObjectId"]: row["id"] for row in sync.rows("Accounts")}
    for phone in ("(512) 555-4444", "(512) 555-5555", "(512) 555-6666"):
        sync.begin().decide(
            *[update(n, ids[salesforce_id(n)], {}, Phone=phone) for n in range(1, 6)]
        )
        mark = sync.spotio.last()
        sync.deliver()
        assert len(sync.writes(mark)) <= 5 + 4
    assert len(sync.writes(mark)) == 5

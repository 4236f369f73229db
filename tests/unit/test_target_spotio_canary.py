"""The canary against tenants of every temper, stranger ones than the local server knows."""

from __future__ import annotations

from typing import Any

import pytest

from reverse_sf.errors import StopError
from reverse_sf.spotio.client import Written
from reverse_sf.spotio.errors import AmbiguousOutcomeError, Call, WriteRefusedError
from reverse_sf.spotio.patches import Change, Dialect
from reverse_sf.spotio.record import Record
from target_spotio.canary import (
    DIALECT,
    PENDING,
    ChangedMeanwhileError,
    Forgetful,
    Patcher,
)

HELD = {"11": "one", "12": "two", "13": "three"}
CALL = Call("PATCH", "/jsonp")


class Tenant:
    """Understands one kind of path, and keeps or loses what a patch does not touch."""

    def __init__(self, *paths: str, loses: bool = False, silent: int = 0) -> None:
        self.held = dict(HELD)
        self.patches = 0
        self._paths = set(paths)
        self._loses = loses
        self._silent = silent

    def read(self, _record_id: str) -> Record:
        fields = tuple({"fieldId": key, "value": value} for key, value in self.held.items())
        return Record(id="r", type_id="1", entries=fields)

    def patch(self, _record_id: str, operations: list[dict[str, Any]]) -> Written:  # noqa: C901 - one branch for each kind of path
        self.patches += 1
        touched: dict[str, Any] = {}
        order = list(self.held)
        for one in operations:
            segments = one["path"].split("/")[1:]
            kind = "collection" if len(segments) == 1 else "append"
            if len(segments) > 1 and segments[1] != "-":
                kind = "index" if "index" in self._paths else "by_id"
            if segments[0] != "fields":
                continue
            if one["op"] == "test" or kind not in self._paths:
                self._refuse()
            if kind == "collection":
                touched = {entry["fieldId"]: entry["value"] for entry in one["value"]}
                order = []
            elif kind == "index":
                if int(segments[1]) >= len(order):
                    self._refuse()
                touched[one["value"]["fieldId"]] = one["value"]["value"]
            elif kind == "append":
                touched[one["value"]["fieldId"]] = one["value"]["value"]
            else:
                # The path says which field it is, whatever the entry says of itself.
                if segments[1] not in self.held and one["op"] == "replace":
                    self._refuse()
                touched[segments[1]] = one["value"]["value"]
        kept = {} if self._loses or not order else self.held
        self.held = {**kept, **touched}
        if self.patches <= self._silent:
            raise AmbiguousOutcomeError("no answer", call=CALL)
        return Written(self.read("r"), CALL)

    def _refuse(self) -> None:
        raise WriteRefusedError("no such path", code="400", complaints={"_": "path"}, call=CALL)


def change(**values: str) -> Change:
    entries = {key[1:]: {"fieldId": key[1:], "value": value} for key, value in values.items()}
    return Change(entries, {})


@pytest.mark.parametrize(
    ("tenant", "dialect"),
    [
        (Tenant("index"), Dialect.INDEX),
        (Tenant("by_id"), Dialect.BY_ID),
        (Tenant("collection"), Dialect.COLLECTION),
        (Tenant("index", "collection", loses=True), Dialect.COLLECTION),
        (Tenant("by_id", "collection", loses=True), Dialect.COLLECTION),
        (Tenant("by_id", loses=True), Dialect.ALL_BY_ID),
        (Tenant("append", loses=True), Dialect.ALL_APPENDED),
    ],
    ids=lambda one: one.value if isinstance(one, Dialect) else "",
)
def test_the_first_patch_finds_a_dialect_that_harms_nothing(
    tenant: Tenant, dialect: Dialect
) -> None:
    settings = Forgetful()
    patcher = Patcher(tenant, settings)  # type: ignore[arg-type]
    patcher.patch(tenant.read("r"), change(f12="new"))
    assert tenant.held == {**HELD, "12": "new"}
    assert settings.setting(DIALECT) == dialect.value
    assert not settings.setting(PENDING)
    before = tenant.patches
    Patcher(tenant, settings).patch(tenant.read("r"), change(f13="newer"))  # type: ignore[arg-type]
    assert tenant.held == {**HELD, "12": "new", "13": "newer"}
    assert tenant.patches == before + 1


def test_a_value_that_lands_in_another_field_is_taken_back() -> None:
    tenant = Tenant("by_id")
    tenant.held = {"2": "two", "1": "one", "3": "three"}
    patcher = Patcher(tenant, Forgetful())  # type: ignore[arg-type]
    # The second entry is field 1, and where ids are paths, /fields/2 is the first.
    patcher.patch(tenant.read("r"), change(f3="new"))
    assert tenant.held == {"2": "two", "1": "one", "3": "new"}


def test_a_record_with_nothing_beside_the_written_field_proves_nothing() -> None:
    tenant = Tenant("index", "collection", loses=True)
    tenant.held = {"11": "one"}
    settings = Forgetful()
    patcher = Patcher(tenant, settings)  # type: ignore[arg-type]
    patcher.patch(tenant.read("r"), change(f11="new"))
    assert patcher.dialect is None
    tenant.held = dict(HELD)
    patcher.patch(tenant.read("r"), change(f11="new"))
    assert tenant.held == {**HELD, "11": "new"}


def test_what_an_unanswered_canary_lost_is_put_back_before_anybody_reads_on() -> None:
    tenant = Tenant("index", "collection", loses=True, silent=1)
    # The one that is refused for its test operation does not count as unanswered.
    tenant._silent = 2
    settings = Forgetful()
    patcher = Patcher(tenant, settings)  # type: ignore[arg-type]
    with pytest.raises(AmbiguousOutcomeError):
        patcher.patch(tenant.read("r"), change(f12="new"))
    assert set(tenant.held) == set(HELD)
    patcher.patch(tenant.read("r"), change(f12="new"))
    assert tenant.held == {**HELD, "12": "new"}


def test_a_refused_value_is_not_taken_for_a_refused_dialect() -> None:
    tenant = Tenant("index")

    def refuse(_record_id: str, _operations: Any) -> Written:
        tenant.patches += 1
        raise WriteRefusedError("too long", code="422", complaints={"12": "too long"}, call=CALL)

    tenant.patch = refuse  # type: ignore[method-assign]
    patcher = Patcher(tenant, Forgetful())  # type: ignore[arg-type]
    with pytest.raises(WriteRefusedError):
        patcher.patch(tenant.read("r"), change(f12="new"))
    assert tenant.patches == 1


def test_a_tenant_that_loses_fields_whatever_one_does_stops_the_run() -> None:
    tenant = Tenant("index", loses=True)
    real = tenant.patch

    def losing(record_id: str, operations: list[dict[str, Any]]) -> Written:
        return real(record_id, operations[:2])

    tenant.patch = losing  # type: ignore[method-assign]
    settings = Forgetful()
    patcher = Patcher(tenant, settings)  # type: ignore[arg-type]
    with pytest.raises(StopError, match="kept in the ledger"):
        patcher.patch(tenant.read("r"), change(f12="new"))
    assert settings.setting(PENDING)["id"] == "r"


def test_an_edit_between_two_ways_to_patch_is_seen_and_never_put_back_over() -> None:
    tenant = Tenant("by_id", "collection", loses=True)
    real = tenant.patch
    read = tenant.read("r")

    def edited_meanwhile(record_id: str, operations: list[dict[str, Any]]) -> Written:
        try:
            return real(record_id, operations)
        except WriteRefusedError:
            # A person, while the next way to patch is about to be tried.
            tenant.held["13"] = "of a person"
            raise

    tenant.patch = edited_meanwhile  # type: ignore[method-assign]
    settings = Forgetful()
    patcher = Patcher(tenant, settings)  # type: ignore[arg-type]
    with pytest.raises(ChangedMeanwhileError):
        patcher.patch(read, change(f12="new"))
    assert tenant.held == {**HELD, "13": "of a person"}
    assert not settings.setting(PENDING)
    patcher.patch(tenant.read("r"), change(f12="new"))
    assert tenant.held == {**HELD, "12": "new", "13": "of a person"}


def test_a_path_that_is_position_and_id_at_once_proves_neither() -> None:
    tenant = Tenant("by_id", "index")
    tenant.held = {"0": "zero", "1": "one", "2": "two"}
    settings = Forgetful()
    patcher = Patcher(tenant, settings)  # type: ignore[arg-type]
    patcher.patch(tenant.read("r"), change(f1="new"))
    assert tenant.held == {"0": "zero", "1": "new", "2": "two"}
    assert patcher.dialect is None
    assert settings.setting(DIALECT) is None

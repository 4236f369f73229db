"""Validation rules and flows of the local org that look at the write itself, and its formulas."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reverse_sf.simulator.errors import ControlError
from reverse_sf.simulator.population import salesforce_id
from reverse_sf.simulator.salesforce.refusal import ApiFault
from tests.unit.simulator_salesforce_fixtures import found, new_org

if TYPE_CHECKING:
    from reverse_sf.simulator.salesforce.org import Org

REP, ADMIN = salesforce_id("005", 0), salesforce_id("005", 10)


@pytest.fixture
def org() -> Org:
    return new_org()


def rule(org: Org, formula: str) -> None:
    org.declare(
        {"objects": {"Account": {"validation_rules": [{"formula": formula, "message": "No"}]}}}
    )


def refused(org: Org, record_id: str | None = None, user: str = REP, **values) -> bool:
    try:
        if record_id is None:
            org.create("Account", {"Name": "a", **values}, user_id=user)
        else:
            org.update("Account", record_id, values, user_id=user)
    except ApiFault as fault:
        return fault.code == "FIELD_CUSTOM_VALIDATION_EXCEPTION"
    return False


def test_a_rule_may_be_for_new_records_only(org):
    made = org.create("Account", {"Name": "a"})
    rule(org, "AND(ISNEW(), ISBLANK(Phone))")
    assert refused(org)
    assert not refused(org, Phone="1")
    assert not refused(org, made, Site="x")


def test_a_rule_may_be_about_a_change(org):
    made = org.create("Account", {"Name": "a", "Type": "Customer", "Phone": "1"})
    rule(org, 'AND(ISCHANGED(Type), ISPICKVAL(PRIORVALUE(Type), "Customer"))')
    assert not refused(org, made, Phone="2")
    assert not refused(org, made, Type="Customer")
    assert refused(org, made, Type="Prospect")
    assert found(org, "SELECT Type FROM Account")[0]["Type"] == "Customer"
    other = org.create("Account", {"Name": "b", "Type": "Prospect"})
    assert not refused(org, other, Type="Customer")
    assert not refused(org, Type="Customer")


def test_a_change_of_case_or_from_blank_is_a_change(org):
    made = org.create("Account", {"Name": "a", "Site": "north"})
    rule(org, "ISCHANGED(Site)")
    assert refused(org, made, Site="North")
    assert refused(org, made, Site=None)
    assert not refused(org, made, Site="north")
    assert not refused(org, Site="new ones have changed nothing")
    rule(org, "PRIORVALUE(NumberOfEmployees) > NumberOfEmployees")
    grown = org.create("Account", {"Name": "b", "NumberOfEmployees": 5})
    assert not refused(org, grown, NumberOfEmployees=7)
    assert refused(org, grown, NumberOfEmployees=6)


def test_a_rule_may_spare_who_writes(org):
    rule(org, 'AND(ISBLANK(Phone), NOT($Profile.Name = "System Administrator"))')
    assert refused(org, user=REP)
    assert not refused(org, user=ADMIN)
    rule(org, 'AND(ISBLANK(Phone), $User.Username <> "integration.user@example.com.demo")')
    assert refused(org, user=ADMIN)
    assert not refused(org, user=org.user_id)
    rule(org, '$UserRole.Name = "Sales Rep"')
    assert refused(org, user=REP)


def test_a_flow_starts_on_a_change(org):
    flow = {"on": "update", "when": "ISCHANGED(Rating)", "set": {"Site": "changed"}}
    org.declare({"objects": {"Account": {"flows": [flow]}}})
    made = org.create("Account", {"Name": "a", "Rating": "Hot"})
    org.update("Account", made, {"Phone": "1"})
    assert org.retrieve("Account", made, ["Site"])["Site"] is None
    org.update("Account", made, {"Rating": "Cold"})
    assert org.retrieve("Account", made, ["Site"])["Site"] == "changed"


@pytest.mark.parametrize(
    "formula",
    ["ISCHANGED(Nope)", "ISCHANGED(1)", "PRIORVALUE()", "$Nope.Name", "$User.Nope", "ISNEW(1)"],
)
def test_a_rule_that_cannot_be_read_is_refused(org, formula):
    with pytest.raises(ControlError, match="formula"):
        rule(org, formula)


def test_a_formula_field_sees_no_write(org):
    for formula in ("ISNEW()", "$User.Name"):
        field = f"string(10) formula='{formula}' | F"
        with pytest.raises(ControlError, match="is for rules"):
            org.declare({"objects": {"Account": {"fields": {"F__c": field}}}})


@pytest.mark.parametrize(
    ("formula", "holds"),
    [
        ('CASE(Rating, "Hot", 3, "Warm", 2, 1) = 2', True),
        ('REGEX(Phone, "[0-9]{3}-[0-9]{4}")', True),
        ('REGEX(Phone, "[0-9]{3}")', False),
        ("YEAR(Customer_Since__c) = 2026", True),
        ("AND(MONTH(Customer_Since__c) = 5, DAY(Customer_Since__c) = 6)", True),
        ('RIGHT(Phone, 4) & LEFT(Phone, 3) = "0199555"', True),
        ('MID(Phone, 5, 2) = "01"', True),
        ('SUBSTITUTE(Phone, "-", "") = "5550199"', True),
        ("ISNUMBER(Phone)", False),
        ('VALUE("12.5") > 12', True),
        ("MOD(NumberOfEmployees, 3) = 1", True),
        ("MAX(NumberOfEmployees, 3) = 7", True),
        ('NULLVALUE(Site, "none") = "none"', True),
    ],
)
def test_what_formulas_say(org, formula, holds):
    values = {"Rating": "Warm", "Phone": "555-0199", "NumberOfEmployees": 7}
    rule(org, formula)
    assert refused(org, **values, Customer_Since__c="2026-05-06") is holds

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reverse_sf.simulator.salesforce.refusal import ApiFault
from reverse_sf.simulator.salesforce.soql.parser import parse
from tests.unit.simulator_salesforce_fixtures import (
    found,
    names,
    new_org,
    refusal,
)

if TYPE_CHECKING:
    from reverse_sf.simulator.salesforce.org import Org


@pytest.fixture(scope="module")
def demo() -> Org:
    return new_org(empty=False, records=260)


@pytest.fixture(scope="module")
def shop() -> Org:
    org = new_org()
    make = org.create
    grand = make("Account", {"Name": "Alpha", "Industry": "Solar", "NumberOfEmployees": 5})
    make("Account", {"Name": "beta", "NumberOfEmployees": 10, "ParentId": grand})
    make("Account", {"Name": "Émile & Söhne", "Rating": "Hot", "Customer_Since__c": "2026-05-05"})
    make("Account", {"Name": "100% Sun_Power", "Product_Interest__c": "Fiber;Panels"})
    for last in ("Ada", "Bo", "Cy"):
        make("Contact", {"LastName": last, "AccountId": grand})
    make("Contact", {"LastName": "Lone"})
    return org


ACCOUNT_FILTERS = {
    "Name = 'ALPHA'": ["Alpha"],
    "Name = 'émile & SÖHNE'": ["Émile & Söhne"],
    "Name LIKE '%é%'": ["Émile & Söhne"],
    "Name LIKE 'A____'": ["Alpha"],
    r"Name LIKE '%\%%'": ["100% Sun_Power"],
    r"Name LIKE '%\_%'": ["100% Sun_Power"],
    "Industry = null": ["beta", "Émile & Söhne", "100% Sun_Power"],
    "Industry = ''": ["beta", "Émile & Söhne", "100% Sun_Power"],
    "Industry != 'Solar'": ["beta", "Émile & Söhne", "100% Sun_Power"],
    "NOT Industry = 'solar'": ["beta", "Émile & Söhne", "100% Sun_Power"],
    "Industry NOT IN ('Solar')": ["beta", "Émile & Söhne", "100% Sun_Power"],
    "Industry IN ('Solar', null) AND NumberOfEmployees > 4": ["Alpha", "beta"],
    "NumberOfEmployees >= 5 AND NumberOfEmployees < 10": ["Alpha"],
    "NumberOfEmployees IN (10, 5)": ["Alpha", "beta"],
    "Parent.Name = 'Alpha'": ["beta"],
    "Parent.Industry = null": ["Alpha", "Émile & Söhne", "100% Sun_Power"],
    "Product_Interest__c INCLUDES ('Panels')": ["100% Sun_Power"],
    "Product_Interest__c INCLUDES ('Panels;Alarms', 'Fiber')": ["100% Sun_Power"],
    "Product_Interest__c INCLUDES ('Panels;Alarms')": [],
    "Product_Interest__c = 'Fiber;Panels'": ["100% Sun_Power"],
    "Product_Interest__c EXCLUDES ('Fiber')": ["Alpha", "beta", "Émile & Söhne"],
    "Customer_Since__c = YESTERDAY": ["Émile & Söhne"],
    "Customer_Since__c = LAST_N_DAYS:1": ["Émile & Söhne"],
    "Customer_Since__c < 2026-05-05": [],
    "Customer_Since__c = THIS_WEEK": ["Émile & Söhne"],
    "CreatedDate = TODAY AND Rating = 'hot'": ["Émile & Söhne"],
    "SystemModstamp >= 2026-05-06T13:56:44+02:00 AND Rating = 'Hot'": ["Émile & Söhne"],
    "SystemModstamp > 2026-05-06T11:56:44.000Z": [],
    "Id IN (SELECT AccountId FROM Contact WHERE LastName = 'Ada')": ["Alpha"],
    "Id NOT IN (SELECT AccountId FROM Contact)": ["beta", "Émile & Söhne", "100% Sun_Power"],
    "CALENDAR_YEAR(CreatedDate) = 2026 AND Name = 'beta'": ["beta"],
    "Owner.Email = 'INTEGRATION.user@example.com' AND Name = 'beta'": ["beta"],
    "Owner.Profile.Name = 'API Only' AND (Name = 'beta' OR Name = 'alpha')": ["Alpha", "beta"],
}


@pytest.mark.parametrize("where", ACCOUNT_FILTERS)
def test_a_filter_gives_the_rows_it_means(shop, where):
    assert sorted(names(shop, f"SELECT Name FROM Account WHERE {where}")) == sorted(
        ACCOUNT_FILTERS[where]
    )


def test_fifteen_characters_of_an_id_are_enough_in_a_filter(shop):
    row = found(shop, "SELECT Id FROM Account WHERE Name = 'Alpha'")[0]
    assert names(shop, f"SELECT Name FROM Account WHERE Id = '{row['Id'][:15]}'") == ["Alpha"]


def test_nulls_come_first_unless_said_otherwise(shop):
    soql = "SELECT Name, NumberOfEmployees FROM Account ORDER BY NumberOfEmployees DESC"
    assert [row["NumberOfEmployees"] for row in found(shop, soql)] == [None, None, 10, 5]
    last = [row["NumberOfEmployees"] for row in found(shop, f"{soql} NULLS LAST")]
    assert last == [10, 5, None, None]


def test_children_come_as_a_result_inside_each_parent(shop):
    soql = (
        "SELECT Name, (SELECT LastName, Account.Name FROM Contacts "
        "WHERE LastName != 'Bo' ORDER BY LastName DESC LIMIT 2) FROM Account ORDER BY Name"
    )
    rows = {row["Name"]: row["Contacts"] for row in found(shop, soql)}
    assert rows["beta"] is None
    assert rows["Alpha"]["totalSize"] == 2
    assert rows["Alpha"]["done"] is True
    assert [row["LastName"] for row in rows["Alpha"]["records"]] == ["Cy", "Ada"]
    assert rows["Alpha"]["records"][0]["Account"]["Name"] == "Alpha"


def test_each_parent_has_its_own_limit_and_offset(shop):
    soql = "SELECT (SELECT LastName FROM Contacts ORDER BY LastName LIMIT 1 OFFSET 1) FROM Account"
    children = [row["Contacts"] for row in found(shop, soql) if row["Contacts"]]
    assert [[row["LastName"] for row in one["records"]] for one in children] == [["Bo"]]


def test_an_empty_lookup_is_null_and_a_full_one_is_a_record(shop):
    rows = found(shop, "SELECT LastName, Account.Owner.Email FROM Contact ORDER BY LastName")
    assert rows[-1]["Account"] is None
    assert rows[0]["Account"]["attributes"]["type"] == "Account"
    assert rows[0]["Account"]["Owner"]["Email"] == "integration.user@example.com"


def test_a_record_begins_with_its_attributes(shop):
    row = found(shop, "SELECT Id FROM Account LIMIT 1", version="61.0")[0]
    assert next(iter(row)) == "attributes"
    assert row["attributes"] == {
        "type": "Account",
        "url": f"/services/data/v61.0/sobjects/Account/{row['Id']}",
    }


def test_counting_answers_with_a_number_and_no_records(shop):
    result = shop.query("SELECT COUNT() FROM Contact")
    assert result.total_size == 4
    assert list(result.rows) == []


def test_groups_are_named_by_alias_or_number(shop):
    soql = (
        "SELECT Account.Name company, COUNT(Id), MAX(LastName) latest FROM Contact "
        "GROUP BY Account.Name HAVING COUNT(Id) > 1 ORDER BY COUNT(Id) DESC"
    )
    expected = {"attributes": {"type": "AggregateResult"}}
    assert found(shop, soql) == [expected | {"company": "Alpha", "expr0": 3, "latest": "Cy"}]


def test_limit_and_offset_cut_the_ordered_rows(shop):
    every = names(shop, "SELECT Name FROM Account ORDER BY Name")
    assert names(shop, "SELECT Name FROM Account ORDER BY Name LIMIT 2 OFFSET 1") == every[1:3]


def test_all_fields_need_a_limit_of_two_hundred(shop):
    assert refusal(shop, "SELECT FIELDS(ALL) FROM Account").code == "MALFORMED_QUERY"
    assert refusal(shop, "SELECT FIELDS(CUSTOM) FROM Account LIMIT 201").code == "MALFORMED_QUERY"
    row = found(shop, "SELECT FIELDS(ALL) FROM Account LIMIT 1")[0]
    described = {field["name"] for field in shop.describe("Account")["fields"]}
    assert set(row) == described | {"attributes"}
    custom = found(shop, "SELECT FIELDS(CUSTOM) FROM Account LIMIT 1")[0]
    assert {name for name in custom if name != "attributes"} == {
        name for name in described if name.endswith("__c")
    }


def test_a_polymorphic_parent_shows_as_name_with_its_own_address(demo):
    row = found(demo, "SELECT What.Name, What.Type FROM Task WHERE WhatId != null LIMIT 1")[0]
    assert row["What"]["attributes"]["type"] == "Name"
    assert "/sobjects/Account/001" in row["What"]["attributes"]["url"]
    assert row["What"]["Type"] == "Account"


def test_an_alias_or_the_object_name_may_precede_a_field(shop):
    soql = "SELECT a.Name, Account.Id FROM Account a WHERE a.Name = 'beta'"
    assert names(shop, soql) == ["beta"]


REFUSED = {
    "SELECT Nme FROM Account": ("INVALID_FIELD", "No such column 'Nme' on entity 'Account'"),
    "SELECT Id FROM Accounts": ("INVALID_TYPE", "sObject type 'Accounts' is not supported"),
    "SELECT Id FROM Account WHERE Boss.Name = 'x'": (
        "INVALID_FIELD",
        "Didn't understand relationship 'Boss' in field path",
    ),
    "SELECT Id, (SELECT Id FROM Children) FROM Account": (
        "INVALID_TYPE",
        "Didn't understand relationship 'Children' in FROM part of query call",
    ),
    "SELECT Id FROM Account WHERE": ("MALFORMED_QUERY", "unexpected token: '<EOF>'"),
    "SELECT FROM Account": ("MALFORMED_QUERY", "unexpected token"),
    "SELECT Id FROM Account WHERE Name = 'open": ("MALFORMED_QUERY", "unexpected token"),
    "SELECT Id FROM Account ALL ROWS": ("MALFORMED_QUERY", "ALL ROWS not allowed"),
    "SELECT Id FROM Account WHERE Name = 'a' AND Name = 'b' OR Name = 'c'": (
        "MALFORMED_QUERY",
        "unexpected token: 'OR'",
    ),
    "SELECT Id FROM Account WHERE Description = 'x'": (
        "INVALID_FIELD",
        "field 'Description' can not be filtered in a query call",
    ),
    "SELECT Id FROM Account ORDER BY Description": (
        "INVALID_FIELD",
        "field 'Description' can not be sorted in a query call",
    ),
    "SELECT Id FROM Account WHERE CreatedDate > '2026-01-01'": (
        "INVALID_FIELD",
        "must be of type dateTime and should not be enclosed in quotes",
    ),
    "SELECT Id FROM Account WHERE CreatedDate > 2026-01-01": (
        "INVALID_FIELD",
        "must be of type dateTime",
    ),
    "SELECT Id FROM Account WHERE NumberOfEmployees = '5'": (
        "INVALID_FIELD",
        "should not be enclosed in quotes",
    ),
    "SELECT Id FROM Account WHERE Name = 5": ("INVALID_FIELD", "should be enclosed in quotes"),
    "SELECT Id FROM Account WHERE Id = 'abc'": (
        "INVALID_QUERY_FILTER_OPERATOR",
        "invalid ID field: abc",
    ),
    "SELECT Id FROM Account WHERE Id LIKE '001%'": ("INVALID_QUERY_FILTER_OPERATOR", "invalid"),
    "SELECT Id FROM Account WHERE Name INCLUDES ('a')": (
        "INVALID_QUERY_FILTER_OPERATOR",
        "invalid",
    ),
    "SELECT Id FROM Account WHERE NumberOfEmployees > null": ("MALFORMED_QUERY", "null"),
    "SELECT Id FROM Account OFFSET 2001": (
        "NUMBER_OUTSIDE_VALID_RANGE",
        "Maximum SOQL offset allowed is 2000",
    ),
    "SELECT Name, COUNT(Id) FROM Account": (
        "MALFORMED_QUERY",
        "Field must be grouped or aggregated: Name",
    ),
    "SELECT Id, Id FROM Account": ("INVALID_FIELD", "duplicate field selected: Id"),
    "SELECT Id FROM Account WITH SECURITY_ENFORCED": ("MALFORMED_QUERY", "WITH"),
    "SELECT TYPEOF What WHEN Account THEN Name END FROM Task": ("MALFORMED_QUERY", "TYPEOF"),
    "SELECT Id FROM Account WHERE DISTANCE(BillingAddress, 1) < 5": (
        "MALFORMED_QUERY",
        "DISTANCE",
    ),
    "SELECT Id FROM Account WHERE Product_Interest__c > 'a'": (
        "INVALID_QUERY_FILTER_OPERATOR",
        "invalid",
    ),
    "SELECT Id FROM Account FOR UPDATE": ("MALFORMED_QUERY", "UPDATE"),
    "SELECT Id FROM Account USING SCOPE team": ("MALFORMED_QUERY", "team"),
    "SELECT Id FROM Account GROUP BY ROLLUP(Type)": ("MALFORMED_QUERY", "ROLLUP"),
}


@pytest.mark.parametrize("soql", REFUSED)
def test_what_is_not_understood_is_refused_in_salesforce_words(shop, soql):
    code, words = REFUSED[soql]
    fault = refusal(shop, soql)
    assert fault.code == code
    assert words in fault.message
    assert fault.status == 400


def test_an_unknown_column_is_pointed_at_by_row_and_column(shop):
    message = refusal(shop, "SELECT Foo FROM Account").message
    assert message.startswith(
        "\nSELECT Foo FROM Account\n       ^\nERROR at Row:1:Column:8\nNo such column 'Foo'"
    )


@pytest.mark.parametrize(
    "soql",
    [
        "select id from account where name like 'x%' and (not type = 'y')",
        "SELECT Id FROM Contact WHERE Account.Owner.Manager.Name = 'x'",
        "SELECT COUNT_DISTINCT(AccountId) n FROM Contact",
        "SELECT Id FROM Lead WHERE Owner.Type = 'User' FOR VIEW",
        "SELECT c.Id FROM Contact c, c.Account a WHERE a.Name = 'x'",
        "SELECT toLabel(Status) FROM Lead",
        "SELECT Id FROM Account USING SCOPE mine",
        "SELECT Name FROM Account WHERE Name = 'it\\'s \\\\ \\n'",
        "SELECT Id FROM Account WHERE CreatedDate = N_FISCAL_QUARTERS_AGO:2",
    ],
)
def test_what_clients_send_is_accepted(shop, soql):
    shop.query(soql)


def test_bulk_gives_the_same_values_as_text(shop):
    soql = (
        "SELECT Name, NumberOfEmployees, IsDeleted, SystemModstamp, Owner.Email FROM Account "
        "WHERE Name = 'Alpha'"
    )
    header, rows = shop.query_rows(soql)
    assert header == ["Name", "NumberOfEmployees", "IsDeleted", "SystemModstamp", "Owner.Email"]
    expected = ("Alpha", "5", "false", "2026-05-06T11:56:44.000Z", "integration.user@example.com")
    assert list(rows) == [expected]


@pytest.mark.parametrize(
    "soql",
    [
        "SELECT BillingAddress FROM Account",
        "SELECT Id, (SELECT Id FROM Contacts) FROM Account",
        "SELECT COUNT() FROM Account",
        "SELECT Type, COUNT(Id) FROM Account GROUP BY Type",
        "SELECT Id FROM Account LIMIT 5 OFFSET 5",
    ],
)
def test_bulk_refuses_what_it_cannot_put_into_a_table(shop, soql):
    with pytest.raises(ApiFault):
        shop.query_rows(soql)


def test_a_row_changed_between_two_pages_shows_its_new_value():
    org = new_org()
    ids = [org.create("Account", {"Name": f"n{i:04d}"}) for i in range(600)]
    rows = org.query("SELECT Name FROM Account ORDER BY Name").rows
    first = next(rows)
    org.update("Account", ids[599], {"Name": "changed"})
    listed = [first["Name"], *(row["Name"] for row in rows)]
    assert len(listed) == 600
    assert listed[-1] == "changed"


def test_deep_nesting_is_refused_and_does_not_break_the_server(shop):
    deep = "(" * 400 + "Name = 'x'" + ")" * 400
    assert refusal(shop, f"SELECT Id FROM Account WHERE {deep}").code == "MALFORMED_QUERY"
    nots = "NOT " * 3000 + "Name = 'x'"
    assert refusal(shop, f"SELECT Id FROM Account WHERE {nots}").code == "MALFORMED_QUERY"


def test_a_parsed_statement_keeps_every_condition():
    query = parse("SELECT Id FROM Account WHERE A = 1 AND B = 2 AND (C = 3 OR D = 4)")
    assert query.where is not None
    assert len(query.where.conditions) == 3


def test_a_filter_of_a_thousand_alternatives_is_answered(shop):
    long = " OR ".join(f"Name = 'n{i}'" for i in range(3000))
    assert names(shop, f"SELECT Name FROM Account WHERE {long} OR Name = 'beta'") == ["beta"]

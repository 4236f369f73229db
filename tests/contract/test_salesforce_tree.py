"""Trees of records, made by one call or not at all."""

from __future__ import annotations

from tests.contract.salesforce_server_fixtures import BASE, api, org, servers, soql, web

__all__ = ["api", "org", "servers", "web"]


def record(kind, reference, **values):
    return {"attributes": {"type": kind, "referenceId": reference}, **values}


def tree(*contacts):
    top = record("Account", "top", Name="Tree Ltd", Contacts={"records": list(contacts)})
    return {"records": [top]}


def test_a_tree_is_made_with_its_children(api, org):
    body = tree(record("Contact", "a", LastName="A"), record("Contact", "b", LastName="B"))
    answer = api.post(f"{BASE}/composite/tree/Account", json=body)
    assert answer.status_code == 201
    made = {one["referenceId"]: one["id"] for one in answer.json()["results"]}
    assert (answer.json()["hasErrors"], set(made)) == (False, {"top", "a", "b"})
    below = soql(api, f"SELECT LastName FROM Contact WHERE AccountId = '{made['top']}'")
    assert {row["LastName"] for row in below} == {"A", "B"}


def test_one_refused_record_leaves_nothing_of_the_tree(api, org):
    body = tree(record("Contact", "a", LastName="A"), record("Contact", "b"))
    answer = api.post(f"{BASE}/composite/tree/Account", json=body)
    assert answer.status_code == 400
    assert answer.json()["hasErrors"] is True
    assert [one["referenceId"] for one in answer.json()["results"]] == ["b"]
    assert answer.json()["results"][0]["errors"][0]["statusCode"] == "REQUIRED_FIELD_MISSING"
    assert soql(api, "SELECT Id FROM Account WHERE Name = 'Tree Ltd'") == []

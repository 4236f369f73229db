"""auto-map: what it proposes, how it gets into sync.yml, and that it always passes the check."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from difflib import unified_diff
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from reverse_sf.cli.main import cli
from reverse_sf.errors import UsageError
from reverse_sf.mapping.automap import propose
from reverse_sf.mapping.automap_choices import proposed_choices
from reverse_sf.mapping.automap_yaml import proposal_text, with_proposal
from reverse_sf.mapping.check import check
from reverse_sf.mapping.describe import (
    PicklistValue,
    SalesforceField,
    SalesforceObject,
    SalesforceOrg,
)
from reverse_sf.mapping.document import parse
from reverse_sf.mapping.likeness import likeness
from reverse_sf.mapping.problem import Severity
from reverse_sf.mapping.workflow import SpotioField, SpotioType, Workflow
from reverse_sf.simulator.local import running
from tests.unit.test_mapping_proof import LEAD, LEADS, WRITABLE

SYNC_FILE = Path(__file__).resolve().parents[2] / "sync.yml"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Birthday", "Birthdate"),
        ("Employees", "NumberOfEmployees"),
        ("Customer Since", "Customer_Since__c"),
        ("Mobile", "MobilePhone"),
        ("Job Title", "Title"),
        ("Notes", "Description"),
        ("Since Customer", "Customer Since"),
    ],
)
def test_names_that_mean_one_thing_are_alike(one, other):
    assert likeness(one, other) >= 0.78


@pytest.mark.parametrize(
    ("one", "other"),
    [("Phone", "Fax"), ("Email", "Website"), ("Close Date", "CreatedDate"), ("City", "Country")],
)
def test_names_that_mean_two_things_are_not(one, other):
    assert likeness(one, other) < 0.78


def test_choices_meet_by_name_by_beginning_and_never_with_their_opposite():
    options = ("Hot", "telecom", "Qualified", "Lukewarm", "A;B", "Golf")
    values = ("Hot", "Telecommunications", "Not Qualified", "Warm", "A;B", "Wolf Pack")
    assert proposed_choices(options, values) == {
        "Hot": "Hot",
        "telecom": "Telecommunications",
        "Lukewarm": "Warm",
    }


def workflow(*types: SpotioType) -> Workflow:
    return Workflow(types or (LEADS,))


def proposed(record_type=LEADS, sobject=LEAD, definition=None):
    return propose(record_type, sobject, workflow(record_type), definition)


def test_a_system_role_decides_whatever_the_label_says():
    renamed = SpotioField("1", "Nachname", "Text", role="Name", system_role="LastName")
    decoy = SalesforceField("Nachname__c", **WRITABLE)
    sobject = replace(LEAD, fields={**LEAD.fields, "Nachname__c": decoy})
    (one,) = proposed(replace(LEADS, fields=(renamed,)), sobject).fields
    assert (one.spotio, one.salesforce, one.because) == ("Nachname", "LastName", "role LastName")


def test_what_cannot_be_written_is_ruled_by_salesforce():
    formula = SalesforceField("Free_Text__c", "string", calculated=True)
    sobject = replace(LEAD, fields={**LEAD.fields, "Free_Text__c": formula})
    (one,) = [it for it in proposed(sobject=sobject).fields if it.spotio == "Free Text"]
    assert (one.rule.value, one.omit_on_create) == ("salesforce_only", True)


def test_a_label_that_two_fields_have_is_named_by_id():
    twins = (SpotioField("7", "Notes", "MultiLine"), SpotioField("8", "Notes", "MultiLine"))
    (one,) = proposed(replace(LEADS, fields=twins)).fields
    assert one.spotio == "id:7"


def test_only_what_is_not_mapped_is_proposed_and_the_rest_of_the_file_stays():
    text = """\
version: 1
objects:
  # people to win
  - spotio: Leads
    salesforce: Lead
    to_spotio: {enabled: true}
    fields:
      - {spotio: Last Name, salesforce: LastName, rule: two_way}   # as people say it
      - spotio: Country
        salesforce: Country__c
        rule: two_way
        choices:
          US: US
          DE: DE   # only these

  # ---- deals
  - spotio: Deals
    salesforce: Opportunity
    fields: [{spotio: Name, salesforce: Name, rule: two_way}]
"""
    proposal = proposed(definition=parse(text))
    assert [one.spotio for one in proposal.fields] == ["Notes", "State", "Interests"]
    new = with_proposal(text, proposal)
    changed = [
        line
        for line in unified_diff(text.splitlines(), new.splitlines(), lineterm="", n=0)
        if line[0] in "+-" and line[:3] not in {"+++", "---"}
    ]
    assert not [line for line in changed if line.startswith("-")]
    assert "DE: DE   # only these\n      - {spotio: Notes" in new
    assert new.index("Interests__c") < new.index("\n\n  # ---- deals\n  - spotio: Deals")
    again = proposed(definition=parse(new))
    assert again.fields == ()
    assert proposal_text(again) == ""


def test_the_demo_file_is_laid_out_again_letter_by_letter():
    text = SYNC_FILE.read_text(encoding="utf-8")
    without = re.sub(r"      - \{spotio: Job Title.*\n", "", text)
    sobject = SalesforceObject("Contact", {"Title": SalesforceField("Title", **WRITABLE)})
    contacts = SpotioType("2", "Contacts", (SpotioField("1", "Job Title", "Text"),))
    new = with_proposal(without, proposed(contacts, sobject, parse(without)))
    added = "      - {spotio: Job Title, salesforce: Title, rule: two_way}\n"
    assert new.count(added) == 1
    assert new.replace(added, "") == without


LABELS = ("Status", "Notes", "Rating", "Interests")
CHOICES = ("Hot", "Warm", "Cold", "A;B", "Not Hot", "hot")


@st.composite
def sides(draw):
    """Two objects with much in common, and much that does not fit."""
    booleans = st.booleans()
    spotio = tuple(
        SpotioField(
            str(at),
            draw(st.sampled_from(LABELS)),
            draw(st.sampled_from(("Text", "SingleChoice", "MultiChoice", "Number", "Date"))),
            role="Name" if at == 0 else None,
            options=tuple(draw(st.lists(st.sampled_from(CHOICES), unique=True))),
            required=draw(booleans),
            read_only=draw(booleans) and draw(booleans),
        )
        for at in range(draw(st.integers(min_value=1, max_value=6)))
    )
    salesforce = {}
    for at in range(draw(st.integers(min_value=1, max_value=6))):
        label = draw(st.sampled_from(LABELS))
        name = f"{label.replace(' ', '')}{at or ''}__c"
        salesforce[name] = SalesforceField(
            name,
            draw(st.sampled_from(("string", "picklist", "multipicklist", "double", "address"))),
            label=label,
            length=draw(st.sampled_from([0, 3, 80])),
            nillable=draw(booleans),
            createable=draw(booleans),
            updateable=draw(booleans),
            calculated=draw(booleans) and draw(booleans),
            restricted=draw(booleans),
            picklist=tuple(
                map(PicklistValue, draw(st.lists(st.sampled_from(CHOICES), unique=True)))
            ),
        )
    return SpotioType("1", "Things", spotio), SalesforceObject("Thing__c", salesforce)


@given(sides())
@settings(max_examples=40, deadline=None)
def test_whatever_is_proposed_passes_the_check_in_the_directions_that_are_on(pair):
    from reverse_sf.cli.auto_map import sound  # noqa: PLC0415

    record_type, sobject = pair
    org, types = SalesforceOrg({"Thing__c": sobject}, ("Thing__c",)), workflow(record_type)
    proposal = propose(record_type, sobject, types)
    if not proposal.fields:
        return
    directions, _ = sound(None, proposal, org, types)
    definition = parse(with_proposal(None, proposal, **directions))
    found = check(definition, org, types)
    assert not [one for one in found if one.severity is Severity.ERROR]
    assert not [one for one in found if "takes away" in one.message]


@pytest.fixture(scope="module")
def servers():
    with running(records=1) as started:
        yield started


@pytest.fixture
def invoke(servers, monkeypatch):
    for name, value in servers.environment().items():
        monkeypatch.setenv(name, value)

    def run(*words: str):
        return CliRunner().invoke(cli, list(words))

    return run


def test_the_demo_is_mapped_from_nothing_as_a_person_did_it(invoke, tmp_path):
    file = tmp_path / "sync.yml"
    for name in ("Account", "contacts", "Lead", "Opportunities"):
        ran = invoke("auto-map", name, "--write", "--sync-file", str(file))
        assert ran.exit_code == 0, ran.output
    by_hand = {
        (one.name, it.spotio, it.salesforce)
        for one in parse(SYNC_FILE.read_bytes()).objects
        for it in one.fields
    }
    made = parse(file.read_bytes())
    found = {(one.name, it.spotio, it.salesforce) for one in made.objects for it in one.fields}
    assert not found - by_hand
    assert {one[1] for one in by_hand - found} == {"Stage"}
    assert [one.parent.salesforce for one in made.objects if one.parent] == ["AccountId"] * 2
    checked = invoke("check", "--json", "--sync-file", str(file))
    assert checked.exit_code == 0
    assert all(one["safe"] for one in json.loads(checked.stdout)["proofs"])


def test_json_says_what_is_open_and_proposes_the_direction_as_off(invoke, tmp_path):
    file = tmp_path / "sync.yml"
    ran = invoke("auto-map", "Lead", "--with", "Contacts", "--json", "--sync-file", str(file))
    answer = json.loads(ran.stdout)
    assert (answer["to_spotio"], answer["to_salesforce"]) == (True, False)
    assert any("Salesforce requires Company" in one["message"] for one in answer["open"])
    assert "to_salesforce: {enabled: false}" in answer["yaml"]
    assert not file.exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["Leeds"], "did you mean Leads?"),
        (["User"], "name the other object with --with"),
        (["Lead", "--with", "Nothing"], "neither system has an object Nothing"),
    ],
)
def test_an_object_that_is_not_there_is_refused(invoke, tmp_path, words, message):
    ran = invoke("auto-map", *words, "--sync-file", str(tmp_path / "sync.yml"))
    assert isinstance(ran.exception, UsageError)
    assert message in str(ran.exception)

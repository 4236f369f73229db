"""The findings of the prover, and the snapshot of both schemas."""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import replace

import pytest
from click.testing import CliRunner

from reverse_sf.cli import check as check_module
from reverse_sf.cli.main import cli
from reverse_sf.errors import ConfigurationError, UsageError
from reverse_sf.mapping.check import check, proofs_of
from reverse_sf.mapping.describe import (
    PicklistValue,
    SalesforceField,
    SalesforceObject,
    SalesforceOrg,
)
from reverse_sf.mapping.document import parse
from reverse_sf.mapping.known_users import Users
from reverse_sf.mapping.problem import Severity
from reverse_sf.mapping.snapshot import Snapshot, drift, read_snapshot, snapshot_text
from reverse_sf.mapping.workflow import SpotioField, SpotioType, Stage, Workflow

WRITABLE = {"createable": True, "updateable": True, "nillable": True}
HEAD = """\
version: 1
objects:
  - spotio: Leads
    salesforce: Lead
    to_spotio: {enabled: true}
    to_salesforce: {enabled: true}
    salesforce_external_id: SPOTIO_Id__c
    owner: {spotio_default: a@example.com}
    fields:
"""
NAME = "      - {spotio: Last Name, salesforce: LastName, rule: two_way}\n"


def valid_for(*offered: int) -> str:
    """Salesforce's bitmap: the first value is the highest bit of the first byte."""
    bits = sum(0x80 >> at for at in offered)
    return b64encode(bytes([bits])).decode()


LEAD = SalesforceObject(
    "Lead",
    {
        one.name: one
        for one in (
            SalesforceField("LastName", length=80, createable=True, updateable=True),
            SalesforceField("OwnerId", "reference", **WRITABLE),
            SalesforceField("SPOTIO_Id__c", length=24, external_id=True, unique=True, **WRITABLE),
            SalesforceField("Notes__c", "textarea", length=10, **WRITABLE),
            SalesforceField("Short__c", length=5, **WRITABLE),
            SalesforceField("Count__c", "double", precision=4, scale=0, **WRITABLE),
            SalesforceField(
                "Country__c",
                "picklist",
                picklist=(PicklistValue("US"), PicklistValue("DE")),
                restricted=True,
                **WRITABLE,
            ),
            SalesforceField(
                "State__c",
                "picklist",
                picklist=(
                    PicklistValue("Utah", valid_for=valid_for(0)),
                    PicklistValue("Bayern", valid_for=valid_for(1)),
                ),
                restricted=True,
                controller="Country__c",
                **WRITABLE,
            ),
            SalesforceField(
                "Interests__c",
                "multipicklist",
                picklist=tuple(map(PicklistValue, ("Roof", "Solar", "A;B"))),
                **WRITABLE,
            ),
        )
    },
)
LEADS = SpotioType(
    "1",
    "Leads",
    (
        SpotioField("1", "Last Name", "Text", role="Name", required=True),
        SpotioField("2", "Notes", "MultiLine"),
        SpotioField("3", "Country", "SingleChoice", options=("US", "DE")),
        SpotioField("4", "State", "SingleChoice", options=("Utah", "Bayern")),
        SpotioField("5", "Interests", "MultiChoice", options=("Roof", "Solar", "Gold", "A;B")),
        SpotioField("6", "Free Text", "Text"),
    ),
    (Stage("1", "New", "active"),),
)
ORG = SalesforceOrg({"Lead": LEAD}, ("Lead",))
WORKFLOW = Workflow((LEADS,))


def found(*fields: str, head: str = HEAD, org=ORG, workflow=WORKFLOW):
    text = head + NAME + "".join(f"      - {{{one}}}\n" for one in fields)
    return check(parse(text), org, workflow)


def about(words: str, problems):
    return [one for one in problems if words in f"{one.message} {one.remedy}"]


def test_a_cut_text_that_comes_back_is_warned_of_with_the_story():
    said = "spotio: Notes, salesforce: Notes__c, truncate: true, rule: {}"
    (one,) = about("only the first 10 characters", found(said.format("two_way")))
    assert one.severity is Severity.WARNING
    assert not about("only the first", found(said.format("spotio_only")))
    assert not about("only the first", found("spotio: Notes, salesforce: Notes__c, rule: two_way"))


def test_a_hidden_member_of_a_set_is_warned_of_with_the_story():
    choices = "choices: {Roof: Roof, Solar: Solar, Gold: do_not_sync, 'A;B': do_not_sync}"
    said = f"spotio: Interests, salesforce: Interests__c, rule: two_way, {choices}"
    (one,) = about("Gold is gone", found(said))
    assert one.severity is Severity.WARNING
    assert (
        "Gold + Roof -> Roof, edited to Roof + Solar -> Roof + Solar; Gold is gone" in one.message
    )


def test_a_choice_with_a_semicolon_cannot_be_a_member_of_a_set():
    (one,) = about("semicolon", found("spotio: Interests, salesforce: Interests__c, rule: two_way"))
    assert one.severity is Severity.ERROR
    assert "'A' and 'B'" in one.message


def test_a_choice_that_is_longer_than_the_field_is_named():
    (one,) = about("'Bayern'", found("spotio: State, salesforce: Short__c, rule: two_way"))
    assert one.severity is Severity.WARNING
    assert "6 characters" in one.message


def test_types_that_do_not_align_are_warned_of_with_a_value_that_does_not_come_back():
    (one,) = about(
        "Harbor Tile -> nothing", found("spotio: Free Text, salesforce: Count__c, rule: two_way")
    )
    assert one.severity is Severity.WARNING


def test_a_dependent_picklist_names_a_pair_that_salesforce_does_not_offer():
    country = "spotio: Country, salesforce: Country__c, rule: two_way"
    state = "spotio: State, salesforce: State__c, rule: two_way"
    (one,) = about("does not go with", found(country, state))
    assert one.severity is Severity.WARNING
    assert "'US' and 'Bayern'" in one.message
    (alone,) = about("depend on Country__c", found(state))
    assert alone.severity is Severity.NOTE
    ruled = f"{state.replace('two_way', 'salesforce_only')}, on_create: omit"
    assert not about("go with", found(country, ruled))


def test_a_rule_that_waits_for_a_direction_that_is_off_is_warned_of():
    one_way = HEAD.replace("to_spotio: {enabled: true}", "to_spotio: {enabled: false}")
    said = "spotio: Notes, salesforce: Notes__c, rule: {}"
    (one,) = about("never changes", found(said.format("salesforce_only"), head=one_way))
    assert one.path == "objects[0].fields[1].rule"
    assert not about("never changes", found(said.format("two_way"), head=one_way))
    assert not about("never changes", found(said.format("salesforce_only")))


def test_what_salesforce_requires_and_spotio_may_leave_blank_is_noted():
    (required, *_) = LEADS.fields
    optional = replace(LEADS, fields=(replace(required, required=False), *LEADS.fields[1:]))
    (one,) = about("lets 'Last Name' be blank", found(workflow=Workflow((optional,))))
    assert one.severity is Severity.NOTE
    assert not about("be blank", found())


def test_a_circle_of_parents_is_found_through_any_mapping_of_a_type():
    text = """\
version: 1
objects:
  - {spotio: A, salesforce: A__c, fields: [], parent: {salesforce: X__c, spotio: B}}
  - {spotio: B, salesforce: B__c, fields: [], parent: {salesforce: X__c, spotio: A}}
  - {spotio: B, salesforce: D__c, fields: [], parent: {salesforce: X__c, spotio: C}}
  - {spotio: C, salesforce: C__c, fields: []}
"""
    with pytest.raises(ConfigurationError) as refused:
        parse(text)
    assert any("A > B > A" in one for one in refused.value.problems)


def test_a_proof_tells_total_one_to_one_and_there_and_back_with_examples():
    choices = "choices: {US: Germany, DE: Germany}"
    text = HEAD + f"      - {{spotio: Country, salesforce: Country__c, rule: two_way, {choices}}}\n"
    offered = (PicklistValue("Germany"), PicklistValue("France"))
    fields = {**LEAD.fields, "Country__c": replace(LEAD.fields["Country__c"], picklist=offered)}
    org = SalesforceOrg({"Lead": replace(LEAD, fields=fields)})
    (proof,) = proofs_of(parse(text), org, WORKFLOW)
    assert (proof.to_salesforce.total, proof.to_salesforce.one_to_one) == (True, False)
    assert proof.to_salesforce.shared == "US and DE -> Germany"
    assert proof.to_salesforce.changed == "DE -> Germany -> US"
    assert (proof.to_spotio.total, proof.to_spotio.undefined) == (False, "France")
    assert proof.exhaustive
    assert proof.safe


@pytest.mark.parametrize(("scale", "example"), [(0, "12.5 -> 13"), (2, "0.12345 -> 0.12")])
def test_a_proof_tells_where_decimals_are_rounded_and_what_is_too_large(scale, example):
    text = HEAD + "      - {spotio: Amount, salesforce: Amount__c, rule: two_way}\n"
    amount = SalesforceField("Amount__c", "double", precision=6, scale=scale, **WRITABLE)
    org = SalesforceOrg({"Lead": replace(LEAD, fields={**LEAD.fields, "Amount__c": amount})})
    leads = replace(LEADS, fields=(*LEADS.fields, SpotioField("9", "Amount", "Number")))
    (proof,) = proofs_of(parse(text), org, Workflow((leads,)))
    assert (proof.to_salesforce.round_trip, proof.to_salesforce.changed) == (False, example)
    assert proof.to_salesforce.undefined == str(10 ** (6 - scale))
    assert proof.to_spotio.round_trip
    assert proof.safe


@pytest.mark.parametrize(
    ("rule", "facts", "words"),
    [
        ("two_way", {"createable": True}, "Notes__c cannot be updated"),
        ("two_way", {"updateable": True}, "Notes__c cannot be set when"),
        ("salesforce_only", {"createable": True}, None),
        ("do_not_sync", {}, None),
    ],
)
def test_a_part_of_an_address_that_the_user_may_not_write_is_found(rule, facts, words):
    notes = SalesforceField("Notes__c", length=80, nillable=True, **facts)
    org = SalesforceOrg({"Lead": replace(LEAD, fields={**LEAD.fields, "Notes__c": notes})})
    addressed = replace(LEADS, has_address=True)
    text = HEAD + NAME + f"    address: {{street: Notes__c, rule: {rule}}}\n"
    errors = [
        one.message
        for one in check(parse(text), org, Workflow((addressed,)))
        if one.severity is Severity.ERROR
    ]
    assert [words in one for one in errors] == ([True] if words else [])


DEFINITION = parse(HEAD + NAME + "      - {spotio: Notes, salesforce: Notes__c, rule: two_way}\n")
SEEN = Snapshot(ORG, WORKFLOW)


def test_a_snapshot_comes_back_as_it_was():
    again = read_snapshot(snapshot_text(SEEN), "s.json")
    assert again == Snapshot(SalesforceOrg(ORG.objects, ("Lead",)), WORKFLOW)
    assert snapshot_text(again) == snapshot_text(SEEN)
    assert not drift(again, SEEN, DEFINITION)


def changed(name: str, **facts) -> Snapshot:
    fields = {**LEAD.fields, name: replace(LEAD.fields[name], **facts)}
    return Snapshot(SalesforceOrg({"Lead": replace(LEAD, fields=fields)}), WORKFLOW)


@pytest.mark.parametrize(
    ("now", "severity", "words"),
    [
        (changed("Notes__c", length=5), Severity.ERROR, "length was 10 and is 5"),
        (changed("Short__c", length=9), Severity.NOTE, "length was 5 and is 9"),
        (changed("Short__c", nillable=False), Severity.ERROR, "nillable was True and is False"),
        (
            changed("Interests__c", picklist=(PicklistValue("Roof"), PicklistValue("Wall"))),
            Severity.NOTE,
            "picklist lost 'Solar', 'A;B' and got 'Wall'",
        ),
        (
            Snapshot(ORG, Workflow((replace(LEADS, fields=LEADS.fields[:1]),))),
            Severity.ERROR,
            "no Leads.Notes any more",
        ),
        (
            Snapshot(ORG, Workflow((replace(LEADS, fields=LEADS.fields[:-1]),))),
            Severity.NOTE,
            "no Leads.Free Text any more",
        ),
        (Snapshot(SalesforceOrg({}), WORKFLOW), Severity.ERROR, "no Lead any more"),
    ],
)
def test_drift_is_an_error_where_the_definition_uses_it(now, severity, words):
    told = [one for one in drift(SEEN, now, DEFINITION) if words in one.message]
    assert [one.severity for one in told] == [severity]


@pytest.mark.parametrize("text", ["", "[]", '{"version": 1}', '{"version": 2}'])
def test_what_is_no_snapshot_is_refused(text):
    with pytest.raises(ConfigurationError, match=r"s\.json"):
        read_snapshot(text, "s.json")


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.setenv("REVERSE_SF_LEDGER_URI", f"sqlite:///{tmp_path}/none.db")
    (tmp_path / "sync.yml").write_text(HEAD + NAME)
    seen = {"org": ORG}
    monkeypatch.setattr(check_module, "read_salesforce", lambda _: (seen["org"], Users(), None))
    monkeypatch.setattr(check_module, "read_spotio", lambda: (WORKFLOW, (), None))
    words = ["check", "--json", "--sync-file", str(tmp_path / "sync.yml")]

    def run(*options: str, org=ORG):
        seen["org"] = org
        return CliRunner().invoke(cli, [*words, "--snapshot", str(tmp_path / "s.json"), *options])

    return run


def test_check_keeps_a_snapshot_tells_drift_and_takes_it_over(project, tmp_path):
    assert project().exit_code == 0
    kept = (tmp_path / "s.json").read_text()
    shorter = changed("LastName", length=40).salesforce
    drifted = project(org=shorter)
    assert isinstance(drifted.exception, ConfigurationError)
    errors = [one for one in json.loads(drifted.stdout)["problems"] if one["severity"] == "error"]
    assert [one["message"] for one in errors] == [
        "Salesforce's Lead.LastName has changed: length was 80 and is 40"
    ]
    assert (tmp_path / "s.json").read_text() == kept
    assert project("--update-snapshot", org=shorter).exit_code == 0
    assert project(org=shorter).exit_code == 0


def test_a_snapshot_stands_in_for_the_systems_offline(project, tmp_path, monkeypatch):
    project()
    monkeypatch.setattr(check_module, "read_salesforce", None)
    answer = json.loads(project("--offline").stdout)
    assert answer["ok"]
    assert [one["safe"] for one in answer["proofs"]] == [True]
    (tmp_path / "sync.yml").write_text(HEAD + NAME.replace("LastName", "LostName"))
    told = json.loads(project("--offline").stdout)["problems"]
    assert any("did you mean LastName?" in one["message"] for one in told)
    assert isinstance(project("--offline", "--update-snapshot").exception, UsageError)


def test_a_loss_is_told_in_short_where_its_texts_are_long(project, tmp_path):
    cut = "      - {spotio: Notes, salesforce: Notes__c, truncate: true, rule: two_way}\n"
    (tmp_path / "sync.yml").write_text(HEAD + NAME + cut)
    long = changed("Notes__c", length=30000).salesforce
    answer = json.loads(project(org=long).stdout)
    (loss,) = answer["proofs"][1]["losses"]
    assert (loss["side"], loss["before"], loss["lost"]) == (
        "spotio",
        "a text of 30001 characters",
        "y",
    )
    assert not answer["proofs"][1]["safe"]
    shown = (
        CliRunner()
        .invoke(cli, ["check", "--proof", "--sync-file", str(tmp_path / "sync.yml")])
        .output
    )
    assert "1 of 2 field pairs proven safe." in shown
    assert "loses y" in shown

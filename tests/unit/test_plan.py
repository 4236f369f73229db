"""Plans as values, and the project that they are made in."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from reverse_sf.cli.main import cli
from reverse_sf.cli.meltano import MeltanoProject, last_words
from reverse_sf.errors import ConfigurationError
from reverse_sf.mapping.definition import Direction
from reverse_sf.merge.envelope import Action
from reverse_sf.merge.plan import (
    VERSION,
    DirectionPlan,
    Plan,
    PlannedWrite,
    calls_of,
    selection_of,
)
from reverse_sf.sync_file import read_plan_file


def writes(number: int, action: Action = Action.UPDATE, stream: str = "Lead") -> list[PlannedWrite]:
    return [
        PlannedWrite(
            operation_id=f"{stream}-{action}-{at}",
            action=action,
            stream=stream,
            pair="Lead:Leads",
            link_id=f"link-{at}",
            salesforce_id=f"{at:015d}AAA",
            spotio_id=f"sp-{at}",
        )
        for at in range(number)
    ]


@pytest.mark.parametrize(
    ("direction", "planned", "calls"),
    [
        (Direction.TO_SALESFORCE, [], 0),
        (Direction.TO_SALESFORCE, writes(1), 3),
        (Direction.TO_SALESFORCE, writes(201), 6),
        (Direction.TO_SALESFORCE, writes(3, Action.CREATE), 2),
        (Direction.TO_SALESFORCE, writes(1) + writes(1, stream="Account"), 6),
        (Direction.TO_SPOTIO, writes(1), 2),
        (Direction.TO_SPOTIO, writes(71), 73),
        (Direction.TO_SPOTIO, writes(5, Action.CREATE), 5),
    ],
)
def test_a_plan_says_about_how_many_requests_it_costs(direction, planned, calls):
    assert calls_of(DirectionPlan(direction=direction, writes=planned)) == calls


@pytest.mark.parametrize(
    ("direction", "mine", "other"),
    [
        (Direction.TO_SPOTIO, b'{"Id": "000000000000001AAA"}', b'{"Id": "000000000000009AAA"}'),
        (Direction.TO_SALESFORCE, b'{"id": "sp-1"}', b'{"id": "sp-9", "Id": "x"}'),
    ],
)
def test_a_run_that_is_kept_to_a_plan_takes_its_records_alone(direction, mine, other):
    chosen = selection_of(DirectionPlan(direction=direction, writes=writes(3)))
    assert chosen.takes(msgspec.Raw(mine))
    assert not chosen.takes(msgspec.Raw(other))
    assert chosen.link_ids == {"link-0", "link-1", "link-2"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"{", "is no plan"),
        (b"[]", "is no plan"),
        (b"\xff", "is no plan"),
        (None, "cannot read the plan"),
    ],
)
def test_a_file_that_is_no_plan_is_named(tmp_path, text, said):
    file = tmp_path / "plan.json"
    if text is not None:
        file.write_bytes(text)
    with pytest.raises(ConfigurationError, match=said):
        read_plan_file(file)


def test_a_plan_of_another_version_is_refused(tmp_path):
    plan = Plan(
        version=VERSION + 1,
        made_at="2026-05-06T12:00:00.000Z",
        definition_fingerprint="x",
        salesforce_org=None,
        spotio_company=None,
        directions=[],
    )
    file = tmp_path / "plan.json"
    file.write_bytes(msgspec.json.encode(plan))
    with pytest.raises(ConfigurationError, match="plan again"):
        read_plan_file(file)


def test_without_a_meltano_project_the_command_says_where_to_run_it(tmp_path, monkeypatch):
    monkeypatch.setenv("MELTANO_PROJECT_ROOT", str(tmp_path))
    with pytest.raises(ConfigurationError, match="there is no meltano"):
        MeltanoProject.find()


def test_without_an_environment_the_command_asks_for_one(tmp_path, monkeypatch):
    monkeypatch.setenv("MELTANO_PROJECT_ROOT", str(tmp_path))
    monkeypatch.delenv("MELTANO_ENVIRONMENT", raising=False)
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    (tmp_path / "meltano.yml").write_text("version: 1\n")
    with pytest.raises(ConfigurationError, match="MELTANO_ENVIRONMENT"):
        MeltanoProject.find()


def test_a_plan_of_another_definition_is_not_applied(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MELTANO_PROJECT_ROOT", raising=False)
    (tmp_path / "sync.yml").write_text(
        "version: 1\nobjects:\n- spotio: Leads\n  salesforce: Lead\n"
        "  fields: [{spotio: Company, salesforce: Company, rule: two_way}]\n"
    )
    plan = Plan(
        version=VERSION,
        made_at="2026-05-06T12:00:00.000Z",
        definition_fingerprint="of another one",
        salesforce_org=None,
        spotio_company=None,
        directions=[DirectionPlan(direction=Direction.TO_SPOTIO, writes=writes(1))],
    )
    (tmp_path / "plan.json").write_bytes(msgspec.json.encode(plan))
    ended = CliRunner().invoke(cli, ["apply", "plan.json", "--yes"])
    assert isinstance(ended.exception, ConfigurationError)
    assert "plan again" in str(ended.exception)


def test_a_program_s_last_words_are_its_own_error():
    log = b"INFO started\ntap-x: error: no such login\nNeed help? See the documentation\n"
    assert last_words(log) == "no such login"
    assert last_words(b"\n") == "it said nothing"

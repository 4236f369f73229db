"""The command reverse-sf: through its real click commands, its messages and exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from reverse_sf.cli import check as check_module
from reverse_sf.cli.main import cli, main
from reverse_sf.errors import ConfigurationError, Exit, LoginError
from reverse_sf.ledger.batches import Decisions
from reverse_sf.ledger.rows import Conflict, Count, Link, Parked, Run
from reverse_sf.ledger.store import Ledger
from reverse_sf.mapping.definition import Direction, Side
from reverse_sf.mapping.describe import SalesforceOrg
from reverse_sf.mapping.known_users import Users
from reverse_sf.mapping.workflow import Workflow

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
MISSPELT = """\
version: 1
objects:
  - spotio: Leads
    salesforce: Lead
    feilds: []
"""


@pytest.fixture(autouse=True)
def _no_connection(monkeypatch):
    """A developer's own variables must not point a test at a real system."""
    for name in os.environ:
        if name.startswith(("TAP_", "TARGET_", "REVERSE_SF_", "CRM_MAPPER_", "MELTANO_")):
            monkeypatch.delenv(name)


@pytest.fixture
def invoke():
    def run(*arguments: str, **options):
        return CliRunner().invoke(cli, list(arguments), **options)

    return run


def ended(monkeypatch, capsys, *arguments: str) -> tuple[int, str, str]:
    """Run the entry point as a process would, and give exit code and both outputs."""
    monkeypatch.setattr(sys, "argv", ["reverse-sf", *arguments])
    with pytest.raises(SystemExit) as end:
        main()
    captured = capsys.readouterr()
    return int(end.value.code or 0), captured.out, captured.err


def test_the_projects_own_definition_passes_the_offline_check(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    code, out, err = ended(monkeypatch, capsys, "check", "--offline")
    assert code == Exit.DONE
    assert "0 errors" in out
    assert err == ""


def test_a_misspelt_key_ends_with_code_2_and_one_message(monkeypatch, capsys, tmp_path):
    (tmp_path / "sync.yml").write_text(MISSPELT)
    monkeypatch.chdir(tmp_path)
    code, out, err = ended(monkeypatch, capsys, "check", "--offline")
    assert code == Exit.CONFIGURATION
    assert "line 5" in err
    assert "did you mean fields?" in err
    assert "'fields' is missing" in err
    assert "Traceback" not in out + err


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "there is no sync definition at"),
        (b"", "is empty"),
        (b"version: [1", "is not valid YAML (line 1"),
        (b"version: 1 # \xe9\n", "is not UTF-8 text"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_clear_message(
    monkeypatch, capsys, tmp_path, content, words
):
    if content is not None:
        (tmp_path / "sync.yml").write_bytes(content)
    monkeypatch.chdir(tmp_path)
    code, _, err = ended(monkeypatch, capsys, "check", "--offline")
    assert code == Exit.CONFIGURATION
    assert words in err
    assert len(err.splitlines()) == 1


def test_the_file_is_found_by_option_by_setting_and_from_the_project_root(
    invoke, monkeypatch, tmp_path
):
    (tmp_path / "mine.yml").write_text((ROOT / "sync.yml").read_text())
    monkeypatch.chdir(tmp_path.parent)
    assert invoke("check", "--offline", "--sync-file", str(tmp_path / "mine.yml")).exit_code == 0
    monkeypatch.setenv("REVERSE_SF_SYNC_FILE", "mine.yml")
    monkeypatch.setenv("MELTANO_PROJECT_ROOT", str(tmp_path))
    assert invoke("check", "--offline").exit_code == 0


def test_json_says_the_same_for_machines(invoke, tmp_path):
    good = invoke("check", "--offline", "--json", "--sync-file", str(ROOT / "sync.yml"))
    answer = json.loads(good.stdout)
    assert answer["ok"] is True
    assert {one["severity"] for one in answer["problems"]} <= {"note", "warning"}
    assert all(one["line"] for one in answer["problems"])
    (tmp_path / "sync.yml").write_text(MISSPELT)
    bad = invoke("check", "--offline", "--json", "--sync-file", str(tmp_path / "sync.yml"))
    assert json.loads(bad.stdout)["ok"] is False
    assert isinstance(bad.exception, ConfigurationError)


def test_without_connection_settings_the_message_names_them_and_the_way_out(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    code, _, err = ended(monkeypatch, capsys, "check")
    assert code == Exit.CONFIGURATION
    assert "TAP_SALESFORCE_" in err
    assert "--offline" in err


def test_a_refused_login_ends_with_code_3(monkeypatch, capsys):
    def refuse(definition):
        raise LoginError("Salesforce did not accept the login")

    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(check_module, "read_salesforce", refuse)
    code, _, err = ended(monkeypatch, capsys, "check")
    assert code == Exit.REFUSED
    assert "did not accept" in err


def test_what_does_not_fit_the_systems_is_listed_and_ends_with_code_2(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(
        check_module, "read_salesforce", lambda _: (SalesforceOrg({}, ("Account",)), Users(), None)
    )
    monkeypatch.setattr(check_module, "read_spotio", lambda: (Workflow(), (), None))
    monkeypatch.setattr(check_module, "read_templates", lambda _: {})
    code, out, err = ended(monkeypatch, capsys, "check")
    assert code == Exit.CONFIGURATION
    assert "has no object Account" in out.replace("\n", " ") or "Account" in out
    assert "12 errors, listed above" in err


def test_schema_prints_the_published_schema(invoke):
    assert json.loads(invoke("schema").stdout)["title"].startswith("Sync definition")


def test_help_documents_every_exit_code_and_every_command(invoke):
    text = invoke("--help").stdout
    for code in Exit:
        assert f"\n    {code.value}  " in text
    for name in ("account", "check", "conflicts", "logs", "parked", "schema", "simulator"):
        assert f"\n  {name} " in text
        page = invoke(name, "--help")
        assert page.exit_code == 0
        assert "Usage:" in page.stdout


def test_an_unknown_command_is_a_usage_error(monkeypatch, capsys):
    code, _, err = ended(monkeypatch, capsys, "chekc")
    assert code == Exit.CONFIGURATION
    assert "chekc" in err


def test_the_version_is_the_distributions(invoke):
    assert invoke("--version").stdout.startswith("reverse-sf, version ")


def test_the_simulator_is_not_loaded_before_it_is_asked_for():
    code = "import sys, reverse_sf.cli.main; print('reverse_sf.simulator' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"


@pytest.mark.parametrize(
    ("words", "missing"),
    [(("simulator", "--records", "5"), "reverse_sf.simulator.command"), (("ui",), "uvicorn")],
)
def test_a_missing_extra_says_what_to_install(monkeypatch, capsys, words, missing):
    monkeypatch.delitem(sys.modules, "reverse_sf.ui.command", raising=False)
    monkeypatch.setitem(sys.modules, missing, None)
    code, _, err = ended(monkeypatch, capsys, *words)
    assert code == Exit.CONFIGURATION
    assert f"needs the package {missing}: pip install 'reverse-sf[{words[0]}]'" in err


RUN = "r" * 32


@pytest.fixture
def ledger_uri(tmp_path) -> Iterator[str]:
    """A ledger after one run of two pairs."""
    uri = f"sqlite:///{tmp_path / 'ledger.db'}"
    with Ledger.open(uri) as ledger:
        ledger.begin_run(
            Run(
                run_id=RUN,
                direction=Direction.TO_SPOTIO,
                started_at="2026-05-06T10:00:00Z",
                definition_fingerprint="f",
                holder="test",
            ),
            ttl_seconds=60,
        )

        def count(pair, counter, number, reason=""):
            return Count(run_id=RUN, pair=pair, counter=counter, number=number, reason=reason)

        link = Link(
            link_id="l1",
            pair="Account:Accounts",
            origin=Side.SALESFORCE,
            salesforce_id="001000000000001AAA",
        )
        ledger.commit_decisions(
            Decisions(
                run_id=RUN,
                links=[link],
                parked=[
                    Parked(
                        link_id="l1",
                        direction=Direction.TO_SPOTIO,
                        key="Industry",
                        pair="Account:Accounts",
                        reason="choice_unmapped",
                        message="the choice 'Agriculture' is not mapped",
                        at="2026-05-06T10:00:01Z",
                        run_id=RUN,
                    )
                ],
                conflicts=[
                    Conflict(
                        link_id="l1",
                        pair="Account:Accounts",
                        key="Phone",
                        loser=Side.SPOTIO,
                        losing_value="111",
                        winning_value="222",
                        rule="salesforce_only",
                        row="C3-11",
                        at="2026-05-06T10:00:01Z",
                        run_id=RUN,
                    )
                ],
                counts=[
                    count("Account:Accounts", "observed", 1040),
                    count("Account:Accounts", "skipped", 300, "Type is Partner, not one of X"),
                    count("Account:Accounts", "created", 739),
                    count("Account:Accounts", "parked", 1, "choice_unmapped"),
                    count("Contact:Contacts", "observed", 5),
                ],
            )
        )
        ledger.finish_run(RUN, "done")
    return uri


def test_the_account_of_a_run_says_what_happened_why_and_where_to_look(invoke, ledger_uri):
    shown = invoke("account", "--ledger-uri", ledger_uri)
    assert shown.exit_code == 0
    for words in (
        "Salesforce to SPOTIO: done",
        "Account:Accounts",
        "1,040",
        "739",
        "Type is Partner, not one of X",
        "choice_unmapped",
        "reverse-sf parked",
        "reverse-sf conflicts",
        f"reverse-sf logs --run {RUN}",
    ):
        assert words in shown.stdout
    assert "stale" not in shown.stdout, "a counter that nothing has is not a column"


def test_the_account_as_json_has_the_numbers(invoke, ledger_uri):
    told = json.loads(invoke("account", "--json", "--ledger-uri", ledger_uri).stdout)
    (answer,) = told["runs"]
    assert answer["run"]["run_id"] == RUN
    assert answer["journaled"] == 1
    assert answer["pairs"]["Account:Accounts"]["created"] == 739
    assert answer["parked_now"] == [
        {"pair": "Account:Accounts", "reason": "choice_unmapped", "number": 1}
    ]


def test_the_account_shows_the_latest_run_of_each_direction(invoke, ledger_uri):
    with Ledger.open(ledger_uri) as ledger:
        for run_id, at in (("back-1", "2026-05-06T11:00:00Z"), ("back-2", "2026-05-06T12:00:00Z")):
            ledger.begin_run(
                Run(
                    run_id=run_id,
                    direction=Direction.TO_SALESFORCE,
                    started_at=at,
                    definition_fingerprint="f",
                    holder="test",
                ),
                ttl_seconds=60,
            )
            ledger.finish_run(run_id, "done")
    told = json.loads(invoke("account", "--json", "--ledger-uri", ledger_uri).stdout)
    assert [one["run"]["run_id"] for one in told["runs"]] == [RUN, "back-2"]
    shown = invoke("account", "--ledger-uri", ledger_uri).stdout
    assert shown.index("Salesforce to SPOTIO") < shown.index("SPOTIO to Salesforce")
    one = invoke("account", "--direction", "to_salesforce", "--ledger-uri", ledger_uri).stdout
    assert RUN not in one
    assert "back-2" in one


def test_a_run_is_found_by_the_beginning_of_its_id_and_an_unknown_one_is_told(invoke, ledger_uri):
    assert invoke("account", "--run", "rrr", "--ledger-uri", ledger_uri).exit_code == 0
    unknown = invoke("account", "--run", "zzz", "--ledger-uri", ledger_uri)
    assert "no run in this ledger with the id zzz" in str(unknown.exception)
    other = invoke("account", "--direction", "to_salesforce", "--ledger-uri", ledger_uri)
    assert "has seen no run to_salesforce" in str(other.exception)


def test_parked_lists_the_record_the_field_and_what_to_do(invoke, ledger_uri):
    shown = invoke("parked", "--ledger-uri", ledger_uri).stdout
    assert "001000000000001AAA" in shown
    assert "Industry" in shown
    (row,) = json.loads(invoke("parked", "--json", "--ledger-uri", ledger_uri).stdout)
    assert row["reason"] == "choice_unmapped"
    assert row["salesforce_id"] == "001000000000001AAA"
    none = invoke("parked", "--reason", "too_long", "--ledger-uri", ledger_uri).stdout
    assert "Nothing is parked" in none


@pytest.mark.parametrize("command", ["account", "parked"])
def test_strict_ends_with_its_own_code_where_something_is_parked(
    monkeypatch, capsys, ledger_uri, command
):
    words = (command, "--ledger-uri", ledger_uri)
    assert ended(monkeypatch, capsys, *words)[0] == Exit.DONE
    assert ended(monkeypatch, capsys, *words, "--strict")[0] == Exit.PARKED


def test_strict_is_content_where_nothing_is_parked(monkeypatch, capsys, ledger_uri):
    words = ("parked", "--strict", "--reason", "too_long", "--ledger-uri", ledger_uri)
    assert ended(monkeypatch, capsys, *words)[0] == Exit.DONE


def test_conflicts_lists_what_lost_and_what_won(invoke, ledger_uri):
    (row,) = json.loads(invoke("conflicts", "--json", "--ledger-uri", ledger_uri).stdout)
    assert (row["losing_value"], row["winning_value"], row["rule"]) == (
        "111",
        "222",
        "salesforce_only",
    )
    assert "C3-11" in invoke("conflicts", "--ledger-uri", ledger_uri).stdout


def test_an_empty_log_says_so_and_takes_every_filter(invoke, ledger_uri):
    shown = invoke(
        *("logs", "--run", RUN, "--pair", "Account:Accounts", "--outcome", "rejected"),
        *("--status", "400", "--direction", "to_spotio", "--since", "2026-01-01T00:00:00Z"),
        *("--salesforce-id", "001", "--spotio-id", "x", "--ledger-uri", ledger_uri),
    )
    assert shown.exit_code == 0
    assert "no such row" in shown.stdout


@pytest.mark.parametrize("command", ["account", "parked", "conflicts", "logs"])
def test_a_ledger_that_is_not_there_is_told_and_not_made(monkeypatch, capsys, tmp_path, command):
    uri = f"sqlite:///{tmp_path / 'none.db'}"
    code, _, err = ended(monkeypatch, capsys, command, "--ledger-uri", uri)
    assert code == Exit.CONFIGURATION
    assert "there is no ledger at" in err
    assert list(tmp_path.iterdir()) == []

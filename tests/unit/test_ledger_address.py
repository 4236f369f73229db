"""Where the ledger is when nobody says so."""

from __future__ import annotations

import pytest

from reverse_sf.ledger.address import default_uri
from reverse_sf.target.settings import Settings as SalesforceSettings
from target_spotio.settings import Settings as SpotioSettings


@pytest.fixture(autouse=True)
def nothing_is_set(monkeypatch, tmp_path):
    for name in ("REVERSE_SF_LEDGER_URI", "MELTANO_PROJECT_ROOT", "MELTANO_ENVIRONMENT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def test_each_meltano_environment_has_a_ledger_of_its_own(monkeypatch, tmp_path):
    monkeypatch.setenv("MELTANO_PROJECT_ROOT", str(tmp_path))
    monkeypatch.setenv("MELTANO_ENVIRONMENT", "sandbox")
    assert default_uri() == f"sqlite:///{tmp_path}/.meltano/reverse-sf/sandbox.db"


@pytest.mark.parametrize("spelling", ["demo", "'demo'", '"demo"'])
def test_a_command_run_without_meltano_finds_the_ledger_of_the_default_environment(
    tmp_path, spelling
):
    (tmp_path / "meltano.yml").write_text(f"version: 1\ndefault_environment: {spelling}\n")
    assert default_uri() == "sqlite:///.meltano/reverse-sf/demo.db"


def test_without_any_environment_there_is_one_ledger():
    assert default_uri() == "sqlite:///.meltano/reverse-sf/ledger.db"


def test_one_variable_serves_mapper_target_and_command(monkeypatch):
    monkeypatch.setenv("REVERSE_SF_LEDGER_URI", "postgresql://host/ledger")
    monkeypatch.setenv("MELTANO_ENVIRONMENT", "sandbox")
    assert default_uri() == "postgresql://host/ledger"


def test_both_targets_open_the_mappers_ledger_where_none_is_named(monkeypatch):
    monkeypatch.setenv("MELTANO_ENVIRONMENT", "sandbox")
    toward_spotio = SpotioSettings(client_id="id", client_secret="secret")
    assert toward_spotio.ledger_of_syncs == default_uri()
    assert SalesforceSettings().ledger_of_syncs == default_uri()

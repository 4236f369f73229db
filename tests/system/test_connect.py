"""The part of connect and disconnect that is Meltano's: settings in the project's .env."""

from __future__ import annotations

import stat

import pytest

from reverse_sf.cli.meltano_settings import MeltanoSettings
from reverse_sf.errors import ConfigurationError

PROJECT = """\
default_environment: dev
environments: [{name: dev}]
project_id: somebody-elses
send_anonymous_usage_stats: false
plugins:
  extractors:
  - name: tap-salesforce
    namespace: tap_salesforce
    executable: tap-salesforce
    settings: [{name: refresh_token, kind: string, sensitive: true}]
"""


def test_meltano_keeps_a_secret_in_env_and_forgets_it(tmp_path, monkeypatch):
    (tmp_path / "meltano.yml").write_text(PROJECT)
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    store = MeltanoSettings.of_project()
    assert store.folder == tmp_path
    secret = "5Aep'8$x \"#\\"
    store.keep("tap-salesforce", {"refresh_token": secret})
    assert store.holds("tap-salesforce", "refresh_token")
    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) & 0o077 == 0
    assert store.environment()["TAP_SALESFORCE_REFRESH_TOKEN"] == secret
    store.forget("tap-salesforce", ["refresh_token"])
    assert not store.holds("tap-salesforce", "refresh_token")
    with pytest.raises(ConfigurationError, match="tap-nothing") as refused:
        store.keep("tap-nothing", {"refresh_token": secret})
    assert secret not in str(refused.value)


def test_outside_of_a_project_the_way_out_is_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MELTANO_PROJECT_ROOT", raising=False)
    with pytest.raises(ConfigurationError, match="no Meltano project"):
        MeltanoSettings.of_project()

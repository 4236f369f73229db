"""Settings of both targets, as a config file gives them: JSON numbers arrive as Decimal."""

from __future__ import annotations

from decimal import Decimal

from reverse_sf.target.settings import Settings as SalesforceSettings
from target_spotio.settings import Settings as SpotioSettings


def test_seconds_of_target_spotio_count_as_floats_whatever_the_config_file_held() -> None:
    config = {"client_id": "id", "client_secret": "secret"}
    given = {"settle_seconds": Decimal("0.2"), "request_timeout": 3, "bulk_timeout": Decimal("9.5")}
    settings = SpotioSettings.from_config({**config, **given})
    assert settings.settle_seconds + 1.5 == 1.7
    assert settings.bulk_timeout + 0.5 == 10.0
    assert settings.request_timeout == 3.0


def test_seconds_and_percentages_of_target_salesforce_count_as_floats() -> None:
    given = {"bulk_timeout": Decimal("9.5"), "quota_percent_total": Decimal("12.5")}
    settings = SalesforceSettings.from_config(given)
    assert settings.bulk_timeout + 0.5 == 10.0
    assert settings.quota_percent_total + 0.5 == 13.0

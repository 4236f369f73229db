"""Activities pushed to Salesforce as Tasks: rates, requests and memory of every part."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx

from reverse_sf.simulator.connection import SPOTIO_CLIENT_ID, SPOTIO_SECRET
from tap_spotio.tap import TapSpotio
from tests.benchmarks.bench_way_back import Project

if TYPE_CHECKING:
    from reverse_sf.simulator.local import LocalServer

SYNC = """
version: 1
time_zone: America/Denver
objects:
  - spotio: Accounts
    salesforce: Account
    to_spotio: {enabled: true}
    to_salesforce: {enabled: true}
    salesforce_external_id: SPOTIO_Id__c
    match: [external_id]
    fields:
      - {spotio: Company, salesforce: Name, rule: two_way}
    activities:
      - spotio: Call
        salesforce: Task
        salesforce_external_id: SPOTIO_Id__c
        fields:
          Subject: Subject
          Description: Description
          Status: Status
          Activity Date: ActivityDate
          CallPhoneNumber: Phone_Number__c
          CallDirection: Direction__c
          CallResult: Result__c
          Duration: Minutes__c
"""
STREAMS = ("users", "Accounts", "activities")
AT_ONCE = 1000
_CALL, _REACHED = "2", "5"
"""The template and the result of the local tenant's calls."""


@dataclass
class ActivityProject(Project):
    """A project whose tap-spotio reads activities."""

    def __post_init__(self) -> None:
        super().__post_init__()
        (self.folder / "sync.yml").write_text(SYNC)

    def _config(self, command: str, mapping: str) -> list[str]:
        found = super()._config(command, mapping)
        if command == "tap-spotio":
            found += ["--catalog", str(self._catalog(found[-1]))]
        return found

    def _catalog(self, config: str) -> object:
        file = self.folder / "catalog.json"
        if not file.exists():
            with open(config, encoding="utf-8") as text:  # noqa: PTH123 -- a path as commands get it
                made = TapSpotio(config=json.load(text)).catalog_dict
            for stream in made["streams"]:
                for entry in stream["metadata"]:
                    entry["metadata"]["selected"] = stream["tap_stream_id"] in STREAMS
            file.write_text(json.dumps(made))
        return file


def log_calls(server: LocalServer, record_ids: list[str], number: int) -> None:
    """Log so many done calls on the records, by SPOTIO's own API."""
    login = {"clientId": SPOTIO_CLIENT_ID, "secret": SPOTIO_SECRET}
    with httpx.Client(base_url=server.url, timeout=120) as client:
        token = client.post("/api/users/apitoken", json=login).json()["accessToken"]
        client.headers["Authorization"] = f"Bearer {token}"
        for start in range(0, number, AT_ONCE):
            calls = [
                {
                    "dataObjectId": record_ids[each % len(record_ids)],
                    "activityTemplateId": _CALL,
                    "resultId": _REACHED,
                    "done": True,
                    "title": f"Call {each}",
                    "notes": f"Wants {each % 30} panels",
                    "date": f"2026-{1 + each % 12:02d}-{1 + each % 28:02d}T15:30:00Z",
                    "duration": 1 + each % 40,
                    "direction": "out",
                    "phoneNumber": f"(602) 555-{each % 10_000:04d}",
                }
                for each in range(start, min(start + AT_ONCE, number))
            ]
            client.post("/api/v2/activities/many", json=calls).raise_for_status()

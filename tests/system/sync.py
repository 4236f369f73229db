"""A project folder: settings, ledger and STATE; runs either direction as often as one likes.

It does what a Singer runner does and no more: config files, pipes, the last STATE line kept. Tests
that need Meltano itself use ``tests/system/meltano_project.py``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tap_spotio.tap import TapSpotio
from tests.conftest import ROOT
from tests.system.calls import writes
from tests.system.warm.runner import Part, warm_parent

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from reverse_sf.simulator.local import LocalServers
    from tests.system.warm.runner import Ended, Started

OBJECTS = ("User", "Account", "Contact", "Lead", "Opportunity")
TO_SPOTIO, TO_SALESFORCE = "spotio-mapper", "salesforce-mapper"
DIRECTIONS = {
    TO_SPOTIO: ("tap-salesforce", "spotio-mapper", "target-spotio"),
    TO_SALESFORCE: ("tap-spotio", "spotio-mapper", "target-salesforce"),
}

Plan = dict[str, tuple[dict[str, Any], ...]]
"""By command: what happens at which effect, see ``tests/system/warm/boundaries.py``."""


@dataclass
class Sync:
    """Both directions over one ledger, a STATE for each.

    Attributes:
        folder: everything it keeps.
        servers: Salesforce and SPOTIO.
        sync_file: the definition.
        ledger_uri: by default a SQLite file in the folder.
        settings: further settings by command.
        select: objects that tap-salesforce discovers.
        spotio_streams: what tap-spotio reads; by default what it reads by default.
    """

    folder: Path
    servers: LocalServers
    sync_file: Path = ROOT / "sync.yml"
    ledger_uri: str = ""
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)
    select: tuple[str, ...] = OBJECTS
    spotio_streams: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.ledger_uri = self.ledger_uri or f"sqlite:///{self.folder / 'ledger.db'}"

    def state_file(self, mapping: str) -> Path:
        """Where the STATE of a direction is kept."""
        return self.folder / f"{mapping}.state"

    def forget(self) -> None:
        """Begin anew: no ledger (in the folder), no STATE."""
        for leftover in (*self.folder.glob("ledger.db*"), *self.folder.glob("*.state")):
            leftover.unlink()

    def start(
        self, mapping: str, *, plan: Plan | None = None, trace: bool = False, name: str = ""
    ) -> Started:
        """Start one direction; a ``name`` tells two runs at a time apart."""
        name = name or mapping
        commands = DIRECTIONS[mapping]
        state = self.state_file(mapping)
        tap: tuple[str, ...] = ("--state", str(state)) if state.exists() else ()
        if mapping == TO_SALESFORCE and self.spotio_streams:
            tap += ("--catalog", str(self._catalog()))
        parts = [
            self.part(
                command,
                mapping,
                (plan or {}).get(command, ()),
                tap if command == commands[0] else (),
            )
            for command in commands
        ]
        return warm_parent().start(
            parts,
            folder=self.folder,
            output=self.folder / f"{name}.out",
            trace=self.folder if trace else None,
            name=name,
        )

    def run(
        self,
        mapping: str,
        *,
        plan: Plan | None = None,
        trace: bool = False,
        kill_when: Callable[[], bool] | None = None,
    ) -> Ended:
        """One direction to its end, whatever that is."""
        ended = self.start(mapping, plan=plan, trace=trace).wait(kill_when=kill_when)
        self.keep_state(mapping)
        return ended

    def cycle(self, *, again: bool = False) -> None:
        """Both directions to their good end; ``again`` without STATE: everything is read."""
        for mapping in DIRECTIONS:
            if again:
                self.state_file(mapping).unlink(missing_ok=True)
            ended = self.run(mapping)
            assert ended.ended_well, f"{mapping}\n{ended}"

    def keep_state(self, mapping: str, name: str = "") -> None:
        """The last complete line that the target wrote is the new STATE, as a runner keeps it."""
        lines = (self.folder / f"{name or mapping}.out").read_bytes().split(b"\n")[:-1]
        if lines:
            self.state_file(mapping).write_bytes(lines[-1])

    def _catalog(self) -> Path:
        """What tap-spotio discovers, with the wanted streams selected and no other."""
        file = self.folder / "catalog.json"
        if not file.exists():
            found = TapSpotio(config=self._settings("tap-spotio", TO_SALESFORCE)).catalog_dict
            for stream in found["streams"]:
                wanted = stream["tap_stream_id"] in self.spotio_streams
                for entry in stream["metadata"]:
                    entry["metadata"]["selected"] = wanted
            file.write_text(json.dumps(found))
        return file

    def part(
        self,
        command: str,
        mapping: str,
        plan: Sequence[dict[str, Any]] = (),
        arguments: Sequence[str] = (),
    ) -> Part:
        """One plugin with its config file."""
        config = self.folder / f"{mapping}-{command}.json"
        config.write_text(json.dumps(self._settings(command, mapping)))
        return Part(command, ("--config", str(config), *arguments), tuple(plan))

    def _settings(self, command: str, mapping: str) -> dict[str, Any]:
        salesforce = {
            "login_url": self.servers.salesforce_url,
            "instance_url": self.servers.salesforce_url,
            "client_id": "demo-consumer-key",
            "client_secret": "demo-consumer-secret",
            "refresh_token": "demo-refresh-token",
        }
        spotio = {
            "api_url": self.servers.spotio_url,
            "client_id": "demo-client",
            "client_secret": "demo-secret",
        }
        ledger = {"ledger_uri": self.ledger_uri}
        own: Mapping[str, Any] = {
            "tap-salesforce": {**salesforce, "streams_to_discover": list(self.select)},
            "tap-spotio": spotio,
            "spotio-mapper": {
                **ledger,
                "mapping": mapping,
                "sync_file": str(self.sync_file),
                # Whole populations are edited on purpose.
                "change_limit_percent": 0,
            },
            "target-spotio": {**spotio, **ledger},
            "target-salesforce": {**salesforce, **ledger},
        }[command]
        return {**own, **self.settings.get(command, {})}


@dataclass(frozen=True)
class Marks:
    """Where the logs of both servers stood: what came after them is asked for later."""

    salesforce: int
    spotio: int

    @classmethod
    def now(cls, servers: LocalServers) -> Marks:
        """As they stand."""
        return cls(servers.salesforce.last(), servers.spotio.last())

    def writes(self, servers: LocalServers) -> list[str]:
        """Calls since then that may have written, ``METHOD path`` each."""
        return [
            *writes(servers.salesforce, self.salesforce),
            *writes(servers.spotio, self.spotio),
        ]

"""Both directions with the real commands, one process after the other, over one ledger."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.system.pipeline import BIN

if TYPE_CHECKING:
    from pathlib import Path

    from reverse_sf.simulator.local import LocalServer, LocalServers

OBJECTS = ("User", "Account", "Contact", "Lead", "Opportunity")
DIRECTIONS = {
    "spotio-mapper": ("tap-salesforce", "target-spotio"),
    "salesforce-mapper": ("tap-spotio", "target-salesforce"),
}


@dataclass
class TwoWaySync:
    """A project folder: settings, ledger, one STATE for each direction."""

    folder: Path
    servers: LocalServers
    sync_file: Path
    target_salesforce: dict[str, Any] = field(default_factory=dict)

    @property
    def ledger_uri(self) -> str:
        return f"sqlite:///{self.folder / 'ledger.db'}"

    def _settings(self, command: str, mapping: str) -> dict[str, Any]:
        salesforce = {
            "login_url": self.servers.salesforce_url,
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
        return {
            "tap-salesforce": {**salesforce, "streams_to_discover": list(OBJECTS)},
            "tap-spotio": spotio,
            "spotio-mapper": {**ledger, "mapping": mapping, "sync_file": str(self.sync_file)},
            "target-spotio": {**spotio, **ledger},
            "target-salesforce": {**salesforce, **ledger, **self.target_salesforce},
        }[command]

    def _command(self, command: str, mapping: str, *, state: Path | None = None) -> list[str]:
        config = self.folder / f"{command}.json"
        config.write_text(json.dumps(self._settings(command, mapping)))
        words = [str(BIN / command), "--config", str(config)]
        return [*words, "--state", str(state)] if state is not None and state.exists() else words

    def run(self, mapping: str, *, again: bool = False) -> list[dict[str, Any]]:
        """One direction to its end; answers the records that the mapper emitted."""
        tap, target = DIRECTIONS[mapping]
        state = self.folder / f"{mapping}.state"
        if again:
            state.unlink(missing_ok=True)
        told = self._call(self._command(tap, mapping, state=state), b"")
        decided = self._call(self._command("spotio-mapper", mapping), told)
        done = self._call(self._command(target, mapping), decided)
        if done.strip():
            state.write_bytes(done.splitlines()[-1])
        messages = [json.loads(line) for line in decided.splitlines()]
        return [one["record"] for one in messages if one["type"] == "RECORD"]

    def _call(self, command: list[str], text: bytes) -> bytes:
        ended = subprocess.run(
            command, input=text, capture_output=True, check=False, cwd=self.folder
        )
        assert ended.returncode == 0, f"{command[0]}: {ended.stderr.decode()[-3000:]}"
        return ended.stdout

    def cycle(self, *, again: bool = False) -> tuple[int, int]:
        """Both directions; answers how many records each mapper emitted."""
        return (
            len(self.run("spotio-mapper", again=again)),
            len(self.run("salesforce-mapper", again=again)),
        )


def writes(server: LocalServer, since: int) -> list[str]:
    """Calls that may have written, as ``METHOD path``; logins and searches are none."""
    quiet = ("/oauth2/", "/apitoken", "/filters", "/search", "/many", "/token", "/query")
    return [
        f"{one['method']} {one['path']}"
        for one in server.requests(since)
        if one["method"] != "GET" and not any(part in one["path"] for part in quiet)
    ]

"""One direction alone, as the tests of Salesforce to SPOTIO see it."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.conftest import ROOT
from tests.system.sync import DIRECTIONS, OBJECTS, TO_SPOTIO, Sync
from tests.system.warm.runner import warm_parent

if TYPE_CHECKING:
    from collections.abc import Callable

    from reverse_sf.simulator.local import LocalServers
    from tests.system.warm.runner import Ended

BIN = Path(sys.executable).parent


@dataclass
class Pipeline:
    """A project folder for ``tap-salesforce | spotio-mapper | target-spotio``.

    Attributes:
        tap: further settings of the tap; so are the two below.
    """

    folder: Path
    servers: LocalServers
    sync_file: Path = ROOT / "sync.yml"
    tap: dict[str, Any] = field(default_factory=dict)
    mapper: dict[str, Any] = field(default_factory=dict)
    target: dict[str, Any] = field(default_factory=dict)
    select: tuple[str, ...] = OBJECTS

    @property
    def state_file(self) -> Path:
        return self._sync.state_file(TO_SPOTIO)

    @property
    def _sync(self) -> Sync:
        names = DIRECTIONS[TO_SPOTIO]
        settings = dict(zip(names, (self.tap, self.mapper, self.target), strict=True))
        return Sync(
            self.folder, self.servers, self.sync_file, settings=settings, select=self.select
        )

    def forget(self) -> None:
        """Begin anew: no ledger, no STATE."""
        self._sync.forget()

    def run(self, *, kill_when: Callable[[], bool] | None = None) -> Ended:
        """Run to the end, or kill -9 all three as soon as the condition holds."""
        return self._sync.run(TO_SPOTIO, kill_when=kill_when)

    def read_tap(self) -> list[bytes]:
        """What the tap alone says, line by line."""
        said = self.folder / "tap.out"
        part = self._sync.part("tap-salesforce", TO_SPOTIO)
        ended = warm_parent().start([part], folder=self.folder, output=said).wait()
        assert ended.ended_well, ended
        return said.read_bytes().splitlines(keepends=True)

    def apply(self, lines: list[bytes]) -> None:
        """Run mapper and target over the lines of some tap."""
        given = self.folder / "given"
        given.write_bytes(b"".join(lines))
        parts = [self._sync.part(command, TO_SPOTIO) for command in DIRECTIONS[TO_SPOTIO][1:]]
        ended = (
            warm_parent()
            .start(parts, folder=self.folder, output=self.folder / "applied", given=given)
            .wait()
        )
        assert ended.ended_well, ended

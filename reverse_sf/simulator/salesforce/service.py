"""Everything a call of the local org may need, in one place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reverse_sf.simulator.salesforce.bulk_jobs import QueryJobs
from reverse_sf.simulator.salesforce.cursors import Cursors
from reverse_sf.simulator.salesforce.ingest_jobs import IngestJobs
from reverse_sf.simulator.salesforce.locks import Locks
from reverse_sf.simulator.salesforce.quota import Quota
from reverse_sf.simulator.salesforce.sessions import Sessions
from reverse_sf.simulator.salesforce.traffic import Traffic

if TYPE_CHECKING:
    from pathlib import Path

    from reverse_sf.simulator.clock import Clock
    from reverse_sf.simulator.salesforce.org import Org


@dataclass
class Service:
    """The org and what surrounds it.

    Attributes:
        org: the records and their rules.
        folder: where Bulk results are kept while the server runs.
        certificate: the connected app's registered public key, for JWT logins.
    """

    org: Org
    clock: Clock
    folder: Path
    certificate: Any = None

    def __post_init__(self) -> None:
        self.switches = self.org.switches
        self.sessions = Sessions(self.clock, self.switches)
        self.traffic = Traffic(self.switches)
        self.quota = Quota(self.clock, self.switches)
        self.cursors = Cursors(self.clock, self.switches)
        self.jobs = QueryJobs(self.org, self.clock, self.switches, self.folder)
        self.locks = Locks(self.switches)
        self.ingest = IngestJobs(self.org, self.clock, self.switches, self.locks, self.quota)

    def user(self, username: str) -> dict[str, Any] | None:
        """The user of a username; none where there is no such user."""
        user = self.org.user_by_username(username)
        if user is None:
            return None
        return {**user, "Name": f"{user.get('FirstName') or ''} {user['LastName']}".strip()}

    def reset(self) -> None:
        """Back to the state of the start; the org is reset by its owner."""
        self.switches.reset()
        self.sessions.reset()
        self.quota.reset()
        self.cursors.reset()
        self.jobs.reset()
        self.ingest.reset()
        self.locks.reset()
        self.certificate = None

"""Everything a call of the local org may need, in one place."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reverse_sf.simulator.salesforce.bulk_jobs import QueryJobs
from reverse_sf.simulator.salesforce.cursors import Cursors
from reverse_sf.simulator.salesforce.ingest_jobs import IngestJobs
from reverse_sf.simulator.salesforce.locks import Locks
from reverse_sf.simulator.salesforce.quota import Quota
from reverse_sf.simulator.salesforce.sessions import Sessions
from reverse_sf.simulator.switches import Switch, Switches

if TYPE_CHECKING:
    from pathlib import Path

    from reverse_sf.simulator.clock import Clock
    from reverse_sf.simulator.salesforce.org import Org

SWITCHES = (
    Switch("session_seconds", 7200, "How long a session lasts after its login."),
    Switch(
        "rotate_refresh_tokens",
        default=False,
        meaning="A refresh token is replaced each time it is used.",
    ),
    Switch("client_credentials_user", default=True, meaning="The connected app has a run-as user."),
    Switch("daily_api_requests", 100_000, "API requests allowed a day; then 403."),
    Switch("daily_bulk_query_jobs", 10_000, "Bulk query jobs allowed a day."),
    Switch("daily_bulk_batches", 15_000, "Batches of ingest jobs allowed a day, of 10,000 rows."),
    Switch("query_page_size", 2000, "Most rows in one page of a query; fewer at the org's will."),
    Switch(
        "query_shuffle", default=False, meaning="Queries without ORDER BY answer in another order."
    ),
    Switch("bulk_polls", 0, "How often a Bulk job still says InProgress when it is asked."),
    Switch("bulk_fail_next", 0, "So many of the next Bulk jobs end as Failed."),
    Switch("bulk_abort_next", 0, "So many of the next Bulk jobs end as Aborted."),
    Switch(
        "bulk_order",
        "unordered",
        "Whether rows of Bulk results are shuffled: only without ORDER BY, always or never.",
        ("unordered", "always", "never"),
    ),
    Switch("bulk_page_size", 100_000, "Most rows in one page of Bulk results."),
    Switch(
        "bulk_gzip",
        default=True,
        meaning="Bulk results are compressed where the client accepts it.",
    ),
    Switch(
        "merge_touches_children",
        default=True,
        meaning="Children that a merge gives to the winner get a new SystemModstamp.",
    ),
    Switch("ingest_stuck", default=False, meaning="Ingest jobs stay InProgress."),
    Switch("ingest_unprocessed", 0, "So many rows of each ingest job are left unprocessed."),
    Switch(
        "ingest_order",
        "shuffled",
        "Whether the rows of an ingest job's result files are in the order of the upload.",
        ("shuffled", "kept"),
    ),
    Switch("lock_next", 0, "So many records of collections and ingest jobs are locked."),
    Switch("lock_every", 1, "Of those records, only every so-manieth is locked."),
    Switch("lock_single_next", 0, "So many of the next calls on one record find it locked."),
)


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
    switches: Switches = field(default_factory=lambda: Switches(SWITCHES))

    def __post_init__(self) -> None:
        self.sessions = Sessions(self.clock, self.switches)
        self.quota = Quota(self.clock, self.switches)
        self.cursors = Cursors(self.switches)
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

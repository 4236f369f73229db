"""The ledger: one class, made of the parts that the modules beside it hold.

Writes come in batches, each one transaction of a handful of statements whatever its size; when a
commit returns, it is on disk. See ``dialects`` for what that costs and why.
"""

from __future__ import annotations

from reverse_sf.ledger.alone import Alone
from reverse_sf.ledger.awaited import AwaitedOwners
from reverse_sf.ledger.copying import Copying
from reverse_sf.ledger.decisions import DecisionCommits
from reverse_sf.ledger.histories import Histories
from reverse_sf.ledger.matches import Matches
from reverse_sf.ledger.observations import Observations
from reverse_sf.ledger.outcomes import OutcomeCommits
from reverse_sf.ledger.readings import Readings
from reverse_sf.ledger.rehearsals import Rehearsals
from reverse_sf.ledger.releases import Releases
from reverse_sf.ledger.resolution import Resolution
from reverse_sf.ledger.restores import Restores
from reverse_sf.ledger.retention import Retention
from reverse_sf.ledger.unanswered import Unanswered


class Ledger(
    DecisionCommits,
    OutcomeCommits,
    Observations,
    Resolution,
    Matches,
    Alone,
    AwaitedOwners,
    Unanswered,
    Retention,
    Copying,
    Rehearsals,
    Histories,
    Restores,
    Releases,
    Readings,
):
    """What has happened between two systems.

    Open it with :meth:`open`; use it as a context manager.
    """

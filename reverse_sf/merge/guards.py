"""Checks that refuse a suspicious run before it writes (``semantics.md``, C.4, "Stops").

Each answers None, or a :class:`Refusal` that says why and how a person gets past it on purpose.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Refusal:
    """Why a guard refuses, and the way past it.

    Attributes:
        reason: what looks wrong, with numbers.
        override: what to do or to set when it is meant.
    """

    reason: str
    override: str

    def __str__(self) -> str:
        return f"{self.reason}; {self.override}"


FEWEST = 100
"""With fewer linked records nothing is told by all of them having changed."""


def too_many_changes(
    pair: str, updates: int, links: int, *, at_most_percent: float, source: str
) -> Refusal | None:
    """Refuse to go on where so many of the linked records have changed, by default all of them.

    Args:
        pair: the object mapping.
        updates: the linked records that the run would update, up to now.
        links: how many are linked.
        at_most_percent: setting ``change_limit_percent``; 0 is no limit.
        source: where they have changed.
    """
    if at_most_percent <= 0 or links < FEWEST or updates < links * at_most_percent / 100:
        return None
    return Refusal(
        f"{pair}: {updates} of {links} linked records have changed in {source}"
        f" ({at_most_percent:g} % or more in one run)",
        "if somebody has meant that, set change_limit_percent to 0 for one run; what this run has"
        " handed over before is written",
    )


def one_side_empty(pair: str, *, observed: int, links: int) -> Refusal | None:
    """Refuse a full read that found nothing where links exist: a failed listing looks like that."""
    if observed or not links:
        return None
    return Refusal(
        f"{pair}: a full read found no record, yet {links} are linked",
        "check the credentials and the selection of the tap; if the system is empty indeed, set"
        " allow_empty for one run",
    )


def too_many_deletes(
    deletes: int,
    links: int,
    *,
    at_most: int,
    at_most_percent: float,
    source: str = "Salesforce",
    destination: str = "SPOTIO",
) -> Refusal | None:
    """Refuse deletes above a count, or above a percentage of all links where that is larger.

    Args:
        deletes: how many deletes one run has decided.
        links: how many linked records there are; 0 where nobody counted.
        at_most: setting ``delete_limit``.
        at_most_percent: setting ``delete_limit_percent``, of ``links``.
        source: where they were deleted.
        destination: where they would be deleted.
    """
    limit = max(at_most, int(links * at_most_percent / 100))
    if deletes <= limit:
        return None
    return Refusal(
        f"{deletes} records would be deleted in {destination}, and the limit is {limit}",
        f"look at what was deleted in {source}, then raise the setting delete_limit (or"
        " delete_limit_percent, of the linked records) for one run",
    )


def lost_ledger(stream: str, bookmark: str, *, known: bool, command: str) -> Refusal | None:
    """Refuse an old read position over a ledger that never saw the stream.

    A new ledger under old STATE would never see the records before the bookmark.

    Args:
        stream: the tap's stream.
        bookmark: where the tap's STATE says that it goes on.
        known: whether the ledger has ever observed a record of this stream's pair.
        command: the command that reads everything once more.
    """
    if known:
        return None
    return Refusal(
        f"the tap goes on with {stream} from {bookmark}, but the ledger has never seen a record of"
        " it: the ledger is new or lost and the STATE is old",
        f"run `{command}` once (it links by external id before it creates anything)",
    )


def unmatched(pair: str, rules: Sequence[str]) -> Refusal:
    """Refuse to create where records of both sides were to be matched first, and nobody did it.

    Args:
        pair: the object mapping.
        rules: its match rules beyond the external id.
    """
    return Refusal(
        f"{pair} is matched by {', '.join(rules)}, and the records of both sides have never been"
        " compared: creating now could make doubles",
        "run `reverse-sf link` and look at its report, then `reverse-sf link --apply`, and run"
        " again",
    )

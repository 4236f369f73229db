"""Records that are gone for good, from Salesforce's deletion log.

A deleted record stays in the recycle bin for 15 days and arrives with its IsDeleted mark like any
change. A purged one is in no query's answer any more; only the deletion log, which reaches 15
days back at most, still names it (REST API Developer Guide, "Get Deleted").
"""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from reverse_sf.salesforce.refusals import ReplicationWindowError
from reverse_sf.salesforce.soql import Select, quoted
from reverse_sf.salesforce.values import moment_of, normal_stamp, stamp_of
from reverse_sf.tap.page import Page

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping
    from datetime import datetime

    from reverse_sf.salesforce import SalesforceClient
    from reverse_sf.salesforce.client import DeletedRecord, DeletionLog

logger = logging.getLogger(__name__)

# A little less than the log's 15 days: the limit moves while we ask.
_REACH = timedelta(days=15) - timedelta(minutes=5)
_MINUTE = timedelta(minutes=1)
_IDS_A_QUERY = 200


@dataclass(frozen=True)
class Purges:
    """The purged records of one object over a window.

    Attributes:
        page: ``Id``, ``IsDeleted`` and the stamp of each.
        covered_until: stamp at which the next window begins.
    """

    page: Page
    covered_until: str


def due(read_until: Mapping[str, str | None], *, now: str, interval: timedelta) -> frozenset[str]:
    """Return the objects whose log is to be read in this run.

    One log is a call that hardly ever tells anything, so a run reads one of them, in turn, and
    those that were not read for so long. Nothing is lost meanwhile: the log is kept for 15 days.

    Args:
        read_until: for each object how far its log was read, None where it never was.
        now: stamp of Salesforce's clock.
        interval: how long a log may stay unread.
    """
    limit = stamp_of(moment_of(now) - interval)
    unread = {source for source, until in read_until.items() if not until or until <= limit}
    in_turn = sorted((until, source) for source, until in read_until.items() if until)[:1]
    return frozenset(unread | {source for _, source in in_turn})


def read_purges(
    client: SalesforceClient,
    source: str,
    *,
    since: str,
    now: str,
    stamp_field: str,
    already_read: Container[str],
) -> Purges:
    """Return the records purged since a stamp.

    Args:
        client: the org.
        source: API name of the object.
        since: where the last window ended.
        now: stamp of Salesforce's clock.
        stamp_field: name under which the time of the deletion is put.
        already_read: ids whose deletion the query has brought in this run.
    """
    reach = moment_of(now) - _REACH
    start = moment_of(since)
    if start < reach:
        _warn_of_gap(source, since, stamp_of(reach))
        start = reach
    # The log counts whole minutes, and its window must have one at least.
    end = _floor(moment_of(now)) + _MINUTE
    begin = min(_floor(start), end - 2 * _MINUTE)
    log = _log_of(client, source, begin, end)
    earliest = normal_stamp(log.earliest_date_available)
    if earliest > since and start > reach:
        _warn_of_gap(source, since, earliest)
    unread = [entry for entry in log.deleted_records if entry.id not in already_read]
    gone = list(_gone(client, source, unread))
    page = Page(
        ("Id", "IsDeleted", stamp_field),
        [
            [entry.id for entry in gone],
            [True] * len(gone),
            [normal_stamp(entry.deleted_date) for entry in gone],
        ],
    )
    return Purges(page, min(normal_stamp(log.latest_date_covered), now))


def _log_of(client: SalesforceClient, source: str, begin: datetime, end: datetime) -> DeletionLog:
    """Read the log; where it does not reach back to the begin, read what there is of it."""
    with suppress(ReplicationWindowError):
        return client.deletions(source, stamp_of(begin), stamp_of(end))
    # Either the log begins later, or an end in the running minute is not accepted.
    end -= _MINUTE
    recent = client.deletions(source, stamp_of(end - 2 * _MINUTE), stamp_of(end))
    begin = max(begin, _floor(moment_of(normal_stamp(recent.earliest_date_available))) + _MINUTE)
    if begin > end - 2 * _MINUTE:
        return recent
    return client.deletions(source, stamp_of(begin), stamp_of(end))


def _gone(
    client: SalesforceClient, source: str, entries: list[DeletedRecord]
) -> Iterator[DeletedRecord]:
    """Yield the entries of which no query, not even one for deleted rows, knows anything."""
    for begin in range(0, len(entries), _IDS_A_QUERY):
        chunk = entries[begin : begin + _IDS_A_QUERY]
        ids = ", ".join(quoted(entry.id) for entry in chunk)
        page = client.query(Select(source, ("Id",), (f"Id IN ({ids})",)), all_rows=True)
        present = {record["Id"] for record in page.records}
        yield from (entry for entry in chunk if entry.id not in present)


def _warn_of_gap(source: str, since: str, earliest: str) -> None:
    logger.warning(
        "%s: Salesforce's deletion log begins at %s, the last read was at %s. Records purged in "
        "between are not seen; compare the ids once (full refresh) if that matters",
        source,
        earliest,
        since,
    )


def _floor(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)

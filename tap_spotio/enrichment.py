"""From rows of a listing to full records, with as few calls as the API allows.

What a listing lacks and what a call costs (OpenAPI; 70 ids are what a query can carry):

* ``many`` tells everything but the parent, 70 records a call;
* a search with ``includeParentData`` tells parents, 200 records a call, and one call before it for
  the filter, unless the newest 200 will do;
* a single read tells everything, one record a call.

So one or two children are read singly; more of them by ``many`` and a search.
"""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

from reverse_sf.spotio.client import MANY
from reverse_sf.spotio.search import Search, parent_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from datetime import datetime

    from reverse_sf.spotio.client import Spotio
    from reverse_sf.spotio.record import Record
    from reverse_sf.spotio.search import Row

logger = logging.getLogger("tap-spotio")

_FEW = 2


class Enrichment:
    """Completes the rows of one run.

    Args:
        spotio: the tenant.
        child_types: ids of the record types whose records have parents.
        since: first stamp that the run reads; None for all records.
        page_size: rows of a search.
        workers: calls at a time.
    """

    def __init__(
        self,
        spotio: Spotio,
        *,
        child_types: Collection[str],
        since: datetime | None,
        page_size: int,
        workers: int,
    ) -> None:
        self._spotio = spotio
        self._search = Search(spotio.session, page_size=page_size, with_parents=True)
        self._page_size = page_size
        self._child_types = frozenset(child_types)
        self._since = since
        self._parents: dict[str, str | None] = {}
        self._swept = False
        self._workers = workers
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="tap-spotio")
        self.block = MANY * workers

    def close(self) -> None:
        """Let go of the threads."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def full(self, rows: Sequence[Record], *, last: bool) -> Iterator[tuple[Record, Record]]:
        """Each row with its full record, in the order of the rows; who is gone is left out.

        Args:
            rows: from a listing, :attr:`block` of them at most for full use of all workers.
            last: no more rows follow in this run.
        """
        children = [row.id for row in rows if row.type_id in self._child_types]
        alone = set(children) if last and not self._swept and len(children) <= _FEW else set()
        together = [row.id for row in rows if row.id not in alone]
        chunks = [together[at : at + MANY] for at in range(0, len(together), MANY)]
        found = {
            record.id: record
            for chunk in self._pool.map(lambda ids: list(self._spotio.many(ids)), chunks)
            for record in chunk
        }
        wanted = [one for one in children if one not in alone]
        self._find_parents(wanted, rows=len(rows), last=last)
        for record_id in wanted:
            record = found.get(record_id)
            if record is None or record_id not in self._parents:
                found.pop(record_id, None)
            else:
                parent = self._parents[record_id]
                found[record_id] = replace(record, parents=(parent,) if parent else ())
        # One by one: a lone child, and whatever the calls for many did not show.
        singly = [row.id for row in rows if row.id not in found]
        for record in self._pool.map(self._spotio.read, singly):
            if record is not None:
                found[record.id] = record
        for row in rows:
            if row.id in found:
                yield row, found[row.id]

    def _find_parents(self, wanted: Sequence[str], *, rows: int, last: bool) -> None:
        missing = [one for one in wanted if one not in self._parents]
        if not missing:
            return
        only = next(iter(self._child_types)) if len(self._child_types) == 1 else None
        if last and not self._swept and (len(missing) if only else rows) <= self._page_size:
            self._keep(self._search.newest(only))
            missing = [one for one in missing if one not in self._parents]
        if len(missing) > _FEW and not self._swept:
            self._swept = True
            for number, page in enumerate(
                self._search.updated(self._since, type_ids=sorted(self._child_types)), start=1
            ):
                self._keep(page)
                if number % 100 == 0:
                    logger.info("Reading parents: %d records so far", len(self._parents))

    def _keep(self, page: Sequence[Row]) -> None:
        for row in page:
            if str(row.get("typeId")) in self._child_types:
                self._parents[str(row["id"])] = parent_of(row)

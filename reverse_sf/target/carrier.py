"""Carries records to Salesforce by whichever API costs the fewest requests.

Few records go 200 a call, many in a Bulk API 2.0 job. What a job did not look at, and what a job
cannot carry, goes 200 a call. Locked rows are tried again one at a time, and a record that a
duplicate rule refused is sent alone once more, because only that call tells the matches.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reverse_sf.errors import AccessError, ConfigurationError
from reverse_sf.salesforce.ingest import Ingest, IngestOrder, cell_of, fits_csv
from reverse_sf.salesforce.refusals import SalesforceError
from reverse_sf.salesforce.saves import Complaint, Saved
from reverse_sf.target.vocabulary import ID

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
    from datetime import datetime

    from reverse_sf.salesforce.collections import Collections
    from reverse_sf.salesforce.ingest import IngestResult
    from reverse_sf.salesforce.single import SingleRecords
    from reverse_sf.target.jobs import Jobs

logger = logging.getLogger("target-salesforce")

Row = tuple[str, ...]


@dataclass
class Parcel:
    """One record on its way.

    Attributes:
        values: what to write; with ``Id`` for an update or a delete, with the key for an upsert.
        tag: whatever the sender wants back with the answer.
        since: write only if nobody has changed the record after this; for a parcel that goes alone.
    """

    values: dict[str, Any]
    tag: Any = field(default=None, repr=False)
    since: datetime | None = None


@dataclass(frozen=True)
class Route:
    """What is done to which object.

    Attributes:
        operation: insert, update, upsert, delete or hardDelete, as Bulk API 2.0 names them.
        key: key field of an upsert.
        guarded: the records were read before, so an update without an answer is not repeated but
            comes back as unknown.
    """

    sobject: str
    operation: str
    key: str | None = None
    guarded: bool = False

    @property
    def key_column(self) -> str | None:
        """The column that tells rows apart; None for an insert."""
        return self.key if self.operation == "upsert" else None if self.inserts else ID

    @property
    def inserts(self) -> bool:
        """Whether sending a record twice makes two."""
        return self.operation == "insert"


@dataclass(frozen=True)
class Delivery:
    """What became of a parcel, and by which call."""

    parcel: Parcel
    saved: Saved
    method: str
    path: str


class Carrier:
    """Sends parcels.

    Args:
        collections: 200 records a call.
        single: one record a call.
        ingest: jobs.
        jobs: remembers jobs, so that a restarted run waits for them.
        bulk_threshold: from so many parcels on, a job carries them; 0 never.
        tick: called now and then while waiting.
        distrust: called with an object of which records were refused: what is known of its fields
            may be out of date.
    """

    def __init__(
        self,
        collections: Collections,
        single: SingleRecords,
        ingest: Ingest,
        jobs: Jobs,
        *,
        bulk_threshold: int,
        tick: Callable[[], None],
        distrust: Callable[[str], None],
    ) -> None:
        self.collections = collections
        self.single = single
        self._ingest = ingest
        self._jobs = jobs
        self._bulk_threshold = bulk_threshold
        self._tick = tick
        self._distrust = distrust
        self._made_earlier: dict[tuple[str, Row], list[str]] = {}
        self._earlier_finished = False
        self._ended: list[str] = []

    def finish_earlier(self) -> None:
        """Wait for jobs that an earlier run left at work, and keep what they created.

        Raises:
            RetryError: a job shows no progress.
        """
        if self._earlier_finished:
            return
        for job in self._jobs.open_jobs():
            # What it did is told again until this run has committed what it makes of it.
            self._ended.append(job.job_id)
            state = self._ingest.state(job.job_id)
            if state is not None and state.state == "Open":
                self._ingest.abort(job.job_id)
            elif state is not None:
                logger.info("Waiting for Bulk job %s of an earlier run", job.job_id)
                result = self._ingest.finished(job.job_id, self._tick)
                for record_id, created, row in result.succeeded if job.inserts else ():
                    if created:
                        known = (job.sobject, _signature(result.columns, row))
                        self._made_earlier.setdefault(known, []).append(record_id)
        self._earlier_finished = True

    def made_earlier(self, sobject: str, values: Mapping[str, Any]) -> str | None:
        """The record that a job of an earlier run made of these very values, if one did."""
        cells = _cells(values)
        known = (sobject, _signature(list(cells), list(cells.values())))
        made = self._made_earlier.get(known)
        return made.pop() if made else None

    def send(self, route: Route, parcels: Sequence[Parcel]) -> Iterator[Delivery]:
        """Send parcels; what became of each comes in any order, as soon as it is known.

        Raises:
            ReverseSFError: Salesforce does not answer, or refuses us altogether; what was yielded
                before is done.
        """
        self.finish_earlier()
        again: list[Parcel] = []
        refused = False
        for delivery in self._sent(route, parcels):
            if delivery.saved.complaints and not refused:
                refused = True
                self._distrust(route.sobject)
            if (delivery.saved.locked or delivery.saved.duplicate) and route.operation in _SINGLE:
                again.append(delivery.parcel)
            else:
                yield delivery
        for parcel in again:
            self._tick()
            yield self._alone(route, parcel)

    def _sent(self, route: Route, parcels: Sequence[Parcel]) -> Iterator[Delivery]:
        rest = list(parcels)
        if len(rest) == 1 and route.operation == "update" and rest[0].since is not None:
            yield self._alone(route, rest[0])
            return
        by_job = bool(self._bulk_threshold) and len(rest) >= self._bulk_threshold
        if by_job or route.operation == "hardDelete":
            fitting = [one for one in rest if fits_csv(one.values)]
            rest = [one for one in rest if not fits_csv(one.values)]
            left = yield from self._by_job(route, fitting)
            rest += left
        if rest and route.operation == "hardDelete":
            words = "Salesforce did not look at it; only a Bulk API 2.0 job can delete for good"
            for parcel in rest:
                saved = Saved(complaints=(Complaint("", words),))
                yield Delivery(parcel, saved, "PUT", "/jobs/ingest")
        elif rest:
            yield from self._by_collection(route, rest)

    def _alone(self, route: Route, parcel: Parcel) -> Delivery:
        values = dict(parcel.values)
        path = f"/sobjects/{route.sobject}"
        if route.operation == "insert":
            return Delivery(parcel, self.single.create(route.sobject, values), "POST", path)
        if route.operation == "upsert" and route.key and route.key != ID:
            saved = self.single.upsert(route.sobject, route.key, values)
            return Delivery(parcel, saved, "PATCH", f"{path}/{route.key}")
        record_id = str(values.pop(ID))
        saved = self.single.update(
            route.sobject,
            record_id,
            values,
            unmodified_since=parcel.since,
            once=route.guarded,
        )
        return Delivery(parcel, saved, "PATCH", f"{path}/{record_id}")

    def _by_collection(self, route: Route, parcels: Sequence[Parcel]) -> Iterator[Delivery]:
        collections, path = self.collections, "/composite/sobjects"
        if route.operation == "delete":
            method = "DELETE"
            answers = collections.delete([str(one.values[ID]) for one in parcels])
        elif route.operation == "upsert" and route.key:
            method, path = "PATCH", f"{path}/{route.sobject}/{route.key}"
            answers = collections.upsert(route.sobject, route.key, [one.values for one in parcels])
        else:
            rows = [(route.sobject, one.values) for one in parcels]
            method = "POST" if route.inserts else "PATCH"
            answers = (
                collections.create(rows)
                if route.inserts
                else collections.update(rows, once=route.guarded)
            )
        # Not strict: an answer that never comes is an error that the answers raise.
        for parcel, saved in zip(parcels, answers, strict=False):
            self._tick()
            yield Delivery(parcel, saved, method, path)

    # Jobs

    def _by_job(
        self, route: Route, parcels: Sequence[Parcel]
    ) -> Generator[Delivery, None, list[Parcel]]:
        """Send parcels by a job; returns those that it did not look at."""
        if not parcels:
            return []
        cells = [_cells(one.values) for one in parcels]
        columns = list(dict.fromkeys(name for row in cells for name in row))
        rows = [[row.get(name, "") for name in columns] for row in cells]
        try:
            job_id = self._ingest.upload(
                IngestOrder(route.sobject, route.operation, route.key), columns, rows
            )
        except (SalesforceError, ConfigurationError, AccessError) as error:
            logger.warning("%s cannot go by Bulk API 2.0: %s", route.sobject, error)
            return list(parcels)
        self._jobs.opened(job_id, route.sobject, inserts=route.inserts)
        self._ingest.start(job_id)
        result = self._ingest.finished(job_id, self._tick)
        if result.state != "JobComplete":
            logger.warning("Bulk job %s ended as %s: %s", job_id, result.state, result.error)
        sorter = _Sorter(route, columns, parcels, rows)
        path = f"/jobs/ingest/{job_id}"
        for parcel, saved in sorter.matched(result):
            yield Delivery(parcel, saved, "PUT", path)
        self._ended.append(job_id)
        unseen = sorter.unseen()
        if unseen and route.inserts and not result.complete:
            # Nobody can tell whether these were made.
            for parcel in unseen:
                yield Delivery(parcel, Saved(unknown=True), "PUT", path)
            return sorter.unprocessed
        return sorter.unprocessed + unseen

    def forget_jobs(self) -> None:
        """Forget ended jobs: what they did is committed."""
        while self._ended:
            job_id = self._ended.pop()
            self._jobs.close(job_id)
            self._ingest.discard(job_id)


_SINGLE = frozenset({"insert", "update", "upsert"})


class _Sorter:
    """Finds the parcel of each row that a result file gives back."""

    def __init__(
        self,
        route: Route,
        columns: Sequence[str],
        parcels: Sequence[Parcel],
        rows: Sequence[Sequence[str]],
    ) -> None:
        self._key = route.key_column
        self._waiting: dict[Row, list[Parcel]] = defaultdict(list)
        for parcel, row in zip(parcels, rows, strict=True):
            self._waiting[self._mark(columns, row)].append(parcel)
        self.unprocessed: list[Parcel] = []

    def _mark(self, columns: Sequence[str], row: Sequence[str]) -> Row:
        if self._key is not None and self._key in columns:
            cell = row[columns.index(self._key)]
            return (cell[:15] if self._key == ID else cell.strip().lower(),)
        return _signature(columns, row)

    def _take(self, columns: Sequence[str], row: Sequence[str]) -> Parcel | None:
        found = self._waiting.get(self._mark(columns, row))
        return found.pop(0) if found else None

    def matched(self, result: IngestResult) -> Iterator[tuple[Parcel, Saved]]:
        """Parcels that the job wrote or refused."""
        columns = result.columns
        for record_id, created, row in result.succeeded:
            if (parcel := self._take(columns, row)) is not None:
                yield parcel, Saved(record_id, created)
        for record_id, complaint, row in result.failed:
            if (parcel := self._take(columns, row)) is not None:
                yield parcel, Saved(record_id or None, complaints=(complaint,))
        for row in result.unprocessed:
            if (parcel := self._take(columns, row)) is not None:
                self.unprocessed.append(parcel)

    def unseen(self) -> list[Parcel]:
        """Parcels that no result file names."""
        return [parcel for waiting in self._waiting.values() for parcel in waiting]


def _cells(values: Mapping[str, Any]) -> dict[str, str]:
    """A record as CSV cells; a reference by external id has a column of its own."""
    cells: dict[str, str] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            kind = (value.get("attributes") or {}).get("type")
            path = f"{kind}:{name}" if kind else name
            for key, one in value.items():
                if key != "attributes":
                    cells[f"{path}.{key}"] = cell_of(one)
        else:
            cells[name] = cell_of(value)
    return cells


def _signature(columns: Sequence[str], row: Sequence[str]) -> Row:
    """All cells that say something, whatever the order of the columns."""
    return tuple(f"{name}={cell}" for name, cell in sorted(zip(columns, row, strict=False)) if cell)

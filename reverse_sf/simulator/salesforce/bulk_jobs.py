"""Bulk API 2.0 query jobs: results rendered once into a file.

A job's rows are read and written as CSV by a thread as soon as it is made. Pages are slices of
that file, so a page costs the same whatever it holds.
"""

from __future__ import annotations

import itertools
import random
from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from reverse_sf.simulator.salesforce.jobs import DELIMITERS, LINE_ENDINGS, Job, Jobs, Order
from reverse_sf.simulator.salesforce.queries import ordered
from reverse_sf.simulator.salesforce.refusal import ApiFault

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from reverse_sf.simulator.clock import Clock
    from reverse_sf.simulator.salesforce.org import Org
    from reverse_sf.simulator.switches import Switches

_SHUFFLED_AT_ONCE = 10_000


@dataclass(frozen=True, kw_only=True)
class QueryOrder(Order):
    """What a client asked for."""

    soql: str


@dataclass(kw_only=True)
class QueryJob(Job):
    """One job.

    Attributes:
        header: the first line of every page.
        offsets: where each row begins in the file, and where the last one ends.
    """

    retried: ClassVar[str] = "InternalServerError: Retried more than fifteen times"
    order: QueryOrder
    path: Path
    state: str = "UploadComplete"
    header: bytes = b""
    offsets: array[int] = field(default_factory=lambda: array("Q", [0]))

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.offsets) - 1

    def as_json(self) -> dict[str, Any]:
        """The job as the API shows it."""
        shown = super().as_json()
        if self.state != "UploadComplete":
            shown |= {"jobType": "V2Query", "retries": 0, "totalProcessingTime": 0}
            shown["numberRecordsProcessed"] = self.rows if self.state == "JobComplete" else 0
        return shown


class QueryJobs(Jobs[QueryJob]):
    """All query jobs of the org."""

    def __init__(self, org: Org, clock: Clock, switches: Switches, folder: Path) -> None:
        super().__init__(clock, switches, first_number=0)
        self._org = org
        self._folder = folder

    def create(self, order: QueryOrder) -> QueryJob:
        """Make a job and start to render its results.

        Raises:
            ApiFault: the statement is refused.
        """
        # The org checks the statement before it gives the first row, so a wrong one is refused
        # at creation, as Salesforce does.
        header, rows = self._org.query_rows(
            order.soql, all_rows=order.operation == "queryAll", user_id=order.user_id
        )
        delimiter = DELIMITERS[order.delimiter]
        line_ending = LINE_ENDINGS[order.line_ending]

        def make(number: int, common: dict[str, Any]) -> QueryJob:
            return QueryJob(
                order=order,
                path=self._folder / f"job-{number}.csv",
                header=_line(header, delimiter, line_ending),
                **common,
            )

        job = self._add(make)
        lines: Iterator[bytes] = (_line(row, delimiter, line_ending) for row in rows)
        mode = self._switches["bulk_order"]
        if mode == "always" or (mode == "unordered" and not ordered(order.soql)):
            lines = _shuffled(lines, job.path.name)
        self._start(job, lambda: _render(job, lines))
        return job

    def _discard(self, job: QueryJob) -> None:
        job.path.unlink(missing_ok=True)


def page_end(job: QueryJob, start: int, most_rows: int) -> int:
    """The row after the last one of a page that begins at ``start``."""
    return min(start + most_rows, job.rows)


def _render(job: QueryJob, lines: Iterable[bytes]) -> None:
    place = 0
    try:
        with job.path.open("wb", buffering=1 << 20) as file:
            for line in lines:
                if job.state == "Aborted":
                    break
                file.write(line)
                place += len(line)
                job.offsets.append(place)
        job.broken = None
    except ApiFault as fault:
        job.broken = f"{fault.code}: {fault.message}"


def _line(values: Sequence[str], delimiter: str, line_ending: str) -> bytes:
    """One row, every value in quotes as Salesforce writes it."""
    text = f'"{delimiter}"'.join(values)
    if text.count('"') != 2 * (len(values) - 1):
        text = f'"{delimiter}"'.join([value.replace('"', '""') for value in values])
    return f'"{text}"{line_ending}'.encode()


def _shuffled(lines: Iterator[bytes], seed: str) -> Iterator[bytes]:
    """All lines in another order, without holding all of them."""
    chance = random.Random(seed)  # noqa: S311 - an order, not a secret
    held: list[bytes] = []
    while chunk := list(itertools.islice(lines, _SHUFFLED_AT_ONCE)):
        held += chunk
        chance.shuffle(held)
        ready = max(0, len(held) - _SHUFFLED_AT_ONCE // 2)
        yield from held[:ready]
        del held[:ready]
    yield from held

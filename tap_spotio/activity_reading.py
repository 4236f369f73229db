"""One read of SPOTIO's activities: both listings joined by id, and the rest one by one."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from reverse_sf.spotio.client import MANY
from reverse_sf.spotio.instants import parse_instant
from tap_spotio.activity_rows import Halves
from tap_spotio.activity_shape import Standing
from tap_spotio.properties import identifier
from tap_spotio.window import MARGIN, digest_of, is_after

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from concurrent.futures import Executor
    from datetime import datetime

    from reverse_sf.spotio.activities import Activities
    from reverse_sf.spotio.activity_calls import ActivityCalls
    from reverse_sf.spotio.client import Spotio
    from tap_spotio.activity_templates import Choice, Vocabulary
    from tap_spotio.standings import Standings
    from tap_spotio.window import Overlap

    Row = Mapping[str, Any]
    Vocabularies = Callable[[Iterable[Row]], Vocabulary]

BLOCK = 200
"""Activities that go out together; what has to be asked for them is asked side by side."""
_NO_STANDING = Standing()


@dataclass(frozen=True)
class Found:
    """One activity, with all that is known of it.

    Attributes:
        exported: its row in the export.
        told: its row in the feed; without one, the activity as read by itself.
        in_feed: which of the two ``told`` is.
        type_id: its record's type; None where the record is gone.
    """

    exported: Row
    told: Row
    in_feed: bool
    standing: Standing
    type_id: str | None


class ActivityReading:
    """Finds the activities of one run.

    Args:
        spotio: the tenant.
        source: its activities since the window's start.
        calls: reads those one by one that the listings do not tell whole.
        standings: tells which appointment an activity has.
        pool: where calls are made side by side.
        choice: which activities are wanted.
        vocabulary: the templates, renewed where rows have one that is not known.
        start: first ``updatedAt`` that is wanted; None for all.
        began: when this read began, by the clock that stamps activities; None where none is known.
        overlap: what the last run read and this one meets again.
        until: last ``updatedAt`` that is wanted; None for no such bound.
    """

    def __init__(
        self,
        spotio: Spotio,
        source: Activities,
        calls: ActivityCalls,
        standings: Standings,
        pool: Executor,
        *,
        choice: Choice,
        vocabulary: Vocabularies,
        start: datetime | None,
        began: datetime | None,
        overlap: Overlap,
        until: datetime | None = None,
    ) -> None:
        self._until = until
        self._spotio = spotio
        self._source = source
        self._calls = calls
        self._standings = standings
        self._pool = pool
        self._choice = choice
        self._vocabulary = vocabulary
        self._start = start
        self._began = began
        self._overlap = overlap
        self.latest: datetime | None = None

    def read(self, limit: int | None = None) -> Iterator[list[Found]]:
        """All activities in blocks.

        Args:
            limit: so many at most, for a test of the connection.
        """
        with closing(Halves()) as halves:
            for row in islice(self._source.exported(), limit):
                self._sift(row, halves)
            if not halves:
                return
            if limit is None:
                for row in self._source.fed():
                    halves.add_fed(row)
            # Planned ones first: they show with which templates there are series.
            for alone in halves.alone(BLOCK):
                yield self._singly(alone)
            for both in halves.done(BLOCK):
                yield from self._together(both)

    def _sift(self, row: Row, halves: Halves) -> None:
        """Keep a row of the export unless it was read before or is not wanted."""
        at = parse_instant(str(row["updatedAt"]))
        if self.latest is None or at > self.latest:
            self.latest = at
        if self._start is not None and at < self._start - MARGIN:
            return
        if is_after(at, self._until):
            return
        digest = digest_of(row)
        if digest in self._overlap or not self._choice.may_want(row, self._vocabulary(())):
            self._overlap.note(at, digest)
        else:
            halves.add_exported(row)

    def _together(self, pairs: Sequence[tuple[Row, Row]]) -> Iterator[list[Found]]:
        """Activities of both listings, which may have been read at different moments."""
        good, behind = [], []
        for exported, fed in pairs:
            in_export, in_feed = (parse_instant(str(one["updatedAt"])) for one in (exported, fed))
            if in_feed > in_export and (
                (self._began is not None and in_feed >= self._began)
                or is_after(in_feed, self._until)
            ):
                continue  # it changed after this run's window: a later one reads it whole
            lags = in_feed.replace(microsecond=0) < in_export.replace(microsecond=0)
            if lags or not (fed.get("dataObject") or {}).get("typeId"):
                behind.append(exported)
            else:
                good.append((exported, fed))
        yield self._singly(behind)
        vocabulary = self._vocabulary([fed for _, fed in good])
        wanted = self._wanted(good, vocabulary)
        standings = self._standings.of_done((fed for _, fed in wanted), vocabulary)
        yield [
            Found(
                exported,
                fed,
                in_feed=True,
                standing=standings.get(str(fed["id"]), _NO_STANDING),
                type_id=str(fed["dataObject"]["typeId"]),
            )
            for exported, fed in wanted
        ]

    def _singly(self, rows: Sequence[Row]) -> list[Found]:
        """Activities that are read one by one; who is gone is left out."""
        read = self._pool.map(self._calls.stored, [str(row["id"]) for row in rows])
        found = [(row, told) for row, told in zip(rows, read, strict=True) if told is not None]
        vocabulary = self._vocabulary([told for _, told in found])
        wanted = self._wanted(found, vocabulary)
        done = [told for _, told in wanted if told.get("done")]
        standings = self._standings.of_planned([one for _, one in wanted if not one.get("done")])
        standings |= self._standings.of_done(done, vocabulary)
        types = self._types(
            str(told["dataObjectId"])
            for _, told in wanted
            if standings.get(str(told["id"]), _NO_STANDING).type_id is None
        )
        return [self._single(row, told, standings, types) for row, told in wanted]

    @staticmethod
    def _single(
        row: Row, told: Row, standings: Mapping[str, Standing], types: Mapping[str, str]
    ) -> Found:
        standing = standings.get(str(told["id"])) or Standing(
            appointment_id=identifier(told.get("appointmentId"))
        )
        type_id = standing.type_id or types.get(str(told["dataObjectId"]))
        return Found(row, told, in_feed=False, standing=standing, type_id=type_id)

    def _wanted(
        self, pairs: Sequence[tuple[Row, Row]], vocabulary: Vocabulary
    ) -> list[tuple[Row, Row]]:
        wanted = []
        for exported, told in pairs:
            if self._choice.wants(told, vocabulary):
                wanted.append((exported, told))
            else:
                self.note(exported)
        return wanted

    def _types(self, record_ids: Iterable[str]) -> dict[str, str]:
        """Types of records; who is gone is left out."""
        ids = list(dict.fromkeys(record_ids))
        chunks = [ids[at : at + MANY] for at in range(0, len(ids), MANY)]
        found = {
            record.id: record.type_id
            for records in self._pool.map(lambda chunk: list(self._spotio.many(chunk)), chunks)
            for record in records
        }
        # Missing once is no proof: the record is asked for by itself.
        missing = [one for one in ids if one not in found]
        for record in self._pool.map(self._spotio.read, missing):
            if record is not None:
                found[record.id] = record.type_id
        return found

    def note(self, exported: Row) -> None:
        """Take note that an activity was sent, or did not have to be."""
        self._overlap.note(parse_instant(str(exported["updatedAt"])), digest_of(exported))

"""One run of the mapper: lease, replanning, the tap's messages in order, and a proper end."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta, timezone
from functools import partial
from typing import TYPE_CHECKING

from reverse_sf.errors import ConfigurationError, StopError
from reverse_sf.ledger.encoding import moment
from reverse_sf.ledger.holder import HANDED_OVER, this_process
from reverse_sf.ledger.rows import Run
from reverse_sf.mapper import blast, messages
from reverse_sf.mapper.account import account
from reverse_sf.mapper.batch import RunFacts, Tally
from reverse_sf.mapper.collector import calm_collector
from reverse_sf.mapper.course import TO_SPOTIO
from reverse_sf.mapper.decisions import Decider
from reverse_sf.mapper.heartbeat import Heartbeat
from reverse_sf.mapper.observation import instant
from reverse_sf.mapper.people import People
from reverse_sf.mapper.progress import Progress
from reverse_sf.mapper.replanning import Replanning
from reverse_sf.mapper.streams import Stream, Streams
from reverse_sf.mapper.suspicion import Suspicion
from reverse_sf.mapper.user_sync import UserSyncing, attribute_names
from reverse_sf.mapping.definition import Side
from reverse_sf.merge.envelope import USERS_PAIR

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Iterable

    from typing_extensions import Self

    from reverse_sf.ledger.store import Ledger
    from reverse_sf.mapper.course import Course
    from reverse_sf.mapper.messages import Line, Writer
    from reverse_sf.mapper.suspicion import Limits
    from reverse_sf.mapping.definition import SyncDefinition
    from reverse_sf.merge.plan import Selection

HAND_OVER_SECONDS = 60.0
"""How long a target has to take the lease over; one that never began must not bar the next run."""


def utc_now() -> str:
    """The moment, UTC with milliseconds."""
    at = datetime.now(timezone.utc)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"


class MappingRun:
    """Turns the messages of a tap into the writes that are due; use as a context manager.

    Args:
        definition: the sync definition.
        ledger: open, and used by this run only.
        writer: where messages for the target go.
        logger: where progress and the account of the run go.
        limits: settings.
        course: the direction.
        clock: the moment, as UTC text.
        only: of a plan that is carried out; every other record is left to the next run.
        pairs: names of the only pairs that the run is about, :data:`USERS_PAIR` among them for
            users: the tap reads a part of their records, and what it does not send is left alone.
    """

    def __init__(
        self,
        definition: SyncDefinition,
        ledger: Ledger,
        writer: Writer,
        *,
        logger: logging.Logger,
        limits: Limits,
        course: Course = TO_SPOTIO,
        clock: Callable[[], str] = utc_now,
        only: Selection | None = None,
        pairs: frozenset[str] | None = None,
    ) -> None:
        self._pairs = pairs
        self._course = course
        self._only = only
        self._clock = clock
        self._definition = definition
        self._ledger = ledger
        self._writer = writer
        self._logger = logger
        self._limits = limits
        self.run_id = f"{datetime.now(timezone.utc):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
        self._tally = Tally()
        self._streams: Streams
        self._people: People
        self._decider: Decider
        self._replanning: Replanning
        self._users: UserSyncing | None = None
        self._ledger_was_new = False
        self._suspicion: Suspicion
        self._held_state: bytes | None = None
        self._dropped: set[str] = set()
        self._heart = Heartbeat(ledger, self.run_id, limits.lease_ttl)
        self._lines = 0
        self._told = Progress(logger)

    def __enter__(self) -> Self:
        """Take the lease and read what the ledger knows.

        Raises:
            LeaseHeldError: another runner is at work in this direction.
        """
        ledger, definition = self._ledger, self._definition
        self._ledger_was_new = ledger.is_new
        before = ledger.last_run(self._course.direction)
        now = self._clock()
        ledger.begin_run(
            Run(
                run_id=self.run_id,
                direction=self._course.direction,
                started_at=now,
                definition_fingerprint=definition.fingerprint,
                holder=this_process(),
            ),
            ttl_seconds=self._limits.lease_ttl,
        )
        try:
            self._suspicion = Suspicion(
                ledger,
                self._limits,
                self._course,
                is_new=self._ledger_was_new,
                is_part=self._pairs is not None,
            )
            self._people = People(
                ledger.users(Side.SALESFORCE),
                ledger.users(Side.SPOTIO),
                self._course,
                attribute_names(definition.users),
                ledger.linked_pairs(USERS_PAIR),
            )
            self._streams = Streams(
                definition,
                ledger,
                self._people,
                self._tally,
                course=self._course,
                now=now,
                pairs=self._pairs,
            )
            if self._course is TO_SPOTIO and (self._pairs is None or USERS_PAIR in self._pairs):
                self._users = UserSyncing(
                    definition.users,
                    ledger,
                    self._people,
                    self._writer,
                    tally=self._tally,
                    run=RunFacts(self.run_id, definition.fingerprint),
                    logger=self._logger,
                    most_suspensions=self._limits.delete_limit,
                    percent=self._limits.delete_limit_percent,
                )
            self._decider = Decider(
                ledger,
                self._writer,
                self._people,
                tally=self._tally,
                run=RunFacts(self.run_id, definition.fingerprint),
                course=self._course,
                now=self._clock,
                guard=lambda: self._suspicion.changes(self._streams),
            )
            self._replanning = Replanning(
                ledger,
                self._decider,
                self._streams,
                course=self._course,
                definition_fingerprint=definition.fingerprint,
                now=self._clock,
                heart=self._heart,
                logger=self._logger,
                only=self._only,
                is_part=self._pairs is not None,
            )
            if before and before.definition_fingerprint != definition.fingerprint:
                blast.tell(
                    definition,
                    ledger,
                    self._course,
                    partial(self._rehearsal, now),
                    run_id=self.run_id,
                    now=now,
                    is_part=self._pairs is not None,
                    logger=self._logger,
                )
            blast.keep(ledger, definition, self._course)
        except BaseException:
            ledger.finish_run(self.run_id, "failed")
            raise
        self._heart.start()
        return self

    def _rehearsal(self, now: str, tally: Tally) -> tuple[Streams, Decider]:
        """What decides as this run will, and counts into a tally of its own."""
        ledger, definition, course = self._ledger, self._definition, self._course
        streams = Streams(definition, ledger, self._people, tally, course=course, now=now)
        run = RunFacts(self.run_id, definition.fingerprint)
        decider = Decider(
            ledger,
            self._writer,
            self._people,
            tally=tally,
            run=run,
            course=course,
            now=lambda: now,
        )
        return streams, decider

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """End the run; where a target has records to finish, the run is the target's to end."""
        self._heart.stop()
        if kind is None:
            if self._writer.records:
                self._ledger.heartbeat(
                    self.run_id,
                    ttl_seconds=min(self._limits.lease_ttl, HAND_OVER_SECONDS),
                    holder=HANDED_OVER,
                )
            else:
                self._ledger.finish_run(self.run_id, "done")
            return
        interrupted = not issubclass(kind, Exception)
        self._ledger.finish_run(self.run_id, "interrupted" if interrupted else "failed")

    def read(self, lines: Iterable[bytes]) -> None:
        """Work through the tap's output to its end.

        Raises:
            ConfigurationError: the input is no Singer output, or lacks needed fields.
            StopError: a guard refuses.
            LeaseHeldError: the lease was lost to another runner.
            RetryError: the target has ended.
        """
        with calm_collector():
            self._messages(lines)
        self._decide_users()
        self._replanning.everything()
        self._decide_all()
        self._suspicion.ends(self._streams)
        if self._held_state is not None:
            self._writer.state(self._held_state)
        self._delete()
        self._decider.commit_counts()
        self._writer.flush()
        self._forget()
        self._report()

    def _forget(self) -> None:
        """Let go of history that is older than wanted; the target has all it needs by now."""
        days = self._limits.log_retention_days
        if not days:
            return
        now = datetime.fromisoformat(self._clock().replace("Z", "+00:00"))
        number = self._ledger.forget(before=moment(now - timedelta(days=days)))
        if number:
            self._logger.info(
                "the ledger forgot %d log rows, finished operations and runs of more than %d days"
                " ago",
                number,
                days,
            )

    def _messages(self, lines: Iterable[bytes]) -> None:
        mapped = self._streams.by_name
        batch_size = self._limits.batch_size
        for text in lines:
            self._lines += 1
            if text.isspace():
                continue
            line = messages.read_line(text, self._lines)
            if line.type == messages.RECORD:
                stream = mapped.get(line.stream)
                if stream is None:
                    self._unmapped(line)
                    continue
                if not stream.waiting:
                    stream.seen_at = instant(line.time_extracted)
                stream.observed += 1
                if self._only is not None and not self._only.takes(line.record):
                    self._tally.add(stream.name, "skipped", "not in the plan")
                    continue
                stream.waiting.append(line.record)
                if len(stream.waiting) >= batch_size:
                    self._decide(stream)
            else:
                self._other(line, text)

    def _other(self, line: Line, text: bytes) -> None:
        if line.type == messages.STATE:
            if not self._replanning.is_done:
                self._suspicion.begins(line.value, self._streams)
            self._decide_all()
            if any(map(self._suspicion.is_empty, self._streams.by_name.values())):
                # Nothing of it may be believed before the tap has sent a record.
                self._held_state = text
                return
            self._held_state = None
            if self._people.changed:
                # The state may say that users were read: nobody will read them again.
                self._decider.commit_counts()
            self._writer.state(text)
        elif line.type == messages.SCHEMA:
            stream = self._streams.by_name.get(line.stream)
            # Before anything else: what another org or company says must change nothing.
            self._streams.pin_source(line.schema)
            self._users_begin_or_end(line)
            if stream is not None:
                self._replanning.everything()
                self._decide(stream)
                self._streams.announce(stream, line.schema, line.bookmark_properties)
        elif line.type == messages.BATCH:
            if line.stream in self._streams.by_name:
                raise ConfigurationError(
                    f"the tap sends {line.stream} as BATCH files, which a mapper cannot read: turn"
                    " batch_config off in the tap's settings"
                )
        elif line.type != messages.ACTIVATE_VERSION:
            raise ConfigurationError(f"line {self._lines} has the unknown type {line.type!r}")

    def _unmapped(self, line: Line) -> None:
        if line.stream in self._course.user_streams:
            self._people.saw(line.record)
            self._tally.add(line.stream, "observed")
            return
        if self._pairs is not None:
            self._tally.add(line.stream, "skipped", "not asked for")
            return
        if line.stream not in self._dropped:
            self._dropped.add(line.stream)
            self._logger.info(
                "%s is not mapped toward %s in %s: its records are dropped",
                line.stream,
                self._course.destination_name,
                self._definition.source,
            )
        self._tally.add(line.stream, "skipped", "not mapped")

    def _users_begin_or_end(self, schema: Line) -> None:
        """Users come first, and so do their writes: the records after them may be theirs."""
        begins = schema.stream in self._course.user_streams
        self._people.announced = self._people.announced or begins
        if self._users is None:
            return
        if begins:
            self._users.announce(schema.schema)
        elif self._people.seen:
            # Of a part that is read, nobody is taken for gone who is not in it.
            self._decide_users(complete=self._pairs is None)

    def _decide_users(self, *, complete: bool = False) -> None:
        if self._users is not None and self._users.due:
            self._heart.check()
            self._users.decide(self._clock(), complete=complete, only=self._only)

    def _decide(self, stream: Stream) -> None:
        if not stream.waiting:
            return
        if not stream.announced:
            raise ConfigurationError(
                f"line {self._lines}: the tap sent records of {stream.name} before their SCHEMA"
            )
        self._replanning.everything()
        self._replanning.of_sent(stream)
        self._heart.check()
        self._decider.records(stream)
        self._told.tell(read=self._lines, to_write=self._writer.records)

    def _decide_all(self) -> None:
        for stream in self._streams.by_name.values():
            self._decide(stream)

    def _delete(self) -> None:
        wanted = {
            name: sorted(set(one.planner.deletes))
            for name, one in self._streams.by_pair.items()
            if one.planner.deletes
        }
        refusal = self._suspicion.deletes(wanted)
        if refusal is not None:
            self._decider.commit_counts()
            raise StopError(refusal)
        for name, link_ids in wanted.items():
            self._decider.deletes(self._streams.by_pair[name], link_ids)

    def _report(self) -> None:
        for line in account(self._tally.total):
            self._logger.info("%s", line)

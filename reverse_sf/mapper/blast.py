"""What a changed definition means for the records that are linked: told before it is done.

Every linked record of a changed object mapping is decided from the images that the ledger holds,
as the coming run would decide it, and nothing of that is kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reverse_sf.ledger.rows import LogRow
from reverse_sf.mapper.account import account
from reverse_sf.mapper.batch import Tally

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Iterator

    from reverse_sf.ledger.store import Ledger
    from reverse_sf.mapper.course import Course
    from reverse_sf.mapper.decisions import Decider
    from reverse_sf.mapper.streams import Streams
    from reverse_sf.mapping.definition import SyncDefinition


def tell(
    definition: SyncDefinition,
    ledger: Ledger,
    course: Course,
    rehearsal: Callable[[Tally], tuple[Streams, Decider]],
    *,
    run_id: str,
    now: str,
    is_part: bool,
    logger: logging.Logger,
) -> None:
    """Say what a changed definition means, before anything of it is done.

    Args:
        definition: as it is now.
        ledger: knows what it was at the last run, and keeps what is told in its log.
        course: the run's direction.
        rehearsal: as for :func:`blast_radius`.
        run_id: of the run that finds it changed.
        now: the moment.
        is_part: the run reads a part of the records.
        logger: of the run.
    """
    pairs = changed_pairs(ledger, definition, course)
    told = list(blast_radius(ledger, pairs, course, rehearsal))
    logger.warning(
        "%s has changed since the last run (%s): every record is decided again when the tap"
        " sends it, and withheld work is tried again%s",
        definition.source,
        ", ".join(pairs) or "nothing that this direction reads",
        " by the next run over everything" if is_part else " now",
    )
    for line in told:
        logger.warning("%s", line)
    ledger.add_log(
        [
            LogRow(
                at=now,
                run_id=run_id,
                direction=course.direction,
                kind="definition",
                outcome="changed",
                reason=f"changed: {', '.join(pairs) or 'nothing of this direction'}",
                payload=told,
            )
        ]
    )


def changed_pairs(ledger: Ledger, definition: SyncDefinition, course: Course) -> list[str]:
    """The object mappings of a direction that say something else than at the last run."""
    known = ledger.setting(_name(course)) or {}
    return [
        one.name
        for one in definition.pairs
        if course.settings(one).enabled and known.get(one.name) != one.fingerprint
    ]


def keep(ledger: Ledger, definition: SyncDefinition, course: Course) -> None:
    """Remember what each object mapping says now."""
    told = {one.name: one.fingerprint for one in definition.pairs}
    if ledger.setting(_name(course)) != told:
        ledger.set_setting(_name(course), told)


def _name(course: Course) -> str:
    return f"object fingerprints {course.direction.value}"


def blast_radius(
    ledger: Ledger,
    pairs: list[str],
    course: Course,
    rehearsal: Callable[[Tally], tuple[Streams, Decider]],
) -> Iterator[str]:
    """Tell, one line per thing to tell, what becomes of the linked records of these mappings.

    Args:
        ledger: where their images are.
        pairs: the mappings.
        course: the run's direction.
        rehearsal: makes streams and a decider that count into a tally of their own.
    """
    tally = Tally()
    streams, decider = rehearsal(tally)
    for pair in pairs:
        if pair not in streams.by_pair:
            continue
        number = 0
        for link_ids in ledger.linked_ids(pair):
            snapshots = ledger.snapshots(link_ids, direction=course.direction)
            number += len(snapshots)
            decider.decided(snapshots, streams.by_pair)
            deletes = streams.by_pair[pair].planner.deletes
            if deletes:
                tally.add(pair, "decided_delete", number=len(deletes))
                deletes.clear()
        if number:
            yield f"{pair}: {number} linked records, as they were last seen:"
    tally.take("")
    yield from account(tally.total)

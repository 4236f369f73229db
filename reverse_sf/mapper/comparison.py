"""What a tap has sent, compared with what the ledger has seen: most of it is known already."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reverse_sf.mapper.observation import completed, instant

if TYPE_CHECKING:
    from collections.abc import Iterable

    import msgspec

    from reverse_sf.ledger.rows import Observed
    from reverse_sf.ledger.store import Ledger
    from reverse_sf.mapper.batch import Tally
    from reverse_sf.mapper.course import Course
    from reverse_sf.mapper.observation import Observation
    from reverse_sf.mapper.streams import MappedPair
    from reverse_sf.mapping.definition import Side


OLDER = "older than what is known"
"""Why an observation is skipped that came late."""


@dataclass
class News:
    """What a batch of observations tells.

    Attributes:
        new: records without a link.
        changed: records that hold something else, with what was known of them.
        renewed: link, side and moment of records that were modified and hold what was known: what
            of them is not synced has changed, or it came and went between two looks. What comes
            late from before that moment is older than what is known.
    """

    new: list[Observation] = field(default_factory=list)
    changed: list[tuple[Observation, Observed]] = field(default_factory=list)
    renewed: list[tuple[str, Side, str]] = field(default_factory=list)


class Comparison:
    """Finds the records of a batch that are new or have changed.

    Args:
        ledger: what was seen before.
        course: the run's direction.
        tally: where the others are counted.
    """

    def __init__(self, ledger: Ledger, course: Course, tally: Tally) -> None:
        self._ledger = ledger
        self._course = course
        self._tally = tally
        self._aside: dict[str, dict[str, str]] = {}

    def latest(self, mapped: MappedPair, records: Iterable[msgspec.Raw]) -> dict[str, Observation]:
        """The observations of a pair, by record id; of a record that came twice, the newer one."""
        read = mapped.reader.read
        latest: dict[str, Observation] = {}
        observed = 0
        for raw in records:
            seen = read(raw)
            if seen is None:
                continue
            observed += 1
            known = latest.get(seen.record_id)
            if known is None:
                latest[seen.record_id] = seen
            elif (seen.modified_at or "") >= (known.modified_at or ""):
                latest[seen.record_id] = completed(seen, known)
            else:
                latest[seen.record_id] = completed(known, seen)
        if not mapped.only_linked and observed:
            self._tally.add(mapped.name, "observed", number=observed)
        repeated = observed - len(latest)
        if repeated:
            self._tally.add(mapped.name, "skipped", "sent twice by the tap", repeated)
        return latest

    def news(self, mapped: MappedPair, latest: dict[str, Observation]) -> News:
        """Compare with what the ledger has seen."""
        known = self._ledger.observed(mapped.name, list(latest), side=self._course.source)
        news = News()
        counted = Counter(
            self._sorted(seen, known.get(seen.record_id), news) for seen in latest.values()
        )
        if news.new:
            news.new = self._not_set_aside(mapped.name, news.new)
        if mapped.only_linked:
            # Those without a link are of another mapping, or of nobody's.
            news.new = []
            if known:
                self._tally.add(mapped.name, "observed", number=len(known))
        if counted["unchanged"]:
            self._tally.add(mapped.name, "unchanged", number=counted["unchanged"])
        if counted["older"]:
            self._tally.add(mapped.name, "skipped", OLDER, counted["older"])
        return news

    def _sorted(self, seen: Observation, before: Observed | None, into: News) -> str:
        """Add an observation to the news; how it is counted."""
        if before is None:
            into.new.append(seen)
            return "new"
        if before.digest == seen.digest:
            if seen.modified_at and _is_older(before.modified_at, seen.modified_at):
                into.renewed.append((before.link_id, self._course.source, seen.modified_at))
            return "unchanged"
        if _is_older(seen.modified_at, before.modified_at):
            return "older"
        into.changed.append((seen, before))
        return "changed"

    def _not_set_aside(self, pair: str, new: list[Observation]) -> list[Observation]:
        """Leave out what a person has set aside, as long as it holds what it held then."""
        if pair not in self._aside:
            self._aside[pair] = self._ledger.set_aside(pair, self._course.source)
        aside = self._aside[pair]
        left = [seen for seen in new if aside.get(seen.record_id) != seen.digest]
        if len(left) < len(new):
            number = len(new) - len(left)
            self._tally.add(pair, "skipped", "set aside until it changes", number)
        return left


def _is_older(stamp: str | None, known: str | None) -> bool:
    """Whether an observation is older than what is known; who writes stamps spells them freely."""
    if not stamp or not known or stamp >= known:
        return False
    return stamp < (instant(known) or known)

"""What people wanted back: it is written as asked, kept, and stays; or the ledger tells why not.

They look at the writes that a person asked for, which the invariants of the tables pass over, and
at every wish: a restored value (``conflicts restore``) is like an edit and travels on by the rule;
what a run has written and a person takes back (``revert``) stands as it is.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from reverse_sf.ledger.rows import RESTORED, LinkState
from reverse_sf.mapper.restoring import End
from tests.convergence import reference
from tests.convergence.invariants import (
    DIRECTION_FROM,
    OTHER,
    both_of,
    left_by_reverts,
    observed,
    terms_at_rest,
    terms_then,
    unlike,
)
from tests.convergence.reference import UNDEFINED, canon, same
from tests.convergence.shape import P, held, places

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.convergence.invariants import Books, Pair
    from tests.convergence.machine import Played
    from tests.convergence.reference import Terms
    from tests.convergence.world import Asked, Decided, Where, World, Write


def _brought(world: World) -> Iterator[tuple[Write, Decided, str]]:
    """Every write that somebody asked for, field by field."""
    for one in world.writes:
        decided = one.decided or world.decided[one.operation]
        for key in one.restores:
            if any(name in one.payload for name in one.places.get(key, ())):
                yield one, decided, key


def _value(write: Write, key: str, values: dict[str, Any]) -> Any:
    """A key's value among values by the names of the written record."""
    (name,) = write.places[key]
    return canon(write.where.side, key, values[name]) if write.where else None


def _last_asked(world: World, decided: Decided, key: str) -> Asked | None:
    """The wish that was in force when an operation was decided."""
    return next(
        (
            one
            for one in reversed(world.asked)
            if one.restore.link_id == decided.link_id
            and (one.restore.key, one.where.side) == (key, decided.to)
            and one.at <= decided.at
        ),
        None,
    )


def r1_writes_what_was_asked(played: Played, books: Books) -> Iterator[str]:
    """A write names its wish, replaces what was to be replaced, and keeps it in the journal."""
    world = played.world
    kept = [(one.link_id, one.key, one.row, one.losing_value) for one in books.journal]
    for decided in world.decided.values():
        for key, one in decided.decision.items():
            if isinstance(one, dict) and one.get("row") == RESTORED and key not in decided.restores:
                yield f"{key} of {decided.other_id} is called a wish, and nobody asked for it"
    for write, decided, key in _brought(world):
        shown = f"{key} of {write.where}"
        restore = decided.restores[key]
        asked = [one.restore for one in world.asked if one.restore.link_id == decided.link_id]
        if not any(_is(restore, one) for one in asked):
            yield f"{shown}: nobody asked for {restore}"
        if decided.decision.get(key, {}).get("row") != RESTORED:
            yield f"{shown}: logged as {decided.decision.get(key)}"
        value = canon(decided.to, key, restore.value)
        if not restore.own:
            source = canon(OTHER[decided.to], key, restore.value)
            held = observed(decided, key)["PS".index(decided.to)]
            value = terms_then(decided, key).written(decided.to, source, held)
        sent, before = _value(write, key, write.payload), _value(write, key, write.before)
        if not same(sent, canon(decided.to, key, value)):
            yield f"{shown}: {sent!r} was written, and {value!r} was wanted"
        seen = observed(decided, key)["PS".index(decided.to)]
        if same(seen, sent):
            yield f"{shown}: {sent!r} was there already"
        expected = canon(decided.to, key, restore.expected)
        if not same(seen, expected):
            yield f"{shown}: it held {seen!r}, and only {expected!r} was to be replaced"
        told = (decided.link_id, key, RESTORED)
        if not any(
            one[:3] == told and same(canon(decided.to, key, one[3]), before) for one in kept
        ):
            yield f"{shown}: {before!r} was replaced, and is not in the journal"


def _is(restore: Any, asked: Any) -> bool:
    names = ("link_id", "key", "own", "settles", "why")
    return all(getattr(restore, name) == getattr(asked, name) for name in names)


def r2_writes_once(played: Played, books: Books) -> Iterator[str]:
    """As many writes as wishes, but for faults."""
    del books
    world = played.world
    wishes = Counter((one.restore.link_id, one.where.side, one.restore.key) for one in world.asked)
    writes = Counter((one.link_id, one.to, key) for _, one, key in _brought(world))
    for of, number in writes.items():
        if number > wishes[of] + world.faults:
            yield f"{of} was brought back {number} times, and asked for {wishes[of]} times"


def r3_stays(played: Played, books: Books) -> Iterator[str]:
    """What was brought back stands at rest: both sides hold it, or it stands as it was taken back.

    Unless somebody has edited the field since, or something else that had not travelled yet came
    against it: then it is a change like any other, and the other invariants speak of it.
    """
    world = played.world
    last = {}
    how = {one[:2]: one[2] for one in books.ended}
    for write, decided, key in _brought(world):
        last[decided.link_id, key] = (write, decided)
    for (link_id, key), (write, decided) in last.items():
        kept = same(_value(write, key, write.before), _value(write, key, write.after))
        if kept and how.get((link_id, key)) == End.REFUSED.value:
            # The system held on to what it had, and people are told: nothing was brought back.
            continue
        pair = books.pairs.get(link_id)
        both = both_of(world, pair) if pair else None
        if pair is None or both is None or write.where is None:
            continue
        ids = {(P, pair.p), ("S", pair.s)}
        same_records = {write.where[::2], write.source[::2]} == ids
        if pair.state is not LinkState.LINKED or not same_records:
            continue
        asked = _last_asked(world, decided, key)
        if asked is None or world.config != asked.config or _has_rival(write, decided, key):
            # Where a wish is carried out depends on the rule that was in force.
            continue
        if any(_edited(world, one, key, write.at) for one in (write.where, write.source)):
            continue
        if any(
            (it.where, it.restore.key) == (write.where, key) and it.at > decided.at
            for it in world.asked
        ):
            # A later wish speaks for the field.
            continue
        side = write.where.side
        values = {P: both[0], "S": both[1]}
        stands, across = (
            canon(of, key, held(of, pair.sobject, key, values[of])) for of in (side, OTHER[side])
        )
        brought = _value(write, key, write.after)
        shown = f"{key} of {write.where}"
        if not same(stands, brought):
            yield f"{shown} was brought back as {brought!r}, and is {stands!r} at rest"
        elif decided.restores[key].settles:
            then = canon(OTHER[side], key, held(OTHER[side], pair.sobject, key, write.across))
            if not same(across, then):
                yield f"{shown} was taken back, and {across!r} came across for {then!r}"
        elif not (
            _was_sent(
                world, write.source, key, terms_at_rest(world, books, key, pair.sobject), stands
            )
            or _arrived(world, pair, key, (side, stands, across), books)
            # Only changes of a union travel, and an earlier revert had left the two apart.
            or (
                world.config.rule(key, pair.sobject) == "union"
                and unlike(stands, across) <= left_by_reverts(world, pair, key)
            )
            # The system has made of it what it once made of the value that stands across.
            or same(
                _value(write, key, write.payload),
                canon(
                    side, key, terms_at_rest(world, books, key, pair.sobject).carried(side, across)
                ),
            )
        ):
            yield f"{shown} was brought back as {brought!r}, and {across!r} stands across"


def _has_rival(write: Write, decided: Decided, key: str) -> bool:
    """Whether the other side held a value that had not travelled, or that nobody had seen."""
    across = canon(write.source.side, key, held(*write.source[:2], key, write.across))
    seen = observed(decided, key)["SP".index(decided.to)]
    base = decided.base.get(key)
    settled = base and canon(write.source.side, key, base["PS".index(write.source.side)])
    is_news = base is not None and not same(settled, seen)
    return key in write.rivals or is_news or not same(across, seen)


def _edited(world: World, where: Where, key: str, since: int) -> bool:
    return any(at > since for at, _ in world.edited_at.get((where, key), ()))


def _was_sent(world: World, where: Where, key: str, terms: Terms, value: Any) -> bool:
    """Whether the other side was given a value last, whatever it has made of it."""
    sent = [
        _value(one, key, one.payload)
        for one in world.writes
        if one.where == where and any(name in one.payload for name in one.places.get(key, ()))
    ]
    wanted = canon(where.side, key, terms.carried(where.side, value))
    return bool(sent) and same(sent[-1], wanted)


def _arrived(world: World, pair: Pair, key: str, found: tuple[str, Any, Any], books: Books) -> bool:
    """Whether the other side holds a restored value, or nothing may carry it there."""
    side, stands, across = found
    config, terms = world.config, terms_at_rest(world, books, key, pair.sobject)
    row = both_of(world, pair)
    p, s = (stands, across) if side == P else (across, stands)
    if row is None or terms.agrees(p, s):
        return True
    direction = DIRECTION_FROM[side]
    return (
        side not in config.enabled
        or config.rule(key, pair.sobject) == "do_not_sync"
        or not reference.in_scope(config, side, pair.sobject, row[0 if side == P else 1])
        or bool({(pair.link_id, direction, key), (pair.link_id, direction, "")} & books.parked)
        or terms.carried(OTHER[side], stands) is UNDEFINED
    )


def r4_answers_every_wish(played: Played, books: Books) -> Iterator[str]:
    """At rest no wish is open where it could be carried out, and none has ended untold."""
    world = played.world
    for link_id, direction, key in books.wanted:
        pair = books.pairs[link_id]
        if (link_id, direction, "") in books.parked:
            continue
        yield f"{key} of {pair.p}/{pair.s} is wanted back, and nobody does anything about it"
    names = {
        (one.restore.link_id, DIRECTION_FROM[OTHER[one.where.side]], one.restore.key)
        for one in world.asked
    }
    told = {one[:2] for one in books.ended}
    for name in names - books.wanted:
        if (name[0], name[2]) not in told:
            yield f"{name} was wanted back, and the ledger tells nothing of it"


def r5_ends_truly(played: Played, books: Books) -> Iterator[str]:
    """How a wish has ended is true: nothing is called changed that stands as it did."""
    world = played.world
    wishes: dict[tuple[str, str], list[Asked]] = {}
    for one in world.asked:
        wishes.setdefault((one.restore.link_id, one.restore.key), []).append(one)
    brought = {(one.link_id, key) for _, one, key in _brought(world)}
    for link_id, key, how in books.ended:
        asked = wishes.get((link_id, key), [])
        if not asked:
            yield f"{key} of {link_id} has ended ({how}), and nobody asked for it"
        if len(asked) != 1 or (link_id, key) in brought:
            continue
        (one,) = asked
        if how == End.OVERTAKEN.value and not world.faults and not _overtaken(world, one):
            yield f"{key} of {one.where} is called overtaken, and nothing has come since"
        row = world.rows.get(one.where)
        if row is None or row.deleted or _touched(world, one):
            continue
        (name,) = places(*one.where[:2], key)
        value = canon(one.where.side, key, row.values.get(name))
        expected = canon(one.where.side, key, one.restore.expected)
        stood = not one.run_id or _stood(world, one)
        is_still = (stood and same(value, expected)) or _is_as_written(world, one, value)
        if how == End.CHANGED.value and is_still:
            yield f"{key} of {one.where} is called changed, and holds {value!r} as it did"
        if how == End.REFUSED.value and not (world.faults or world.switches.refusing):
            yield f"{key} of {one.where} is called refused, and nothing was"


def _is_as_written(world: World, asked: Asked, value: Any) -> bool:
    """Whether a field holds what a system has made of what a run wrote there last."""
    key = asked.restore.key
    wrote = _last_write(world, asked)
    if wrote is None or wrote.decided is None:
        return False
    is_edited = _edited(world, asked.where, key, wrote.at)
    is_edited = is_edited or _edited(world, wrote.source, key, wrote.decided.at - 1)
    return same(_value(wrote, key, wrote.after), value) and not is_edited


def _stood(world: World, asked: Asked) -> bool:
    """Whether what a run wrote had stood there until somebody wanted it taken back.

    What a later run or a person has written in between is a change, also where a person undid it:
    the value that stands is that person's then, and no run's.
    """
    wrote = _last_write(world, asked)
    key = asked.restore.key
    expected = canon(asked.where.side, key, asked.restore.expected)
    return wrote is not None and not any(
        wrote.at < at <= asked.at and not same(value, expected)
        for at, value in world.edited_at.get((asked.where, key), ())
    )


def _last_write(world: World, asked: Asked) -> Write | None:
    """The last write of a field before a wish, where it is of the run that is to be reverted."""
    key = asked.restore.key
    wrote = [
        one
        for one in world.writes
        if one.where == asked.where
        and any(name in one.payload for name in one.places.get(key, ()))
        and one.at <= asked.at
    ]
    if not wrote or not wrote[-1].decided or wrote[-1].decided.run_id != asked.run_id:
        return None
    return wrote[-1]


def _overtaken(world: World, asked: Asked) -> bool:
    """Whether the other side of a reverted value has changed since the run decided."""
    key = asked.restore.key
    return any(
        _edited(world, write.source, key, write.decided.at - 1)
        or any(
            one.where == write.source and one.at >= write.at and key in one.places
            for one in world.writes
        )
        or (key in write.places and _has_rival(write, write.decided, key))
        # What a merge's winner holds, nobody has edited for that.
        or world.rows[write.source].deleted
        for write in world.writes
        # By its link: a merge may have given that another record since.
        if write.decided
        and write.decided.link_id == asked.restore.link_id
        and write.decided.run_id == asked.run_id
    )


def _touched(world: World, asked: Asked) -> bool:
    """Whether anybody has changed a field after somebody wanted it back."""
    key = asked.restore.key
    return _edited(world, asked.where, key, asked.at) or any(
        one.where == asked.where and one.at > asked.at and key in one.places for one in world.writes
    )


def r6_takes_back_what_the_run_wrote(played: Played, books: Books) -> Iterator[str]:
    """A revert asks for values that its run replaced, and only where the run's value stands."""
    del books
    world = played.world
    for one in world.asked:
        if not one.run_id:
            continue
        wrote = [
            write
            for write in world.writes
            if write.where == one.where
            and write.decided is not None
            and write.decided.run_id == one.run_id
            and any(name in write.payload for name in write.places.get(one.restore.key, ()))
        ]
        if not wrote:
            continue
        key, side = one.restore.key, one.where.side
        if not any(
            same(_value(write, key, write.before), canon(side, key, one.restore.value))
            for write in wrote
        ):
            yield f"{key} of {one.where}: {one.restore.value!r} was asked for, and was never there"


CHECKS = (
    r1_writes_what_was_asked,
    r2_writes_once,
    r3_stays,
    r4_answers_every_wish,
    r5_ends_truly,
    r6_takes_back_what_the_run_wrote,
)

"""The invariants of C.9, each a function that answers what violates it.

They look at the world (what is there, who wrote what), at the ledger through :class:`Books`, and at
what each write was decided from; they judge by the naive reference, never by the product.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import text

from reverse_sf.ledger.rows import RESTORED, LinkState
from reverse_sf.ledger.store import Ledger
from reverse_sf.mapping.definition import Direction
from reverse_sf.mapping.values import Reason
from reverse_sf.merge.adoption import ADOPT
from reverse_sf.merge.envelope import USERS_PAIR
from tests.convergence import reference
from tests.convergence.activities import KINDS, is_done
from tests.convergence.reference import ABSENT, UNDEFINED, Terms, canon, in_scope, same, verdicts
from tests.convergence.roster import known_of
from tests.convergence.shape import COMPONENTS, EXTERNAL_ID, NUMBERS, OPS, P, S, held, places
from tests.convergence.world import Where

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from reverse_sf.ledger.rows import Snapshot
    from tests.convergence.machine import Played
    from tests.convergence.reference import Known
    from tests.convergence.shape import Config
    from tests.convergence.world import Decided, Lost, World, Write

    Check = Callable[[Played, "Books"], Iterator[str]]

DIRECTION_FROM = {S: Direction.TO_SPOTIO, P: Direction.TO_SALESFORCE}
"""The direction that reads a side."""
MOST_CYCLES = 3
"""K of I1 without parents; each level of parents may take one more."""
OTHER = {P: S, S: P}
_PARTED = (LinkState.UNLINKED, LinkState.TOMBSTONE)
_ONLY_S = ("C3-03", "C3-04", "C3-11", "C3-13")
_ONLY_P = ("C3-05", "C3-06", "C3-07", "C3-11", "C3-12")
_OF_FIELDS = frozenset(one.value for one in Reason)


class Pair(NamedTuple):
    """A link as the ledger has it."""

    link_id: str
    sobject: str
    state: LinkState
    p: str | None
    s: str | None
    base: dict[str, list[Any]]
    images: dict[str, dict[str, Any]]
    kinds: dict[str, str]
    flagged: Direction | None

    def where(self, side: str) -> Where:
        """The record of a side."""
        return Where(side, self.kinds[side], (self.p if side == P else self.s) or "")

    def stored(self, side: str, key: str) -> Any:
        """What the ledger last saw of a key on a side; ABSENT where it never saw it."""
        image = self.images[side]
        names = (key,) if side == P else places(S, self.sobject, key)
        if not all(name in image for name in names):
            return ABSENT
        kept = image.get(key) if side == P else held(S, self.sobject, key, image)
        return canon(side, key, kept)


class Books(NamedTuple):
    """What the ledger says at rest."""

    pairs: dict[str, Pair]
    parked: set[tuple[str, Direction, str]]
    waiting: list[str]
    journal: list[Any]
    reasons: list[Any]
    wanted: set[tuple[str, Direction, str]]
    ended: list[tuple[str, str, str]]
    """Link, key and outcome of what people wanted back, oldest first."""
    users: dict[str, Snapshot]
    """What joins users, by link."""
    withheld: set[str]
    """The links of users who are parked."""
    known: Known | None
    """The users that owners are found among, where users are synced."""
    awaited: set[tuple[str, str, str]]
    """Side to write, object and user of the other side, whose record nobody can be given."""

    @classmethod
    def of(cls, ledger: Any, config: Config) -> Books:
        """Read them."""
        if isinstance(ledger, Ledger):
            with ledger._reading() as connection:
                ids = list(connection.scalars(text("SELECT link_id FROM sync_links")))
                open_links = list(
                    connection.scalars(
                        text(
                            "SELECT l.link_id FROM sync_operations o JOIN sync_links l"
                            " ON l.number = o.link WHERE o.status IN ('intended', 'waiting')"
                        )
                    )
                )
            rows = ledger.parked_rows()
            journal = ledger.conflicts(limit=10_000)
            told = ledger.log_rows(kind="restore", outcome="settled", limit=10_000)
            ended = [(one.link_id or "", *one.reason.split(": ", 1)) for one in reversed(told)]
        else:
            ids = list(ledger.links)
            open_links = [one for one, opened in ledger.open_of.items() if opened]
            rows, journal = list(ledger.withheld.values()), list(ledger.conflict_rows)
            ended = list(ledger.ended)
        snapshots = ledger.snapshots(sorted(ids))
        users = {one: it for one, it in snapshots.items() if it.link.pair == USERS_PAIR}
        open_links = [one for one in open_links if one not in users]
        pairs = {
            one: Pair(
                one,
                sobject := found.link.pair.split(":")[0],
                found.link.state,
                found.link.spotio_id,
                found.link.salesforce_id,
                found.base,
                {P: found.spotio_image or {}, S: found.salesforce_image or {}},
                {side: config.kind(side, sobject) for side in (P, S)},
                found.link.flagged,
            )
            for one, found in snapshots.items()
            if one not in users
        }
        known = known_of(ledger) if config.users else None
        withheld = {one.link_id for one in rows if one.link_id in users}
        rows = [one for one in rows if one.link_id not in users]
        parked = {(one.link_id, one.direction, one.key) for one in rows}
        wanted = {
            (link_id, to, one.key)
            for to in Direction
            for link_id, ones in ledger.asked(to).items()
            for one in ones
        }
        awaited = {
            (P if to is Direction.TO_SPOTIO else S, one.pair.split(":")[0], one.user_id)
            for to in Direction
            for one in ledger.awaited_owners(to)
        }
        return cls(
            pairs,
            parked,
            open_links,
            journal,
            rows,
            wanted,
            ended,
            users,
            withheld,
            known,
            awaited,
        )


def violations(played: Played, further: tuple[Check, ...] = ()) -> list[str]:
    """Everything that is wrong, each with its invariant's name in front."""
    books = Books.of(played.sync.ledger, played.world.config)
    found: list[str] = []
    for check in (*CHECKS, *further):
        name = check.__name__.split("_")[0].upper()
        found += [f"{name}: {words}" for words in check(played, books)]
    return found


# --- at rest -----------------------------------------------------------------------------------


def i1_converges(played: Played, books: Books) -> Iterator[str]:
    """Within K cycles every link is at rest (C.6)."""
    depth = 1 if played.world.config.contacts else 0
    most = MOST_CYCLES + (depth + 1 if depth else 0) + played.world.switches.flow
    if played.cycles > most:
        yield f"{played.cycles} cycles, and {most} are enough"
    for pair in books.pairs.values():
        yield from _unsettled(played.world, pair, books)


def _unsettled(world: World, pair: Pair, books: Books) -> Iterator[str]:
    """Keys of a link that want a write which could be made."""
    config = world.config
    if pair.sobject not in config.objects:
        return
    both = both_of(world, pair)
    if pair.state is LinkState.PENDING or both is None:
        yield from _uncreated(world, pair, books)
        return
    if pair.state is not LinkState.LINKED:
        return
    p, s = both
    for key in config.keys(pair.sobject):
        p_value = canon(P, key, held(P, pair.sobject, key, p))
        s_value = canon(S, key, held(S, pair.sobject, key, s))
        base = pair.base.get(key)
        settled = None if base is None else (canon(P, key, base[0]), canon(S, key, base[1]))
        terms = terms_at_rest(world, books, key, pair.sobject)
        terms = terms._replace(done=pair.sobject in KINDS and is_done(p))
        rule = config.rule(key, pair.sobject) or "do_not_sync"
        if settled is None and key in config.omit:
            # Never sent on purpose; the tables speak again when the record changes.
            continue
        found = verdicts(rule, p_value, s_value, settled, terms)
        for one in found:
            if one.act != "write":
                continue
            source = OTHER[one.side]
            image = p if source == P else s
            if not config.reads(source, pair.sobject):
                continue
            values = (p_value, s_value)
            if not config.reads(one.side, pair.sobject) and not same(
                pair.stored(one.side, key), values["PS".index(one.side)]
            ):
                # Nobody reads the written side, so nobody knows that it changed, nor what it holds
                # of a key that was mapped later (C.2: absent, nothing). What a target has read
                # there, beside a write or in its guard, is known, and is decided.
                continue
            if not in_scope(config, source, pair.sobject, image):
                continue
            direction = DIRECTION_FROM[source]
            if not config.reads(one.side, pair.sobject) and pair.flagged is direction:
                # The very last replay has shown it to a target: the next run decides it.
                continue
            if {(pair.link_id, direction, key), (pair.link_id, direction, "")} & books.parked:
                continue
            if any(two.act != "write" for two in found):
                continue
            if key == "owner" and _is_awaited(one.side, pair.sobject, values, books):
                continue
            if rule != "union" and len(found) > 1 and not _possible(world, pair, key, found, books):
                continue
            yield f"{key} of {pair.p}/{pair.s}: {p_value!r} | {s_value!r} on {settled!r}, {rule}"
            break


def _is_awaited(side: str, sobject: str, values: tuple[Any, Any], books: Books) -> bool:
    """Whether nobody of a side is known: its target has looked for the owner, and found nobody."""
    user = values["PS".index(OTHER[side])]
    is_unknown = books.known is not None and not books.known.of[side]
    return is_unknown and (side, sobject, user) in books.awaited


def _possible(
    world: World,
    pair: Pair,
    key: str,
    found: set[reference.Verdict],
    books: Books,
) -> bool:
    """Whether every verdict that evidence allows could be carried out."""
    both = both_of(world, pair)
    if both is None:
        return False
    p, s = both
    for one in found:
        source = OTHER[one.side]
        image = p if source == P else s
        direction = DIRECTION_FROM[source]
        held_back = {(pair.link_id, direction, key), (pair.link_id, direction, "")}
        if (
            not world.config.reads(source, pair.sobject)
            or not in_scope(world.config, source, pair.sobject, image)
            or held_back & books.parked
        ):
            return False
    return True


def _uncreated(world: World, pair: Pair, books: Books) -> Iterator[str]:
    """A record in scope that has no counterpart must be parked with a reason."""
    config = world.config
    for side, record_id in ((P, pair.p), (S, pair.s)):
        if record_id is None or not config.reads(side, pair.sobject):
            continue
        if not config.creates(pair.sobject, side):
            continue
        row = world.rows.get(pair.where(side))
        if row is None or row.deleted or pair.state is not LinkState.PENDING:
            continue
        if not in_scope(world.config, side, pair.sobject, row.values):
            continue
        if (pair.link_id, DIRECTION_FROM[side], "") not in books.parked:
            yield f"{side} {record_id} has no counterpart and is not parked"


def both_of(world: World, pair: Pair) -> tuple[dict[str, Any], dict[str, Any]] | None:
    if pair.p is None or pair.s is None:
        return None
    p, s = world.rows.get(pair.where(P)), world.rows.get(pair.where(S))
    if p is None or s is None or p.deleted or s.deleted:
        return None
    return p.values, s.values


def terms_at_rest(world: World, books: Books, key: str, sobject: str) -> Terms:
    def linked(side: str, value: Any) -> Pair | None:
        return next(
            (
                one
                for parent in world.config.parents(sobject)
                for one in books.pairs.values()
                if one.sobject == parent and (one.p if side == P else one.s) == value
            ),
            None,
        )

    def in_spotio(value: Any) -> Any:
        found = linked(S, value)
        return found.p if found else None

    def in_salesforce(value: Any) -> Any:
        found = linked(P, value)
        return found.s if found else None

    parents = {P: in_spotio, S: in_salesforce}
    return Terms(world.config, key, sobject, parents, users=books.known)


def i2_is_quiet(played: Played, books: Books) -> Iterator[str]:
    """At rest no further cycle, no full reading and no replay writes; and no field ping-pongs."""
    if played.restless:
        last = played.world.events[-1]
        yield f"{played.restless} writes tried at rest, the last one {last}"
    world = played.world
    writes: Counter[tuple[Where, str]] = Counter()
    sources: dict[tuple[Where, str], set[Where]] = {}
    # By link: a merge gives a link another record.
    copies: Counter[tuple[str, str, str]] = Counter()
    of_links: Counter[tuple[str, str, str]] = Counter()
    for one in world.writes:
        if one.where is None or one.action == "delete":
            continue
        for key, names in one.places.items():
            if any(name in one.payload for name in names):
                decided = world.decision_of(one)
                if key in one.restores:
                    # Counted where it is compared with what people have asked for (restored).
                    continue
                if decided.decision.get(key, {}).get("row") == ADOPT:
                    copies[decided.link_id, OTHER[one.where.side], key] += 1
                    continue
                writes[one.where, key] += 1
                sources.setdefault((one.where, key), set()).add(one.source)
                of_links[decided.link_id, one.where.side, key] += 1
    partner = {one.where(side): one for side in (P, S) for one in books.pairs.values()}
    for (where, key), number in writes.items():
        pair = partner.get(where)
        if pair is None:
            continue
        # One that was created anew, or merged away, is not in its link any more.
        both = {pair.where(P), pair.where(S), *sources[where, key]}
        edits = sum(world.edits.get((one, key), 0) for one in both)
        # The winner of a merge has values of its own, and nobody edits a field for that.
        edits += sum(
            event[0] in ("delete", "convert") and event[-1] == pair.s for event in world.events
        )
        # What the system does not take was tried once more at the end, because a person asked.
        to = DIRECTION_FROM[OTHER[where.side]]
        asked = bool({(pair.link_id, to, key), (pair.link_id, to, "")} & books.parked)
        # One for the link itself, and one for each fault and each edited definition.
        if number > edits + asked + 1 + world.faults:
            yield f"{number} writes of {key} of {where.id} after {edits} edits"
    for of, number in copies.items():
        if number > of_links[of] + world.faults:
            yield f"{of} was copied back {number} times after {of_links[of]} writes"


def i2b_does_not_echo(played: Played, books: Books) -> Iterator[str]:
    """What the sync itself has written is no change: only edits since then travel back."""
    world = played.world
    written: dict[tuple[Where, str, str], int] = {}
    last: dict[tuple[Where, str], tuple[int, str]] = {}
    for one in sorted(world.writes, key=lambda it: it.at):
        decided = world.decision_of(one)
        if one.where is None or one.action == "delete":
            continue
        for key, names in one.places.items():
            if not any(name in one.payload for name in names):
                continue
            row = decided.decision.get(key, {}).get("row")
            source = decided.where(OTHER[decided.to])
            echo = row in (_ONLY_S if decided.to == P else _ONLY_P)
            # A union writes one side after the other: the second half is of before the first one.
            echo = echo and decided.config.rule(key, decided.sobject) != "union"
            # A record that a lead and a contact name passes on what one of them has told it.
            at = written.get((source, key, decided.sobject))
            if echo and at is not None and one.action == "update" and not world.faults:
                edits = world.edited_at.get((source, key), [])
                if not any(when >= at for when, _ in edits):
                    yield f"{key} of {one.where}: {row}, and nobody changed {source.id}"
            payload = repr([one.payload.get(name, ABSENT) for name in names])
            before = last.get((one.where, key))
            # A refused value is tried again on demand; of a record that is gone nothing is parked.
            row_of = world.rows.get(source)
            refused = (row_of is not None and row_of.deleted) or any(
                (decided.link_id, to, key) in books.parked for to in DIRECTION_FROM.values()
            )
            again = before is not None and before[1] == payload and key not in one.restores
            if again and before and not world.faults and not refused:
                edits = [*world.edited_at.get((source, key), ())]
                edits += world.edited_at.get((one.where, key), ())
                if not any(when >= before[0] for when, _ in edits):
                    yield f"{key} of {one.where}: {payload} was written twice"
            last[one.where, key] = (one.at, payload)
            if key not in one.restores or one.restores[key].settles:
                # What a person wanted back is like an edit, and goes on.
                written[one.where, key, decided.sobject] = one.at


def i3_is_minimal(played: Played, books: Books) -> Iterator[str]:
    """Nothing is written that agreed, nothing that was not decided, nothing that is not mapped."""
    del books
    for one in played.world.writes:
        decided = played.world.decision_of(one)
        if one.action == "delete":
            continue
        mapped = set(decided.config.keys(decided.sobject))
        rule = {key: decided.config.rule(key, decided.sobject) for key in mapped}
        mapped = {key for key in mapped if rule[key] != "do_not_sync"}
        allowed = {name for key, names in one.places.items() if key in mapped for name in names}
        allowed |= {EXTERNAL_ID, "externalDataObjectId"}
        strangers = set(one.payload) - allowed
        if strangers:
            yield f"{sorted(strangers)} of {one.where} is not mapped, and was sent"
    sent = {
        (one.operation, key)
        for one in played.world.writes
        for key, names in one.places.items()
        if any(name in one.payload for name in names)
    }
    for operation, decided in played.world.decided.items():
        if decided.action != "update":
            continue
        for key in decided.decision:
            if not key or decided.config.rule(key, decided.sobject) is None:
                continue
            if key in decided.restores:
                continue
            if key in NUMBERS and S not in decided.config.enabled and (operation, key) not in sent:
                # Where Salesforce's tap never runs, nobody tells the mapper how it rounds: the
                # target, which knows, finds that the two agree, and writes nothing.
                continue
            p_value, s_value, _ = observed(decided, key)
            if ABSENT not in (p_value, s_value) and terms_then(decided, key).agrees(
                p_value, s_value
            ):
                yield f"{key} of {decided.other_id} agreed ({p_value!r} | {s_value!r})"


def i4_loses_nothing(played: Played, books: Books) -> Iterator[str]:
    """A value that a person wrote and that the sync overwrote unseen is in the journal."""
    kept = [(one.link_id, one.key, one.losing_value) for one in books.journal]
    world = played.world
    for lost in world.lost:
        decided = world.decided[lost.operation]
        link_id, side = decided.link_id, lost.where.side
        if _was_kept(decided, lost, world):
            continue
        if not any(
            of == link_id and key == lost.key and _tells_of(canon(side, key, value), lost.gone)
            for of, key, value in kept
        ):
            yield f"{lost.key} = {lost.value!r} of {lost.where.id} is gone without a trace"


def _tells_of(kept: Any, lost: Any) -> bool:
    """Whether a journaled value has all that was lost, an address part by part."""
    if isinstance(kept, dict) and isinstance(lost, dict):
        return all(one is None or same(kept[part], one) for part, one in lost.items())
    return same(kept, lost)


def i4b_forgets_nothing(played: Played, books: Books) -> Iterator[str]:
    """No value that a person wrote is taken for settled before the other side has seen it."""
    world = played.world
    config = world.config
    if config.enabled != "PS" or played.history.config.rules != config.rules:
        return
    for pair in books.pairs.values():
        both = both_of(world, pair)
        if not config.reads(S, pair.sobject):
            continue
        if pair.state is not LinkState.LINKED or both is None:
            continue
        for key in config.keys(pair.sobject):
            base = pair.base.get(key)
            rule = config.rule(key, pair.sobject)
            if base is None or rule == "do_not_sync" or key in config.omit:
                # What on_create left out is settled as automation made it (C.3, "On create").
                continue
            values = [
                canon("PS"[at], key, held("PS"[at], pair.sobject, key, both[at])) for at in (0, 1)
            ]
            settled = [canon("PS"[at], key, base[at]) for at in (0, 1)]
            apart = values == settled and not same(*values)
            # What a run has written and a person takes back stands as it is.
            taken_back = _taken_back(world, pair, key)
            apart = apart and not taken_back
            if rule == "union" and apart and unlike(*values) - _stands_apart(world, pair, key):
                yield f"{key} of {pair.p}/{pair.s} rests at {values}: a union is one"
            if values != settled or taken_back:
                continue
            terms = terms_at_rest(world, books, key, pair.sobject)
            if terms.agrees(*values):
                continue
            if key == "owner" and _were_one(world, terms, values):
                continue
            for at in (0, 1):
                where = pair.where("PS"[at])
                seen = any(same(one, values[at]) for one in world.seen.get((where, key), ()))
                if (where, key) not in world.pending or _stays_beside(settled) or seen:
                    continue
                if not _agree_in(world.parts.get((where, key)), values):
                    yield f"{key} = {values[at]!r} of {where.id} beside {values[1 - at]!r}"


def _were_one(world: World, terms: Terms, values: list[Any]) -> bool:
    """Whether two owners were one person when they were settled, by what a run knew then."""
    return any(terms._replace(users=one).agrees(*values) for one in world.knew)


def _agree_in(parts: set[str] | None, values: list[Any]) -> bool:
    """Whether two addresses are one in every component that somebody has changed."""
    if parts is None or not all(isinstance(one, dict) for one in values):
        return False
    return all(same(values[0][one], values[1][one]) for one in parts)


def _stays_beside(settled: list[Any]) -> bool:
    """Whether two settled values are apart only by blanks (row 12), an address part by part."""
    p, s = settled
    if isinstance(p, dict) and isinstance(s, dict):
        return all(same(p[one], s[one]) or None in (p[one], s[one]) for one in p)
    return p is None or s is None


def _is_as_wanted(world: World, where: Where, key: str, value: Any) -> bool:
    """Whether a person has taken back what stood in a value's place, whoever wrote it since."""
    return any(
        one.where == where
        and one.restore.key == key
        and one.restore.settles
        and same(canon(where.side, key, one.restore.value), value)
        for one in world.asked
    )


def _taken_back(world: World, pair: Pair, key: str) -> bool:
    """Whether the last write of a key was a revert, or what was wanted back was there already."""
    for where in (pair.where(P), pair.where(S)):
        value = canon(where.side, key, held(*where[:2], key, world.rows[where].values))
        if _is_as_wanted(world, where, key, value):
            return True
    wrote = [
        one
        for one in world.writes
        if one.where is not None
        and (one.where[1:], one.where.side) in ((pair.where(P)[1:], P), (pair.where(S)[1:], S))
        and any(name in one.payload for name in one.places.get(key, ()))
    ]
    return bool(wrote) and key in wrote[-1].restores and wrote[-1].restores[key].settles


def left_by_reverts(world: World, pair: Pair, key: str) -> set[str]:
    """The choices of a union that a revert has brought to one side, or taken from it.

    Only changes travel: they stand there alone, or are missing there, whatever else comes after.
    """
    found: set[str] = set()
    for one in world.writes:
        if one.where not in (pair.where(P), pair.where(S)) or key not in one.restores:
            continue
        (name,) = one.places[key]
        if one.restores[key].settles and name in one.payload:
            values = (one.before[name], one.payload[name])
            found |= unlike(*(canon(one.where.side, key, value) for value in values))
    return found


def _stands_apart(world: World, pair: Pair, key: str) -> set[str]:
    """The choices of a union that need not be on both sides.

    Beside what reverts have left these are the ones that changed between a write and its reading
    back, and are settled as they were read (C.5, 4).
    """
    found = left_by_reverts(world, pair, key)
    for side in (P, S):
        for left, value in world.gaps.get((pair.where(side), key), ()):
            found |= unlike(left, value)
    return found


def unlike(one: Any, other: Any) -> set[str]:
    """The choices that only one of two values has."""
    return set(one or ()) ^ set(other or ())


def _was_kept(decided: Decided, lost: Lost, world: World) -> bool:
    """It agreed when it was settled, or somebody went back to what was settled."""
    base = decided.base.get(lost.key)
    if decided.config.rule(lost.key, decided.sobject) == "union":
        # What was written holds its changes (I5), and its own base tells that they are to go on.
        to_p = lost.where.side == P
        return same(observed(decided, lost.key)[0 if to_p else 1], lost.value)
    if base is None:
        # Rows 12 and 13: a blank that was never settled is nobody's value.
        return lost.value is None
    at = "PS".index(lost.where.side)
    held = canon("PS"[at], lost.key, base[at])
    if not same(held, lost.value):
        return False
    if _is_as_wanted(world, lost.where, lost.key, lost.value):
        return True
    if terms_then(decided, lost.key).agrees(*(canon("PS"[i], lost.key, base[i]) for i in (0, 1))):
        return True
    return any(same(one, lost.value) for one in world.seen.get((lost.where, lost.key), ()))


# --- every write -------------------------------------------------------------------------------


def observed(decided: Decided, key: str) -> tuple[Any, Any, Any]:
    """P's value, S's value and the base of a key, canonical, as the decision saw them."""
    p_image = decided.other if decided.to == P else decided.source
    s_image = decided.source if decided.to == P else decided.other
    p_value = canon(P, key, p_image[key]) if key in p_image else ABSENT
    names = COMPONENTS.values() if key == "address" else [_field(decided, key)]
    if all(name in s_image for name in names):
        s_value = canon(S, key, held(S, decided.sobject, key, s_image))
    else:
        s_value = ABSENT
    base = decided.base.get(key)
    settled = None if base is None else (canon(P, key, base[0]), canon(S, key, base[1]))
    return p_value, s_value, settled


def _field(decided: Decided, key: str) -> str:
    return places(S, decided.sobject, key)[0]


def terms_then(decided: Decided, key: str) -> Terms:
    return Terms(
        decided.config,
        key,
        decided.sobject,
        {
            P: lambda value: decided.parents.get((S, value)),
            S: lambda value: decided.parents.get((P, value)),
        },
        done=decided.sobject in KINDS
        and is_done(decided.other if decided.to == P else decided.source),
        users=decided.users,
    )


def i5_follows_rules(played: Played, books: Books) -> Iterator[str]:
    """Deciding again from what was recorded names this very write."""
    del books
    world = played.world
    for one in world.writes:
        decided = world.decision_of(one)
        if one.action != "update" or one.linking:
            yield from _created_right(decided, one)
            continue
        for key, names in one.places.items():
            if not any(name in one.payload for name in names):
                continue
            p_value, s_value, base = observed(decided, key)
            rule = decided.config.rule(key, decided.sobject) or "do_not_sync"
            if ABSENT in (p_value, s_value) or key in one.restores:
                # A person wanted it back, whatever the rule says: judged by its own invariant.
                continue
            terms = terms_then(decided, key)
            if decided.decision.get(key, {}).get("row") == ADOPT:
                still = base is not None and same(base[0], p_value) and same(base[1], s_value)
                if not (decided.config.adopt and rule == "two_way" and still):
                    yield f"{key} of {one.where} was copied back, and is not to be"
                yield from _right_value(decided, key, one, (p_value, s_value), terms)
                continue
            found = verdicts(rule, p_value, s_value, base, terms)
            asked = {it for it in found if it.act == "write" and it.side == decided.to}
            shown = f"{key} of {one.where}: {p_value!r} | {s_value!r} on {base!r}, {rule}"
            if not asked:
                yield f"{shown}: written to {decided.to}, and the rule says {sorted(found)}"
                continue
            told = decided.decision.get(key, {}).get("row")
            if told not in {it.row for it in asked}:
                yield f"{shown}: logged as {told}, and it is {sorted(asked)}"
            yield from _right_value(decided, key, one, (p_value, s_value), terms)
            if len(found) > 1 and rule != "union":
                yield from _right_winner(world, decided, key, shown)


def _right_value(
    decided: Decided, key: str, write: Write, values: tuple[Any, Any], terms: Terms
) -> Iterator[str]:
    p_value, s_value = values
    source, replaced = (s_value, p_value) if decided.to == P else (p_value, s_value)
    value = terms.written(decided.to, source, replaced)
    if decided.config.rule(key, decided.sobject) == "union":
        base = observed(decided, key)[2]
        value = reference.union(p_value, s_value, base)["PS".index(decided.to)]
    if value == "?" or (key == "parent" and value is UNDEFINED):
        return
    names = write.places[key]
    if key == "owner" and terms.users is not None:
        yield from _right_owner(decided, write, (p_value, s_value)["PS".index(decided.to) ^ 1])
        return
    if key == "address":
        sent = write.payload.get("address") if decided.to == P else write.payload
        for part, name in COMPONENTS.items():
            label = part if decided.to == P else name
            if sent is not None and label in sent:
                wanted = (value or {}).get(part)
                if canon(decided.to, part, sent[label]) != wanted:
                    yield f"{part} of {write.where} was written as {sent[label]!r}, not {wanted!r}"
        return
    sent = canon(decided.to, key, write.payload[names[0]])
    if sent != canon(decided.to, key, value):
        yield f"{key} of {write.where} was written as {sent!r}, not {value!r}"


def _right_owner(decided: Decided, write: Write, user: Any) -> Iterator[str]:
    """An owner is who was known to be it, or is by now; who may not own is stood in for."""
    side = decided.to
    at_once = [one for one in (decided.users, write.users) if one is not None]
    active = {one for known in at_once for one in known.owners(side, user)}
    stands_in = write.action == "create" or not decided.config.keeps_owner(decided.sobject)
    if stands_in and not all(known.owners(side, user) for known in at_once):
        active |= {one for known in at_once for one in known.named(side, OPS)}
    sent = write.payload[write.places["owner"][0]]
    if sent not in active:
        yield f"owner of {write.where} was written as {sent!r} for {user!r}, not {sorted(active)}"


def _right_winner(world: World, decided: Decided, key: str, shown: str) -> Iterator[str]:
    """No winner by time may be wrong: the tie-break's side may always win, the other if later."""
    told = decided.decision.get(key, {}).get("row", "")
    winner = OTHER[decided.to]
    if winner == reference.tie(told):
        return
    lost = world.edited_at.get((decided.where(decided.to), key), [])
    won = world.edited_at.get((decided.where(winner), key), [])
    before = [(at, value) for at, value in lost if at <= decided.at]
    # Who went away from a value and back to it has changed nothing that a sync could see.
    if not before or sum(same(value, before[-1][1]) for _, value in before) > 1:
        return
    if not won or won[-1][0] < before[-1][0]:
        yield f"{shown}: {winner} won by time with {won}, and the loser is of {before}"


def _created_right(decided: Decided, write: Write) -> Iterator[str]:
    if write.action == "delete" or write.linking or write.action == "link":
        return
    for key, names in write.places.items():
        rule = decided.config.rule(key, decided.sobject)
        if rule is None or not any(name in write.payload for name in names):
            continue
        if rule == "do_not_sync":
            yield f"{key} of a new {decided.to} record was sent, and is not to be"
        ruling = P if rule in ("spotio_only", "spotio_unless_blank") else S
        if key in decided.config.omit and decided.to == ruling and key != "Company":
            yield f"{key} of a new {decided.to} record was sent in spite of on_create: omit"


def i6_stays_in_scope(played: Played, books: Books) -> Iterator[str]:
    """No create or update whose source's image fails the filter; leaving scope parts nobody."""
    gone = {event[1:4] for event in played.world.events if event[0] in ("delete", "convert")}
    for pair in books.pairs.values():
        if pair.state in _PARTED and not gone & {tuple(pair.where(P)), tuple(pair.where(S))}:
            yield f"{pair.p}/{pair.s} is {pair.state.value}, and neither is gone"
    for one in played.world.writes:
        decided = played.world.decision_of(one)
        if one.action == "delete":
            continue
        source = OTHER[decided.to]
        image = dict(decided.source)
        if not decided.config.reads(source, decided.sobject):
            yield f"{one.action} of {one.where}: that direction is off"
        if not in_scope(decided.config, source, decided.sobject, image):
            yield f"{one.action} of {one.where} from a record out of scope"


def i7_keeps_identity(played: Played, books: Books) -> Iterator[str]:
    """The link relation is one to one, and records do not multiply by themselves."""
    world = played.world
    for one in world.writes:
        state = world.decision_of(one).state
        if state in ("alias", "unlinked", "tombstone") and one.action in ("create", "update"):
            if state == "tombstone" and (one.action != "create" or _never_had_one(world, one)):
                # Deleted before anybody had heard of it, and undeleted: match or create (C.4).
                continue
            yield f"{one.where} was written through a link that is {state}"
    for side in ("p", "s"):
        ids = Counter(
            (one.sobject, getattr(one, side)) for one in books.pairs.values() if getattr(one, side)
        )
        for record_id, number in ids.items():
            if number > 1:
                yield f"{side} {record_id} is in {number} links"
    sources = Counter(source for _, source in world.made)
    for source, number in sources.items():
        again = sum(_may_be_made_again(world, books, one) for one, of in world.made if of == source)
        if number > 1 + again:
            yield f"{number} records were made for {source}"
    for pair in books.pairs.values():
        became = _became(world, pair)
        if pair.state is LinkState.UNLINKED and _was_parted_first(world, pair):
            # Unlinked by policy while it was a lead, and undeleted: frozen, not linked (C.4).
            continue
        if became is not None and pair.state in (LinkState.UNLINKED, LinkState.LINKED):
            taken = any(
                (one.sobject, one.p, one.s) == ("Contact", pair.p, became.id)
                for one in books.pairs.values()
            )
            if not taken:
                yield f"{pair.s} became {became.id}, and its link with {pair.p} did not move"
    linked = {one.where(side) for one in books.pairs.values() for side in (P, S)}
    made = {where for where, _ in world.made}
    for where in made:
        if where not in linked and not world.rows[where].deleted:
            yield f"{where} was made and belongs to no link"
    for where, source in world.made:
        if source in made and not world.config.resurrect:
            yield f"{where} was made for {source}, which the sync itself had made"


def _never_had_one(world: World, create: Write) -> bool:
    """Whether the source of a create had no counterpart before.

    One that it names is none if it was deleted: nobody looks for it then.
    """
    others = (made for made in world.made if made[0] != create.where)
    named = create.across.get("externalDataObjectId" if create.source.side == P else EXTERNAL_ID)
    gone = {event[3] for event in world.events if event[0] == "delete"}
    return named in (None, *gone) and not any(create.source in made for made in others)


def i7b_keeps_what_was_settled(played: Played, books: Books) -> Iterator[str]:
    """What was settled with a lead is settled with what the lead became."""
    world = played.world
    settled = {
        (pair.p, became.id): pair.base
        for pair in books.pairs.values()
        if pair.state is LinkState.UNLINKED and (became := _became(world, pair)) is not None
    }
    for one in world.decided.values():
        if one.sobject != "Contact" or one.action != "update":
            continue
        ids = (one.where(P).id, one.where(S).id)
        for key, told in one.decision.items():
            row = told.get("row") if isinstance(told, dict) else None
            if key in settled.get(ids, {}) and row in ("C3-11", "C3-12", "C3-13"):
                yield f"{key} of {ids} was settled with the lead, and is decided as {row}"


def _became(world: World, pair: Pair) -> Where | None:
    """What the lead of a pair was converted to, as long as it is all there and anybody reads it."""
    if S not in world.config.enabled:
        return None
    row = world.rows.get(pair.where(S))
    became = row.became if row else None
    if row is None or row.deleted or became is None or world.rows[became].deleted:
        return None
    p = world.rows.get(pair.where(P))
    return became if p is not None and not p.deleted else None


def _was_parted_first(world: World, pair: Pair) -> bool:
    """Whether a deletion could have the policy part a pair before its lead became anything else."""
    ends = {
        tuple(pair.where(side))
        for side, policy in zip((S, P), world.config.on_delete, strict=True)
        if policy in ("unlink", "delete", "archive")
    }
    lead = tuple(pair.where(S))
    for event in world.events:
        if event[0] == "delete" and event[1:4] in ends and event[-1] is None:
            return True
        if event[0] == "convert" and event[1:4] == lead:
            return False
    return False


def _may_be_made_again(world: World, books: Books, made: Where) -> bool:
    """Whether a record was deleted that the sync had made, so that another one may stand for it.

    Where its create never had an outcome, nobody can know that it was one's own: what SPOTIO tells
    of a deleted record is its id.
    """
    if not any(event[0] == "delete" and event[1:4] == tuple(made) for event in world.events):
        return False
    joined = any(
        made in (one.where(P), one.where(S)) and one.p and one.s for one in books.pairs.values()
    )
    return world.config.resurrect or not joined


def i9_guards(played: Played, books: Books) -> Iterator[str]:
    """What a write replaced is what its decision had seen."""
    del books
    for one in played.world.writes:
        decided = played.world.decision_of(one)
        if one.where is None or one.action != "update" or one.linking:
            continue
        for key, names in one.places.items():
            for name in names:
                if name not in one.payload:
                    continue
                image = decided.other
                seen = image.get(key) if decided.to == P else image.get(name)
                if (key if decided.to == P else name) not in image:
                    continue
                if key == "address":
                    now = one.before[name]
                    parts = (
                        [(now or {}, seen or {}, part) for part in one.payload[name] or COMPONENTS]
                        if decided.to == P
                        else [({name: now}, {name: seen}, name)]
                    )
                    for was, saw, part in parts:
                        if part == "skip_geocoding":
                            continue
                        if canon(decided.to, part, was.get(part)) != canon(
                            decided.to, part, saw.get(part)
                        ):
                            yield f"{part} of {one.where} was {was.get(part)!r}, unseen"
                elif canon(decided.to, key, one.before[name]) != canon(decided.to, key, seen):
                    yield f"{name} of {one.where} was {one.before[name]!r}, not {seen!r} as seen"


def i10_keeps_order(played: Played, books: Books) -> Iterator[str]:
    """No child waits at rest unless its parent is not there."""
    for link_id in books.waiting:
        pair = books.pairs[link_id]
        if pair.state is LinkState.PENDING:
            # It may wait for a parent that is itself not there; I1 asks for the reason.
            continue
        if (link_id, Direction.TO_SPOTIO, "") in books.parked:
            continue
        if (link_id, Direction.TO_SALESFORCE, "") in books.parked:
            continue
        yield f"an operation of {pair.p}/{pair.s} ({pair.state.value}) is open at rest"


def i11_deletes_safely(played: Played, books: Books) -> Iterator[str]:
    """A delete follows a delete that was seen, under a policy, over nothing that somebody wrote."""
    del books
    for one in played.world.writes:
        if one.action != "delete":
            continue
        decided = played.world.decision_of(one)
        source = one.source
        policy = decided.config.on_delete[0 if source.side == S else 1]
        policy = "ignore" if decided.sobject in KINDS else policy
        row = played.world.rows.get(source)
        if policy != "delete":
            yield f"{one.where} was deleted under the policy {policy}"
        if row is None or not any(
            event[0] == "delete" and event[1:4] == tuple(source) for event in played.world.events
        ):
            yield f"{one.where} was deleted, and its partner never was"
        at = "PS".index(decided.to)
        unseen = {
            key: value
            for key, value in one.before.items()
            if key in decided.base
            # What is not synced (any more) is no value that a deletion is weighed against.
            and (decided.config.rule(key, decided.sobject) or "do_not_sync") != "do_not_sync"
            and not same(value, canon(decided.to, key, decided.base[key][at]))
        }
        if unseen:
            yield f"{one.where} was deleted with {unseen!r} in it that nobody had seen"


def i12_progresses(played: Played, books: Books) -> Iterator[str]:
    """STATE passes no record that the ledger has not seen; a parked field blocks no record."""
    world = played.world
    yield from played.sync.passed
    for row in books.reasons:
        if row.key == "" and row.reason in _OF_FIELDS:
            yield f"{row.link_id} is withheld as a whole for the {row.reason} of one field"
    known = {one.where(side) for one in books.pairs.values() for side in (P, S)}
    config = world.config
    for where, row in world.rows.items():
        if row.deleted or where.side not in config.enabled or where in known:
            continue
        pairs = config.pairs_of(where.side, where.sobject)
        if any(config.creates(one, where.side) for one in pairs) and in_scope(
            config, where.side, where.sobject, row.values
        ):
            yield f"{where} was never decided"


def i15_attributes(played: Played, books: Books) -> Iterator[str]:
    """Every write has one operation with one cause, a row of a table; one create at most."""
    creates: Counter[str] = Counter()
    for one in played.world.writes:
        decided = one.decided or played.world.decided.get(one.operation)
        if decided is None:
            yield f"{one.where} was written by an operation that nobody decided"
            continue
        if one.action == "create" and one.where is not None and not one.linking:
            creates[one.operation] += not _may_be_made_again(played.world, books, one.where)
        for key, names in one.places.items():
            if key == "externalDataObjectId" or not any(n in one.payload for n in names):
                continue
            cause = decided.decision.get(key) or decided.decision.get("")
            rows = ("C3-", "C4 ", ADOPT, *([RESTORED] if key in one.restores else []))
            if not cause or not str(cause.get("row", "")).startswith(rows):
                yield f"{key} of {one.where} has no cause: {decided.decision}"
    for operation, number in creates.items():
        if number > 1:
            yield f"the operation {operation} made {number} records"


CHECKS: tuple[Check, ...] = (
    i1_converges,
    i2_is_quiet,
    i2b_does_not_echo,
    i3_is_minimal,
    i4_loses_nothing,
    i4b_forgets_nothing,
    i5_follows_rules,
    i6_stays_in_scope,
    i7_keeps_identity,
    i7b_keeps_what_was_settled,
    i9_guards,
    i10_keeps_order,
    i11_deletes_safely,
    i12_progresses,
    i15_attributes,
)

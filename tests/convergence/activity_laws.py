"""What is particular to activities: whose they are, what they are on, and who may make them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from tests.convergence.activities import KINDS, is_done
from tests.convergence.shape import EXTERNAL_ID, PARENT_FIELD, P, S

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.convergence.invariants import Books
    from tests.convergence.machine import Played


def v1_leaves_others_alone(played: Played, books: Books) -> Iterator[str]:
    """What Salesforce's people do stays theirs, unless the definition asks for it."""
    del books
    world = played.world
    made = {where for where, _ in world.made}
    for one in world.writes:
        if one.where is None or one.where.sobject not in KINDS:
            continue
        takes = world.decision_of(one).config.creates(one.where.sobject, S)
        if one.where.side == P and one.action == "create" and not takes:
            yield f"{one.where} was made of {one.source}, and nobody asked for Salesforce's own"
        if one.where.side == S and one.where not in made and not takes:
            yield f"{one.where} was written, and it is nobody's business"


def v2_makes_one_of_each(played: Played, books: Books) -> Iterator[str]:
    """One Task or Event for each activity, the deleted ones among them."""
    del books
    named = Counter(
        row.values.get(EXTERNAL_ID)
        for where, row in played.world.rows.items()
        if where.side == S and where.sobject in KINDS
    )
    for activity, number in named.items():
        if activity is not None and number > 1:
            yield f"{number} records stand for the activity {activity}"


def v3_names_the_record(played: Played, books: Books) -> Iterator[str]:
    """What is made is on the counterpart of the activity's record, and on no other."""
    del books
    for one in played.world.writes:
        if one.where is None or one.where.sobject not in KINDS or one.action != "create":
            continue
        name = "parentId" if one.where.side == P else PARENT_FIELD[one.where.sobject]
        told = one.payload.get(name)
        if one.linking:
            continue
        if told is None and one.where.side == S:
            # Refused by its name it is withheld; that it is not forgotten I1 looks at.
            if "parent" not in one.places:
                yield f"{one.where} was made, and it did not wait for the record"
            continue
        if told not in one.kin:
            yield f"{one.where} was made on {told}, and the record's counterpart is {one.kin}"


def v3b_asks_for_the_record(played: Played, books: Books) -> Iterator[str]:
    """What is asked for names the counterpart that the ledger knew then: of a lead its contact."""
    del books
    for decided in played.world.decided.values():
        if decided.to == P or decided.sobject not in KINDS or decided.action != "create":
            continue
        named = decided.record.get(PARENT_FIELD[decided.sobject]) or {}
        known = decided.parents.get((P, decided.source.get("parent")))
        if known not in (None, "?") and named.get("salesforce_id") != known:
            yield f"{decided.source_id} was to be on {named}, and its record is {known}"


def v4_respects_what_is_done(played: Played, books: Books) -> Iterator[str]:
    """Nothing is tried on an activity that was known to be done."""
    del books
    for decided in played.world.decided.values():
        if decided.to == P and decided.sobject in KINDS and decided.action == "update":
            if is_done(decided.other):
                yield f"{decided.other_id} was known to be done, and {decided.record} was sent"


def v5_waits_for_the_record(played: Played, books: Books) -> Iterator[str]:
    """An activity of a linked record waits for nothing."""
    world = played.world
    pairs = books.pairs
    for row in books.reasons:
        pair = pairs[row.link_id]
        if pair.sobject not in KINDS or row.reason != "waiting_for_parent":
            continue
        one = world.rows.get(pair.where(P))
        parent = one.values["parentId"] if one is not None and not one.deleted else None
        parents = world.config.parents(pair.sobject)
        for other in pairs.values():
            if other.sobject in parents and parent is not None and other.p == parent and other.s:
                yield f"{pair.p} waits for {parent}, which is {other.s}"


CHECKS = (
    v1_leaves_others_alone,
    v2_makes_one_of_each,
    v3_names_the_record,
    v3b_asks_for_the_record,
    v4_respects_what_is_done,
    v5_waits_for_the_record,
)

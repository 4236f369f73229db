"""Random histories: the ledger says what a naive model in memory says, after every commit."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from reverse_sf.ledger.batches import Decisions, Outcomes
from reverse_sf.ledger.rows import (
    Image,
    Intent,
    Link,
    LinkState,
    OperationStatus,
    Outcome,
    Parked,
    Run,
)
from reverse_sf.ledger.store import Ledger
from reverse_sf.mapping.definition import Direction, Side

LINKS = ("l0", "l1", "l2")
KEYS = ("Company", "Phone")
PAIR = "Account:Accounts"
D = Direction.TO_SPOTIO


def at(tick: int) -> str:
    return f"2026-01-01T00:00:{tick % 60:02d}.000Z"


values = st.sampled_from([None, "", "x", "Café", 0, False, ["a", "b"]])
images = st.dictionaries(st.sampled_from(KEYS), values, max_size=2)
sources = st.fixed_dictionaries(dict.fromkeys(KEYS, values))
names = st.sampled_from(LINKS)


@dataclass(frozen=True)
class Decide:
    """The mapper saw some records, and writes to some of them."""

    seen: dict[str, dict[str, Any]]
    writes: dict[str, dict[str, Any]]
    waiting_for: dict[str, str]
    flagged: frozenset[str]
    unflagged: frozenset[str]
    withheld: frozenset[tuple[str, str]]
    unparked: frozenset[tuple[str, str]]
    rebased: dict[str, dict[str, list[Any]]]


@dataclass(frozen=True)
class Finish:
    """The target tells what became of the open operations of some links."""

    outcomes: dict[str, tuple[OperationStatus, dict[str, Any] | None, tuple[str, ...]]]
    flagged: frozenset[str]
    withheld: frozenset[tuple[str, str]]


@dataclass(frozen=True)
class NextRun:
    """The run ends and another begins."""


keyed = st.tuples(names, st.sampled_from(("", *KEYS)))
decides = st.builds(
    Decide,
    seen=st.dictionaries(names, images, max_size=3),
    writes=st.dictionaries(names, sources, min_size=1),
    waiting_for=st.sampled_from([{}, {"l1": "l0", "l2": "l0"}]),
    flagged=st.frozensets(names, max_size=1),
    unflagged=st.frozensets(names, max_size=1),
    withheld=st.frozensets(keyed, max_size=2),
    unparked=st.frozensets(keyed, max_size=2),
    rebased=st.dictionaries(
        names,
        st.dictionaries(st.sampled_from(KEYS), st.lists(values, min_size=2, max_size=2)),
        max_size=2,
    ),
)
finishes = st.builds(
    Finish,
    outcomes=st.dictionaries(
        names,
        st.tuples(
            st.sampled_from(
                [
                    OperationStatus.APPLIED,
                    OperationStatus.AGREED,
                    OperationStatus.STALE,
                    OperationStatus.REJECTED,
                    OperationStatus.WAITING,
                ]
            ),
            st.none() | images,
            st.lists(st.sampled_from(KEYS), unique=True).map(tuple),
        ),
        min_size=1,
    ),
    flagged=st.frozensets(names, max_size=1),
    withheld=st.frozensets(keyed, max_size=2),
)
steps = st.lists(
    st.one_of(decides, finishes, decides, finishes, st.builds(NextRun)), min_size=2, max_size=12
)


@dataclass(frozen=True)
class Operation:
    name: str
    run: str
    source: dict[str, Any]
    waiting_for: str | None
    waiting: bool = False


@dataclass
class Held:
    attempts: int = 0
    waiting_for: str | None = None
    due_at: str | None = None


@dataclass
class Known:
    salesforce: dict[str, Any] | None = None
    spotio: dict[str, Any] | None = None
    base: dict[str, list[Any]] = field(default_factory=dict)
    spotio_id: str | None = None
    flagged: bool = False
    open: Operation | None = None
    parked: dict[str, Held] = field(default_factory=dict)


class Model:
    """What the ledger should remember, without batches, tables or statements."""

    def __init__(self) -> None:
        self.known: dict[str, Known] = {}
        self.run = 1

    def decide(self, step: Decide, operations: dict[str, Operation]) -> None:
        for name in [*step.seen, *step.writes, *step.flagged]:
            self.known.setdefault(name, Known())
        for name, seen in step.seen.items():
            self.known[name].salesforce = seen
        for name in step.unflagged & set(self.known):
            self.known[name].flagged = False
        for name in step.flagged:
            self.known[name].flagged = True
        for name, operation in operations.items():
            self.known[name].open = operation
        for name, key in step.unparked:
            if name in self.known:
                self.known[name].parked.pop(key, None)
        self.withhold(step.withheld, step.waiting_for)
        for name, entries in step.rebased.items():
            if name in self.known:
                self.known[name].base |= entries

    def withhold(self, keys: frozenset[tuple[str, str]], waiting_for: dict[str, str]) -> None:
        for name, key in keys:
            if name in self.known:
                held = self.known[name].parked.setdefault(key, Held())
                held.attempts += 1
                held.waiting_for = waiting_for.get(name)
                held.due_at = None

    def finish(self, step: Finish, tick: int) -> None:
        for name, (status, image, written) in step.outcomes.items():
            one = self.known.get(name)
            if one is None or one.open is None:
                continue
            applied = status in {OperationStatus.APPLIED, OperationStatus.AGREED}
            if applied:
                one.spotio_id = f"sp-{name}"
                for key in ("", *written):
                    one.parked.pop(key, None)
            told = {key for of, key in step.withheld if of == name}
            if status is OperationStatus.REJECTED and told:
                # From here on the record's own row speaks for its keys, or they for the record.
                for key in one.open.source if "" in told else [""]:
                    one.parked.pop(key, None)
            if image is not None:
                self.read_back(one, one.open.source, image, written)
            if one.spotio_id:
                self.release(name, tick)
            waits = status is OperationStatus.WAITING
            one.open = replace(one.open, waiting=True) if waits else None
        for name in step.flagged & set(self.known):
            self.known[name].flagged = True
        self.withhold(step.withheld, {})

    @staticmethod
    def read_back(
        one: Known, source: dict[str, Any], image: dict[str, Any], written: tuple[str, ...]
    ) -> None:
        settled = {
            key: [image[key], source[key]] for key in written if key in image if key in source
        }
        before, one.spotio = one.spotio or {}, image
        # What changed beside the write is decided again.
        if any(key not in settled and before.get(key, it) != it for key, it in image.items()):
            one.flagged = True
        one.base |= settled

    def release(self, parent: str, tick: int) -> None:
        for one in self.known.values():
            for held in one.parked.values():
                if held.waiting_for == parent:
                    held.due_at = at(tick)

    def due(self, tick: int) -> set[str]:
        return {
            name
            for name, one in self.known.items()
            if one.flagged
            or (one.open and one.open.run != f"run-{self.run}")
            or any(
                (held.due_at and held.due_at <= at(tick)) or self.has_counterpart(held.waiting_for)
                for held in one.parked.values()
            )
        }

    def has_counterpart(self, name: str | None) -> bool:
        return name in self.known and self.known[name].spotio_id is not None

    def released(self) -> set[str]:
        return {
            name
            for name, one in self.known.items()
            if one.open
            and one.open.waiting
            and one.open.run == f"run-{self.run}"
            and self.has_counterpart(one.open.waiting_for)
        }


def link_of(name: str, *, flagged: bool = False) -> Link:
    return Link(
        link_id=name,
        pair=PAIR,
        origin=Side.SALESFORCE,
        salesforce_id=f"sf-{name}",
        flagged=D if flagged else None,
    )


def withheld_rows(
    keys: frozenset[tuple[str, str]], model: Model, waiting_for: dict[str, str], tick: int
) -> list[Parked]:
    return [
        Parked(
            link_id=name,
            direction=D,
            key=key,
            pair=PAIR,
            reason="rejected",
            message="no",
            at=at(tick),
            run_id=f"run-{model.run}",
            waiting_for=waiting_for.get(name),
        )
        for name, key in keys
        if name in model.known
    ]


def commit_decide(ledger: Ledger, model: Model, step: Decide, tick: int) -> None:
    run_id = f"run-{model.run}"
    operations = {
        name: Operation(f"{tick}-{name}", run_id, source, step.waiting_for.get(name))
        for name, source in step.writes.items()
    }
    superseded = [
        model.known[name].open.name
        for name in operations
        if name in model.known and model.known[name].open
    ]
    model.decide(step, operations)
    touched = {*step.seen, *step.writes, *step.flagged}
    ledger.commit_decisions(
        Decisions(
            run_id=run_id,
            links=[link_of(name, flagged=name in step.flagged) for name in sorted(touched)],
            images=[
                Image(
                    link_id=name,
                    side=Side.SALESFORCE,
                    values=seen,
                    digest=repr(seen),
                    observed_at=at(tick),
                )
                for name, seen in step.seen.items()
            ],
            rebased={name: it for name, it in step.rebased.items() if name in model.known},
            intents=[
                Intent(
                    operation_id=operation.name,
                    link_id=name,
                    pair=PAIR,
                    direction=D,
                    action="update",
                    run_id=run_id,
                    record={},
                    envelope={},
                    source=operation.source,
                    decision={},
                    issued_at=at(tick),
                    waiting_for=operation.waiting_for,
                )
                for name, operation in operations.items()
            ],
            superseded=superseded,
            unflagged=[name for name in step.unflagged if name in model.known],
            unparked=list(step.unparked),
            parked=withheld_rows(step.withheld, model, step.waiting_for, tick),
        )
    )


def commit_finish(ledger: Ledger, model: Model, step: Finish, tick: int) -> None:
    outcomes = []
    for name, (status, image, written) in step.outcomes.items():
        one = model.known.get(name)
        if one is None or one.open is None:
            continue
        applied = status in {OperationStatus.APPLIED, OperationStatus.AGREED}
        outcomes.append(
            Outcome(
                operation_id=one.open.name,
                link_id=name,
                status=status,
                at=at(tick),
                spotio_id=f"sp-{name}" if applied else None,
                image=image,
                written=list(written),
            )
        )
    model.finish(step, tick)
    ledger.commit_outcomes(
        Outcomes(
            run_id=f"run-{model.run}",
            direction=D,
            outcomes=outcomes,
            flagged=[(name, D, "guard") for name in step.flagged if name in model.known],
            parked=withheld_rows(step.withheld, model, {}, tick),
        )
    )


def begin(ledger: Ledger, number: int) -> None:
    run = Run(run_id=f"run-{number}", direction=D, started_at=at(0), definition_fingerprint="f")
    ledger.begin_run(run, ttl_seconds=600)


def check(ledger: Ledger, model: Model, tick: int) -> None:
    snapshots = ledger.snapshots(LINKS)
    parked = ledger.parked(LINKS)
    seen = ledger.observed(PAIR, [f"sf-{name}" for name in LINKS])
    assert set(snapshots) == set(model.known) == {it.link_id for it in seen.values()}
    for name, one in model.known.items():
        snapshot = snapshots[name]
        assert snapshot.salesforce_image == one.salesforce
        assert snapshot.spotio_image == one.spotio
        assert snapshot.base == one.base
        assert snapshot.link.spotio_id == one.spotio_id
        assert (snapshot.link.state is LinkState.LINKED) == (one.spotio_id is not None)
        assert (snapshot.link.flagged is D) == one.flagged
        assert snapshot.open_operation == (one.open.name if one.open else None)
        assert seen[f"sf-{name}"].has_open_operation == (one.open is not None)
        assert {it.key: it.attempts for it in parked.get(name, [])} == {
            key: held.attempts for key, held in one.parked.items()
        }
    pages = list(ledger.links_to_replan(D, now=at(tick), definition_fingerprint="f", batch=2))
    assert sorted(it for page in pages for it in page) == sorted(model.due(tick))
    assert {it.link_id for it in ledger.released(f"run-{model.run}", D)} == model.released()


@settings(max_examples=200, deadline=None)
@given(steps)
def test_after_every_commit_the_ledger_says_what_a_naive_model_says(history):
    model = Model()
    with Ledger.open("sqlite://") as ledger:
        begin(ledger, 1)
        for tick, step in enumerate(history, 1):
            if isinstance(step, Decide):
                commit_decide(ledger, model, step, tick)
            elif isinstance(step, Finish):
                commit_finish(ledger, model, step, tick)
            else:
                ledger.finish_run(f"run-{model.run}", "done")
                model.run += 1
                begin(ledger, model.run)
            check(ledger, model, tick)

"""What ``reverse-sf check`` prints: coverage, proofs and findings."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from reverse_sf.cli.rendering import say, show
from reverse_sf.mapping.problem import Severity
from reverse_sf.mapping.proof import told

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from reverse_sf.mapping.check import Coverage
    from reverse_sf.mapping.lines import Lines
    from reverse_sf.mapping.problem import Problem
    from reverse_sf.mapping.proof import FieldProof, Way

_STYLES = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTE: ""}


@dataclass(frozen=True)
class Report:
    """Everything that one check has to say.

    Attributes:
        snapshot: the snapshot that was compared, or that stood in for the two systems.
    """

    path: Path
    problems: Sequence[Problem]
    coverage: Sequence[Coverage]
    proofs: Sequence[FieldProof]
    lines: Lines
    offline: bool
    snapshot: Path | None

    @property
    def errors(self) -> int:
        """How many findings are errors."""
        return sum(one.severity is Severity.ERROR for one in self.problems)

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "ok": not self.errors,
            "offline": self.offline,
            "snapshot": None if self.snapshot is None else str(self.snapshot),
            "problems": [{"line": self.lines.of(one.path), **asdict(one)} for one in self.problems],
            "coverage": self.coverage,
            "proofs": [
                {
                    "line": self.lines.of(one.path),
                    "safe": one.safe,
                    **asdict(replace(one, losses=())),
                    "losses": [
                        {
                            name: value if name == "side" else told(value)
                            for name, value in asdict(loss).items()
                        }
                        for loss in one.losses
                    ],
                }
                for one in self.proofs
            ],
        }

    def show(self, *, with_proofs: bool) -> None:
        """For people."""
        show(
            "Fields mapped, of those that can be",
            ("pair", "SPOTIO", "Salesforce"),
            (
                (
                    one.pair,
                    _of(one.spotio_mapped, one.spotio_mappable),
                    _of(one.salesforce_mapped, one.salesforce_mappable),
                )
                for one in self.coverage
            ),
            numbers=("SPOTIO", "Salesforce"),
        )
        say()
        if with_proofs:
            self._show_proofs()
        if self.problems:
            show(
                "Findings",
                ("", "line", "where", "what", "what to do"),
                (
                    (one.severity.value, self.lines.of(one.path), one.path, one.message, one.remedy)
                    for one in self.problems
                ),
                numbers=("line",),
                styles=[_STYLES[one.severity] for one in self.problems],
            )
            say()
        self._show_sum()

    def _show_proofs(self) -> None:
        if not self.proofs:
            say("Nothing is proven: the fields of the two systems are not known.")
            return
        show(
            "What is proven of each field pair",
            ("SPOTIO", "rule", "Salesforce", "to Salesforce", "to SPOTIO", "verdict"),
            (
                (
                    one.spotio,
                    one.rule.value,
                    one.salesforce,
                    _way(one.to_salesforce),
                    _way(one.to_spotio),
                    _verdict(one),
                )
                for one in self.proofs
            ),
            styles=["" if one.safe else "yellow" for one in self.proofs],
        )
        say("Safe: no edit takes away what its author cannot see. Partial: such a value is parked.")
        say()

    def _show_sum(self) -> None:
        by_severity = {
            kind: sum(one.severity is kind for one in self.problems) for kind in Severity
        }
        sums = ", ".join(counted(number, kind.value) for kind, number in by_severity.items())
        say(f"{self.path}: {sums}.")
        if self.proofs:
            safe = sum(one.safe for one in self.proofs)
            say(f"{safe} of {counted(len(self.proofs), 'field pair')} proven safe.")
        if self.offline and self.snapshot is not None:
            say(f"Checked against {self.snapshot}; reverse-sf check asks the two systems.")
        elif self.offline:
            say("Checked without the two systems; reverse-sf check asks them as well.")


def _way(way: Way) -> str:
    """One direction in words: what holds, then what does not and why."""
    said = [
        "total" if way.total else f"partial: not {way.undefined}",
        "one-to-one" if way.one_to_one else f"shared: {way.shared}",
        "there and back" if way.round_trip else f"changes: {way.changed}",
    ]
    return "\n".join(said)


def _verdict(proof: FieldProof) -> str:
    if not proof.safe:
        return "loses " + ", ".join(told(one.lost) for one in proof.losses)
    return "safe"


def _of(mapped: int, mappable: int | None) -> str:
    return str(mapped) if mappable is None else f"{mapped} of {mappable}"


def counted(number: int, noun: str) -> str:
    """A number and its noun, which gets its plural."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"

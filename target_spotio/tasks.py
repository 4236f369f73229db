"""One record on its way to SPOTIO."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from reverse_sf.delivery.results import Exchange, Result, Withheld
from reverse_sf.ledger.rows import OperationStatus
from reverse_sf.merge.envelope import Action

if TYPE_CHECKING:
    from reverse_sf.spotio.errors import Call
    from target_spotio.operations import Operation
    from target_spotio.vocabulary import Vocabulary

_KEPT_OF_A_RECORD = ("id", "updatedAt")


@dataclass
class Task:
    """One record to write.

    Attributes:
        record_id: the record in SPOTIO; None where it is to be created.
        linking: the record was found rather than known: only ``on_link`` keys win.
        parent: SPOTIO id of the parent that the operation names.
        withheld: keys that SPOTIO refused, with its words.
        calls: calls that wrote, for the log.
    """

    operation: Operation
    vocabulary: Vocabulary
    record_id: str | None = None
    linking: bool = False
    parent: str | None = None
    withheld: list[Withheld] = field(default_factory=list)
    calls: list[Exchange] = field(default_factory=list)

    @property
    def links(self) -> bool:
        """Whether the outcome counts as a link made."""
        return self.linking or self.operation.action is Action.LINK

    @property
    def named(self) -> bool:
        """Whether the record is known by an id only that the source's record names."""
        return self.operation.envelope is not None and self.operation.envelope.named

    def note(self, call: Call) -> None:
        """Keep a call for the log."""
        exchange = Exchange.of(call)
        answer = call.answer
        if isinstance(answer, dict) and "id" in answer:
            # The whole record is kept as the image already.
            kept = {key: answer[key] for key in _KEPT_OF_A_RECORD if key in answer}
            exchange = replace(exchange, answer=kept)
        self.calls.append(exchange)

    def refused(self, why: Withheld) -> Result:
        """The result of a write that did not happen."""
        return Result(
            self.operation,
            OperationStatus.REJECTED,
            "rejected",
            withheld=[why],
            calls=self.calls,
        )

    def parted(self) -> Result:
        """The result where the named record is not to be had: it is another's, or not there."""
        status = OperationStatus.REJECTED if self.withheld else OperationStatus.STALE
        return Result(
            self.operation,
            status,
            status.value,
            withheld=self.withheld,
            calls=self.calls,
            parted=True,
        )

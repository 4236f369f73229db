"""What can go wrong in a call to SPOTIO, beyond the classes of :mod:`reverse_sf.errors`.

::

    RecordError
    ├── WriteRefusedError         400, 422: the record must change, others go on
    └── NotFoundError             404: there is no such record (any more)
    RetryError
    └── AmbiguousOutcomeError     a write was sent and no answer came: look before repeating it
    RefusedError
    └── WindowError               a listing refuses to go on past its window: slice it
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reverse_sf.errors import RecordError, RefusedError, RetryError

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Call:
    """One call as the log may show it: no credentials, no token.

    Attributes:
        status: HTTP status, or None where no answer came.
        payload: the body that was sent.
        answer: the body that came back.
    """

    method: str
    path: str
    status: int | None = None
    payload: Any = None
    answer: Any = None


class WriteRefusedError(RecordError):
    """SPOTIO refused one record (400 and 422 alike: its guide and its specification disagree).

    Attributes:
        complaints: SPOTIO's own error object, error key to message; ``_`` is the record itself.
        call: the call as the log may show it.
    """

    def __init__(
        self, message: str, *, code: str, complaints: Mapping[str, str], call: Call
    ) -> None:
        super().__init__(message, code=code, fields=[key for key in complaints if key != "_"])
        self.complaints = dict(complaints)
        self.call = call


class NotFoundError(RecordError):
    """There is no such record, or no longer.

    Attributes:
        call: the call as the log may show it.
    """

    def __init__(self, message: str, *, call: Call) -> None:
        super().__init__(message, code="404")
        self.call = call


class AmbiguousOutcomeError(RetryError):
    """A write was sent and its outcome is unknown; look whether it took before repeating it.

    Attributes:
        call: the call as the log may show it.
    """

    def __init__(self, message: str, *, call: Call) -> None:
        super().__init__(message)
        self.call = call


class WindowError(RefusedError):
    """A listing refused to go on past its window of rows."""

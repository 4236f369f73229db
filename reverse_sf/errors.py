"""The error tree of the product, named by what can be done about it.

::

    ReverseSFError
    ├── ConfigurationError    fix a file or a setting          exit 2
    │   └── UsageError        fix the command line             exit 2
    ├── StopError             a guard refuses; a person looks  exit 2
    ├── RefusedError          a system refused us              exit 3
    │   ├── LoginError        fix the credentials              exit 3
    │   ├── AccessError       give the user the right          exit 3
    │   └── QuotaError        wait, or raise the quota         exit 3
    ├── LeaseHeldError        another runner is at work        exit 4
    ├── RetryError            run again later                  exit 1
    └── RecordError           fix the record; others go on     (parked, never an exit)

Every command ends with one of the codes of :class:`Exit`; ``reverse_sf.console`` turns an error
into its one clear message.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence


class Exit(IntEnum):
    """Exit codes, the same for every command."""

    DONE = 0
    UNEXPECTED = 1
    CONFIGURATION = 2
    REFUSED = 3
    LEASE_HELD = 4
    PARKED = 5


class ReverseSFError(Exception):
    """Root of all errors that a command reports in one message, without a traceback."""

    exit_code: ClassVar[Exit] = Exit.UNEXPECTED


class ConfigurationError(ReverseSFError):
    """A file or a setting must be fixed; carries every problem found, each with its path.

    Attributes:
        problems: one sentence each, beginning with the path or setting it is about.
    """

    exit_code = Exit.CONFIGURATION

    def __init__(self, message: str, problems: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems)


class UsageError(ConfigurationError):
    """The command line must be fixed."""


class StopError(ReverseSFError):
    """A guard refuses to go on until a person has looked; the message names the way past it."""

    exit_code = Exit.CONFIGURATION


class RefusedError(ReverseSFError):
    """A system refused us: login, permission or quota."""

    exit_code = Exit.REFUSED


class LoginError(RefusedError):
    """Credentials were not accepted."""


class AccessError(RefusedError):
    """The user behind the credentials lacks a right that the run needs."""


class QuotaError(RefusedError):
    """A request quota is used up; everything done so far is kept."""


class LeaseHeldError(ReverseSFError):
    """Another runner holds the lease of this ledger and direction."""

    exit_code = Exit.LEASE_HELD


class RetryError(ReverseSFError):
    """A passing fault outlived all retries; running again later continues the work."""


class RecordError(ReverseSFError):
    """One record was rejected; it is parked and the others go on.

    Attributes:
        fields: API names or labels that the system named as the cause, maybe none.
        code: the system's own code, such as ``STRING_TOO_LONG`` or ``422``.
    """

    def __init__(self, message: str, *, code: str = "", fields: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.fields = tuple(fields)

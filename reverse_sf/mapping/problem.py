"""What a check found: one sentence about one place in ``sync.yml``, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Severity(str, Enum):
    """What a finding means for a run."""

    ERROR = "error"
    """A run cannot do what the definition asks for."""
    WARNING = "warning"
    """A run works, and some records or fields will be parked or left alone."""
    NOTE = "note"
    """Good to know."""


@dataclass(frozen=True)
class Problem:
    """One finding.

    Attributes:
        path: where in ``sync.yml``, such as ``objects[0].fields[2]``.
        message: what is the matter.
        remedy: what to do about it; may be empty for a note.
    """

    path: str
    severity: Severity
    message: str
    remedy: str = ""


def error(path: str, message: str, remedy: str) -> Problem:
    """A finding that stops a run from doing what the definition asks for."""
    return Problem(path, Severity.ERROR, message, remedy)


def warning(path: str, message: str, remedy: str = "") -> Problem:
    """A finding that parks or leaves alone some records or fields."""
    return Problem(path, Severity.WARNING, message, remedy)


def note(path: str, message: str, remedy: str = "") -> Problem:
    """A finding that is good to know."""
    return Problem(path, Severity.NOTE, message, remedy)

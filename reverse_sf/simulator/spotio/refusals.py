"""How the local SPOTIO says no.

The envelope is ``{"errors": {"<field>": "<message>"}}`` with the key ``_`` for the whole entity
(SPOTIO developer guide, "Status Codes and Errors").
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reverse_sf.simulator.errors import SimulatorError

if TYPE_CHECKING:
    from collections.abc import Mapping

ENTITY = "_"
"""Error key of messages about the whole entity."""
VALIDATION = 422
"""Stands for "validation failed"; the switch ``validation_status`` says what goes out."""


class Refusal(SimulatorError):  # noqa: N818 - an answer of the service, no failure of ours
    """A request that is answered with an error.

    Args:
        status: HTTP status; :data:`VALIDATION` follows the switch.
        errors: messages by field id, property name or ``_``; none means an empty body.
    """

    def __init__(self, status: int, errors: Mapping[str, str] | str = "") -> None:
        self.status = status
        self.errors = {ENTITY: errors} if isinstance(errors, str) and errors else dict(errors or {})
        super().__init__(self.sentence)

    @property
    def sentence(self) -> str:
        """All messages on one line, as failed lines of bulk jobs show them."""
        return "; ".join(
            message if key == ENTITY else f"{key}: {message}"
            for key, message in self.errors.items()
        )


def not_found(what: str, identifier: object) -> Refusal:
    """The answer to an id that does not exist."""
    return Refusal(404, f"{what} with id: {identifier} does not exist.")


def read_number(given: Any) -> int | None:
    """An id that may travel as text; None where there is none.

    Raises:
        Refusal: 400, it is not a number.
    """
    if given is None or given == "":
        return None
    try:
        return int(given)
    except (TypeError, ValueError):
        raise Refusal(400, f"Error converting value {given!r} to type 'Int32'.") from None

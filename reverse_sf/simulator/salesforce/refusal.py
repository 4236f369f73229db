"""How the local org says no: an answer with Salesforce's own code, status and wording."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reverse_sf.simulator.errors import SimulatorError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class ApiFault(SimulatorError):  # noqa: N818 - the name that the rooms agreed on
    """A request that Salesforce would refuse.

    Attributes:
        status: HTTP status of a single-record call (REST Developer Guide, "Status Codes and Error
            Responses").
        code: ``errorCode`` of a call, ``statusCode`` of an entry in a collection's answer.
        message: Salesforce's wording.
        fields: API names of the fields at fault.
        extra: further keys of the error's body, such as ``duplicateResult``.
        others: more refusals of the same record; Salesforce lists all failed required fields and
            validation rules at once.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        status: int = 400,
        fields: Sequence[str] = (),
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.fields = tuple(fields)
        self.extra = dict(extra or {})
        self.others: list[ApiFault] = []

    def body(self, *, inner: bool = False) -> list[dict[str, Any]]:
        """The error list of the answer's body; ``inner`` for a collection's entry.

        A collection's entry names the code ``statusCode`` and always lists ``fields``; a call's
        own error names it ``errorCode`` and lists fields only where there are some.
        """
        listed = []
        for fault in (self, *self.others):
            key = "statusCode" if inner else "errorCode"
            entry: dict[str, Any] = {"message": fault.message, key: fault.code}
            if inner or fault.fields:
                entry["fields"] = list(fault.fields)
            listed.append(entry | fault.extra)
        return listed


def not_found() -> ApiFault:
    """The record of a path does not exist."""
    return ApiFault("NOT_FOUND", "The requested resource does not exist", status=404)


def entity_deleted() -> ApiFault:
    """The record of a path is in the recycle bin."""
    return ApiFault("ENTITY_IS_DELETED", "entity is deleted", status=404)


def malformed_id(text: str, label: str = "") -> ApiFault:
    """An id that is no id, or not one of an object that the field may point to."""
    if label:
        return ApiFault("MALFORMED_ID", f"{label}: id value of incorrect type: {text}")
    return ApiFault("MALFORMED_ID", f"malformed id {text}")


def unknown_type(name: str) -> ApiFault:
    """An sObject that the org does not have."""
    return ApiFault(
        "INVALID_TYPE",
        f"sObject type '{name}' is not supported. If you are attempting to use a custom object, "
        "be sure to append the '__c' after the entity name. Please reference your WSDL or the "
        "describe call for the appropriate names.",
    )

"""The wording of refused queries; the position is told the way Salesforce tells it."""

from __future__ import annotations

from reverse_sf.simulator.salesforce.refusal import ApiFault

_CONTEXT = 30


def _pointed(text: str, position: int) -> str:
    """A clip of the query, a caret under the position, and its row and column (from 1)."""
    before = text[:position]
    row = before.count("\n") + 1
    column = position - (before.rfind("\n") + 1) + 1
    start = max(0, position - _CONTEXT)
    clip = text[start : position + _CONTEXT].replace("\n", " ")
    caret = " " * (position - start) + "^"
    return f"\n{clip}\n{caret}\nERROR at Row:{row}:Column:{column}\n"


def malformed(text: str, position: int, message: str) -> ApiFault:
    """A query that is no SOQL, or SOQL that this server does not answer."""
    return ApiFault("MALFORMED_QUERY", f"{_pointed(text, position)}{message}")


def plain_malformed(message: str) -> ApiFault:
    """A refusal that Salesforce words without a position."""
    return ApiFault("MALFORMED_QUERY", message)


def no_column(text: str, position: int, name: str, entity: str) -> ApiFault:
    """A field that the object does not have."""
    return ApiFault(
        "INVALID_FIELD",
        f"{_pointed(text, position)}No such column '{name}' on entity '{entity}'. If you are "
        "attempting to use a custom field, be sure to append the '__c' after the custom field "
        "name. Please reference your WSDL or the describe call for the appropriate names.",
    )


def no_relationship(text: str, position: int, name: str) -> ApiFault:
    """A parent path that does not exist."""
    return ApiFault(
        "INVALID_FIELD",
        f"{_pointed(text, position)}Didn't understand relationship '{name}' in field path. If you "
        "are attempting to use a custom relationship, be sure to append the '__r' after the "
        "custom relationship name. Please reference your WSDL or the describe call for the "
        "appropriate names.",
    )


def no_child_relationship(text: str, position: int, name: str) -> ApiFault:
    """A subquery over children that do not exist."""
    return ApiFault(
        "INVALID_TYPE",
        f"{_pointed(text, position)}Didn't understand relationship '{name}' in FROM part of query "
        "call. If you are attempting to use a custom relationship, be sure to append the '__r' "
        "after the custom relationship name. Please reference your WSDL or the describe call for "
        "the appropriate names.",
    )


def no_entity(text: str, position: int, name: str) -> ApiFault:
    """FROM names no object."""
    return ApiFault(
        "INVALID_TYPE",
        f"{_pointed(text, position)}sObject type '{name}' is not supported. If you are attempting "
        "to use a custom object, be sure to append the '__c' after the entity name. Please "
        "reference your WSDL or the describe call for the appropriate names.",
    )


def field_refused(text: str, position: int, name: str, verb: str) -> ApiFault:
    """A field that may not be ``filtered``, ``sorted``, ``grouped`` or ``aggregated``."""
    return ApiFault(
        "INVALID_FIELD",
        f"{_pointed(text, position)}field '{name}' can not be {verb} in a query call",
    )


def wrong_literal(text: str, position: int, name: str, kind: str, *, quoted: bool) -> ApiFault:
    """A value that does not fit the field's type."""
    rule = "should be enclosed in quotes" if quoted else "should not be enclosed in quotes"
    return ApiFault(
        "INVALID_FIELD",
        f"{_pointed(text, position)}value of filter criterion for field '{name}' must be of type "
        f"{kind} and {rule}",
    )


def wrong_operator(text: str, position: int, message: str) -> ApiFault:
    """An operator that the field's type does not allow, or an id that is none."""
    return ApiFault("INVALID_QUERY_FILTER_OPERATOR", f"{_pointed(text, position)}{message}")

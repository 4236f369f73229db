"""Values of a request turned into what the database stores, or refused in Salesforce's words.

A JSON body has typed values; a CSV cell is always text. Text is trimmed, the empty text is null,
decimals beyond a field's scale are rounded.
"""

from __future__ import annotations

import re
from datetime import date
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from reverse_sf.simulator.population import checksum
from reverse_sf.simulator.salesforce.instants import parse_instant, stamp
from reverse_sf.simulator.salesforce.metadata import ID_TYPES, NUMBER_TYPES, Field
from reverse_sf.simulator.salesforce.refusal import ApiFault, malformed_id

if TYPE_CHECKING:
    from collections.abc import Callable

_ID = re.compile(r"^[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?$")
_EMAIL = re.compile(
    r"^[A-Za-z0-9._+%&'*/=?^{}~!#$|-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}$"
)
_DATE = re.compile(r"^(\d{4}-\d{2}-\d{2})(T.*)?$")
_JSON_KINDS = {
    bool: "VALUE_TRUE",
    int: "VALUE_NUMBER_INT",
    float: "VALUE_NUMBER_FLOAT",
    str: "VALUE_STRING",
    list: "START_ARRAY",
    dict: "START_OBJECT",
}
MAX_INT = 2**31 - 1
FIRST_DAY, LAST_DAY = date(1700, 1, 1), date(4000, 12, 31)
"""Between which dates lie (Object Reference, "Field Types")."""
MAX_SHOWN = 400


def long_id(text: str) -> str | None:
    """The 18-character form of a 15- or 18-character id; None where it is no id.

    A wrong checksum is mended from the first 15 characters, which are what counts.
    """
    if not _ID.match(text):
        return None
    return text[:15] + checksum(text[:15])


def stored_value(field: Field, value: Any) -> Any:
    """The value as the database keeps it; text is taken for every type, as CSV needs.

    Raises:
        ApiFault: the value does not fit the field.
    """
    if isinstance(value, str):
        value = value.strip() if field.type != "textarea" else value.strip(" \t\r\n")
    if value is None or value == "":
        return 0 if field.type == "boolean" and value == "" else None
    convert: Callable[[Field, Any], Any] = _CONVERSIONS.get(field.type, _text)
    return convert(field, value)


def _mistyped(field: Field, kind: str, value: Any) -> ApiFault:
    found = _JSON_KINDS.get(type(value), "VALUE_NULL")
    if value is False:
        found = "VALUE_FALSE"
    shown = value if isinstance(value, (str, int, float)) and not isinstance(value, bool) else ""
    return ApiFault(
        "JSON_PARSER_ERROR",
        f"Cannot deserialize instance of {kind} from {found} value {shown} or request may be "
        f"missing a required field at [line:1, column:2]",
        fields=(field.name,),
    )


def _text(field: Field, value: Any) -> str:
    if not isinstance(value, str):
        raise _mistyped(field, "string", value)
    if field.type != "multipicklist" and len(value) > field.length:
        raise ApiFault(
            "STRING_TOO_LONG",
            f"{field.label}: data value too large: {value[:MAX_SHOWN]} (max length={field.length})",
            fields=(field.name,),
        )
    return value


def _email(field: Field, value: Any) -> str:
    text = _text(field, value)
    if not _EMAIL.match(text):
        raise ApiFault(
            "INVALID_EMAIL_ADDRESS",
            f"{field.label}: invalid email address: {text}",
            fields=(field.name,),
        )
    return text


def _picklist(field: Field, value: Any) -> str:
    text = _text(field, value)
    known = field.choice(text)
    if known is not None and known.active:
        return known.value
    if field.restricted:
        raise _bad_choice(field, text)
    return text


def _multipicklist(field: Field, value: Any) -> str | None:
    text = _text(field, value)
    chosen = field.sorted_choices(text)
    for part in chosen.split(";") if field.restricted and chosen else ():
        known = field.choice(part)
        if known is None or not known.active:
            raise _bad_choice(field, part)
    return chosen or None


def _bad_choice(field: Field, text: str) -> ApiFault:
    return ApiFault(
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
        f"{field.label}: bad value for restricted picklist field: {text}",
        fields=(field.name,),
    )


def _boolean(field: Field, value: Any) -> int:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, str) and value.lower() in {"true", "false", "1", "0"}:
        return int(value.lower() in {"true", "1"})
    raise _mistyped(field, "boolean", value)


def _integer(field: Field, value: Any) -> int:
    number = _decimal(field, "int", value)
    if number != number.to_integral_value() or abs(number) > MAX_INT:
        raise _mistyped(field, "int", value)
    return int(number)


def _number(field: Field, value: Any) -> float:
    number = _decimal(field, "double", value)
    rounded = number.quantize(Decimal(1).scaleb(-field.scale), ROUND_HALF_UP)
    if len(str(abs(int(rounded)))) > field.precision - field.scale and rounded:
        raise ApiFault(
            "NUMBER_OUTSIDE_VALID_RANGE",
            f"{field.label}: value outside of valid range on numeric field: {value}",
            fields=(field.name,),
        )
    return float(rounded)


def _decimal(field: Field, kind: str, value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise _mistyped(field, kind, value)
    try:
        number = Decimal(str(value))
    except InvalidOperation as error:
        raise _mistyped(field, kind, value) from error
    if not number.is_finite():
        raise _mistyped(field, kind, value)
    return number


def _in_range(field: Field, day: date) -> date:
    if not FIRST_DAY <= day <= LAST_DAY:
        raise ApiFault(
            "DATE_OUT_OF_RANGE", f"{field.label}: date is out of range: {day}", fields=(field.name,)
        )
    return day


def _date(field: Field, value: Any) -> str:
    match = _DATE.match(value) if isinstance(value, str) else None
    try:
        if match is not None:
            return _in_range(field, date.fromisoformat(match[1])).isoformat()
    except ValueError as error:
        raise _mistyped(field, "date", value) from error
    raise _mistyped(field, "date", value)


def _datetime(field: Field, value: Any) -> str:
    if not isinstance(value, str):
        raise _mistyped(field, "datetime", value)
    text = f"{value}T00:00:00Z" if _DATE.match(value) and "T" not in value else value
    try:
        instant = parse_instant(text).replace(microsecond=0)
        _in_range(field, instant.date())
        return stamp(instant)
    except ValueError as error:
        raise _mistyped(field, "datetime", value) from error


def _reference(field: Field, value: Any) -> str:
    if not isinstance(value, str):
        raise _mistyped(field, "reference", value)
    found = long_id(value)
    if found is None:
        raise malformed_id(value, field.label)
    return found


def _compound(field: Field, _value: Any) -> Any:
    raise ApiFault(
        "INVALID_FIELD_FOR_INSERT_UPDATE",
        f"Unable to create/update fields: {field.name}. Please check the security settings of "
        "this field and verify that it is read/write for your profile or permission set.",
        fields=(field.name,),
    )


_CONVERSIONS: dict[str, Callable[[Field, Any], Any]] = {
    "email": _email,
    "picklist": _picklist,
    "multipicklist": _multipicklist,
    "boolean": _boolean,
    "int": _integer,
    "date": _date,
    "datetime": _datetime,
    "address": _compound,
    **dict.fromkeys(NUMBER_TYPES, _number),
    **dict.fromkeys(ID_TYPES, _reference),
}

"""Values of fields: what the service accepts, keeps and shows, by field type.

All values travel as text, a multiple choice in ``values`` (SPOTIO OpenAPI file, ``FieldValue``).
The wire forms of dates and multiple choices are not published: two switches.
"""

from __future__ import annotations

import json
import re
from datetime import date, datetime, timezone
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from reverse_sf.simulator.spotio.records import read_ticks, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reverse_sf.simulator.spotio.quirks import Settings
    from reverse_sf.simulator.spotio.workflow import Field

TEXT_LIMIT = 255
MULTILINE_LIMIT = 20_000
PHONE_DIGITS = range(7, 16)
_EMAIL = re.compile(r"^[A-Za-z0-9._%+-]+@(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,}$")
_PHONE = re.compile(r"^[+(]?[\d ().+/-]+(?:\s*(?:x|ext\.?)\s*\d+)?$", re.IGNORECASE)
_NUMBER = re.compile(r"^[+-]?\d+(?:\.\d+)?$")
_US_DAY = re.compile(r"^(\d{1,2})/(\d{1,2})/(\d{4})")
_US_TIMES = ("%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y %I:%M %p", "%m/%d/%Y")


def content(field: Field, entry: Mapping[str, Any], switches: Settings) -> Any:
    """What the service keeps of an entry of ``fields``; None where the entry is blank.

    Raises:
        ValueError: the field's type does not accept the value; the message goes to the client.
    """
    if field.kind == "Attachment":
        attachment = entry.get("attachmentValue")
        return dict(attachment) if attachment else None
    if field.kind == "MultiChoice":
        return _options(field, entry, switches)
    given = entry.get("value")
    if given is None and entry.get("values"):
        given = entry["values"][0]
    if given is None:
        return None
    if not isinstance(given, str):
        # The contract says string; JSON numbers and booleans are read as ASP.NET reads them.
        given = json.dumps(given) if isinstance(given, (bool, int, float)) else None
        if given is None:
            raise ValueError("The value must be a string.")
    text = given.strip()
    if not text:
        return None
    return _READERS[field.kind](field, text, switches)


def shape(field: Field, kept: Any, switches: Settings) -> dict[str, Any]:
    """``value``, ``formattedValue``, ``values`` and ``attachmentValue`` of a kept value."""
    if field.kind == "Attachment":
        return {"value": None, "formattedValue": None, "values": None, "attachmentValue": kept}
    if field.kind == "MultiChoice":
        wire = switches["multichoice_wire"]
        text = exported(field, kept, switches)
        if wire == "values":
            return {"value": None, "formattedValue": text, "values": list(kept)}
        return {"value": text, "formattedValue": ", ".join(kept), "values": None}
    text = exported(field, kept, switches)
    return {"value": text, "formattedValue": _formatted(field, kept, text), "values": None}


def exported(field: Field, kept: Any, switches: Settings) -> str:
    """A kept value as one text, as the export feed shows it."""
    if field.kind == "MultiChoice":
        wire = switches["multichoice_wire"]
        if wire == "json":
            return json.dumps(kept)
        return (";" if wire == "semicolon" else ", ").join(kept)
    if field.kind == "Attachment":
        return str(kept.get("url", ""))
    if field.kind == "Date":
        return _day_shown(kept, switches["date_wire"])
    if field.kind == "DateTime":
        return _instant_shown(kept, switches["date_wire"])
    return str(kept)


def _options(field: Field, entry: Mapping[str, Any], switches: Settings) -> Any:
    chosen = entry.get("values")
    text = entry.get("value")
    if chosen is None and text not in (None, ""):
        wire = switches["multichoice_wire"]
        if wire == "json" and str(text).lstrip().startswith("["):
            try:
                chosen = json.loads(str(text))
            except ValueError:
                raise ValueError("The value is not a JSON list.") from None
        elif wire == "semicolon":
            chosen = str(text).split(";")
        else:
            chosen = [text]
    if not chosen:
        return None
    if not isinstance(chosen, list):
        raise ValueError("Values must be a list of options.")  # noqa: TRY004 - a message for the client
    options = [str(option).strip() for option in chosen if str(option).strip()]
    for option in options:
        _known_option(field, option)
    return list(dict.fromkeys(options)) or None


def _known_option(field: Field, option: str) -> str:
    if option not in field.options:
        raise ValueError(f"Option '{option}' does not exist.")
    return option


def _choice(field: Field, text: str, _switches: Settings) -> str:
    return _known_option(field, text)


def _text(_field: Field, text: str, _switches: Settings) -> str:
    return _within(text, TEXT_LIMIT)


def _multiline(_field: Field, text: str, _switches: Settings) -> str:
    return _within(text, MULTILINE_LIMIT)


def _within(text: str, limit: int) -> str:
    if len(text) > limit:
        raise ValueError(f"The value must have {limit} characters at most.")
    return text


def _email(_field: Field, text: str, switches: Settings) -> str:
    if not _EMAIL.match(_within(text, TEXT_LIMIT)):
        raise ValueError("Email is not valid.")
    return text.lower() if switches["email_case"] == "lower" else text


def _phone(_field: Field, text: str, _switches: Settings) -> str:
    plain = re.split(r"x|ext", text, maxsplit=1, flags=re.IGNORECASE)[0]
    if not _PHONE.match(text) or sum(c.isdigit() for c in plain) not in PHONE_DIGITS:
        raise ValueError("Phone number is not valid.")
    return text


def _number(field: Field, text: str, _switches: Settings) -> str:
    if not _NUMBER.match(text):
        raise ValueError("The value must be a number.")
    try:
        number = Decimal(text)
        if field.kind == "Currency":
            number = number.quantize(Decimal("0.01"), ROUND_HALF_UP)
    except InvalidOperation:
        raise ValueError("The number is too large.") from None
    plain = f"{number:f}"
    plain = plain.rstrip("0").rstrip(".") if "." in plain else plain
    return "0" if plain in ("-0", "") else plain


def _day(_field: Field, text: str, _switches: Settings) -> str:
    american = _US_DAY.match(text)
    try:
        if american:
            month, day, year = (int(part) for part in american.groups())
            return date(year, month, day).isoformat()
        if "T" in text:
            read_ticks(text)
        return date.fromisoformat(text[:10]).isoformat()
    except ValueError:
        raise ValueError("The value must be a date.") from None


def _instant(_field: Field, text: str, _switches: Settings) -> str:
    if _US_DAY.match(text):
        for form in _US_TIMES:
            try:
                found = datetime.strptime(text, form).replace(tzinfo=timezone.utc)
            except ValueError:
                continue
            return f"{found:%Y-%m-%dT%H:%M:%S}Z"
        raise ValueError("The value must be a date and time.")
    try:
        return shown(read_ticks(text)).replace("+00:00", "Z")
    except ValueError:
        raise ValueError("The value must be a date and time.") from None


_READERS: Mapping[str, Callable[[Field, str, Settings], str]] = {
    "Text": _text,
    "Address": _text,
    "MultiLine": _multiline,
    "Email": _email,
    "Phone": _phone,
    "SingleChoice": _choice,
    "Number": _number,
    "Currency": _number,
    "Date": _day,
    "DateTime": _instant,
}


def _day_shown(day: str, wire: str) -> str:
    if wire == "datetime":
        return f"{day}T00:00:00+00:00"
    if wire == "us":
        return f"{day[5:7]}/{day[8:]}/{day[:4]}"
    return day


def _instant_shown(instant: str, wire: str) -> str:
    if wire == "datetime":
        return instant.replace("Z", "+00:00")
    if wire == "us":
        return f"{datetime.fromisoformat(instant[:19]):%m/%d/%Y %I:%M:%S %p}"
    return instant


def _formatted(field: Field, kept: str, text: str) -> str:
    if field.kind == "Phone":
        digits = "".join(c for c in kept if c.isdigit())
        if len(digits) == 10:  # noqa: PLR2004 a North American number
            return f"({digits[:3]}) {digits[3:6]}-{digits[6:]}"
    if field.kind == "Currency":
        return f"${Decimal(kept):,.2f}"
    return text

"""Values in the form in which records are matched by them; None for what is no value to match by.

None of these forms is ever written anywhere. Two values match where their forms are equal, so each
form leaves out what people write differently and mean alike, and nothing else.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Any

import phonenumbers
from scourgify import normalize_address_record
from scourgify.exceptions import AddressNormalizationError

from reverse_sf.mapping import canon

if TYPE_CHECKING:
    from collections.abc import Mapping

_SPACES = re.compile(r"\s+")
_NOT_WORD = re.compile(r"[\W_]+")
_US_ZIP = re.compile(r"(\d{5})(?:-?\d{4})?")
_LONGEST_STREET = 120
"""Longer lines are remarks, not streets; the parser's cost grows with the length."""


def text(value: Any) -> str | None:
    """A text without regard to case and to spaces."""
    spelled = canon.text(value)
    return _SPACES.sub(" ", str(spelled)).casefold() if spelled is not None else None


def email(value: Any) -> str | None:
    """An e-mail address without regard to case; what is no address is not compared."""
    spelled = text(value)
    if spelled is None:
        return None
    name, at, domain = spelled.partition("@")
    return spelled if at and name and "." in domain and " " not in spelled else None


def phone(value: Any, region: str) -> str | None:
    """A phone number in E.164, with its extension; what is no number is not compared.

    Args:
        value: as people wrote it.
        region: the country of a number that names none.
    """
    spelled = canon.text(value)
    if spelled is None:
        return None
    try:
        number = phonenumbers.parse(str(spelled), region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    told = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return f"{told};ext={number.extension}" if number.extension else told


def address(components: Mapping[str, Any]) -> tuple[str, ...]:
    """The forms of an address: street with ZIP, and street with city and state.

    A street needs a number in it; a city or a ZIP alone is no address to match by. Streets are
    spelled as the United States Postal Service has them (Publication 28): ``123 Southwest Main
    Street, Apartment 4`` is ``123 SW MAIN ST`` and ``4``. What cannot be read so is compared as
    plain words.

    Args:
        components: ``house_number``, ``street``, ``city``, ``state``, ``zip``; others do not count.
    """
    number, street, city, state, code = (
        _line(components.get(name)) for name in ("house_number", "street", "city", "state", "zip")
    )
    line = street if not number or street.startswith(f"{number} ") else f"{number} {street}"
    if not street or len(line) > _LONGEST_STREET or not any(map(str.isdigit, line)):
        return ()
    postal = _US_ZIP.fullmatch(code)
    shown, state = _usps(line, city, state, postal[1] if postal else "")
    forms = []
    if code:
        forms.append(f"{shown}|{postal[1] if postal else _plain(code)}")
    if city:
        forms.append(f"{shown}|{_plain(city)}|{_plain(state)}")
    return tuple(forms)


def _usps(line: str, city: str, state: str, code: str) -> tuple[str, str]:
    """Street with unit, and state, as the postal service spells them; plain where it cannot."""
    record = {"address_line_1": line, "city": city, "state": state, "postal_code": code}
    if not code and not (city and state):
        # The street's form does not depend on the place, but the library wants one.
        record |= {"city": "", "state": "", "postal_code": "00000"}
    try:
        found = normalize_address_record(
            {name: value or None for name, value in record.items()}, strict=False
        )
    except AddressNormalizationError:
        return _plain(line), state
    unit = _plain(found.get("address_line_2") or "").split(" ")[-1]
    street = _plain(found["address_line_1"])
    return (f"{street} #{unit}" if unit else street), found.get("state") or state


def _line(value: Any) -> str:
    spelled = canon.text(value)
    return "" if spelled is None else ", ".join(_SPACES.sub(" ", str(spelled)).split("\n"))


def _plain(value: str) -> str:
    """Words in capitals, without accents and punctuation."""
    bare = unicodedata.normalize("NFKD", value)
    bare = "".join(one for one in bare if not unicodedata.combining(one))
    return _NOT_WORD.sub(" ", bare.casefold()).strip().upper()

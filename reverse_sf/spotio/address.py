"""Addresses: Salesforce's one street line and SPOTIO's pin, there and back.

SPOTIO keeps a house number apart from the street (``PinRequest``), Salesforce has one street line.
:func:`split_street` and :func:`join_street` are one canonical pair: for every line,
``join_street(*split_street(line))`` is the line in canonical form.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from reverse_sf.mapping import canon
from reverse_sf.mapping.values import is_blank

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

# 12, 12a, 12-14, 12/3, W123, N64W23760: a word with a digit that begins with a digit or one letter.
_HOUSE_AND_STREET = re.compile(
    r"(?P<house>[A-Za-z]?\d[0-9A-Za-z½¼¾/.-]*,?) (?P<street>\S.*)", re.DOTALL
)
# An ordinal is the street's own name: 5th Avenue, 42nd Street.
_ORDINAL = re.compile(r"\d+(st|nd|rd|th)", re.IGNORECASE)

PIN_KEYS = {
    "house_number": "houseNumber",
    "street": "street",
    "city": "city",
    "state": "state",
    "zip": "zip",
    "country": "country",
    "latitude": "lat",
    "longitude": "lng",
}
"""Address component to the key of SPOTIO's ``PinRequest``."""

_PLACE = ("latitude", "longitude")
_TELLS_PLACE = {"house_number", "street", "city"}
SKIP_GEOCODING = "skip_geocoding"


def split_street(line: str | None) -> tuple[str | None, str | None]:
    """House number and street of a street line; the house number is None where there is none."""
    whole = canon.text(line)
    if whole is None:
        return None, None
    match = _HOUSE_AND_STREET.fullmatch(whole)
    if match is None or _ORDINAL.fullmatch(match["house"]):
        return None, whole
    return match["house"], match["street"]


def join_street(house_number: str | None, street: str | None) -> str | None:
    """The street line of a house number and a street."""
    parts = (canon.text(house_number), canon.text(street))
    return " ".join(part for part in parts if part) or None


def components_of(
    pin: Mapping[str, Any] | None, *, whole_street: bool, only: Collection[str] = ()
) -> dict[str, Any]:
    """The address components of a pin, in canonical form.

    Args:
        pin: SPOTIO's pin, None for a record without an address.
        whole_street: ``street`` is the whole street line, house number included.
        only: the components wanted; all where empty.
    """
    pin = pin or {}
    found: dict[str, Any] = {
        name: canon.text(pin.get(key)) for name, key in PIN_KEYS.items() if name not in _PLACE
    }
    if whole_street:
        found["street"] = join_street(found.pop("house_number"), found["street"])
    place = [canon.number(None)(pin.get(PIN_KEYS[name])) for name in _PLACE]
    # lat and lng are not nullable on the wire: a pin without a place says 0, 0.
    found |= dict(zip(_PLACE, place if any(place) else (None, None), strict=True))
    return {name: value for name, value in found.items() if not only or name in only}


def pin_request(
    components: Mapping[str, Any], *, current: Mapping[str, Any] | None, whole_street: bool
) -> dict[str, Any]:
    """A ``PinRequest`` with these components; the others are kept as the current pin has them.

    The pin's id is never sent: a pin is shared by all records at one place, and a change must not
    move the neighbours. Another street or city drops the old place, and so does any other change
    that SPOTIO may geocode: wrong coordinates are worse than none.

    Args:
        components: components to write, and ``skip_geocoding``; an absent one is left alone.
        current: the record's pin as last read.
        whole_street: ``street`` is the whole street line, house number included.
    """
    skip = bool(components.get(SKIP_GEOCODING, False))
    merged: dict[str, Any] = {
        key: current.get(key) for key in PIN_KEYS.values() if current and current.get(key)
    }
    before = components_of(current, whole_street=whole_street)
    moved = False
    for name, value in components.items():
        if name not in PIN_KEYS:
            continue
        differs = name not in _PLACE and canon.text(value) != before.get(name)
        moved = moved or (differs and (not skip or name in _TELLS_PLACE))
        if name == "street" and whole_street:
            house, street = split_street(value)
            merged["houseNumber"], merged["street"] = house, street
        else:
            merged[PIN_KEYS[name]] = None if is_blank(value) else value
    given = all(not is_blank(components.get(name)) for name in _PLACE)
    partly = any(merged.get(PIN_KEYS[one]) is None for one in _PLACE)
    if partly or (moved and not given):
        merged.pop("lat", None)
        merged.pop("lng", None)
    line = one_line(merged)
    if line:
        merged["address"] = line
    merged["skipGeocoding"] = skip
    return merged


def one_line(pin: Mapping[str, Any]) -> str | None:
    """The whole address on one line, as SPOTIO's guide sends it in ``pin.address``."""
    street = join_street(pin.get("houseNumber"), pin.get("street"))
    region = " ".join(part for part in (pin.get("state"), pin.get("zip")) if part)
    parts = (street, pin.get("city"), region, pin.get("country"))
    return ", ".join(part.replace("\n", " ") for part in parts if part) or None

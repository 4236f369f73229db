"""Addresses: as a person typed them, and as the geocoder rewrites them.

The real service completes and corrects addresses with Google unless ``skipGeocoding`` is set. This
one spells out street suffixes, title-cases, fills in zip, country and coordinates, and does so
idempotently: an address that it wrote comes back unchanged.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from reverse_sf.simulator.vocabulary import CITIES

if TYPE_CHECKING:
    from collections.abc import Mapping

SUFFIXES = {
    "st": "Street", "ave": "Avenue", "blvd": "Boulevard", "ln": "Lane", "dr": "Drive",
    "rd": "Road", "ct": "Court", "pl": "Place", "hwy": "Highway", "pkwy": "Parkway",
}  # fmt: skip
HOME = "United States"
COUNTRIES = {"us": HOME, "usa": HOME, "united states of america": HOME}
_CITIES = {(city.name.lower(), city.state): city for city in CITIES}
_NUMBER = re.compile(r"^(\d+[A-Za-z]?(?:-\d+)?)\s+(.+)$")
_TAIL = re.compile(r"^(?P<state>[A-Za-z]{2})(?:\s+(?P<zip>\d{5}(?:-\d{4})?))?$")
_ZIP = re.compile(r"^\d{5}(?:-\d{4})?$")

COMPONENTS = ("street", "houseNumber", "zip", "city", "state", "country")


@dataclass(frozen=True)
class Address:
    """One address with its coordinates (WGS 84 degrees)."""

    street: str | None = None
    house_number: str | None = None
    city: str | None = None
    state: str | None = None
    zip: str | None = None
    country: str | None = None
    lat: float = 0.0
    lng: float = 0.0
    place_id: str | None = None
    address: str | None = None
    short_address: str | None = None

    @property
    def blank(self) -> bool:
        """Whether there is nothing to find: neither text nor coordinates."""
        texts = (self.street, self.house_number, self.city, self.state, self.zip, self.address)
        return not any(texts) and not self.lat and not self.lng


def from_request(pin: Mapping[str, Any]) -> Address:
    """Read the ``pin`` of a request; blank texts are none.

    Raises:
        ValueError: a coordinate is not a number or not on the globe.
    """
    lat, lng = (_coordinate(pin.get(key), limit) for key, limit in (("lat", 90), ("lng", 180)))
    return Address(
        street=_text(pin.get("street")),
        house_number=_text(pin.get("houseNumber")),
        city=_text(pin.get("city")),
        state=_text(pin.get("state")),
        zip=_text(pin.get("zip")),
        country=_text(pin.get("country")),
        lat=lat,
        lng=lng,
        place_id=_text(pin.get("placeId")),
        address=_text(pin.get("address")),
        short_address=_text(pin.get("shortAddress")),
    )


def kept(typed: Address) -> Address:
    """The address as typed (``skipGeocoding``); only the one-line forms are put together."""
    short = typed.short_address or _words(typed.house_number, typed.street)
    return replace(typed, short_address=short, address=typed.address or _line(typed, short))


def geocoded(typed: Address) -> Address:
    """The address as the geocoder has it."""
    parts = _parsed(typed) if not (typed.street or typed.city) and typed.address else typed
    number, street = parts.house_number, parts.street
    if street and not number:
        match = _NUMBER.match(street)
        if match:
            number, street = match.groups()
    state = parts.state.upper() if parts.state and len(parts.state) == 2 else parts.state  # noqa: PLR2004 a state's code
    name = _title(parts.city)
    city = _CITIES.get(((name or "").lower(), state or ""))
    street = _spelt_out(street)
    code = parts.zip or (city.zips[0] if city else None)
    country = COUNTRIES.get((parts.country or "").lower(), parts.country) or HOME
    spread = zlib.crc32(f"{number} {street} {name} {state}".lower().encode())
    latitude = city.latitude if city else parts.lat or 39.0 + spread % 700 / 1000
    longitude = city.longitude if city else parts.lng or -98.0 - spread % 900 / 1000
    found = Address(
        street=street,
        house_number=number,
        city=name,
        state=state,
        zip=code,
        country=country,
        lat=round(latitude + (spread % 9973 - 4986) / 100_000, 6) if city else latitude,
        lng=round(longitude + (spread // 9973 % 9973 - 4986) / 100_000, 6) if city else longitude,
        place_id=f"ChIJ{spread:08x}{zlib.crc32((code or '').encode()):08x}",
    )
    short = _words(number, street)
    return replace(found, short_address=short, address=_line(found, short))


def _parsed(typed: Address) -> Address:
    """Take a one-line US address apart: street, city, state and zip, country."""
    parts = [part.strip() for part in (typed.address or "").split(",") if part.strip()]
    country = None
    if len(parts) > 1 and not _TAIL.match(parts[-1]) and not _ZIP.match(parts[-1]):
        country = parts.pop() if len(parts) > 2 else None  # noqa: PLR2004 street, city and more
    tail = _TAIL.match(parts[-1]) if len(parts) > 1 else None
    if tail:
        parts.pop()
    return replace(
        typed,
        street=parts[0] if parts else None,
        city=parts[1] if len(parts) > 1 else None,
        state=tail["state"] if tail else typed.state,
        zip=typed.zip or (tail["zip"] if tail else None),
        country=typed.country or country,
    )


def _spelt_out(street: str | None) -> str | None:
    if not street:
        return None
    words = street.split()
    suffix = SUFFIXES.get(words[-1].rstrip(".").lower())
    if suffix and len(words) > 1:
        words[-1] = suffix
    return " ".join(word if word.isupper() and len(word) < 3 else _capital(word) for word in words)  # noqa: PLR2004 N, SW


def _title(text: str | None) -> str | None:
    return " ".join(_capital(word) for word in text.split()) if text else None


def _capital(word: str) -> str:
    """Title case that leaves inner capitals of mixed-case words (McAllister) alone."""
    return word.capitalize() if word.isupper() or word.islower() else word


def _line(parts: Address, short: str | None) -> str | None:
    pieces = (short, parts.city, _words(parts.state, parts.zip), parts.country)
    return ", ".join(piece for piece in pieces if piece) or None


def _words(*texts: str | None) -> str | None:
    return " ".join(text for text in texts if text) or None


def _text(given: Any) -> str | None:
    return str(given).strip() or None if given is not None else None


def _coordinate(given: Any, limit: int) -> float:
    number = 0.0 if given in (None, "") else float(given)
    if not -limit <= number <= limit:
        raise ValueError(f"{number} is not between -{limit} and {limit}.")
    return number

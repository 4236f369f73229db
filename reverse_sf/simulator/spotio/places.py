"""Pins: one place on the map, found again by its address and shared by all records there."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from reverse_sf.simulator.spotio.geocoder import Address, from_request, geocoded, kept
from reverse_sf.simulator.spotio.records import Pin

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reverse_sf.simulator.spotio.store import Store

_FIRST_ID = 7001


class Places:
    """Finds the pin that a request means, or makes it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._by_address: dict[tuple[Any, ...], int] = {}
        self.rebuild()

    def rebuild(self) -> None:
        """Index the store's pins again, after it was filled or wiped."""
        self._by_address = {_key(pin_address(pin)): pin.id for pin in self._store.pins.values()}

    def find(self, pin: Mapping[str, Any] | None) -> int | None:
        """The id of the pin that the ``pin`` of a request describes; None for no place at all.

        Raises:
            ValueError: coordinates that are not on the globe.
        """
        if not pin:
            return None
        typed = from_request(pin)
        if typed.blank:
            identifier = str(pin.get("id") or "")
            known = identifier.isdigit() and int(identifier) in self._store.pins
            return int(identifier) if known else None
        address = kept(typed) if pin.get("skipGeocoding") else geocoded(typed)
        key = _key(address)
        if key not in self._by_address:
            new = Pin(id=_FIRST_ID + len(self._store.pins), **asdict(address))
            self._store.save_pin(new)
            self._by_address[key] = new.id
        return self._by_address[key]


def pin_address(pin: Pin) -> Address:
    """The address of a pin."""
    return Address(**{name: getattr(pin, name) for name in Address.__dataclass_fields__})


def _key(address: Address) -> tuple[Any, ...]:
    return tuple(asdict(address).values())

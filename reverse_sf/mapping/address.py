"""The address of a record, compiled: component by component, one value in all.

An address is one record key (``address``), one base entry and one decision, because SPOTIO keeps
it as one thing, the pin. Its value is an object of canonical components on both sides; a component
that is absent is not known, one that is ``None`` is blank, and an address of blanks is ``None``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reverse_sf.mapping import canon
from reverse_sf.mapping.definition import AddressMapping, FieldMapping
from reverse_sf.mapping.limits import salesforce_limit
from reverse_sf.mapping.values import UNSET, Undefined, Unset

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reverse_sf.mapping.describe import SalesforceObject
    from reverse_sf.mapping.limits import Limit

    Address = dict[str, Any]

ADDRESS_KEY = "address"
"""The record key of an address."""

COORDINATE_SCALE = 7
"""Digits of latitude and longitude that are compared and sent: a centimetre."""


@dataclass(frozen=True)
class AddressConverter:
    """An address mapping, compiled.

    Attributes:
        mapping: what the definition says.
        limits: what the Salesforce fields hold, where known, by component.
    """

    mapping: AddressMapping
    limits: Mapping[str, Limit]

    def read(self, image: Mapping[str, Any]) -> Address | Unset | None:
        """The canonical Salesforce address in an image keyed by field API names.

        ``UNSET`` where the image has none of the fields; ``None`` where all it has are blank.
        """
        found = {}
        known = False
        for component, field in self.mapping.components.items():
            if field in image:
                value = image[field]
                normaliser = _COORDINATES.get(component)
                value = canon.text(value) if normaliser is None else normaliser(value)
                found[component] = value
                known = known or value is not None
        if not found:
            return UNSET
        return found if known else None

    def canon_spotio(self, address: Mapping[str, Any] | None) -> Address | None:
        """The canonical SPOTIO address, cut down to the mapped components.

        Where the house number is not mapped on its own it belongs to the street line, however
        SPOTIO has taken the line apart.
        """
        if address is None:
            return None
        components = self.mapping.components
        found = {}
        known = False
        for component in components:
            if component in address:
                value = address[component]
                normaliser = _COORDINATES.get(component)
                value = _line(value) if normaliser is None else normaliser(value)
                found[component] = value
                known = known or value is not None
        number = _line(address.get("house_number"))
        if number and "house_number" not in components and "street" in found:
            street = found["street"]
            if street is None or not (street == number or street.startswith(f"{number} ")):
                found["street"] = f"{number} {street}" if street else number
                known = True
        return found if known else None

    def to_spotio(self, address: Mapping[str, Any] | None) -> Address | Undefined | None:
        """A Salesforce address, as :meth:`read` gives it, in SPOTIO's form.

        A pin is one line of street, so line ends become commas.
        """
        return self.canon_spotio(address)

    def to_salesforce(self, address: Mapping[str, Any] | None) -> Address | Undefined | None:
        """A SPOTIO address in Salesforce's form, by component; see :meth:`salesforce_fields`."""
        found = self.canon_spotio(address)
        if found is None:
            return None
        for component, limit in self.limits.items():
            value = found.get(component)
            if value is not None:
                fitting = limit(value)
                if isinstance(fitting, Undefined):
                    return Undefined(fitting.reason, f"{component}: {fitting.message}")
                found[component] = fitting
        return found

    def salesforce_fields(self, address: Mapping[str, Any] | None) -> dict[str, Any]:
        """Field API names and values that write a Salesforce address."""
        components = self.mapping.components
        if address is None:
            return dict.fromkeys(components.values())
        return {components[one]: value for one, value in address.items() if one in components}

    def agrees(self, spotio: Mapping[str, Any] | None, salesforce: Any) -> bool:
        """Whether the two addresses are images of each other, in what both of them know.

        Args:
            spotio: an address in SPOTIO's form.
            salesforce: an address as :meth:`read` gives it; an unknown one agrees with nothing.
        """
        if salesforce is UNSET:
            return False
        if spotio is not None and spotio == salesforce:
            return True
        p, s = self.canon_spotio(spotio), self.canon_spotio(salesforce)
        if p is None or s is None:
            return p is s
        return all(p[one] == s[one] for one in p.keys() & s.keys())


def _line(value: Any) -> Any:
    """Text in one line, with commas for line ends."""
    found = canon.text(value)
    if found is None or "\n" not in found:
        return found
    parts = (part.strip(" ,\t") for part in found.split("\n"))
    return canon.text(", ".join(part for part in parts if part))


_coordinate: Callable[[Any], Any] = canon.number(COORDINATE_SCALE)
_COORDINATES: dict[str, Callable[[Any], Any]] = {"latitude": _coordinate, "longitude": _coordinate}


def compile_address(
    mapping: AddressMapping, salesforce: SalesforceObject | None = None
) -> AddressConverter:
    """Compile an address mapping with what is known of its Salesforce fields."""
    limits: dict[str, Limit] = {}
    for component, name in mapping.components.items():
        field = salesforce.fields.get(name) if salesforce else None
        if field is not None and component not in _COORDINATES:
            pretended = FieldMapping(spotio=component, salesforce=name, rule=mapping.rule)
            limit = salesforce_limit(field, pretended)
            if limit is not None:
                limits[component] = limit
    return AddressConverter(mapping, limits)

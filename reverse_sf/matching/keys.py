"""The keys of a record: what it is matched by, rule by rule.

Two records match by a rule where they share a key of it. A key is a digest of the rule and of the
value's form (``reverse_sf.matching.normal``), so an index of keys holds nobody's address.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reverse_sf.mapping.address import ADDRESS_KEY
from reverse_sf.mapping.definition import MatchFields, MatchRule
from reverse_sf.mapping.match_rules import Compared, compared_rules, rule_name
from reverse_sf.matching import normal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from reverse_sf.mapping.definition import ObjectMapping

Keys = tuple[tuple[str, ...], ...]
"""The keys of a record, by rule."""

_NO_KEYS: tuple[str, ...] = ()


@dataclass(frozen=True)
class MatchKeys:
    """Makes keys, for one object mapping.

    Attributes:
        compared: the rules and their fields, in order.
        region: country of phone numbers that name none.
        components: the address's components and their Salesforce fields.
    """

    compared: tuple[Compared, ...]
    region: str
    components: Mapping[str, str]

    @classmethod
    def of(cls, mapping: ObjectMapping, compared: Iterable[Compared], region: str) -> MatchKeys:
        """For a mapping whose rules compare these fields."""
        address = mapping.address
        return cls(tuple(compared), region, dict(address.components) if address else {})

    @property
    def rules(self) -> tuple[str, ...]:
        """Names of the rules, in order."""
        return tuple(one.name for one in self.compared)

    def of_salesforce(self, values: Mapping[str, Any]) -> Keys:
        """Keys of a Salesforce record.

        Args:
            values: by API name; absent ones count as blank.
        """
        return tuple(
            self._address(
                rule, {name: values.get(field) for name, field in self.components.items()}
            )
            if rule.kind == MatchRule.ADDRESS.value
            else self._keys(rule, (values.get(name) for name in rule.salesforce))
            for rule in self.compared
        )

    def of_spotio(self, values: Mapping[str, Any]) -> Keys:
        """Keys of a SPOTIO record.

        Args:
            values: by field as the definition names it, the address's components under
                ``address``; absent ones count as blank.
        """
        return tuple(
            self._address(rule, values.get(ADDRESS_KEY) or {})
            if rule.kind == MatchRule.ADDRESS.value
            else self._keys(rule, (values.get(name) for name in rule.spotio))
            for rule in self.compared
        )

    def _keys(self, rule: Compared, values: Iterable[Any]) -> tuple[str, ...]:
        form = self._form(rule)
        found = (form(one) for one in values if one is not None)
        return _digests(rule, (one for one in found if one is not None))

    def _form(self, rule: Compared) -> Callable[[Any], str | None]:
        if rule.kind == MatchRule.EMAIL.value:
            return normal.email
        if rule.kind == MatchRule.PHONE.value:
            return lambda value: normal.phone(value, self.region)
        return normal.text

    def _address(self, rule: Compared, components: Mapping[str, Any]) -> tuple[str, ...]:
        return _digests(rule, normal.address(components))

    # What the ledger keeps, so that a mapper's keys are those of the records that were compared.

    def document(self) -> dict[str, Any]:
        """What these keys are made of, as JSON."""
        return {
            "region": self.region,
            "address": dict(self.components),
            "rules": [
                {
                    "kind": one.kind,
                    "name": one.name,
                    "spotio": list(one.spotio),
                    "salesforce": list(one.salesforce),
                }
                for one in self.compared
            ],
        }

    @classmethod
    def from_document(
        cls, said: Mapping[str, Any] | None, mapping: ObjectMapping, region: str
    ) -> MatchKeys | None:
        """The keys that a ledger's index is made of; None where the definition asks for others.

        Args:
            said: what :meth:`document` gave.
            mapping: the object mapping as it is now.
            region: the definition's region now.
        """
        if said is None:
            return None
        compared = tuple(
            Compared(one["kind"], one["name"], tuple(one["spotio"]), tuple(one["salesforce"]))
            for one in said["rules"]
        )
        known = cls(compared, str(said["region"]), dict(said["address"]))
        fits = known.rules == compared_rules(mapping)
        for one in compared:
            if one.kind == MatchRule.PHONE.value:
                fits = fits and known.region == region
            if one.kind == MatchRule.ADDRESS.value:
                fits = fits and known.components == MatchKeys.of(mapping, (), region).components
            else:
                fits = fits and _mapped(one, mapping)
        return known if fits else None


def _mapped(rule: Compared, mapping: ObjectMapping) -> bool:
    """Whether every field that a rule compared is still to be read."""
    own = {
        rule_name(one): (one.spotio, one.salesforce)
        for one in mapping.match
        if isinstance(one, MatchFields)
    }
    if rule.name in own:
        return True
    spotio = {one.spotio for one in mapping.fields}
    salesforce = {one.salesforce for one in mapping.fields}
    return spotio.issuperset(rule.spotio) and salesforce.issuperset(rule.salesforce)


def _digests(rule: Compared, forms: Iterable[str]) -> tuple[str, ...]:
    found = dict.fromkeys(forms)
    if not found:
        return _NO_KEYS
    return tuple(
        hashlib.blake2b(f"{rule.name}|{one}".encode(), digest_size=12).hexdigest() for one in found
    )

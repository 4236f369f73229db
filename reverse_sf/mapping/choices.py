"""Choice mapping of a field pair, compiled into one table per direction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reverse_sf.mapping import canon
from reverse_sf.mapping.definition import Conversion, FieldMapping
from reverse_sf.mapping.kinds import Kind, salesforce_kind, spotio_kind
from reverse_sf.mapping.values import Reason, Undefined

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from reverse_sf.mapping.describe import SalesforceField
    from reverse_sf.mapping.workflow import SpotioField


@dataclass(frozen=True)
class ChoiceTable:
    """The images of one side's choices on the other side.

    Attributes:
        known: canonical choice to its image, or to why it has none.
        missing: the answer for a choice that is not in ``known``.
    """

    known: Mapping[str, str | Undefined]
    missing: Callable[[str], str | Undefined]

    def __call__(self, choice: str) -> str | Undefined:
        """The image of one canonical choice."""
        image = self.known.get(choice)
        return self.missing(choice) if image is None else image


def choice_tables(
    mapping: FieldMapping, spotio: SpotioField, salesforce: SalesforceField
) -> tuple[ChoiceTable | None, ChoiceTable | None]:
    """The tables toward SPOTIO and toward Salesforce; ``None`` where every choice passes as it is.

    Without ``choices`` in the definition, choices pass by their own names, as long as the
    destination has such a choice.
    """
    kind = mapping.conversion is Conversion.KIND
    to_spotio = _options(spotio.options) if _has_options(spotio) else None
    to_salesforce = _options(salesforce.choices) if _is_restricted(salesforce) else None
    if mapping.choices is None:
        return (
            _as_named(to_spotio, mapping.spotio, fold=kind),
            _as_named(to_salesforce, mapping.salesforce, fold=kind),
        )
    unmapped = _unmapped(mapping)
    return (
        _table(_toward_spotio(mapping), to_spotio, unmapped, fold=kind),
        _table(_toward_salesforce(mapping), to_salesforce, unmapped, fold=kind),
    )


def _has_options(field: SpotioField) -> bool:
    return spotio_kind(field.type) in {Kind.CHOICE, Kind.CHOICES} and bool(field.options)


def _is_restricted(field: SalesforceField) -> bool:
    is_choice = salesforce_kind(field.type) in {Kind.CHOICE, Kind.CHOICES}
    return is_choice and field.restricted and bool(field.picklist)


def _options(options: Iterable[str]) -> dict[str, str]:
    """The choices that the destination offers, in canonical spelling, each its own image."""
    return {one: one for one in map(canon.text, options) if one}


def _toward_salesforce(mapping: FieldMapping) -> dict[str, str | None]:
    table: dict[str, str | None] = {}
    for choice, value in (mapping.choices or {}).items():
        table[canon.text(choice)] = None if value is None else canon.text(value)
    return table


def _toward_spotio(mapping: FieldMapping) -> dict[str, str | None]:
    table: dict[str, str | None] = {}
    for choice, value in (mapping.choices or {}).items():
        if value is not None:
            table.setdefault(canon.text(value), canon.text(choice))
    for value, further in mapping.salesforce_choices.items():
        table.setdefault(canon.text(value), None if further is None else canon.text(further))
    # "Other: do_not_sync" means a Salesforce value of that name as well, unless it is mapped.
    for choice, value in (mapping.choices or {}).items():
        if value is None:
            table.setdefault(canon.text(choice), None)
    return table


def _table(
    images: Mapping[str, str | None],
    options: Mapping[str, str] | None,
    missing: Callable[[str], Undefined],
    *,
    fold: bool,
) -> ChoiceTable:
    known: dict[str, str | Undefined] = {}
    for choice, image in images.items():
        if image is None:
            known[choice] = Undefined(
                Reason.DO_NOT_SYNC, f"the choice '{choice}' is set to do_not_sync"
            )
        elif options is not None and canon.text(image) not in options:
            known[choice] = Undefined(
                Reason.CHOICE_UNKNOWN,
                f"'{choice}' is mapped to '{image}', which the destination does not offer",
            )
        else:
            known[choice] = image
    if not fold:
        return ChoiceTable(known, missing)
    folded: dict[str, str | Undefined] = {}
    for choice, found in known.items():
        folded.setdefault(choice.casefold(), found)

    def without_case(choice: str) -> str | Undefined:
        return folded.get(choice.casefold()) or missing(choice)

    return ChoiceTable(known, without_case)


def _as_named(options: Mapping[str, str] | None, field: str, *, fold: bool) -> ChoiceTable | None:
    if options is None:
        return None
    return _table(options, options, _absent_option(field), fold=fold)


def _absent_option(field: str) -> Callable[[str], Undefined]:
    def missing(choice: str) -> Undefined:
        return Undefined(
            Reason.CHOICE_UNKNOWN,
            f"'{choice}' is not a choice of {field}; add it there, or map it under choices",
        )

    return missing


def _unmapped(mapping: FieldMapping) -> Callable[[str], Undefined]:
    def missing(choice: str) -> Undefined:
        return Undefined(
            Reason.CHOICE_UNMAPPED,
            f"the choice '{choice}' of {mapping.salesforce} and {mapping.spotio} is not mapped; "
            "add it under choices, or set it to do_not_sync",
        )

    return missing

"""An object mapping, compiled against what is known of both sides, and the fields it needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reverse_sf.mapping.address import AddressConverter, compile_address
from reverse_sf.mapping.conversion import FieldConverter, compile_field
from reverse_sf.mapping.criteria import Criteria, compile_criteria
from reverse_sf.mapping.definition import MatchFields, SyncRule
from reverse_sf.mapping.describe import SalesforceField
from reverse_sf.mapping.kinds import Kind, spotio_kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reverse_sf.mapping.definition import ObjectMapping
    from reverse_sf.mapping.describe import SalesforceObject
    from reverse_sf.mapping.workflow import SpotioType

SYSTEM_FIELDS = frozenset({"Id", "IsDeleted", "SystemModstamp", "LastModifiedDate", "CreatedDate"})
"""Read of every object, where it has them: identity, deletion, and when it changed."""

LIFE_FIELDS: Mapping[str, frozenset[str]] = {
    "Account": frozenset({"MasterRecordId"}),
    "Contact": frozenset({"MasterRecordId"}),
    "Lead": frozenset(
        {
            "MasterRecordId",
            "IsConverted",
            "ConvertedAccountId",
            "ConvertedContactId",
            "ConvertedOpportunityId",
        }
    ),
}
"""What says that a record was merged into another or converted."""


@dataclass(frozen=True)
class PairConverter:
    """One object mapping, compiled.

    Attributes:
        mapping: what the definition says.
        fields: converters of the field pairs that are synced, by record key; ``do_not_sync`` ones
            are left out.
        address: converter of the address, if one is mapped and synced.
        in_scope_of_salesforce: selective sync toward SPOTIO, judged on a Salesforce image.
        in_scope_of_spotio: selective sync toward Salesforce, judged on a SPOTIO image.
    """

    mapping: ObjectMapping
    fields: Mapping[str, FieldConverter]
    address: AddressConverter | None
    in_scope_of_salesforce: Criteria
    in_scope_of_spotio: Criteria


def compile_pair(
    mapping: ObjectMapping,
    salesforce: SalesforceObject | None = None,
    spotio: SpotioType | None = None,
) -> PairConverter:
    """Compile an object mapping.

    Args:
        mapping: what the definition says.
        salesforce: facts of the sObject, if any (``SalesforceObject.from_schema``).
        spotio: facts of the record type, if any (``Workflow.type``).
    """
    converters = (
        compile_field(
            one,
            salesforce.fields.get(one.salesforce) if salesforce else None,
            spotio.field(one.spotio) if spotio else None,
        )
        for one in mapping.fields
        if one.rule is not SyncRule.DO_NOT_SYNC
    )
    address = mapping.address
    return PairConverter(
        mapping=mapping,
        fields={one.key: one for one in converters},
        address=compile_address(address, salesforce)
        if address is not None and address.rule is not SyncRule.DO_NOT_SYNC
        else None,
        in_scope_of_salesforce=compile_criteria(
            mapping.to_spotio.only_when, salesforce.fields if salesforce else None
        ),
        in_scope_of_spotio=compile_criteria(
            mapping.to_salesforce.only_when, _as_criteria(mapping, spotio)
        ),
    )


def _as_criteria(
    mapping: ObjectMapping, spotio: SpotioType | None
) -> Mapping[str, SalesforceField]:
    """What conditions must know of SPOTIO fields: which of them hold several choices."""
    found = {
        one.name: spotio.field(one.name) if spotio else None
        for one in mapping.to_salesforce.only_when
    }
    return {
        name: SalesforceField(
            name,
            type="multipicklist"
            if one is not None and spotio_kind(one.type) is Kind.CHOICES
            else "string",
            stated=spotio is not None,
        )
        for name, one in found.items()
    }


def content_fields(mapping: ObjectMapping) -> frozenset[str]:
    """The Salesforce fields whose change can change a decision: what a digest is made of."""
    names = {"Id", "IsDeleted", *LIFE_FIELDS.get(mapping.salesforce, ())}
    names.update(one.salesforce for one in mapping.fields if one.rule is not SyncRule.DO_NOT_SYNC)
    names.update(one.name for one in mapping.to_spotio.only_when)
    if mapping.address is not None and mapping.address.rule is not SyncRule.DO_NOT_SYNC:
        names.update(mapping.address.components.values())
    if mapping.owner is not None and mapping.owner.rule is not SyncRule.DO_NOT_SYNC:
        names.add("OwnerId")
    if mapping.parent is not None and mapping.parent.rule is not SyncRule.DO_NOT_SYNC:
        names.add(mapping.parent.salesforce)
    if mapping.salesforce_external_id:
        names.add(mapping.salesforce_external_id)
    names.update(one.salesforce for one in mapping.match if isinstance(one, MatchFields))
    return frozenset(names)


def needed_fields(mapping: ObjectMapping) -> frozenset[str]:
    """The Salesforce fields that an image keeps: :func:`content_fields` and the time stamps."""
    return content_fields(mapping) | SYSTEM_FIELDS


def spotio_references(mapping: ObjectMapping) -> frozenset[str]:
    """The SPOTIO fields whose change can change a decision, as the definition names them."""
    names = {one.spotio for one in mapping.fields if one.rule is not SyncRule.DO_NOT_SYNC}
    names.update(one.name for one in mapping.to_salesforce.only_when)
    names.update(one.spotio for one in mapping.match if isinstance(one, MatchFields))
    return frozenset(names)

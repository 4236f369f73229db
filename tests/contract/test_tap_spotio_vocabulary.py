"""The tap says of a record exactly what the target reads back of it."""

from __future__ import annotations

import pytest

from reverse_sf.mapping.address import compile_address
from reverse_sf.mapping.definition import AddressMapping, SyncRule
from reverse_sf.spotio.client import Spotio
from reverse_sf.spotio.session import Credentials, Session
from reverse_sf.spotio.wire import Spelling
from target_spotio.people import People
from target_spotio.vocabulary import Vocabulary
from tests.contract.tap_spotio_fixtures import (  # noqa: F401 - fixtures are asked for by name
    TYPES,
    run_tap,
    settings_of,
    spotio,
    started,
)

WHOLE = ("street", "city", "state", "zip", "country", "latitude", "longitude")
PARTED = ("house_number", *WHOLE)


@pytest.fixture
def api(spotio):  # noqa: F811
    client = Spotio(Session(Credentials("demo-client", "demo-secret"), api_url=spotio.url))
    yield client
    client.close()


@pytest.mark.parametrize("components", [WHOLE, PARTED], ids=["whole street", "house number apart"])
@pytest.mark.parametrize("date_wire", ["date", "us"])
@pytest.mark.parametrize("choices", ["values", "semicolon"])
def test_a_record_is_the_image_that_the_target_reads_back(
    spotio,  # noqa: F811
    api,
    components,
    date_wire,
    choices,
):
    spotio.edit(
        object="Accounts",
        id=spotio.rows("Accounts")[0]["id"],
        set={
            "Products": ["Panels", "Fiber"],
            "Account Notes": "two\r\nlines ",
            "Address": {"houseNumber": "12a", "street": "Main St", "city": "Austin"},
        },
    )
    spotio.switches(date_wire=date_wire, multichoice_wire=choices)
    records = run_tap(settings_of(spotio)).records
    mapping = AddressMapping({one: one for one in components}, True, SyncRule.TWO_WAY)  # noqa: FBT003 - a value of a mapping
    address = compile_address(mapping)
    people = People(api.users())
    compared = 0
    for record_type in api.workflow().types:
        properties = {one.label: {} for one in record_type.fields if one.type != "Attachment"}
        properties |= {"Stage": {}, "owner": {}}
        if record_type.parent_id:
            properties["parent"] = {}
        if record_type.has_address:
            properties["address"] = {"properties": {one: {} for one in components}}
        vocabulary = Vocabulary(record_type, properties, people, Spelling())
        for record in records[record_type.name]:
            image = vocabulary.image(api.read(record["id"]), parent=None)
            said = {**record, "owner": record["ownerId"], "parent": record.get("parentId")}
            if record_type.has_address:
                held = image.pop("address")
                assert address.canon_spotio(said.pop("address")) == address.canon_spotio(held)
            assert {key: said[key] for key in image} == image
            compared += 1
    assert compared > len(TYPES)

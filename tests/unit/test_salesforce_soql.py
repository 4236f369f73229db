"""SOQL text and the splitting of long statements."""

from __future__ import annotations

import pytest

from reverse_sf.errors import ConfigurationError
from reverse_sf.salesforce.soql import Select, encoded_length, name, quoted


def test_a_select_is_written_in_one_way():
    select = Select("Account", ("Id", "Name"), ("Name = 'A'", "Id > 'B'"), ("Name", "Id"), 5)
    assert str(select) == (
        "SELECT Id, Name FROM Account WHERE Name = 'A' AND Id > 'B' ORDER BY Name, Id LIMIT 5"
    )
    assert select.count == "SELECT COUNT() FROM Account WHERE Name = 'A' AND Id > 'B'"


@pytest.mark.parametrize(
    ("text", "literal"),
    [
        ("O'Neil", r"'O\'Neil'"),
        ("back\\slash", r"'back\\slash'"),
        ("two\nlines", r"'two\nlines'"),
        ("' OR Name != '", r"'\' OR Name != \''"),
    ],
)
def test_a_text_cannot_leave_its_quotes(text, literal):
    assert quoted(text) == literal


@pytest.mark.parametrize("text", ["", "Name FROM User--", "a b", "1st", "Näme", "Owner.Name"])
def test_what_is_no_api_name_never_becomes_a_piece_of_a_query(text):
    with pytest.raises(ConfigurationError):
        name(text)


def test_the_rest_behind_a_row_holds_rows_with_the_same_stamp():
    select = Select("Account", ("Id",), ("S >= 1",), ("S", "Id"))
    rest = select.after([("S", "5"), ("Id", "'b'")])
    assert rest.where == ("S >= 1", "((S > 5) OR (S = 5 AND Id > 'b'))")


def test_a_long_statement_is_split_into_parts_that_fit_and_can_be_joined():
    fields = tuple(f"Some_Long_Custom_Field_{number}__c" for number in range(200))
    select = Select("Account", ("Id", *fields), ("SystemModstamp > 1",), ("SystemModstamp", "Id"))
    parts = select.parts(1_000)
    assert len(parts) > 1
    assert all(encoded_length(part) <= 1_000 for part in parts)
    assert all({"Id", "SystemModstamp"} <= set(part.fields) for part in parts)
    assert {part.where for part in parts} == {select.where}
    assert {part.order_by for part in parts} == {select.order_by}
    split = [field for part in parts for field in part.fields if field.endswith("__c")]
    assert split == list(fields)


def test_a_short_statement_is_not_split():
    select = Select("Account", ("Id", "Name"))
    assert select.parts(1_000) == [select]

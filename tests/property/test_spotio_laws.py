"""Laws of SPOTIO's addresses, values and moments."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reverse_sf.mapping import canon
from reverse_sf.mapping.workflow import SpotioField
from reverse_sf.spotio.address import components_of, join_street, pin_request, split_street
from reverse_sf.spotio.instants import format_instant, parse_instant
from reverse_sf.spotio.patches import (
    Change,
    Dialect,
    document,
    harmed_fields,
    merged_entries,
    took,
)
from reverse_sf.spotio.record import Record
from reverse_sf.spotio.wire import Spelling, decode

texts = st.text(max_size=30)
streets = st.one_of(
    texts,
    st.builds(
        lambda number, letter, street: f"{number}{letter} {street}",
        st.integers(0, 99999),
        st.sampled_from(["", "a", "-14", "/3", "½", ","]),
        texts,
    ),
    st.sampled_from(["5th Avenue", "42nd St", "W123 N456 Main", "12\nMain St", "1 2 3", "12"]),
)
choices = st.lists(st.text(st.characters(exclude_characters=";[]"), min_size=1, max_size=8))


@given(streets)
def test_a_street_line_survives_being_split_and_joined(line: str) -> None:
    assert join_street(*split_street(line)) == canon.text(line)


@given(streets)
def test_splitting_is_stable(line: str) -> None:
    once = split_street(line)
    assert split_street(join_street(*once)) == once


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ("12 Main St", ("12", "Main St")),
        ("12-14 Main St", ("12-14", "Main St")),
        ("5th Avenue", (None, "5th Avenue")),
        ("Main St", (None, "Main St")),
        ("12", (None, "12")),
        ("  ", (None, None)),
    ],
)
def test_a_house_number_stands_before_a_street(line: str, parts: tuple[str, str]) -> None:
    assert split_street(line) == parts


@given(streets, texts, st.booleans(), st.booleans())
def test_an_address_is_read_as_it_was_written(
    street: str, city: str, whole: Any, skip: Any
) -> None:
    sent = {"street": street, "city": city, "skip_geocoding": skip}
    pin = pin_request(sent, current=None, whole_street=whole)
    read = components_of(pin, whole_street=whole, only=("street", "city"))
    assert read == {"street": canon.text(street), "city": canon.text(city)}


@given(texts, texts)
def test_an_absent_component_is_left_alone_and_no_pin_id_is_sent(city: str, zip_code: str) -> None:
    current = {"id": "7", "city": "Austin", "zip": zip_code, "lat": 30.0, "lng": -97.0}
    pin = pin_request({"city": city}, current=current, whole_street=True)
    assert canon.text(pin.get("zip")) == canon.text(zip_code)
    assert "id" not in pin


@pytest.mark.parametrize(
    ("change", "place_kept"),
    [
        ({"city": "Dallas"}, False),
        ({"city": "Dallas", "skip_geocoding": True}, False),
        ({"zip": "78701"}, False),
        ({"zip": "78701", "skip_geocoding": True}, True),
        ({"city": "Austin", "skip_geocoding": True}, True),
        ({"city": "Dallas", "latitude": 1.5, "longitude": 2.5}, True),
    ],
)
def test_a_moved_address_drops_its_old_place(change: dict[str, Any], place_kept: Any) -> None:
    current = {"city": "Austin", "lat": 30.0, "lng": -97.0}
    assert ("lat" in pin_request(change, current=current, whole_street=True)) is place_kept


def a_field(kind: str) -> SpotioField:
    return SpotioField(id="20", label="F", type=kind)


@given(st.dates())
@pytest.mark.parametrize("dates", ["date", "datetime", "us"])
def test_a_date_is_read_back_whatever_the_spelling(dates: str, day: datetime) -> None:
    spelling = Spelling(dates=dates)
    text = f"{day.year:04d}-{day.month:02d}-{day.day:02d}"
    assert decode(a_field("Date"), spelling.encode(a_field("Date"), text)) == text


@given(st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)))  # noqa: DTZ001 - made UTC below
def test_a_moment_is_read_back(moment: datetime) -> None:
    text = moment.replace(microsecond=0).isoformat() + "Z"
    assert decode(a_field("DateTime"), Spelling().encode(a_field("DateTime"), text)) == text


@pytest.mark.parametrize("where", ["values", "semicolon", "json"])
@given(chosen=choices)
def test_several_choices_are_read_back_whatever_the_spelling(where: str, chosen: list[str]) -> None:
    spelling = Spelling(choices=where)
    assert decode(a_field("MultiChoice"), spelling.encode(a_field("MultiChoice"), chosen)) == (
        canon.choices(chosen)
    )


@given(st.one_of(st.integers(-(10**12), 10**12), st.decimals(-999999, 999999, places=2)))
def test_a_number_is_read_back(number: int) -> None:
    value = canon.number(None)(str(number))
    assert decode(a_field("Currency"), Spelling().encode(a_field("Currency"), value)) == value


@pytest.mark.parametrize("kind", ["Text", "Number", "Date", "DateTime", "MultiChoice", "Phone"])
@pytest.mark.parametrize("blank", [None, "", "  ", []])
def test_a_blank_clears_every_type(kind: str, blank: object) -> None:
    entry = Spelling().encode(a_field(kind), blank)
    assert decode(a_field(kind), entry) is None


@given(st.datetimes(datetime(1900, 1, 1), timezones=st.just(timezone.utc)), st.integers(0, 9))  # noqa: DTZ001 - the timezone is given beside it
def test_seven_digits_of_a_second_are_read(moment: datetime, digit: int) -> None:
    text = moment.strftime("%Y-%m-%dT%H:%M:%S.%f")
    assert parse_instant(f"{text}{digit}+00:00") == moment


@given(st.datetimes(datetime(1900, 1, 1), timezones=st.just(timezone.utc)))  # noqa: DTZ001
def test_a_written_moment_is_read_as_itself(moment: datetime) -> None:
    assert parse_instant(format_instant(moment)) == moment


ids = st.sampled_from([str(number) for number in range(1, 9)])
entries = st.dictionaries(ids, st.text("abc", min_size=1, max_size=3), max_size=6)


def record_with(values: dict[str, str]) -> Record:
    fields = tuple({"fieldId": key, "value": value} for key, value in values.items())
    return Record(id="1", type_id="1", entries=fields)


def apply(operations: list[dict[str, object]], held: dict[str, str]) -> dict[str, str]:
    """RFC 6902 as far as it is used here, with field ids as segments too."""
    rows = [{"fieldId": key, "value": value} for key, value in held.items()]
    for one in operations:
        segments = str(one["path"]).split("/")[1:]
        if one["op"] == "test":
            assert rows[int(segments[1])][segments[2]] == one["value"]
        elif len(segments) == 1:
            rows = list(one["value"])
        elif segments[1] == "-":
            rows.append(one["value"])
        else:
            rows[int(segments[1])] = one["value"]
    return {str(row["fieldId"]): row["value"] for row in rows if row.get("value")}


@given(held=entries, new=entries)
@pytest.mark.parametrize(
    "dialect", [Dialect.INDEX_TESTED, Dialect.INDEX, Dialect.COLLECTION, Dialect.ALL_BY_INDEX]
)
def test_every_dialect_makes_the_same_change(
    dialect: Dialect, held: dict[str, str], new: dict[str, str]
) -> None:
    change = Change({key: {"fieldId": key, "value": value} for key, value in new.items()}, {})
    assert apply(document(dialect, record_with(held), change), held) == {**held, **new}


@given(held=entries, kept=entries, touched=st.sets(ids))
def test_what_was_held_untouched_and_is_gone_is_harmed(
    held: dict[str, str], kept: dict[str, str], touched: set[str]
) -> None:
    harmed = harmed_fields(record_with(held), record_with(kept), Change({}, {}), touched)
    assert harmed == set(held) - set(kept) - touched


def test_a_value_that_landed_in_another_field_is_harm() -> None:
    change = Change({"2": {"fieldId": "2", "value": "new"}}, {})
    before, after = record_with({"1": "one", "2": "two"}), record_with({"1": "new", "2": "two"})
    assert harmed_fields(before, after, change, {"2"}) == {"1"}
    assert not took(before, after, change)


@given(held=entries, new=entries)
def test_the_merged_collection_has_every_field_once(
    held: dict[str, str], new: dict[str, str]
) -> None:
    change = Change({key: {"fieldId": key, "value": value} for key, value in new.items()}, {})
    found = [str(entry["fieldId"]) for entry in merged_entries(record_with(held), change)]
    assert sorted(found) == sorted(set(held) | set(new))

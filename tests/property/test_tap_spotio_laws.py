"""Laws of tap-spotio's bookmarks, of what it remembers, and of the facts in its schemas."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from reverse_sf.mapping.workflow import SpotioField, SpotioType, Stage, Workflow
from reverse_sf.spotio.facts import NATIVE_KEYS, record_keys, type_from_schema
from reverse_sf.spotio.instants import parse_instant
from tap_spotio.schema import schema_of
from tap_spotio.stamps import stamp, stamp_of
from tap_spotio.tenant import TenantSetup
from tap_spotio.window import Overlap, ReadEnd, start_of

moments = st.datetimes(
    datetime(2015, 1, 1),  # noqa: DTZ001 - the strategy adds the zone
    datetime(2035, 1, 1),  # noqa: DTZ001 - the strategy adds the zone
    timezones=st.just(timezone.utc),
)
maybe = st.none() | moments
ends = st.builds(ReadEnd, at=moments, certain=st.booleans())


@given(ends, maybe, maybe)
def test_a_bookmark_moves_neither_back_nor_past_the_end_of_the_window(end, stored, latest):
    bookmark = end.bookmark(stored, latest)
    if stored is not None:
        assert bookmark is not None
        assert bookmark >= stored
    if bookmark is not None and bookmark != stored:
        assert bookmark <= end.at


@given(moments, maybe, maybe)
def test_an_uncertain_clock_moves_the_bookmark_no_further_than_what_was_seen(at, stored, latest):
    bookmark = ReadEnd(at, certain=False).bookmark(stored, latest)
    assert bookmark == stored or (latest is not None and bookmark is not None)
    if bookmark is not None and bookmark != stored:
        assert bookmark <= latest


@given(moments, maybe, maybe)
def test_the_end_of_a_window_is_the_services_time_where_it_tells_it(local, server, issued):
    end = ReadEnd.of(local=local, server=server, token_minted=server, token_issued=issued)
    assert end.at == (local if server is None else server)
    if issued is not None and server is not None and issued < server - timedelta(hours=1):
        assert not end.certain
    if server is None:
        assert not end.certain


@given(moments, ends, st.integers(0, 10_000), maybe)
def test_a_run_begins_no_later_than_the_last_one_ended(stored, end, lookback_s, start_date):
    lookback = timedelta(seconds=lookback_s)
    start = start_of(stored, end, lookback, start_date)
    assert start <= max(stored - lookback, start_date or stored - lookback)
    assert start_of(None, end, lookback, start_date) == start_date


digests = st.text("abcdefgh", min_size=8, max_size=8)
noted = st.lists(st.tuples(moments, digests), max_size=40)


@given(noted, moments, st.integers(0, 900), st.integers(1, 30))
def test_what_is_kept_was_noted_and_is_due_to_come_again(rows, bookmark, lookback_s, most):
    lookback = timedelta(seconds=lookback_s)
    overlap = Overlap("", lookback, most=most)
    for at, digest in rows:
        overlap.note(at, digest)
    again = Overlap(overlap.kept(bookmark), lookback)
    due = {digest for at, digest in rows if at >= bookmark - lookback - timedelta(seconds=2)}
    kept = {digest for _, digest in rows if digest in again}
    assert kept <= due
    if len(rows) <= most:
        assert kept == due


@given(moments)
def test_stamps_compare_as_moments_do(moment):
    assert parse_instant(stamp_of(moment)) == moment
    assert stamp(stamp_of(moment)) == stamp_of(moment)


@given(moments, st.integers(0, 7))
def test_a_moment_of_any_precision_becomes_a_stamp(moment, digits):
    fraction = f"{moment.microsecond:06d}0"[:digits]
    told = f"{moment:%Y-%m-%dT%H:%M:%S}{'.' + fraction if digits else ''}+00:00"
    assert stamp(told) == stamp_of(parse_instant(told))


names = st.text(max_size=8) | st.sampled_from([*sorted(NATIVE_KEYS), "Company", "id:1"])
stages = st.lists(
    st.builds(
        Stage,
        id=st.integers(1, 99).map(str),
        name=names,
        group=st.sampled_from(["active", "won", "lost"]),
        loss_reasons=st.lists(st.text("ab", min_size=1), max_size=2).map(tuple),
    ),
    unique_by=lambda one: one.id,
    max_size=4,
).map(tuple)
fields = st.lists(
    st.builds(
        SpotioField,
        id=st.integers(1, 999).map(str),
        label=names,
        type=st.sampled_from(["Text", "Number", "MultiChoice", "Date", "Attachment"]),
        role=st.sampled_from([None, "Name"]),
        system_role=st.sampled_from([None, "Company"]),
        options=st.lists(st.text("ab", min_size=1), max_size=3).map(tuple),
        read_only=st.booleans(),
        inherited=st.booleans(),
        required=st.booleans(),
        required_in_stages=st.frozensets(st.integers(1, 99).map(str), max_size=3),
    ),
    unique_by=lambda one: one.id,
    max_size=6,
).map(tuple)
types = st.builds(
    SpotioType,
    id=st.integers(1, 99).map(str),
    name=names,
    fields=fields,
    stages=stages,
    parent_id=st.none() | st.integers(1, 99).map(str),
    parent_required=st.booleans(),
    has_address=st.booleans(),
    inherit_owner_from_parent=st.booleans(),
)


@given(types)
def test_a_schema_gives_the_record_type_back(record_type):
    schema = schema_of(record_type, TenantSetup(Workflow((record_type,))))
    assert type_from_schema(schema) == record_type


@given(types)
def test_every_field_has_a_key_of_its_own(record_type):
    keys = record_keys(record_type)
    assert len(set(keys.values())) == len(record_type.fields)
    assert not set(keys.values()) & NATIVE_KEYS
    for one in record_type.fields:
        assert record_type.field(keys[one.id]) == one


@given(types)
def test_no_property_of_a_schema_can_be_mistaken_for_a_field(record_type):
    schema = schema_of(record_type, TenantSetup(Workflow((record_type,))))
    assert set(schema["properties"]) - set(record_keys(record_type).values()) <= NATIVE_KEYS

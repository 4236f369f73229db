"""Laws of the values: CSV and JSON of the same record become the same record."""

from __future__ import annotations

import csv
import io
import json
from datetime import datetime, timedelta, timezone

from hypothesis import example, given
from hypothesis import strategies as st

from reverse_sf.salesforce.bulk import read_csv
from reverse_sf.salesforce.values import moment_of, normal_stamp, stamp_of
from reverse_sf.tap.page import page_of_csv, page_of_json
from reverse_sf.tap.window import Bookmark

TYPES = {
    "Id": "id",
    "Name": "string",
    "Notes": "textarea",
    "Active": "boolean",
    "Employees": "int",
    "Revenue": "currency",
    "Since": "date",
    "Audit": "datetime",
    "Products": "multipicklist",
}

texts = st.text(
    st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), min_size=1, max_size=20
)
seconds = st.datetimes(
    min_value=datetime(1700, 1, 1),  # noqa: DTZ001 - made aware below
    max_value=datetime(4000, 1, 1),  # noqa: DTZ001 - made aware below
).map(lambda moment: moment.replace(microsecond=0, tzinfo=timezone.utc))
rows = st.fixed_dictionaries(
    {
        "Id": st.just("001000000000001AAA"),
        "Name": texts,
        "Notes": st.none() | texts,
        "Active": st.booleans(),
        "Employees": st.none() | st.integers(-(10**8), 10**8),
        "Revenue": st.none() | st.floats(-1e15, 1e15, allow_nan=False).map(lambda n: round(n, 2)),
        "Since": st.none() | seconds.map(lambda moment: moment.date().isoformat()),
        "Audit": st.none() | seconds,
        "Products": st.none() | st.just("Panels;Batteries"),
    }
)


def in_bulk(row):
    cells = dict(row)
    cells["Active"] = str(row["Active"]).lower()
    if row["Audit"]:
        cells["Audit"] = row["Audit"].strftime("%Y-%m-%dT%H:%M:%S.000Z").rjust(24, "0")
    return ["" if cells[field] is None else str(cells[field]) for field in TYPES]


def in_rest(row):
    record = dict(row)
    if row["Audit"]:
        record["Audit"] = row["Audit"].strftime("%Y-%m-%dT%H:%M:%S.000+0000").rjust(28, "0")
    return {"attributes": {"type": "Account"}, **record}


def as_csv(listed):
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(TYPES)
    writer.writerows(in_bulk(row) for row in listed)
    return text.getvalue().encode()


@given(st.lists(rows, min_size=1, max_size=5))
def test_bulk_and_rest_make_the_same_records(listed):
    result = read_csv(as_csv(listed))
    bulk = page_of_csv(result.columns, list(result.rows), TYPES)
    rest = page_of_json([in_rest(row) for row in listed], TYPES)
    assert json.dumps(list(bulk.records())) == json.dumps(list(rest.records()))


@given(st.lists(texts, min_size=1, max_size=8))
@example(["carriage\rreturn", "line\nfeed", "both\r\n", 'quote"comma,', "\ufeff", "Müller"])
def test_every_text_survives_a_result_page(listed):
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(
        [["Name"], *([name] for name in listed)]
    )
    result = read_csv(text.getvalue().encode())
    assert list(result.rows) == [[name] for name in listed]


@given(seconds, st.integers(-14 * 60, 14 * 60), st.sampled_from(["", ".5", ".123456"]))
def test_the_same_instant_has_one_stamp_whatever_its_zone(moment, minutes, fraction):
    if (
        not datetime(1701, 1, 1, tzinfo=timezone.utc)
        < moment
        < datetime(3999, 1, 1, tzinfo=timezone.utc)
    ):
        return
    local = moment.astimezone(timezone(timedelta(minutes=minutes)))
    text = local.isoformat()
    zone = text[-6:]
    spelled = text[:-6] + fraction + zone
    milliseconds = {"": 0, ".5": 500, ".123456": 123}[fraction]
    assert moment_of(normal_stamp(spelled)) == moment + timedelta(milliseconds=milliseconds)
    assert normal_stamp(spelled.replace(zone, zone.replace(":", ""))) == normal_stamp(spelled)


@given(seconds, seconds)
def test_stamps_compare_as_their_instants_do(one, other):
    assert (stamp_of(one) < stamp_of(other)) == (one < other)
    assert normal_stamp(stamp_of(one)) == stamp_of(one)


stamps = st.lists(st.integers(0, 9).map(str), max_size=30).map(sorted)


@given(st.none() | st.integers(0, 9).map(str), stamps, st.integers(1, 5), st.integers(0, 30))
def test_a_bookmark_never_goes_back_and_never_passes_a_row_that_was_not_read(
    stored, listed, page_size, read_pages
):
    bookmark = Bookmark(stored)
    pages = [listed[begin : begin + page_size] for begin in range(0, len(listed), page_size)]
    for page in pages[:read_pages]:
        before = bookmark.value
        bookmark.read(page, in_order=True)
        assert before is None or bookmark.value >= before
    unread = [stamp for page in pages[read_pages:] for stamp in page]
    if unread and bookmark.value != stored:
        assert bookmark.value < max(unread) or bookmark.value <= min(unread)
        assert all(bookmark.value <= stamp for stamp in unread)
    if not unread:
        bookmark.read_completely()
        assert bookmark.value == max([*listed, *([stored] if stored else [])], default=None)

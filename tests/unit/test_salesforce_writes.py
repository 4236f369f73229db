"""How writes are cut into calls and how Salesforce's words are read."""

from __future__ import annotations

import csv
import io
from itertools import groupby

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from urllib3.exceptions import MaxRetryError, NewConnectionError

from reverse_sf.errors import RetryError
from reverse_sf.salesforce.collections import MOST_RECORDS, MOST_RUNS, chunks, never_arrived
from reverse_sf.salesforce.ingest import NULL, cell_of, csv_of, fits_csv
from reverse_sf.salesforce.saves import (
    Complaint,
    SaveOptions,
    complaint_of_bulk,
    complaints_of,
    saved_of,
)

OBJECTS = st.sampled_from([f"Object{n}__c" for n in range(15)])


@given(st.lists(OBJECTS, max_size=700))
def test_calls_keep_the_order_and_both_limits_of_a_collection(objects):
    rows = [(name, {"n": place}) for place, name in enumerate(objects)]
    cut = list(chunks(rows))
    assert [row for chunk in cut for row in chunk] == rows
    for chunk in cut:
        assert 0 < len(chunk) <= MOST_RECORDS
        assert len(list(groupby(chunk, key=lambda row: row[0]))) <= MOST_RUNS


@given(st.integers(min_value=1, max_value=2000))
def test_records_of_one_object_take_as_few_calls_as_can_be(number):
    assert len(list(chunks([("Account", {})] * number))) == -(-number // MOST_RECORDS)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (
            "REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --",
            Complaint("REQUIRED_FIELD_MISSING", "Required fields are missing: [Name]", ("Name",)),
        ),
        (
            "UNABLE_TO_LOCK_ROW:unable to obtain access to this record or 200 records: 001A:--",
            Complaint(
                "UNABLE_TO_LOCK_ROW", "unable to obtain access to this record or 200 records: 001A"
            ),
        ),
        (
            "STRING_TOO_LONG:Name: data value too large: a\nb (max length=2):Name,Phone --",
            Complaint(
                "STRING_TOO_LONG",
                "Name: data value too large: a\nb (max length=2)",
                ("Name", "Phone"),
            ),
        ),
        ("something else", Complaint("", "something else")),
        ("", Complaint("", "Salesforce gave no reason")),
    ],
)
def test_the_error_of_a_jobs_row_is_read(text, complaint):
    assert complaint_of_bulk(text) == complaint


def test_the_matches_of_a_duplicate_rule_are_read():
    error = {
        "errorCode": "DUPLICATES_DETECTED",
        "message": "Use one of these records?",
        "duplicateResult": {
            "matchResults": [{"matchRecords": [{"record": {"Id": "003A"}}, {"record": {}}]}]
        },
    }
    (complaint,) = complaints_of([error])
    assert complaint.duplicates == ("003A",)


def test_an_entry_without_success_is_never_a_success():
    assert not saved_of({"id": "001", "success": False, "errors": []}).success
    assert not saved_of({}).success
    assert saved_of({"id": "001", "success": True, "errors": []}).success


def test_a_missing_record_is_told_from_a_wrong_reference():
    entry = {"success": False, "errors": [{"statusCode": "INVALID_CROSS_REFERENCE_KEY"}]}
    assert saved_of(entry).gone
    entry["errors"][0]["fields"] = ["AccountId"]
    assert not saved_of(entry).gone


def test_assignment_rules_are_switched_off_in_words_since_silence_means_on():
    assert SaveOptions().headers == {
        "Sforce-Auto-Assign": "FALSE",
        "Sforce-Duplicate-Rule-Header": "allowSave=false",
    }


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"))


@given(st.lists(st.tuples(CELLS, CELLS), max_size=20))
def test_a_csv_gives_back_every_cell_as_it_was(rows):
    body = csv_of(["A", "B"], [list(row) for row in rows])
    read = list(csv.reader(io.StringIO(body.decode(), newline="")))
    assert read == [["A", "B"], *(list(row) for row in rows)]


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (None, NULL),
        ("", NULL),
        ("  ", NULL),
        (0, "0"),
        (False, "false"),
        (True, "true"),
        (1000.0, "1000"),
        (0.1, "0.1"),
        ("a", "a"),
    ],
)
def test_blank_clears_and_zero_and_false_are_values(value, cell):
    assert cell_of(value) == cell


def test_a_text_that_reads_like_null_does_not_fit_a_csv():
    assert not fits_csv({"Name": " #N/A "})
    assert fits_csv({"Name": None, "Phone": "#N/A?"})


def test_a_call_that_nobody_took_did_not_arrive():
    def lost(cause):
        error = RetryError("no answer")
        error.__cause__ = cause
        return error

    refused = NewConnectionError(None, "refused")
    inner = MaxRetryError(None, "/", refused)
    assert never_arrived(lost(requests.exceptions.ConnectionError(inner)))
    assert never_arrived(lost(requests.exceptions.ConnectTimeout()))
    assert not never_arrived(lost(requests.exceptions.ConnectionError("reset")))
    assert not never_arrived(lost(requests.exceptions.ReadTimeout()))

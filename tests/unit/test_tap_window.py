"""Windows, bookmarks and states that other taps left behind."""

from __future__ import annotations

import pytest

from reverse_sf.errors import ConfigurationError
from reverse_sf.tap.state import understood
from reverse_sf.tap.window import Bookmark, Window, window_of

NOW = "2026-11-23T12:00:00.000Z"


def test_a_first_read_has_no_begin_and_ends_now():
    window = window_of("SystemModstamp", now=NOW, bookmark=None, lookback_s=600)
    assert window == Window("SystemModstamp", None, NOW)
    assert window.conditions == (f"SystemModstamp <= {NOW}",)


def test_a_later_read_begins_before_its_bookmark():
    window = window_of(
        "SystemModstamp", now=NOW, bookmark="2026-11-23T11:00:00.000Z", lookback_s=600
    )
    assert window.start == "2026-11-23T10:50:00.000Z"


def test_a_bookmark_in_the_future_does_not_close_the_window():
    window = window_of(
        "SystemModstamp", now=NOW, bookmark="2031-01-01T00:00:00.000Z", lookback_s=600
    )
    assert window.start == "2026-11-23T11:50:00.000Z"


def test_the_overlap_does_not_reach_before_the_start_date():
    window = window_of(
        "SystemModstamp",
        now=NOW,
        bookmark="2026-11-23T11:00:00.000Z",
        lookback_s=600,
        start_date="2026-11-23T10:55:00.000Z",
    )
    assert window.start == "2026-11-23T10:55:00.000Z"


def test_an_end_date_ends_the_window():
    window = window_of(
        "CreatedDate",
        now=NOW,
        bookmark=None,
        lookback_s=0,
        end_date="2026-01-01T00:00:00.000Z",
    )
    assert window.end == "2026-01-01T00:00:00.000Z"


def test_a_full_read_has_no_conditions_and_goes_by_id():
    assert Window().conditions == ()
    assert Window().order_by == ("Id",)


def test_a_bookmark_passes_a_stamp_only_when_a_later_one_is_seen():
    bookmark = Bookmark(None)
    bookmark.read(["a", "b", "b"], in_order=True)
    assert bookmark.value == "a"
    bookmark.read(["b", "b"], in_order=True)
    assert bookmark.value == "a", "more rows with the same stamp may be on the next page"
    bookmark.read(["c"], in_order=True)
    assert bookmark.value == "b"
    bookmark.read_completely()
    assert bookmark.value == "c"


def test_a_bookmark_of_unordered_rows_moves_only_at_the_end():
    bookmark = Bookmark(None)
    bookmark.read(["c", "a"], in_order=False)
    bookmark.read(["b"], in_order=False)
    assert bookmark.value is None
    bookmark.read_completely()
    assert bookmark.value == "c"


def test_an_empty_read_leaves_the_bookmark():
    bookmark = Bookmark("c")
    bookmark.read([], in_order=True)
    bookmark.read_completely()
    assert bookmark.value == "c"


def test_a_complete_read_moves_the_bookmark_on_to_what_no_transaction_can_still_bring():
    """What was last written must not be read again by every run until something newer comes."""
    bookmark = Bookmark("2026-01-20T15:00:00.000Z")
    bookmark.read(["2026-01-20T15:01:00.000Z"] * 2, in_order=True)
    bookmark.read_completely(until="2026-01-20T15:05:00.000Z")
    assert bookmark.value == "2026-01-20T15:01:00.000Z", "a transaction may still be open"
    bookmark.read_completely(until="2026-01-20T16:00:00.000Z")
    assert bookmark.value == "2026-01-20T15:50:00.000Z"
    bookmark.read_completely(until="2026-01-20T15:30:00.000Z")
    assert bookmark.value == "2026-01-20T15:50:00.000Z", "never backwards"


def test_an_object_that_never_had_a_row_has_no_bookmark():
    bookmark = Bookmark(None)
    bookmark.read_completely(until="2026-01-20T16:00:00.000Z")
    assert bookmark.value is None


@pytest.mark.parametrize(
    ("key", "stored"),
    [
        ("SystemModstamp", "2026-01-20T15:39:33.000000Z"),
        ("SystemModstamp", "2026-01-20T15:39:33+00:00"),
        ("LastModifiedDate", "2026-01-20T10:39:33.000-0500"),
    ],
)
def test_a_state_of_the_meltanolabs_tap_is_understood(key, stored):
    left_behind = {"bookmarks": {"Account": {"version": 1795428230318, key: stored}}}
    assert understood(left_behind) == {
        "bookmarks": {
            "Account": {
                "replication_key": key,
                "replication_key_value": "2026-01-20T15:39:33.000Z",
            }
        }
    }


def test_a_state_of_this_tap_is_understood_as_it_is():
    ours = {
        "bookmarks": {
            "Account": {
                "replication_key": "SystemModstamp",
                "replication_key_value": "2026-01-20T15:39:33.000Z",
                "deletions_read_until": "2026-01-20T15:40:00.000Z",
            },
            "Site__c": {},
        }
    }
    assert understood(ours) == ours


def test_a_state_with_bookmarks_that_are_no_times_names_them_all():
    broken = {
        "bookmarks": {
            "Account": {"SystemModstamp": "yesterday"},
            "Contact": {"replication_key_value": "soon", "replication_key": "SystemModstamp"},
        }
    }
    with pytest.raises(ConfigurationError) as refusal:
        understood(broken)
    assert len(refusal.value.problems) == 2


def test_no_state_stays_no_state():
    assert understood({}) == {}

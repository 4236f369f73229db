"""Guards refuse a suspicious run, say why, and name the way past."""

from __future__ import annotations

import pytest

from reverse_sf.merge.guards import lost_ledger, one_side_empty, too_many_deletes


@pytest.mark.parametrize(
    ("deletes", "links", "refused"),
    [(0, 0, False), (50, 0, False), (51, 0, True), (51, 1000, False), (101, 1000, True)],
)
def test_deletes_are_refused_above_the_larger_of_count_and_percentage(deletes, links, refused):
    refusal = too_many_deletes(deletes, links, at_most=50, at_most_percent=10)
    assert (refusal is not None) is refused


def test_a_refusal_has_the_numbers_and_the_way_past_it():
    refusal = too_many_deletes(7, 0, at_most=2, at_most_percent=0)
    assert "7 records" in refusal.reason
    assert "limit is 2" in refusal.reason
    assert "delete_limit" in refusal.override
    assert str(refusal) == f"{refusal.reason}; {refusal.override}"


@pytest.mark.parametrize(
    ("observed", "links", "refused"), [(0, 0, False), (1, 9, False), (0, 9, True)]
)
def test_an_empty_full_read_is_refused_where_links_exist(observed, links, refused):
    assert (
        one_side_empty("Account:Accounts", observed=observed, links=links) is not None
    ) is refused


def test_a_bookmark_over_a_ledger_that_never_saw_the_stream_is_refused_with_the_command():
    assert lost_ledger("Account", "2026-01-01", known=True, command="x") is None
    refusal = lost_ledger(
        "Account", "2026-01-01", known=False, command="meltano run --full-refresh"
    )
    assert "Account" in refusal.reason
    assert "meltano run --full-refresh" in refusal.override

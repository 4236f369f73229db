"""Search in slices, and the service's time, without a server."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone

import httpx
import pytest

from reverse_sf.spotio.errors import WindowError
from reverse_sf.spotio.instants import parse_instant
from reverse_sf.spotio.search import Search, parent_of
from reverse_sf.spotio.session import Credentials, Session

START = datetime(2026, 1, 1, tzinfo=timezone.utc)


class Service:
    """A search that shows no more than a window of rows, told apart by their moment."""

    def __init__(self, moments, window):
        self.moments = moments
        self.window = window
        self.filters = []
        self.queries = []

    def __call__(self, request):
        if request.url.path == "/api/users/apitoken":
            return httpx.Response(200, json={"accessToken": "x"})
        if request.url.path == "/api/v2/filters":
            self.filters.append(json.loads(request.content))
            return httpx.Response(200, json={"id": str(len(self.filters) - 1)})
        query = dict(request.url.params)
        self.queries.append(query)
        chosen = self.filters[int(query["filterId"])]
        start, end = (parse_instant(chosen[key]) for key in ("startDate", "endDate"))
        found = [n for n, at in enumerate(self.moments) if start <= at <= end]
        first = int(query.get("scrollId", 0))
        last = min(first + int(query["perPage"]), len(found))
        if last > self.window:
            return httpx.Response(400, json={"errors": {"_": "Result window is too large"}})
        return httpx.Response(
            200,
            json={
                "items": [{"id": str(n)} for n in found[first:last]],
                "totalCount": len(found),
                "scrollId": str(last) if last < len(found) else None,
            },
        )


def session_of(service):
    return Session(
        Credentials("a", "b"), transport=httpx.MockTransport(service), sleep=lambda _seconds: None
    )


@pytest.mark.parametrize("page_size", [1, 3, 50])
@pytest.mark.parametrize("window", [3, 7, 100])
def test_slices_reach_every_row_past_the_window(page_size, window):
    service = Service([START + timedelta(minutes=n * n) for n in range(60)], window)
    search = Search(session_of(service), page_size=page_size)
    pages = list(search.updated(START, START + timedelta(days=5)))
    assert {row["id"] for page in pages for row in page} == {str(n) for n in range(60)}


def test_more_rows_of_one_moment_than_the_window_are_an_error():
    search = Search(session_of(Service([START] * 9, 5)), page_size=3)
    with pytest.raises(WindowError):
        list(search.updated(START - timedelta(hours=1), START + timedelta(hours=1)))


def test_parents_and_types_are_asked_for():
    service = Service([START], 5)
    search = Search(session_of(service), page_size=3, with_parents=True)
    assert list(search.updated(START, type_ids=["2", "4"])) == [[{"id": "0"}]]
    assert service.filters[0]["dataObjectTypeIds"] == ["2", "4"]
    assert service.queries[0]["includeParentData"] == "true"


def test_a_row_tells_its_parent_or_that_there_is_none():
    assert parent_of({"id": "1", "parent": {"id": 7, "name": "x"}}) == "7"
    assert parent_of({"id": "1", "parent": None}) is None
    assert parent_of({"id": "1"}) is None


@pytest.mark.parametrize("told", [None, "yesterday", ""])
def test_without_a_date_the_services_time_is_not_known(told):
    headers = {} if told is None else {"Date": told}
    session = session_of(lambda _: httpx.Response(200, json={"accessToken": "x"}, headers=headers))
    assert session.server_time() is None
    session.token()
    assert session.server_time() is None


def test_the_services_time_is_that_of_its_last_answer():
    headers = {"Date": "Wed, 06 May 2026 12:00:00 GMT"}
    session = session_of(lambda _: httpx.Response(200, json={"accessToken": "x"}, headers=headers))
    session.token()
    told = datetime(2026, 5, 6, 12, tzinfo=timezone.utc)
    assert told <= session.server_time() < told + timedelta(seconds=30)

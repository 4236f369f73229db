"""Many records a call: sObject Collections (REST API Developer Guide).

Up to 200 records are written a call, in at most ten runs of records of one object; up to 2,000 are
read by Id. A call that is refused as a whole because one record of it cannot be read is split, so
that the others go on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import requests
from urllib3.exceptions import MaxRetryError, NewConnectionError

from reverse_sf.errors import RetryError
from reverse_sf.salesforce import soql
from reverse_sf.salesforce.refusals import error_of, read_refusal
from reverse_sf.salesforce.saves import Saved, SaveOptions, complaints_in, saved_of
from reverse_sf.salesforce.session import SEND_ONCE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reverse_sf.salesforce.client import SalesforceClient

MOST_RECORDS = 200
MOST_RUNS = 10
MOST_RETRIEVED = 2000
_BAD_REQUEST = 400
_ALL_WELL = 300

Row = tuple[str, "Mapping[str, Any]"]
"""API name of the object, and the values by field."""


class Collections:
    """Reads and writes many records a call.

    Args:
        client: the org.
        options: what goes with every write.
    """

    def __init__(self, client: SalesforceClient, options: SaveOptions | None = None) -> None:
        self._client = client
        self._headers = (options or SaveOptions()).headers

    def create(self, rows: Sequence[Row]) -> Iterator[Saved]:
        """Create records; all objects may be mixed.

        A call without an answer leaves its records ``unknown``; then it is made sure that
        Salesforce is there at all before the next call.

        Yields:
            What became of each, in order, call by call: what was yielded before an error is done.

        Raises:
            ReverseSFError: Salesforce does not answer, or refuses us altogether.
        """
        return self._write("POST", "composite/sobjects", rows, "create", once=True)

    def update(self, rows: Sequence[Row], *, once: bool = False) -> Iterator[Saved]:
        """Update records; each holds its ``Id``. Yields and raises as :meth:`create`.

        Args:
            rows: what to write.
            once: leave records ``unknown`` where a call has no answer. Without it the call is
                repeated, which would overwrite what somebody else wrote in between.
        """
        return self._write("PATCH", "composite/sobjects", rows, "update", once=once)

    def upsert(self, sobject: str, key: str, rows: Sequence[Mapping[str, Any]]) -> Iterator[Saved]:
        """Create or update records of one object by a key field that each of them holds.

        Yields and raises as :meth:`create`, but nothing stays unknown: the call can be repeated.
        """
        path = f"composite/sobjects/{soql.name(sobject)}/{soql.name(key)}"
        return self._write("PATCH", path, [(sobject, row) for row in rows], "upsert")

    def delete(self, record_ids: Sequence[str]) -> Iterator[Saved]:
        """Put records into the recycle bin. Yields and raises as :meth:`create`."""
        for start in range(0, len(record_ids), MOST_RECORDS):
            asked = {"ids": ",".join(record_ids[start : start + MOST_RECORDS])}
            answer = self._client.call(
                "DELETE",
                "composite/sobjects",
                params={**asked, "allOrNone": "false"},
                headers=self._headers,
                what="delete of records",
            )
            yield from map(saved_of, msgspec.json.decode(answer.content))

    def retrieve(
        self, sobject: str, record_ids: Sequence[str], fields: Sequence[str]
    ) -> dict[str, dict[str, Any]]:
        """Read records by Id; those that do not exist are left out.

        Raises:
            ReverseSFError: the call is refused.
        """
        found: dict[str, dict[str, Any]] = {}
        wanted = list(dict.fromkeys(record_ids))
        for start in range(0, len(wanted), MOST_RETRIEVED):
            body = {"ids": wanted[start : start + MOST_RETRIEVED], "fields": list(fields)}
            answer = self._client.call(
                "POST",
                f"composite/sobjects/{soql.name(sobject)}",
                json=body,
                what=f"read of {len(body['ids'])} {sobject} records",
            )
            for record in msgspec.json.decode(answer.content):
                if record is not None:
                    record.pop("attributes", None)
                    found[record["Id"]] = record
        return found

    def _write(
        self, method: str, path: str, rows: Sequence[Row], what: str, *, once: bool = False
    ) -> Iterator[Saved]:
        for chunk in chunks(rows):
            in_doubt = False
            for saved in self._send(method, path, chunk, what, once=once):
                in_doubt = in_doubt or saved.unknown
                yield saved
            if in_doubt:
                # Without an answer every later call would be in doubt as well.
                self._client.call("GET", "limits", what="limits")

    def _send(
        self, method: str, path: str, chunk: Sequence[Row], what: str, *, once: bool
    ) -> Iterator[Saved]:
        records = [{"attributes": {"type": sobject}, **values} for sobject, values in chunk]
        body = {"allOrNone": False, "records": records}
        try:
            headers = self._headers | ({SEND_ONCE: "1"} if once else {})
            answer = self._client.answer(method, path, json=body, headers=headers)
        except RetryError as error:
            if not once or never_arrived(error):
                raise
            yield from [Saved(unknown=True)] * len(chunk)
            return
        if answer.status_code < _ALL_WELL:
            yield from map(saved_of, msgspec.json.decode(answer.content))
        elif answer.status_code != _BAD_REQUEST:
            refused = error_of(read_refusal(answer), f"{what} of {len(chunk)} records")
            if not isinstance(refused, RetryError) or not once:
                raise refused
            yield from [Saved(unknown=True)] * len(chunk)
        elif len(chunk) == 1:
            yield Saved(complaints=complaints_in(answer))
        else:
            half = len(chunk) // 2
            yield from self._send(method, path, chunk[:half], what, once=once)
            yield from self._send(method, path, chunk[half:], what, once=once)


def chunks(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """Cut rows into calls: at most 200 records and ten runs of one object each, order kept."""
    chunk: list[Row] = []
    runs = 0
    for row in rows:
        begins_run = not chunk or chunk[-1][0] != row[0]
        if len(chunk) == MOST_RECORDS or (begins_run and runs == MOST_RUNS):
            yield chunk
            chunk, runs, begins_run = [], 0, True
        runs += begins_run
        chunk.append(row)
    if chunk:
        yield chunk


def never_arrived(error: RetryError) -> bool:
    """Whether a call without an answer surely did not reach Salesforce: nobody took the call."""
    cause = error.__cause__
    if isinstance(cause, requests.exceptions.ConnectTimeout):
        return True
    inner = cause.args[0] if isinstance(cause, requests.exceptions.ConnectionError) else None
    return isinstance(inner, MaxRetryError) and isinstance(inner.reason, NewConnectionError)

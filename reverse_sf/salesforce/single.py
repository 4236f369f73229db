"""One record a call, for what collections cannot do.

A call on one record tells the matches of a duplicate rule, may carry a precondition, and is what is
left for a record whose row was locked. Source: REST API Developer Guide, "sObject Rows",
"Conditional Request Headers", "Duplicate Rule Header".
"""

from __future__ import annotations

from email.utils import format_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from reverse_sf.errors import RetryError
from reverse_sf.salesforce import soql
from reverse_sf.salesforce.collections import never_arrived
from reverse_sf.salesforce.refusals import error_of, read_refusal
from reverse_sf.salesforce.saves import LOCKED, Complaint, Saved, SaveOptions, complaints_in
from reverse_sf.salesforce.session import SEND_ONCE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    import requests

    from reverse_sf.salesforce.client import SalesforceClient

_CREATED, _SEVERAL, _BAD_REQUEST, _NOT_FOUND, _MODIFIED = 201, 300, 400, 404, 412
_RECORD_CODES = frozenset({"ENTITY_IS_DELETED", "NOT_FOUND"})


class SingleRecords:
    """Writes one record a call.

    Args:
        client: the org.
        options: what goes with every write.
    """

    def __init__(self, client: SalesforceClient, options: SaveOptions | None = None) -> None:
        self._client = client
        self._headers = (options or SaveOptions()).headers

    def create(self, sobject: str, values: Mapping[str, Any]) -> Saved:
        """Create a record.

        Raises:
            RetryError: Salesforce cannot be reached.
        """
        path = f"sobjects/{soql.name(sobject)}"
        try:
            answer = self._client.answer("POST", path, json=dict(values), headers=self._headers)
        except RetryError as error:
            if never_arrived(error):
                raise
            return Saved(unknown=True)
        return self._saved(answer, f"create of {sobject}", once=True)

    def update(
        self,
        sobject: str,
        record_id: str,
        values: Mapping[str, Any],
        *,
        unmodified_since: datetime | None = None,
        once: bool = False,
    ) -> Saved:
        """Update a record.

        Args:
            sobject: its object.
            record_id: its Id.
            values: what to write.
            unmodified_since: write only if nobody has changed the record after this.
            once: as for :meth:`reverse_sf.salesforce.collections.Collections.update`.

        Raises:
            RetryError: Salesforce does not answer.
        """
        path = f"sobjects/{soql.name(sobject)}/{quote(record_id, safe='')}"
        headers = dict(self._headers)
        if unmodified_since is not None:
            headers["If-Unmodified-Since"] = format_datetime(unmodified_since, usegmt=True)
        if once:
            headers[SEND_ONCE] = "1"
        try:
            answer = self._client.answer("PATCH", path, json=dict(values), headers=headers)
        except RetryError as error:
            if not once or never_arrived(error):
                raise
            return Saved(record_id, unknown=True)
        return self._saved(answer, f"update of {sobject} {record_id}", record_id, once=once)

    def upsert(self, sobject: str, key: str, values: Mapping[str, Any]) -> Saved:
        """Create or update a record by a key field that the values hold.

        Raises:
            RetryError: Salesforce does not answer.
        """
        rest = dict(values)
        value = quote(str(rest.pop(key)), safe="")
        path = f"sobjects/{soql.name(sobject)}/{soql.name(key)}/{value}"
        answer = self._client.answer("PATCH", path, json=rest, headers=self._headers)
        if answer.status_code == _SEVERAL:
            found = [str(one).rsplit("/", 1)[-1] for one in msgspec.json.decode(answer.content)]
            words = f"several {sobject} records hold this {key}: {', '.join(found)}"
            return Saved(complaints=(Complaint("DUPLICATE_EXTERNAL_ID", words, (key,)),))
        return self._saved(answer, f"upsert of {sobject}")

    def _saved(
        self,
        answer: requests.Response,
        what: str,
        record_id: str | None = None,
        *,
        once: bool = False,
    ) -> Saved:
        if answer.status_code < _SEVERAL:
            body = msgspec.json.decode(answer.content) if answer.content else {}
            created = body.get("created", answer.status_code == _CREATED)
            return Saved(body.get("id", record_id), created)
        if answer.status_code == _MODIFIED:
            return Saved(record_id, modified=True)
        complaints = complaints_in(answer)
        code = complaints[0].code
        # A locked row outlived all tries; a missing record is one of many, whatever the status.
        of_record = answer.status_code == _BAD_REQUEST or code == LOCKED
        if of_record or (answer.status_code == _NOT_FOUND and code in _RECORD_CODES):
            return Saved(record_id, complaints=complaints)
        refused = error_of(read_refusal(answer), what)
        if once and isinstance(refused, RetryError):
            return Saved(record_id, unknown=True)
        raise refused

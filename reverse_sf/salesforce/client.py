"""Salesforce's REST API as this product reads it: describes, queries, the deletion log, counts.

simple-salesforce does the calls; :mod:`reverse_sf.salesforce.session` carries them.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec
from simple_salesforce.api import Salesforce

from reverse_sf.errors import AccessError, ConfigurationError, ReverseSFError
from reverse_sf.salesforce import soql
from reverse_sf.salesforce.refusals import (
    QueryError,
    SalesforceError,
    UnknownObjectError,
    error_of,
    read_refusal,
)
from reverse_sf.salesforce.saves import organization_of
from reverse_sf.salesforce.session import Patience, SalesforceSession

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    import requests

    from reverse_sf.cache import Cache
    from reverse_sf.salesforce.credentials import Credentials
    from reverse_sf.salesforce.quota import Quota
    from reverse_sf.salesforce.soql import Select

DEFAULT_API_VERSION = "62.0"

# A request line of more than 16 kB is refused (414 or 431, observed); the host and path need room.
MOST_QUERY_CHARACTERS = 15_500
_GLOBAL = "all objects"


class QueryPage(msgspec.Struct):
    """One page of a query's answer.

    Attributes:
        records: each with its ``attributes``.
        size: rows of the whole query (``totalSize``).
        next_page: path of the next page, or None.
    """

    records: list[dict[str, Any]]
    size: int = msgspec.field(name="totalSize", default=0)
    next_page: str | None = msgspec.field(name="nextRecordsUrl", default=None)


class DeletedRecord(msgspec.Struct):
    """One entry of the deletion log."""

    id: str
    deleted_date: str = msgspec.field(name="deletedDate")


class DeletionLog(msgspec.Struct, rename="camel"):
    """The deletion log of one object over a window of time.

    Attributes:
        deleted_records: ids and times.
        earliest_date_available: how far back the log goes at all.
        latest_date_covered: up to where this answer is complete; the next window begins here.
    """

    deleted_records: list[DeletedRecord]
    earliest_date_available: str
    latest_date_covered: str


_page_decoder = msgspec.json.Decoder(QueryPage)
_log_decoder = msgspec.json.Decoder(DeletionLog)


class SalesforceClient:
    """One org, read over one session. Safe to use from several threads.

    Args:
        credentials: who we are and where.
        api_version: such as ``"62.0"``.
        quota: the share of the org's requests that may be used.
        patience: timeouts and retries.
        workers: calls at the same time, at most.
        cache: keeps the login and describes between runs.
    """

    def __init__(
        self,
        credentials: Credentials,
        *,
        api_version: str = DEFAULT_API_VERSION,
        quota: Quota | None = None,
        patience: Patience | None = None,
        workers: int = 8,
        cache: Cache | None = None,
    ) -> None:
        self.api_version = _checked_version(api_version)
        self.workers = max(1, workers)
        self.session = SalesforceSession(
            credentials,
            api_version=self.api_version,
            quota=quota,
            patience=patience,
            connections=self.workers + 2,
            cache=cache,
        )
        self.most_query_characters = MOST_QUERY_CHARACTERS
        self._salesforce: Salesforce | None = None
        self._describes: dict[str, Mapping[str, Any]] = {}
        self._kept: set[str] = set()
        self._lock = threading.Lock()

    @property
    def salesforce(self) -> Salesforce:
        """The simple-salesforce object; made, and logged in, when it is first asked for."""
        login = self.session.login
        with self._lock:
            if self._salesforce is None:
                self._salesforce = Salesforce(
                    session=self.session,
                    session_id=login.session_id,
                    instance=login.instance,
                    version=self.api_version,
                    object_pairs_hook=dict,
                )
            return self._salesforce

    @property
    def quota(self) -> Quota:
        """The requests made, and how many are allowed."""
        return self.session.quota

    @cached_property
    def organization_id(self) -> str | None:
        """The org's Id; asked for only where the session id does not begin with it."""
        told = organization_of(self.session.login.session_id)
        if told is not None:
            return told
        try:
            page = self.query(soql.Select(source="Organization", fields=("Id",)))
        except (SalesforceError, AccessError, QueryError):
            return None
        return str(page.records[0]["Id"]) if page.records else None

    def server_time(self) -> datetime:
        """Return the time by Salesforce's clock."""
        return self.session.server_time()

    def close(self) -> None:
        """Give the connections back."""
        self.session.close()

    def call(self, method: str, path: str, *, what: str, **options: Any) -> requests.Response:
        """Make one API call and return the answer.

        Args:
            method: HTTP method.
            path: below ``/services/data/vNN.N/``, or from the root where it starts with a slash.
            what: the call in words, for the message of an error.
            options: as for ``requests.Session.request``.

        Raises:
            ReverseSFError: what :mod:`reverse_sf.salesforce.refusals` makes of a refusal.
        """
        response = self.answer(method, path, **options)
        if response.status_code >= 300:  # noqa: PLR2004 - 300 and up are no success here
            error = error_of(read_refusal(response), what)
            if isinstance(error, (QueryError, UnknownObjectError)):
                # Salesforce does not know a name that a describe told: what is kept is too old.
                self.session.cache.drop()
            raise error
        return response

    def answer(self, method: str, path: str, **options: Any) -> requests.Response:
        """Make one API call and return the answer, also where Salesforce refuses.

        Args:
            method: HTTP method.
            path: as for :meth:`call`.
            options: as for ``requests.Session.request``.

        Raises:
            ReverseSFError: there was no answer, or the session makes no call any more.
        """
        salesforce = self.salesforce
        root = f"https://{urlsplit(salesforce.base_url).netloc}"
        address = f"{root}{path}" if path.startswith("/") else f"{salesforce.base_url}{path}"
        headers = {"Authorization": f"Bearer {salesforce.session_id}", **options.pop("headers", {})}
        return self.session.request(method, address, headers=headers, **options)

    def describe_global(self) -> list[dict[str, Any]]:
        """Return the short description of every object that the user may see."""
        objects: list[dict[str, Any]] | None = self._from_cache(_GLOBAL)
        if objects is None:
            answer = self.call("GET", "sobjects", what="list of objects")
            objects = msgspec.json.decode(answer.content)["sobjects"]
            self.session.cache.put(self._kept_as(_GLOBAL), objects)
        return objects

    def describe(self, source: str) -> Mapping[str, Any]:
        """Return the describe of one object; asked for once a run, or kept from an earlier one.

        Raises:
            UnknownObjectError: if there is no such object for this user.
        """
        if source not in self._describes:
            kept = self._from_cache(source)
            self._describes[source] = self._described(source) if kept is None else kept
        return self._describes[source]

    def describe_anew(self, source: str) -> Mapping[str, Any] | None:
        """Return the describe of now where an earlier run's was used, or None.

        For whoever misses something in a describe: it may have been made since.

        Raises:
            UnknownObjectError: as :meth:`describe`.
        """
        with self._lock:
            if source not in self._kept:
                return None
            self._kept.discard(source)
        self._describes[source] = self._described(source)
        return self._describes[source]

    def distrust(self, source: str) -> None:
        """Keep the describe of an object no longer: Salesforce refused what it let us expect."""
        self.session.cache.drop(self._kept_as(source))

    def _described(self, source: str) -> Mapping[str, Any]:
        path = f"sobjects/{soql.name(source)}/describe"
        answer = self.call("GET", path, what=f"describe of {source}")
        described: Mapping[str, Any] = msgspec.json.decode(answer.content)
        self.session.cache.put(self._kept_as(source), described)
        return described

    def _from_cache(self, name: str) -> Any | None:
        kept = self.session.cache.get(self._kept_as(name))
        if kept is not None:
            with self._lock:
                self._kept.add(name)
        return kept

    def _kept_as(self, name: str) -> str:
        return f"describe {self.api_version} {name}"

    def describe_many(
        self, sources: Iterable[str]
    ) -> dict[str, Mapping[str, Any] | ReverseSFError]:
        """Describe several objects at the same time; a refused one has its error as value.

        Raises:
            ReverseSFError: what is no matter of one object, such as a refused login.
        """
        names = list(dict.fromkeys(sources))
        _ = self.salesforce  # log in once, before the threads would all want to; no call where kept

        def attempt(source: str) -> Mapping[str, Any] | ReverseSFError:
            try:
                return self.describe(source)
            except (AccessError, ConfigurationError, SalesforceError) as refused:
                return refused

        with ThreadPoolExecutor(self.workers, thread_name_prefix="describe") as threads:
            return dict(zip(names, threads.map(attempt, names), strict=True))

    def query(self, select: Select, *, all_rows: bool = False) -> QueryPage:
        """Return the first page of a query; with ``all_rows`` deleted and archived rows too."""
        path = "queryAll" if all_rows else "query"
        answer = self.call("GET", path, params={"q": str(select)}, what=f"query of {select.source}")
        return _page_decoder.decode(answer.content)

    def query_more(self, page: QueryPage, *, source: str) -> QueryPage:
        """Return the page after this one.

        Raises:
            CursorError: if the server has forgotten the query.
        """
        answer = self.call("GET", page.next_page or "", what=f"query of {source}, next page")
        return _page_decoder.decode(answer.content)

    def count(self, select: Select, *, all_rows: bool = False) -> int:
        """Return how many rows a query has."""
        path = "queryAll" if all_rows else "query"
        answer = self.call(
            "GET", path, params={"q": select.count}, what=f"count of {select.source}"
        )
        return _page_decoder.decode(answer.content).size

    def record_counts(self, sources: Iterable[str]) -> dict[str, int]:
        """Return about how many rows objects have, by one call; unknown objects are left out.

        Source: REST API Developer Guide, "Record Count".
        """
        answer = self.call(
            "GET", "limits/recordCount", params={"sObjects": ",".join(sources)}, what="row counts"
        )
        counts = msgspec.json.decode(answer.content).get("sObjects") or []
        return {entry["name"]: int(entry["count"]) for entry in counts}

    def deletions(self, source: str, start: str, end: str) -> DeletionLog:
        """Return the deletion log of an object; times are ISO texts with ``Z``, minutes count.

        Source: REST API Developer Guide, "Get Deleted"; the log reaches 15 days back at most.

        Raises:
            ReplicationWindowError: if the log does not reach back to ``start``.
        """
        answer = self.call(
            "GET",
            f"sobjects/{soql.name(source)}/deleted",
            params={"start": start, "end": end},
            what=f"deletion log of {source}",
        )
        return _log_decoder.decode(answer.content)


def _checked_version(text: str) -> str:
    plain = text.removeprefix("v")
    if not plain.replace(".", "", 1).isdigit():
        raise ConfigurationError(f"api_version must be a version such as 62.0, not {text!r}")
    return plain if "." in plain else f"{plain}.0"

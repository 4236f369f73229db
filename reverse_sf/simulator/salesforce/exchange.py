"""A call of the Salesforce API and its answer, apart from how they travel."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote

from reverse_sf.simulator.salesforce.refusal import ApiFault

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from reverse_sf.simulator.salesforce.service import Service
    from reverse_sf.simulator.salesforce.sessions import Session

JSON_TYPE = "application/json;charset=UTF-8"


@dataclass
class Call:
    """One request.

    Attributes:
        method: HTTP method.
        segments: the path between its slashes, each decoded on its own, so that an external id
            may hold a slash; a trailing slash leaves nothing behind.
        query: parameters by name.
        headers: by lower-case name.
        body: as sent, unpacked.
        origin: scheme and host that the client called.
        version: API version such as ``60.0``; empty outside ``/services/data/v…``.
        session: who calls; none where no login is needed.
        records: how many records the call touched, for the request log.
        subrequests: parts of a batch, for the request log.
        billed: how many requests the org counts the call as; a login is none.
        answer_part: answers a part of a batch, given its segments below the API version.
    """

    method: str
    segments: tuple[str, ...]
    query: dict[str, str]
    headers: Mapping[str, str]
    body: bytes
    origin: str
    version: str = ""
    session: Session | None = None
    records: int = 0
    subrequests: list[dict[str, Any]] = field(default_factory=list)
    billed: int = 0
    answer_part: Callable[[Service, Call, tuple[str, ...]], Answer] = field(
        repr=False, kw_only=True
    )

    @property
    def base(self) -> str:
        """Path of the API version, such as ``/services/data/v60.0``."""
        return f"/services/data/v{self.version}"

    @property
    def user_id(self) -> str | None:
        """The calling user's Id."""
        return self.session.user_id if self.session else None

    def json(self) -> Any:
        """The body as JSON.

        Raises:
            ApiFault: it is not JSON.
        """
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise ApiFault("JSON_PARSER_ERROR", str(error)) from error

    def json_object(self) -> dict[str, Any]:
        """The body as a JSON object.

        Raises:
            ApiFault: it is not one.
        """
        body = self.json()
        if not isinstance(body, dict):
            raise ApiFault("JSON_PARSER_ERROR", "The HTTP entity body must be a JSON object")
        return body


@dataclass(frozen=True)
class FileSlice:
    """A body that is a head and a piece of a file.

    Attributes:
        head: bytes that come first.
        path: the file.
        start: first byte of the piece.
        stop: first byte after it.
    """

    head: bytes
    path: Path
    start: int
    stop: int


@dataclass(frozen=True)
class Answer:
    """One answer.

    Attributes:
        body: a JSON value, or bytes or a file slice of ``media_type``; none for an empty body.
        status: HTTP status.
        headers: further headers.
        media_type: of a body that is not a JSON value.
        limit_info: whether ``Sforce-Limit-Info`` is sent; the 204 of a DELETE was recorded
            without it.
    """

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    media_type: str = JSON_TYPE
    limit_info: bool = True


def parse_target(path: str, query: str) -> tuple[tuple[str, ...], dict[str, str]]:
    """Segments and parameters of a raw path and query."""
    segments = tuple(unquote(part) for part in path.split("/") if part)
    return segments, dict(parse_qsl(query, keep_blank_values=True))


def unpack(body: bytes, encoding: str) -> bytes:
    """A request body without its compression.

    Raises:
        ApiFault: it is not what its header says.
    """
    if "gzip" not in encoding:
        return body
    try:
        return gzip.decompress(body)
    except (OSError, EOFError) as error:
        raise ApiFault("JSON_PARSER_ERROR", "The HTTP entity body is not gzip") from error

"""The CSV of an ingest job (Bulk API 2.0 guide, "Prepare CSV Files").

The first row holds API names. An empty cell says nothing, ``#N/A`` is null. ``Account.Ext__c`` is a
reference by external id, ``Contact:Who.Ext__c`` one of a field that points to several objects.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reverse_sf.simulator.errors import SimulatorError

if TYPE_CHECKING:
    from reverse_sf.simulator.salesforce.metadata import Field, SObject

NULL = "#N/A"
_ENDINGS = {"\n": "LF", "\r\n": "CRLF"}


class SheetError(SimulatorError):
    """The CSV cannot be read: the whole job fails."""


@dataclass
class Sheet:
    """One uploaded CSV."""

    columns: list[str]
    rows: list[list[str]]

    @classmethod
    def read(cls, body: bytes, delimiter: str, line_ending: str) -> Sheet:
        """Read a CSV with the delimiter and line ending that the job named.

        Raises:
            SheetError: the line ending is another one, or there is nothing.
        """
        try:
            text = body.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise SheetError("ClientInputError : Failed to read query. CSV is not UTF-8") from error
        if not text.strip():
            raise SheetError("ClientInputError : Failed to parse CSV header. File is empty")
        found = "\r\n" if text.split("\n", 1)[0].endswith("\r") else "\n"
        if found != line_ending:
            raise SheetError(
                "ClientInputError : LineEnding is invalid on user data. "
                f"Current LineEnding setting is {_ENDINGS[line_ending]}"
            )
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
        columns, rows = rows[0], [row for row in rows[1:] if row]
        wrong = next((row for row in rows if len(row) != len(columns)), None)
        if wrong is not None:
            raise SheetError(
                f"InvalidBatch : The number of columns in the row {len(wrong)} does not match the "
                f"header {len(columns)}"
            )
        return cls(columns, rows)

    def check(self, one: SObject) -> None:
        """Refuse a column that the object does not have.

        Raises:
            SheetError: it names the column.
        """
        for column in self.columns:
            if one.find(column) is None and _relation(one, column) is None:
                raise SheetError(f"InvalidBatch : Field name not found : {column}")

    def values(self, one: SObject, row: list[str]) -> dict[str, Any]:
        """A row as values by field; references by external id as nested objects."""
        values: dict[str, Any] = {}
        for column, cell in zip(self.columns, row, strict=True):
            if cell == "":
                continue
            found = one.find(column)
            if found is not None:
                values[found.name] = None if cell == NULL else cell
                continue
            relation = _relation(one, column)
            if relation is None:
                continue
            path, _, key = column.rpartition(".")
            if cell == NULL:
                values[relation.name] = None
                continue
            kind = path.partition(":")[0] if ":" in path else None
            nested: dict[str, Any] = {key: cell}
            if kind:
                nested["attributes"] = {"type": kind}
            values[str(relation.relationship)] = nested
        return values


def _relation(one: SObject, column: str) -> Field | None:
    path, dot, _ = column.rpartition(".")
    return one.relationships.get(path.rpartition(":")[2].lower()) if dot else None

"""Rows on their way from Salesforce to standard output, column by column.

Whole columns are converted, looked at and written several times faster than single records.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reverse_sf.salesforce import values
from reverse_sf.salesforce.refusals import BulkError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


@dataclass(frozen=True)
class Page:
    """Some rows of a stream, values finished.

    Attributes:
        fields: names of the columns.
        columns: the values of each field, equally many.
        ordered: whether the rows come in the order of (replication key, Id).
    """

    fields: tuple[str, ...]
    columns: Sequence[Sequence[Any]]
    ordered: bool = False

    def __len__(self) -> int:
        return len(self.columns[0]) if self.columns else 0

    def column(self, field: str) -> Sequence[Any]:
        """Return the values of one field."""
        return self.columns[self.fields.index(field)]

    def records(self) -> Iterator[dict[str, Any]]:
        """Yield the rows as dictionaries."""
        for row in zip(*self.columns, strict=True):
            yield dict(zip(self.fields, row, strict=True))

    def pieces(self, rows: int) -> Iterator[Page]:
        """Yield this page cut into pages of so many rows at most."""
        if len(self) <= rows:
            yield self
            return
        for begin in range(0, len(self), rows):
            yield self.cut(begin, begin + rows)

    def cut(self, begin: int, end: int) -> Page:
        """Return the rows from one place up to before another."""
        return Page(self.fields, [column[begin:end] for column in self.columns], self.ordered)


def page_of_csv(
    fields: Sequence[str], rows: Sequence[Sequence[str]], types: Mapping[str, str]
) -> Page:
    """Return the page of rows as Bulk API 2.0 sends them.

    Raises:
        BulkError: if the rows are not all as long as the header.
    """
    try:
        columns = [
            values.from_text(types[field])(cells)
            for field, cells in zip(fields, zip(*rows, strict=True), strict=True)
        ]
    except (ValueError, KeyError) as malformed:
        raise BulkError(f"the result page of the job is malformed: {malformed}") from malformed
    return Page(tuple(fields), columns)


def page_of_json(records: Sequence[Mapping[str, Any]], types: Mapping[str, str]) -> Page:
    """Return the page of records as REST sends them, in order."""
    columns = [
        values.from_json(kind)([record.get(field) for record in records])
        for field, kind in types.items()
    ]
    return Page(tuple(types), columns, ordered=True)

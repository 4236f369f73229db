"""The sink of a stream, which is one object."""

from __future__ import annotations

from typing import Any

from reverse_sf.delivery.sink import DeskSink
from reverse_sf.target.operations import Operation


class SalesforceSink(DeskSink):
    """One object."""

    include_sdc_metadata_properties = False

    def operation(self, record: dict[str, Any]) -> Operation:
        """The operation that a record asks for."""
        return Operation.from_message(self.stream_name, record)

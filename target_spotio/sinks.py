"""The sink of a stream, which is one SPOTIO record type."""

from __future__ import annotations

from typing import Any

from reverse_sf.delivery.sink import DeskSink
from target_spotio.operations import Operation


class SpotioSink(DeskSink):
    """One record type."""

    def operation(self, record: dict[str, Any]) -> Operation:
        """The operation that a record asks for."""
        return Operation.from_message(self.stream_name, record, self.key_properties)

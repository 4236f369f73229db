"""The sink of a stream: checks a record's shape and hands it to the desk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from singer_sdk.sinks import Sink

from reverse_sf.merge.envelope import ENVELOPE_KEY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from singer_sdk.helpers.conform import DatetimeErrorTreatmentEnum
    from singer_sdk.target_base import Target

    from reverse_sf.delivery.desk import Desk
    from reverse_sf.delivery.results import Delivered


class DeskSink(Sink):
    """One stream. Records of all streams go to one desk: parents are written before children."""

    desk: Desk[Any]

    def __init__(
        self,
        target: Target,
        stream_name: str,
        schema: dict[str, Any],
        key_properties: Sequence[str] | None,
    ) -> None:
        super().__init__(target, stream_name, schema, key_properties)
        properties = schema["properties"]
        declared = {name: one for name, one in properties.items() if name != ENVELOPE_KEY}
        self.desk.declare(stream_name, declared)

    def operation(self, record: dict[str, Any]) -> Delivered:
        """The operation that a record asks for."""
        raise NotImplementedError

    @property
    def is_full(self) -> bool:
        """Whether the desk holds a whole batch, of whatever streams."""
        return self.desk.size >= self.max_size

    def _parse_timestamps_in_record(
        self,
        record: dict[str, Any],
        schema: dict[str, Any],
        treatment: DatetimeErrorTreatmentEnum,
    ) -> None:
        """Leave moments as the text that they came as: both systems take text."""

    def process_record(self, record: dict[str, Any], context: dict[str, Any]) -> None:  # noqa: ARG002 - the SDK's signature
        """Hand one record to the desk."""
        self.desk.add(self.operation(record))

    def process_batch(self, context: dict[str, Any]) -> None:  # noqa: ARG002 - the SDK's signature
        """Apply all that the desk holds, of this stream and of all others."""
        self.desk.flush()

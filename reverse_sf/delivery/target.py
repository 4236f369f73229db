"""What both targets do the same way as Singer programs."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from singer_sdk.target_base import Target

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from singer_sdk.sinks import Sink

    from reverse_sf.delivery.desk import Desk
    from reverse_sf.delivery.settings import DeliverySettings


class DeskTarget(Target):
    """A target whose sinks hand everything to one desk, which orders across streams.

    Attributes:
        settings: set by the target once its configuration is valid.
        desk: set by the target after the settings.
    """

    package_name = "reverse-sf"
    settings: DeliverySettings
    desk: Desk[Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._busy = False
        super().__init__(*args, **kwargs)
        # One sink after the other: the desk orders across streams.
        self.max_parallelism = 1

    def get_sink_class(self, stream_name: str) -> type[Sink]:  # noqa: ARG002 - the SDK's signature
        """The one sink class, tied to this target's desk."""
        sink_class = self.default_sink_class
        return type(sink_class.__name__, (sink_class,), {"desk": self.desk})

    @contextmanager
    def _at_work(self) -> Iterator[None]:
        """Give the run and its lease back where the work inside fails."""
        self._busy = True
        try:
            yield
        except BaseException:
            self.desk.fail()
            raise
        finally:
            self._busy = False

    def _process_schema_message(self, message_dict: dict[str, Any]) -> None:
        with self._at_work():
            super()._process_schema_message(message_dict)

    def _process_record_message(self, message_dict: dict[str, Any]) -> None:
        with self._at_work():
            super()._process_record_message(message_dict)

    def _process_state_message(self, message_dict: dict[str, Any]) -> None:
        with self._at_work():
            super()._process_state_message(message_dict)
            # A state may go on as soon as all that came before it is committed; waiting for a
            # whole batch keeps the calls large.
            if self.desk.size >= self.settings.batch_size_rows:
                self.drain_all()

    def process_endofpipe(self) -> None:
        """Apply what is left and end the run; the last STATE follows."""
        with self._at_work():
            self.desk.finish()
            super().process_endofpipe()

    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:  # noqa: ARG002 - a signal handler's signature
        """Stop where the work stands: what is done gets committed, STATE stays where it was.

        The SDK would drain in the middle of a drain and emit a STATE that nothing vouches for.
        """
        if not self._busy:
            self.desk.fail()
        raise KeyboardInterrupt

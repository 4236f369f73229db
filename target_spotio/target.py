"""target-spotio: writes records to SPOTIO, decided by ``spotio-mapper`` or plain."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

from singer_sdk.target_base import Target

from reverse_sf.console import run
from reverse_sf.spotio.client import Spotio
from reverse_sf.spotio.session import Credentials, Session
from target_spotio.desk import Desk
from target_spotio.settings import SETTINGS, Settings
from target_spotio.sinks import SpotioSink
from target_spotio.tenant import Tenant

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from singer_sdk.sinks import Sink


class TargetSpotio(Target):
    """Singer target for SPOTIO.

    Records with ``_sync`` are writes that ``spotio-mapper`` decided: they are guarded, read back
    and recorded in the ledger. Other records are created or updated by their key, which is kept
    in ``externalDataObjectId``.
    """

    name = "target-spotio"
    package_name = "reverse-sf"
    # The SDK extends the schema in place; the declared one stays as it is.
    config_jsonschema: ClassVar[dict[str, Any]] = SETTINGS.to_dict()
    default_sink_class = SpotioSink

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._busy = False
        super().__init__(*args, **kwargs)
        # One sink after the other: the desk orders across streams.
        self.max_parallelism = 1
        self.settings = Settings.from_config(self.config)
        self.desk = Desk(self.settings, self.connect)

    def connect(self) -> Tenant:
        """Log in to SPOTIO and read its workflow and users."""
        credentials = Credentials(
            self.settings.client_id,
            self.settings.client_secret,
            self.settings.impersonated_user_id,
        )
        session = Session(
            credentials, api_url=self.settings.api_url, timeout=self.settings.request_timeout
        )
        spotio = Spotio(session, validate_required_fields=self.settings.validate_required_fields)
        try:
            return Tenant(
                spotio,
                create_record_types=self.settings.create_record_types,
                create_missing_fields=self.settings.create_missing_fields,
            )
        except BaseException:
            spotio.close()
            raise

    def get_sink_class(self, stream_name: str) -> type[Sink]:  # noqa: ARG002 - the SDK's signature
        """The one sink class, tied to this target's desk."""
        return type("SpotioSink", (SpotioSink,), {"desk": self.desk})

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


def main() -> None:
    """Entry point of the command ``target-spotio``."""
    # A line per request would bury the progress lines; the ledger's log has every write.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    run(TargetSpotio.cli, "target-spotio")


if __name__ == "__main__":
    main()

"""What both taps do the same way, beside what they read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from singer_sdk import Tap
from singer_sdk.exceptions import ConfigValidationError
from singer_sdk.helpers.capabilities import PluginCapabilities, TapCapabilities

from reverse_sf.errors import ConfigurationError
from reverse_sf.singer.lines import Lines

if TYPE_CHECKING:
    from types import FrameType

    from singer_sdk.helpers.capabilities import CapabilitiesEnum


class CrmTap(Tap):
    """A tap that ends with one clear message, writes whole lines and keeps facts in its catalog.

    Attributes:
        raw_schemas: the given catalog's schemas by stream. The SDK's catalog classes drop what
            they do not know; the facts are in the raw form.
    """

    package_name = "reverse-sf"
    message_writer_class = Lines
    message_writer: Lines
    dynamic_catalog = True
    capabilities: ClassVar[list[CapabilitiesEnum]] = [
        TapCapabilities.CATALOG,
        TapCapabilities.STATE,
        TapCapabilities.DISCOVER,
        TapCapabilities.ACTIVATE_VERSION,
        PluginCapabilities.ABOUT,
        PluginCapabilities.STREAM_MAPS,
        PluginCapabilities.FLATTENING,
        PluginCapabilities.STRUCTURED_LOGGING,
    ]

    def __init__(self, *, catalog: Any = None, **options: Any) -> None:
        self.raw_schemas: dict[str, dict[str, Any]] = {}
        if isinstance(catalog, dict):
            self.raw_schemas = {
                entry["tap_stream_id"]: entry.get("schema") or {}
                for entry in catalog.get("streams", [])
            }
        try:
            super().__init__(catalog=catalog, **options)
        except ConfigValidationError as invalid:
            problems = [str(problem) for problem in invalid.errors]
            raise ConfigurationError("the settings are not valid", problems) from None

    @property
    def catalog_dict(self) -> dict[str, Any]:
        """The catalog with the facts."""
        catalog = super().catalog_dict
        for entry in catalog["streams"]:
            entry["schema"] = self.streams[entry["tap_stream_id"]].schema
        return catalog

    def _set_compatible_replication_methods(self) -> None:
        """Begin with the state that this run started from, also where that is none.

        This is the SDK's last step before the first message. Who keeps the records' other side
        (the ledger) must see whether a bookmark was there.
        """
        super()._set_compatible_replication_methods()
        if not self.state:
            self.state_writer.write_state({})

    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:
        """Stop between two lines; the state stays what it was."""
        del signum, frame
        self.message_writer.stop()

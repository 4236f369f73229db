"""target-spotio: writes records to SPOTIO, decided by ``spotio-mapper`` or plain."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, ClassVar

from reverse_sf.console import run
from reverse_sf.delivery.desk import Desk
from reverse_sf.delivery.target import DeskTarget
from reverse_sf.mapping.definition import Side
from reverse_sf.spotio.client import Spotio
from reverse_sf.spotio.company import company_id
from reverse_sf.spotio.session import Credentials, Session
from target_spotio.settings import SETTINGS, Settings
from target_spotio.sinks import SpotioSink
from target_spotio.tenant import Tenant
from target_spotio.workshop import Workshop, logger

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reverse_sf.ledger.store import Ledger
    from target_spotio.operations import Operation


class TargetSpotio(DeskTarget):
    """Singer target for SPOTIO.

    Records with ``_sync`` are writes that ``spotio-mapper`` decided: they are guarded, read back
    and recorded in the ledger. Other records are created or updated by their key, which is kept
    in ``externalDataObjectId``.
    """

    name = "target-spotio"
    # The SDK extends the schema in place; the declared one stays as it is.
    config_jsonschema: ClassVar[dict[str, Any]] = SETTINGS.to_dict()
    default_sink_class = SpotioSink

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.settings: Settings = Settings.from_config(self.config)
        self.desk: Desk[Operation] = Desk(
            self.settings.ledger_uri, self.settings.ledger_of_syncs, self.open_workshop, logger
        )

    def open_workshop(
        self,
        ledger: Ledger | None,
        run_id: str,
        properties: Mapping[str, Mapping[str, Any]],
        tick: Callable[[], None],
    ) -> Workshop:
        """Log in to SPOTIO and read its workflow and users."""
        settings = self.settings
        credentials = Credentials(
            settings.client_id, settings.client_secret, settings.impersonated_user_id
        )
        session = Session(
            credentials,
            api_url=settings.api_url,
            timeout=settings.request_timeout,
            cache=credentials.cache(settings.api_url, self.config),
        )
        spotio = Spotio(session, validate_required_fields=settings.validate_required_fields)
        try:
            if ledger is not None and run_id:
                self._check_company(session, ledger)
            tenant = Tenant(
                spotio,
                create_record_types=settings.create_record_types,
                create_missing_fields=settings.create_missing_fields,
            )
            return Workshop(
                tenant, settings, ledger, run_id=run_id, properties=properties, tick=tick
            )
        except BaseException:
            spotio.close()
            raise

    @staticmethod
    def _check_company(session: Session, ledger: Ledger) -> None:
        """Refuse the ledger of another company."""
        company = company_id(session)
        if company is not None:
            ledger.pin_identity(Side.SPOTIO, company)


def main() -> None:
    """Entry point of the command ``target-spotio``."""
    # A line per request would bury the progress lines; the ledger's log has every write.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    run(TargetSpotio.cli, "target-spotio")


if __name__ == "__main__":
    main()

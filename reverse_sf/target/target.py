"""target-salesforce: writes records to Salesforce, decided by the mapper or plain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from reverse_sf.console import run
from reverse_sf.delivery.desk import Desk, RefusedRecordsError
from reverse_sf.delivery.target import DeskTarget
from reverse_sf.mapping.definition import Side
from reverse_sf.salesforce import Credentials, Quota, SalesforceClient
from reverse_sf.salesforce.collections import Collections
from reverse_sf.salesforce.ingest import Ingest, IngestPace
from reverse_sf.salesforce.saves import SaveOptions
from reverse_sf.salesforce.single import SingleRecords
from reverse_sf.target.carrier import Carrier
from reverse_sf.target.jobs import Jobs
from reverse_sf.target.org import Org
from reverse_sf.target.plain import PlainWrites
from reverse_sf.target.settings import SETTINGS, Settings
from reverse_sf.target.sinks import SalesforceSink
from reverse_sf.target.workshop import Workshop, logger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from reverse_sf.delivery.outbox import Outbox
    from reverse_sf.ledger.store import Ledger
    from reverse_sf.target.operations import Operation


class TargetSalesforce(DeskTarget):
    """Singer target for any standard or custom object of a Salesforce org.

    Records with ``_sync`` are writes that the mapper decided: they are guarded, read back and
    recorded in the ledger. Other records are inserted, updated, upserted or deleted as the setting
    ``action`` says.
    """

    name = "target-salesforce"
    # The SDK extends the schema in place; the declared one stays as it is.
    config_jsonschema: ClassVar[dict[str, Any]] = SETTINGS.to_dict()
    default_sink_class = SalesforceSink

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
    ) -> CheckedWorkshop:
        """Connect to Salesforce."""
        settings = self.settings
        credentials = Credentials.from_settings(self.config)
        client = SalesforceClient(
            credentials,
            api_version=str(self.config["api_version"]),
            quota=Quota(
                total_percent=settings.quota_percent_total,
                run_percent=settings.quota_percent_per_run,
            ),
            cache=credentials.cache(self.config),
        )
        if ledger is not None and run_id:
            self._check_org(client, ledger)
        options = SaveOptions(
            auto_assign=settings.auto_assign, allow_duplicates=settings.allow_duplicates
        )
        carrier = Carrier(
            Collections(client, options),
            SingleRecords(client, options),
            Ingest(client, options, IngestPace(patience_s=settings.bulk_timeout)),
            Jobs(ledger),
            bulk_threshold=settings.bulk_threshold,
            tick=tick,
            distrust=client.distrust,
        )
        org = Org(client, settings)

        def plain(outbox: Outbox) -> PlainWrites:
            return PlainWrites(org, carrier, settings, outbox)

        return CheckedWorkshop(
            org, carrier, settings, ledger, run_id=run_id, properties=properties, plain=plain
        )

    @staticmethod
    def _check_org(client: SalesforceClient, ledger: Ledger) -> None:
        """Refuse the ledger of another org."""
        try:
            if client.organization_id is not None:
                ledger.pin_identity(Side.SALESFORCE, client.organization_id)
        except BaseException:
            client.close()
            raise


class CheckedWorkshop(Workshop):
    """A workshop that ends the run where plain records were refused, before any STATE behind them.

    With ``allow_failures`` they are counted, and kept in the failures file.
    """

    def apply(self, operations: Iterable[Operation]) -> None:
        """Apply operations.

        Raises:
            RefusedRecordsError: plain records were refused.
        """
        super().apply(operations)
        if self.outbox.refused and not self._settings.allow_failures:
            total = self.outbox.tally["withheld"]
            raise RefusedRecordsError(total, self.outbox.refused, "Salesforce")


def main() -> None:
    """Entry point of the command ``target-salesforce``."""
    run(TargetSalesforce.cli, "target-salesforce")


if __name__ == "__main__":
    main()

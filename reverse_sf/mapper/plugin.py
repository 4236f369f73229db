"""spotio-mapper: the Singer mapper that decides what is to be written.

Meltano runs it between a tap and a target. The SDK gives it its command line, settings and
``--about``; the messages go through a reader of its own, because one mapper has to keep up with a
tap that reads tens of thousands of records a second.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from singer_sdk import typing as th
from singer_sdk.helpers.capabilities import PluginCapabilities
from singer_sdk.mapper_base import InlineMapper
from singer_sdk.singerlib.encoding.simple import SimpleSingerReader

from reverse_sf import console
from reverse_sf.errors import ConfigurationError
from reverse_sf.ledger.address import DEFAULT_IN_WORDS, default_uri
from reverse_sf.ledger.store import Ledger
from reverse_sf.mapper import course as course_of
from reverse_sf.mapper.messages import Writer
from reverse_sf.mapper.run import MappingRun
from reverse_sf.mapper.suspicion import Limits
from reverse_sf.mapping.document import parse
from reverse_sf.mapping.wording import did_you_mean
from reverse_sf.merge.envelope import USERS_PAIR
from reverse_sf.merge.plan import selection_of
from reverse_sf.sync_file import read_plan_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import FrameType
    from typing import IO

    from singer_sdk.helpers.capabilities import CapabilitiesEnum

    from reverse_sf.mapper.course import Course
    from reverse_sf.mapping.definition import SyncDefinition
    from reverse_sf.merge.plan import Selection

TO_SPOTIO = "spotio-mapper"
TO_SALESFORCE = "salesforce-mapper"

SETTINGS = th.PropertiesList(
    th.Property(
        "mapping",
        th.StringType(allowed_values=[TO_SPOTIO, TO_SALESFORCE]),
        default=TO_SPOTIO,
        title="Mapping",
        description="Which way records go: spotio-mapper (Salesforce to SPOTIO) or"
        " salesforce-mapper (SPOTIO to Salesforce).",
    ),
    th.Property(
        "sync_file",
        th.StringType,
        default="sync.yml",
        title="Sync definition",
        description="The file that says what is synced and by which rules. A relative path counts"
        " from the Meltano project's folder.",
    ),
    th.Property(
        "ledger_uri",
        th.StringType,
        secret=True,
        title="Ledger",
        description="SQLAlchemy URL of the ledger, SQLite or PostgreSQL. Mapper and target of one"
        f" run need the same one. Default: {DEFAULT_IN_WORDS}.",
    ),
    th.Property(
        "batch_size",
        th.IntegerType(minimum=1, maximum=20_000),
        default=1000,
        title="Batch size",
        description="Records that are decided and committed together. More is faster and holds"
        " more memory.",
    ),
    th.Property(
        "lease_ttl",
        th.IntegerType(minimum=15),
        default=300,
        title="Lease time",
        description="Seconds after which the lease of a runner that was killed may be taken over"
        " by the next one.",
    ),
    th.Property(
        "delete_limit",
        th.IntegerType(minimum=0),
        default=50,
        title="Delete limit",
        description="Most records of the written side that one run may delete, where on_delete"
        " says delete."
        " Above it the run stops, deletes nothing and says how many there are.",
    ),
    th.Property(
        "delete_limit_percent",
        th.NumberType(minimum=0, maximum=100),
        default=0,
        title="Delete limit in percent",
        description="As delete_limit, in percent of the linked records; the larger of the two"
        " counts.",
    ),
    th.Property(
        "change_limit_percent",
        th.NumberType(minimum=0, maximum=100),
        default=100,
        title="Change limit in percent",
        description="A run stops when so many of an object's linked records (100 or more of them)"
        " have changed since the last run. 0 is no limit.",
    ),
    th.Property(
        "allow_empty",
        th.BooleanType,
        default=False,
        title="Allow an empty system",
        description="Believe a full read that finds no record although records are linked. A"
        " failed listing looks like that, so the run stops otherwise.",
    ),
    th.Property(
        "plan_file",
        th.StringType,
        title="Plan to carry out",
        description="A file that reverse-sf plan made: the run decides the records of that plan and"
        " no others. reverse-sf apply sets it; STATE must not be kept meanwhile.",
    ),
    th.Property(
        "only_pairs",
        th.ArrayType(th.StringType),
        default=[],
        title="Pairs of a run over a range",
        description="Names of pairs (Account:Accounts), or User:users. The run decides what the tap"
        " sends of them and nothing else, and concludes nothing from what the tap does not send."
        " reverse-sf sync-now sets it; STATE must not be kept meanwhile.",
    ),
    th.Property(
        "log_retention_days",
        th.IntegerType(minimum=0, maximum=36_500),
        default=90,
        title="Days the log is kept",
        description="How long the ledger keeps its log, finished operations and past runs; each run"
        " forgets what is older. Links, conflicts and open or parked work always stay. 0 keeps"
        " everything.",
    ),
)


class MapperReader(SimpleSingerReader):
    """Hands raw lines over instead of decoding each into a dictionary of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.work: Callable[[Iterable[bytes]], None] | None = None

    def process_lines(
        self,
        file_input: IO[str] | None,
        callbacks: dict[str, Any],  # noqa: ARG002 -- the SDK's signature
    ) -> Counter[str]:
        """Pass the input's lines, as bytes, to the mapper."""
        if self.work is not None:
            self.work(_lines(file_input if file_input is not None else sys.stdin))
        return Counter()


class SpotioMapper(InlineMapper):
    """Decides, with sync.yml and the ledger, which writes a tap's records make due.

    Selective sync, field and choice mapping, sync rules, owners, parents and deletes all happen
    here. A record that changes nothing emits nothing; a changed one emits only the fields to
    write, with an envelope `_sync` for the target.
    """

    name = "spotio-mapper"
    package_name = "reverse-sf"
    config_jsonschema: ClassVar[dict[str, Any]] = SETTINGS.to_dict()
    capabilities: ClassVar[list[CapabilitiesEnum]] = [
        PluginCapabilities.ABOUT,
        PluginCapabilities.STRUCTURED_LOGGING,
    ]
    message_reader_class = MapperReader

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        if isinstance(self.message_reader, MapperReader):
            self.message_reader.work = self.run

    def run(self, lines: Iterable[bytes]) -> None:
        """Work through a tap's output; what is to be written goes to standard output.

        Raises:
            ConfigurationError: a setting, sync.yml or the tap's selection must be fixed.
            StopError: a guard refuses.
            LeaseHeldError: another runner is at work.
            RetryError: the target ended first.
        """
        to_salesforce = self.config["mapping"] == TO_SALESFORCE
        course = course_of.TO_SALESFORCE if to_salesforce else course_of.TO_SPOTIO
        definition = _definition(_in_project(self.config["sync_file"]))
        limits = Limits(
            batch_size=self.config["batch_size"],
            lease_ttl=float(self.config["lease_ttl"]),
            delete_limit=self.config["delete_limit"],
            delete_limit_percent=float(self.config["delete_limit_percent"]),
            change_limit_percent=float(self.config["change_limit_percent"]),
            allow_empty=self.config["allow_empty"],
            log_retention_days=self.config["log_retention_days"],
        )
        writer = Writer(sys.stdout.buffer, course)
        with (
            Ledger.open(self.config.get("ledger_uri") or default_uri()) as ledger,
            MappingRun(
                definition,
                ledger,
                writer,
                logger=self.logger,
                limits=limits,
                course=course,
                only=_selection(self.config.get("plan_file"), definition, course),
                pairs=_pairs(self.config["only_pairs"], definition),
            ) as run,
        ):
            run.read(lines)

    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:
        """Validate settings; what is wrong ends the command as any other setting does."""
        problems = super()._validate_config(raise_errors=False)
        if problems and raise_errors:
            raise ConfigurationError("invalid settings of spotio-mapper", problems)
        return problems

    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:  # noqa: ARG002 -- a signal handler's signature
        """Unwind, so that the run is ended in the ledger; the SDK's own handler would exit 0."""
        raise KeyboardInterrupt

    def map_schema_message(self, message_dict: dict[str, Any]) -> NoReturn:
        """Not used: the reader hands over raw lines."""
        raise NotImplementedError

    def map_record_message(self, message_dict: dict[str, Any]) -> NoReturn:
        """Not used: the reader hands over raw lines."""
        raise NotImplementedError

    def map_state_message(self, message_dict: dict[str, Any]) -> NoReturn:
        """Not used: the reader hands over raw lines."""
        raise NotImplementedError

    def map_activate_version_message(self, message_dict: dict[str, Any]) -> NoReturn:
        """Not used: the reader hands over raw lines."""
        raise NotImplementedError


def _selection(
    plan_file: str | None, definition: SyncDefinition, course: Course
) -> Selection | None:
    """What a plan lets the run decide; None where no plan keeps it."""
    if not plan_file:
        return None
    plan = read_plan_file(_in_project(plan_file))
    if plan.definition_fingerprint != definition.fingerprint:
        raise ConfigurationError(
            f"{definition.source} has changed since {plan_file} was planned: plan again"
        )
    return selection_of(plan.of(course.direction))


def _pairs(names: list[str], definition: SyncDefinition) -> frozenset[str] | None:
    """The only pairs that a run is about; None for all of them."""
    known = {USERS_PAIR, *(one.name for one in definition.pairs)}
    unknown = [
        f"only_pairs: {definition.source} has no pair {one!r}{did_you_mean(one, known)}"
        for one in names
        if one not in known
    ]
    if unknown:
        raise ConfigurationError("the settings are not valid", unknown)
    return frozenset(names) or None


def _lines(source: IO[str]) -> Iterator[bytes]:
    binary = getattr(source, "buffer", None)
    if binary is not None:
        yield from binary
        return
    for line in source:
        yield line.encode()


def _in_project(name: str) -> Path:
    """Resolve a path against the Meltano project, or the working folder outside of one."""
    return Path(os.environ.get("MELTANO_PROJECT_ROOT", ""), name)


def _definition(path: Path) -> SyncDefinition:
    try:
        text = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(
            f"the sync definition {path} cannot be read ({error.strerror}): set sync_file to it,"
            " or run in the project's folder"
        ) from error
    return parse(text, path.name)


def main() -> NoReturn:
    """Run spotio-mapper and end the process with a documented exit code."""
    console.run(SpotioMapper.cli, SpotioMapper.name)


if __name__ == "__main__":
    main()

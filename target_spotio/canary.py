"""Finding out how a tenant wants its records patched, without harm to any record.

SPOTIO does not publish which JSON Patch paths are legal under ``fields``, nor whether fields that a
patch does not touch survive it. So the first patch of a tenant is a canary: the record's fields are
committed to the ledger before, the answer is compared with them after, anything lost is put back at
once, and the dialect that did no harm is remembered. A crash in between is repaired by the next
run. In a tenant that follows RFC 6902 all of this costs no extra call.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from reverse_sf.errors import RecordError, StopError
from reverse_sf.spotio.errors import AmbiguousOutcomeError, NotFoundError, WriteRefusedError
from reverse_sf.spotio.patches import (
    RELIES_ON_READ,
    WHOLE,
    Change,
    Dialect,
    document,
    harmed_fields,
    took,
)
from reverse_sf.spotio.record import holds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reverse_sf.spotio.client import Spotio, Written
    from reverse_sf.spotio.record import Record

logger = logging.getLogger("target-spotio.canary")

DIALECT = "spotio.patch_dialect"
PENDING = "spotio.canary"
TESTS = "spotio.patch_tests"
_BY_POSITION = {Dialect.INDEX_TESTED, Dialect.INDEX}
_NO_FIELD = "no such field"


class ChangedMeanwhileError(RecordError):
    """Somebody changed the record while ways to patch it were tried; nothing was written to it."""


class Settings(Protocol):
    """Where small facts are kept: the ledger, or :class:`Forgetful`."""

    def setting(self, name: str) -> Any:
        """A fact, None where there is none."""

    def set_setting(self, name: str, value: Any) -> None:
        """Remember a fact, durably."""


class Forgetful:
    """Facts of a run without a ledger."""

    def __init__(self) -> None:
        self._facts: dict[str, Any] = {}

    def setting(self, name: str) -> Any:
        """See :class:`Settings`."""
        return self._facts.get(name)

    def set_setting(self, name: str, value: Any) -> None:
        """See :class:`Settings`."""
        self._facts[name] = value


class Patcher:
    """Patches records in the tenant's dialect, which it finds out with the first ones.

    Args:
        spotio: the tenant.
        settings: where the dialect and an unfinished canary are remembered.
    """

    def __init__(self, spotio: Spotio, settings: Settings) -> None:
        self._spotio = spotio
        self._settings = settings
        self._one_canary = threading.Lock()
        known = settings.setting(DIALECT)
        self.dialect = Dialect(known) if known in {one.value for one in Dialect} else None
        self._tests_hold: bool | None = settings.setting(TESTS)

    @property
    def relies_on_read(self) -> bool:
        """Whether a record must be read just before it is patched, or harm is possible."""
        if self.dialect is Dialect.INDEX_TESTED:
            return self._tests_hold is not True
        return self.dialect in RELIES_ON_READ

    def probe_tests(self, record: Record) -> None:
        """Find out, once, whether the tenant honours the tests in a patch.

        The probe is a test that must fail and nothing else, in a dialect known to do no harm. It
        saves a read before every later update, so it pays only where there are several.
        """
        if (
            self.dialect is not Dialect.INDEX_TESTED
            or self._tests_hold is not None
            or not record.entries
        ):
            return
        probe = [{"op": "test", "path": "/fields/0/fieldId", "value": _NO_FIELD}]
        try:
            self._spotio.patch(record.id, probe)
        except WriteRefusedError:
            self._tests_hold = True
        except (AmbiguousOutcomeError, NotFoundError):
            return
        else:
            self._tests_hold = False
        self._settings.set_setting(TESTS, self._tests_hold)

    def repair(self) -> None:
        """Finish a canary that a crash interrupted: put back what its record lost."""
        pending = self._settings.setting(PENDING)
        if not pending:
            return
        record = self._spotio.read(pending["id"])
        touched = set(pending["touched"])
        if record is not None:
            held = {str(one["fieldId"]): one for one in pending["fields"] if holds(one)}
            lost = {
                field_id: entry
                for field_id, entry in held.items()
                if field_id not in touched and not holds(record.entry(field_id))
            }
            if lost:
                logger.warning(
                    "Putting back %d fields of SPOTIO record %s that an interrupted run left out",
                    len(lost),
                    record.id,
                )
                self._put_back(record, lost)
        self._settings.set_setting(PENDING, None)

    def patch(self, record: Record, change: Change) -> Written:
        """Make the change to the record as it was just read.

        Raises:
            WriteRefusedError: SPOTIO refuses the values.
            AmbiguousOutcomeError: no answer came.
            ChangedMeanwhileError: read the record once more and try again.
        """
        if self.dialect is None:
            with self._one_canary:
                if self.dialect is None:
                    return self._canary(record, change)
        return self._spotio.patch(record.id, document(self.dialect, record, change))

    def _canary(self, record: Record, change: Change) -> Written:
        self.repair()
        self._settings.set_setting(
            PENDING,
            {
                "id": record.id,
                "fields": [dict(entry) for entry in record.entries],
                "touched": sorted(change.entries),
            },
        )
        try:
            written, dialect = self._try_dialects(record, record, change, set(change.entries))
        except AmbiguousOutcomeError:
            # Before anybody reads the record and takes what is left for what there was.
            self.repair()
            raise
        except (WriteRefusedError, ChangedMeanwhileError):
            self._settings.set_setting(PENDING, None)
            raise
        untouched = [
            entry
            for entry in record.entries
            if holds(entry) and str(entry.get("fieldId")) not in change.entries
        ]
        # Only a patch of fields beside others proves anything; until then the next one is a canary.
        proves = change.entries and untouched and not _reads_either_way(dialect, record, change)
        if proves and took(record, written.record, change):
            self._settings.set_setting(DIALECT, dialect.value)
            self.dialect = dialect
            logger.info("This SPOTIO tenant is patched in the dialect %s", dialect.value)
        self._settings.set_setting(PENDING, None)
        return written

    def _try_dialects(
        self, before: Record, current: Record, change: Change, touched: set[str]
    ) -> tuple[Written, Dialect]:
        """Write in one dialect after the other, until one is accepted and harms nothing.

        Args:
            before: the record as it was, and as it must stay but for ``touched``.
            current: the record as it is.
            change: what to write.
            touched: ids of the fields that may come out different.

        Raises:
            WriteRefusedError: SPOTIO refuses the change; nothing was lost.
            ChangedMeanwhileError: the record is not as it was read any more; nothing was written.
            StopError: something was lost and cannot be put back.
        """
        refusal: WriteRefusedError | None = None
        for dialect in Dialect:
            # Once fields were lost, only a dialect that sends them all will do, now and later.
            if current is not before and dialect not in WHOLE:
                continue
            operations = document(dialect, current, change)
            if not operations:
                continue
            try:
                written = self._spotio.patch(before.id, operations)
            except WriteRefusedError as error:
                if current is before and _names_a_written(error, change):
                    raise
                refusal = refusal or error
                if current is before:
                    self._look_again(before)
                continue
            lost = harmed_fields(before, written.record, change, touched)
            if not lost:
                return written, dialect
            logger.warning(
                "The patch dialect %s loses fields in this SPOTIO tenant: putting back %d fields of"
                " record %s",
                dialect.value,
                len(lost),
                before.id,
            )
            current = written.record
            change = _with_kept(before, change)
        if refusal is None or current is not before:
            raise StopError(
                f"this SPOTIO tenant loses fields of record {before.id} in every known way to patch"
                " it, and they could not be put back; they are kept in the ledger's setting"
                f" {PENDING}. Stop here and report it."
            )
        raise refusal

    def _look_again(self, before: Record) -> None:
        """Make sure, before a blunter way to patch is tried, that it would harm nobody's edit."""
        seen = self._spotio.read(before.id)
        if seen is None or seen.entries != before.entries:
            raise ChangedMeanwhileError(f"SPOTIO's record {before.id} changed meanwhile")

    def _put_back(self, record: Record, lost: Mapping[str, Mapping[str, Any]]) -> None:
        entries = {str(one.get("fieldId")): _plain(one) for one in record.entries if holds(one)}
        before = replace(record, entries=(*record.entries, *lost.values()))
        change = Change({**entries, **{key: _plain(one) for key, one in lost.items()}}, {})
        self._try_dialects(before, record, change, set())


def _reads_either_way(dialect: Dialect, record: Record, change: Change) -> bool:
    """Whether ids for paths would have made the same patch: field 3 stands at position 3."""
    return dialect in _BY_POSITION and all(
        str(record.position(field_id)) == field_id for field_id in change.entries
    )


def _with_kept(before: Record, change: Change) -> Change:
    """The change plus every field that the record held, for a record that lost some."""
    kept = {str(one.get("fieldId")): _plain(one) for one in before.entries if holds(one)}
    return Change({**kept, **change.entries}, change.properties)


def _plain(entry: Mapping[str, Any]) -> dict[str, Any]:
    keys = ("value", "values", "attachmentValue")
    return {"fieldId": str(entry.get("fieldId"))} | {
        key: entry[key] for key in keys if entry.get(key)
    }


def _names_a_written(error: WriteRefusedError, change: Change) -> bool:
    """Whether a refusal is about a value that was written rather than about the way to write it."""
    spoken = {name.lower().partition(".")[0] for name in error.complaints}
    return bool(spoken & ({*change.entries} | {name.lower() for name in change.properties}))

"""One SPOTIO tenant at work: its schema, its users, and the streams that fit it."""

from __future__ import annotations

import hashlib
import logging
from typing import TYPE_CHECKING, Any

from reverse_sf.errors import ConfigurationError
from reverse_sf.spotio.wire import Spelling
from target_spotio.operations import ADDRESS, EXTERNAL_ID, OWNER, PARENT, STAGE
from target_spotio.people import People
from target_spotio.vocabulary import Vocabulary, field_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reverse_sf.mapping.workflow import SpotioType, Workflow
    from reverse_sf.spotio.client import Spotio, User

logger = logging.getLogger("target-spotio")

_FIRST_STAGE = "New"


class Tenant:
    """The tenant as this run sees it; connects when it is made.

    Args:
        spotio: the tenant's API.
        create_record_types: make record types that streams name and the tenant lacks.
        create_missing_fields: make text fields that streams name and the tenant lacks.

    Raises:
        LoginError: the API key is not accepted.
        AccessError: the API key's user is no Admin.
    """

    def __init__(
        self, spotio: Spotio, *, create_record_types: bool, create_missing_fields: bool
    ) -> None:
        self.spotio = spotio
        self._create_record_types = create_record_types
        self._create_missing_fields = create_missing_fields
        users = spotio.users()
        spotio.check_key(users)
        self._users = sorted(users, key=lambda user: user.id)
        self._people = People(users)
        self._workflow: Workflow = spotio.workflow()
        self._spelling = Spelling()
        self._vocabularies: dict[str, tuple[Mapping[str, Any], Vocabulary]] = {}

    @property
    def people(self) -> People:
        """Who may own records and activities."""
        return self._people

    @property
    def fingerprint(self) -> str:
        """Digest of the workflow and the users: what refused a record may have changed with it."""
        people = [
            (one.id, one.email, one.role, one.external_id, one.read_only)
            for one in self._users
            if not one.suspended
        ]
        told = repr((self._workflow, people)).encode()
        return hashlib.blake2b(told, digest_size=16).hexdigest()

    def meet(self, users: list[User]) -> None:
        """Take in all users anew, after some were written: records that follow may be theirs."""
        self._users = sorted(users, key=lambda user: user.id)
        self._people = People(users)
        self._vocabularies.clear()

    def depth(self, stream: str) -> int:
        """How many types stand above the stream's type: parents are written first."""
        found = self._workflow.type(stream)
        depth, seen = 0, set()
        while found is not None and found.parent_id and found.id not in seen:
            seen.add(found.id)
            depth += 1
            found = self._workflow.type_by_id(found.parent_id)
        return depth

    def vocabulary(self, stream: str, properties: Mapping[str, Any]) -> Vocabulary:
        """The stream's keys resolved against its record type.

        Raises:
            ConfigurationError: there is no such record type, or it lacks fields.
        """
        known = self._vocabularies.get(stream)
        if known is not None and known[0] == properties:
            return known[1]
        record_type = self._type(stream)
        if self._create_missing_fields:
            record_type = self._with_fields(record_type, properties)
        children = [one.id for one in self._workflow.types if one.parent_id == record_type.id]
        vocabulary = Vocabulary(
            record_type, properties, self._people, self._spelling, child_types=children
        )
        self._vocabularies[stream] = (dict(properties), vocabulary)
        return vocabulary

    def _type(self, stream: str) -> SpotioType:
        found = self._workflow.type(stream)
        if found is None and self._create_record_types:
            logger.info("Creating the SPOTIO record type %s", stream)
            type_id = self.spotio.create_type(stream)
            self._workflow = self.spotio.workflow()
            made = self._workflow.type_by_id(type_id)
            if made is not None and not made.stages:
                self.spotio.create_stage(type_id, _FIRST_STAGE)
                self._workflow = self.spotio.workflow()
            found = self._workflow.type(stream)
        if found is None:
            names = ", ".join(sorted(one.name for one in self._workflow.types)) or "none"
            raise ConfigurationError(
                f"SPOTIO has no record type {stream!r}; it has {names}. Rename the stream, or set"
                " create_record_types to have it made."
            )
        return found

    def _with_fields(self, record_type: SpotioType, properties: Mapping[str, Any]) -> SpotioType:
        special = {ADDRESS, OWNER, PARENT, EXTERNAL_ID, STAGE}
        missing = [
            name
            for name in properties
            if name not in special and field_of(record_type, name) is None
        ]
        for name in missing:
            logger.info("Creating the text field %s of record type %s", name, record_type.name)
            self.spotio.create_field(record_type.id, name)
        if missing:
            self._workflow = self.spotio.workflow()
        return self._workflow.type_by_id(record_type.id) or record_type

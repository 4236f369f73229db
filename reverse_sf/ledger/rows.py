"""The values that go into the ledger and come out of it.

Images and bases are keyed by *record key*: the name that a mapped property has in the mapper's
output record (``reverse_sf.merge.envelope``). ``address`` is one key whose value is an object of
components; ``owner`` and ``parent`` are keys whose SPOTIO value is the id there and whose
Salesforce value is the Id there.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

import msgspec

from reverse_sf.mapping.definition import Direction, Side

_decode_image = msgspec.json.Decoder(dict[str, Any]).decode
_decode_base = msgspec.json.Decoder(dict[str, list[Any]]).decode


class LinkState(str, Enum):
    """Life of a link."""

    PENDING = "pending"
    """Known on one side; the counterpart is not created yet."""
    LINKED = "linked"
    """Joins one record of each side."""
    UNLINKED = "unlinked"
    """Joined once, set apart by policy; never written."""
    TOMBSTONE = "tombstone"
    """A side was deleted; kept so that an undelete revives the same link."""
    ALIAS = "alias"
    """Second partner after a merge; never written until a person decides."""


class OperationStatus(str, Enum):
    """Where one decided write stands."""

    INTENDED = "intended"
    """Committed before it was emitted; without an outcome its fate is unknown."""
    WAITING = "waiting"
    """Its parent has no counterpart yet; applied when the parent's outcome arrives."""
    APPLIED = "applied"
    AGREED = "agreed"
    """Nothing had to be written: the destination already held the values."""
    STALE = "stale"
    """The guard found other values; nothing was written, the link is decided again."""
    REJECTED = "rejected"
    """The system refused it; parked."""
    SUPERSEDED = "superseded"
    """Decided again before it was tried, or taken over by a later decision."""


class Link(msgspec.Struct, kw_only=True):
    """One pair of records known to be one thing."""

    link_id: str
    pair: str
    origin: Side
    state: LinkState = LinkState.PENDING
    salesforce_id: str | None = None
    spotio_id: str | None = None
    flagged: Direction | None = None
    flag_reason: str | None = None

    def changed(self, **values: Any) -> Link:
        """This link with other values, to be committed: a flag is set only where one is given."""
        return msgspec.structs.replace(self, **{"flagged": None, "flag_reason": None, **values})


class Observed(msgspec.Struct, kw_only=True):
    """The fast answer to "have we seen exactly this before?"."""

    link_id: str
    state: LinkState
    digest: str | None
    modified_at: str | None
    has_open_operation: bool
    observed_at: str | None = None
    differing_text: str | None = None
    """As :attr:`Image.differing`, as JSON."""

    @property
    def is_as_its_base(self) -> bool:
        """Nothing that the image holds differs from the base."""
        return self.differing_text == "{}"


class Snapshot(msgspec.Struct, kw_only=True):
    """Everything a decision about one link needs.

    Images and base stay the text that they are in the database until they are looked at: thousands
    are read at once, and decided one after the other.

    Attributes:
        salesforce_text: :attr:`salesforce_image` as JSON.
        spotio_text: :attr:`spotio_image` as JSON.
        base_text: :attr:`base` as JSON.
        salesforce_deleted: Salesforce's record was last seen deleted.
        salesforce_modified_at: when Salesforce says that it changed.
        salesforce_observed_at: when it was seen so.
        spotio_deleted: SPOTIO's record was last seen deleted.
        spotio_modified_at: when SPOTIO says that it changed.
        spotio_observed_at: when it was seen so.
        salesforce_differing: as :attr:`Image.differing`, as JSON.
        spotio_differing: as :attr:`Image.differing`, as JSON.
        open_direction: the direction of :attr:`open_operation`.
        open_operation: id of an operation whose outcome is unknown, if any.
        open_action: what that one is to do.
    """

    link: Link
    salesforce_text: str | None = None
    salesforce_digest: str | None = None
    spotio_text: str | None = None
    spotio_digest: str | None = None
    salesforce_deleted: bool = False
    salesforce_modified_at: str | None = None
    salesforce_observed_at: str | None = None
    spotio_deleted: bool = False
    spotio_modified_at: str | None = None
    spotio_observed_at: str | None = None
    base_text: str | None = None
    salesforce_differing: str | None = None
    spotio_differing: str | None = None
    open_operation: str | None = None
    open_attempts: int = 0
    open_direction: Direction | None = None
    open_action: str | None = None

    @property
    def salesforce_image(self) -> dict[str, Any] | None:
        """Observed source values, keyed by Salesforce field API name; decoded each time."""
        return None if self.salesforce_text is None else _decode_image(self.salesforce_text)

    @property
    def spotio_image(self) -> dict[str, Any] | None:
        """SPOTIO values as last read, keyed by record key; decoded each time."""
        return None if self.spotio_text is None else _decode_image(self.spotio_text)

    @property
    def base(self) -> dict[str, list[Any]]:
        """Record key to ``[spotio value, salesforce value]`` as stored when last settled."""
        return {} if self.base_text is None else _decode_base(self.base_text)


class Image(msgspec.Struct, kw_only=True):
    """What one side of a link was last seen to hold; values may be JSON text already.

    Attributes:
        observed_at: a moment at which the side is known to have held this, early rather than late.
        differing: since when keys differ from their base (``reverse_sf.merge.evidence``).
    """

    link_id: str
    side: Side
    values: dict[str, Any] | msgspec.Raw
    digest: str
    modified_at: str | None = None
    observed_at: str
    deleted: bool = False
    differing: dict[str, list[Any]] = {}


class Intent(msgspec.Struct, kw_only=True):
    """One decided write, committed before the record that carries it is emitted.

    What is committed may hold ``msgspec.Raw`` in place of an object: the hot path encodes each
    object once. What is read holds objects.

    Attributes:
        record: the emitted record without its envelope.
        source: record key to the source side's value that the decision used; with the value read
            back it becomes the new base.
        decision: record key to ``{"row", "rule", "old", "new"}``; the row names a truth-table row.
        waiting_for: link id of the parent that must exist first.
    """

    operation_id: str
    link_id: str
    pair: str
    direction: Direction
    action: str
    run_id: str
    record: dict[str, Any]
    envelope: dict[str, Any]
    source: dict[str, Any]
    decision: dict[str, Any]
    issued_at: str
    waiting_for: str | None = None


class Outcome(msgspec.Struct, kw_only=True):
    """What became of one operation.

    Attributes:
        spotio_id, salesforce_id: ids now known; stored on the link.
        image: the destination's values as read back, all mapped keys; None where not read.
        written: record keys whose values now form a new base with the intent's ``source``.
        base: record key to the destination's value for that base, where the image has other names
            (Salesforce's images are keyed by field); None takes the values from the image.
        error: the API's own words, for rejected and stale ones.
        fields: record keys that the API named as the cause.
        parted: the link forgets the destination's record: it was known by name only, and it is not
            there or another record's.
    """

    operation_id: str
    link_id: str
    status: OperationStatus
    at: str
    spotio_id: str | None = None
    salesforce_id: str | None = None
    image: dict[str, Any] | None = None
    image_modified_at: str | None = None
    written: list[str] = []
    base: dict[str, Any] | None = None
    error: str | None = None
    error_code: str | None = None
    fields: list[str] = []
    parted: bool = False


class Parked(msgspec.Struct, kw_only=True):
    """A record or a field withheld, with its reason.

    Attributes:
        key: record key, or ``""`` for the whole record.
        reason: short stable code, such as ``choice_unmapped``, ``too_long``, ``rejected``,
            ``waiting_for_parent``, ``owner_unknown``, ``ambiguous``.
        message: one sentence a person can act on, with the API's own words where there are any.
        next_attempt_at: when the mapper may decide it again without a new image; None = only when
            an image, the schema or the definition changes, or on demand.
        waiting_for: link id of a missing parent.
    """

    link_id: str
    direction: Direction
    key: str = ""
    pair: str = ""
    reason: str
    message: str
    at: str
    run_id: str
    attempts: int = 1
    next_attempt_at: str | None = None
    waiting_for: str | None = None
    definition_fingerprint: str = ""


class Conflict(msgspec.Struct, kw_only=True):
    """A user's value that a rule overruled; kept so that it can be shown and restored."""

    link_id: str
    pair: str
    key: str
    loser: Side
    losing_value: Any
    winning_value: Any
    rule: str
    row: str
    at: str
    run_id: str
    operation_id: str | None = None
    number: int | None = None


class LogRow(msgspec.Struct, kw_only=True):
    """One thing that ``reverse-sf logs`` shows: a call and its answer, or a decision.

    Payload and answer are kept without credentials.

    Attributes:
        number: its number in the log, once it is there.
    """

    at: str
    run_id: str
    direction: Direction
    kind: str = "object"
    pair: str = ""
    link_id: str | None = None
    operation_id: str | None = None
    salesforce_id: str | None = None
    spotio_id: str | None = None
    method: str = ""
    path: str = ""
    status: int | None = None
    outcome: str = ""
    reason: str = ""
    payload: Any = None
    answer: Any = None
    number: int | None = None


class Count(msgspec.Struct, kw_only=True):
    """A tally of one run: how many records of a pair ended in one way, and why.

    ``counter`` is one of ``observed``, ``unchanged``, ``skipped``, ``decided_create``,
    ``decided_update``, ``created``, ``linked``, ``updated``, ``agreed``, ``stale``, ``rejected``,
    ``parked``, ``waiting``, ``flagged``, ``journaled``.
    """

    run_id: str
    pair: str
    counter: str
    reason: str = ""
    number: int = 1


class Run(msgspec.Struct, kw_only=True):
    """One run of one direction."""

    run_id: str
    direction: Direction
    started_at: str
    definition_fingerprint: str
    ended_at: str | None = None
    status: str = "running"
    holder: str = ""


class UserRow(msgspec.Struct, kw_only=True):
    """A user of one side, as last seen; for owner mapping and for the sync of users.

    Attributes:
        attributes: what the sync of users asks for beyond that; a name that is absent was not read.
    """

    side: Side
    user_id: str
    email: str | None = None
    username: str | None = None
    external_id: str | None = None
    name: str | None = None
    active: bool = True
    attributes: dict[str, Any] = {}


class AwaitedOwner(msgspec.Struct, frozen=True):
    """A user of the source who owns records, and whom nobody of the destination stands for.

    Attributes:
        direction: that the owner was to travel in.
        pair: the object mapping whose records are theirs.
        user_id: of the source.
        run_id: that asked for them last.
    """

    direction: Direction
    pair: str
    user_id: str
    run_id: str = ""


KeysOfRecord = tuple[str, Side, str, dict[str, tuple[str, ...]]]
"""Pair, side, id of a record, and its match keys by rule."""


RESTORED = "restore"
"""Stands where a decision names the truth table's row: a person asked for the value."""


class Restore(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One value that is wanted back.

    Attributes:
        key: of the pair.
        value: what is to be written.
        own: the value is in the destination's own terms; otherwise it is the source's.
        expected: what the destination holds now; where it holds anything else when the run comes,
            somebody has changed it since, and it is left alone.
        settles: the value stands beside the source's as it is, until the source changes. Otherwise
            it is a change like a person's, and travels on by the field's rule.
        why: what it is for, such as ``conflict 12``.
        issued: an operation was made of it.
    """

    link_id: str
    pair: str
    key: str
    value: Any
    own: bool
    expected: Any
    settles: bool
    why: str
    issued: bool = False

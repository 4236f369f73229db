"""What a Salesforce user asks of SPOTIO: created, linked, updated, suspended, restored, or nothing.

A user is *wanted* who is active, not frozen, and selected by a role of the ``users`` section.

Wanted, and synced already (the ledger links a SPOTIO user):

| the SPOTIO user | asks for | row |
| --- | --- | --- |
| is not there any more | park | ``GONE`` |
| was suspended by the sync, or may have been | restore, with role and e-mail | ``RESTORED`` |
| was suspended by a person | nothing | ``SUSPENDED_BY_HAND`` |
| has another role, e-mail or external id, or may have | update | ``CHANGED`` |
| is as it should be | nothing | ``AGREED`` |

Wanted, and not synced yet:

| found in SPOTIO | asks for | row |
| --- | --- | --- |
| one by external id | link | ``BY_EXTERNAL_ID`` |
| no e-mail to look for or to create with | park | ``NO_EMAIL`` |
| another wanted user has the same e-mail | park | ``SHARED_EMAIL`` |
| one by e-mail, who carries no other external id | link | ``BY_EMAIL`` |
| one by e-mail, who carries another or is linked, or may not be matched | park | ``TAKEN`` |
| several by either | park | ``AMBIGUOUS`` |
| nobody, ``create: true`` | create | ``CREATED`` |
| nobody | nothing | ``NOT_CREATED`` |

Not wanted:

| the user | asks for | row |
| --- | --- | --- |
| was never synced, whatever SPOTIO holds | nothing | ``NEVER_SYNCED`` |
| is not in SPOTIO any more, or suspended there | nothing | ``OUT_ALREADY`` |
| is synced, ``suspend_when_removed: false`` | nothing | ``KEPT`` |
| is synced, and no role selects the user any more | suspend | ``DESELECTED`` |
| is synced, and deactivated | suspend | ``DEACTIVATED`` |
| is synced, and frozen (``UserLogin.IsFrozen``) | suspend | ``FROZEN`` |
| is synced, and no longer shown by Salesforce | suspend | ``REMOVED`` |

A write whose outcome nobody knows may have been carried out: what is known of the SPOTIO user is
from before it. So the target is asked, which looks before it writes; a suspension that it finds
where one was sent is the sync's.

An e-mail is never written that another SPOTIO user has (``TAKEN``) or another wanted user wants
(``SHARED_EMAIL``); a user without an e-mail in Salesforce keeps the one in SPOTIO.

Over all of these stand two guards, and both park. ``KEY_OWNER``: the user whose API key the sync
uses is never written, and a person is told where a role or an e-mail had to change or a suspension
was due; where SPOTIO does not say who that is, it may be any Admin. ``LAST_ADMIN``: the last Admin
who can sign in is neither suspended nor given another role.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from enum import Enum
from typing import TYPE_CHECKING

import msgspec
from typing_extensions import assert_never

from reverse_sf.mapping.users import UserMatch
from reverse_sf.merge.tenant_users import ADMIN, Member, same_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reverse_sf.mapping.users import UserSync
    from reverse_sf.merge.tenant_users import Tenant


class Standing(Enum):
    """How a user stands in Salesforce."""

    ACTIVE = "active"
    FROZEN = "frozen"
    """``UserLogin.IsFrozen``: active, and may not sign in."""
    DEACTIVATED = "deactivated"
    REMOVED = "removed"
    """No longer shown to the sync, as after a change of what its user may see."""


class UserAct(str, Enum):
    """What is done about a user."""

    NOTHING = "nothing"
    CREATE = "create"
    """Unlicensed (ReadOnly), and not invited."""
    LINK = "link"
    UPDATE = "update"
    SUSPEND = "suspend"
    RESTORE = "restore"
    PARK = "park"


class UserRow(str, Enum):
    """The row of the tables above that a decision stands in; also the reason of what is parked."""

    GONE = "user_gone"
    RESTORED = "user_restored"
    SUSPENDED_BY_HAND = "user_suspended_by_hand"
    CHANGED = "user_changed"
    AGREED = "user_agreed"
    BY_EXTERNAL_ID = "user_by_external_id"
    BY_EMAIL = "user_by_email"
    NO_EMAIL = "user_without_email"
    SHARED_EMAIL = "user_shares_email"
    TAKEN = "user_email_taken"
    AMBIGUOUS = "user_ambiguous"
    CREATED = "user_created"
    NOT_CREATED = "user_not_created"
    NEVER_SYNCED = "user_never_synced"
    OUT_ALREADY = "user_out_already"
    KEPT = "user_kept"
    DESELECTED = "user_deselected"
    DEACTIVATED = "user_deactivated"
    FROZEN = "user_frozen"
    REMOVED = "user_removed"
    KEY_OWNER = "user_owns_api_key"
    LAST_ADMIN = "user_is_last_admin"


class UserFacts(msgspec.Struct, frozen=True):
    """What is known of one Salesforce user.

    Attributes:
        id: the Salesforce user's id.
        role: the SPOTIO role that the section gives; None where it selects the user for none.
        email: from the field that ``email_field`` names; empty where there is none.
        linked: id of the SPOTIO user whom the sync has created or linked for this one.
        suspended_by_sync: the sync itself has suspended that user, and nobody else since.
        unanswered: the :class:`UserAct` of an earlier write whose outcome nobody knows; empty where
            there is none.
        first_name: sent when the user is created, and never again.
        last_name: as the first name.
    """

    id: str
    role: str | None
    email: str = ""
    standing: Standing = Standing.ACTIVE
    linked: str | None = None
    suspended_by_sync: bool = False
    unanswered: str = ""
    first_name: str = ""
    last_name: str = ""

    @property
    def wanted(self) -> bool:
        """Whether this one is to be a user of SPOTIO."""
        return self.standing is Standing.ACTIVE and self.role is not None

    @property
    def may_be_out(self) -> bool:
        """Whether a suspension by the sync, or its end, was sent and had no answer."""
        return self.unanswered in {UserAct.SUSPEND.value, UserAct.RESTORE.value}

    @property
    def answered(self) -> UserFacts:
        """The same for who has looked at SPOTIO since: a suspension found there is the sync's."""
        by_sync = self.suspended_by_sync or self.may_be_out
        return msgspec.structs.replace(self, unanswered="", suspended_by_sync=by_sync)


class UserDecision(msgspec.Struct, frozen=True):
    """What is to happen to one user.

    Attributes:
        user: the Salesforce user's id.
        member: id of the SPOTIO user, where there is one.
        writes: SPOTIO's properties to write, by name; only those that differ.
        message: for :attr:`UserAct.PARK`, one sentence that a person can act on.
    """

    user: str
    act: UserAct
    row: UserRow
    member: str | None = None
    writes: Mapping[str, str | bool] = {}
    message: str = ""


def decide_users(
    users: Iterable[UserFacts], sync: UserSync, tenant: Tenant
) -> Iterator[UserDecision]:
    """Decide all users of one run, in the order given.

    Args:
        users: every user of the org that is known, not only the changed ones: whether an e-mail is
            shared, and by whom a SPOTIO user is taken, shows in all of them alone.
        sync: the ``users`` section.
        tenant: SPOTIO's users; it counts its Admins down as they are decided away.
    """
    everyone = list(users)
    taken = {one.linked: one.id for one in everyone if one.linked is not None}
    shared = Counter(one.email.casefold() for one in everyone if one.wanted and one.email)
    for one in everyone:
        if not one.wanted:
            wish = _unwanted(one, sync, tenant)
        elif one.linked is not None:
            wish = _synced(one, one.linked, tenant, shared)
        else:
            wish = _unsynced(one, sync, tenant, taken, shared)
        yield _guarded(wish, one, tenant)


def _unwanted(one: UserFacts, sync: UserSync, tenant: Tenant) -> UserDecision:
    if one.linked is None:
        return UserDecision(one.id, UserAct.NOTHING, UserRow.NEVER_SYNCED)
    member = tenant.member(one.linked)
    if member is None or (member.suspended and not one.unanswered):
        return UserDecision(one.id, UserAct.NOTHING, UserRow.OUT_ALREADY, one.linked)
    if not sync.suspend_when_removed:
        return UserDecision(one.id, UserAct.NOTHING, UserRow.KEPT, one.linked)
    return UserDecision(one.id, UserAct.SUSPEND, _why_out(one.standing), one.linked)


def _why_out(standing: Standing) -> UserRow:
    if standing is Standing.ACTIVE:
        return UserRow.DESELECTED
    if standing is Standing.FROZEN:
        return UserRow.FROZEN
    if standing is Standing.DEACTIVATED:
        return UserRow.DEACTIVATED
    if standing is Standing.REMOVED:
        return UserRow.REMOVED
    assert_never(standing)


def _synced(one: UserFacts, linked: str, tenant: Tenant, shared: Mapping[str, int]) -> UserDecision:
    member = tenant.member(linked)
    if member is None:
        return _parked(
            one,
            UserRow.GONE,
            f"SPOTIO has no user {linked} any more, who was synced with {one.id}: unlink the two"
            " to have the user matched or created again",
            linked,
        )
    if member.suspended and not (one.suspended_by_sync or one.may_be_out):
        return UserDecision(one.id, UserAct.NOTHING, UserRow.SUSPENDED_BY_HAND, linked)
    writes = _differences(one, member)
    act, row = UserAct.UPDATE, UserRow.CHANGED
    if member.suspended or one.may_be_out:
        act, row = UserAct.RESTORE, UserRow.RESTORED
    elif not writes and not one.unanswered:
        act, row = UserAct.NOTHING, UserRow.AGREED
    return _unless_email_taken(UserDecision(one.id, act, row, linked, writes), one, tenant, shared)


def _unsynced(  # noqa: PLR0911 -- one return per row
    one: UserFacts,
    sync: UserSync,
    tenant: Tenant,
    taken: Mapping[str, str],
    shared: Mapping[str, int],
) -> UserDecision:
    found = tenant.with_external_id(one.id)
    if found:
        return _linked(one, found, UserRow.BY_EXTERNAL_ID, tenant, taken, shared)
    if not one.email:
        field = sync.email_field.value
        return _parked(one, UserRow.NO_EMAIL, f"the Salesforce user {one.id} has no {field}")
    if shared[one.email.casefold()] > 1:
        return _shared(one)
    found = tenant.with_email(one.email)
    if found and sync.match is UserMatch.EMAIL:
        return _linked(one, found, UserRow.BY_EMAIL, tenant, taken, shared)
    if found:
        return _taken(one, found[0])
    if not sync.create:
        return UserDecision(one.id, UserAct.NOTHING, UserRow.NOT_CREATED)
    writes = {
        **_wishes(one),
        "firstName": one.first_name,
        "lastName": one.last_name,
        "isReadonly": True,
    }
    return UserDecision(one.id, UserAct.CREATE, UserRow.CREATED, writes=writes)


def _linked(  # noqa: PLR0917 -- what was found, and all that may speak against it
    one: UserFacts,
    found: list[Member],
    row: UserRow,
    tenant: Tenant,
    taken: Mapping[str, str],
    shared: Mapping[str, int],
) -> UserDecision:
    if len(found) > 1:
        ids = ", ".join(sorted(member.id for member in found))
        how = "e-mail" if row is UserRow.BY_EMAIL else "External User ID"
        return _parked(
            one,
            UserRow.AMBIGUOUS,
            f"several SPOTIO users have the {how} of the Salesforce user {one.id}: {ids}",
        )
    member = found[0]
    carries_another = member.external_id is not None and not same_id(member.external_id, one.id)
    if carries_another or taken.get(member.id, one.id) != one.id:
        return _taken(one, member)
    link = UserDecision(one.id, UserAct.LINK, row, member.id, _differences(one, member))
    return _unless_email_taken(link, one, tenant, shared)


def _wishes(one: UserFacts) -> dict[str, str | bool]:
    """What SPOTIO's user is to hold; an e-mail that Salesforce lacks is never cleared."""
    wishes: dict[str, str | bool] = {"externalSystemUserId": one.id}
    if one.role is not None:
        wishes["role"] = one.role
    if one.email:
        wishes["email"] = one.email
    return wishes


def _differences(one: UserFacts, member: Member) -> dict[str, str | bool]:
    wishes = _wishes(one)
    if same_id(member.external_id, one.id):
        del wishes["externalSystemUserId"]
    for name, held in (("role", member.role), ("email", member.email)):
        if str(wishes.get(name, held)).casefold() == held.casefold():
            wishes.pop(name, None)
    return wishes


def _unless_email_taken(
    wish: UserDecision, one: UserFacts, tenant: Tenant, shared: Mapping[str, int]
) -> UserDecision:
    """SPOTIO refuses an e-mail twice; that is known before it is asked."""
    if "email" in wish.writes:
        if shared[one.email.casefold()] > 1:
            return _shared(one)
        for other in tenant.with_email(one.email):
            if other.id != wish.member:
                return _taken(one, other)
    return wish


def _guarded(wish: UserDecision, one: UserFacts, tenant: Tenant) -> UserDecision:
    """The two guards that stand over every row."""
    member = tenant.member(wish.member) if wish.member is not None else None
    if member is None or wish.act in {UserAct.NOTHING, UserAct.PARK}:
        return wish
    if tenant.may_own_key(member):
        if wish.act is not UserAct.SUSPEND and not wish.writes.keys() & {"role", "email"}:
            return UserDecision(one.id, UserAct.NOTHING, UserRow.KEY_OWNER, member.id)
        owns = "owns" if tenant.key_owner is not None else "may own (SPOTIO does not say who does)"
        return _parked(
            one,
            UserRow.KEY_OWNER,
            f"the SPOTIO user {member.email or member.id} {owns} the API key of this sync, which"
            f" never writes that user ({wish.act.value} was due): do it by hand, or use the key"
            " of a user who is not synced",
            member.id,
        )
    demoted = str(wish.writes.get("role", ADMIN)).casefold() != ADMIN
    if not (demoted or wish.act is UserAct.SUSPEND):
        return wish
    if tenant.is_last_admin(member):
        return _parked(
            one,
            UserRow.LAST_ADMIN,
            f"the SPOTIO user {member.email or member.id} is the last Admin who can sign in, and"
            f" stays so ({wish.act.value} was due): make somebody else an Admin first",
            member.id,
        )
    tenant.deprive(member)
    return wish


def _shared(one: UserFacts) -> UserDecision:
    return _parked(
        one,
        UserRow.SHARED_EMAIL,
        f"several selected users in Salesforce have the e-mail {one.email}, and SPOTIO has one"
        " user an e-mail: change one of them, or select one",
    )


def _taken(one: UserFacts, member: Member) -> UserDecision:
    return _parked(
        one,
        UserRow.TAKEN,
        f"the SPOTIO user {member.email or member.id} stands in the way of the Salesforce user"
        f" {one.id}: it belongs to {member.external_id or 'nobody in Salesforce'}; set the"
        " External User ID in SPOTIO where the two are one, or change an e-mail",
        member.id,
    )


def _parked(one: UserFacts, row: UserRow, message: str, member: str | None = None) -> UserDecision:
    return UserDecision(one.id, UserAct.PARK, row, member, message=message)

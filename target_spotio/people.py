"""Who owns a record in SPOTIO: by link, external user id, then e-mail, then default."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reverse_sf.mapping import canon

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reverse_sf.spotio.client import User


class People:
    """The tenant's users who may own records; suspended ones may not."""

    def __init__(self, users: Iterable[User]) -> None:
        active = [user for user in users if not user.suspended]
        # Of several who share an id or an e-mail it is the one of the lowest id, as for the mapper.
        active.sort(key=lambda user: user.id, reverse=True)
        self._ids = {user.id for user in active}
        self._by_external_id = {
            canon.record_id(user.external_id): user.id for user in active if user.external_id
        }
        self._by_email = {user.email: user.id for user in active if user.email}

    def owner(self, wanted: Any) -> str | None:
        """The user's id, or None where nobody fits and no default is to be used.

        Args:
            wanted: the envelope's owner object (``spotio_id`` where the sync of
                users has joined the two, ``salesforce_id``, ``email``), an id or an e-mail.
        """
        if isinstance(wanted, dict):
            if wanted.get("spotio_id") in self._ids:
                return str(wanted["spotio_id"])
            by_id = self._by_external_id.get(canon.record_id(wanted.get("salesforce_id")))
            return by_id or self.by_email(wanted.get("email"))
        text = canon.text(wanted)
        if text in self._ids:
            return str(text)
        return self._by_external_id.get(canon.record_id(text)) or self.by_email(text)

    def by_email(self, email: Any) -> str | None:
        """The user with this e-mail."""
        return self._by_email.get(canon.email_form(email) or "")

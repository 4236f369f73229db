"""API keys and the tokens they are exchanged for.

A token is a JWT that lives thirty days; there is no refresh token (developer guide,
"Authenticating"). It carries the rights of the user who made the key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jwt

from reverse_sf.simulator.spotio.refusals import Refusal, not_found

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reverse_sf.simulator.clock import Clock
    from reverse_sf.simulator.spotio.records import Member

LIFE_S = 30 * 24 * 3600
WRONG = "ClientId and Secret do not exist"
_SIGNING = "the local server signs with this public sentence"
_ALGORITHM = "HS256"


class Tokens:
    """Issues and checks tokens by the server's clock.

    Args:
        keys: secret and owner's user id by client id.
    """

    def __init__(self, clock: Clock, keys: Mapping[str, tuple[str, int]]) -> None:
        self._clock = clock
        self._keys = dict(keys)
        self._generation = 0

    def issue(self, request: Mapping[str, Any], members: Mapping[int, Member], status: int) -> str:
        """Exchange a client id and secret for a token.

        Raises:
            Refusal: ``status`` for a wrong pair; 403 where the key's owner is suspended or may not
                act for another; 404 for a user to act for who does not exist.
        """
        secret, owner_id = self._keys.get(str(request.get("clientId")), ("", 0))
        if not secret or request.get("secret") != secret:
            raise Refusal(status, WRONG)
        owner = members[owner_id]
        if owner.suspended:
            raise Refusal(403, "User is suspended.")
        user = owner
        other = request.get("impersonatedUserId")
        if other is not None:
            if owner.role != "Admin":
                raise Refusal(403, "You are not allowed to impersonate users.")
            found = members.get(int(other)) if str(other).isdigit() else None
            if found is None:
                raise not_found("User", other)
            user = found
        now = int(self._clock.now().timestamp())
        claims = {"sub": str(user.id), "iat": now, "exp": now + LIFE_S, "gen": self._generation}
        return jwt.encode(claims, _SIGNING, algorithm=_ALGORITHM)

    def user(self, header: str, members: Mapping[int, Member]) -> Member | None:
        """Who the ``Authorization`` header speaks for; None where it is not good (any more)."""
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer":
            return None
        try:
            claims = jwt.decode(
                token.strip(),
                _SIGNING,
                algorithms=[_ALGORITHM],
                options={"verify_exp": False, "verify_iat": False},
            )
        except jwt.InvalidTokenError:
            return None
        member = members.get(int(claims["sub"]))
        fresh = claims["exp"] > self._clock.now().timestamp()
        good = fresh and claims["gen"] == self._generation
        return member if good and member is not None and not member.suspended else None

    def expire(self) -> None:
        """Let every token issued so far be expired."""
        self._generation += 1

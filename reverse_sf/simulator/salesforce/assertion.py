"""The JWT bearer grant: is this assertion signed by the connected app's certificate?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from reverse_sf.simulator.connection import CONSUMER_KEY
from reverse_sf.simulator.errors import ControlError

if TYPE_CHECKING:
    from collections.abc import Collection


class AssertionRefusedError(Exception):
    """The assertion is not accepted.

    Attributes:
        code: OAuth's ``error``.
    """

    def __init__(self, code: str, description: str) -> None:
        super().__init__(description)
        self.code = code


def public_key(pem: str) -> Any:
    """The public key of a PEM certificate or PEM public key.

    Raises:
        ControlError: it is neither.
    """
    try:
        if "BEGIN CERTIFICATE" in pem:
            return x509.load_pem_x509_certificate(pem.encode()).public_key()
        return serialization.load_pem_public_key(pem.encode())
    except ValueError as error:
        raise ControlError(f"neither a PEM certificate nor a PEM public key: {error}") from error


def subject_of(assertion: str, key: Any, audiences: Collection[str]) -> str:
    """The username that a valid assertion is for.

    Args:
        assertion: the JWT, signed RS256.
        key: the connected app's registered public key; none when nothing is registered.
        audiences: accepted values of ``aud``.

    Raises:
        AssertionRefusedError: with OAuth's code and Salesforce's words where they are known.
    """
    try:
        claims = jwt.decode(assertion, options={"verify_signature": False})
    except jwt.PyJWTError as error:
        raise AssertionRefusedError("invalid_grant", "invalid assertion") from error
    if claims.get("iss") != CONSUMER_KEY:
        raise AssertionRefusedError("invalid_client_id", "client identifier invalid")
    if key is None:
        raise AssertionRefusedError(
            "invalid_client",
            "no certificate is registered for this connected app; register one with "
            'POST /_simulator/edit {"connected_app": {"certificate": "<PEM>"}}',
        )
    try:
        # Real time, not the server's clock: the client signs by its own, which nobody moves.
        claims = jwt.decode(
            assertion, key, algorithms=["RS256"], options={"verify_aud": False, "require": ["exp"]}
        )
    except jwt.ExpiredSignatureError as error:
        raise AssertionRefusedError("invalid_grant", "token validity expired") from error
    except jwt.PyJWTError as error:
        raise AssertionRefusedError("invalid_grant", "invalid assertion") from error
    audience = str(claims.get("aud", "")).rstrip("/").removesuffix("/services/oauth2/token")
    if audience not in audiences:
        raise AssertionRefusedError("invalid_grant", "Audience validation failed")
    return str(claims.get("sub", ""))

"""What plugins keep between runs: access tokens, and what a system says of its own setup.

A run in which nothing happened should not cost a login and a dozen describes. What is kept is a
hint and never the truth: whoever takes it must be able to do without it, and drops it when the
system contradicts. Nothing here ever fails a run: what is missing, old, foreign or unreadable is
not there.

Everything on disk is encrypted and authenticated (AES-256-GCM) with a key that scrypt makes of the
login's own secrets. So it is of use only to somebody who could log in anyway, nobody else can
plant anything, and with a changed secret nothing old is found any more. Files and folders are
readable by their owner alone. Neither STATE nor a log ever holds any of it.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import tempfile
import time
import zlib
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

logger = logging.getLogger(__name__)

FOLDER = "cache_folder"
LIFETIME = "cache_lifetime"
OFF = "off"
DEFAULT_LIFETIME_S = 4 * 60 * 60
_PROJECT_FOLDER = Path(".meltano", "reverse-sf", "cache")
_FORMAT = 1
_NONCE_BYTES = 12
_TOKEN = "token"  # noqa: S105 - the name of what is kept
_UNREADABLE = (OSError, InvalidTag, zlib.error, msgspec.DecodeError, msgspec.ValidationError)


class _Entry(msgspec.Struct):
    """One thing kept, and when (seconds since the epoch, by this machine's clock)."""

    at: float
    value: Any


class Cache:
    """What is kept for one login.

    Args:
        folder: where; None keeps nothing.
        identity: who logs in where. Another identity finds nothing of this one.
        secrets: what the login proves itself with; without any nothing is kept.
        lifetime_s: how long facts are believed.
        fresh: find nothing, but keep what is put, for a run that wants to know how things are.
    """

    def __init__(
        self,
        folder: Path | None,
        identity: Sequence[object],
        secrets: Iterable[str | None],
        *,
        lifetime_s: float = DEFAULT_LIFETIME_S,
        fresh: bool = False,
    ) -> None:
        self._base = folder
        self._identity = msgspec.json.encode([_FORMAT, *map(str, identity)])
        self._secrets = [one for one in secrets if one]
        self._lifetime_s = lifetime_s
        self._fresh = fresh

    @classmethod
    def nowhere(cls) -> Cache:
        """A cache that keeps nothing."""
        return cls(None, (), ())

    @classmethod
    def from_settings(
        cls,
        settings: Mapping[str, Any],
        identity: Sequence[object],
        secrets: Iterable[str | None],
        *,
        fresh: bool = False,
    ) -> Cache:
        """From a plugin's settings ``cache_folder`` and ``cache_lifetime``."""
        lifetime = settings.get(LIFETIME)
        return cls(
            folder_of(settings.get(FOLDER)),
            identity,
            secrets,
            lifetime_s=DEFAULT_LIFETIME_S if lifetime is None else float(lifetime),
            fresh=fresh,
        )

    @property
    def _keeps(self) -> bool:
        return self._base is not None and bool(self._secrets)

    @cached_property
    def _material(self) -> bytes:
        # 16 MB and some hundredths of a second: a weak password cannot be tried out by the million.
        password = msgspec.json.encode(self._secrets)
        salt = hashlib.blake2b(self._identity).digest()
        return hashlib.scrypt(password, salt=salt, n=2**14, r=8, p=1, dklen=48)

    @property
    def folder(self) -> Path:
        """The folder of this login."""
        return (self._base or Path()) / self._material[32:].hex()

    def token(self) -> Any | None:
        """The login that was kept, whatever its age: the system says when it is over."""
        return None if self._fresh else self._read(_TOKEN)

    def keep_token(self, value: Any) -> None:
        """Keep a login."""
        self.put(_TOKEN, value)

    def drop_token(self) -> None:
        """Forget the login."""
        self.drop(_TOKEN)

    def get(self, name: str) -> Any | None:
        """A fact that was kept and is not too old, or None."""
        # Each has an age limit of its own, between half a lifetime and a whole one: what was kept
        # together is not asked for anew together, so no single run pays for all of it.
        place = hashlib.blake2b(name.encode(), digest_size=2).digest()
        limit_s = self._lifetime_s * (1 - int.from_bytes(place, "big") / 2**17)
        return None if self._fresh else self._read(name, limit_s=limit_s)

    def put(self, name: str, value: Any) -> None:
        """Keep something."""
        if not self._keeps:
            return
        content = msgspec.json.encode(_Entry(time.time(), value))
        nonce = os.urandom(_NONCE_BYTES)
        sealed = AESGCM(self._material[:32]).encrypt(
            nonce, zlib.compress(content), self._label(name)
        )
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Made readable by its owner alone, and whole before it has its name.
            handle, made = tempfile.mkstemp(dir=self.folder)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(nonce + sealed)
                Path(made).replace(self._path(name))
            except BaseException:
                Path(made).unlink(missing_ok=True)
                raise
        except OSError as error:
            logger.debug("Nothing is kept in %s: %s", self._base, error.strerror)

    def drop(self, *names: str) -> None:
        """Forget things, or everything but the login where none is named."""
        if not self._keeps:
            return
        with suppress(OSError):
            paths = [self._path(one) for one in names] or [
                one for one in self.folder.iterdir() if one != self._path(_TOKEN)
            ]
            for path in paths:
                path.unlink(missing_ok=True)

    def _read(self, name: str, *, limit_s: float | None = None) -> Any | None:
        if not self._keeps:
            return None
        try:
            sealed = self._path(name).read_bytes()
            content = AESGCM(self._material[:32]).decrypt(
                sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], self._label(name)
            )
            entry = msgspec.json.decode(zlib.decompress(content), type=_Entry)
        except (*_UNREADABLE, ValueError):
            return None
        age_s = time.time() - entry.at
        if limit_s is not None and not 0 <= age_s < limit_s:
            return None
        return entry.value

    def _path(self, name: str) -> Path:
        return self.folder / hashlib.blake2b(self._label(name), digest_size=12).hexdigest()

    def _label(self, name: str) -> bytes:
        return self._identity + name.encode()


def folder_of(setting: str | None) -> Path | None:
    """The folder that a plugin's setting ``cache_folder`` means; None where nothing is kept."""
    if setting:
        return None if setting.strip().lower() == OFF else Path(setting)
    root = os.environ.get("MELTANO_PROJECT_ROOT")
    if not root:
        return None
    environment = re.sub(r"[^\w-]", "_", os.environ.get("MELTANO_ENVIRONMENT") or "none")
    return Path(root) / _PROJECT_FOLDER / environment

"""Files of the project on disk, the sync definition and plans: the one place that opens them."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from reverse_sf.errors import ConfigurationError
from reverse_sf.mapping.document import parse
from reverse_sf.merge.plan import VERSION, Plan

if TYPE_CHECKING:
    from reverse_sf.mapping.definition import SyncDefinition

DEFAULT_SYNC_FILE = "sync.yml"


def read_sync_file(path: str | Path = DEFAULT_SYNC_FILE) -> SyncDefinition:
    """Read and check a sync definition.

    Raises:
        ConfigurationError: the file is not there, cannot be read, or has problems (all of them).
    """
    path = Path(path)
    try:
        text = path.read_bytes()
    except FileNotFoundError as error:
        raise ConfigurationError(
            f"there is no sync definition at {path}: write one, or say where it is with the "
            "setting sync_file (option --sync-file)"
        ) from error
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}") from error
    return parse(text, source=str(path))


@dataclass(frozen=True)
class SyncText:
    """The text of a sync definition that is to be edited, and what its file is like beside it.

    Attributes:
        text: lines end with a line feed, whatever they end with in the file.
        digest: of the file; another one tells that somebody has changed it.
        encoding: of the file.
        newline: what a line ends with in the file.
    """

    text: str
    digest: str
    encoding: str
    newline: str


def read_sync_text(path: Path) -> SyncText:
    """Read a sync definition as the text that it is, sound or not.

    Raises:
        ConfigurationError: the file cannot be read.
    """
    try:
        content = path.read_bytes()
        boms = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"\xef\xbb": "utf-8-sig"}
        encoding = boms.get(content[:2], "utf-8")
        text = content.decode(encoding)
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path} is not UTF-8 text: save it again as such") from error
    newline = "\r\n" if "\r\n" in text else "\n"
    digest = blake2b(content, digest_size=16).hexdigest()
    return SyncText(text.replace("\r\n", "\n"), digest, encoding, newline)


def write_sync_text(path: Path, text: str, before: SyncText) -> None:
    """Put a new text into a file, whole or not at all.

    Args:
        path: of the file, or a link to it.
        text: lines end with a line feed.
        before: what was read; the file keeps its encoding, its line ends and its mode.

    Raises:
        ConfigurationError: the file has changed since it was read, or cannot be written.
    """
    path = path.resolve()
    if read_sync_text(path).digest != before.digest:
        raise ConfigurationError(f"{path} has changed meanwhile: nothing was saved")
    content = text.replace("\n", before.newline).encode(before.encoding)
    new = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        new.write_bytes(content)
        shutil.copymode(path, new)
        new.replace(path)
    except OSError as error:
        new.unlink(missing_ok=True)
        raise ConfigurationError(f"{path} cannot be written: {error.strerror}") from error


def read_plan_file(path: str | Path) -> Plan:
    """Read a plan that ``reverse-sf plan`` wrote.

    Raises:
        ConfigurationError: the file is not there, cannot be read, or is no plan of this version.
    """
    try:
        text = Path(path).read_bytes()
    except OSError as error:
        raise ConfigurationError(f"cannot read the plan {path}: {error.strerror}") from error
    try:
        plan = msgspec.json.decode(text, type=Plan)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"{path} is no plan ({error}): make one with reverse-sf plan --out {path}"
        ) from error
    if plan.version != VERSION:
        raise ConfigurationError(
            f"{path} is a plan of version {plan.version}, this is {VERSION}: plan again"
        )
    return plan

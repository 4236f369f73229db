"""Who holds a lease, and whether they are still there.

A lease names the processes that work under it: the mapper, then the target that finishes its run.
On the machine where they ran, a process that was killed is noticed at once, so nobody has to wait
for the lease to expire; anywhere else only the expiry tells. A machine is known by its boot and its
process namespace: containers may share a host's name.
"""

from __future__ import annotations

import getpass
import hashlib
import os
import re
import socket
from functools import cache
from pathlib import Path

HANDED_OVER = "its target"
"""Stands for the target until it reports itself."""

_AND = " and "
_PROCESS = re.compile(r".*@\S+ \(process (?P<pid>\d+) of (?P<machine>[0-9a-f]{8})\)")


def this_process() -> str:
    """Name this process for people and for :func:`gone`."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = "somebody"
    of = f" of {_machine()}" if _machine() else ""
    return f"{user}@{socket.gethostname()} (process {os.getpid()}{of})"


@cache
def _machine() -> str:
    """Digest of boot and process namespace; empty where the system does not tell."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_bytes()
        namespace = os.fsencode(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""
    return hashlib.blake2b(boot + namespace, digest_size=4).hexdigest()


def joined(holders: str, one: str) -> str:
    """Add one holder; whoever was announced has come."""
    known = [each for each in holders.split(_AND) if each and each not in {one, HANDED_OVER}]
    if one == HANDED_OVER and len(known) > 1:
        return holders
    return _AND.join([*known, one])


def gone(holders: str) -> bool:
    """Say whether all holders are processes of this machine that no longer live."""
    return all(map(_gone, holders.split(_AND)))


def _gone(holder: str) -> bool:
    found = _PROCESS.fullmatch(holder)
    if found is None or found["machine"] != _machine():
        return False
    try:
        os.kill(int(found["pid"]), 0)
    except ProcessLookupError:
        return True
    except OSError:
        # It lives and belongs to somebody else.
        return False
    return False

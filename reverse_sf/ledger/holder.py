"""Who holds a lease, and whether they are still there.

A lease names the processes that work under it: the mapper, then the target that finishes its run.
On the machine where they ran, a process that was killed is noticed at once, so nobody has to wait
for the lease to expire; on any other machine only the expiry tells.
"""

from __future__ import annotations

import getpass
import os
import re
import socket

HANDED_OVER = "its target"
"""Stands for the target until it reports itself."""

_AND = " and "
_PROCESS = re.compile(r".*@(?P<host>\S+) \(process (?P<pid>\d+)\)")


def this_process() -> str:
    """Name this process for people and for :func:`gone`."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = "somebody"
    return f"{user}@{socket.gethostname()} (process {os.getpid()})"


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
    if found is None or found["host"] != socket.gethostname():
        return False
    try:
        os.kill(int(found["pid"]), 0)
    except ProcessLookupError:
        return True
    except OSError:
        # It lives and belongs to somebody else.
        return False
    return False

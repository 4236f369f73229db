"""Edits through the control calls of the local servers, with an account of what became of each.

A person's edit goes on when a process of the sync is killed. So a process of its own, in its own
session, posts it and writes the account; whoever waits for the account's lock reads it whole.
"""

from __future__ import annotations

import fcntl
import json
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterator

_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def post(step: dict[str, Any], account: str | Path | None) -> None:
    """Post ``{url, body}``; an edit that is refused changes nothing, as in the web app.

    Args:
        step: the edit.
        account: file that gets a line with the edit and its answer.
    """
    answered = _answered(step)
    if account is not None:
        with Path(account).open("a") as file:
            file.write(answered)


def post_whatever_happens(step: dict[str, Any], account: str | Path) -> None:
    """Post an edit that is in the account even where this process is killed meanwhile."""
    with settled(account) as file:
        subprocess.run(
            [sys.executable, "-I", "-S", __file__],
            input=json.dumps(step).encode(),
            stdout=file,
            start_new_session=True,
            check=True,
        )


@contextmanager
def settled(account: str | Path) -> Iterator[TextIO]:
    """The account, while no edit is under way."""
    with Path(account).open("a") as file:
        # The process that posts has inherited the lock, and keeps it to its end.
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file


def _answered(step: dict[str, Any]) -> str:
    request = urllib.request.Request(
        step["url"], json.dumps(step["body"]).encode(), {"Content-Type": "application/json"}
    )
    try:
        with _opener.open(request, timeout=60) as response:
            status, answer = response.status, json.load(response)
    except urllib.error.HTTPError as refused:
        with refused:
            status, answer = refused.code, json.load(refused)
    return json.dumps({**step, "status": status, "answer": answer}) + "\n"


if __name__ == "__main__":
    sys.stdout.write(_answered(json.load(sys.stdin)))

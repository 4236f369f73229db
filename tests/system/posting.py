"""Edits through the control calls of the local servers, with an account of what became of each."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def post(step: dict[str, Any], account: str | Path | None) -> None:
    """Post ``{url, body}``; an edit that is refused changes nothing, as in the web app.

    Args:
        step: the edit.
        account: file that gets a line with the edit and its answer.
    """
    request = urllib.request.Request(
        step["url"], json.dumps(step["body"]).encode(), {"Content-Type": "application/json"}
    )
    try:
        with _opener.open(request, timeout=60) as response:
            status, answer = response.status, json.load(response)
    except urllib.error.HTTPError as refused:
        with refused:
            status, answer = refused.code, json.load(refused)
    if account is not None:
        with Path(account).open("a") as file:
            file.write(json.dumps({**step, "status": status, "answer": answer}) + "\n")

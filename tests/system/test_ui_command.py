"""``reverse-sf ui`` as a process: it prints its address, serves it, and ends cleanly."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.contract.ui_fixtures import prepare
from tests.system.meltano_project import BIN

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.slow]


def started(folder: Path, output: int) -> subprocess.Popen[bytes]:
    """The command over a prepared project, and a browser that notes what it is to open."""
    prepare(folder)
    browser = folder / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {folder / "opened"}\n')
    browser.chmod(0o755)
    return subprocess.Popen(
        [BIN / "reverse-sf", "ui", "--ledger-uri", f"sqlite:///{folder}/ledger.db"],
        cwd=folder,
        env={**os.environ, "BROWSER": str(browser)},
        stdout=output,
        stderr=subprocess.PIPE,
    )


def said_until(output: int, words: str) -> str:
    said = ""
    while words not in said:
        said += os.read(output, 1000).decode()
    return said


def ended(process: subprocess.Popen[bytes], output: int, number: int) -> tuple[str, str]:
    """The address that it printed and its standard error, once it was used and ended."""
    try:
        address = re.search(r"http://127\.0\.0\.1:\d+/\?token=\S+", said_until(output, "Ctrl-C"))[0]
        with httpx.Client(follow_redirects=True, timeout=20) as client:
            assert "Attention" in client.get(address).text
            # One that stays connected does not hold the end up.
            process.send_signal(number)
            complaints = process.communicate(timeout=20)[1].decode()
    finally:
        process.kill()
    return address, complaints


def test_in_a_terminal_it_opens_the_browser_and_ctrl_c_is_its_good_end(tmp_path):
    ours, theirs = pty.openpty()
    process = started(tmp_path, theirs)
    address, complaints = ended(process, ours, signal.SIGINT)
    assert (process.returncode, complaints) == (0, "")
    assert "Ended." in said_until(ours, "Ended.")
    assert (tmp_path / "opened").read_text().strip() == address
    os.close(ours)
    os.close(theirs)


def test_elsewhere_it_opens_no_browser_and_a_scheduler_may_end_it(tmp_path):
    ours, theirs = os.pipe()
    process = started(tmp_path, theirs)
    _, complaints = ended(process, ours, signal.SIGTERM)
    assert process.returncode in {0, -signal.SIGTERM}
    assert complaints == ""
    assert not (tmp_path / "opened").exists()
    os.close(ours)
    os.close(theirs)

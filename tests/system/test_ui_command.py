"""``reverse-sf ui`` as a process: it prints its address, serves it, and ends cleanly."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.contract.ui_fixtures import prepare
from tests.system.meltano_project import BIN

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.slow]


def started(folder: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [BIN / "reverse-sf", "ui", "--ledger-uri", f"sqlite:///{folder}/ledger.db", *words],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_the_printed_address_until_it_is_ended(tmp_path, number):
    prepare(tmp_path)
    process = started(tmp_path)
    try:
        address = re.search(r"http://127\.0\.0\.1:\d+/\?token=\S+", process.stdout.readline())[0]
        with httpx.Client(follow_redirects=True) as client:
            assert "Attention" in client.get(address).text
            # One that stays connected does not hold the end up.
            process.send_signal(number)
            _, complaints = process.communicate(timeout=20)
    finally:
        process.kill()
    assert process.returncode in {0, -number}
    assert number is signal.SIGTERM or process.returncode == 0
    assert complaints == ""


def test_a_port_that_is_taken_is_told(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        process = started(tmp_path, "--port", str(other.getsockname()[1]))
        _, complaints = process.communicate(timeout=20)
    assert process.returncode == 2
    assert "choose another one with --port" in complaints

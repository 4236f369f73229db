"""A browser without a browser: the page of a prepared project, asked over HTTP."""

from __future__ import annotations

import re
from shutil import copytree
from typing import TYPE_CHECKING

import pytest
from starlette.testclient import TestClient

from reverse_sf.ledger.store import Ledger
from reverse_sf.ui.app import application
from tests.contract.ui_fixtures import prepare, site

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOST = "http://127.0.0.1:8740"
VIEWS = (
    "/",
    "/logs",
    "/logs/2",
    "/records",
    "/records/sf-one",
    "/parked",
    "/parked/sf-two",
    "/conflicts",
    "/conflicts/2",
    "/mapping",
    "/mapping/text",
    "/mapping/field?path=objects[0].fields[3]",
    "/mapping/field?pair=objects[1]",
    "/mapping/rule?path=objects[0].address",
    "/mapping/directions?pair=objects[0]",
    "/plan",
)


class Page:
    """A browser with the cookie, and the project behind the page."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.site = site(folder)
        self.client = TestClient(application(self.site), base_url=HOST)

    def enter(self) -> None:
        assert self.client.get("/", params={"token": self.site.keys.token}).status_code == 200

    def get(self, address: str, /, **query: str) -> str:
        answer = self.client.get(address, params=query or None)
        assert answer.status_code == 200, answer.text
        return answer.text

    def post(self, address: str, /, **form: str):
        return self.client.post(address, data={"csrf": self.site.keys.csrf, **form})

    def ended(self, kind: str) -> None:
        self.site.jobs.get(kind).process.wait(20)

    @property
    def called(self) -> list[str]:
        return (self.folder / "called").read_text().splitlines()

    @property
    def ledger(self) -> Ledger:
        return Ledger.open(self.site.ledger_uri)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory) -> Path:
    """A project as every test finds it."""
    folder = tmp_path_factory.mktemp("project")
    prepare(folder)
    return folder


@pytest.fixture
def outside(prepared, tmp_path, monkeypatch) -> Iterator[Page]:
    """A browser without the cookie."""
    copytree(prepared, tmp_path, dirs_exist_ok=True)
    for name in ("REVERSE_SF_LEDGER_URI", "CRM_MAPPER_LEDGER_URI"):
        monkeypatch.delenv(name, raising=False)
    page = Page(tmp_path)
    yield page
    page.client.close()
    page.site.jobs.close()


@pytest.fixture
def page(outside) -> Page:
    outside.enter()
    return outside


def cells(html: str, column: str) -> list[str]:
    """The texts of one column of the first table."""
    found = re.findall(rf'data-label="{re.escape(column)}">(.*?)</t[hd]>', html, re.DOTALL)
    return [" ".join(re.sub(r"<.*?>", "", one).split()) for one in found]

"""Who may see the page and who may act: nobody else, whatever they send."""

# ruff: noqa: F811 - a test asks for an imported fixture by naming it

from __future__ import annotations

import re

import pytest
from starlette.testclient import TestClient

from reverse_sf.ui.app import application
from reverse_sf.ui.jobs import Jobs
from reverse_sf.ui.security import Keys
from reverse_sf.ui.site import Site
from tests.contract.ui_fixtures import EVIL, SECRET
from tests.contract.ui_pages import HOST, VIEWS, outside, page, prepared  # noqa: F401 - fixtures

ACTIONS = (
    "/parked/retry",
    "/parked/release",
    "/conflicts/1/restore",
    "/mapping/check",
    "/mapping/preview",
    "/mapping/save",
    "/plan/make",
    "/plan/apply",
    "/jobs/stop",
)


@pytest.mark.parametrize("path", VIEWS)
def test_nobody_without_the_cookie_sees_a_view(outside, path):
    answer = outside.client.get(path)
    assert answer.status_code == 403
    assert "Account" not in answer.text
    assert "printed in the terminal" in answer.text


def test_the_start_address_is_exchanged_for_a_cookie_that_no_script_and_no_site_gets(outside):
    answer = outside.client.get(
        "/logs", params={"token": outside.site.keys.token, "status": "422"}, follow_redirects=False
    )
    assert (answer.status_code, answer.headers["location"]) == (303, "/logs?status=422")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "samesite=strict" in cookie.lower()
    assert outside.site.keys.token not in cookie
    assert outside.client.get("/logs").status_code == 200


def test_the_way_back_from_the_start_address_stays_on_the_page(outside):
    answer = outside.client.get(
        f"{HOST}//elsewhere.example/?token={outside.site.keys.token}", follow_redirects=False
    )
    assert answer.headers["location"] == "/elsewhere.example/"


@pytest.mark.parametrize("token", ["", "x", "é"])
def test_another_token_opens_nothing(outside, token):
    answer = outside.client.get("/", params={"token": token}, follow_redirects=False)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8740", 200),
        ("localhost:9", 200),
        ("[::1]:8740", 200),
        ("LOCALHOST", 200),
        ("evil.example", 421),
        ("127.0.0.1.evil.example:8740", 421),
        ("localhost@evil.example", 421),
        ("[", 421),
        ("", 421),
    ],
)
def test_only_the_names_of_this_machine_are_answered(page, host, status):
    assert page.client.get("/", headers={"host": host}).status_code == status


@pytest.mark.parametrize("path", ACTIONS)
def test_nobody_without_the_cookie_does_anything(outside, path):
    assert outside.post(path).status_code == 403
    assert not (outside.folder / "called").exists()


@pytest.mark.parametrize("path", ACTIONS)
@pytest.mark.parametrize("csrf", ["", "wrong", None])
def test_an_action_without_the_forms_own_secret_does_nothing(page, path, csrf):
    form = {} if csrf is None else {"csrf": csrf}
    assert page.client.post(path, data=form).status_code == 403
    assert not (page.folder / "called").exists()
    with page.ledger as ledger:
        assert all(one.next_attempt_at is None for one in ledger.parked_rows())


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1"])
def test_a_form_of_another_site_does_nothing_even_with_the_secret(page, origin):
    answer = page.client.post(
        "/parked/retry", data={"csrf": page.site.keys.csrf}, headers={"origin": origin}
    )
    assert answer.status_code == 403


def test_a_form_of_this_page_names_its_origin(page):
    answer = page.client.post(
        "/parked/retry", data={"csrf": page.site.keys.csrf}, headers={"origin": HOST}
    )
    assert answer.status_code == 200


@pytest.mark.parametrize("path", ACTIONS)
def test_an_action_is_no_address(page, path):
    assert page.client.get(path).status_code in {404, 405}


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "TRACE"])
def test_other_methods_are_refused(page, method):
    assert page.client.request(method, "/").status_code == 405


def test_a_form_without_end_is_refused(page):
    answer = page.post("/parked/retry", reason="x" * 4_000_001)
    assert answer.status_code == 413


@pytest.mark.parametrize("path", [*VIEWS, "/static/style.css", "/nowhere"])
def test_every_answer_forbids_scripts_frames_and_copies(page, path):
    headers = page.client.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", VIEWS)
def test_no_view_needs_a_script_a_style_attribute_or_another_site(page, path):
    html = page.get(path)
    assert not re.search(r"<script|\son\w+=|\sstyle=|javascript:", html)
    assert not re.search(r'(?:src|href|action)="(?:https?:)?//', html)


@pytest.mark.parametrize("path", ["/conflicts", "/conflicts/2", "/logs/2", "/records/sf-one"])
def test_what_a_person_wrote_is_text(page, path):
    html = page.get(path)
    assert EVIL not in html
    assert "&lt;script&gt;alert(" in html


def test_the_password_of_the_ledger_is_never_shown(tmp_path):
    (tmp_path / "sync.yml").write_text("version: 1\n")
    uri = f"postgresql://sync:{SECRET}@127.0.0.1:1/ledger"
    bare = Site(Keys.fresh(), Jobs(), tmp_path / "sync.yml", uri)
    with TestClient(application(bare), base_url=HOST) as client:
        client.get("/", params={"token": bare.keys.token}, follow_redirects=False)
        html = client.get("/mapping").text
    assert "postgresql://sync:***@127.0.0.1" in html
    assert SECRET not in html

"""The page's views, filters and actions, and who may see it; without a browser."""

from __future__ import annotations

import re
import time
from html import unescape
from shutil import copytree
from typing import TYPE_CHECKING

import pytest
from starlette.testclient import TestClient

from reverse_sf.cli.journal import links_of
from reverse_sf.cli.remedies import REMEDIES
from reverse_sf.ledger.store import Ledger
from reverse_sf.mapping.definition import Direction
from reverse_sf.ui.app import application
from reverse_sf.ui.jobs import Jobs
from reverse_sf.ui.security import Keys
from reverse_sf.ui.site import Site
from tests.contract.ui_fixtures import EVIL, SECRET, prepare, site

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
ACTIONS = (
    "/parked/retry",
    "/conflicts/1/restore",
    "/mapping/check",
    "/mapping/preview",
    "/mapping/save",
    "/plan/make",
    "/plan/apply",
    "/jobs/stop",
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


# ---------------------------------------------------------------- who may see it


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


# ---------------------------------------------------------------- what it shows


def test_status_tells_the_verdict_and_leads_to_what_it_counts(page):
    html = page.get("/")
    assert "Attention" in html
    assert cells(html, "Synced") == ["3"]
    assert 'href="/parked?pair=Account%3AAccounts&amp;direction=to_spotio"' in html


def test_before_the_first_run_status_says_what_can_be_done(page):
    (page.folder / "ledger.db").unlink()
    assert "The sync has not run yet." in page.get("/")
    assert page.client.get("/logs").status_code == 409


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, "5 4 3 2 1"),
        ({"type": "activities"}, "4"),
        ({"type": "objects"}, "5 3 2 1"),
        ({"type": "users"}, ""),
        ({"direction": "outgoing"}, "5"),
        ({"direction": "incoming"}, "4 3 2 1"),
        ({"direction": "to_spotio"}, "4 3 2 1"),
        ({"method": "patch"}, "2"),
        ({"status": "422"}, "3"),
        ({"outcome": "updated"}, "2"),
        ({"pair": "Task:Visit"}, "4"),
        ({"record_id": "sf-one"}, "2 1"),
        ({"salesforce_id": "sf-two"}, "3"),
        ({"spotio_id": "sp-two"}, "3"),
        ({"run_id": "run-1", "limit": "2"}, "5 4"),
        ({"run_id": "run-2"}, ""),
        ({"since": "2026-05-06T12:00"}, "2"),
        ({"until": "2026-05-06T12:00", "type": "objects"}, "5 3 1"),
        ({"text": "NOT VALID"}, "3"),
    ],
)
def test_every_filter_of_the_log_holds(page, filters, found):
    html = page.get("/logs", **filters)
    assert [one.split()[0] for one in cells(html, "Number")] == found.split()


@pytest.mark.parametrize(
    "query", [{"type": "x"}, {"direction": "up"}, {"status": "x"}, {"limit": "-1"}]
)
def test_a_filter_that_means_nothing_is_told(page, query):
    assert page.client.get("/logs", params=query).status_code == 404


def test_the_log_is_followed_until_the_user_has_seen_enough(page):
    followed = page.client.get("/logs", params={"follow": "yes", "status": "422"})
    assert followed.headers["refresh"].isdigit()
    assert 'href="/logs?status=422&amp;limit=100">Stop following' in followed.text
    assert "refresh" not in page.client.get("/logs").headers


def test_a_row_of_the_log_is_told_with_decision_payload_answer_and_remedy(page):
    html = page.get("/logs/2")
    for words in ("C3-08", "mine.example", "&#34;op&#34;: &#34;replace&#34;", "updated"):
        assert words in html
    assert REMEDIES["rejected"].words.split("'")[0] in page.get("/logs/3")


@pytest.mark.parametrize(
    "path", ["/logs/99", "/conflicts/99", "/records/nobody", "/parked/nobody", "/nowhere"]
)
def test_what_is_not_there_is_told(page, path):
    answer = page.client.get(path)
    assert answer.status_code == 404
    assert "<h1>" in answer.text


def test_a_record_is_told_with_its_history_by_the_id_of_either_system(page):
    html = page.get("/records", id="sp-one")
    assert "What happened, oldest first" in html
    assert cells(page.get("/records", id="sf-one", field="website"), "Field") == [
        "Website",
        "Website",
        "Website",
    ]


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, ["Phone", "Rating"]),
        ({"reason": "rejected"}, ["Phone"]),
        ({"pair": "Lead:Leads"}, []),
        ({"direction": "to_salesforce"}, []),
        ({"direction": "to_spotio", "reason": "choice_unmapped"}, ["Rating"]),
    ],
)
def test_parked_work_is_listed_by_reason_pair_and_direction(page, filters, found):
    assert sorted(cells(page.get("/parked", **filters), "Field")) == found


def test_parked_work_of_a_record_says_who_can_help(page):
    html = page.get("/parked/sp-two")
    assert "Phone number is not valid." in html
    assert "Who can" in html


def test_conflicts_are_listed_by_pair_and_run(page):
    assert cells(page.get("/conflicts"), "Field") == ["Company", "Website"]
    assert cells(page.get("/conflicts", run_id="run-2"), "Field") == []
    assert "mine.example" in page.get("/conflicts/1")


def test_the_mapping_is_drawn_with_rules_choices_directions_and_findings(page):
    html = page.get("/mapping")
    for words in (
        "only when Type is Prospect or Customer",
        "Two-way",
        "Salesforce unless blank",
        "3 choices",
        "skip_geocoding without coordinates",
        "Parent, of Accounts",
    ):
        assert words in html
    assert html.count('class="box">Website<') == 2


def test_a_definition_with_problems_is_told_with_all_of_them(page):
    (page.folder / "sync.yml").write_text("version: 1\nobjects: 3\nnonsense: 1\n")
    html = page.get("/mapping")
    assert "line 2" in html
    assert "nonsense" in html


# ---------------------------------------------------------------- what it does


def test_parked_work_is_tried_again_as_far_as_the_list_was_filtered(page):
    answer = page.post("/parked/retry", reason="rejected")
    assert "1 withheld row will be tried in the next run." in answer.text
    with page.ledger as ledger:
        asked = {one.reason for one in ledger.parked_rows() if one.next_attempt_at}
    assert asked == {"rejected"}
    assert "withheld row" not in page.get("/parked")


def test_parked_work_of_one_record_is_tried_again(page):
    page.post("/parked/retry", record="sf-three")
    with page.ledger as ledger:
        asked = {one.reason for one in ledger.parked_rows() if one.next_attempt_at}
    assert asked == {"choice_unmapped"}
    assert page.post("/parked/retry", record="nobody").status_code == 404


def test_a_losing_value_is_restored_as_the_command_restores_it(page):
    answer = page.post("/conflicts/1/restore")
    assert "Website of Account:Accounts will be mine.example again" in answer.text
    with page.ledger as ledger:
        (link,) = links_of(ledger, "sf-one")
        (asked,) = ledger.asked(Direction.TO_SALESFORCE)[link.link_id]
    assert (asked.key, asked.value) == ("Website", "mine.example")


def test_a_value_is_not_restored_where_the_direction_is_off(page):
    file = page.folder / "sync.yml"
    file.write_text(
        file.read_text().replace(
            "to_salesforce: {enabled: true}", "to_salesforce: {enabled: false}"
        )
    )
    answer = page.post("/conflicts/1/restore")
    assert answer.status_code == 409
    assert "is off" in answer.text


def test_the_mapping_is_checked_against_both_systems_and_shows_the_proof(page):
    page.post("/mapping/check")
    page.ended("check")
    html = page.get("/mapping")
    assert page.called == ["check --json"]
    assert "Checked against both systems" in html
    assert "0 of 1 field pairs are proven safe" in html
    assert "changes: Cold -&gt; Hot -&gt; Warm" in html
    assert "Name holds 255 characters" in html

    # What the systems said of a file that has changed since says nothing of the new one.
    file = page.folder / "sync.yml"
    file.write_text(file.read_text().replace("salesforce_only}", "two_way}"))
    assert "Checked without the two systems" in page.get("/mapping")


def test_a_check_that_cannot_ask_says_why(page):
    (page.folder / "fail-check").touch()
    page.post("/mapping/check")
    page.ended("check")
    assert "no login" in page.get("/mapping")


def test_a_plan_is_made_shown_kept_and_carried_out_once(page):
    hold = page.folder / "hold-plan"
    hold.touch()
    page.post("/plan/make", direction="")
    progress = page.client.get("/plan")
    assert progress.headers["refresh"].isdigit()
    assert "refresh" not in page.client.get("/plan", params={"still": "yes"}).headers
    hold.unlink()
    page.ended("plan")

    html = page.get("/plan")
    assert cells(html, "New") == ["newest.example"]
    assert "1 <code>choice_unmapped</code>" in html
    assert page.client.get("/plan/kept").json()["version"] == 1

    assert page.post("/plan/apply", made_at="another").status_code == 409
    made_at = re.search(r'name="made_at" value="(.*?)"', html)[1]
    page.post("/plan/apply", made_at=made_at)
    page.ended("apply")
    html = page.get("/plan")
    assert "1 as planned" in html
    assert "Carry out the plan" not in html
    assert page.post("/plan/apply", made_at=made_at).status_code == 409
    words = [one.split()[0] for one in page.called]
    assert words == ["plan", "apply"]
    assert page.called[1].split()[2:] == ["--yes", "--json"]


def test_one_direction_is_planned_where_one_is_asked_for(page):
    page.post("/plan/make", direction="to_salesforce")
    page.ended("plan")
    assert page.called[0].endswith("--direction to_salesforce")
    assert page.post("/plan/make", direction="sideways").status_code == 404


def test_a_plan_that_fails_leaves_none_and_says_why(page):
    (page.folder / "fail-plan").touch()
    page.post("/plan/make")
    page.ended("plan")
    assert "tap-salesforce: no login" in page.get("/plan")
    assert page.client.get("/plan/kept").status_code == 404
    assert page.post("/plan/apply", made_at="").status_code == 404


def test_one_command_is_at_work_at_a_time_and_a_person_can_stop_it(page):
    (page.folder / "hold-plan").touch()
    page.post("/plan/make")
    assert page.post("/mapping/check").status_code == 404
    assert "At work: plan" in page.get("/")
    deadline = time.monotonic() + 10
    while not (page.folder / "called").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert "It was stopped." in page.post("/jobs/stop").text
    assert page.site.jobs.at_work is None
    assert page.post("/jobs/stop").status_code == 404


def test_the_end_of_the_server_ends_what_is_at_work_and_keeps_nothing(page):
    (page.folder / "hold-plan").touch()
    with page.client:
        page.post("/plan/make")
        process = page.site.jobs.get("plan").process
    assert process.poll() is not None
    assert not page.site.jobs.folder.exists()


# ---------------------------------------------------------------- the editor


def hidden(html: str, name: str) -> str:
    """A hidden value of the page's forms."""
    return unescape(re.search(rf'name="{name}" value="(.*?)"', html, re.DOTALL)[1])


def difference(html: str) -> list[str]:
    """The lines of the difference that came or went."""
    found = re.findall(r'<span class="(?:added|removed)">(.*?)</span>', html)
    return [unescape(one) for one in found]


def filled(page: Page, path: str, **changes: str | None) -> dict[str, str]:
    """The form of a field pair as a browser would send it, with changes."""
    html = page.get("/mapping/field", path=path)
    form = {
        "digest": hidden(html, "digest"),
        "what": "field",
        "path": path,
        "spotio": unescape(re.search(r'name="spotio" type="text" value="(.*?)"', html)[1]),
        "salesforce": re.search(r'name="salesforce" type="text" value="(.*?)"', html)[1],
        "rule": re.search(r'value="(\w+)" selected', html)[1],
        "choices": unescape(re.search(r"<textarea.*?>\n(.*?)</textarea>", html, re.DOTALL)[1]),
        **dict.fromkeys(re.findall(r'name="(\w+)" value="yes" checked', html), "yes"),
        **changes,
    }
    return {name: value.replace("\n", "\r\n") for name, value in form.items() if value is not None}


def test_a_change_is_shown_as_a_difference_and_saved_with_every_comment(page):
    file = page.folder / "sync.yml"
    file.chmod(0o640)
    before = file.read_text()
    form = filled(page, "objects[0].fields[1]", rule="spotio_only", omit_on_create="yes")
    html = page.post("/mapping/preview", **form).text
    lines = difference(html)
    assert [one[0] for one in lines] == ["-", "+"]
    assert "rule: spotio_only, on_create: omit}" in lines[1]
    assert "# the reps know better" in lines[1]
    assert file.read_text() == before

    saved = page.post("/mapping/save", digest=hidden(html, "digest"), text=hidden(html, "text"))
    assert "Saved to" in saved.text
    after = file.read_text()
    assert after != before
    assert [one for one in after.splitlines() if one not in before.splitlines()] == [lines[1][1:]]
    assert file.stat().st_mode & 0o777 == 0o640
    assert list(page.folder.glob(".sync*")) == []


def test_the_form_of_a_field_as_it_is_changes_nothing(page):
    form = filled(page, "objects[0].fields[3]")
    assert form["choices"] == "Hot: Hot\r\nLukewarm: Warm\r\nCold: do_not_sync\r\n"
    assert "Nothing would change." in page.post("/mapping/preview", **form).text


def test_a_choice_is_added(page):
    form = filled(page, "objects[0].fields[3]")
    form["choices"] += "Boiling: Hot\r\n"
    html = page.post("/mapping/preview", **form).text
    assert difference(html) == ["+          Boiling: Hot"]


def test_a_field_is_added_and_taken_out(page):
    digest = page.site.digest()
    form = {"digest": digest, "what": "add", "path": "objects[1]", "rule": "two_way"}
    assert "Add a field to Contacts and Contact" in page.get("/mapping/field", pair="objects[1]")
    html = page.post("/mapping/preview", **form, spotio="Email", salesforce="Email").text
    assert difference(html) == ["+      - {spotio: Email, salesforce: Email, rule: two_way}"]
    form = {"digest": digest, "what": "remove", "path": "objects[0].fields[1]"}
    (line,) = difference(page.post("/mapping/preview", **form).text)
    assert line.startswith("-      - {spotio: Website")


def test_directions_and_rules_of_what_is_no_field_are_changed(page):
    digest = page.site.digest()
    assert "checked" in page.get("/mapping/directions", pair="objects[1]")
    form = {"digest": digest, "what": "directions", "path": "objects[1]", "to_salesforce": "yes"}
    assert difference(page.post("/mapping/preview", **form).text) == [
        "-    to_spotio: {enabled: true}",
        "-    to_salesforce: {enabled: false}",
        "+    to_spotio: {enabled: false}",
        "+    to_salesforce: {enabled: true}",
    ]
    assert "selected>Salesforce only" in page.get("/mapping/rule", path="objects[0].address")
    form = {"digest": digest, "what": "rule", "path": "objects[0].address", "rule": "spotio_only"}
    assert difference(page.post("/mapping/preview", **form).text)[1].endswith("rule: spotio_only")


@pytest.mark.parametrize(
    ("found", "instead", "said"),
    [
        ("rule: two_way", "rule: two_weeks", "two_weeks"),
        ("salesforce: Account\n", "salesforce: Account\n    feilds: []\n", "did you mean fields?"),
        ("objects:", "objects: [", "not valid YAML"),
        ("spotio: Contacts", "spotio: Accounts", "it cannot be saved like that"),
    ],
)
def test_what_the_offline_check_refuses_is_not_saved(page, found, instead, said):
    file = page.folder / "sync.yml"
    before = file.read_text()
    digest, text = page.site.digest(), before.replace(found, instead)
    html = page.post("/mapping/preview", digest=digest, what="text", text=text).text
    assert said.lower() in unescape(html).lower()
    assert "/mapping/save" not in html
    # What is typed is not lost.
    assert unescape(re.search(r"<textarea.*?>\n(.*?)</textarea>", html, re.DOTALL)[1]) == text
    assert page.post("/mapping/save", digest=digest, text=text).status_code == 409
    assert file.read_text() == before


def test_a_file_that_somebody_has_changed_meanwhile_is_not_overwritten(page):
    file = page.folder / "sync.yml"
    digest, before = page.site.digest(), file.read_text()
    file.write_text(before + "# theirs\n")
    for path in ("/mapping/preview", "/mapping/save"):
        answer = page.post(path, digest=digest, what="text", text=before + "# mine\n")
        assert answer.status_code == 409
        assert "has changed since this form was loaded" in answer.text
    assert file.read_text().endswith("# theirs\n")


@pytest.mark.parametrize(("encoding", "newline"), [("utf-8-sig", "\r\n"), ("utf-16", "\n")])
def test_a_file_keeps_its_encoding_and_its_line_ends(page, encoding, newline):
    file = page.folder / "sync.yml"
    text = file.read_text().replace("the companies", "die Größten")
    file.write_bytes(text.replace("\n", newline).encode(encoding))
    new = text.replace("rule: two_way}", "rule: spotio_only}").replace("\n", "\r\n")
    page.post("/mapping/save", digest=page.site.digest(), text=new)
    assert file.read_bytes() == new.replace("\r\n", newline).encode(encoding)


def test_a_link_to_the_file_stays_a_link(page):
    file, elsewhere = page.folder / "sync.yml", page.folder / "elsewhere.yml"
    file.rename(elsewhere)
    file.symlink_to(elsewhere)
    new = elsewhere.read_text() + "# mine\n"
    page.post("/mapping/save", digest=page.site.digest(), text=new)
    assert file.is_symlink()
    assert elsewhere.read_text() == new


def test_a_broken_file_is_mended_as_a_text(page):
    file = page.folder / "sync.yml"
    sound = file.read_text()
    file.write_text("objects: [")
    assert "/mapping/text" in page.get("/mapping")
    assert "objects: [" in page.get("/mapping/text")
    page.post("/mapping/save", digest=page.site.digest(), text=sound)
    assert file.read_text() == sound


@pytest.mark.parametrize(
    "form",
    [
        {"what": "field", "path": "objects[0].fields[99]", "rule": "two_way"},
        {"what": "field", "path": "objects[0].fields[0]", "rule": "sometimes"},
        {"what": "remove", "path": "objects"},
        {"what": "rule", "path": "objects[1].owner", "rule": "two_way"},
        {"what": "dance", "path": "objects[0]", "rule": "two_way"},
    ],
)
def test_a_change_that_means_nothing_is_told(page, form):
    assert page.post("/mapping/preview", digest=page.site.digest(), **form).status_code == 404


@pytest.mark.parametrize("path", ["/mapping/field", "/mapping/rule", "/mapping/directions"])
def test_a_form_of_nothing_is_told(page, path):
    assert page.client.get(path, params={"path": "x", "pair": "y"}).status_code == 404

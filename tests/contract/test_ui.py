"""The page's views, filters and actions, without a browser."""

# ruff: noqa: F811 - a test asks for an imported fixture by naming it

from __future__ import annotations

import re
import socket
import time

import pytest
from click.testing import CliRunner

from reverse_sf.cli.journal import links_of
from reverse_sf.cli.main import cli
from reverse_sf.cli.remedies import REMEDIES
from reverse_sf.errors import ConfigurationError
from reverse_sf.mapping.definition import Direction
from tests.contract.ui_pages import cells, outside, page, prepared  # noqa: F401 - fixtures


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


def test_activities_are_drawn_as_pairs_of_their_own_that_are_edited_as_a_text(page):
    html = page.get("/mapping")
    drawn = html[html.index("Fields of Visit on Contacts and Event") :]
    assert 'class="box">VisitResult<' in drawn
    assert "2 choices" in drawn
    assert "/mapping/field" not in drawn
    path = "objects[1].activities[0].fields.Subject"
    assert page.client.get("/mapping/field", params={"path": path}).status_code == 404


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


def test_parked_work_of_one_record_is_let_go_of_where_that_is_safe(page):
    assert "Leave it as it is" in page.get("/parked/sf-three")
    answer = page.post("/parked/release", record="sf-three", why="nobody boils")
    assert "1 withheld row let go of." in answer.text
    refused = page.post("/parked/release", record="sf-two")
    assert "Phone stays parked: nobody has read it in both systems" in refused.text
    with page.ledger as ledger:
        assert [one.reason for one in ledger.parked_rows()] == ["rejected"]
        (row,) = ledger.log_rows(kind="release")
    assert "(nobody boils)" in row.reason


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


def test_a_port_that_is_taken_is_told():
    with socket.create_server(("127.0.0.1", 0)) as other:
        words = ["ui", "--no-browser", "--port", str(other.getsockname()[1])]
        ended = CliRunner().invoke(cli, words, standalone_mode=False)
    assert isinstance(ended.exception, ConfigurationError)
    assert "choose another one with --port" in str(ended.exception)

"""The page in a real browser: every view by axe-core in both schemes, every action by keyboard."""

from __future__ import annotations

import os
import re
import shutil
import threading
import time
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn
from playwright.sync_api import expect, sync_playwright

from reverse_sf.ledger.store import Ledger
from reverse_sf.mapping.definition import Direction
from reverse_sf.ui.app import application
from tests.contract.ui_fixtures import EVIL, prepare, site

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, ConsoleMessage, Page

    from reverse_sf.ui.site import Site

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("ui")]

DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
VIEWS = (
    "/",
    "/logs",
    "/logs?status=422",
    "/logs/2",
    "/logs/3",
    "/records",
    "/records/sf-one",
    "/records/sf-two",
    "/parked",
    "/parked/sf-two",
    "/conflicts",
    "/conflicts/2",
    "/mapping",
    "/mapping/text",
    "/mapping/field?path=objects[0].fields[3]",
    "/mapping/rule?path=objects[0].address",
    "/mapping/directions?pair=objects[0]",
    "/plan",
    "/nowhere",
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = shutil.which("chromium")
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("chromium is not here, and CI needs it: make chromium")
        pytest.skip("chromium is not here: make chromium installs it")
    with sync_playwright() as playwright:
        # Its sandbox does not start for root, as which a container's tests run.
        chromium = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    prepare(folder)
    return folder


@pytest.fixture(scope="module")
def served(project) -> Iterator[tuple[str, Site]]:
    """The page, listening; its address with the token."""
    shown = site(project)
    shown.look_every = 1
    server = uvicorn.Server(uvicorn.Config(application(shown), port=0, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}", shown
    server.should_exit = True
    thread.join()


@pytest.fixture(scope="module")
def tab(browser, served) -> Iterator[Page]:
    """A tab of a browser that began with the start address and has the cookie."""
    address, shown = served
    context = browser.new_context(base_url=address, viewport=DESKTOP)
    context.set_default_timeout(15_000)
    page = context.new_page()
    page.goto(f"/?token={shown.keys.token}")
    assert "token" not in page.url
    yield page
    context.close()


@pytest.fixture
def anywhere(tab) -> Iterator[Page]:
    """The tab, wherever the last test left it."""
    complaints: list[str] = []

    def hear(one: ConsoleMessage) -> None:
        if one.type == "error":
            complaints.append(one.text)

    tab.on("console", hear)
    yield tab
    tab.remove_listener("console", hear)
    # A policy that the page itself breaks is told there; a page that is not there is, too.
    assert [one for one in complaints if "404" not in one] == []


@pytest.fixture
def page(anywhere) -> Page:
    """The tab, at the status."""
    anywhere.goto("/")
    return anywhere


def violations(page: Page, *rules: str) -> list[Any]:
    """Of every rule of axe-core, or of these."""
    options = {"resultTypes": ["violations"], **({"runOnly": list(rules)} if rules else {})}
    found = page.evaluate("async (how) => (await axe.run(how)).violations", options)
    return [(one["id"], [node["target"] for node in one["nodes"]]) for one in found]


def assert_accessible(page: Page) -> None:
    """No violation in both schemes, on a desk and a phone; nothing wider than the screen."""
    page.evaluate(AXE)
    for width in (1280, 1024, 820, 390):
        page.set_viewport_size({"width": width, "height": 800})
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"{page.url} is {wide} wide on {width}"
    for size in (DESKTOP, PHONE):
        page.set_viewport_size(size)
        # The scheme changes colours alone.
        for scheme, rules in (("light", ()), ("dark", ("color-contrast",))):
            page.emulate_media(color_scheme=scheme)
            assert violations(page, *rules) == [], f"{page.url} {scheme} {size['width']}"
    page.set_viewport_size(DESKTOP)


@pytest.mark.parametrize("path", VIEWS)
def test_a_view_has_no_violation_in_light_and_dark_on_a_desk_and_a_phone(anywhere, path):
    anywhere.goto(path)
    anywhere.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert_accessible(anywhere)


def test_a_stranger_sees_an_accessible_refusal(browser, served):
    context = browser.new_context(base_url=served[0])
    page = context.new_page()
    assert page.goto("/").status == 403
    assert_accessible(page)
    context.close()


def test_the_colours_follow_the_scheme(page):
    seen = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        seen.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert seen[0] != seen[1]


# ---------------------------------------------------------------- by keyboard alone

FOCUS = """() => {
    const one = document.activeElement, style = getComputedStyle(one);
    const label = one.labels && one.labels[0] ? one.labels[0].innerText : one.innerText;
    if (one === document.body) return {name: "", seen: false};
    return {
        name: (label || one.getAttribute("aria-label") || "").replace(/\\s+/g, " ").trim(),
        seen: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
    };
}"""


def tab_to(page: Page, name: str) -> None:
    """Press Tab until something with this name has the focus, which must be visible on the way."""
    # A page that is on its way has neither all its links nor its style yet.
    page.wait_for_load_state("load")
    for _ in range(120):
        page.keyboard.press("Tab")
        focus = page.evaluate(FOCUS)
        if focus["name"] and not focus["seen"]:
            page.wait_for_function(f"() => {{ const one = ({FOCUS})(); return one.seen; }}")
            focus = page.evaluate(FOCUS)
        assert focus["seen"] or not focus["name"], f"the focus on {focus['name']} is not visible"
        if re.match(name, focus["name"]):
            return
    pytest.fail(f"{name} is not reached by Tab on {page.url}")


def press(page: Page, name: str) -> None:
    """Go to a link or a button and press Enter."""
    tab_to(page, name)
    page.keyboard.press("Enter")


def follow(page: Page, name: str) -> None:
    """The same, where another page comes."""
    tab_to(page, name)
    with page.expect_navigation():
        page.keyboard.press("Enter")


def type_into(page: Page, name: str, text: str) -> None:
    tab_to(page, name)
    page.keyboard.press("Control+A")
    page.keyboard.type(text)


def heading(page: Page, name: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(name)


def test_the_skip_link_leads_to_the_content(page):
    press(page, "Skip to the content")
    assert page.evaluate("document.activeElement.id") == "content"


def test_the_log_is_filtered_and_a_row_opened(page):
    follow(page, "Logs")
    heading(page, "Logs")
    press(page, "Filters")
    type_into(page, "HTTP status", "422")
    page.keyboard.press("Enter")
    expect(page.get_by_role("row")).to_have_count(2)
    follow(page, "3 row")
    heading(page, "Log row 3")
    expect(page.get_by_text("Phone number is not valid.")).to_be_visible()


def test_a_choice_of_a_filter_is_made(page):
    page.goto("/parked")
    tab_to(page, "Reason")
    page.keyboard.type("rej")
    follow(page, "Show")
    expect(page).to_have_url(re.compile("reason=rejected"))
    expect(page.get_by_role("rowheader")).to_have_text(re.compile("sf-two"))


def test_a_record_is_found(page):
    type_into(page, "Find a record", "sp-one")
    page.keyboard.press("Enter")
    heading(page, "Record sp-one")
    expect(page.get_by_text("What happened, oldest first")).to_be_visible()


def test_what_a_person_wrote_runs_nowhere(page):
    page.on("dialog", lambda _: pytest.fail("a script of a record ran"))
    page.goto("/conflicts/2")
    expect(page.get_by_text(EVIL)).to_be_visible()


def test_parked_work_is_tried_again(page, served):
    follow(page, "Parked")
    follow(page, "sf-two")
    heading(page, "Parked of sf-two")
    follow(page, "Try again in the next run")
    expect(page.get_by_role("status")).to_have_text("1 withheld row will be tried in the next run.")
    with Ledger.open(served[1].ledger_uri) as ledger:
        assert {one.reason for one in ledger.parked_rows() if one.next_attempt_at} == {"rejected"}


def test_all_parked_work_that_is_listed_is_tried_again(page):
    page.goto("/parked?reason=choice_unmapped")
    follow(page, "Try again")
    expect(page.get_by_role("status")).to_have_text("1 withheld row will be tried in the next run.")
    expect(page).to_have_url(re.compile("reason=choice_unmapped"))


def test_parked_work_is_let_go_of(page, served):
    page.goto("/parked/sf-three")
    page.get_by_label("Why, for the log").fill("nobody boils")
    follow(page, "Leave it as it is")
    expect(page.get_by_role("status")).to_have_text("1 withheld row let go of.")
    with Ledger.open(served[1].ledger_uri) as ledger:
        assert {one.reason for one in ledger.parked_rows()} == {"rejected"}
        (row,) = ledger.log_rows(kind="release")
    assert "(nobody boils)" in row.reason


def test_a_conflict_is_opened_and_its_value_restored(page, served):
    follow(page, "Conflicts")
    follow(page, "1 conflict")
    heading(page, "Conflict 1")
    follow(page, "Restore the value")
    expect(page.get_by_role("status")).to_contain_text("will be mine.example again")
    with Ledger.open(served[1].ledger_uri) as ledger:
        ((asked,),) = ledger.asked(Direction.TO_SALESFORCE).values()
    assert asked.value == "mine.example"


def test_a_check_is_stopped(page, project):
    hold = project / "hold-check"
    hold.touch()
    page.goto("/mapping")
    follow(page, "Check against both systems")
    follow(page, "do not")
    follow(page, "Stop the check")
    hold.unlink()
    expect(page.get_by_text("check was stopped")).to_be_visible()
    expect(page.get_by_text("Checked without the two systems")).to_be_visible()


def test_the_mapping_is_checked_against_both_systems(page):
    follow(page, "Mapping")
    follow(page, "Check against both systems")
    expect(page.get_by_text("Checked against both systems:")).to_be_visible()
    tab_to(page, "3 choices, proof")
    page.keyboard.press("Enter")
    expect(page.get_by_text("changes: Cold -> Hot -> Warm")).to_be_visible()
    assert_accessible(page)


def test_a_rule_is_changed_seen_as_a_difference_and_saved(page, project):
    before = (project / "sync.yml").read_text()
    page.goto("/mapping")
    follow(page, "Edit Website and Website")
    tab_to(page, "Rule")
    page.keyboard.type("SPOTIO only")
    follow(page, "Show what would change")
    heading(page, "What would change")
    expect(page.locator(".added")).to_contain_text("rule: spotio_only}  # the reps know better")
    assert_accessible(page)
    assert (project / "sync.yml").read_text() == before
    follow(page, "Save")
    expect(page.get_by_role("status")).to_contain_text("Saved to")
    assert (project / "sync.yml").read_text() == before.replace(
        "rule: two_way}  # the reps", "rule: spotio_only} # the reps"
    )


def switch(page: Page) -> None:
    follow(page, "Switch directions of Contacts and Contact")
    tab_to(page, "SPOTIO to Salesforce")
    page.keyboard.press("Space")


def add(page: Page) -> None:
    follow(page, "Add a field to Accounts and Account")
    type_into(page, "SPOTIO field", "Employees")
    type_into(page, "Salesforce field", "NumberOfEmployees")


def choose(page: Page) -> None:
    follow(page, "Edit Rating and Rating")
    tab_to(page, "Choices")
    page.keyboard.press("Control+End")
    page.keyboard.type("Boiling: Hot")


def rule_the_address(page: Page) -> None:
    follow(page, "Edit Address and BillingStreet")
    tab_to(page, "Address")
    page.keyboard.type("SPOTIO unless")


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (switch, "to_salesforce: {enabled: true}"),
        (add, "- {spotio: Employees, salesforce: NumberOfEmployees, rule: two_way}"),
        (choose, "Boiling: Hot"),
        (rule_the_address, "rule: spotio_unless_blank"),
    ],
)
def test_a_change_is_asked_for_and_not_saved(page, project, change, line):
    before = (project / "sync.yml").read_text()
    page.goto("/mapping")
    change(page)
    follow(page, "Show what would change")
    expect(page.locator(".added")).to_have_text(re.compile(rf"^\+ +{re.escape(line)}$"))
    follow(page, "Do not save")
    assert (project / "sync.yml").read_text() == before


def test_a_field_is_asked_to_be_taken_out(page):
    page.goto("/mapping")
    follow(page, "Edit Phone and Phone")
    follow(page, "Take it out")
    expect(page.locator(".removed")).to_contain_text("{spotio: Phone")


def test_a_text_that_is_not_sound_is_refused_and_kept_to_be_mended(page, project):
    before = (project / "sync.yml").read_text()
    page.goto("/mapping")
    follow(page, "Edit the text of the definition")
    type_into(page, str(project / "sync.yml"), "version: 1\nobjects: 3\n")
    follow(page, "Show what would change")
    expect(page.get_by_role("alert")).to_contain_text("line 2")
    expect(page.get_by_role("button", name="Save")).to_have_count(0)
    expect(page.get_by_role("textbox", name="sync.yml")).to_have_value("version: 1\nobjects: 3\n")
    assert_accessible(page)
    assert (project / "sync.yml").read_text() == before


def test_a_plan_is_stopped_made_and_carried_out(page, project):
    hold = project / "hold-plan"
    hold.touch()
    follow(page, "Plan")
    follow(page, "Plan the next run")
    expect(page.get_by_text("Planning", exact=True)).to_be_visible()
    follow(page, "Hold still")
    expect(page.get_by_text("Look again by itself")).to_be_visible()
    assert_accessible(page)
    follow(page, "Stop")
    expect(page.get_by_text("It was stopped.")).to_be_visible()
    hold.unlink()

    follow(page, "Plan the next run")
    # The page looks again by itself.
    expect(page.get_by_text("newest.example")).to_be_visible()
    assert_accessible(page)
    follow(page, "Carry out the plan")
    expect(page.get_by_text("1 as planned")).to_be_visible()
    assert_accessible(page)

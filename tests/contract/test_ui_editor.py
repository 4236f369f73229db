"""The page edits sync.yml: the difference first, comments kept, nothing unsound saved."""

# ruff: noqa: F811 - a test asks for an imported fixture by naming it

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING

import pytest

from tests.contract.ui_pages import outside, page, prepared  # noqa: F401 - fixtures

if TYPE_CHECKING:
    from tests.contract.ui_pages import Page


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

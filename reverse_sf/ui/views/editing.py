"""Edit ``sync.yml``: a change is asked for, shown as a difference, checked, and only then saved.

Object mappings have forms; whatever else is in the file is edited as the text that it is.
"""

from __future__ import annotations

from difflib import unified_diff
from typing import TYPE_CHECKING, Any

import msgspec

from reverse_sf.cli.check import check_alone
from reverse_sf.errors import ConfigurationError, UsageError
from reverse_sf.mapping.definition import Direction, SyncRule
from reverse_sf.mapping.document import parse
from reverse_sf.mapping.edits import (
    FieldEdit,
    choices_text,
    with_direction,
    with_field,
    with_new_field,
    with_rule,
    without_field,
)
from reverse_sf.sync_file import SyncText, read_sync_text, write_sync_text
from reverse_sf.ui.site import form_of, given, site_of
from reverse_sf.ui.wording import RULES

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from reverse_sf.mapping.definition import ObjectMapping, SyncDefinition
    from reverse_sf.ui.site import Site

_RULES = [(rule.value, f"{name}: {meaning}") for rule, (_, name, meaning) in RULES.items()]
_KINDS = {"@@": "place", "++": "place", "--": "place", "+": "added", "-": "removed"}


def field(request: Request) -> Response:
    """The form of a field pair that is there, or of a new one."""
    site = site_of(request)
    definition, kept = site.definition(), read_sync_text(site.sync_file)
    path, pair = given(request, "path"), given(request, "pair")
    if path is None:
        mapping = _pair(definition, pair)
        edit, choices = FieldEdit("", "", SyncRule.TWO_WAY), ""
        title = f"Add a field to {mapping.spotio} and {mapping.salesforce}"
    else:
        found = next(
            ((one, each) for one in definition.objects for each in one.fields if each.path == path),
            None,
        )
        if found is None:
            raise UsageError(f"the definition has no {path}")
        mapping, one = found
        edit = FieldEdit(
            one.spotio,
            one.salesforce,
            one.rule,
            omit_on_create=one.omit_on_create,
            truncate=one.truncate,
            strict=one.conversion.value == "strict",
            normal_form=one.compare.value == "normal_form",
        )
        choices = choices_text(kept.text, path)
        title = f"{one.spotio} and {one.salesforce}"
    return site.page(
        request,
        "field.html",
        title,
        path=path or "",
        pair=mapping.path,
        edit=edit,
        choices=choices,
        rules=_RULES,
        digest=kept.digest,
    )


def rule(request: Request) -> Response:
    """The form of the rule of an address, an owner or a parent."""
    site = site_of(request)
    definition = site.definition()
    path = given(request, "path")
    found = next(
        (
            (part, each)
            for one in definition.objects
            for part, each in (
                ("Address", one.address),
                ("Owner", one.owner),
                ("Parent", one.parent),
            )
            if each is not None and each.path and each.path == path
        ),
        None,
    )
    if found is None:
        raise UsageError(f"the definition has no {path}")
    return site.page(
        request,
        "rule.html",
        f"Rule of {path}",
        path=path,
        part=found[0],
        chosen=found[1].rule.value,
        rules=_RULES,
        digest=site.digest(),
    )


def directions(request: Request) -> Response:
    """The form that switches the directions of an object mapping."""
    site = site_of(request)
    mapping = _pair(site.definition(), given(request, "pair"))
    return site.page(
        request,
        "directions.html",
        f"Directions of {mapping.spotio} and {mapping.salesforce}",
        mapping=mapping,
        digest=site.digest(),
    )


def text(request: Request) -> Response:
    """The whole file as a text."""
    site = site_of(request)
    kept = read_sync_text(site.sync_file)
    return site.page(
        request, "text.html", "Edit the definition", text=kept.text, digest=kept.digest
    )


def _pair(definition: SyncDefinition, path: str | None) -> ObjectMapping:
    found = next((one for one in definition.objects if one.path == path), None)
    if found is None:
        raise UsageError(f"the definition has no {path}")
    return found


def preview(request: Request) -> Response:
    """What a change would do to the file, and what the check says of the result."""
    site = site_of(request)
    form = form_of(request)
    kept = _unchanged(site, form)
    return _shown(request, site, kept, _changed(kept.text, form))


def save(request: Request) -> Response:
    """Save what was shown, if the check passes it and nobody has changed the file meanwhile."""
    site = site_of(request)
    form = form_of(request)
    kept, new = _unchanged(site, form), _lines(form.get("text", ""))
    if _refused(site, new):
        return _shown(request, site, kept, new, status=409)
    write_sync_text(site.sync_file, new, kept)
    return site.done(f"Saved to {site.sync_file}. The next run decides by it.", "/mapping")


def _unchanged(site: Site, form: dict[str, str]) -> SyncText:
    """The file, as long as it is the one that the form was made of.

    Raises:
        ConfigurationError: somebody has changed it.
    """
    kept = read_sync_text(site.sync_file)
    if form.get("digest") != kept.digest:
        raise ConfigurationError(
            f"{site.sync_file} has changed since this form was loaded: load it again; nothing was"
            " saved"
        )
    return kept


def _lines(said: str) -> str:
    """A text of a form, whose lines a browser ends in its own way."""
    return said.replace("\r\n", "\n")


def _changed(before: str, form: dict[str, str]) -> str:
    """The new text of the file that a form asks for."""
    path, what = form.get("path", ""), form.get("what")
    if what == "text":
        return _lines(form.get("text", ""))
    if what == "remove":
        return without_field(before, path)
    if what == "rule":
        return with_rule(before, path, _rule(form))
    if what == "directions":
        for one in Direction:
            before = with_direction(before, path, one, enabled=one.value in form)
        return before
    edit = FieldEdit(
        form.get("spotio", "").strip(),
        form.get("salesforce", "").strip(),
        _rule(form),
        choices=_lines(form.get("choices", "")),
        omit_on_create="omit_on_create" in form,
        truncate="truncate" in form,
        strict="strict" in form,
        normal_form="normal_form" in form,
    )
    if what == "add":
        return with_new_field(before, path, edit)
    if what == "field":
        return with_field(before, path, edit)
    raise UsageError("the page knows no such change")


def _rule(form: dict[str, str]) -> SyncRule:
    try:
        return SyncRule(form.get("rule", ""))
    except ValueError:
        raise UsageError(f"there is no rule {form.get('rule', '')}") from None


def _refused(site: Site, new: str) -> bool:
    problems, findings = _judged(site, new)
    return bool(problems) or any(one["severity"] == "error" for one in findings)


def _judged(site: Site, new: str) -> tuple[list[str], list[dict[str, Any]]]:
    """What ``check --offline`` says: problems of the file itself, and findings."""
    try:
        report = check_alone(parse(new, str(site.sync_file)))
    except ConfigurationError as error:
        return list(error.problems) or [str(error)], []
    findings = msgspec.json.decode(msgspec.json.encode(report.as_json()))["problems"]
    return [], findings


def _shown(
    request: Request, site: Site, kept: SyncText, new: str, *, status: int = 200
) -> Response:
    problems, findings = _judged(site, new)
    before = _judged(site, kept.text)[1]
    # By their words: paths move when a field comes or goes.
    known = {(one["severity"], one["message"]) for one in before if one["severity"] != "error"}
    difference = [
        (next((kind for mark, kind in _KINDS.items() if line.startswith(mark)), ""), line)
        for line in unified_diff(
            kept.text.splitlines(), new.splitlines(), "as it is", "as it would be", lineterm=""
        )
    ]
    return site.page(
        request,
        "preview.html",
        "What would change",
        status=status,
        difference=difference,
        problems=problems,
        new_findings=[one for one in findings if (one["severity"], one["message"]) not in known],
        refused=_refused(site, new),
        text=new,
        digest=kept.digest,
    )

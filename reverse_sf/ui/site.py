"""What every view of the page shares: where the project's files are, and how a page is drawn."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse, RedirectResponse

from reverse_sf.cli.rendering import in_words, to_the_second
from reverse_sf.cli.settings import ledger_uri_of, open_ledger
from reverse_sf.errors import ConfigurationError, UsageError
from reverse_sf.ledger.address import parse as parse_ledger_uri
from reverse_sf.sync_file import read_sync_file, read_sync_text

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.requests import Request
    from starlette.responses import Response

    from reverse_sf.ledger.store import Ledger
    from reverse_sf.mapping.definition import SyncDefinition
    from reverse_sf.ui.jobs import Jobs
    from reverse_sf.ui.security import Keys

NAVIGATION = (
    ("/", "Status"),
    ("/logs", "Logs"),
    ("/parked", "Parked"),
    ("/conflicts", "Conflicts"),
    ("/mapping", "Mapping"),
    ("/plan", "Plan"),
)


def _pretty(value: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("reverse_sf.ui"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"words": in_words, "second": to_the_second, "pretty": _pretty}
    return environment


@dataclass
class Site:
    """One page that is served.

    Attributes:
        keys: the server's secrets.
        jobs: its long work.
        sync_file: the definition that it shows and edits.
        ledger_uri: option of the command; None for the setting.
        notices: what the last action did; shown once, by the next page.
        look_every: after how many seconds a page looks again at what is at work.
        checked: digest of the file that the last check against both systems was of.
    """

    keys: Keys
    jobs: Jobs
    sync_file: Path
    ledger_uri: str | None = None
    notices: list[str] = field(default_factory=list)
    look_every: int = 2
    checked: str | None = None
    _environment: Environment = field(default_factory=_templates)

    def ledger(self) -> Ledger:
        """The ledger, to be closed.

        Raises:
            ConfigurationError: there is none yet.
        """
        return open_ledger(self.ledger_uri)

    def definition(self) -> SyncDefinition:
        """The definition as the file says now.

        Raises:
            ConfigurationError: it is not there or has problems.
        """
        return read_sync_file(self.sync_file)

    def digest(self) -> str:
        """Of the definition's file as it is now: another one tells that somebody has changed it.

        Raises:
            ConfigurationError: it cannot be read.
        """
        return read_sync_text(self.sync_file).digest

    def page(
        self, request: Request, template: str, title: str, *, status: int = 200, **values: Any
    ) -> Response:
        """A page of the site.

        Args:
            request: what it answers.
            template: its file.
            title: its heading.
            status: HTTP status.
            values: for the template.
        """
        path = request.url.path
        here = next(
            (one for one, _ in reversed(NAVIGATION) if path == one or path.startswith(f"{one}/")),
            "",
        )
        shown = list(self.notices)
        self.notices.clear()
        html = self._environment.get_template(template).render(
            title=title,
            navigation=NAVIGATION,
            here=here,
            notices=shown,
            csrf=self.keys.csrf,
            at_work=self.jobs.at_work,
            ledger=_shown(self.ledger_uri),
            sync_file=str(self.sync_file),
            **values,
        )
        return HTMLResponse(html, status)

    def refused(self, request: Request, status: int, sentence: str) -> Response:
        """The answer to a request that may not see the page; nothing of the project is on it."""
        del request
        template = self._environment.get_template("refused.html")
        return HTMLResponse(template.render(sentence=sentence), status)

    def failed(self, request: Request, error: Exception) -> Response:
        """The page of an error of our own tree: what is the matter, and what can be done."""
        problems = error.problems if isinstance(error, ConfigurationError) else ()
        return self.page(
            request,
            "error.html",
            "This did not work",
            status=404 if isinstance(error, UsageError) else 409,
            sentence=str(error),
            problems=problems,
        )

    def done(self, sentence: str, to: str) -> Response:
        """The answer to an action: say what was done, on the page that follows."""
        self.notices.append(sentence)
        return RedirectResponse(to, status_code=303)


def site_of(request: Request) -> Site:
    """The site that a request is for."""
    site: Site = request.app.state.site
    return site


def given(request: Request, name: str) -> str | None:
    """A value of the query; None where it is absent or blank."""
    return request.query_params.get(name, "").strip() or None


def form_of(request: Request) -> dict[str, str]:
    """The form of a POST, which the guard has read."""
    form: dict[str, str] = request.state.form
    return form


def number_of(text: str | None, name: str, *, default: int | None = None) -> int | None:
    """A whole number of a query.

    Raises:
        UsageError: it is none.
    """
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 12:  # noqa: PLR2004
        raise UsageError(f"{name} is not a whole number: {text}")
    return int(text)


def _shown(uri: str | None) -> str:
    """Where the ledger is, for people; never with a password."""
    try:
        return parse_ledger_uri(ledger_uri_of(uri), looking=True).shown
    except ConfigurationError:
        return "not configured"

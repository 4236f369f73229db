"""``reverse-sf connection``: who is connected where, and what the sync lacks there."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reverse_sf.cli.rendering import say, say_json, show
from reverse_sf.cli.settings import sync_file as find_sync_file
from reverse_sf.cli.systems import org_of, salesforce_client, spotio_client
from reverse_sf.errors import AccessError, ConfigurationError, Exit, ReverseSFError
from reverse_sf.mapping.permissions import missing_permissions
from reverse_sf.salesforce.soql import Select
from reverse_sf.spotio.company import company_id
from reverse_sf.sync_file import read_sync_file

if TYPE_CHECKING:
    from reverse_sf.mapping.definition import SyncDefinition
    from reverse_sf.salesforce import SalesforceClient
    from reverse_sf.spotio.client import Spotio


@dataclass(frozen=True)
class SalesforceConnection:
    """An accepted login of Salesforce, in its own words."""

    user: str
    email: str | None
    name: str | None
    org_id: str | None
    org: str | None
    sandbox: bool | None
    instance: str
    api_version: str
    calls_left_today: int | None
    calls_a_day: int | None

    @classmethod
    def of(cls, client: SalesforceClient) -> SalesforceConnection:
        """Ask who we are; three small calls."""
        who = client.call("GET", "/services/oauth2/userinfo", what="ask who is logged in").json()
        org = _organization(client)
        limits = _daily_calls(client)
        return cls(
            user=str(who.get("preferred_username") or who.get("user_id") or ""),
            email=who.get("email"),
            name=who.get("name"),
            org_id=who.get("organization_id") or client.organization_id,
            org=org.get("Name"),
            sandbox=None if org.get("IsSandbox") is None else bool(org["IsSandbox"]),
            instance=client.session.login.instance,
            api_version=client.api_version,
            calls_left_today=limits.get("Remaining"),
            calls_a_day=limits.get("Max"),
        )

    @property
    def sentence(self) -> str:
        """For people."""
        kind = {None: "org", True: "sandbox", False: "production org"}[self.sandbox]
        return f"{self.user} in the {kind} {self.org or self.org_id}"


def _organization(client: SalesforceClient) -> dict[str, Any]:
    try:
        page = client.query(
            Select(source="Organization", fields=("Id", "Name", "IsSandbox", "OrganizationType"))
        )
    except (AccessError, ConfigurationError):
        # A user without the right to see the org's own record; the rest is known without it.
        return {}
    return dict(page.records[0]) if page.records else {}


def _daily_calls(client: SalesforceClient) -> dict[str, int]:
    try:
        limits = client.call("GET", "limits", what="ask for the limits").json()
    except AccessError:
        # "View Setup and Configuration" is not everybody's.
        return {}
    found = limits.get("DailyApiRequests")
    return found if isinstance(found, dict) else {}


@dataclass(frozen=True)
class SpotioConnection:
    """An accepted API key of SPOTIO."""

    user: str | None
    name: str | None
    role: str | None
    company_id: str | None
    api_url: str
    users: int

    @classmethod
    def of(cls, client: Spotio, api_url: str) -> SpotioConnection:
        """Ask who we are.

        Raises:
            RefusedError: SPOTIO refuses the key, or its user is no Admin.
        """
        users = client.users()
        client.check_key(users)
        owner = client.key_owner(users)
        return cls(
            user=owner.email if owner else None,
            name=owner.name if owner else None,
            role=owner.role if owner else None,
            company_id=company_id(client.session),
            api_url=api_url,
            users=len(users),
        )

    @property
    def sentence(self) -> str:
        """For people."""
        company = f" in the company {self.company_id}" if self.company_id else ""
        return f"{self.user or 'an API key'}{company} of SPOTIO"


@dataclass(frozen=True)
class _Answer:
    """One system's part of the page."""

    connected: bool
    code: Exit
    message: str = ""
    details: SalesforceConnection | SpotioConnection | None = None
    missing: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        details = asdict(self.details) if self.details else {}
        return {
            "connected": self.connected,
            "message": self.message,
            **details,
            "missing_permissions": self.missing,
        }


@click.command("connection")
@click.option(
    "--sync-file",
    type=click.Path(path_type=Path),
    help="The sync definition.  [default: setting sync_file, or sync.yml]",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON in place of tables.")
def connection(*, sync_file: Path | None, as_json: bool) -> int:
    """Show who is connected where, and what the configured sync may not do there.

    Of Salesforce: user, e-mail, org, sandbox or production, API version, API calls left today, and
    every right that sync.yml needs and the user lacks. Of SPOTIO: the API key's user, role and
    company; a key that is no Admin's is refused, because it would see a part of the records only.
    Reads both systems and writes nothing; no secret is shown.

    Exit codes: 0 both are connected and nothing is missing, 2 one is not configured, 3 one is
    refused or lacks a right.
    """
    path = find_sync_file(sync_file)
    definition = read_sync_file(path) if path.exists() else None
    answers = {"salesforce": _salesforce(definition), "spotio": _spotio()}
    if as_json:
        say_json({name: answer.as_json() for name, answer in answers.items()})
    else:
        for name, answer in answers.items():
            _show(name, answer)
    return max(answer.code for answer in answers.values())


def _salesforce(definition: SyncDefinition | None) -> _Answer:
    try:
        with closing(salesforce_client("or run reverse-sf connect salesforce")) as client:
            found = SalesforceConnection.of(client)
            missing: tuple[str, ...] = ()
            if definition is not None:
                missing = tuple(missing_permissions(definition, org_of(client, definition)))
    except ReverseSFError as error:
        return _failed(error)
    code = Exit.REFUSED if missing else Exit.DONE
    return _Answer(connected=True, code=code, details=found, missing=missing)


def _spotio() -> _Answer:
    try:
        with closing(spotio_client("or run reverse-sf connect spotio")) as client:
            found = SpotioConnection.of(client, client.session.api_url)
    except ReverseSFError as error:
        return _failed(error)
    return _Answer(connected=True, code=Exit.DONE, details=found)


def _failed(error: ReverseSFError) -> _Answer:
    problems = error.problems if isinstance(error, ConfigurationError) else ()
    words = "; ".join([str(error), *problems])
    return _Answer(connected=False, code=error.exit_code, message=words)


_WORDS = {
    "user": "user",
    "email": "e-mail",
    "name": "name",
    "org_id": "org Id",
    "org": "org",
    "instance": "host",
    "api_version": "API version",
    "role": "role",
    "company_id": "company",
    "api_url": "address",
    "users": "users seen",
}


def _show(name: str, answer: _Answer) -> None:
    title = {"salesforce": "Salesforce", "spotio": "SPOTIO"}[name]
    if answer.details is None:
        say(f"{title}: not connected. {answer.message}")
        say()
        return
    details = asdict(answer.details)
    rows = [(words, str(details[key] or "")) for key, words in _WORDS.items() if key in details]
    if isinstance(answer.details, SalesforceConnection):
        kind = {None: "not told", True: "sandbox", False: "production"}[answer.details.sandbox]
        left, limit = answer.details.calls_left_today, answer.details.calls_a_day
        calls = "not told" if left is None else f"{left:,} of {limit:,}"
        rows += [("kind", kind), ("API calls left today", calls)]
        lacking = answer.missing or ("none",)
        rows += [("missing rights", one) for one in lacking]
    show(title, ("", ""), rows)
    say()

"""What the two systems say of themselves, fetched for ``reverse-sf check``."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from reverse_sf.cli.settings import (
    SALESFORCE_PREFIXES,
    SPOTIO_PREFIXES,
    connection_settings,
    is_true,
)
from reverse_sf.errors import ConfigurationError, ReverseSFError
from reverse_sf.mapping.metadata import Person, SalesforceObject, SalesforceOrg, Workflow
from reverse_sf.salesforce import DEFAULT_API_VERSION, Credentials, SalesforceClient
from reverse_sf.salesforce.soql import Select, quoted
from reverse_sf.spotio.client import Spotio
from reverse_sf.spotio.session import DEFAULT_API_URL, Session
from reverse_sf.spotio.session import Credentials as SpotioKey

if TYPE_CHECKING:
    from reverse_sf.mapping.definition import SyncDefinition

_OFFLINE = "or check the file alone with --offline"


def read_salesforce(definition: SyncDefinition) -> tuple[SalesforceOrg, tuple[Person, ...]]:
    """Describe the mapped objects and find the users that the definition names.

    Raises:
        ConfigurationError: the settings of a login are not there or not complete.
        RefusedError: Salesforce refuses the login or the user.
    """
    settings = connection_settings(SALESFORCE_PREFIXES)
    if not settings:
        raise ConfigurationError(
            "there are no settings of Salesforce in the environment: set TAP_SALESFORCE_LOGIN_URL, "
            f"TAP_SALESFORCE_CLIENT_ID and so on (.env, or the environment in meltano.yml), "
            f"{_OFFLINE}"
        )
    typed = {**settings, "is_sandbox": is_true(settings.get("is_sandbox"))}
    credentials = Credentials.from_settings(typed)
    client = SalesforceClient(
        credentials,
        api_version=settings.get("api_version", DEFAULT_API_VERSION),
        # Checked is what is there now; the next run knows it too.
        cache=credentials.cache(settings, fresh=True),
    )
    with closing(client):
        names = tuple(str(one["name"]) for one in client.describe_global())
        known = {one.salesforce for one in definition.objects} & set(names)
        objects: dict[str, SalesforceObject] = {}
        for name, answer in client.describe_many(sorted(known)).items():
            if isinstance(answer, ReverseSFError):
                raise answer
            objects[name] = SalesforceObject.from_describe(answer)
        return SalesforceOrg(objects, names), _salesforce_people(client, definition)


def _salesforce_people(client: SalesforceClient, definition: SyncDefinition) -> tuple[Person, ...]:
    defaults = (one.owner.salesforce_default for one in definition.objects if one.owner)
    wanted = sorted({one for one in defaults if one is not None})
    if not wanted:
        return ()
    listed = ", ".join(quoted(one) for one in wanted)
    select = Select(
        source="User",
        fields=("Id", "Username", "Email", "IsActive"),
        where=(f"(Username IN ({listed}) OR Email IN ({listed}))",),
    )
    page = client.query(select)
    found = tuple(
        Person(
            id=str(row["Id"]),
            email=row.get("Email"),
            username=row.get("Username"),
            active=bool(row.get("IsActive", True)),
        )
        for row in page.records
    )
    # Nobody found is a finding, and the check takes "no people at all" for "not known".
    return found or (Person(id=""),)


def read_spotio() -> tuple[Workflow, tuple[Person, ...]]:
    """Read SPOTIO's record types and users, and make sure that the key may see everything.

    Raises:
        ConfigurationError: the API key is not in the environment.
        RefusedError: SPOTIO refuses the key, or its user is no Admin.
    """
    settings = connection_settings(SPOTIO_PREFIXES)
    missing = [one for one in ("client_id", "client_secret") if not settings.get(one)]
    if missing:
        names = " and ".join(f"TARGET_SPOTIO_{one.upper()}" for one in missing)
        raise ConfigurationError(
            f"the SPOTIO API key is not in the environment: set {names} (.env, or the environment "
            f"in meltano.yml), {_OFFLINE}"
        )
    key = SpotioKey(settings["client_id"], settings["client_secret"])
    url = settings.get("api_url") or DEFAULT_API_URL
    cache = key.cache(url, settings, fresh=True)
    # The tap's workflow is told by another call; its next run asks.
    cache.drop()
    with closing(Spotio(Session(key, api_url=url, cache=cache))) as spotio:
        users = spotio.users()
        spotio.check_key(users)
        people = tuple(
            Person(id=one.id, email=one.email, active=not one.suspended) for one in users
        )
        return spotio.workflow(), people

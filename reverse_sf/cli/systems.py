"""The two systems, as the commands reach them, and what they say of themselves."""

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
from reverse_sf.mapping.describe import SalesforceObject, SalesforceOrg
from reverse_sf.mapping.known_users import Person, Users
from reverse_sf.salesforce import DEFAULT_API_VERSION, Credentials, SalesforceClient
from reverse_sf.salesforce.soql import Select, quoted
from reverse_sf.salesforce.user_details import BEHIND, FROZEN, Details, rows_of
from reverse_sf.spotio.activity_calls import ActivityCalls
from reverse_sf.spotio.client import Spotio
from reverse_sf.spotio.company import company_id
from reverse_sf.spotio.session import DEFAULT_API_URL, Session
from reverse_sf.spotio.session import Credentials as SpotioKey

if TYPE_CHECKING:
    from reverse_sf.mapping.definition import SyncDefinition
    from reverse_sf.mapping.users import UserSync
    from reverse_sf.mapping.workflow import Workflow

_OFFLINE = "or check the file alone with --offline"


def salesforce_client(hint: str = "") -> SalesforceClient:
    """The org that the environment names; to be closed.

    Args:
        hint: what else can be done where the settings are not there.

    Raises:
        ConfigurationError: the settings of a login are not there or not complete.
    """
    settings = connection_settings(SALESFORCE_PREFIXES)
    if not settings:
        raise ConfigurationError(
            "there are no settings of Salesforce in the environment: set TAP_SALESFORCE_LOGIN_URL, "
            "TAP_SALESFORCE_CLIENT_ID and so on (.env, or the environment in meltano.yml)"
            + (f", {hint}" if hint else "")
        )
    typed = {**settings, "is_sandbox": is_true(settings.get("is_sandbox"))}
    credentials = Credentials.from_settings(typed)
    return SalesforceClient(
        credentials,
        api_version=settings.get("api_version", DEFAULT_API_VERSION),
        # What is there now; the next run knows it too.
        cache=credentials.cache(settings, fresh=True),
    )


def spotio_client(hint: str = "") -> Spotio:
    """The tenant that the environment names; to be closed.

    Args:
        hint: what else can be done where the settings are not there.

    Raises:
        ConfigurationError: the API key is not in the environment.
    """
    settings = connection_settings(SPOTIO_PREFIXES)
    missing = [one for one in ("client_id", "client_secret") if not settings.get(one)]
    if missing:
        names = " and ".join(f"TARGET_SPOTIO_{one.upper()}" for one in missing)
        raise ConfigurationError(
            f"the SPOTIO API key is not in the environment: set {names} (.env, or the environment "
            "in meltano.yml)" + (f", {hint}" if hint else "")
        )
    key = SpotioKey(settings["client_id"], settings["client_secret"])
    url = settings.get("api_url") or DEFAULT_API_URL
    cache = key.cache(url, settings, fresh=True)
    # The tap's workflow is told by another call; its next run asks.
    cache.drop()
    return Spotio(Session(key, api_url=url, cache=cache))


def read_salesforce(
    definition: SyncDefinition,
) -> tuple[SalesforceOrg, Users, str | None]:
    """Describe the mapped objects, find the users that the definition means, and tell the org's Id.

    Raises:
        ConfigurationError: the settings of a login are not there or not complete.
        RefusedError: Salesforce refuses the login or the user.
    """
    with closing(salesforce_client(_OFFLINE)) as client:
        if definition.users.roles:
            users = _selectable(client, definition.users)
        else:
            users = Users(salesforce=_salesforce_people(client, definition))
        return org_of(client, definition), users, client.organization_id


def org_of(client: SalesforceClient, definition: SyncDefinition) -> SalesforceOrg:
    """Describe the mapped objects.

    Raises:
        RefusedError: Salesforce refuses the login or the user.
    """
    names = tuple(str(one["name"]) for one in client.describe_global())
    known = {one.salesforce for one in definition.pairs} & set(names)
    objects: dict[str, SalesforceObject] = {}
    for name, answer in client.describe_many(sorted(known)).items():
        if isinstance(answer, ReverseSFError):
            raise answer
        objects[name] = SalesforceObject.from_describe(answer)
    zone = _time_zone(client) if definition.activities else None
    return SalesforceOrg(objects, names, zone)


def _time_zone(client: SalesforceClient) -> str | None:
    """The org's time zone (Object Reference, Organization)."""
    found = client.query(Select(source="Organization", fields=("TimeZoneSidKey",))).records
    zone = found[0].get("TimeZoneSidKey") if found else None
    return str(zone) if zone else None


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


def _selectable(client: SalesforceClient, sync: UserSync) -> Users:
    """Every user of the org, with what the section asks for.

    Raises:
        ConfigurationError: the section names what is no field of User.
    """
    asked = {one.name for role in sync.roles for one in role.only_when}
    details = Details(client, [name for name in BEHIND if name in asked | {FROZEN}])
    behind = {name for detail in asked & BEHIND.keys() for name in BEHIND[detail]}
    own = ("Id", "Username", "Email", "IsActive")
    fields = (*own, *sorted((asked - BEHIND.keys() | behind) - {*own}))
    rows = rows_of(client, Select("User", fields))
    columns = {name: [row.get(name) for row in rows] for name in fields}
    columns.update(details.columns(columns))
    return Users(
        salesforce=tuple(
            Person(
                id=str(row["Id"]),
                email=row.get("Email"),
                username=row.get("Username"),
                active=bool(row.get("IsActive", True)),
                attributes={name: column[at] for name, column in columns.items()},
            )
            for at, row in enumerate(rows)
        ),
        names=details.names,
    )


def read_templates(definition: SyncDefinition) -> dict[str, list[str]] | None:
    """SPOTIO's activity templates with the names of their results; None where none is mapped.

    Raises:
        ConfigurationError: the API key is not in the environment.
        RefusedError: SPOTIO refuses the key.
    """
    if not definition.activities:
        return None
    with closing(spotio_client(_OFFLINE)) as spotio:
        found = ActivityCalls(spotio.session).templates().values()
        return {one.name: list(one.results.values()) for one in found}


def read_spotio() -> tuple[Workflow, tuple[Person, ...], str | None]:
    """Read SPOTIO's record types, its users and the company's id.

    It makes sure that the key may see everything.

    Raises:
        ConfigurationError: the API key is not in the environment.
        RefusedError: SPOTIO refuses the key, or its user is no Admin.
    """
    with closing(spotio_client(_OFFLINE)) as spotio:
        users = spotio.users()
        spotio.check_key(users)
        people = tuple(
            Person(one.id, one.email, active=not one.suspended, attributes={"role": one.role})
            for one in users
        )
        return spotio.workflow(), people, company_id(spotio.session)

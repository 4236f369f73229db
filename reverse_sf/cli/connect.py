"""``reverse-sf connect`` and ``disconnect``: who the sync works as, kept by Meltano."""

from __future__ import annotations

import sys
import webbrowser
from contextlib import closing
from typing import TYPE_CHECKING

import click

from reverse_sf.cli.connection import SalesforceConnection, SpotioConnection
from reverse_sf.cli.meltano_settings import MeltanoSettings
from reverse_sf.cli.rendering import say, say_json
from reverse_sf.cli.settings import (
    SALESFORCE_PREFIXES,
    SPOTIO_PREFIXES,
    connection_settings,
    is_true,
)
from reverse_sf.errors import ConfigurationError, UsageError
from reverse_sf.salesforce import DEFAULT_API_VERSION, Credentials, SalesforceClient
from reverse_sf.salesforce.authorization import DEFAULT_PORT, Consent, revoke
from reverse_sf.spotio.client import Spotio
from reverse_sf.spotio.session import DEFAULT_API_URL, Session
from reverse_sf.spotio.session import Credentials as SpotioKey

if TYPE_CHECKING:
    from collections.abc import Mapping

_SALESFORCE_PLUGIN = "tap-salesforce"
_SPOTIO_PLUGIN = "target-spotio"
_FORGOTTEN = {
    _SALESFORCE_PLUGIN: ("refresh_token", "client_secret"),
    _SPOTIO_PLUGIN: ("client_id", "client_secret"),
}
_PRODUCTION, _SANDBOX = "https://login.salesforce.com", "https://test.salesforce.com"

_as_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group("connect")
def connect() -> None:
    """Log in to Salesforce or SPOTIO and keep the login in the Meltano project.

    Secrets go into the project's .env through `meltano config set`; none is ever printed, and none
    is an argument of a command. Both directions use the login: target-salesforce and tap-spotio
    take theirs from the same settings. `reverse-sf connection` shows who is connected where.

    Exit codes: 0 connected, 1 nobody answered, 2 settings or no Meltano project, 3 refused.
    """


@connect.command("salesforce")
@click.option("--sandbox", is_flag=True, help="Log in at test.salesforce.com.")
@click.option("--login-url", help="Where to log in, such as https://acme.my.salesforce.com.")
@click.option("--client-id", help="Consumer key of the app.  [default: the setting]")
@click.option("--port", default=DEFAULT_PORT, show_default=True, help="Port of the callback.")
@click.option("--no-browser", is_flag=True, help="Print the address and open no browser.")
@click.option("--wait", "seconds", default=300, show_default=True, help="Seconds to wait.")
@_as_json_option
def salesforce(
    *,
    sandbox: bool,
    login_url: str | None,
    client_id: str | None,
    port: int,
    no_browser: bool,
    seconds: int,
    as_json: bool,
) -> None:
    """Give consent in the browser; the refresh token is kept in .env.

    Needs a connected app or external client app in the org (OAuth, with the scopes api and
    refresh_token) that lists http://localhost:1717/OauthRedirect as a callback URL. Its consumer
    secret is needed only where the app demands one (setting client_secret).

    OAuth 2.0 authorization code flow with PKCE: the code that the browser brings back is worth
    nothing to anybody else. Nothing is kept before Salesforce has accepted the new login.

    Exit codes: 0 connected, 1 nobody answered, 2 settings or no Meltano project, 3 refused.
    """
    if sandbox and login_url:
        raise UsageError("--sandbox and --login-url say the same thing: give one of the two")
    store = MeltanoSettings.of_project()
    known = connection_settings(SALESFORCE_PREFIXES, store.environment())
    url = _login_url(known, login_url, sandbox=sandbox)
    client_id = client_id or known.get("client_id") or click.prompt("Consumer key", err=True)
    secret = known.get("client_secret")
    # Refuses an address that would send secrets in the clear, before anything is sent.
    Credentials(login_url=url)
    with Consent(url, client_id, port=port) as consent:
        _ask(consent.address, consent.callback, browser=not no_browser)
        grant = consent.redeem(consent.wait(seconds), secret)
    given = {"refresh_token": grant.refresh_token, "client_id": client_id}
    further = {"client_secret": secret} if secret else {}
    credentials = Credentials.from_settings({**given, **further, "login_url": url})
    version = known.get("api_version", DEFAULT_API_VERSION)
    with closing(SalesforceClient(credentials, api_version=version)) as client:
        found = SalesforceConnection.of(client)
    store.keep(_SALESFORCE_PLUGIN, _changed(store, _SALESFORCE_PLUGIN, given, known))
    # Last: another variant of the tap may not know the setting, and the token is kept by then.
    store.keep(_SALESFORCE_PLUGIN, host_setting(known, url))
    _connected(store, found, as_json=as_json)


def _changed(
    store: MeltanoSettings, plugin: str, given: Mapping[str, str], known: Mapping[str, str]
) -> dict[str, str]:
    """What is not in ``.env`` as it is given; each setting takes Meltano seconds."""
    return {
        name: value
        for name, value in given.items()
        if known.get(name) != value or not store.holds(plugin, name)
    }


def _login_url(known: Mapping[str, str], given: str | None, *, sandbox: bool) -> str:
    if given or sandbox:
        return given or _SANDBOX
    if known.get("login_url"):
        return known["login_url"]
    if known.get("domain"):
        return f"https://{known['domain'].removesuffix('.salesforce.com')}.salesforce.com"
    return _SANDBOX if is_true(known.get("is_sandbox")) else _PRODUCTION


def host_setting(known: Mapping[str, str], url: str) -> dict[str, str]:
    """The setting that leads to a login host, where what is set leads elsewhere."""
    if _login_url(known, None, sandbox=False) == url:
        return {}
    if url == _SANDBOX and not (known.get("login_url") or known.get("domain")):
        # Every variant of the tap knows this one.
        return {"is_sandbox": "true"}
    return {"login_url": url}


def _ask(address: str, callback: str, *, browser: bool) -> None:
    """Send the person to the consent page; what is told goes beside the answer, not into it."""
    opened = browser and webbrowser.open(address)
    click.echo(
        ("Your browser shows Salesforce. If it does not, open" if opened else "Open")
        + f" this address and allow the access:\n\n  {address}\n\n"
        f"Waiting for the answer at {callback}",
        err=True,
    )


@connect.command("spotio")
@click.option("--client-id", help="Client id of the API key.  [default: the setting, or asked for]")
@click.option("--api-url", help="Base address of SPOTIO's API.  [default: the setting]")
@_as_json_option
def spotio(*, client_id: str | None, api_url: str | None, as_json: bool) -> None:
    """Keep an API key of SPOTIO in .env, after SPOTIO has accepted it.

    An Admin makes the key in SPOTIO (Settings, Integrations, API Access), which shows its secret
    once. The secret is the setting's, where it belongs to this key (TARGET_SPOTIO_CLIENT_SECRET);
    else it is asked for without showing it, or read from standard input, where that is no terminal.

    Exit codes: 0 connected, 2 settings or no Meltano project, 3 the key is refused or no Admin's.
    """
    store = MeltanoSettings.of_project()
    known = connection_settings(SPOTIO_PREFIXES, store.environment())
    # The secret that is set belongs to the key that is set, not to a new one.
    another = client_id is not None and client_id != known.get("client_id", client_id)
    client_id = client_id or known.get("client_id") or click.prompt("Client id", err=True)
    secret = (None if another else known.get("client_secret")) or _secret("Client secret")
    url = api_url or known.get("api_url") or DEFAULT_API_URL
    with closing(Spotio(Session(SpotioKey(client_id, secret), api_url=url))) as client:
        found = SpotioConnection.of(client, url)
    given = {"client_id": client_id, "client_secret": secret}
    given |= {"api_url": url} if url != DEFAULT_API_URL else {}
    store.keep(_SPOTIO_PLUGIN, _changed(store, _SPOTIO_PLUGIN, given, known))
    _connected(store, found, as_json=as_json)


def _secret(what: str) -> str:
    if sys.stdin.isatty():
        return str(click.prompt(what, hide_input=True, err=True))
    given = sys.stdin.readline().strip()
    if not given:
        raise ConfigurationError(f"there is no {what.lower()} on standard input")
    return given


def _connected(
    store: MeltanoSettings, found: SalesforceConnection | SpotioConnection, *, as_json: bool
) -> None:
    if as_json:
        say_json(found)
    else:
        say(f"Connected: {found.sentence}. The login is kept in {store.folder / '.env'}.")
    if not store.is_private:
        click.echo("Take care: git does not ignore .env; add it to .gitignore.", err=True)


@click.command("disconnect")
@click.argument("system", type=click.Choice(["salesforce", "spotio"]))
@_as_json_option
def disconnect(*, system: str, as_json: bool) -> None:
    """End a login: take its secrets out of .env, and revoke the refresh token in Salesforce.

    SPOTIO's API keys can be deleted in its settings only. Links, bases and everything else that
    the ledger holds stay, so that a new login goes on where this one ended.

    Exit codes: 0 done, 1 Salesforce could not be reached and nothing was changed, 2 no Meltano
    project.
    """
    store = MeltanoSettings.of_project()
    revoked = False
    if system == "salesforce":
        known = connection_settings(SALESFORCE_PREFIXES, store.environment())
        token = known.get("refresh_token")
        if token:
            revoked = revoke(_login_url(known, None, sandbox=False), token)
        Credentials.from_settings(known).cache(known).drop_token()
        plugin = _SALESFORCE_PLUGIN
    else:
        known = connection_settings(SPOTIO_PREFIXES, store.environment())
        if known.get("client_id") and known.get("client_secret"):
            key = SpotioKey(known["client_id"], known["client_secret"])
            key.cache(known.get("api_url") or DEFAULT_API_URL, known).drop_token()
        plugin = _SPOTIO_PLUGIN
    kept = [name for name in _FORGOTTEN[plugin] if store.holds(plugin, name)]
    store.forget(plugin, kept)
    elsewhere = [name for name in _FORGOTTEN[plugin] if known.get(name) and name not in kept]
    if as_json:
        say_json({"system": system, "revoked": revoked, "forgotten": kept, "elsewhere": elsewhere})
        return
    file = store.folder / ".env"
    if kept:
        say(f"{' and '.join(kept)} of {plugin}: no longer in {file}.")
    if elsewhere:
        say(
            f"{' and '.join(elsewhere)} of {plugin} came from somewhere else than {file} (the"
            " environment, or meltano.yml), and will be there again: take it out there."
        )
    if system == "spotio":
        say("Delete the API key in SPOTIO as well: Settings, Integrations, API Access.")
    elif revoked:
        say("The refresh token is revoked in Salesforce.")

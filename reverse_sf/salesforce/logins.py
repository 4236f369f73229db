"""What a plugin may be told about logging in: names, titles and meanings of the settings.

Plain facts about :class:`reverse_sf.salesforce.credentials.Credentials`, so that every plugin that
talks to Salesforce is configured alike.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LoginSetting:
    """One setting; all are texts but ``is_sandbox``, which is yes or no.

    Attributes:
        name: of the setting and of the credential.
        title: for people.
        description: what it is for.
        secret: whether it must never be shown.
    """

    name: str
    title: str
    description: str
    secret: bool = False


LOGIN_SETTINGS = (
    LoginSetting(
        "username",
        "Username",
        "Salesforce username, for the password and JWT flows.",
    ),
    LoginSetting(
        "password",
        "Password",
        "Password of the user, for the password flows.",
        secret=True,
    ),
    LoginSetting(
        "security_token",
        "Security token",
        "Security token of the user, as Salesforce e-mails it after a reset.",
        secret=True,
    ),
    LoginSetting(
        "organization_id",
        "Organization id",
        "In place of a security token, where the org trusts this machine's IP range.",
    ),
    LoginSetting(
        "client_id",
        "Consumer key",
        "Consumer key of the connected app or external client app.",
    ),
    LoginSetting(
        "client_secret",
        "Consumer secret",
        "Consumer secret of the app.",
        secret=True,
    ),
    LoginSetting(
        "refresh_token",
        "Refresh token",
        "Refresh token of an OAuth login. Needs client_id.",
        secret=True,
    ),
    LoginSetting(
        "jwt_private_key",
        "JWT private key",
        "PEM text of the RS256 key for the JWT bearer flow. Needs client_id, username.",
        secret=True,
    ),
    LoginSetting(
        "jwt_private_key_file",
        "JWT private key file",
        "File with the PEM text, in place of jwt_private_key.",
    ),
    LoginSetting(
        "jwt_audience",
        "JWT audience",
        "Audience of the JWT where it is not the login host: an address of Salesforce.",
    ),
    LoginSetting(
        "session_id",
        "Session id",
        "An access token that is already there. Needs instance_url; never renewed.",
        secret=True,
    ),
    LoginSetting(
        "login_url",
        "Login URL",
        "Where to log in, such as https://acme.my.salesforce.com. Plain http only on a loopback"
        " host.",
    ),
    LoginSetting(
        "instance_url",
        "Instance URL",
        "Where the API is, if not where the login says.",
    ),
    LoginSetting(
        "domain",
        "My Domain",
        "Login host without .salesforce.com, such as acme.my. The client credentials flow needs"
        " this or login_url.",
    ),
    LoginSetting(
        "is_sandbox",
        "Sandbox",
        "Log in at test.salesforce.com where neither login_url nor domain is set.",
    ),
)

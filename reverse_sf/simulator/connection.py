"""How to reach the local servers: the public credentials of the demo org and the demo tenant."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

CONSUMER_KEY = "demo-consumer-key"
CONSUMER_SECRET = "demo-consumer-secret"
REFRESH_TOKEN = "demo-refresh-token"
PASSWORD = "demo-password"
SECURITY_TOKEN = "demo-token"
INTEGRATION_USERNAME = "integration.user@example.com.demo"
SPOTIO_CLIENT_ID = "demo-client"
SPOTIO_SECRET = "demo-secret"


def environment(
    salesforce_url: str, spotio_url: str, authority: Path | None = None
) -> dict[str, str]:
    """Environment variables that point the taps and targets at the local servers.

    Args:
        salesforce_url: base URL of the Salesforce server.
        spotio_url: base URL of the SPOTIO server.
        authority: the CA file, when the servers speak TLS.
    """
    variables: dict[str, str] = {}
    for plugin in ("TAP_SALESFORCE", "TARGET_SALESFORCE"):
        variables |= {
            f"{plugin}_LOGIN_URL": salesforce_url,
            f"{plugin}_INSTANCE_URL": salesforce_url,
            f"{plugin}_CLIENT_ID": CONSUMER_KEY,
            f"{plugin}_CLIENT_SECRET": CONSUMER_SECRET,
            f"{plugin}_REFRESH_TOKEN": REFRESH_TOKEN,
        }
    for plugin in ("TAP_SPOTIO", "TARGET_SPOTIO"):
        variables |= {
            f"{plugin}_API_URL": spotio_url,
            f"{plugin}_CLIENT_ID": SPOTIO_CLIENT_ID,
            f"{plugin}_CLIENT_SECRET": SPOTIO_SECRET,
        }
    if authority is not None:
        variables |= {"REQUESTS_CA_BUNDLE": str(authority), "SSL_CERT_FILE": str(authority)}
    return variables

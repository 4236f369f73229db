"""Who the caller is: userinfo and the identity URL (keys as recorded)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reverse_sf.simulator.salesforce.exchange import Answer, Call
from reverse_sf.simulator.salesforce.login import require_session
from reverse_sf.simulator.salesforce.place import instance_url, user_url
from reverse_sf.simulator.salesforce.refusal import ApiFault
from reverse_sf.simulator.salesforce.sessions import ORGANIZATION_ID

if TYPE_CHECKING:
    from reverse_sf.simulator.salesforce.service import Service

_REST = "/services/data/v{version}"
_URLS = {
    "enterprise": f"/services/Soap/c/{{version}}/{ORGANIZATION_ID[:15]}",
    "metadata": f"/services/Soap/m/{{version}}/{ORGANIZATION_ID[:15]}",
    "partner": f"/services/Soap/u/{{version}}/{ORGANIZATION_ID[:15]}",
    "rest": f"{_REST}/",
    "sobjects": f"{_REST}/sobjects/",
    "search": f"{_REST}/search/",
    "query": f"{_REST}/query/",
    "recent": f"{_REST}/recent/",
    "tooling_rest": f"{_REST}/tooling/",
    "feeds": f"{_REST}/chatter/feeds",
    "groups": f"{_REST}/chatter/groups",
    "users": f"{_REST}/chatter/users",
    "feed_items": f"{_REST}/chatter/feed-items",
    "feed_elements": f"{_REST}/chatter/feed-elements",
}


def userinfo(service: Service, call: Call) -> Answer:
    """``/services/oauth2/userinfo``: OpenID Connect claims of the caller."""
    session = require_session(service, call)
    user = _user(service, session.username)
    home = instance_url(call)
    return Answer(
        {
            "sub": user_url(call, user["Id"]),
            "user_id": user["Id"],
            "organization_id": ORGANIZATION_ID,
            "preferred_username": user["Username"],
            "nickname": user.get("CommunityNickname") or user["Username"].split("@")[0],
            "name": user.get("Name"),
            "email": user.get("Email"),
            "email_verified": True,
            "given_name": user.get("FirstName"),
            "family_name": user.get("LastName"),
            "zoneinfo": user.get("TimeZoneSidKey") or "America/Los_Angeles",
            "photos": {
                "picture": f"{home}/profilephoto/005/F",
                "thumbnail": f"{home}/profilephoto/005/T",
            },
            "profile": f"{home}/{user['Id']}",
            "picture": f"{home}/profilephoto/005/F",
            "urls": {name: home + path for name, path in _URLS.items()},
            "active": bool(user.get("IsActive", True)),
            "user_type": "STANDARD",
            "language": user.get("LanguageLocaleKey") or "en_US",
            "locale": user.get("LocaleSidKey") or "en_US",
            "utcOffset": -28800000,
            "updated_at": user.get("LastModifiedDate"),
            "is_salesforce_integration_user": False,
        }
    )


def identity(service: Service, call: Call) -> Answer:
    """``/id/<organization>/<user>``: nearly the same, under other names."""
    session = require_session(service, call)
    organization, user_id = call.segments[1:]
    if organization[:15] != ORGANIZATION_ID[:15] or user_id[:15] != session.user_id[:15]:
        raise ApiFault("FORBIDDEN", "Bad_Id", status=403)
    user = _user(service, session.username)
    claims: dict[str, Any] = dict(userinfo(service, call).body)
    home = user_url(call, user["Id"])
    claims |= {
        "id": home,
        "asserted_user": True,
        "username": user["Username"],
        "nick_name": claims["nickname"],
        "display_name": user.get("Name"),
        "first_name": user.get("FirstName"),
        "last_name": user.get("LastName"),
        "timezone": claims["zoneinfo"],
        "status": {"created_date": None, "body": None},
        "mobile_phone": user.get("MobilePhone"),
        "last_modified_date": claims["updated_at"],
        "is_app_installed": True,
    }
    return Answer(claims)


def _user(service: Service, username: str) -> dict[str, Any]:
    user = service.user(username)
    if user is None:
        raise ApiFault("INVALID_SESSION_ID", "Session expired or invalid", status=401)
    return user

"""SOAP ``login()`` of the partner API, the one SOAP call that clients still begin with.

It does not exist from API version 65 on and is retired in Summer '27 (SOAP API End-of-Life
Policy).
"""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from reverse_sf.simulator.salesforce.exchange import Answer, Call
from reverse_sf.simulator.salesforce.login import password_accepted
from reverse_sf.simulator.salesforce.place import instance_url
from reverse_sf.simulator.salesforce.sessions import ORGANIZATION_ID
from reverse_sf.simulator.salesforce.versions import OLDEST

if TYPE_CHECKING:
    from reverse_sf.simulator.salesforce.service import Service

_FIRST_WITHOUT_LOGIN = 65
_ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
    'xmlns="urn:partner.soap.sforce.com" xmlns:sf="urn:fault.partner.soap.sforce.com" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
    "<soapenv:Body>{body}</soapenv:Body></soapenv:Envelope>"
)


def login(service: Service, call: Call) -> Answer:
    """``POST /services/Soap/u/<version>``."""
    version = call.segments[3]
    text = call.body.decode("utf-8", errors="replace")
    if not re.search(r"<(?:\w+:)?login[\s>]", text):
        return _fault("INVALID_OPERATION", "This local server knows no SOAP call but login()")
    number = float(version) if re.fullmatch(r"\d+(\.\d+)?", version) else 0.0
    if number < OLDEST or number >= _FIRST_WITHOUT_LOGIN:
        return _fault(
            "UNSUPPORTED_API_VERSION",
            f"UNSUPPORTED_API_VERSION: login() is not available in SOAP API version {version}",
        )
    username = _element(text, "username")
    password = _element(text, "password")
    trusted = _element(text, "organizationId")[:15] == ORGANIZATION_ID[:15]
    if not password_accepted(service, username, password, trusted=trusted):
        if password_accepted(service, username, password, trusted=True):
            return _fault(
                "LOGIN_MUST_USE_SECURITY_TOKEN",
                "LOGIN_MUST_USE_SECURITY_TOKEN: Invalid username, password, security token; "
                "or user locked out. Are you at a new location? When accessing Salesforce from "
                "outside of your company's trusted networks, you must add a security token to "
                "your password to log in.",
            )
        return _fault(
            "INVALID_LOGIN",
            "INVALID_LOGIN: Invalid username, password, security token; or user locked out.",
        )
    return _welcome(service, call, version, username)


def _welcome(service: Service, call: Call, version: str, username: str) -> Answer:
    user = service.user(username) or {}
    session = service.sessions.open(user["Id"], username)
    home = f"{instance_url(call)}/services/Soap"
    about = {
        "organizationId": ORGANIZATION_ID,
        "organizationName": "Demo Field Sales",
        "profileId": user.get("ProfileId"),
        "roleId": user.get("UserRoleId"),
        "sessionSecondsValid": service.switches["session_seconds"],
        "userEmail": user.get("Email"),
        "userFullName": user.get("Name"),
        "userId": user["Id"],
        "userLanguage": "en_US",
        "userLocale": "en_US",
        "userName": username,
        "userTimeZone": user.get("TimeZoneSidKey"),
        "userType": "Standard",
    }
    results = {
        "metadataServerUrl": f"{home}/m/{version}/{ORGANIZATION_ID}",
        "passwordExpired": "false",
        "sandbox": "false",
        "serverUrl": f"{home}/u/{version}/{ORGANIZATION_ID}",
        "sessionId": session.token,
        "userId": user["Id"],
    }
    body = "".join(_tag(name, text) for name, text in results.items())
    told = "".join(_tag(name, text) for name, text in about.items())
    return _xml(
        f"<loginResponse><result>{body}<userInfo>{told}</userInfo></result></loginResponse>"
    )


def _tag(name: str, text: object) -> str:
    if text is None:
        return f'<{name} xsi:nil="true"/>'
    return f"<{name}>{escape(str(text))}</{name}>"


def _fault(code: str, message: str) -> Answer:
    return _xml(
        f"<soapenv:Fault><faultcode>sf:{code}</faultcode><faultstring>{escape(message)}"
        f"</faultstring><detail><sf:LoginFault><sf:exceptionCode>{code}</sf:exceptionCode>"
        f"<sf:exceptionMessage>{escape(message)}</sf:exceptionMessage></sf:LoginFault></detail>"
        "</soapenv:Fault>",
        500,
    )


def _xml(body: str, status: int = 200) -> Answer:
    return Answer(
        _ENVELOPE.format(body=body).encode(), status, media_type="text/xml; charset=utf-8"
    )


def _element(text: str, name: str) -> str:
    match = re.search(rf"<(?:\w+:)?{name}>(.*?)</", text, re.DOTALL)
    return unescape(match.group(1)) if match else ""

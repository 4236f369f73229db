"""Settings of tap-salesforce. Names that the MeltanoLabs variant has keep their meaning.

Every property is a piece of JSON Schema with title and description; ``--about`` prints them.
"""

from __future__ import annotations

from typing import Any

from singer_sdk import typing as th

from reverse_sf.salesforce import DEFAULT_API_VERSION

_TEXT = th.StringType
_LOGIN = (
    th.Property(
        "username",
        _TEXT,
        title="Username",
        description="Salesforce username, for the password and JWT flows.",
    ),
    th.Property(
        "password",
        _TEXT,
        secret=True,
        title="Password",
        description="Password of the user, for the password flows.",
    ),
    th.Property(
        "security_token",
        _TEXT,
        secret=True,
        title="Security token",
        description="Security token of the user, as Salesforce e-mails it after a reset.",
    ),
    th.Property(
        "organization_id",
        _TEXT,
        title="Organization id",
        description="In place of a security token, where the org trusts this machine's IP range.",
    ),
    th.Property(
        "client_id",
        _TEXT,
        title="Consumer key",
        description="Consumer key of the connected app or external client app.",
    ),
    th.Property(
        "client_secret",
        _TEXT,
        secret=True,
        title="Consumer secret",
        description="Consumer secret of the app.",
    ),
    th.Property(
        "refresh_token",
        _TEXT,
        secret=True,
        title="Refresh token",
        description="Refresh token of an OAuth login. Needs client_id.",
    ),
    th.Property(
        "jwt_private_key",
        _TEXT,
        secret=True,
        title="JWT private key",
        description="PEM text of the RS256 key for the JWT bearer flow. Needs client_id, username.",
    ),
    th.Property(
        "jwt_private_key_file",
        _TEXT,
        title="JWT private key file",
        description="File with the PEM text, in place of jwt_private_key.",
    ),
    th.Property(
        "jwt_audience",
        _TEXT,
        title="JWT audience",
        description="Audience of the JWT where it is not the login host: an address of Salesforce.",
    ),
    th.Property(
        "session_id",
        _TEXT,
        secret=True,
        title="Session id",
        description="An access token that is already there. Needs instance_url; never renewed.",
    ),
    th.Property(
        "login_url",
        _TEXT,
        title="Login URL",
        description="Where to log in, such as https://acme.my.salesforce.com. "
        "Plain http only on a loopback host.",
    ),
    th.Property(
        "instance_url",
        _TEXT,
        title="Instance URL",
        description="Where the API is, if not where the login says.",
    ),
    th.Property(
        "domain",
        _TEXT,
        title="My Domain",
        description="Login host without .salesforce.com, such as acme.my. "
        "The client credentials flow needs this or login_url.",
    ),
    th.Property(
        "is_sandbox",
        th.BooleanType,
        default=False,
        title="Sandbox",
        description="Log in at test.salesforce.com where neither login_url nor domain is set.",
    ),
    th.Property(
        "api_version",
        _TEXT,
        default=DEFAULT_API_VERSION,
        title="API version",
        description="Version of Salesforce's API.",
    ),
)
_SCOPE = (
    th.Property(
        "streams_to_discover",
        th.ArrayType(_TEXT),
        default=[],
        title="Objects to discover",
        description="API names of objects; * stands for any characters (*__c for all custom "
        "objects). Empty: the usual sales objects and all custom objects.",
    ),
    th.Property(
        "select_fields_by_default",
        th.BooleanType,
        default=True,
        title="Select fields by default",
        description="Whether fields that no selection names are read.",
    ),
    th.Property(
        "compound_fields",
        th.BooleanType,
        default=False,
        title="Compound fields and files",
        description="Offer compound fields (addresses, locations) and file columns for selection. "
        "Their parts are fields of their own; a stream that reads one goes by REST.",
    ),
    th.Property(
        "start_date",
        th.DateTimeType,
        title="Start date",
        description="Rows last changed before this are not read.",
    ),
    th.Property(
        "end_date",
        th.DateTimeType,
        title="End date",
        description="Rows last changed after this are not read.",
    ),
)
_READING = (
    th.Property(
        "api_type",
        _TEXT,
        default="auto",
        allowed_values=["auto", "REST", "BULK", "BULK2"],
        title="API type",
        description="auto: REST for small reads, Bulk API 2.0 for large ones. "
        "BULK and BULK2 both mean Bulk API 2.0.",
    ),
    th.Property(
        "bulk_threshold",
        th.IntegerType(minimum=0),
        default=10_000,
        title="Bulk threshold",
        description="With api_type auto: reads of more rows go through Bulk API 2.0.",
    ),
    th.Property(
        "lookback_window",
        th.IntegerType(minimum=0),
        default=600,
        title="Lookback window",
        description="Seconds before the bookmark that are read again. Salesforce shows a row only "
        "when its transaction is done, which may be minutes after its time stamp.",
    ),
    th.Property(
        "read_deletion_log",
        th.BooleanType,
        default=True,
        title="Read the deletion log",
        description="Ask, once an object and incremental run, for records that are gone for good. "
        "Records in the recycle bin arrive in any case.",
    ),
    th.Property(
        "state_message_threshold",
        th.IntegerType(minimum=1),
        default=1_000,
        title="State message threshold",
        description="Records between two bookmarks of a read by REST. A read by Bulk API 2.0 has "
        "no order, so its bookmark comes at its end.",
    ),
    th.Property(
        "max_workers",
        th.IntegerType(minimum=1, maximum=50),
        default=8,
        title="Workers",
        description="Calls to Salesforce at the same time, at most.",
    ),
    th.Property(
        "quota_percent_total",
        th.NumberType(minimum=0, maximum=100),
        default=80,
        title="Total quota",
        description="Stop when the org has used so many percent of its API requests of the day.",
    ),
    th.Property(
        "quota_percent_per_run",
        th.NumberType(minimum=0, maximum=100),
        default=25,
        title="Quota of a run",
        description="Stop when this run has used so many percent of the org's requests of the day.",
    ),
)

SETTINGS: dict[str, Any] = th.PropertiesList(*_LOGIN, *_SCOPE, *_READING).to_dict()

"""Salesforce over HTTP: logins, describes, queries, Bulk API 2.0. Knows no Singer."""

from __future__ import annotations

from reverse_sf.salesforce.client import DEFAULT_API_VERSION, SalesforceClient
from reverse_sf.salesforce.credentials import Credentials
from reverse_sf.salesforce.quota import Quota
from reverse_sf.salesforce.session import Patience

__all__ = ["DEFAULT_API_VERSION", "Credentials", "Patience", "Quota", "SalesforceClient"]

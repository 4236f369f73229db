"""Salesforce over HTTP: logins, describes, queries, Bulk API 2.0. Knows no Singer."""

from __future__ import annotations

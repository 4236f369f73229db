"""The local Salesforce server."""

from __future__ import annotations

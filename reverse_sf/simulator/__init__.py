"""Local servers that behave as Salesforce and SPOTIO do on the calls that a sync makes."""

from __future__ import annotations

"""The Singer tap that observes Salesforce."""

from __future__ import annotations

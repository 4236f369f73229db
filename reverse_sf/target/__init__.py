"""target-salesforce: writes records to Salesforce, decided by the mapper or plain."""

from __future__ import annotations

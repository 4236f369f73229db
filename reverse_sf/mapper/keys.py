"""Record keys of a pair that are no fields of the definition."""

from __future__ import annotations

OWNER_KEY = "owner"
PARENT_KEY = "parent"
EXTERNAL_ID_KEY = "externalDataObjectId"
"""Where SPOTIO keeps the Salesforce Id of a record's counterpart."""
OWNER_FIELD = "OwnerId"
"""Where Salesforce keeps who owns a record."""
MOVED = "moved"
"""Digest of an image that came with a moved link: any observation of the record replaces it."""

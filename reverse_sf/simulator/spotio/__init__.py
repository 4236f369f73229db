"""The local SPOTIO server."""

from __future__ import annotations

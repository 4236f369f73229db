"""The command ``reverse-sf``."""

from __future__ import annotations

"""The Singer mapper that turns observations into the writes that are due."""

from __future__ import annotations

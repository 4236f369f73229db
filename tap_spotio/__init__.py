"""The Singer tap that observes SPOTIO."""

from __future__ import annotations

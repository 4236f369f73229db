"""The Singer target that writes records to SPOTIO."""

from __future__ import annotations

"""SPOTIO over HTTP: tokens, workflow, records, feeds, bulk jobs. Knows no Singer."""

from __future__ import annotations

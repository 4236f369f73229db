"""What the plugins have in common as Singer programs. Knows neither ledger nor definition."""

from __future__ import annotations

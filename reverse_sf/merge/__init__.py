"""What should happen: decisions, plans and guards, computed from values alone. Pure."""

from __future__ import annotations

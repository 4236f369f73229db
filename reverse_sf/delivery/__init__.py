"""What every target does the same way: collect, guard, record outcomes. Knows neither system."""

from __future__ import annotations

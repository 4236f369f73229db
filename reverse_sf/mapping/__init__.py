"""What the administrator declared: the sync definition, its checks and its conversions. Pure."""

from __future__ import annotations

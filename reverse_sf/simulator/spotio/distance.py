"""How far an activity was from its record."""

from __future__ import annotations

import math

EARTH_METRES = 6_371_008.8
FEET_PER_METRE = 1 / 0.3048
METRES_PER_MILE = 1609.344


def metres(lat: float, lng: float, other_lat: float, other_lng: float) -> float:
    """Metres between two places given in degrees (haversine)."""
    first, second = math.radians(lat), math.radians(other_lat)
    half = math.sin((second - first) / 2) ** 2
    half += math.cos(first) * math.cos(second) * math.sin(math.radians(other_lng - lng) / 2) ** 2
    return 2 * EARTH_METRES * math.asin(math.sqrt(half))

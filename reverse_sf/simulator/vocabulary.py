"""Words the demo world is made of: people, firms, streets and cities with their coordinates.

Coordinates are the cities' centres, WGS 84 degrees; zip codes are real prefixes of those cities.
"""

from __future__ import annotations

from typing import NamedTuple


class City(NamedTuple):
    """One city of the demo world; ``zips`` are the codes that its addresses draw from."""

    name: str
    state: str
    latitude: float
    longitude: float
    zips: tuple[str, ...]


CITIES = (
    City("Austin", "TX", 30.2672, -97.7431, ("78701", "78704", "78745", "78753")),
    City("Round Rock", "TX", 30.5083, -97.6789, ("78664", "78665", "78681")),
    City("San Antonio", "TX", 29.4241, -98.4936, ("78205", "78209", "78230")),
    City("Denver", "CO", 39.7392, -104.9903, ("80202", "80205", "80211", "80219")),
    City("Boulder", "CO", 40.0150, -105.2705, ("80301", "80302", "80304")),
    City("Phoenix", "AZ", 33.4484, -112.0740, ("85003", "85016", "85032")),
    City("Mesa", "AZ", 33.4152, -111.8315, ("85201", "85204", "85210")),
    City("Raleigh", "NC", 35.7796, -78.6382, ("27601", "27607", "27612")),
    City("Columbus", "OH", 39.9612, -82.9988, ("43201", "43215", "43228")),
    City("Portland", "OR", 45.5152, -122.6784, ("97201", "97209", "97214")),
    City("Sacramento", "CA", 38.5816, -121.4944, ("95814", "95818", "95822")),
    City("Tampa", "FL", 27.9506, -82.4572, ("33602", "33609", "33614")),
)

STREETS = (
    "Oak St", "Maple Ave", "Cedar Ln", "Elm St", "Congress Ave", "Lamar Blvd", "Juniper Ct",
    "Sunset Blvd", "Lakeview Dr", "Hillcrest Rd", "Mission Rd", "Magnolia Way", "Pecan St",
    "Washington Ave", "Prairie Rd", "Canyon Dr", "Foundry Pl", "Orchard Ln", "Ridge Rd", "Mill St",
)  # fmt: skip
DIRECTIONS = ("", "", "", "N ", "S ", "E ", "W ")

FIRST_NAMES = (
    "Ana", "Ben", "Carla", "Dev", "Elena", "Frank", "Grace", "Hassan", "Ines", "Jorge", "Kim",
    "Liam", "Maya", "Noah", "Olivia", "Priya", "Quinn", "Rosa", "Sam", "Tara", "Uma", "Victor",
    "Wendy", "Xavier", "Yara", "Zane",
)  # fmt: skip
LAST_NAMES = (
    "Alvarez", "Baker", "Chen", "Diaz", "Edwards", "Fischer", "Garcia", "Hughes", "Ibrahim",
    "Jensen", "Kowalski", "Lopez", "Martin", "Nguyen", "Okafor", "Patel", "Quintero", "Reyes",
    "Schmidt", "Thompson", "Usman", "Vargas", "Walker", "Xu", "Young", "Zimmerman",
)  # fmt: skip
FIRM_WORDS = (
    "Bluebonnet", "Cardinal", "Copper Ridge", "Crestline", "Evergreen", "Foothill", "Granite",
    "Harbor", "High Plains", "Ironwood", "Juniper", "Keystone", "Lone Star", "Mesa Verde",
    "Northgate", "Old Mill", "Pinnacle", "Quarry Lake", "Red Rock", "Silver Creek", "Timberline",
    "Union Square", "Valley View", "Whitewater",
)  # fmt: skip
FIRM_TRADES = (
    "Solar", "Roofing", "Security", "Fiber", "Dental", "Bakery", "Storage", "Motors", "Clinic",
    "Apartments", "Hardware", "Brewing",
)  # fmt: skip
FIRM_FORMS = ("LLC", "Inc", "Co", "Group", "Partners", "& Sons")

TITLES = (
    "Owner", "Facilities Manager", "Operations Director", "Office Manager", "Property Manager",
    "Chief Financial Officer", "Purchasing Agent", "Site Supervisor",
)  # fmt: skip
NOTES = (
    "Prefers a call before noon.", "Roof was replaced two years ago.", "Gate code needed.",
    "Asked for a quote with batteries.", "Current contract ends in the fall.",
    "Decision is made by the board.", "Met at the home show.", "Dog in the yard.",
)  # fmt: skip
NEXT_STEPS = ("Send proposal", "Site survey", "Call the owner", "Collect signature", "Credit check")

ACCENTED_FIRMS = ("Café Société Solaire", "Peña Núñez Techos", "Übergröße Dächer GmbH")
ACCENTED_PEOPLE = (("Zoë", "Brontë"), ("José", "Muñoz"), ("Łukasz", "Żółć"), ("Renée", "O'Neill"))

"""How alike two names are, as somebody would see it who maps fields by hand. Pure."""

from __future__ import annotations

import re
from functools import lru_cache

from rapidfuzz import fuzz

_WORDS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+|[^\W\d_]+")
_CUSTOM = re.compile(r"__(c|pc)$")

# One word for what the two systems, or two administrators, call differently.
_SAME = {
    "birthday": "birthdate",
    "cell": "mobile",
    "comments": "description",
    "deal": "opportunity",
    "employees": "employee",
    "memo": "description",
    "mobilephone": "mobile",
    "note": "description",
    "notes": "description",
    "postcode": "zip",
    "postal": "zip",
    "surname": "lastname",
    "temperature": "rating",
    "url": "website",
    "web": "website",
    "interests": "interest",
    "products": "product",
}
_EMPTY = frozenset({"of", "the", "a", "number", "no", "field", "id"})


@lru_cache(4096)
def words(name: str) -> tuple[str, ...]:
    """The words of a label or an API name, in one spelling: ``Birthdate``, ``Birth_Day__c``."""
    bare = _CUSTOM.sub("", name)
    found = [one.casefold() for one in _WORDS.findall(bare)]
    kept = [_SAME.get(one, one) for one in found if one not in _EMPTY]
    return tuple(kept or found)


def likeness(one: str, other: str, *, ignoring: frozenset[str] = frozenset()) -> float:
    """From 0 to 1: how much two names look like one.

    Args:
        one: a label or API name.
        other: another one.
        ignoring: words that say nothing here, such as the record type's own name.
    """
    left = [word for word in words(one) if word not in ignoring] or words(one)
    right = [word for word in words(other) if word not in ignoring] or words(other)
    if sorted(left) == sorted(right) or "".join(left) == "".join(right):
        return 1.0
    # Sorted words forgive their order, whole texts forgive how they are divided.
    score = max(
        fuzz.token_sort_ratio(" ".join(left), " ".join(right)),
        fuzz.ratio("".join(left), "".join(right)),
    )
    if set(left) < set(right) or set(right) < set(left):
        # A name that holds the other one: Title and Job Title, Mobile and Mobile Phone.
        score = max(score, 84 - 4 * abs(len(left) - len(right)))
    return min(float(score) / 100, 0.99)


def singular(name: str) -> frozenset[str]:
    """The words of a record type's or an object's name, with and without their plural."""
    found = words(name)
    bare = {word[:-3] + "y" if word.endswith("ies") else word.rstrip("s") for word in found}
    return frozenset({*found, *bare, *(_SAME.get(word, word) for word in bare)})

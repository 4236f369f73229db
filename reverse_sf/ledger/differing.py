"""Since when a side differs from its base: kept with each image, whoever observed it.

The mapper knows the base and decides what differs (``reverse_sf.mapper.sightings``). A target reads
records back without knowing either; here its image is compared with the one that it replaces.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, select

from reverse_sf.ledger.dialects import Update, numbers
from reverse_sf.ledger.encoding import from_text, to_text
from reverse_sf.ledger.tables import bases, images
from reverse_sf.mapping.definition import Side
from reverse_sf.merge import evidence
from reverse_sf.merge.evidence import Sighting, since

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy import Connection, Row

NOTHING_DIFFERS = "{}"
BESIDE = "changed beside a write: "
"""Begins the reason of a flag: these keys were read back changed, and nobody had written them."""
Places = dict[str, Any]
"""Record key to the image's names behind it: one name, or an object of them."""

_kept = select(images.c.link, images.c.side, images.c.differing).where(
    images.c.link.in_(numbers()), images.c.differing != NOTHING_DIFFERS
)
_replaced = select(images.c.link, images.c.observed_at, images.c.content, images.c.differing).where(
    images.c.link.in_(numbers()), images.c.side == bindparam("side")
)
_bases = select(bases.c.link, bases.c.entries).where(bases.c.link.in_(numbers()))
_put = Update(images, ("differing",), identity=("link", "side"))


def settle(connection: Connection, settled: Mapping[int, Iterable[str]]) -> None:
    """Forget what differed in these keys of these links: they have a new base."""
    if not settled:
        return
    rows = connection.execute(_kept, {"numbers": to_text(list(settled))}).all()
    changed = []
    for link, side, text in rows:
        left = to_text(evidence.settled(from_text(text), settled[link]))
        if left != text:
            changed.append((left, link, side))
    _put.execute(connection, changed)


def replaced_images(connection: Connection, side: str, links: list[int]) -> dict[int, Row[Any]]:
    """The images of a side that are about to be replaced."""
    if not links:
        return {}
    rows = connection.execute(_replaced, {"numbers": to_text(links), "side": side}).all()
    return {row.link: row for row in rows}


def bases_of(connection: Connection, links: list[int]) -> dict[int, dict[str, list[Any]]]:
    """The bases of links, by number."""
    if not links:
        return {}
    rows = connection.execute(_bases, {"numbers": to_text(links)}).all()
    return {link: from_text(entries) for link, entries in rows}


def after_read_back(
    replaced: Row[Any] | None,
    image: Mapping[str, Any],
    hi: str,
    written: set[str],
    places: Places | None,
) -> dict[str, list[Any]] | None:
    """What differs in an image that a target read, as far as it can be told without the base.

    A value that is the one before keeps its entry; another one was equal to the base when it was
    last seen, or has the bound that is kept already. What was written gets a new base.

    Args:
        replaced: the image before.
        image: what the target read.
        hi: upper bound of its moment.
        written: the keys whose base becomes what was read.
        places: names of the image behind each key; None where an image is keyed by record key.

    Returns:
        None where nobody kept what differs in the image before, or there was none.
    """
    if replaced is None or replaced.differing is None:
        return None
    known = from_text(replaced.differing)
    before = from_text(replaced.content)
    sighting = Sighting(hi=hi, before_at=replaced.observed_at, known=known)
    found: dict[str, list[Any]] = {}
    for key, names in _names(image, places):
        if key in written:
            continue
        if _is_changed(names, before, image):
            found[key] = since(sighting, key, was_equal=key not in known, is_unchanged=False)
        elif key in known:
            found[key] = known[key]
    return found


def changed_beside(
    replaced: Row[Any] | None, image: Mapping[str, Any], written: set[str], places: Places | None
) -> list[str]:
    """The keys that were not written and hold another value than in the image before.

    Whoever changed them did so unseen. Where the other direction is off nobody else will notice, so
    the link is decided again in the direction of this write.
    """
    if replaced is None:
        return []
    before = from_text(replaced.content)
    return [
        key
        for key, names in _names(image, places)
        if key not in written and _is_changed(names, before, image)
    ]


def back_at_base(
    found: dict[str, list[Any]],
    image: Mapping[str, Any],
    base: Mapping[str, list[Any]],
    side: Side,
    places: Places | None,
) -> dict[str, list[Any]]:
    """Leave out the keys whose value is plainly the base's."""
    at = 0 if side is Side.SPOTIO else 1
    left = {}
    for key, entry in found.items():
        name = key if places is None else places.get(key)
        settled = base.get(key)
        if isinstance(name, str) and settled is not None and image.get(name) == settled[at]:
            continue
        left[key] = entry
    return left


def _is_changed(
    names: tuple[str, ...], before: Mapping[str, Any], image: Mapping[str, Any]
) -> bool:
    return any(name in before and name in image and before[name] != image[name] for name in names)


def _names(image: Mapping[str, Any], places: Places | None) -> list[tuple[str, tuple[str, ...]]]:
    if places is None:
        return [(key, (key,)) for key in image]
    return [
        (key, (place,) if isinstance(place, str) else tuple(place.values()))
        for key, place in places.items()
    ]

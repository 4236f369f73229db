"""The rule ``union`` (``semantics.md``, C.3): of a multiple choice each side's changes count.

``m = (b and p and s) + (p minus b) + (s minus b)``. What one side has added since the base comes to
the other, what one has taken away goes there too, and everything else stays as it is. Each side is
worked out in its own choices: a choice that has no counterpart and that nobody touched bars nobody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from reverse_sf.mapping import canon
from reverse_sf.mapping.definition import Side
from reverse_sf.mapping.values import Reason, Undefined

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from collections.abc import Set as AbstractSet

    from reverse_sf.merge.decide import Exchange

UNCARRIED = "uncarried"
"""Where a decision says which of the written side's own changes the other side has not yet."""


class Half(NamedTuple):
    """One side of a merge.

    Attributes:
        value: what the side is to hold, canonical.
        added: what it has added itself and the other side does not hold yet.
        gone: what it has taken away itself and the other side holds still.
    """

    value: Any
    added: list[str]
    gone: list[str]


class Merged(NamedTuple):
    """What both sides are to hold."""

    spotio: Half
    salesforce: Half


class Barred(NamedTuple):
    """A choice that somebody has added and that has no counterpart.

    Attributes:
        toward: the side that cannot hold it.
        why: the reason.
    """

    toward: Side
    why: Undefined


def united(
    spotio: Any, salesforce: Any, base: tuple[Any, Any] | None, exchange: Exchange
) -> Merged | Barred:
    """Merge a multiple choice that both sides may have changed."""
    p, s = elements(spotio), elements(salesforce)
    base_p, base_s = (elements(base[0]), elements(base[1])) if base else (set(), set())
    to_s, to_p = _Images(exchange.to_salesforce), _Images(exchange.to_spotio)

    def joined(x: str, y: str) -> bool:
        return y in to_s.of(x) or x in to_p.of(y)

    def swapped(y: str, x: str) -> bool:
        return joined(x, y)

    into_s = _applied(s, p, base_p, to_s, swapped)
    into_p = _applied(p, s, base_s, to_p, joined)
    if isinstance(into_s, Undefined):
        return Barred(Side.SALESFORCE, into_s)
    if isinstance(into_p, Undefined):
        return Barred(Side.SPOTIO, into_p)
    return Merged(
        Half(canon.choices(into_p), *_uncarried(p, base_p, s, joined)),
        Half(canon.multipicklist(into_s), *_uncarried(s, base_s, p, swapped)),
    )


def _uncarried(
    held: AbstractSet[str],
    base: AbstractSet[str],
    other: AbstractSet[str],
    joined: Callable[[str, str], bool],
) -> tuple[list[str], list[str]]:
    """What a side has added and taken away since its base, as far as the other has not."""

    def is_there(one: str) -> bool:
        return any(joined(one, it) for it in other)

    return (
        sorted(one for one in held - base if not is_there(one)),
        sorted(one for one in base - held if is_there(one)),
    )


def _applied(
    held: AbstractSet[str],
    other: AbstractSet[str],
    base: AbstractSet[str],
    images: _Images,
    joined: Callable[[str, str], bool],
) -> set[str] | Undefined:
    """Bring the other side's changes since its base to what a side holds."""
    gone = base - other
    kept = {
        one
        for one in held
        if not any(joined(one, it) for it in gone) or any(joined(one, it) for it in other)
    }
    for added in sorted(other - base):
        if any(joined(one, added) for one in kept):
            continue
        new = images.of(added)
        why = images.undefined.get(added)
        if why is not None and why.reason is not Reason.DO_NOT_SYNC:
            return why
        kept |= new
    return kept


class _Images:
    """The images of single choices, each asked for once."""

    def __init__(self, convert: Callable[[Any], Any]) -> None:
        self._convert = convert
        self._known: dict[str, set[str]] = {}
        self.undefined: dict[str, Undefined] = {}

    def of(self, choice: str) -> set[str]:
        """The choices of the other side; none where there is no image."""
        if choice not in self._known:
            found = self._convert([choice])
            if isinstance(found, Undefined):
                self.undefined[choice] = found
                found = None
            self._known[choice] = elements(found)
        return self._known[choice]


def elements(value: Any) -> set[str]:
    """The choices of a value of either side."""
    return set(canon.choices(value) or ())


def settled(value: Any, own: Iterable[Iterable[str]], side: Side) -> Any:
    """The base of a side that was written while changes of its own have not gone anywhere yet.

    It is what the side would hold had it only taken over the other side's changes: so the other
    direction still sees its own ones.

    Args:
        value: as read back.
        own: its own changes when the write was decided, as in :class:`Half`.
        side: the written one.
    """
    added, gone = own
    found = (elements(value) - set(added)) | set(gone)
    return canon.choices(found) if side is Side.SPOTIO else canon.multipicklist(found)

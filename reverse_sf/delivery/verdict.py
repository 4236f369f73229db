"""The guard: what may be written, told from the record as it is now and as it was expected."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass
class Verdict:
    """What the guard says of each key of one record.

    Attributes:
        write: keys to write.
        agreed: keys that hold the wanted value already.
        stale: keys that hold neither the wanted nor the expected value.
    """

    write: list[str] = field(default_factory=list)
    agreed: list[str] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)


def judge(
    wanted: Mapping[str, Any],
    current: Mapping[str, Any],
    expected: Mapping[str, Any],
    same: Callable[[str, Any, Any], bool],
) -> Verdict:
    """Judge every wanted key.

    Current value is the wanted one: agreed. It is the expected one, or none was expected: write.
    Anything else is news to the decision: stale. A key whose current value is not known is written.
    Expected keys that are not to be written are parts of a value that is, such as the city beside a
    street: what is read back becomes a base, so they must not have changed unseen either.

    Args:
        wanted: values to write, by key.
        current: values as just read.
        expected: values that the decision was made against.
        same: whether two values of a key are one.
    """
    verdict = Verdict()
    for key, value in wanted.items():
        if key not in current:
            verdict.write.append(key)
        elif same(key, value, current[key]):
            verdict.agreed.append(key)
        elif key not in expected or same(key, expected[key], current[key]):
            verdict.write.append(key)
        else:
            verdict.stale.append(key)
    verdict.stale += [
        key
        for key, value in expected.items()
        if key not in wanted and key in current and not same(key, value, current[key])
    ]
    return verdict

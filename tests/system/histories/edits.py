"""What people do in either web app, drawn at random, and the account of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.system.histories.definition import PRODUCTS

if TYPE_CHECKING:
    import random
    from collections.abc import Callable
    from pathlib import Path

    from reverse_sf.simulator.local import LocalServers
    from tests.system.histories.definition import Field, Pair

S, P = "salesforce", "spotio"


@dataclass(frozen=True)
class Edit:
    """One edit that a server took: who gets which values.

    Attributes:
        order: among all edits of a history.
        values: by the field's name on that side.
    """

    order: int
    side: str
    object: str
    id: str
    values: dict[str, Any]
    created: bool = False
    deleted: bool = False
    merged: tuple[str, ...] = ()
    """Records that a merge took into this one."""


_VALUES: dict[str, Callable[[int], tuple[Any, ...]]] = {
    "text": lambda number: (
        *(f"Plain {number}", f"Caf\u00e9 {number}", f"Cafe\u0301 {number}", f"  Wide {number} "),
        "0",
    ),
    "notes": lambda number: (f"Note {number}", f"Two\nlines {number}", "x" * 20_100),
    "phone": lambda number: (f"(801) 555-{number:04d}", f"+1 801 555 {number:04d}", "5"),
    "email": lambda number: (f"user{number}@example.com", f"User{number}@Example.com"),
    "number": lambda number: (0, number, 1000 + number),
    "money": lambda number: (0, number, 1000 + number),
    "date": lambda number: (_day(number),),
    "instant": lambda number: (f"{_day(number)}T03:04:05Z",),
}
"""By kind of field, with a number that makes them new."""


def _day(number: int) -> str:
    return f"2026-0{1 + number % 9}-{1 + number % 28:02d}"


class People:
    """Draws edits.

    Args:
        rng: of the history.
        servers: the two systems.
        pairs: what is mapped.
    """

    def __init__(self, rng: random.Random, servers: LocalServers, pairs: list[Pair]) -> None:
        self._rng = rng
        self._servers = servers
        self._pairs = pairs
        self._number = 0

    def draw(self, most: int, *, deletes: bool = True) -> list[dict[str, Any]]:
        """Up to so many edits, as ``{url, body}``; about records that live now."""
        return [self._one(deletes=deletes) for _ in range(self._rng.randint(0, most))]

    def _one(self, *, deletes: bool) -> dict[str, Any]:
        rng = self._rng
        side, pair = rng.choice((S, P)), rng.choice(self._pairs)
        server = getattr(self._servers, side)
        name = pair.salesforce if side == S else pair.spotio
        living = living_ids(self._servers, side, name)
        kind = rng.random()
        body: dict[str, Any]
        if not living or kind < 0.2:
            body = {"object": name, "create": self._new(side, pair)}
        elif deletes and kind < 0.25:
            body = {"object": name, "id": rng.choice(living), "delete": True}
        else:
            # The same few records again and again, so that both sides meet.
            body = {"object": name, "id": rng.choice(living[:3]), "set": self._some(side, pair)}
        return {"url": f"{server.url}/_simulator/edit", "body": body}

    def draw_wide(self, rng: random.Random, most: int) -> list[dict[str, Any]]:
        """Up to so many edits that move children or merge Accounts of Salesforce."""
        drawn = [self._moved(rng) for _ in range(rng.randint(0, most))]
        if rng.random() < 0.3:
            drawn.append(self._merged(rng))
        return [one for one in drawn if one is not None]

    def _moved(self, rng: random.Random) -> dict[str, Any] | None:
        """A contact gets another account, in either web app."""
        side = rng.choice((S, P))
        child, parent = ("Contact", "Account") if side == S else ("Contacts", "Accounts")
        children = living_ids(self._servers, side, child)
        parents = living_ids(self._servers, side, parent)
        if not children or not parents or not any(one.spotio == "Contacts" for one in self._pairs):
            return None
        name = "AccountId" if side == S else "Parent"
        body = {"object": child, "id": rng.choice(children[:3]), "set": {name: rng.choice(parents)}}
        return {"url": f"{getattr(self._servers, side).url}/_simulator/edit", "body": body}

    def _merged(self, rng: random.Random) -> dict[str, Any] | None:
        """Two Accounts of Salesforce become one; the winner keeps its values."""
        accounts = living_ids(self._servers, S, "Account")
        if len(accounts) < 2 or not any(one.spotio == "Accounts" for one in self._pairs):
            return None
        winner, loser = rng.sample(accounts, 2)
        body = {"object": "Account", "merge": {"winner": winner, "losers": [loser]}}
        return {"url": f"{self._servers.salesforce.url}/_simulator/edit", "body": body}

    def _new(self, side: str, pair: Pair) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for field, _ in pair.fields:
            if field.required:
                values[_name(side, field)] = self._value(side, field, blank=False)
            elif self._rng.random() < 0.4:
                values[_name(side, field)] = self._value(side, field)
        if pair.spotio == "Contacts" and self._rng.random() < 0.8:
            parents = living_ids(self._servers, side, "Account" if side == S else "Accounts")
            if parents:
                values["AccountId" if side == S else "Parent"] = self._rng.choice(parents)
        if side == P and pair.spotio != "Contacts":
            values["Address"] = f"{self._next()} Main St, Phoenix, AZ 85003, United States"
        return values

    def _some(self, side: str, pair: Pair) -> dict[str, Any]:
        rng = self._rng
        chosen = rng.sample(pair.fields, k=min(len(pair.fields), rng.randint(1, 2)))
        values = {
            _name(side, field): self._value(side, field, blank=not field.required)
            for field, _ in chosen
        }
        if side == S and "address" in pair.document and rng.random() < 0.3:
            address = pair.document["address"]
            values[address["street"]] = f"{self._next()} N Central Avenue"
        return values

    def _value(self, side: str, field: Field, *, blank: bool = True) -> Any:
        rng = self._rng
        if blank and rng.random() < 0.25:
            return None
        number = self._next()
        if field.kind == "choices":
            some = rng.sample(PRODUCTS, k=rng.randint(1, 3))
            return ";".join(some) if side == S else some
        if field.choices:
            mine = [pair[side == S] for pair in field.choices]
            return rng.choice([*mine, *(field.unmapped if side == S else ())])
        return rng.choice(_VALUES[field.kind](number))

    def _next(self) -> int:
        self._number += 1
        return self._number


def _name(side: str, field: Field) -> str:
    return field.salesforce if side == S else field.spotio


def living_ids(servers: LocalServers, side: str, name: str) -> list[str]:
    """Ids of the records that live, in the order of their making."""
    if side == S:
        rows = servers.salesforce.rows(name)
        return sorted(
            row["Id"] for row in rows if not row["IsDeleted"] and not row.get("IsConverted")
        )
    return sorted(row["id"] for row in servers.spotio.rows(name) if not row["deleted"])


def accepted(account: Path, servers: LocalServers) -> list[Edit]:
    """The edits that the servers took, in order, from the account of a history."""
    if not account.exists():
        return []
    edits = []
    for order, line in enumerate(account.read_text().splitlines()):
        entry = json.loads(line)
        if entry["status"] != 200:
            continue
        body, answer = entry["body"], entry["answer"]
        merge = body.get("merge") or {}
        edits.append(
            Edit(
                order,
                S if entry["url"].startswith(servers.salesforce.url) else P,
                body["object"],
                merge.get("winner") or answer.get("id") or body["id"],
                body.get("set") or body.get("create") or {},
                created="create" in body,
                deleted=bool(body.get("delete")),
                merged=tuple(merge.get("losers") or ()),
            )
        )
    return edits

"""What must hold at rest, read from sync.yml by hand: no code of the product decides here.

The product's ledger is read as a witness only: which fields it withholds and says why, which values
it journaled, what it believes to be settled.
"""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy

from tests.system.histories.edits import S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from reverse_sf.simulator.local import LocalServers
    from tests.system.histories.definition import Field, Pair
    from tests.system.histories.edits import Edit

Row = dict[str, Any]


class Witness:
    """The ledger's tables, by plain SQL."""

    def __init__(self, uri: str) -> None:
        engine = sqlalchemy.create_engine(re.sub("^postgresql:", "postgresql+psycopg:", uri))
        with engine.connect() as connection:

            def read(statement: str) -> list[Any]:
                return list(connection.execute(sqlalchemy.text(statement)).mappings())

            self.links = read("SELECT * FROM sync_links")
            self.parked = read("SELECT * FROM sync_parked")
            self.conflicts = read("SELECT * FROM sync_conflicts")
            self.leases = read("SELECT * FROM sync_leases")
            self.operations = read(
                "SELECT o.direction, o.source, o.record, o.envelope, l.link_id"
                " FROM sync_operations o JOIN sync_links l ON l.number = o.link"
            )
            self.open = read(
                "SELECT o.*, l.link_id FROM sync_operations o"
                " JOIN sync_links l ON l.number = o.link WHERE o.status IN ('intended', 'waiting')"
            )
            self.bases = {
                row["link_id"]: json.loads(row["entries"])
                for row in read(
                    "SELECT l.link_id, b.entries FROM sync_bases b"
                    " JOIN sync_links l ON l.number = b.link"
                )
            }
        engine.dispose()

    def withheld(self, link_id: str) -> set[str]:
        """Keys that are parked; the empty one is the whole record."""
        return {row["key"] for row in self.parked if row["link_id"] == link_id}

    def written(self, link_id: str, side: str, key: str) -> list[Any]:
        """Values that the sync itself has sent to a field of a side."""
        direction = "to_salesforce" if side == S else "to_spotio"
        return [
            value
            for row in self.operations
            if row["link_id"] == link_id and row["direction"] == direction
            for name, value in json.loads(row["record"]).items()
            if name == key
        ]

    def journaled(self, link_id: str, key: str) -> list[Any]:
        """Values that were overruled."""
        return [
            json.loads(row["losing_value"])
            for row in self.conflicts
            if row["link_id"] == link_id and row["key"] == key
        ]


@dataclass(frozen=True)
class Couple:
    """Two records that say that they are one thing."""

    pair: Pair
    salesforce: Row
    spotio: Row
    link_id: str


class Judge:
    """Looks at both systems at rest.

    Args:
        servers: the two systems.
        pairs: the definition.
        witness: the ledger.
        edits: what people did.
        first: the records that were there before anything ran, by id.
        moving: Salesforce fields that automation changes.
    """

    def __init__(
        self,
        servers: LocalServers,
        pairs: list[Pair],
        witness: Witness,
        edits: list[Edit],
        *,
        first: Mapping[str, Row],
        moving: frozenset[str] = frozenset(),
    ) -> None:
        self._pairs = pairs
        self._witness = witness
        self._edits = edits
        self._moving = moving
        self._first = first
        self._people = set(first) | {one.id for one in edits if one.created}
        self._deleted = {one.id for one in edits if one.deleted}
        self._salesforce = {
            row["Id"]: row for pair in pairs for row in servers.salesforce.rows(pair.salesforce)
        }
        self._spotio = {
            row["id"]: row for pair in pairs for row in servers.spotio.rows(pair.spotio)
        }
        self._emails = {row["Id"]: row["Email"].lower() for row in servers.salesforce.rows("User")}
        self._couples = list(self._coupled())

    def problems(self) -> list[str]:
        """Everything that does not hold, a sentence each."""
        return [
            *self._identity(),
            *(problem for couple in self._couples for problem in self._convergence(couple)),
            *(problem for couple in self._couples for problem in self._parents(couple)),
            *self._lost_updates(),
            *self._unwanted_deletes(),
            *(
                f"lease of {row['direction']} still held by {row['holder']}"
                for row in self._witness.leases
            ),
            *self._unfinished(),
        ]

    # Identity

    def _is_told_in_doubt(self, salesforce_id: str) -> bool:
        """Whether a person is told which unanswered create may have made a Salesforce record."""
        links = {link["link_id"]: link for link in self._witness.links}
        unanswered = {
            links[row["link_id"]]["spotio_id"]
            for row in self._witness.parked
            if row["reason"] == "unknown_outcome" and row["direction"] == "to_salesforce"
        }
        return any(
            links[row["link_id"]]["salesforce_id"] == salesforce_id
            and row["reason"] == "ambiguous_match"
            and any(spotio_id in row["message"] for spotio_id in unanswered)
            for row in self._witness.parked
        )

    def _coupled(self) -> Iterator[Couple]:
        for pair in self._pairs:
            for link in self._witness.links:
                if link["pair"] != pair.name:
                    continue
                salesforce = self._salesforce.get(link["salesforce_id"])
                spotio = self._spotio.get(link["spotio_id"])
                if salesforce and spotio and _lives(salesforce) and _lives(spotio):
                    yield Couple(pair, salesforce, spotio, link["link_id"])

    def _identity(self) -> Iterator[str]:
        """External ids are one to one; every record that the sync made is for one of a person."""
        spotio = [(row["externalDataObjectId"], name) for name, row in self._living(self._spotio)]
        salesforce = [(row["SPOTIO_Id__c"], name) for name, row in self._living(self._salesforce)]
        for side, marks in (("SPOTIO", spotio), ("Salesforce", salesforce)):
            told: dict[str, list[str]] = {}
            for mark, name in marks:
                told.setdefault(mark, []).append(name)
            for mark, names in told.items():
                if mark and len(names) > 1:
                    yield f"{mark} is in {side} {len(names)} times: {names}"
        partners = {link["salesforce_id"]: link["spotio_id"] for link in self._witness.links}
        partners |= {spotio: salesforce for salesforce, spotio in partners.items()}
        for name, _ in (*self._living(self._salesforce), *self._living(self._spotio)):
            if self._is_told_in_doubt(name):
                continue
            if name not in self._people and partners.get(name) not in self._people:
                yield f"{name} was made by the sync, and no record of a person is its counterpart"
        yield from self._missing(partners)

    @staticmethod
    def _living(rows: Mapping[str, Row]) -> list[tuple[str, Row]]:
        return [(name, row) for name, row in rows.items() if _lives(row)]

    def _missing(self, partners: Mapping[str | None, str | None]) -> Iterator[str]:
        """Every record that a person made has its counterpart, or the ledger says why not."""
        waiting = {
            link[f"{side}_id"]
            for link in self._witness.links
            for side in ("salesforce", "spotio")
            if self._witness.withheld(link["link_id"])
        }
        for pair in self._pairs:
            for name, row in {**self._salesforce, **self._spotio}.items():
                if row.get("type", pair.spotio) != pair.spotio or not _lives(row):
                    continue
                if "Id" in row and not _is(row, pair):
                    continue
                if name in waiting or partners.get(name) or not self._in_scope(pair, row):
                    continue
                if name in self._unlinked():
                    continue
                yield f"{name} of {pair.name} has no counterpart, and nothing says why"

    def _unlinked(self) -> set[str]:
        """Living records whose counterpart a person deleted: left alone, whatever the policy."""
        gone = self._deleted
        marks = {row["Id"]: row.get("SPOTIO_Id__c") for row in self._salesforce.values()}
        marks |= {row["id"]: row["externalDataObjectId"] for row in self._spotio.values()}
        return {name for name, partner in marks.items() if partner in gone} | {
            marks[name] for name in gone if marks.get(name)
        }

    def _in_scope(self, pair: Pair, row: Row) -> bool:
        if "Id" not in row:
            return True
        conditions = pair.document["to_spotio"].get("only_when") or {}
        return not row.get("IsConverted") and all(
            row[name] in wanted for name, wanted in conditions.items()
        )

    # Convergence

    def _convergence(self, couple: Couple) -> Iterator[str]:
        """Both sides agree field by field, or there is a good reason."""
        if not self._in_scope(couple.pair, couple.salesforce):
            return
        withheld = self._witness.withheld(couple.link_id)
        if "" in withheld:
            return
        for field, rule in couple.pair.fields:
            if rule == "do_not_sync" or field.spotio in withheld:
                continue
            s = couple.salesforce[field.salesforce]
            p = spotio_value(couple.spotio, field)
            if agree(field, p, s) or self._left_alone(couple, field, rule):
                continue
            yield (
                f"{couple.salesforce['Id']}/{couple.spotio['id']} {field.spotio} ({rule}):"
                f" SPOTIO has {p!r}, Salesforce has {s!r};"
                f" base {self._witness.bases.get(couple.link_id, {}).get(field.spotio)}"
            )
        yield from self._address(couple, withheld)

    def _parents(self, couple: Couple) -> Iterator[str]:
        """A child is below the counterpart of its parent; Salesforce says whose it is."""
        withheld = self._witness.withheld(couple.link_id)
        if couple.pair.spotio != "Contacts" or {"", "parent"} & withheld:
            return
        if not self._in_scope(couple.pair, couple.salesforce):
            return
        partners = {one.salesforce["Id"]: one for one in self._couples}
        above = partners.get(couple.salesforce["AccountId"])
        if above is not None and couple.spotio["parentId"] != above.spotio["id"]:
            yield (
                f"{couple.salesforce['Id']}/{couple.spotio['id']} is below"
                f" {couple.salesforce['AccountId']} and {couple.spotio['parentId']}, and the first"
                f" is {above.spotio['id']}"
            )

    def _left_alone(self, couple: Couple, field: Field, rule: str) -> bool:
        """Row C3-12 and its mirror: where the ruling side never had a value, the other keeps it."""
        if rule == "salesforce_only":
            value, name, key = (
                couple.salesforce[field.salesforce],
                couple.salesforce["Id"],
                field.salesforce,
            )
        elif rule == "spotio_only":
            value, name, key = spotio_value(couple.spotio, field), couple.spotio["id"], field.spotio
        else:
            return False
        base = self._witness.bases.get(couple.link_id, {}).get(field.spotio)
        ruling = 1 if rule == "salesforce_only" else 0
        if base is not None and blank_or(base[ruling]) is None and blank_or(value) is None:
            # It was blank when the two were settled, and the other side's value stood already.
            return blank_or(base[1 - ruling]) is not None
        given = [one.values[key] for one in self._edits if one.id == name and key in one.values]
        return blank_or(value) is None and all(blank_or(one) is None for one in given)

    def _address(self, couple: Couple, withheld: set[str]) -> Iterator[str]:
        address = couple.pair.document.get("address")
        if address is None or "address" in withheld or not address["skip_geocoding"]:
            # A geocoder spells a place its own way: that the two rest apart is what is promised.
            return
        pin = couple.spotio["pin"] or {}
        for component in ("street", "city", "zip"):
            theirs = blank_or(couple.salesforce[address[component]])
            parts = (
                (pin.get("houseNumber"), pin.get("street"))
                if component == "street"
                else (pin.get(component),)
            )
            ours = blank_or(" ".join(part for part in parts if part))
            if ours == theirs or (theirs is None and address["rule"] == "salesforce_only"):
                continue
            yield (
                f"{couple.salesforce['Id']}/{couple.spotio['id']} {component}"
                f" ({address['rule']}): SPOTIO has {ours!r}, Salesforce has {theirs!r}"
            )

    # Lost updates

    def _lost_updates(self) -> Iterator[str]:
        """The last value that a person gave a field is there, or superseded, or journaled."""
        for couple in self._couples:
            names = {S: couple.salesforce["Id"], "spotio": couple.spotio["id"]}
            withheld = self._witness.withheld(couple.link_id)
            if "" in withheld or not self._in_scope(couple.pair, couple.salesforce):
                continue
            for field, rule in couple.pair.fields:
                if rule == "do_not_sync" or field.spotio in withheld:
                    continue
                if field.salesforce in self._moving:
                    continue
                yield from self._lost(couple, field, rule, names)

    def _lost(
        self, couple: Couple, field: Field, rule: str, names: Mapping[str, str]
    ) -> Iterator[str]:
        given = [
            (one, one.values[key])
            for one in self._edits
            for side, key in ((S, field.salesforce), ("spotio", field.spotio))
            if one.side == side and one.id == names[side] and key in one.values
        ]
        last = {one.side: (one, value) for one, value in given}
        earlier = [value for one, value in given if one is not last[one.side][0]]
        for side, (edit, value) in last.items():
            other = last.get("spotio" if side == S else S)
            if other and other[0].order > edit.order:
                continue
            s = couple.salesforce[field.salesforce]
            p = spotio_value(couple.spotio, field)
            kept = same(field, value, s) if side == S else same(field, value, p)
            known = self._witness.journaled(couple.link_id, field.spotio)
            if kept or any(same(field, value, lost) for lost in known):
                continue
            key = field.salesforce if side == S else field.spotio
            earlier += self._witness.written(couple.link_id, side, key)
            begun = self._first.get(names[side])
            if begun is not None:
                earlier.append(begun.get(key) if side == S else spotio_value(begun, field))
            if blank_or(value) is None or any(same(field, value, old) for old in earlier):
                # It was the value before as well: no change that a stateful sync could tell.
                continue
            yield (
                f"{names[S]}/{names['spotio']} {field.spotio} ({rule}): a person's {value!r} in"
                f" {side} is gone without a word (SPOTIO {p!r}, Salesforce {s!r}, journal {known})"
            )

    # Deletes and leftovers

    def _unwanted_deletes(self) -> Iterator[str]:
        """Whatever is gone, a person deleted it or its counterpart, under the policy delete."""
        by_partner: dict[str, tuple[str, str]] = {}
        for link in self._witness.links:
            by_partner[link["salesforce_id"]] = (link["spotio_id"], link["pair"])
            by_partner[link["spotio_id"]] = (link["salesforce_id"], link["pair"])
        policies = {pair.name: pair.document["on_delete"] for pair in self._pairs}
        for name, row in {**self._salesforce, **self._spotio}.items():
            if _lives(row) or name in self._deleted or row.get("MasterRecordId"):
                continue
            partner, pair = by_partner.get(name, (None, None))
            where = "in_spotio" if "Id" in row else "in_salesforce"
            wanted = pair is not None and policies[pair][where] == "delete"
            if not wanted or partner not in self._deleted:
                # SPOTIO deletes what is below a record along with it.
                rows = (row, self._row(partner or ""))
                parents = [one.get("AccountId") or one.get("parentId") for one in rows]
                if any(
                    one in self._deleted or not _lives(self._row(one)) for one in parents if one
                ):
                    continue
                yield f"{name} was deleted, and nobody deleted {partner} under the policy delete"

    def _row(self, name: str) -> Row:
        return self._salesforce.get(name) or self._spotio.get(name) or {"deleted": True}

    def _unfinished(self) -> Iterator[str]:
        for row in self._witness.open:
            if not self._witness.withheld(row["link_id"]):
                what = f"{row['action']} {row['direction']} of {row['link_id']}"
                yield f"operation {what} is still {row['status']}"


def _is(row: Row, pair: Pair) -> bool:
    prefixes = {"Account": "001", "Contact": "003", "Lead": "00Q"}
    return row["Id"].startswith(prefixes[pair.salesforce])


def _lives(row: Row) -> bool:
    return not (row.get("IsDeleted") or row.get("deleted"))


def spotio_value(row: Row, field: Field) -> Any:
    """What SPOTIO holds."""
    return row["stage"] if field.kind == "stage" else row["fields"].get(field.spotio)


def blank_or(value: Any) -> Any:
    """A text without its edges, in one Unicode form; blanks are None."""
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value).strip() or None
    return None if value == [] else value


def agree(field: Field, p: Any, s: Any) -> bool:
    """Whether the two values are one, by the definition's own choices."""
    p, s = blank_or(p), blank_or(s)
    if p is None or s is None:
        return p is s
    if field.choices:
        written = dict(reversed([(theirs, ours) for ours, theirs in field.choices]))
        return dict(field.choices).get(p) == s or written.get(s) == p
    return same(field, p, s)


def same(field: Field, one: Any, other: Any) -> bool:
    """Whether two values of one side, or of a field without choices, are one."""
    one, other = blank_or(one), blank_or(other)
    if one is None or other is None:
        return one is other
    form = _FORMS.get(field.kind, str)
    return bool(form(one) == form(other))


def _set(value: str | Iterable[str]) -> set[str]:
    return set(value.split(";")) if isinstance(value, str) else set(value)


def _digits(value: str) -> str:
    digits = re.sub(r"\D", "", value)
    return digits[1:] if len(digits) == 11 and digits[0] == "1" else digits


_FORMS: dict[str, Callable[[Any], Any]] = {
    "number": float,
    "money": float,
    "date": lambda value: value[:10],
    "instant": lambda value: value[:19],
    "choices": _set,
    "email": str.lower,
    "phone": _digits,
}

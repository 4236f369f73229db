"""Declared automation: validation rules, duplicate rules, assignment rules and flows.

Declared under an object in the YAML::

    objects:
      Lead:
        validation_rules:
          - {name: Phone_needed, formula: 'ISBLANK(Phone)', message: Phone is needed, field: Phone}
        duplicate_rules:
          - {name: Same_email, fields: [Email], action: block}        # or alert
        assignment: queue@example.com                                 # a username
        flows:
          - {name: Hot_is_solar, on: create, when: 'Rating = "Hot"', set: {Industry: Solar}}
          - {on: update, active: false, create: {object: Task, set: {Subject: Call, WhoId: $Id}}}

A formula may ask what the write does: ``ISNEW()``, ``ISCHANGED(Field)``, ``PRIORVALUE(Field)``,
``$User.Username``, ``$Profile.Name``. ``on`` is ``create``, ``update`` or ``save``; ``$Field``
stands for the record's own value. A flow does not start other flows of the record that it changes.
A rule without a name is named by its kind and place, such as ``flows_2``. With ``active: false`` a
rule is there but switched off; ``POST /_simulator/rules`` switches rules while the org runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reverse_sf.simulator.errors import ControlError
from reverse_sf.simulator.salesforce.formula import Moment, formula_sql
from reverse_sf.simulator.salesforce.refusal import ApiFault
from reverse_sf.simulator.salesforce.result import DEFAULT_VERSION, attributes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reverse_sf.simulator.salesforce.metadata import Schema, SObject
    from reverse_sf.simulator.salesforce.store import Store

_KEYS: Mapping[str, frozenset[str]] = {
    "validation_rules": frozenset({"name", "active", "formula", "message", "field"}),
    "duplicate_rules": frozenset({"name", "active", "fields", "action"}),
    "flows": frozenset({"name", "active", "on", "when", "set", "create"}),
}
_ASSIGNMENT = "assignment"
_SWITCH_KEYS = frozenset({"object", "kind", "name", "active"})


@dataclass(frozen=True)
class Effect:
    """What a flow does: change the record itself, or create another."""

    entity: SObject
    record_id: str | None
    values: dict[str, Any]


class Rules:
    """The rules of all objects.

    Raises:
        ControlError: a rule has unknown keys, or a formula cannot be read.
    """

    def __init__(self, schema: Schema, store: Store, declarations: Mapping[str, Any]) -> None:
        self._schema = schema
        self._store = store
        self._declared: dict[str, dict[str, list[dict[str, Any]]]] = {}
        for name, body in declarations.get("objects", {}).items():
            self.declare(name, body)

    def declare(self, name: str, body: Mapping[str, Any]) -> None:
        """Put an object's rules in place of those it had; absent kinds stay."""
        one = self._schema.typed(name)
        kept = self._declared.setdefault(one.name, {})
        if _ASSIGNMENT in body:
            rule = {"name": _ASSIGNMENT, "active": True, "to": body[_ASSIGNMENT]}
            kept[_ASSIGNMENT] = [rule] if body[_ASSIGNMENT] else []
        for kind, known in _KEYS.items():
            if kind not in body:
                continue
            kept[kind] = []
            for place, rule in enumerate(body[kind], start=1):
                unknown = set(rule) - known
                if unknown:
                    raise ControlError(f"{name}.{kind}: unknown keys {sorted(unknown)}")
                for formula in (rule.get("formula"), rule.get("when")):
                    if formula is not None:
                        formula_sql(formula, self._schema, one, "s", Moment())
                kept[kind].append({"name": f"{kind}_{place}", "active": True, **rule})

    def listed(self) -> list[dict[str, Any]]:
        """All rules with object, kind, name and whether they are active."""
        return [
            {"object": name, "kind": kind, **rule}
            for name, kinds in self._declared.items()
            for kind, rules in kinds.items()
            for rule in rules
        ]

    def switch(self, wanted: Mapping[str, Any]) -> int:
        """Switch the rules that ``object``, ``kind`` and ``name`` single out on or off.

        Returns:
            How many there are.

        Raises:
            ControlError: an unknown key, no ``active``, or no such rule.
        """
        unknown = sorted(set(wanted) - _SWITCH_KEYS)
        if unknown or not isinstance(wanted.get("active"), bool):
            raise ControlError(
                "a rule is switched by {object, kind, name, active}, active being true or false; "
                f"unknown keys: {', '.join(unknown) or 'none'}"
            )
        chosen = [
            rule
            for name, kinds in self._declared.items()
            for kind, rules in kinds.items()
            for rule in rules
            if wanted.get("object", name) == name
            and wanted.get("kind", kind) == kind
            and wanted.get("name", rule["name"]) == rule["name"]
        ]
        if not chosen:
            known = ", ".join(f"{r['object']}.{r['kind']}.{r['name']}" for r in self.listed())
            raise ControlError(f"no such rule; known are: {known or 'none'}")
        for rule in chosen:
            rule["active"] = wanted["active"]
        return len(chosen)

    def _of(self, one: SObject, kind: str) -> list[dict[str, Any]]:
        rules = self._declared.get(one.name, {}).get(kind, [])
        return [rule for rule in rules if rule["active"]]

    def _holds(self, one: SObject, record_id: str, formula: str, moment: Moment) -> bool:
        sql = formula_sql(formula, self._schema, one, "s", moment)
        found = self._store.rows(
            f'SELECT {sql} FROM "{one.name}" AS s WHERE "Id" = ?', (record_id,)
        )
        return bool(found and found[0][0])

    def validate(self, one: SObject, record_id: str, moment: Moment) -> None:
        """Refuse the record as it is now stored if a validation rule's formula is true.

        Raises:
            ApiFault: FIELD_CUSTOM_VALIDATION_EXCEPTION, all failed rules at once.
        """
        faults = [
            ApiFault(
                "FIELD_CUSTOM_VALIDATION_EXCEPTION",
                str(rule["message"]),
                fields=[rule["field"]] if rule.get("field") else [],
            )
            for rule in self._of(one, "validation_rules")
            if self._holds(one, record_id, rule["formula"], moment)
        ]
        if faults:
            faults[0].others = faults[1:]
            raise faults[0]

    def duplicates(self, one: SObject, row: Mapping[str, Any], *, allowed: bool) -> None:
        """Refuse a record that a duplicate rule finds again.

        Raises:
            ApiFault: DUPLICATES_DETECTED with the matches.
        """
        for rule in self._of(one, "duplicate_rules"):
            action = rule.get("action", "alert")
            values = [row.get(name) for name in rule["fields"]]
            if any(value is None for value in values) or (action == "alert" and allowed):
                continue
            tests = " AND ".join(f'"{name}" = ?' for name in rule["fields"])
            sql = f'SELECT "Id" FROM "{one.name}" WHERE {tests} AND "IsDeleted" = 0 AND "Id" <> ?'
            found = [each[0] for each in self._store.rows(sql, (*values, row.get("Id", "")))]
            if found:
                raise _duplicates(one, rule, found, allow_save=action == "alert")

    def assigned_owner(self, one: SObject) -> str | None:
        """Whom the assignment rule gives a new record to."""
        rules = self._of(one, _ASSIGNMENT)
        if not rules:
            return None
        username = rules[0]["to"]
        found = self._store.rows('SELECT "Id" FROM "User" WHERE "Username" = ?', (username,))
        if not found:
            raise ControlError(f"{one.name}.assignment: there is no user {username}")
        return str(found[0][0])

    def flow_effects(
        self, one: SObject, record_id: str, event: str, moment: Moment
    ) -> Iterator[Effect]:
        """What the flows of the object do after the record was saved, in declared order."""
        for flow in self._of(one, "flows"):
            if flow.get("on", "save") not in {event, "save"}:
                continue
            if "when" in flow and not self._holds(one, record_id, flow["when"], moment):
                continue
            row = self._store.row(one, record_id) or {}
            if "set" in flow:
                yield Effect(one, record_id, _filled(flow["set"], row))
            if "create" in flow:
                child = self._schema.typed(flow["create"]["object"])
                yield Effect(child, None, _filled(flow["create"].get("set", {}), row))


def _filled(values: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: row.get(value[1:]) if isinstance(value, str) and value.startswith("$") else value
        for name, value in values.items()
    }


def _duplicates(
    one: SObject, rule: Mapping[str, Any], found: list[str], *, allow_save: bool
) -> ApiFault:
    matches = [
        {
            "additionalInformation": [],
            "fieldDiffs": [],
            "matchConfidence": 100.0,
            "record": {
                "attributes": attributes(one.name, each, DEFAULT_VERSION),
                "Id": each,
            },
        }
        for each in found
    ]
    result = {
        "allowSave": allow_save,
        "duplicateRule": rule["name"],
        "duplicateRuleEntityType": one.name,
        "errorMessage": "Use one of these records?",
        "matchResults": [
            {
                "entityType": one.name,
                "errors": [],
                "matchEngine": "FuzzyMatchEngine",
                "matchRecords": matches,
                "rule": rule["name"],
                "size": len(matches),
                "success": True,
            }
        ],
    }
    return ApiFault(
        "DUPLICATES_DETECTED", "Use one of these records?", extra={"duplicateResult": result}
    )

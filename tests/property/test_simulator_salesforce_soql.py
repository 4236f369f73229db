"""The SOQL engine against a naive evaluation of the same condition in Python."""

from __future__ import annotations

import random
from datetime import datetime, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reverse_sf.simulator.clock import Clock
from reverse_sf.simulator.salesforce.org import Org
from reverse_sf.simulator.salesforce.refusal import ApiFault

TEXTS = ["alpha", "ALPHA", "Béta", "bÉTA", "a%b", "a_b", "it's", "back\\slash", "zeta", None]
INDUSTRIES = ["Solar", "Roofing", "Other", None]
NUMBERS = [0, 1, 2, 50, -3, None]
DATES = ["2026-01-01", "2026-05-05", "2026-05-06", None]
INSTANTS = [
    "2026-05-05T23:59:59.000Z",
    "2026-05-06T00:00:00.000Z",
    "2026-05-06T11:00:00.000Z",
    None,
]
CHOICES = ["Panels", "Batteries", "Inverters", "Alarms", "Fiber"]
TEXT_FIELDS = ["Name", "Industry", "Parent.Name", "Site"]
ORDERING = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def _rows() -> tuple[Org, list[dict[str, Any]]]:
    source = random.Random(7)
    org = Org(Clock(datetime(2026, 5, 6, 12, tzinfo=timezone.utc), frozen=True), empty=True)
    rows: list[dict[str, Any]] = []
    for number in range(60):
        parent = source.choice(rows) if rows and source.random() < 0.5 else None
        chosen = source.sample(CHOICES, source.randrange(4))
        values = {
            "Name": source.choice(TEXTS[:-1]),
            "Site": source.choice(TEXTS),
            "Industry": source.choice(INDUSTRIES),
            "NumberOfEmployees": source.choice(NUMBERS),
            "AnnualRevenue": source.choice(NUMBERS),
            "Customer_Since__c": source.choice(DATES),
            "Last_Audit__c": source.choice(INSTANTS),
            "Product_Interest__c": ";".join(chosen) or None,
            "ParentId": parent["Id"] if parent else None,
        }
        record = org.create("Account", values)
        rows.append(values | {"Id": record, "Parent.Name": parent and parent["Name"], "#": number})
    return org, rows


ORG, ROWS = _rows()


def quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def same(a: Any, b: Any) -> bool:
    if a is None or b is None:
        return a is b
    return a.lower() == b.lower() if isinstance(a, str) else a == b


def literal(value: Any) -> str:
    if value is None:
        return "null"
    return quoted(value) if isinstance(value, str) else str(value)


def like(pattern: str, text: str | None) -> bool:
    """``%`` any text, ``_`` one character, by plain recursion."""
    if text is None:
        return False

    def match(p: int, t: int) -> bool:
        if p == len(pattern):
            return t == len(text)
        if pattern[p] == "%":
            return any(match(p + 1, rest) for rest in range(t, len(text) + 1))
        if t == len(text):
            return False
        return (pattern[p] == "_" or pattern[p].lower() == text[t].lower()) and match(p + 1, t + 1)

    return match(0, 0)


@st.composite
def comparisons(draw):
    kind = draw(st.sampled_from(["text", "number", "date", "instant", "choices", "like", "in"]))
    if kind == "text":
        field, value = draw(st.sampled_from(TEXT_FIELDS)), draw(st.sampled_from([*TEXTS, ""]))
        wanted = value or None
        negated = draw(st.booleans())
        text = f"{field} {'!=' if negated else '='} {literal(value)}"
        return text, lambda row: same(row[field], wanted) != negated
    if kind == "like":
        field = draw(st.sampled_from(TEXT_FIELDS))
        pattern = draw(st.text("aAlbBéÉ%_", min_size=1, max_size=5))
        return f"{field} LIKE {quoted(pattern)}", lambda row: like(pattern, row[field])
    if kind == "in":
        field = draw(st.sampled_from([*TEXT_FIELDS, "NumberOfEmployees"]))
        pool = NUMBERS if field == "NumberOfEmployees" else TEXTS
        values = draw(st.lists(st.sampled_from(pool), min_size=1, max_size=3))
        negated = draw(st.booleans())
        text = f"{field} {'NOT IN' if negated else 'IN'} ({', '.join(map(literal, values))})"
        return text, lambda row: any(same(row[field], value) for value in values) != negated
    if kind == "choices":
        wanted = draw(
            st.lists(
                st.lists(st.sampled_from(CHOICES), min_size=1, max_size=2), min_size=1, max_size=2
            )
        )
        negated = draw(st.booleans())
        listed = ", ".join(quoted(";".join(each)) for each in wanted)
        text = f"Product_Interest__c {'EXCLUDES' if negated else 'INCLUDES'} ({listed})"

        def holds(row: dict[str, Any]) -> bool:
            chosen = set((row["Product_Interest__c"] or "").split(";"))
            return any(set(each) <= chosen for each in wanted) != negated

        return text, holds
    field, pool, show = {
        "number": (draw(st.sampled_from(["NumberOfEmployees", "AnnualRevenue"])), NUMBERS, str),
        "date": ("Customer_Since__c", DATES, str),
        "instant": ("Last_Audit__c", INSTANTS, str),
    }[kind]
    value = draw(st.sampled_from([one for one in pool if one is not None]))
    operator = draw(st.sampled_from(["=", "!=", *ORDERING]))
    text = f"{field} {operator} {show(value)}"
    if operator in ORDERING:
        return text, lambda row: row[field] is not None and ORDERING[operator](row[field], value)
    return text, lambda row: (row[field] == value) == (operator == "=")


def combined(children):
    def junction(parts):
        word, pairs = parts
        texts = [f"({text})" for text, _ in pairs]
        every = all if word == "AND" else any
        return f" {word} ".join(texts), lambda row: every(test(row) for _, test in pairs)

    pairs = st.tuples(st.sampled_from(["AND", "OR"]), st.lists(children, min_size=2, max_size=3))
    negated = children.map(lambda one: (f"NOT ({one[0]})", lambda row: not one[1](row)))
    return pairs.map(junction) | negated


conditions = st.recursive(comparisons(), combined, max_leaves=6)


@settings(max_examples=300, deadline=None)
@given(conditions)
def test_a_condition_selects_the_rows_that_a_naive_reading_selects(condition):
    text, holds = condition
    soql = f"SELECT Id FROM Account WHERE {text}"
    expected = {row["Id"] for row in ROWS if holds(row)}
    assert {row["Id"] for row in ORG.query(soql).rows} == expected
    assert ORG.query(f"SELECT COUNT() FROM Account WHERE {text}").total_size == len(expected)
    assert {row[0] for row in ORG.query_rows(soql)[1]} == expected


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(["NumberOfEmployees", "AnnualRevenue", "Customer_Since__c", "Last_Audit__c"]),
    st.booleans(),
    st.booleans(),
    st.integers(0, 70),
    st.integers(0, 70),
)
def test_ordering_sorts_and_limit_cuts(field, descending, nulls_last, limit, offset):
    def rank(row: dict[str, Any]) -> Any:
        return row[field] is not None, row[field] if row[field] is not None else 0

    filled = sorted((r[field] for r in ROWS if r[field] is not None), reverse=descending)
    blanks = [None] * (len(ROWS) - len(filled))
    every = filled + blanks if nulls_last else blanks + filled
    if field == "Last_Audit__c":
        every = [one and one[:-1] + "+0000" for one in every]
    order = f"{field}{' DESC' if descending else ''} NULLS {'LAST' if nulls_last else 'FIRST'}"
    soql = f"SELECT {field} FROM Account ORDER BY {order} LIMIT {limit} OFFSET {offset}"
    listed = [row[field] for row in ORG.query(soql).rows]
    assert listed == every[offset : offset + limit]


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60) | st.from_regex(r"SELECT [\w.,() ]{0,20} FROM \w+ (WHERE .{0,30})?"))
def test_any_text_is_answered_or_refused_and_never_breaks_the_engine(text):
    try:
        list(ORG.query(text).rows)
    except ApiFault as fault:
        assert fault.code  # noqa: PT017 - a refusal is one of the two good ends


@pytest.mark.parametrize("text", [one for one in TEXTS if one is not None])
def test_a_stored_text_is_found_by_its_own_quoted_form(text):
    found = {
        row["Id"] for row in ORG.query(f"SELECT Id FROM Account WHERE Name = {quoted(text)}").rows
    }
    assert found == {row["Id"] for row in ROWS if row["Name"].lower() == text.lower()}

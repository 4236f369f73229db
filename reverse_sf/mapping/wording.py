"""What the JSON Schema and the YAML reader found, in words for the person who wrote the file."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, cast

from jsonschema import Draft202012Validator

from reverse_sf.mapping.lines import joined

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from jsonschema.exceptions import ValidationError


Problem = tuple[str, str]
"""A path and the sentence about it."""

_KINDS = {
    "object": "keys with values",
    "array": "a list",
    "string": "text",
    "boolean": "true or false",
    "number": "a number",
    "null": "nothing",
}


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """``; did you mean X?`` where a known word is close, or nothing."""
    candidates = {one.casefold(): one for one in known}
    close = get_close_matches(word.casefold(), candidates, n=1, cutoff=0.6)
    return f"; did you mean {candidates[close[0]]}?" if close else ""


def schema_problems(schema: Mapping[str, Any], document: Any) -> list[Problem]:
    """Everything that the schema has against a document.

    Keys that are not text are found first, because JSON (and so the schema) has no such keys.
    """
    problems = list(_keys_that_are_not_text(document, ""))
    for error in Draft202012Validator(schema).iter_errors(_with_text_keys(document)):
        path = ""
        for part in error.absolute_path:
            path = joined(path, part)
        problems.extend(_worded(error, path))
    return problems


def is_sound(schema: Mapping[str, Any], definition: str, part: Any) -> bool:
    """Whether a part of a document follows one of the schema's ``$defs``."""
    narrowed = {"$ref": f"#/$defs/{definition}", "$defs": schema["$defs"]}
    return bool(Draft202012Validator(narrowed).is_valid(part)) and not any(
        _keys_that_are_not_text(part, "")
    )


def _keys_that_are_not_text(node: Any, path: str) -> Iterator[Problem]:
    if isinstance(node, dict):
        for key, value in node.items():
            here = joined(path, str(key))
            if not isinstance(key, str):
                yield here, f"{_shown(key)} is not text here; put quotes around it"
            yield from _keys_that_are_not_text(value, here)
    elif isinstance(node, list):
        for at, value in enumerate(node):
            yield from _keys_that_are_not_text(value, joined(path, at))


def _with_text_keys(node: Any) -> Any:
    if isinstance(node, dict):
        return {str(key): _with_text_keys(value) for key, value in node.items()}
    return [_with_text_keys(one) for one in node] if isinstance(node, list) else node


def _worded(error: ValidationError, path: str) -> Iterator[Problem]:
    words = _WORDS.get(str(error.validator))
    if words is None:
        yield path, error.message
    else:
        yield from words(error, path)


def _additional(error: ValidationError, path: str) -> Iterator[Problem]:
    known = cast("dict[str, Any]", error.schema)["properties"]
    for key in cast("dict[str, Any]", error.instance):
        if key not in known:
            yield joined(path, key), _unknown_key(key, known)


def _required(error: ValidationError, path: str) -> Iterator[Problem]:
    said = cast("dict[str, Any]", error.instance)
    for key in cast("list[str]", error.validator_value):
        if key not in said:
            yield path, f"'{key}' is missing"


def _dependent(error: ValidationError, path: str) -> Iterator[Problem]:
    said = cast("dict[str, Any]", error.instance)
    for key, others in cast("dict[str, list[str]]", error.validator_value).items():
        for one in others:
            if key in said and one not in said:
                yield path, f"'{key}' needs '{one}' beside it"


def _enumerated(error: ValidationError, path: str) -> Iterator[Problem]:
    allowed = cast("list[str]", error.validator_value)
    hint = did_you_mean(error.instance, allowed) if isinstance(error.instance, str) else ""
    yield path, f"{_shown(error.instance)} is not one of {', '.join(allowed)}{hint}"


def _constant(error: ValidationError, path: str) -> Iterator[Problem]:
    supported = error.validator_value
    yield path, f"{_shown(error.instance)} is not supported; this version reads {supported}"


def _typed(error: ValidationError, path: str) -> Iterator[Problem]:
    rule = cast("str | list[str]", error.validator_value)
    kinds = [rule] if isinstance(rule, str) else rule
    wanted = " or ".join(_KINDS.get(one, one) for one in kinds)
    found = _shown(error.instance)
    yield path, f"{found} stands where {wanted} is expected{_quoting(error.instance, kinds)}"


def _empty(error: ValidationError, path: str) -> Iterator[Problem]:
    del error
    yield path, "it is empty; list at least one, or leave it out"


def _repeated(error: ValidationError, path: str) -> Iterator[Problem]:
    del error
    yield path, "an entry stands in the list twice"


def _patterned(error: ValidationError, path: str) -> Iterator[Problem]:
    sentence = (
        f"{_shown(error.instance)} is not an API name: letters, digits and underscores, as under "
        "Object Manager in Salesforce's Setup"
    )
    yield path, sentence


def _alternatives(error: ValidationError, path: str) -> Iterator[Problem]:
    options = cast("list[dict[str, Any]]", error.validator_value)
    required = [one["required"][0] for one in options if "required" in one]
    if required:
        yield path, f"no component of it is mapped; name at least one of {', '.join(required)}"
    else:
        hint = _quoting(error.instance, ["string"])
        found = _shown(error.instance)
        yield path, f"{found} stands where text or a list of texts is expected{hint}"


_WORDS: dict[str, Callable[[ValidationError, str], Iterator[Problem]]] = {
    "additionalProperties": _additional,
    "required": _required,
    "dependentRequired": _dependent,
    "enum": _enumerated,
    "const": _constant,
    "type": _typed,
    "minItems": _empty,
    "minProperties": _empty,
    "minLength": _empty,
    "uniqueItems": _repeated,
    "pattern": _patterned,
    "anyOf": _alternatives,
}


def _unknown_key(key: str, known: Iterable[str]) -> str:
    hint = did_you_mean(key, known)
    listed = ", ".join(sorted(known))
    return f"unknown key '{key}'{hint}" if hint else f"unknown key '{key}'; known are {listed}"


def _quoting(said: Any, kinds: Iterable[str]) -> str:
    scalar = isinstance(said, (bool, int, float))
    return "; put quotes around it" if scalar and "string" in kinds else ""


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "an entry with keys"
    if isinstance(value, list):
        return "a list"
    return f"'{value}'" if isinstance(value, str) else str(value)


def yaml_problem(problem: str) -> str:
    """A YAML reader's complaint, with a hint for the ones that people meet."""
    hints = {
        "could not find expected ':'": "a key without its colon, or a wrong indentation",
        "mapping values are not allowed here": "a text with a colon in it needs quotes, or the "
        "line above is not finished",
        "found character '\\t'": "indent with spaces, not with tabs",
        "found duplicate key": "the key stands there twice; keep one",
        "did not find expected": "the indentation does not fit the lines above, or a bracket is "
        "not closed",
        "expected ',' or": "a bracket or a comma is missing",
    }
    hint = next((hint for start, hint in hints.items() if start in problem), "")
    first = problem.strip().split("\n", 1)[0]
    return f"{first} ({hint})" if hint else first

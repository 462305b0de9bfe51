"""Check a record by its schema, in the few words of JSON Schema that it uses: so no library is needed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

WORDS = {"$ref", "const", "enum", "type", "pattern", "minimum", "required", "properties"}
WORDS |= {"additionalProperties", "items", "allOf", "oneOf"}
"""What is understood here of what a schema may say; the rest, such as a description, forbids nothing."""
_TYPES: Mapping[str, Any] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "boolean": bool,
    "null": type(None),
}


def faults(value: Any, schema: Mapping[str, Any], whole: Mapping[str, Any], place: str = "") -> Iterator[str]:
    """What breaks a schema.

    Args:
        value: what JSON holds.
        schema: what it must be.
        whole: the schema that holds the definitions (``$defs``) which ``schema`` refers to.
        place: where the value stands, such as "mask/pixels".

    Yields:
        The place of each value that is another than it must be, or is missing.
    """
    if not schema:  # it may be anything, however deep
        return
    if "$ref" in schema:
        schema = whole["$defs"][schema["$ref"].removeprefix("#/$defs/")]
    if not _fits(value, schema):
        yield place
        return
    for each in schema.get("allOf", ()):
        yield from faults(value, each, whole, place)
    if "oneOf" in schema:
        fitting = [
            each for each in schema["oneOf"] if not any(True for _ in faults(value, each, whole, place))
        ]
        if len(fitting) != 1:
            yield place
    if isinstance(value, dict):
        yield from (_join(place, name) for name in schema.get("required", ()) if name not in value)
        known, others = schema.get("properties", {}), schema.get("additionalProperties", {})
        for name, each in value.items():
            yield from faults(each, known.get(name, others), whole, _join(place, name))
    if isinstance(value, list) and "items" in schema:
        for number, each in enumerate(value):
            yield from faults(each, schema["items"], whole, _join(place, str(number)))


def _fits(value: Any, schema: Mapping[str, Any]) -> bool:
    """Whether a value is what a schema says of itself, without what is inside of it."""
    if "const" in schema and not _same(value, schema["const"]):
        return False
    if "enum" in schema and not any(_same(value, each) for each in schema["enum"]):
        return False
    if "type" in schema:
        kinds = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
        if not any(_is(value, kind) for kind in kinds):
            return False
    if "pattern" in schema and isinstance(value, str) and re.search(schema["pattern"], value) is None:
        return False
    return "minimum" not in schema or not _is(value, "integer") or value >= schema["minimum"]


def _same(value: Any, other: Any) -> bool:
    return bool(value == other) and isinstance(value, bool) == isinstance(other, bool)  # True == 1


def _is(value: Any, kind: str) -> bool:
    if isinstance(value, bool):  # Python counts it among the whole numbers
        return kind == "boolean"
    return isinstance(value, _TYPES[kind])


def _join(place: str, name: str) -> str:
    return f"{place}/{name}" if place else name

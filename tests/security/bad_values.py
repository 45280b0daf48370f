"""Values that broke something somewhere once, and requests made of them from the API's own description."""

import json
from collections.abc import Iterator
from typing import Any

NUMBERS = [2**31, 2**63, -1, -(2**63) - 1, 1e308, True]
TEXTS = [
    "",
    "a\0b",
    "\ud800",
    "x" * 20_000,
    "9999-12-31T23:59:59-12:00",
    "0001-01-01T00:00:00+14:00",
    "2026-03-01T12:00:00",
    "2026-02-30",
    "9999-12-31",
    "99999999999999999999",
    "'; DROP TABLE core_user; -- %s",
    "../../etc/passwd",
    "Ā́‮\ufeff",
]
OTHERS: list[Any] = [None, [], {"a": "\0"}]
IN_ADDRESSES = [*TEXTS, "-1", "NaN"]
IN_PAGES = ["a\0b", "99999999999999999999", "9999-12-31", "2026-02-30", "x" * 5_000, "-1", "'; DROP TABLE core_user; -- %s"]
ALONE = ["99999999999999999999", "a\0b"]
"""Each parameter is given one of these alone as well, for another bad one beside it may hide it."""
BODIES = [
    b"",
    b"{",
    b"null",
    b"[]",
    b'"x"',
    b"7",
    b"NaN",
    b'{"a": NaN, "lon": NaN, "lat": Infinity}',
    b"\xff\xfe\x00",
    b'{"a": "\xff"}',
    b"[" * 50_000,
    b'{"a":' * 50_000,
    b'{"' + b"x" * 200_000 + b'": 1}',
    b'{"a": 1' + b"0" * 5_000 + b"}",
]
KINDS = ["text/plain", "", "multipart/form-data", "multipart/form-data; boundary=x", "application/json; charset=utf-16"]


def example(schema: dict[str, Any], components: dict[str, Any], depth: int = 0) -> Any:
    """A valid-looking value of a JSON schema."""
    if "$ref" in schema:
        return example(components[schema["$ref"].rsplit("/", 1)[-1]], components, depth + 1)
    if "enum" in schema:
        return schema["enum"][0]
    if "const" in schema:
        return schema["const"]
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            kinds = [one for one in schema[several] if one.get("type") != "null"]
            return example(kinds[0], components, depth + 1)
    kind = schema.get("type")
    if kind == "object" or "properties" in schema:
        fields = schema.get("properties", {})
        return {name: example(one, components, depth + 1) for name, one in fields.items()} if depth < 6 else {}
    if kind == "array":
        return [example(schema.get("items", {}), components, depth + 1)] if depth < 6 else []
    if kind == "integer":
        return max(1, int(schema.get("minimum", 1)))
    if kind == "number":
        return float(schema.get("minimum", 1))
    if kind == "boolean":
        return True
    return _text(schema)


def _text(schema: dict[str, Any]) -> str:
    by_format = {"date-time": "2026-03-01T12:00:00+08:00", "date": "2026-03-01", "uuid": "00000000-0000-4000-8000-000000000000"}
    return by_format.get(schema.get("format", ""), "a" * max(1, int(schema.get("minLength", 1))))


def spoiled(value: Any) -> Iterator[Any]:
    """The value with each of its parts in turn replaced by each bad value."""
    yield from (bad for bad in (*NUMBERS, *TEXTS, *OTHERS))
    if isinstance(value, dict):
        for name, part in value.items():
            yield from (value | {name: bad} for bad in spoiled(part))
            yield {key: one for key, one in value.items() if key != name}
        yield value | {"not_a_field": 1}
    elif isinstance(value, list) and value:
        yield from ([bad] for bad in spoiled(value[0]))
        yield value * 2


def as_json(value: Any) -> bytes:
    """JSON with lone surrogates as escapes, as a client in another language may send it."""
    return json.dumps(value).encode()

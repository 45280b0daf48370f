from collections.abc import Iterator, Mapping
from typing import Any

_KINDS = {
    "all": frozenset({"all"}),
    "any": frozenset({"any"}),
    "not": frozenset({"not"}),
    "unknown": frozenset({"unknown"}),
    "at_least": frozenset({"at_least", "of"}),
    "use": frozenset({"use"}),
    "fact": frozenset({"fact"}),
}
_TESTS = ("is", "in", "ge", "le")
_WITHIN = ("within_days_before", "within_days_after")
_ALWAYS = frozenset({"text", "unknown_counts_as"})


def check(expression: Any, forms: Mapping[str, Any] | None = None, *, path: str = "") -> list[str]:
    """Everything that is wrong with an expression, as `place: rule`; an empty list when it can be evaluated.

    `forms` are the named parts that `use` may refer to; they are checked where they are used, and a form that uses
    itself, over whichever others, is refused.
    """
    return list(_check(expression, forms or {}, path or "expression", ()))


def names(expression: Any, forms: Mapping[str, Any] | None = None) -> frozenset[str]:
    """The facts that a right expression asks for."""
    return frozenset(_names(expression, forms or {}))


def kind_of(expression: Mapping[str, Any]) -> str:
    """Which of the kinds a mapping is; empty when none or several."""
    found = [kind for kind in _KINDS if kind in expression]
    return found[0] if len(found) == 1 else ""


def _check(expression: Any, forms: Mapping[str, Any], path: str, within: tuple[str, ...]) -> Iterator[str]:
    if isinstance(expression, str):
        if not expression:
            yield f"{path}: the name of a fact is empty"
        return
    if not isinstance(expression, Mapping):
        yield f"{path}: must be the name of a fact or a mapping, not {type(expression).__name__}"
        return
    kind = kind_of(expression)
    if not kind:
        yield f"{path}: must have exactly one of {', '.join(_KINDS)}"
        return
    allowed = _KINDS[kind] | _ALWAYS | (frozenset((*_TESTS, *_WITHIN, "days")) if kind == "fact" else frozenset())
    for strange in sorted(map(str, expression.keys() - allowed)):
        yield f"{path}: does not know {strange!r} beside {kind!r}"
    if not isinstance(expression.get("text", ""), str):
        yield f"{path}.text: must be a text"
    if not isinstance(expression.get("unknown_counts_as", False), bool):
        yield f"{path}.unknown_counts_as: must be true or false"
    yield from _CHECKS[kind](expression, forms, path, within)


def _check_several(
    expression: Mapping[str, Any], forms: Mapping[str, Any], path: str, within: tuple[str, ...]
) -> Iterator[str]:
    kind = "of" if "at_least" in expression else kind_of(expression)
    parts = expression.get(kind)
    if not isinstance(parts, list) or not parts:
        yield f"{path}.{kind}: must be a list with something in it"
        return
    if kind == "of":
        needed = expression["at_least"]
        if isinstance(needed, bool) or not isinstance(needed, int) or not 1 <= needed <= len(parts):
            yield f"{path}.at_least: must be a whole number from 1 to {len(parts)}"
    for position, part in enumerate(parts):
        yield from _check(part, forms, f"{path}.{kind}[{position}]", within)


def _check_one(expression: Mapping[str, Any], forms: Mapping[str, Any], path: str, within: tuple[str, ...]) -> Iterator[str]:
    kind = kind_of(expression)
    yield from _check(expression[kind], forms, f"{path}.{kind}", within)


def _check_use(expression: Mapping[str, Any], forms: Mapping[str, Any], path: str, within: tuple[str, ...]) -> Iterator[str]:
    name = expression["use"]
    if not isinstance(name, str) or name not in forms:
        yield f"{path}.use: there is no part {name!r}"
    elif name in within:
        yield f"{path}.use: {name!r} uses itself"
    else:
        yield from _check(forms[name], forms, f"{path}.{name}", (*within, name))


def _check_fact(expression: Mapping[str, Any], forms: Mapping[str, Any], path: str, within: tuple[str, ...]) -> Iterator[str]:
    if not isinstance(expression["fact"], str) or not expression["fact"]:
        yield f"{path}.fact: must be the name of a fact"
    tests = [name for name in (*_TESTS, *_WITHIN) if name in expression]
    if len(tests) > 1:
        yield f"{path}: {tests[0]!r} and {tests[1]!r} cannot stand together"
    if "in" in expression and not (isinstance(expression["in"], list) and expression["in"]):
        yield f"{path}.in: must be a list with something in it"
    for name in ("ge", "le"):
        if name in expression and (isinstance(expression[name], bool) or not isinstance(expression[name], int | float)):
            yield f"{path}.{name}: must be a number"
    for name in _WITHIN:
        if name in expression and (not isinstance(expression[name], str) or not expression[name]):
            yield f"{path}.{name}: must be the name of a fact"
    is_within = any(name in expression for name in _WITHIN)
    days = expression.get("days")
    if is_within != ("days" in expression):
        yield f"{path}.days: stands with {' or '.join(_WITHIN)}, and only there"
    elif is_within and (isinstance(days, bool) or not isinstance(days, int) or days < 0):
        yield f"{path}.days: must be a whole number, 0 or more"


_CHECKS = {
    "all": _check_several,
    "any": _check_several,
    "at_least": _check_several,
    "not": _check_one,
    "unknown": _check_one,
    "use": _check_use,
    "fact": _check_fact,
}


def _names(expression: Any, forms: Mapping[str, Any]) -> Iterator[str]:
    if isinstance(expression, str):
        yield expression
        return
    kind = kind_of(expression)
    if kind == "fact":
        yield expression["fact"]
        yield from (expression[name] for name in _WITHIN if name in expression)
    elif kind == "use":
        yield from _names(forms[expression["use"]], forms)
    else:
        parts = expression["of" if kind == "at_least" else kind]
        for part in parts if isinstance(parts, list) else [parts]:
            yield from _names(part, forms)

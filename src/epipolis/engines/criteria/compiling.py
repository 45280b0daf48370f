from collections.abc import Callable, Mapping
from typing import Any

from epipolis.engines.criteria.checking import kind_of
from epipolis.engines.criteria.judging import as_truth, tested

Judge = Callable[[Mapping[str, Any]], bool | None]


def compile_judge(expression: Any, forms: Mapping[str, Any] | None = None) -> Judge:
    """A function that gives the value that `evaluate` gives, without the reasons: for judging many. Ten times as fast.

    The expression must be right (`check`); each named part is compiled once.

    Raises (the function, not this): TypeError, as `evaluate`.
    """
    return _compile(expression, forms or {}, {})


def _compile(expression: Any, forms: Mapping[str, Any], known: dict[str, Judge]) -> Judge:
    if isinstance(expression, str):
        return _truth(expression)
    judge = _COMPILERS[kind_of(expression)](expression, forms, known)
    if "unknown_counts_as" not in expression:
        return judge
    instead: bool = expression["unknown_counts_as"]

    def counted(facts: Mapping[str, Any]) -> bool | None:
        value = judge(facts)
        return instead if value is None else value

    return counted


def _truth(name: str) -> Judge:
    def truth(facts: Mapping[str, Any]) -> bool | None:
        value = facts.get(name)
        return value if value is None or value is True or value is False else as_truth(value)

    return truth


def _all(expression: Mapping[str, Any], forms: Mapping[str, Any], known: dict[str, Judge]) -> Judge:
    return _until(False, [_compile(part, forms, known) for part in expression["all"]])


def _any(expression: Mapping[str, Any], forms: Mapping[str, Any], known: dict[str, Judge]) -> Judge:
    return _until(True, [_compile(part, forms, known) for part in expression["any"]])


def _until(decisive: bool, parts: list[Judge]) -> Judge:
    """Decided by the first part that says so; open when none does and one is open."""

    def judge(facts: Mapping[str, Any]) -> bool | None:
        found: bool | None = not decisive
        for part in parts:
            value = part(facts)
            if value is decisive:
                return decisive
            if value is None:
                found = None
        return found

    return judge


def _at_least(expression: Mapping[str, Any], forms: Mapping[str, Any], known: dict[str, Judge]) -> Judge:
    parts, needed = [_compile(part, forms, known) for part in expression["of"]], expression["at_least"]

    def judge(facts: Mapping[str, Any]) -> bool | None:
        values = [part(facts) for part in parts]
        holding = values.count(True)
        return True if holding >= needed else None if holding + values.count(None) >= needed else False

    return judge


def _not(expression: Mapping[str, Any], forms: Mapping[str, Any], known: dict[str, Judge]) -> Judge:
    inner = _compile(expression["not"], forms, known)

    def judge(facts: Mapping[str, Any]) -> bool | None:
        value = inner(facts)
        return None if value is None else not value

    return judge


def _unknown(expression: Mapping[str, Any], forms: Mapping[str, Any], known: dict[str, Judge]) -> Judge:
    inner = _compile(expression["unknown"], forms, known)
    return lambda facts: inner(facts) is None


def _use(expression: Mapping[str, Any], forms: Mapping[str, Any], known: dict[str, Judge]) -> Judge:
    name = expression["use"]
    if name not in known:
        known[name] = _compile(forms[name], forms, known)
    return known[name]


def _fact(expression: Mapping[str, Any], forms: Mapping[str, Any], known: dict[str, Judge]) -> Judge:
    name = expression["fact"]
    return lambda facts: tested(expression, facts.get(name), facts)


_COMPILERS: dict[str, Callable[[Mapping[str, Any], Mapping[str, Any], dict[str, Judge]], Judge]] = {
    "all": _all,
    "any": _any,
    "at_least": _at_least,
    "not": _not,
    "unknown": _unknown,
    "use": _use,
    "fact": _fact,
}

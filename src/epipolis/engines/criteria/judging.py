from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from epipolis.engines.criteria.answers import COUNTED, FALSE, MET, NOT_MET, OPEN, TRUE, UNKNOWN, Answer, Reason
from epipolis.engines.criteria.checking import kind_of

_SIMPLE = {True: TRUE, False: FALSE, None: UNKNOWN}
_TOLD = {True: MET, False: NOT_MET, None: OPEN}


def evaluate(expression: Any, facts: Mapping[str, Any], forms: Mapping[str, Any] | None = None) -> Answer:
    """Judge an expression that `check` finds right; a fact that is absent or None is not known.

    Kleene's three-valued logic: `all` is False as soon as one part is, True when all are, else None; `any` the other way
    round; `at_least` n is True once n parts are, False once fewer than n can be. The reasons name what decided: of a True
    `any` the true parts, of a False `all` the false ones, of an open answer those that are not known.

    Raises:
        TypeError: a fact cannot be compared as the expression asks, for example a text with a number.
    """
    return _judge(expression, facts, forms or {})


def _judge(expression: Any, facts: Mapping[str, Any], forms: Mapping[str, Any]) -> Answer:
    if isinstance(expression, str):
        return _named(expression, as_truth(facts.get(expression)))
    kind = kind_of(expression)
    answer = _JUDGES[kind](expression, facts, forms)
    if answer.value is None and "unknown_counts_as" in expression:
        answer = Answer(expression["unknown_counts_as"], answer.because)
    text = expression.get("text")
    if not text:
        return answer
    if kind == "fact":
        return _named(text, answer.value)
    return Answer(answer.value, ((_TOLD[answer.value], {"what": text}), *answer.because))


def _named(what: str, value: bool | None) -> Answer:
    return Answer(value, ((_SIMPLE[value], {"what": what}),))


def _judge_all(expression: Mapping[str, Any], facts: Mapping[str, Any], forms: Mapping[str, Any]) -> Answer:
    parts = [_judge(part, facts, forms) for part in expression["all"]]
    values = [part.value for part in parts]
    value = False if False in values else None if None in values else True
    return Answer(value, _reasons(parts, (value,)))


def _judge_any(expression: Mapping[str, Any], facts: Mapping[str, Any], forms: Mapping[str, Any]) -> Answer:
    parts = [_judge(part, facts, forms) for part in expression["any"]]
    values = [part.value for part in parts]
    value = True if True in values else None if None in values else False
    return Answer(value, _reasons(parts, (value,)))


def _judge_at_least(expression: Mapping[str, Any], facts: Mapping[str, Any], forms: Mapping[str, Any]) -> Answer:
    parts = [_judge(part, facts, forms) for part in expression["of"]]
    needed, values = expression["at_least"], [part.value for part in parts]
    holding, possible = values.count(True), values.count(True) + values.count(None)
    value = True if holding >= needed else None if possible >= needed else False
    counted: Reason = (COUNTED, {"count": holding, "needed": needed})
    wanted = (True,) if value else (True, None) if value is None else (True, False)
    return Answer(value, (counted, *_reasons(parts, wanted)))


def _judge_not(expression: Mapping[str, Any], facts: Mapping[str, Any], forms: Mapping[str, Any]) -> Answer:
    inner = _judge(expression["not"], facts, forms)
    return Answer(None if inner.value is None else not inner.value, inner.because)


def _judge_unknown(expression: Mapping[str, Any], facts: Mapping[str, Any], forms: Mapping[str, Any]) -> Answer:
    inner = _judge(expression["unknown"], facts, forms)
    return Answer(inner.value is None, inner.because)


def _judge_use(expression: Mapping[str, Any], facts: Mapping[str, Any], forms: Mapping[str, Any]) -> Answer:
    return _judge(forms[expression["use"]], facts, forms)


def _judge_fact(expression: Mapping[str, Any], facts: Mapping[str, Any], forms: Mapping[str, Any]) -> Answer:
    name = expression["fact"]
    return _named(_worded(expression), tested(expression, facts.get(name), facts))


def tested(expression: Mapping[str, Any], value: Any, facts: Mapping[str, Any]) -> bool | None:
    if value is None:
        return None
    if "is" in expression:
        return bool(value == expression["is"])
    if "in" in expression:
        return value in expression["in"]
    if "ge" in expression:
        return bool(value >= expression["ge"])
    if "le" in expression:
        return bool(value <= expression["le"])
    for name, sign in (("within_days_before", 1), ("within_days_after", -1)):
        if name in expression:
            other: date | None = facts.get(expression[name])
            return None if other is None else 0 <= sign * (other - value).days <= expression["days"]
    return as_truth(value)


def _worded(expression: Mapping[str, Any]) -> str:
    name = str(expression["fact"])
    for test, sign in (("is", "="), ("in", "in"), ("ge", "≥"), ("le", "≤")):
        if test in expression:
            wanted = expression[test]
            return f"{name} {sign} {', '.join(map(str, wanted)) if isinstance(wanted, list) else wanted}"
    for test, words in (("within_days_before", "before"), ("within_days_after", "after")):
        if test in expression:
            return f"{name} ≤ {expression['days']} d {words} {expression[test]}"
    return name


def as_truth(value: Any) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    raise TypeError(f"{value!r} is neither yes nor no")


def _reasons(parts: Sequence[Answer], wanted: tuple[bool | None, ...]) -> tuple[Reason, ...]:
    return tuple(reason for part in parts if part.value in wanted for reason in part.because)


_JUDGES = {
    "all": _judge_all,
    "any": _judge_any,
    "at_least": _judge_at_least,
    "not": _judge_not,
    "unknown": _judge_unknown,
    "use": _judge_use,
    "fact": _judge_fact,
}

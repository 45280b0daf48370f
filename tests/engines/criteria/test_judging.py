from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as some

from epipolis.engines.criteria import MESSAGES, check, compile_judge, evaluate, names

YES, NO, OPEN = True, False, None
BOTH = {"all": ["a", "b"]}
EITHER = {"any": ["a", "b"]}


@pytest.mark.parametrize(
    ("expression", "a", "b", "value"),
    [
        (BOTH, YES, YES, YES),
        (BOTH, YES, NO, NO),
        (BOTH, OPEN, NO, NO),
        (BOTH, YES, OPEN, OPEN),
        (EITHER, NO, YES, YES),
        (EITHER, OPEN, YES, YES),
        (EITHER, NO, NO, NO),
        (EITHER, NO, OPEN, OPEN),
        ({"not": "a"}, YES, NO, NO),
        ({"not": "a"}, NO, NO, YES),
        ({"not": "a"}, OPEN, NO, OPEN),
        ({"unknown": "a"}, OPEN, NO, YES),
        ({"unknown": "a"}, NO, NO, NO),
        ({"fact": "a", "unknown_counts_as": False}, OPEN, NO, NO),
        ({"fact": "a", "unknown_counts_as": True}, OPEN, NO, YES),
        ({"fact": "a", "unknown_counts_as": True}, NO, NO, NO),
        ({"fact": "a", "is": False}, NO, NO, YES),
        ({"fact": "a", "is": False}, OPEN, NO, OPEN),
        ({"use": "either"}, NO, YES, YES),
    ],
)
def test_what_is_not_known_matters_only_where_it_could_decide(expression, a, b, value):
    assert evaluate(expression, {"a": a, "b": b}, {"either": EITHER}).value is value
    assert compile_judge(expression, {"either": EITHER})({"a": a, "b": b}) is value


@pytest.mark.parametrize(
    ("held", "value"),
    [([YES, YES, NO, NO], YES), ([YES, OPEN, NO, NO], OPEN), ([YES, NO, NO, NO], NO), ([OPEN, OPEN, OPEN, NO], OPEN)],
)
def test_so_many_of_several_hold_once_they_are_known_to(held, value):
    facts = dict(zip("abcd", held, strict=True))

    assert evaluate({"at_least": 2, "of": list("abcd")}, facts).value is value


@pytest.mark.parametrize(
    ("test", "held", "value"),
    [
        ({"is": 5}, 5, YES),
        ({"is": 5}, 6, NO),
        ({"in": ["F", "X"]}, "F", YES),
        ({"in": ["F", "X"]}, "M", NO),
        ({"ge": 38}, 38.0, YES),
        ({"ge": 38}, 37.9, NO),
        ({"le": 5}, 5, YES),
        ({"le": 5}, 6, NO),
        ({"le": 5}, None, OPEN),
        ({"within_days_before": "seen", "days": 10}, date(2026, 3, 1), YES),
        ({"within_days_before": "seen", "days": 9}, date(2026, 3, 1), NO),
        ({"within_days_before": "seen", "days": 10}, date(2026, 3, 12), NO),
        ({"within_days_before": "seen", "days": 10}, date(2026, 3, 11), YES),
        ({"within_days_after": "seen", "days": 1}, date(2026, 3, 12), YES),
        ({"within_days_after": "seen", "days": 1}, date(2026, 3, 10), NO),
        ({"within_days_after": "nobody", "days": 1}, date(2026, 3, 10), OPEN),
    ],
)
def test_a_fact_is_compared_as_the_definition_says(test, held, value):
    assert evaluate({"fact": "it", **test}, {"it": held, "seen": date(2026, 3, 11)}).value is value


def test_the_reasons_are_those_that_decided():
    expression = {"text": "ill", "all": [{"any": ["fever", "cough"]}, {"text": "lives here", "fact": "city", "is": "here"}]}

    met = evaluate(expression, {"fever": False, "cough": True, "city": "here"})
    missing = evaluate(expression, {"cough": True})
    not_met = evaluate(expression, {"fever": False, "cough": False})

    def told(answer):
        return [text % values for text, values in answer.because]

    assert told(met) == ["ill: met", "cough: yes", "lives here: yes"]
    assert told(missing) == ["ill: cannot be told yet", "lives here: not known"]
    assert told(not_met) == ["ill: not met", "fever: no", "cough: no"]


def test_every_reason_is_one_of_the_messages_that_are_translated():
    expression = {"text": "x", "at_least": 1, "of": ["a", {"not": "b"}, {"text": "c", "any": ["c"]}]}

    for value in (True, False, None):
        answer = evaluate(expression, dict.fromkeys("abc", value))
        assert {text for text, _ in answer.because} <= set(MESSAGES)


def test_a_text_where_a_yes_is_asked_for_is_no_silent_no():
    with pytest.raises(TypeError, match="neither yes nor no"):
        evaluate("fever", {"fever": "yes"})
    with pytest.raises(TypeError, match="neither yes nor no"):
        compile_judge("fever")({"fever": "yes"})


EXPRESSIONS = some.recursive(
    some.sampled_from(["a", "b", "c", {"fact": "a", "is": False}]),
    lambda inner: some.one_of(
        some.builds(lambda parts: {"all": parts}, some.lists(inner, min_size=1, max_size=3)),
        some.builds(lambda parts: {"any": parts}, some.lists(inner, min_size=1, max_size=3)),
        some.builds(lambda parts: {"at_least": 1 + len(parts) // 2, "of": parts}, some.lists(inner, min_size=1, max_size=3)),
        some.builds(lambda part: {"not": part}, inner),
    ),
    max_leaves=8,
)


@given(EXPRESSIONS, some.fixed_dictionaries({name: some.sampled_from([True, False, None]) for name in "abc"}))
def test_an_answer_never_turns_when_more_becomes_known(expression, facts):
    """Kleene's logic is monotone: what was decided stays so whatever the missing facts turn out to be."""
    assert check(expression) == []
    before = evaluate(expression, facts).value
    assert compile_judge(expression)(facts) is before
    for told in (True, False):
        after = evaluate(expression, {name: told if value is None else value for name, value in facts.items()}).value
        assert after is not None
        assert before in (None, after)


@pytest.mark.parametrize(
    ("expression", "place"),
    [
        (5, "expression: must be"),
        ("", "expression: the name of a fact is empty"),
        ({}, "expression: must have exactly one of"),
        ({"all": ["a"], "any": ["b"]}, "expression: must have exactly one of"),
        ({"all": []}, "expression.all: must be a list"),
        ({"all": ["a", {"any": "b"}]}, "expression.all[1].any: must be a list"),
        ({"at_least": 3, "of": ["a", "b"]}, "expression.at_least: must be a whole number from 1 to 2"),
        ({"at_least": True, "of": ["a"]}, "expression.at_least: must be a whole number"),
        ({"not": {"use": "nothing"}}, "expression.not.use: there is no part 'nothing'"),
        ({"use": "loop"}, "uses itself"),
        ({"fact": "a", "is": 1, "ge": 2}, "cannot stand together"),
        ({"fact": "a", "ge": "much"}, "expression.ge: must be a number"),
        ({"fact": "a", "in": []}, "expression.in: must be a list"),
        ({"fact": "a", "within_days_before": "b"}, "expression.days: stands with"),
        ({"fact": "a", "within_days_before": "b", "days": -1}, "expression.days: must be a whole number"),
        ({"fact": "a", "days": 4}, "expression.days: stands with"),
        ({"fact": "a", "sometimes": 4}, "does not know 'sometimes'"),
        ({"fact": "a", "text": 4}, "expression.text: must be a text"),
        ({"fact": "a", "unknown_counts_as": "no"}, "expression.unknown_counts_as: must be true or false"),
    ],
)
def test_what_is_wrong_with_a_definition_is_named_with_its_place(expression, place):
    forms = {"loop": {"any": ["a", {"use": "round"}]}, "round": {"not": {"use": "loop"}}}

    assert any(place in problem for problem in check(expression, forms)), check(expression, forms)


def test_a_definition_tells_which_facts_it_asks_for():
    expression = {"all": [{"use": "part"}, {"at_least": 1, "of": ["b"]}, {"fact": "c", "within_days_after": "d", "days": 1}]}

    assert names(expression, {"part": {"not": {"unknown": "a"}}}) == {"a", "b", "c", "d"}

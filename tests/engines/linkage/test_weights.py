from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epipolis.engines.linkage import (
    FIELDS,
    LEVELS,
    MISSING,
    Record,
    Thresholds,
    Weights,
    band,
    compare,
    default_weights,
    estimate,
    explain,
    probability_of,
    score,
    score_pairs,
)
from epipolis.engines.linkage.weights import KINDS, SCORED

from .test_comparing import ANA

level_rows = st.tuples(*(st.integers(MISSING, len(LEVELS[name]) - 1) for name in FIELDS))


def verdict(left, right):
    levels = compare(left, right)
    return band(score(levels, default_weights()).weight, levels)


PLAIN = replace(ANA, identifiers=())


def test_a_record_links_to_itself_and_not_to_a_stranger():
    assert verdict(PLAIN, PLAIN) == "link"
    assert verdict(PLAIN, Record("Wolfgang", "Krause", 1961, 2, 4, "M")) == "new"


@settings(deadline=None, max_examples=50)
@given(
    st.text("abcdefghijklmnopqrstuvwxyz陳林黃張李王吳", min_size=2, max_size=10),
    st.text("abcdefghijklmnopqrstuvwxyz", min_size=2, max_size=10),
    st.dates(),
    st.integers(10**8, 10**9 - 1),
)
def test_a_record_with_names_birth_date_and_telephone_always_links_to_itself(name, family, day, phone):
    record = Record(name, family, day.year, day.month, day.day, phones=(str(phone),))

    assert verdict(record, record) == "link"


def test_twins_of_one_household_are_two_people():
    assert verdict(PLAIN, replace(PLAIN, given="Wilhelmine", emails=())) == "new"


def test_a_member_of_the_household_is_another_person():
    assert verdict(PLAIN, replace(PLAIN, given="Juan", birth_year=2011, birth_month=2, sex="M", emails=())) == "new"


def test_a_name_without_anything_else_is_never_linked():
    assert verdict(Record("Ana", "Torres"), Record("Ana", "Torres")) != "link"


def test_one_who_moved_and_has_another_telephone_is_asked_or_linked():
    assert verdict(PLAIN, replace(PLAIN, phones=("0955 111 222",), address="1 Lake Row", emails=())) in ("ask", "link")


def test_a_number_that_agrees_links_whatever_the_rest_says():
    other = Record("Anne-Marie", "Krause", 1990, 5, 3, identifiers=ANA.identifiers)

    assert verdict(ANA, other) == "link"


def test_two_people_with_one_number_are_looked_at():
    other = Record("Wolfgang", "Krause", 1961, 2, 4, "M", identifiers=ANA.identifiers)

    assert verdict(ANA, other) == "ask"


def test_numbers_that_differ_are_two_people_unless_they_are_one_digit_apart():
    assert verdict(ANA, replace(ANA, identifiers=(("national_id", "B99999"),))) == "new"
    assert verdict(ANA, replace(ANA, identifiers=(("national_id", "A12346"),))) == "ask"


def test_thresholds_move_the_bands_and_must_be_in_order():
    levels = compare(PLAIN, replace(PLAIN, phones=(), emails=(), address=""))
    weight = score(levels, default_weights()).weight

    assert band(weight, levels, Thresholds(probability_of(weight), 0.001)) == "link"
    assert band(weight, levels, Thresholds(probability_of(weight + 1), probability_of(weight))) == "ask"
    with pytest.raises(ValueError, match="0 < ask <= link < 1"):
        Thresholds(link=0.5, ask=0.9)


@settings(deadline=None)
@given(level_rows)
def test_the_reasons_add_up_to_the_weight(levels):
    weights = default_weights()
    reasons = explain(levels, weights)

    assert sum(bits for _, _, bits in reasons) == pytest.approx(score(levels, weights).weight)
    told = [name for name, level in zip(FIELDS, levels, strict=True) if level != MISSING and name in SCORED]
    assert [name for name, _, _ in reasons] == [*told, "prior"]


@settings(deadline=None)
@given(level_rows)
def test_a_probability_lies_between_nothing_and_one(levels):
    assert 0 <= score(levels, default_weights()).probability <= 1


def test_weights_survive_as_plain_values():
    weights = default_weights()
    again = Weights.from_dict(weights.to_dict())
    levels = compare(ANA, replace(ANA, given="Ann"))

    assert again.to_dict() == weights.to_dict()
    assert score(levels, again) == score(levels, weights)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda plain: plain.pop("shares"), "shares is missing"),
        (lambda plain: plain["shares"].update({"twin": 0.9}), "add up to 1"),
        (lambda plain: plain["chances"].pop("twin"), "shares and chances are of"),
        (lambda plain: plain["chances"]["twin"].update({"sex": [1.0, 0.0]}), "twin: sex needs 2 chances above 0"),
        (lambda plain: plain["chances"]["twin"].update({"sex": [0.5, 0.9]}), "twin: the chances of sex must add up to 1"),
    ],
)
def test_weights_that_break_a_rule_are_refused_by_name(change, message):
    plain = default_weights().to_dict()
    change(plain)

    with pytest.raises(ValueError, match=message):
        Weights.from_dict(plain)


def drawn(weights, kind, pairs, rng):
    columns = [
        rng.choice(len(LEVELS[name]), pairs, p=np.divide(weights.chances[kind][name], sum(weights.chances[kind][name])))
        for name in SCORED
    ]
    return np.column_stack([*columns, np.full(pairs, MISSING)])


def test_weights_are_found_again_from_pairs_drawn_by_them():
    rng = np.random.default_rng(5)
    truth = default_weights()
    plain = truth.to_dict()
    plain["chances"]["same person"] |= {"order": [0.3, 0.7], "phone": [0.4, 0.1, 0.5]}
    made = Weights.from_dict(plain)
    levels = np.concatenate([drawn(made, kind, round(40_000 * made.shares[kind]), rng) for kind in KINDS])

    learned = estimate(levels)

    assert learned.shares["same person"] == pytest.approx(made.shares["same person"], rel=0.1)
    assert learned.chances["same person"]["order"] == pytest.approx([0.3, 0.7], abs=0.05)
    assert learned.chances["same person"]["phone"] == pytest.approx([0.4, 0.1, 0.5], abs=0.05)


def test_answers_of_people_teach():
    rng = np.random.default_rng(6)
    plain = default_weights()
    levels = np.concatenate([drawn(plain, kind, 1000, rng) for kind in ("same person", "stranger")])
    levels[:, SCORED.index("order")] = 0
    answers = np.repeat([1, 0], 1000)

    taught = estimate(levels, answers=answers)

    assert taught.shares["same person"] == pytest.approx(0.5, abs=0.02)
    assert taught.chances["same person"]["order"][0] > 0.95


def test_weights_are_not_learned_from_nothing():
    with pytest.raises(ValueError, match="at least one pair"):
        estimate(np.empty((0, len(FIELDS))))
    with pytest.raises(ValueError, match="10 columns"):
        score_pairs(np.zeros((1, 3)), default_weights())

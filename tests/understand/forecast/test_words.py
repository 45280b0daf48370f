"""The sentences: what they say of clear, of unclear and of missing figures."""

from datetime import date

import pytest
from django.utils import translation

from epipolis.understand.forecast.models import Passing, Reproduction
from epipolis.understand.forecast.queries import targets, words
from epipolis.understand.forecast.queries.results import Quantiles

LEVELS = (0.025, 0.05, 0.25, 0.5, 0.75, 0.95, 0.975)


@pytest.fixture(autouse=True)
def _english():
    with translation.override("en"):
        yield


def estimated(low, quarter, median, three_quarters, high, marked="", growth=None):
    newest = {
        "day": "2026-03-01", "low": low, "quarter": quarter, "median": median, "three_quarters": three_quarters, "high": high,
        "marked": marked,
    }  # fmt: skip
    return Reproduction(table=[newest], growth=growth)


def week(*values, horizon=1):
    return Quantiles(date(2026, 3, 14), 7, horizon, LEVELS, values)


@pytest.mark.parametrize(
    ("figures", "said"),
    [
        ((1.1, 1.2, 1.3, 1.4, 1.5), "growing"),
        ((0.5, 0.6, 0.7, 0.8, 0.9), "shrinking"),
        ((0.9, 1.05, 1.1, 1.2, 1.3), "probably growing"),
        ((0.7, 0.8, 0.9, 0.97, 1.1), "probably shrinking"),
        ((0.8, 0.95, 1.0, 1.05, 1.2), "neither clearly growing nor shrinking"),
        ((None, None, None, None, None), "not known"),
    ],
)
def test_the_direction_is_only_as_certain_as_the_figure(figures, said):
    assert words.trend(estimated(*figures).table[-1]) == said


def test_rt_is_told_with_its_range_and_with_how_little_stands_behind_it():
    told = words.rt_sentence(estimated(1.1, 1.2, 1.3, 1.4, 1.5, marked="few"))

    assert told == (
        "Rt is 1.30 (between 1.10 and 1.50 with 95 % probability): the number of cases is growing. Few cases stand behind this."
    )
    assert "cannot be told yet" in words.rt_sentence(None)
    assert "cannot be told yet" in words.rt_sentence(estimated(None, None, None, None, None))


def test_doubling_is_told_only_when_the_direction_is_certain():
    assert words.doubling_sentence(estimated(1, 1, 1, 1, 1, growth={"rate": 0.1, "low": 0.0693, "high": 0.13862})) == (
        "At the speed of the last two weeks cases double in 5 to 10 days."
    )
    assert "halve in 5 to 10 days" in words.doubling_sentence(
        estimated(1, 1, 1, 1, 1, growth={"rate": -0.1, "low": -0.13862, "high": -0.0693})
    )
    assert words.doubling_sentence(estimated(1, 1, 1, 1, 1, growth={"rate": 0.01, "low": -0.02, "high": 0.03})) == ""
    assert words.doubling_sentence(None) == ""


def test_a_doubling_that_may_take_months_has_no_longest():
    slow = estimated(1, 1, 1, 1, 1, growth={"rate": 0.07, "low": 0.0008, "high": 0.13862})
    fading = estimated(1, 1, 1, 1, 1, growth={"rate": -0.07, "low": -0.13862, "high": -0.0008})

    assert words.doubling_sentence(slow) == "At the speed of the last two weeks cases double in 5 days or more."
    assert words.doubling_sentence(fading) == "At the speed of the last two weeks cases halve in 5 days or more."


def test_two_weeks_ahead_are_told_as_cases_a_day():
    weeks = [week(0, 0, 0, 0, 0, 0, 0, horizon=0), week(7, 70, 100, 140, 200, 350, 700)]

    told = words.ahead_sentence(targets.KNOWN["cases"], weeks, is_weekly=False)

    assert told == "In two weeks between 10 and 50 cases a day are likely (9 in 10)."
    assert "too little to look ahead from" in words.ahead_sentence(targets.KNOWN["cases"], weeks[:1], is_weekly=False)


@pytest.mark.parametrize(
    ("held", "count", "said"),
    [
        (7, 8, "Of our last 8 forecasts two weeks ahead 7 contained what happened (95 % were promised)."),
        (1, 8, "That is too few: take the range as too narrow."),
        (1, 1, "That is too few forecasts to judge by."),
        (0, 0, "nobody knows how good this one is"),
    ],
)
def test_the_record_is_told_as_it_is(held, count, said):
    assert said in words.record_sentence(held, count)


@pytest.mark.parametrize(("relative", "count", "warned"), [(1.2, 9, True), (0.8, 9, False), (1.2, 3, False), (None, 9, False)])
def test_forecasts_that_were_no_better_than_the_plainest_one_are_said_to_be(relative, count, warned):
    assert bool(words.skill_sentence(relative, count)) == warned


@pytest.mark.parametrize(("chance", "said"), [(0.0001, "below 1 %"), (0.5, "50 %"), (0.9999, "above 99 %"), (None, "–")])
def test_no_probability_is_told_as_certain(chance, said):
    assert words.percent(chance) == said


def test_a_limit_that_is_likely_passed_is_told_with_its_day():
    passing = Passing(limit=60, first_day=date(2026, 3, 2), probabilities=[0.1, 0.6, 0.9])
    row = {"passing": passing, "name": "St Mary", "title": "wards", "probability": 0.9, "likely_from": date(2026, 3, 3)}

    assert words.bed_sentence(row) == (
        "St Mary, wards: the limit of 60 is likely passed for the first time on 3 March; on any day until 4 March with a"
        " probability of 90 %."
    )
    assert "until 4 March with a probability of 90 %" in words.bed_sentence(row | {"likely_from": None})
    assert words.bed_sentence(row | {"passing": None}) == "St Mary, wards: no limit is stated."


def test_what_the_engines_note_is_told_in_the_readers_words():
    assert words.weakness("") == ""
    assert words.weakness("the last value is 50 days old").endswith("the last value is old.")
    assert words.weakness("no value is known: only what other areas show").endswith("taken to be as the others.")
    assert words.weakness("something new") == "This forecast rests on less than usual."


def test_a_probability_beyond_a_limit_follows_the_quantiles():
    one = week(10, 20, 30, 40, 50, 60, 70)

    assert one.over(40) == pytest.approx(0.5)
    assert one.over(45) == pytest.approx(0.375)
    assert 0 < one.over(1_000) < 0.025
    assert 0.975 < one.over(0) < 1
    assert week(0, 0, 0, 0, 0, 2, 3).over(0) == pytest.approx(0.25)
    assert one.at(0.5) == 40
    assert one.at(0.6) == pytest.approx(44)
    assert one.at(0.999) is None

"""Courses of illness, held against the figures of the disease."""

from dataclasses import replace

import numpy as np
import pytest

from epipolis.engines.twin import Duration, diseases, load_disease
from epipolis.engines.twin.courses import (
    ASYMPTOMATIC,
    CRITICAL,
    INFECTION,
    MILD,
    NEVER,
    SEVERE,
    course_of,
    draw_courses,
    shed_on,
    shedding_of,
)
from tests.engines.twin.factories import ALL, NONE, busy

PEOPLE = 60_000


def courses(disease, *, age=45, times=0, severity=1.0, people=PEOPLE, day=0, seed=1):
    rows = np.zeros(people, INFECTION)
    rows["person"], rows["day"] = np.arange(people), day
    ages, before = np.full(people, age, np.uint8), np.full(people, times)
    draw_courses(rows, 0, people, course_of(disease, seed), ages, before, np.full(people, float(severity)))
    return rows


@pytest.mark.parametrize("age", [5, 45, 85])
def test_so_many_fall_ill_as_the_disease_says_for_their_age(age):
    disease = load_disease("covid_19_ancestral")
    rows = courses(disease, age=age)

    for share, has in (
        (disease.symptomatic, rows["course"] >= MILD),
        (disease.severe, rows["course"] >= SEVERE),
        (disease.critical, rows["course"] == CRITICAL),
        (disease.dies, rows["dies"]),
    ):
        due = share[age // 10]
        assert has.mean() == pytest.approx(due, abs=4 * np.sqrt(due * (1 - due) / PEOPLE) + 1e-9)


@pytest.mark.parametrize("name", diseases())
def test_the_days_of_an_illness_follow_each_other(name):
    rows = courses(load_disease(name), age=75, people=20_000, day=7)
    severe, critical = rows["course"] >= SEVERE, rows["course"] == CRITICAL

    assert (rows["sheds"] > 7).all()
    assert (rows["shed"] < rows["over_on"]).all()
    assert (rows["onset"] > 7).all()
    ill = rows["course"] >= MILD
    assert (rows["over_on"] > rows["onset"])[ill].mean() > 0.999
    assert (rows["severe_on"] >= rows["onset"])[severe].all()
    assert (rows["critical_on"] >= rows["severe_on"])[critical].all()
    assert (rows["over_on"] > rows["severe_on"])[severe].all()
    assert (rows["over_on"] > rows["critical_on"])[critical].all()
    assert set(rows["severe_on"][~severe]) <= {NEVER}
    assert set(rows["critical_on"][~critical]) <= {NEVER}
    assert not rows["dies"][~critical].any()


@pytest.mark.parametrize(("mean", "spread"), [(5.57, 2.45), (12.0, 1.0)])
def test_incubation_has_the_mean_and_spread_that_were_given(mean, spread):
    rows = courses(busy(incubation=Duration(mean, spread)))

    assert rows["onset"].mean() == pytest.approx(mean, abs=0.05)
    # Rounding to whole days adds 1/12 to the variance.
    assert rows["onset"].std() == pytest.approx(np.sqrt(spread**2 + 1 / 12), rel=0.05)


def test_each_stage_lasts_as_long_as_was_given():
    stages = {"symptomatic": ALL, "severe": ALL, "critical": (0.5,) * 10, "dies": (0.25,) * 10}
    disease = busy(
        **stages,
        incubation=Duration(5, 0),
        onset_to_severe=Duration(7, 2),
        severe_to_recovered=Duration(18, 4),
        severe_to_critical=Duration(3, 1),
        critical_to_recovered=Duration(20, 4),
        critical_to_death=Duration(11, 3),
    )
    rows = courses(disease)
    critical, dies = rows["course"] == CRITICAL, rows["dies"]

    def mean(last, first, where=slice(None)):
        return (rows[last].astype(int) - rows[first])[where].mean()

    assert mean("severe_on", "onset") == pytest.approx(7, abs=0.1)
    assert mean("over_on", "severe_on", ~critical) == pytest.approx(18, abs=0.1)
    assert mean("critical_on", "severe_on", critical) == pytest.approx(3, abs=0.1)
    assert mean("over_on", "critical_on", critical & ~dies) == pytest.approx(20, abs=0.15)
    assert mean("over_on", "critical_on", dies) == pytest.approx(11, abs=0.15)


def test_without_symptoms_and_with_mild_ones_people_recover_in_their_own_time():
    times = {"asymptomatic_to_recovered": Duration(6, 1), "mild_to_recovered": Duration(10, 1)}
    rows = courses(busy(symptomatic=(0.5,) * 10, severe=NONE, critical=NONE, dies=NONE, **times))
    is_ill = rows["course"] == MILD
    lasted = rows["over_on"] - rows["onset"]

    assert set(rows["course"]) == {ASYMPTOMATIC, MILD}
    assert lasted[is_ill].mean() == pytest.approx(10, abs=0.05)
    # Whoever is infectious is not over, however short the stage.
    assert lasted[~is_ill].mean() == pytest.approx(6, abs=0.3)


def test_a_worse_variant_and_a_better_protected_person_differ_by_that_factor():
    disease = load_disease("covid_19_ancestral")
    usual, worse, better = (courses(disease, age=75, severity=times) for times in (1.0, 1.5, 0.3))

    def severe(rows):
        return set(np.flatnonzero(rows["course"] >= SEVERE))

    assert severe(better) < severe(usual) < severe(worse)
    assert len(severe(worse)) / len(severe(usual)) == pytest.approx(1.5, abs=0.06)
    assert len(severe(better)) / len(severe(usual)) == pytest.approx(0.3, abs=0.03)
    assert np.array_equal(usual["course"] >= MILD, worse["course"] >= MILD)


def test_a_few_are_much_more_infectious_than_most():
    disease = busy(dispersion=0.3, asymptomatic_infectiousness=1.0)
    level = courses(disease)["level"].astype(float)

    assert level.mean() == pytest.approx(1, abs=0.03)
    assert level.mean() ** 2 / level.var() == pytest.approx(0.3, rel=0.05)
    half = courses(replace(disease, asymptomatic_infectiousness=0.5))
    assert half["level"][half["course"] == ASYMPTOMATIC].mean() == pytest.approx(0.5, abs=0.02)
    assert np.array_equal(half["level"][half["course"] > 0], courses(disease)["level"][half["course"] > 0])


def test_a_second_infection_has_a_course_of_its_own():
    disease = load_disease("covid_19_ancestral")
    first, again, second = courses(disease), courses(disease), courses(disease, times=1)

    assert np.array_equal(first, again)
    assert (first["course"] != second["course"]).mean() > 0.01
    assert not np.array_equal(first["onset"], courses(disease, seed=2)["onset"])


def test_a_course_does_not_depend_on_who_else_is_infected():
    disease = load_disease("covid_19_ancestral")

    assert np.array_equal(courses(disease, people=100), courses(disease)[:100])


def test_by_day_of_onset_the_infectiousness_is_what_the_disease_says():
    disease = busy()
    shedding = shedding_of(disease)
    rows = courses(disease, people=2_000, age=75)
    long = rows[(rows["onset"] > 8) & (rows["over_on"] > rows["onset"] + 12)][0]

    days = range(int(long["onset"]) - 12, int(long["onset"]) + 14)
    shed = [shed_on(shedding, long, day) for day in days]

    first = disease.first_infectious_day
    due = dict(enumerate(disease.infectiousness, start=int(long["onset"]) + first))
    assert shed == [due.get(day, 0.0) for day in days]
    assert sum(shed) == pytest.approx(sum(disease.infectiousness))


def test_two_steps_of_viral_load_have_a_mean_of_one():
    disease = load_disease("covasim_default")
    shedding = shedding_of(disease)
    means, ratios = [], set()
    for one in courses(disease, people=300):
        shed = np.array([shed_on(shedding, one, day) for day in range(int(one["sheds"]), int(one["shed"]) + 1)])
        means.append(shed.mean())
        assert (np.diff(shed) <= 0).all()  # high first
        ratios.add(round(float(shed.max() / shed.min()), 9))

    assert np.mean(means) == pytest.approx(1, abs=0.1)
    assert disease.viral_load.ratio in ratios <= {1.0, disease.viral_load.ratio}

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from epipolis.engines.twin import measures
from epipolis.engines.twin.disease import load_disease
from epipolis.engines.twin.measure_checks import check_measures, compliance_of
from epipolis.engines.twin.measures import (
    ClosePlaces,
    FewerOutings,
    IsolateCases,
    LimitCapacity,
    Masks,
    Schools,
    TraceContacts,
    Trigger,
    Vaccinate,
)

CASES = Trigger("cases", above=50)


def check(*measures, people=1_000, areas=("A", "B"), days=100, disease=None):
    check_measures(measures, people=people, areas=areas, days=days, disease=disease)


def said(*measures, **city):
    with pytest.raises(ValueError, match=r".") as caught:
        check(*measures, **city)
    return str(caught.value)


def test_measures_that_fit_each_other_pass():
    check(
        measures.Testing(last_day=19),
        measures.Testing(first_day=20, symptomatic=0.9),
        IsolateCases(),
        TraceContacts(),
        Masks(effect=0.6, compliance_by_age={"0-17": 0.2, "18-64": 0.7, "65+": 0.9}, compliance_by_area={"A": 0.5}),
        Masks(first_day=24),
        FewerOutings(),
        FewerOutings(first_day=24, last_day=46),
        Schools("half_classes", last_day=9),
        Schools("closed", first_day=10),
        ClosePlaces(("bar",)),
        LimitCapacity(("restaurant",)),
        Vaccinate("mRNA", 20, first_day=50),
        disease=load_disease("covid_19_ancestral"),
    )


@pytest.mark.parametrize(
    ("measures", "sentence"),
    [
        ([Masks(compliance_by_area={"C": 0.5})], "masks: compliance_by_area names 'C', which is no area of the city."),
        (
            [Masks(compliance_by_age={"0-17": 0.5, "15-20": 0.4})],
            "masks: compliance_by_age gives '0-17' and '15-20', which overlap.",
        ),
        (
            [Schools("closed", last_day=20), Schools("half_classes", first_day=20)],
            "Schools are both closed and in half classes on day 20.",
        ),
        (
            [measures.Testing(last_day=20), measures.Testing(first_day=20)],
            "testing stands twice on day 20; end the first before the second begins.",
        ),
        (
            [LimitCapacity(("bar", "gym")), ClosePlaces(("gym",), first_day=3)],
            "Places of the kind gym are both closed and limited to a share of their guests on day 3.",
        ),
        ([Vaccinate("mRNA", 1_001)], "vaccinate: 1,001 doses on day 0 are more than there are people (1,000)."),
        (
            [Vaccinate("mRNA", 600), Vaccinate("vector", 600, first_day=7, title="Second vaccine")],
            "Second vaccine: 1,200 doses on day 7 are more than there are people (1,000).",
        ),
        (
            [Vaccinate("mRNA", 500, first_day=10, last_day=14)],
            "vaccinate: 2,500 doses are more than the 1,000 people of the city can take.",
        ),
    ],
)
def test_a_contradiction_is_one_sentence(measures, sentence):
    assert said(*measures) == sentence


def test_a_vaccine_must_be_one_of_the_disease():
    disease = load_disease("covid_19_ancestral")

    assert said(Vaccinate("MMR", 5), disease=disease) == (
        "vaccinate: COVID-19 (ancestral) has no vaccine called 'MMR', but mRNA, vector."
    )
    assert said(Vaccinate("MMR", 5), disease=load_disease("covasim_default")).endswith(
        "no vaccine called 'MMR', but none at all."
    )


def test_doses_are_counted_by_the_doses_of_the_vaccine():
    one_dose = load_disease("measles")

    check(Vaccinate("MMR", 100, last_day=9), disease=one_dose)
    assert said(Vaccinate("MMR", 100, last_day=10), disease=one_dose).startswith("vaccinate: 1,100 doses are more")


def test_doses_after_the_end_of_the_run_do_not_count():
    check(Vaccinate("mRNA", 20, last_day=10_000), days=100)


def test_measures_with_triggers_need_not_meet():
    check(Schools("closed", trigger=CASES), Schools("half_classes"))
    check(LimitCapacity(("bar",)), ClosePlaces(("bar",), trigger=CASES))


def test_contradictions_after_the_end_of_the_run_do_not_matter():
    check(Schools("closed", first_day=100), Schools("half_classes", first_day=150), days=100)


@pytest.mark.parametrize("days", [0, -3])
def test_a_run_has_a_day_at_least(days):
    assert said(days=days) == f"A run needs at least one day, not {days}."


def test_a_city_has_somebody():
    assert said(people=0) == "There is nobody in the city."


def test_own_figures_of_ages_and_areas_replace_the_general_one():
    measure = Masks(compliance=0.8, compliance_by_age={"0-17": 0.4}, compliance_by_area={"B": 0.6, "A": 0.1})
    ages, areas = np.array([17, 18, 17, 18, 17, 18]), np.array([0, 0, 1, 1, 2, 2])

    found = compliance_of(measure, ages, areas, ["A", "B", "C"])

    assert found.tolist() == [0.1, 0.1, 0.4, 0.6, 0.4, 0.8]


@given(
    st.lists(st.tuples(st.integers(0, 110), st.integers(0, 2)), max_size=20),
    st.dictionaries(st.sampled_from(["0-17", "18-64", "65+"]), st.floats(0, 1)),
    st.dictionaries(st.sampled_from(["A", "B"]), st.floats(0, 1)),
    st.floats(0, 1),
)
def test_compliance_is_always_one_of_the_figures_given(people, by_age, by_area, general):
    measure = Masks(compliance=general, compliance_by_age=by_age, compliance_by_area=by_area)
    ages, areas = (np.array([item[column] for item in people], np.int64) for column in (0, 1))

    found = compliance_of(measure, ages, areas, ["A", "B", "C"])

    assert set(found.tolist()) <= {general, *by_age.values(), *by_area.values()}

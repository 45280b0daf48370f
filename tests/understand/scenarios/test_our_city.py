"""Our own city in the simulation, and an epidemic that begins with the cases of today."""

from datetime import timedelta

import pytest

from epipolis.core import clock
from epipolis.sense.cases import services as cases
from epipolis.sense.people.models import Person
from epipolis.understand.scenarios import queries, services
from tests.sense.city import factories as city

from .factories import NOW, content, scenario

pytestmark = pytest.mark.django_db
TODAY = NOW.date()


@pytest.fixture
def town():
    """Two districts; the first has two neighbourhoods of 300 and 900 people, the second one of 600."""
    harbour, hills = city.district("D1", "Harbour"), city.district("D2", "Hills", west=city.WEST + 0.05)
    areas = {}
    for number, (code, within, people) in enumerate((("N1", harbour, 300), ("N2", harbour, 900), ("N3", hills, 600))):
        areas[code] = city.neighbourhood(code, f"Area {code}", within=within, west=city.WEST + 0.02 * number)
        for sex in ("F", "M"):
            for age in (0, 20, 60):
                city.people_of(areas[code], people // 6, sex=sex, age_from=age, age_to={0: 19, 20: 59, 60: None}[age])
    return areas


def report(number, **facts):
    person = Person.objects.create(known_at=NOW)
    facts = {"classification": "confirmed", "reported": TODAY} | facts
    with clock.fixed(NOW):
        cases.report_case(person.id, facts, disease="covid19", source="t", source_key=str(number), by="test", at=NOW)


def begin(**more):
    wanted = {"disease": "covid_19_ancestral", "under_reporting": 4.0, "immune_share": 0.1}
    return queries.beginning(NOW, **wanted | more)


def test_our_city_is_built_with_its_areas_and_everybody_in_them(town):
    built = services.build_city({"city": {"kind": "ours", "seed": 1}})

    areas = {row["code"]: row["people"] for row in queries.packed_areas(built)}
    assert areas == {"N1": 300, "N2": 900, "N3": 600}


def test_a_city_without_people_is_refused_with_one_sentence():
    with pytest.raises(ValueError, match="no people of our city are counted"):
        services.build_city({"city": {"kind": "ours", "seed": 1}})


def test_reported_cases_are_multiplied_and_placed_by_area_and_age(town):
    report(1, neighbourhood=town["N3"], onset=TODAY - timedelta(days=2), age_from=34, age_to=34)
    report(2, neighbourhood=town["N3"], onset=TODAY - timedelta(days=2), age_from=31, age_to=38)

    found = begin()

    assert found["infected"] == [
        {"area": "N3", "age_from": 30, "age_to": 39, "days_since_infection": 2 + round(5.6), "count": 8}
    ]
    assert (found["reported"], found["under_reporting"], found["immune_share"]) == (2, 4.0, 0.1)


def test_a_case_of_which_only_the_district_is_known_is_spread_as_its_people_are(town):
    report(1, district=town["N1"].district)

    counts = {row["area"]: row["count"] for row in begin()["infected"]}

    assert counts == {"N1": 1, "N2": 3}


def test_cases_of_unknown_place_and_age_are_anywhere(town):
    report(1)

    (row,) = begin()["infected"]

    assert (row["area"], row["age_from"], row["age_to"], row["count"]) == (None, 0, 120, 4)


def test_old_cases_and_suspicions_do_not_count(town):
    report(1, reported=TODAY - timedelta(days=30))
    report(2, classification="suspected")

    assert begin()["infected"] == []


def test_a_run_from_here_begins_with_those_people_and_no_others(town, staff, deliver_events):
    for number in range(5):
        report(number, neighbourhood=town["N2"], onset=TODAY - timedelta(days=1))
    made = scenario(by=staff("epidemiologist"), city={"kind": "ours", "seed": 1}, begin=begin(immune_share=0.0))
    services.start_run(queries.version(made), by=None, at=NOW)
    deliver_events()

    run = queries.finished_run(queries.version(made))
    truth = run.summaries[0]

    assert run.people == 1_800
    assert truth["infections"] > 0
    assert queries.rows("equity", [queries.Shown("x", run.version, run)])


def test_what_was_known_when_a_scenario_was_saved_stays_when_measures_change(town):
    from django.http import QueryDict

    from epipolis.understand.scenarios.forms import Editor
    from tests.understand.scenarios.test_views import typed

    report(1, neighbourhood=town["N3"])
    former = content(city={"kind": "ours", "seed": 1}, begin=begin(immune_share=0.0))
    report(2, neighbourhood=town["N3"])
    data = QueryDict(mutable=True)
    for name, value in typed(city="ours", begin="on").items():
        data[name] = value

    same = Editor("x", "", former, data).content(NOW)
    data["under_reporting"] = "5"
    other = Editor("x", "", former, data).content(NOW)

    assert same["begin"]["reported"] == 1
    assert other["begin"]["reported"] == 2

from datetime import UTC, date, datetime, timedelta

import pytest

from epipolis.core import clock
from epipolis.sense.cases import services as cases
from epipolis.sense.city.models import District, PopulationCount
from epipolis.sense.people.models import Person
from epipolis.understand.situation import queries

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 20, 4, tzinfo=UTC)  # noon in Taipei
TODAY = date(2026, 3, 20)


def district(name="Old Town", people=10_000):
    found = District.objects.create(code=name, name=name, known_at=NOW)
    if people:
        PopulationCount.objects.create(district=found, sex="", age_from=0, people=people)
    return found


def report(number, *, at=NOW, reported="", classification="confirmed", **facts):
    person = Person.objects.create(known_at=at)
    reported = clock.local_day(at) if reported == "" else reported
    facts = {"classification": classification, "reported": reported} | facts
    return cases.report_case(person.id, facts, disease="covid19", source="t", source_key=str(number), by="test", at=at)


def test_the_headline_counts_confirmed_cases_by_the_day_of_their_report():
    town = district()
    for number, days in enumerate((0, 0, 1, 6, 7, 13, 14)):
        report(number, reported=TODAY - timedelta(days=days), district=town)
    report(100, classification="suspected")

    found = queries.picture(None, now=NOW)

    assert (found.new, found.week, found.week_before, found.total) == (2, 4, 2, 7)
    assert (found.incidence, found.week_change) == (40.0, 1.0)
    assert found.by_class == {"confirmed": 7, "suspected": 1}


def test_a_case_without_a_report_day_counts_on_the_next_best_day():
    report(1, reported=None, confirmed=TODAY - timedelta(days=2))
    report(2, reported=None)

    found = queries.picture(None, now=NOW)

    assert found.reported == {TODAY - timedelta(days=2): 1, TODAY: 1}


def test_the_picture_of_a_past_day_knows_nothing_of_later_reports_and_corrections():
    early = report(1, at=NOW - timedelta(days=5), reported=TODAY - timedelta(days=5), onset=TODAY - timedelta(days=8))
    report(2, at=NOW - timedelta(days=1), reported=TODAY - timedelta(days=5))
    cases.revise_case(early.id, {"outcome": "died", "onset": TODAY - timedelta(days=9)}, by="test", at=NOW - timedelta(days=1))

    then = queries.picture(NOW - timedelta(days=3), now=NOW)
    today = queries.picture(None, now=NOW)

    assert (then.total, then.died, list(then.onset)) == (1, 0, [TODAY - timedelta(days=8)])
    assert (today.total, today.died, list(today.onset)) == (2, 1, [TODAY - timedelta(days=9)])


def test_a_new_belief_is_in_the_picture_at_once():
    report(1)
    assert queries.picture(None, now=NOW).total == 1

    report(2)

    assert queries.picture(None, now=NOW).total == 2


def test_active_cases_are_recent_and_without_an_outcome():
    report(1)
    report(2, outcome="recovered", ended=TODAY)
    report(3, reported=TODAY - timedelta(days=40))

    assert queries.picture(None, now=NOW).active == 1


def test_districts_without_cases_and_without_people_stand_in_the_table_too():
    town, empty = district("A"), district("B", people=0)
    report(1, district=town)
    report(2)

    rows = queries.district_table(queries.picture(None, now=NOW))

    assert [(r["district"], r["cases"], r["incidence_7_days"]) for r in rows] == [("A", 1, 10.0), (empty.name, 0, None)]
    assert queries.picture(None, now=NOW).without_district == 1


def test_the_curve_has_a_row_for_every_day_from_the_first_to_today():
    report(1, reported=TODAY - timedelta(days=3), onset=TODAY - timedelta(days=6))

    rows = queries.curve_table(queries.picture(None, now=NOW))

    assert [row["day"] for row in rows] == [TODAY - timedelta(days=n) for n in range(6, -1, -1)]
    assert sum(row["reported"] for row in rows) == sum(row["onset"] for row in rows) == 1


def test_delays_are_medians_over_recent_cases_with_both_dates():
    for number, days in enumerate((1, 2, 9)):
        report(number, onset=TODAY - timedelta(days=days), sampled=TODAY)
    report(9, sampled=TODAY)

    found = {hop.name: hop for hop in queries.hops(NOW)}

    assert (found["onset_to_sample"].median, found["onset_to_sample"].cases, found["onset_to_sample"].missing) == (2, 3, 1)


def test_the_public_release_hides_small_cells_and_stays_the_same_all_day():
    town, village = district("A"), district("B")
    monday = TODAY - timedelta(days=TODAY.weekday() + 14)
    early = clock.start_of(monday + timedelta(days=2))
    for number in range(30):
        report(number, at=early, reported=monday, district=town)
    for number in range(30, 33):
        report(number, at=early, reported=monday, district=village)
    before = queries.published(NOW)

    report(99, reported=TODAY, district=village)

    week = before.weeks.index(monday)
    counts = {row["district"]: row["counts"][week] for row in before.districts}
    assert counts == {"A": None, "B": None}  # the town's would give the village's away
    assert queries.published(NOW + timedelta(hours=5)) == before


def test_a_released_week_never_changes():
    """Differences between two releases must not show one late report."""
    town = district("A")
    monday = TODAY - timedelta(days=TODAY.weekday() + 14)
    for number in range(20):
        report(number, at=clock.start_of(monday + timedelta(days=3)), reported=monday, district=town)
    later = NOW + timedelta(days=2)
    report(50, at=NOW, reported=monday, district=town)

    first, second = queries.published(NOW), queries.published(later)

    of_week = [r.districts[0]["counts"][r.weeks.index(monday)] for r in (first, second)]
    assert of_week == [20, 20]

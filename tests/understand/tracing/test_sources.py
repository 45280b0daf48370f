"""The view backwards: earlier cases as sources, places where cases gather, and who is linked with whom."""

from datetime import date, timedelta
from uuid import uuid4

import pytest

from epipolis.core import clock
from epipolis.understand.tracing import queries, services

from .factories import NOW, case, day_visit, local, meeting, person, place, visit

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def noon():
    with clock.fixed(NOW):
        yield


def trace(*cases):
    for one in cases:
        services.trace_case(one.id, by="test", at=NOW)


def sources(of):
    return queries.sources_of(of, at=NOW)


def test_the_source_is_the_earlier_case_that_was_most_infectious_at_the_meeting():
    where, later = place(), case(onset=date(2021, 3, 16))
    peak, tail = case(onset=date(2021, 3, 12)), case(onset=date(2021, 3, 3))
    for one, hour in ((peak, 9), (tail, 14)):
        visit(one.person_id, where, local(12, hour), 60)
        visit(later.person_id, where, local(12, hour), 60)

    first, second = sources(later)

    assert (first.case, second.case) == (peak, tail)
    assert first.likelihood == pytest.approx(0.140 / (0.140 + 0.003))
    assert (first.minutes, first.certain, first.places, first.last_met) == (60, True, (where.name,), local(12, 10))


def test_who_fell_ill_later_is_no_source():
    where, early, late = place(), case(onset=date(2021, 3, 10)), case(onset=date(2021, 3, 14))
    for one in (early, late):
        visit(one.person_id, where, local(12, 9), 60)

    assert [one.case for one in sources(late)] == [early]
    assert sources(early) == []


@pytest.mark.parametrize(
    ("changes", "count"),
    [({}, 1), ({"classification": "probable"}, 1), ({"classification": "suspected"}, 0), ({"classification": "not_a_case"}, 0)],
)
def test_only_confirmed_and_probable_cases_are_sources(changes, count):
    where, later, earlier = place(), case(onset=date(2021, 3, 16)), case(onset=date(2021, 3, 12), **changes)
    for one in (later, earlier):
        visit(one.person_id, where, local(12, 9), 60)

    assert len(sources(later)) == count


def test_meetings_outside_the_infectious_time_of_the_earlier_case_do_not_count():
    where, later, earlier = place(), case(onset=date(2021, 3, 16)), case(onset=date(2021, 3, 12))
    for one in (later, earlier):
        visit(one.person_id, where, local(9, 9), 60)  # the day before the earlier case became infectious

    assert sources(later) == []


def test_a_stay_known_by_the_day_counts_less_than_a_certain_one():
    where, bar = place(), place()
    later, certain, possible = case(onset=date(2021, 3, 16)), case(onset=date(2021, 3, 12)), case(onset=date(2021, 3, 12))
    for one in (later, certain):
        visit(one.person_id, where, local(12, 9), 60)
    for one in (later, possible):
        day_visit(one.person_id, bar, 12)

    first, second = sources(later)

    assert (first.case, second.case, second.certain) == (certain, possible, False)
    assert second.likelihood == pytest.approx(0.2)  # a quarter of at most an hour, beside an hour


def test_the_source_that_a_report_names_is_listed_even_without_a_shared_stay():
    named = case(onset=date(2021, 3, 8))
    later = case(onset=date(2021, 3, 16), infected_by=named.id)

    (found,) = sources(later)

    assert (found.case, found.is_named, found.likelihood, found.minutes, found.last_met) == (named, True, 0.0, 0, None)


def test_a_named_source_that_does_not_exist_is_passed_over():
    assert sources(case(onset=date(2021, 3, 16), infected_by=uuid4())) == []


def gather(where, *cases, day=12):
    for one in cases:
        visit(one.person_id, where, local(day, 9), 90)


def test_a_cluster_is_a_place_with_enough_cases_in_the_days_of_the_rule():
    busy, quiet, past = place("busy"), place("quiet"), place("past")
    three = [case(), case(), case()]
    gather(busy, *three)
    gather(quiet, *three[:2])
    gather(past, *three, day=1)
    trace(*three)

    (found,) = queries.clusters(NOW)

    assert (found.place, found.cases, found.certain, found.infectious, found.exposed) == (busy, 3, 3, 3, 0)
    assert (found.first, found.last, found.hours) == (date(2021, 3, 12), date(2021, 3, 12), 4)
    assert {cluster.place for cluster in queries.clusters(NOW, days=30)} == {busy, past}


def test_one_case_on_many_days_is_no_cluster():
    where, one = place(), case()
    for day in (9, 10, 11, 12):
        gather(where, one, day=day)
    trace(one)

    assert queries.clusters(NOW) == []
    assert [row["day"].day for row in queries.cases_at(where.id, NOW)] == [9, 10, 11, 12]


def test_clusters_need_the_same_queries_for_any_number(django_assert_num_queries):
    cases = [case() for _ in range(3)]
    for number in range(4):
        gather(place(f"p{number}"), *cases)
    trace(*cases)
    with django_assert_num_queries(4):  # rule packs of the city, places that qualify, their figures, the places
        assert len(queries.clusters(NOW)) == 4


def test_the_network_joins_cases_that_met_and_infections_that_are_known():
    ill, met, where = meeting()
    second = case(onset=date(2021, 3, 14), infected_by=ill.id)
    visit(second.person_id, where, local(10, 12), 60)
    trace(ill, second)

    found = queries.network(ill.id, at=NOW)

    assert {node["id"] for node in found["nodes"]} == {f"case-{ill.id}", f"case-{second.id}", f"contact-{met}"}
    named = [link for link in found["links"] if link["name"] == "named as the source"]
    assert [(link["source"], link["target"]) for link in named] == [(f"case-{ill.id}", f"case-{second.id}")]
    assert (len(found["links"]), found["left_out"]) == (2, 0)


def test_a_network_that_grows_too_large_says_what_it_leaves_out():
    ill, where = case(), place()
    visit(ill.person_id, where, local(10, 12), 60)
    for _ in range(12):
        visit(uuid4(), where, local(10, 12), 60)
    trace(ill)

    found = queries.network(ill.id, at=NOW, limit=5)

    assert (len(found["nodes"]), len(found["links"]), found["left_out"]) == (5, 4, 8)


def test_the_whole_network_shows_only_contacts_that_link_cases():
    where, bridge = place(), uuid4()
    one, two, far = case(), case(), place()
    visit(one.person_id, where, local(10, 12), 60)
    visit(two.person_id, far, local(11, 12), 60)
    visit(bridge, where, local(10, 12), 60)
    visit(bridge, far, local(11, 12), 60)
    visit(uuid4(), far, local(11, 12), 60)
    trace(one, two)

    found = queries.network(at=NOW)

    assert {node["id"] for node in found["nodes"]} == {f"case-{one.id}", f"case-{two.id}", f"contact-{bridge}"}
    assert len(found["links"]) == 2


def test_the_timeline_shows_the_case_and_those_it_met():
    ill, met, where = meeting()
    trace(ill)

    bars = queries.timeline(ill, at=NOW)["bars"]

    start, end = (local(10, 12).isoformat(), local(10, 13).isoformat())
    shown = [(bar["row"], bar["label"], bar["start"][:19], bar["group"]) for bar in bars]
    utc = (local(10, 12) - timedelta(hours=8)).isoformat()[:19]
    assert shown == [(ill.source_key, where.name, utc, "case"), (queries.pseudonym(met), where.name, utc, "together")]
    assert start < end


def test_contacts_of_a_contact_are_those_met_since():
    ill, phone, _where = meeting()
    since, before = uuid4(), uuid4()
    bar = place()
    visit(phone, bar, local(12, 20), 60)
    visit(since, bar, local(12, 20), 60)
    visit(phone, bar, local(9, 20), 60)
    visit(before, bar, local(9, 20), 60)
    trace(ill)

    (contact,) = queries.contacts_of(ill.id)
    found = queries.contacts_of_contacts(contact, at=NOW)

    assert [one.visitor for one in found] == [since]


def test_a_person_with_a_language_keeps_it_in_the_work_list():
    ill, friend = case(), person(language="vi")
    where = place("market")
    visit(ill.person_id, where, local(10, 12), 60)
    visit(friend, where, local(10, 12), 60)
    trace(ill)

    (contact,) = queries.work_list(at=NOW)

    assert (contact.person.language, contact.place_name) == ("vi", "Market")


def test_who_met_a_case_too_long_ago_to_fall_ill_is_left_out():
    ill, _met, _where = meeting(day=8)
    trace(ill)

    assert queries.count_to_call(local(22, 12)) == 1
    assert queries.count_to_call(local(22, 13)) == 0
    assert queries.work_list(at=local(22, 13), older=True).count() == 1


def test_delays_count_each_revision_once():
    ill, _met, _where = meeting(revised_at=NOW - timedelta(hours=3))
    trace(ill)
    services.trace_case(ill.id, by="test", at=NOW + timedelta(hours=5))

    assert queries.hours_to_trace(NOW - timedelta(days=1), NOW + timedelta(days=1)) == [3.0]
    assert queries.median_minutes_to_trace(NOW + timedelta(hours=6)) == 180.0
    assert queries.median_minutes_to_trace(NOW - timedelta(days=1)) is None

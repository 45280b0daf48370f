"""Exposures in: who is followed, until when, and who is not."""

from datetime import date, timedelta

import pytest

from epipolis.act.followup import queries, services
from epipolis.act.followup.models import Change, Exposure, FollowUp, State
from epipolis.core import clock, rules
from epipolis.core.models import AuditEntry
from epipolis.sense.cases import services as cases
from epipolis.sense.people import services as people
from epipolis.understand.tracing.models import Contact
from epipolis.understand.tracing.services import trace_case

from .factories import NOW, case, exposed, link, local, meeting, person, place, told, visit

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def noon():
    with clock.fixed(NOW):
        yield


def reasons(row):
    return rules.explain(row.decision)


def test_somebody_who_met_a_case_is_followed_and_the_end_explained():
    row = exposed(last_contact=date(2021, 3, 15))

    assert (row.state, row.starts, row.until, row.risk) == ("open", date(2021, 3, 16), date(2021, 3, 29), "high")
    assert reasons(row)[0].startswith("Until 2021-03-29 because the last contact was on 2021-03-15")
    assert row.due_from == NOW
    assert AuditEntry.objects.filter(action="followup.exposures").count() == 1


def test_telling_the_same_twice_changes_nothing():
    who, source = person(), case()
    first = exposed(who, source, reference="one")
    again = exposed(who, source, reference="one")

    assert (first.id, first.revision) == (again.id, again.revision)
    assert (Exposure.objects.count(), Change.objects.count()) == (1, 0)


def test_a_new_exposure_restarts_the_clock_and_stands_in_the_history():
    who = person()
    exposed(who, last_contact=date(2021, 3, 10))
    row = exposed(who, last_contact=date(2021, 3, 18), risk="low", at=NOW + timedelta(hours=1))

    assert (row.until, row.risk, FollowUp.objects.count()) == (date(2021, 4, 1), "high", 1)
    line = Change.objects.get()
    assert (line.before["until"], line.after["until"]) == ("2021-03-24", "2021-04-01")


def test_who_was_told_is_told_again_when_the_end_moves():
    who = person()
    row = exposed(who, last_contact=date(2021, 3, 10))
    services.record_attempt(row.id, outcome="reached", by="test", at=NOW)
    row = exposed(who, last_contact=date(2021, 3, 18), at=NOW + timedelta(hours=1))

    assert (row.is_told, row.first_reached) == (False, NOW)


def test_an_older_exposure_does_not_shorten():
    who = person()
    exposed(who, last_contact=date(2021, 3, 18))

    assert exposed(who, last_contact=date(2021, 3, 9)).until == date(2021, 4, 1)


def test_a_corrected_day_that_ends_earlier_is_asked_about_and_not_taken():
    who, source = person(), case()
    exposed(who, source, reference="one", last_contact=date(2021, 3, 18))
    row = exposed(who, source, reference="one", last_contact=date(2021, 3, 12))

    assert (row.standard_until, row.until) == (date(2021, 3, 26), date(2021, 4, 1))
    assert next(one["kind"] for one in queries.offers(row, NOW)) == "shorten"
    assert "It is never shortened by itself" in reasons(row)[-1]


def test_without_a_day_there_is_no_end_but_somebody_to_call():
    row = exposed(last_contact=None)

    assert (row.starts, row.until, row.due_from) == (None, None, NOW)
    listed = queries.work_list(NOW).rows
    exposure = queries.leading_exposures([row.id])[row.id]
    assert "Ask for the day of the last contact" in " ".join(queries.told(row, listed[0].lane, exposure, NOW).ask)


def test_a_report_stands_in_for_an_unknown_last_contact_and_says_so():
    row = exposed(last_contact=None, reported=date(2021, 3, 17))

    assert row.until == date(2021, 3, 31)
    assert "is not known, so it is counted from the report" in reasons(row)[0]


def test_a_contact_known_too_late_is_not_followed_and_says_why():
    row = exposed(last_contact=date(2021, 2, 1))

    assert row.state == State.NOT_NEEDED
    assert rules.explain(row.end_reason) == ["Its last day, 2021-02-15, was over before the contact became known."]
    assert queries.work_list(NOW).rows == []


@pytest.mark.parametrize(("onset", "state"), [(date(2021, 2, 10), "not_needed"), (date(2021, 3, 18), "converted")])
def test_who_is_a_case_is_no_contact(onset, state):
    who = person()
    ill = case(who, onset=onset, confirmed=onset, reported=onset)
    row = exposed(who, last_contact=date(2021, 3, 15))

    assert (row.state, row.case_id) == (state, ill.id)


def test_an_illness_long_ago_does_not_count():
    who = person()
    case(who, onset=date(2020, 3, 1), confirmed=date(2020, 3, 1), reported=date(2020, 3, 1))

    assert exposed(who).state == State.OPEN


def test_two_diseases_are_two_follow_ups():
    who = person()
    first, second = exposed(who), services.add_exposure(told(who), by="test", at=NOW)
    assert first.id == second.id
    other = told(who)
    other.disease = "MERS"

    assert services.add_exposure(other, by="test", at=NOW).id != first.id


def test_tracing_feeds_it_people_are_called_and_visitors_are_not(deliver_events):
    ill, friend, where = case(), person(), place()
    stranger = meeting_of(ill, friend, where)
    trace_case(ill.id, by="test", at=NOW)
    deliver_events(twice=True)

    known, unknown = FollowUp.objects.get(person=friend), FollowUp.objects.get(visitor=stranger)
    assert (known.until, unknown.until, unknown.is_callable) == (date(2021, 3, 24), date(2021, 3, 24), False)
    assert [one.row.id for one in queries.work_list(NOW).rows] == [known.id]
    assert queries.count_unknown() == 1
    assert unknown.due_from is None


def meeting_of(ill, friend, where):
    from uuid import uuid4

    stranger = uuid4()
    for who in (ill.person_id, friend.id, stranger):
        visit(who, where, local(10, 12), 60)
    return stranger


def test_a_visitor_who_becomes_known_is_called_and_the_pseudonym_ends(deliver_events):
    ill, visitor, _where = meeting()
    trace_case(ill.id, by="test", at=NOW)
    deliver_events()
    known = person()
    link(visitor, known)
    trace_case(ill.id, by="test", at=NOW)
    deliver_events(twice=True)

    assert FollowUp.objects.get(person=known).state == State.OPEN
    assert FollowUp.objects.get(visitor=visitor, person=None).state == State.CANCELLED
    assert Exposure.objects.count() == 1


def test_a_contact_that_tracing_no_longer_finds_ends_what_nobody_worked_on(deliver_events):
    ill, friend, where = case(), person(), place()
    meeting_of(ill, friend, where)
    trace_case(ill.id, by="test", at=NOW)
    deliver_events()
    cases.revise_case(ill.id, {"onset": date(2021, 3, 16)}, by="test", at=NOW)
    deliver_events()

    assert Contact.objects.filter(gone=None).count() == 0
    assert set(FollowUp.objects.values_list("state", flat=True)) == {"cancelled"}
    cases.revise_case(ill.id, {"onset": date(2021, 3, 10)}, by="test", at=NOW + timedelta(hours=1))
    with clock.fixed(NOW + timedelta(hours=1)):
        deliver_events()
    assert set(FollowUp.objects.values_list("state", flat=True)) == {"open"}


def test_work_on_a_contact_is_kept_when_tracing_no_longer_finds_it(deliver_events):
    ill, friend, where = case(), person(), place()
    meeting_of(ill, friend, where)
    trace_case(ill.id, by="test", at=NOW)
    deliver_events()
    row = FollowUp.objects.get(person=friend)
    services.record_attempt(row.id, outcome="reached", by="test", at=NOW)
    cases.revise_case(ill.id, {"onset": date(2021, 3, 16)}, by="test", at=NOW)
    deliver_events()

    row.refresh_from_db()
    assert (row.state, row.until) == (State.OPEN, date(2021, 3, 24))


def test_exposures_to_a_case_that_is_none_no_longer_count(deliver_events):
    source, who = case(), person()
    row = exposed(who, source, last_contact=date(2021, 3, 15))
    cases.revise_case(source.id, {"classification": "not_a_case"}, by="test", at=NOW)
    deliver_events()

    row.refresh_from_db()
    assert row.state == State.CANCELLED


def two_rows():
    first, _ = people.find_or_make_person([("national_id", "A1")], by="test", at=NOW)
    second, _ = people.find_or_make_person([("passport", "P1")], by="test", at=NOW)
    return first, second


def test_merged_people_have_one_follow_up_and_unmerging_gives_both_back(deliver_events):
    first, second = two_rows()
    one = exposed(first, last_contact=date(2021, 3, 12))
    two = exposed(second, last_contact=date(2021, 3, 16), at=NOW + timedelta(minutes=1))
    merge = people.merge_people(second.id, first.id, reason="the same", by="test", at=NOW)
    deliver_events(twice=True)

    assert [row.row.id for row in queries.work_list(NOW + timedelta(hours=1)).rows] == [one.id]
    one.refresh_from_db()
    assert one.until == date(2021, 3, 30)
    later = exposed(second, last_contact=date(2021, 3, 17))
    assert later.id == one.id

    people.unmerge_people(merge.id, reason="two people", by="test", at=NOW)
    deliver_events(twice=True)
    one.refresh_from_db()
    two.refresh_from_db()
    assert (one.part_of_id, two.part_of_id) == (None, None)
    assert (one.standard_until, two.until) == (date(2021, 3, 26), date(2021, 3, 31))
    assert {row.row.id for row in queries.work_list(NOW + timedelta(hours=1)).rows} == {one.id, two.id}


def test_a_case_of_one_row_converts_the_follow_up_of_the_other(deliver_events):
    first, second = two_rows()
    row = exposed(first)
    people.merge_people(second.id, first.id, reason="the same", by="test", at=NOW)
    deliver_events()
    cases.report_case(
        second.id,
        {"classification": "confirmed", "reported": date(2021, 3, 20), "confirmed": date(2021, 3, 20)},
        disease="covid19",
        source="office",
        source_key="1",
        by="test",
        at=NOW,
    )
    deliver_events(twice=True)

    row.refresh_from_db()
    assert row.state == State.CONVERTED


def test_the_price_of_a_batch_does_not_depend_on_its_size(django_assert_max_num_queries):
    source = case()
    for number in (1, 40):
        batch = [told(person(), source, last_contact=date(2021, 3, 15)) for _ in range(number)]
        with django_assert_max_num_queries(26):
            services.add_exposures(batch, by="test", at=NOW)

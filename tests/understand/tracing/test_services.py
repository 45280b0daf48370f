"""The tracing story: a case is confirmed, contacts appear; beliefs change, and so do they; nothing is lost or doubled."""

from datetime import date, timedelta
from uuid import uuid4

import pytest
from django.db import connection, connections, transaction

from epipolis.core import clock
from epipolis.core.models import AuditEntry
from epipolis.sense.cases import services as cases
from epipolis.sense.cases.models import Case
from epipolis.sense.checkins.models import Visit
from epipolis.understand.tracing import queries, services
from epipolis.understand.tracing.models import CaseStay, Contact, Encounter, Trace

from .factories import NOW, case, day_visit, link, local, meeting, person, place, visit

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def noon():
    with clock.fixed(NOW):
        yield


def trace(of, at=NOW):
    return services.trace_case(of.id, by="test", at=at)


def contacts(of):
    return {contact.visitor: contact for contact in Contact.objects.filter(case=of, gone=None)}


def report(of=None, **facts):
    facts = {
        "classification": "suspected",
        "reported": date(2021, 3, 12),
        "onset": date(2021, 3, 10),
        "has_symptoms": True,
    } | facts
    return cases.report_case((of or person()).id, facts, disease="covid19", source="clinic", source_key="", by="test", at=NOW)


def test_a_confirmed_case_leads_to_contacts(deliver_events):
    ill, met, never_met = person(), uuid4(), uuid4()
    cafe, shop = place(kind="food"), place()
    visit(ill, cafe, local(10, 12), 60)
    visit(met, cafe, local(10, 12, 30), 60)
    visit(never_met, shop, local(10, 12), 60)

    suspected = report(ill)
    deliver_events()
    assert contacts(suspected) == {}
    cases.confirm_case(suspected.id, by="test", at=NOW)
    deliver_events()

    (found,) = contacts(suspected).values()
    assert (found.visitor, found.minutes, found.risk, found.certain, found.rank) == (met, 30, "high", True, 1)
    assert list(Encounter.objects.values_list("place", "starts", "ends")) == [(cafe.id, local(10, 12, 30), local(10, 13))]
    assert queries.current_trace(suspected.id).found == 1


def test_news_that_comes_twice_changes_nothing(deliver_events):
    ill, met = person(), uuid4()
    cafe = place(kind="food")
    visit(ill, cafe, local(10, 12), 60)
    visit(met, cafe, local(10, 12), 60)

    confirmed = report(ill, classification="confirmed")
    deliver_events(twice=True)

    assert list(Contact.objects.values_list("visitor", flat=True)) == [met]
    assert (Encounter.objects.count(), Trace.objects.count()) == (1, 1)
    assert AuditEntry.objects.filter(action="tracing.trace", subject=str(confirmed.id)).count() == 1


def test_another_onset_brings_new_contacts_and_takes_others_away(deliver_events):
    ill, early, late = person(), uuid4(), uuid4()
    shop = place()
    for visitor, day in ((early, 8), (late, 25)):
        visit(ill, shop, local(day, 12), 30)
        visit(visitor, shop, local(day, 12), 30)
    confirmed = report(ill, classification="confirmed")
    deliver_events()
    assert set(contacts(confirmed)) == {early}
    services.work_contact(contacts(confirmed)[early].id, state="reached", note="stays at home", by="test", at=NOW)

    with clock.fixed(NOW + timedelta(days=10)):
        cases.revise_case(confirmed.id, {"onset": date(2021, 3, 16), "reported": date(2021, 3, 18)}, by="test", at=clock.now())
        deliver_events(twice=True)

    assert set(contacts(confirmed)) == {late}
    gone = Contact.objects.get(visitor=early)
    assert (gone.gone, gone.state, gone.note) == (NOW + timedelta(days=10), "reached", "stays at home")
    last = queries.current_trace(confirmed.id)
    assert (last.added, last.gone, last.changed, last.case_revision) == (1, 1, 0, 2)
    assert last.changes == {"added": [contacts(confirmed)[late].id], "gone": [gone.id], "changed": {}}

    with clock.fixed(NOW + timedelta(days=11)):
        cases.revise_case(confirmed.id, {"onset": date(2021, 3, 10), "reported": date(2021, 3, 12)}, by="test", at=clock.now())
        deliver_events()
    assert (set(contacts(confirmed)), contacts(confirmed)[early].state) == ({early}, "reached")


def test_a_change_that_moves_nothing_is_not_traced(deliver_events):
    confirmed = report(classification="confirmed")
    deliver_events()

    cases.revise_case(confirmed.id, {"note": "travelled"}, by="test", at=NOW)
    deliver_events()

    assert list(Trace.objects.values_list("case_revision", flat=True)) == [1]


def test_who_is_no_case_any_more_has_no_contacts(deliver_events):
    ill, _met, _where = meeting()
    trace(ill)
    assert CaseStay.objects.count() == 1

    Case.objects.filter(id=ill.id).update(classification="not_a_case", revision=2)
    last = trace(ill)

    assert contacts(ill) == {}
    assert (last.found, last.gone, last.window_from) == (0, 1, None)
    assert Contact.objects.get().gone == NOW
    assert CaseStay.objects.count() == 0


def test_a_route_told_later_brings_contacts(deliver_events):
    from epipolis.sense.checkins.events import RouteTold

    ill, met, where = meeting()
    Visit.objects.filter(visitor=ill.person_id).delete()
    assert trace(ill).found == 0
    visit(ill.person_id, where, local(10, 12), 60)

    services.on_route_told(RouteTold(ill.person_id))
    services.on_route_told(RouteTold(ill.person_id))

    assert set(contacts(ill)) == {met}
    assert Trace.objects.count() == 2


def test_tracing_twice_only_notes_that_it_was_checked():
    ill, _met, _where = meeting()
    first = trace(ill)

    again = trace(ill, at=NOW + timedelta(hours=5))

    assert (again.id, again.made, again.checked) == (first.id, NOW, NOW + timedelta(hours=5))
    assert (Contact.objects.count(), Encounter.objects.count(), Trace.objects.count()) == (1, 1, 1)


def test_more_time_together_changes_the_contact():
    ill, met, where = meeting(20)
    trace(ill)
    visit(ill.person_id, where, local(11, 12), 60)
    visit(met, where, local(11, 12), 60)

    last = trace(ill, at=NOW + timedelta(hours=1))

    (contact,) = contacts(ill).values()
    assert (contact.minutes, contact.risk, last.changed) == (80, "high", 1)
    assert last.changes["changed"][str(contact.id)]["minutes"] == [20, 80]
    assert Encounter.objects.filter(contact=contact).count() == 2


def test_known_only_by_the_day_is_possible_and_never_certain():
    ill, other, exact, where = case(), uuid4(), uuid4(), place()
    day_visit(ill.person_id, where, 10)
    day_visit(other, where, 10)
    visit(exact, where, local(10, 9), 45)
    visit(uuid4(), where, local(11, 0), 45)  # the next day

    trace(ill)

    found = contacts(ill)
    assert set(found) == {other, exact}
    assert {(c.certain, c.risk) for c in found.values()} == {(False, "low")}
    assert (found[other].minutes, found[exact].minutes) == (1_440, 45)


def test_the_window_cuts_stays_at_local_midnight():
    ill, before, around = case(), uuid4(), uuid4()
    where = place()
    visit(ill.person_id, where, local(7, 22), 240)  # 22:00 on the 7th to 02:00 on the 8th, the first infectious day
    visit(before, where, local(7, 22), 115)
    visit(around, where, local(7, 23), 90)

    trace(ill)

    (contact,) = contacts(ill).values()
    assert (contact.visitor, contact.minutes) == (around, 30)
    assert Encounter.objects.get().starts == local(8)


def test_a_stay_over_midnight_counts_on_both_days():
    ill, where = case(), place()
    visit(ill.person_id, where, local(11, 23), 120)

    trace(ill)

    rows = CaseStay.objects.filter(phase="infectious").order_by("day").values_list("day", "minutes")
    assert list(rows) == [(date(2021, 3, 11), 60), (date(2021, 3, 12), 60)]


def test_a_minute_too_short_is_no_contact():
    ill, other, where = case(), uuid4(), place()
    visit(ill.person_id, where, local(10, 12), 60)
    visit(other, where, local(10, 12, 46), 60)
    visit(uuid4(), where, local(10, 13), 60)  # arrives as the case leaves

    assert trace(ill).found == 0


def test_all_phones_of_a_person_count_as_one():
    ill, friend = person(), person()
    my_phone, phone, tablet, where = uuid4(), uuid4(), uuid4(), place()
    link(my_phone, ill), link(phone, friend), link(tablet, friend)
    visit(my_phone, where, local(10, 12), 60)
    visit(ill, where, local(10, 12), 60)  # the same person by a second record
    visit(phone, where, local(10, 12), 30)
    visit(tablet, where, local(10, 12, 10), 30)

    found = case(ill)
    trace(found)

    (contact,) = contacts(found).values()
    assert (contact.visitor, contact.person_id, contact.minutes) == (friend.id, friend.id, 40)


def test_work_on_a_pseudonym_stays_when_its_person_becomes_known():
    ill, phone, _where = meeting()
    trace(ill)
    services.work_contact(contacts(ill)[phone].id, state="reached", note="by the venue", by="test", at=NOW)
    friend = person()
    link(phone, friend)

    trace(ill, at=NOW + timedelta(hours=1))

    (contact,) = Contact.objects.all()
    assert (contact.visitor, contact.person_id, contact.state, contact.note) == (
        friend.id,
        friend.id,
        "reached",
        "by the venue",
    )


def test_two_pseudonyms_that_turn_out_to_be_one_person_become_one_contact():
    ill, phone, where = meeting()
    friend = person()
    visit(friend, where, local(10, 12), 60)
    trace(ill)
    assert len(contacts(ill)) == 2
    link(phone, friend)

    trace(ill, at=NOW + timedelta(hours=1))
    trace(ill, at=NOW + timedelta(hours=2))

    assert set(contacts(ill)) == {friend.id}
    assert Contact.objects.get(visitor=phone).gone == NOW + timedelta(hours=1)


def test_companions_are_counted_with_their_host():
    ill, host, where = case(), uuid4(), place()
    visit(ill.person_id, where, local(10, 12), 60)
    visit(host, where, local(10, 12), 60, companions=2)

    trace(ill)

    assert contacts(ill)[host].companions == 2


def test_a_visit_to_a_place_that_is_gone_does_not_stop_the_trace():
    ill, met, _where = meeting()
    Visit.objects.create(
        visitor=ill.person_id, place_id=987_654_321, arrived=local(11, 9), left=local(11, 10), source=1, known_at=NOW
    )
    Visit.objects.create(visitor=met, place_id=987_654_321, arrived=local(11, 9), left=local(11, 10), source=1, known_at=NOW)

    assert trace(ill).found == 1


def test_a_case_without_days_is_traced_to_nothing_and_says_why():
    found = trace(case(onset=None, reported=None))

    assert (found.found, found.window_from) == (0, None)
    assert found.decision["reasons"] == [["No day of this case is known, so nobody can be traced yet.", {}]]


def test_an_old_case_without_visits_says_that_none_are_stored():
    found = trace(case(onset=date(2020, 1, 10)))

    assert (found.found, found.visits) == (0, 0)
    assert found.decision["reasons"][-1][0].startswith("No visits on these days are stored")


def test_a_closed_contact_opens_again_when_they_meet_again():
    ill, met, where = meeting()
    trace(ill)
    services.work_contact(contacts(ill)[met].id, state="closed", note="", by="test", at=local(11, 9))
    visit(ill.person_id, where, local(12, 12), 60)
    visit(met, where, local(12, 12), 60)

    trace(ill)

    assert contacts(ill)[met].state == "open"


def test_open_cases_are_looked_at_again_when_time_has_passed():
    ill, _met, where = meeting()
    trace(ill)
    late = uuid4()
    visit(ill.person_id, where, local(20, 13), 60)
    visit(late, where, local(20, 13), 60)

    assert services.trace_open_cases(NOW + timedelta(hours=6)) == 0
    assert services.trace_open_cases(NOW + timedelta(hours=13)) == 1
    assert services.trace_open_cases(NOW + timedelta(hours=13)) == 0
    assert late in contacts(ill)


def test_undo_puts_back_what_was_and_the_trail_keeps_both():
    ill, met, _where = meeting()
    trace(ill)
    number = contacts(ill)[met].id

    services.work_contact(number, state="tried", note="no answer", by="test", at=NOW)
    services.work_contact(number, state="tried", note="no answer", by="test", at=NOW)
    services.undo_work(number, state="open", note="", worked_at=None, by="test", at=NOW)

    contact = Contact.objects.get(id=number)
    assert (contact.state, contact.note, contact.worked_at) == ("open", "", None)
    actions = (
        AuditEntry.objects.filter(subject=str(number)).order_by("id").values_list("action", "detail__former", "detail__state")
    )
    assert list(actions) == [("tracing.work", "open", "tried"), ("tracing.undo", "tried", "open")]


@pytest.mark.parametrize("state", ["", "done", "OPEN", "reached\0"])
def test_only_known_states_can_be_noted(state):
    ill, met, _where = meeting()
    trace(ill)

    with pytest.raises(ValueError, match="state: must be one of"):
        services.work_contact(contacts(ill)[met].id, state=state, note="", by="test", at=NOW)


def test_contacts_are_forgotten_after_their_time():
    ill, _met, _where = meeting()
    trace(ill)

    assert services.forget_old_contacts(before=local(10, 12), at=NOW) == 0
    assert services.forget_old_contacts(before=local(10, 14), at=NOW) == 1
    assert (Contact.objects.count(), Encounter.objects.count()) == (0, 0)


@pytest.mark.django_db(transaction=True)
def test_two_traces_of_one_case_wait_for_each_other():
    from threading import Event, Thread

    ill, _met, _where = meeting()
    started, done = Event(), Event()

    def second():
        started.set()
        try:
            services.trace_case(ill.id, by="test", at=NOW)
        finally:
            done.set()
            connections.close_all()

    with transaction.atomic():
        trace(ill)
        other = Thread(target=second)
        other.start()
        started.wait(5)
        waited = not done.wait(0.5)
    other.join(20)

    assert (waited, done.is_set()) == (True, True)
    assert (Contact.objects.count(), Trace.objects.count()) == (1, 1)
    assert connection.is_usable()


@pytest.mark.parametrize("contacts_each", [1, 30])
def test_a_trace_needs_the_same_queries_for_any_number_of_contacts(contacts_each, django_assert_max_num_queries):
    ill, where = case(), place()
    visit(ill.person_id, where, local(10, 12), 60)
    for _ in range(contacts_each):
        visit(uuid4(), where, local(10, 12), 60)

    with django_assert_max_num_queries(34):
        trace(ill)

    assert len(contacts(ill)) == contacts_each

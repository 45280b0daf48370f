"""What tracing announces to the modules after it."""

from datetime import date, timedelta

import pytest
from procrastinate.contrib.django.models import ProcrastinateJob

from epipolis.core import clock
from epipolis.sense.cases import services as cases
from epipolis.understand.tracing import services
from epipolis.understand.tracing.models import Contact

from .factories import NOW, local, meeting, place, visit

pytestmark = pytest.mark.django_db


def announced():
    """The contacts of every announcement that waits for its listener."""
    jobs = ProcrastinateJob.objects.filter(args__event__endswith="ContactsFound").order_by("id")
    return [(job.args["body"]["case"], job.args["body"]["contacts"]) for job in jobs]


@pytest.fixture(autouse=True)
def noon():
    with clock.fixed(NOW):
        yield


def test_new_contacts_are_announced_once():
    ill, _met, _where = meeting()
    services.trace_case(ill.id, by="test", at=NOW)
    services.trace_case(ill.id, by="test", at=NOW)

    assert announced() == [(str(ill.id), [Contact.objects.get().id])]


def test_changed_contacts_are_announced():
    ill, met, _where = meeting()
    services.trace_case(ill.id, by="test", at=NOW)
    again = place()
    for who in (ill.person_id, met):
        visit(who, again, local(12, 12), 60)
    services.trace_case(ill.id, by="test", at=NOW + timedelta(hours=1))

    assert [contacts for _, contacts in announced()] == [[Contact.objects.get().id]] * 2


def test_contacts_that_are_gone_are_announced():
    ill, _met, _where = meeting()
    services.trace_case(ill.id, by="test", at=NOW)
    cases.revise_case(ill.id, {"onset": date(2021, 3, 16)}, by="test", at=NOW)
    services.trace_case(ill.id, by="test", at=NOW)

    assert announced() == [(str(ill.id), [Contact.objects.get().id])] * 2
    assert Contact.objects.get().gone is not None


def test_a_trace_that_finds_nobody_announces_nothing():
    ill, _met, _where = meeting(minutes=5)
    services.trace_case(ill.id, by="test", at=NOW)

    assert announced() == []


@pytest.mark.parametrize(
    ("before", "told", "after"),
    [
        ("open", "tried", "tried"),
        ("open", "reached", "reached"),
        ("tried", "closed", "closed"),
        ("reached", "tried", "reached"),
        ("reached", "closed", "reached"),
        ("closed", "reached", "closed"),
    ],
)
def test_what_came_of_following_a_contact_is_noted_and_never_taken_back(before, told, after):
    ill, _met, _where = meeting()
    services.trace_case(ill.id, by="test", at=NOW)
    Contact.objects.update(state=before)
    services.note_follow_up([Contact.objects.get().id], state=told, by="test", at=NOW)

    assert Contact.objects.get().state == after

from uuid import uuid4

import pytest
from django.db import connection, transaction
from procrastinate.contrib.django.models import ProcrastinateJob

from epipolis.core import events
from epipolis.core.work import worker_app
from epipolis.sense.cases.events import CaseConfirmed, CaseRevised


@pytest.fixture
def heard():
    """Listen to two events for one test only."""
    found = []
    before = {kind: list(found_before) for kind, found_before in events._listeners.items()}
    events._listeners.clear()

    def hear(event):
        found.append(event)

    events.subscribe(CaseConfirmed, hear)
    events.subscribe(CaseRevised, hear)
    yield found
    events._listeners.clear()
    events._listeners.update(before)


@pytest.mark.django_db(transaction=True)
def test_an_event_reaches_its_listener_with_the_same_values(heard, deliver_events):
    event = CaseRevised(uuid4(), uuid4(), ("onset", "outcome"))

    with transaction.atomic():
        events.publish(event)
    deliver_events()

    assert heard == [event]


@pytest.mark.django_db(transaction=True)
def test_an_event_of_a_rolled_back_change_never_existed(heard, deliver_events):
    with pytest.raises(RuntimeError), transaction.atomic():
        events.publish(CaseConfirmed(uuid4(), uuid4()))
        raise RuntimeError

    assert (deliver_events(), heard, ProcrastinateJob.objects.count()) == (0, [], 0)


@pytest.mark.django_db(transaction=True)
def test_many_events_reach_their_listener_once_each_and_in_order(heard, deliver_events):
    published = [CaseConfirmed(uuid4(), uuid4()) for _ in range(1_501)]

    with transaction.atomic():
        events.publish_many(published)

    assert ProcrastinateJob.objects.count() == 31
    assert (deliver_events(), heard) == (1_501, published)


@pytest.mark.django_db(transaction=True)
def test_one_event_that_fails_holds_up_none_of_those_that_came_with_it(heard, deliver_events):
    published = [CaseConfirmed(uuid4(), uuid4()) for _ in range(5)]

    def fail_for_the_second(event):
        if event == published[1]:
            raise LookupError("there is no such case")

    events.subscribe(CaseConfirmed, fail_for_the_second)
    events._listeners[CaseConfirmed].reverse()
    with transaction.atomic():
        events.publish_many(published)

    with pytest.raises(LookupError):
        deliver_events()
    ProcrastinateJob.objects.filter(args__listener__icontains="fail_for")._raw_delete("default")
    deliver_events()
    assert heard == published


@pytest.mark.django_db(transaction=True)
def test_what_a_listener_announces_in_a_worker_joins_the_listeners_own_transaction(heard):
    """Else an event could be heard before its change is committed, or of a change that never was."""
    fails = [True]

    def announce_and_fail_once(event):
        try:
            with transaction.atomic():
                events.publish(CaseRevised(event.case, event.person, ("again",)))
                if fails:
                    fails.clear()
                    raise RuntimeError
        finally:
            connection.close()  # a worker's thread ends without closing it

    events._listeners[CaseConfirmed] = [announce_and_fail_once]
    with transaction.atomic():
        events.publish(CaseConfirmed(uuid4(), uuid4()))

    with worker_app() as ready:
        ready.run_worker(queues=["events"], wait=False, install_signal_handlers=False)
        failed_once = list(heard)
        ProcrastinateJob.objects.filter(status="todo").update(scheduled_at=None)
        ready.run_worker(queues=["events"], wait=False, install_signal_handlers=False)

    assert (failed_once, len(heard)) == ([], 1)

from uuid import uuid4

import pytest
from django.db import transaction
from procrastinate.contrib.django.models import ProcrastinateJob

from epipolis.core import events
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

    assert (deliver_events(), heard) == (1_501, published)

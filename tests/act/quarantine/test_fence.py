"""The fence in the platform: positions in, transitions and alarms exactly once, whatever crashes or comes twice."""

from datetime import timedelta

import pytest

from epipolis.act.quarantine import queries, services
from epipolis.act.quarantine.models import Alarm, Entry, Transition, Watch
from epipolis.act.quarantine.services import streaming

from .factories import NOW
from .fences import AWAY, HOME, enrolled, fix, walk

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


def send(items, minutes=60):
    return services.record_positions(items, by="test", at=NOW + minutes * MINUTE)


def told():
    return list(Transition.objects.order_by("at", "id").values_list("before", "after"))


def crash():
    """What a process remembers is gone."""
    streaming.follower._forget()


def test_who_leaves_raises_one_alarm():
    row, phone = enrolled()

    answers = send([*walk(phone, (1, 6)), *walk(phone, (11, 16, 21, 26), AWAY)])

    assert {one.status for one in answers} == {201}
    assert told() == [("unknown", "inside"), ("inside", "uncertain"), ("uncertain", "outside")]
    alarm = Alarm.objects.get()
    assert (alarm.order_id, alarm.kind, alarm.state, alarm.next_step) == (row.id, "left", "new", "message")
    assert Watch.objects.get().state == "outside"
    assert len(queries.evidence_of(alarm)) == 6


def test_the_whole_stream_again_after_a_crash_gives_the_same():
    _, phone = enrolled()
    stream = [*walk(phone, (1, 6)), *walk(phone, (11, 16, 21, 26), AWAY), *walk(phone, (31, 36, 41))]
    for one in stream[:5]:
        send([one])
    before = told()

    crash()
    send(stream)
    crash()
    send(stream)

    assert told()[: len(before)] == before
    assert told()[-1] == ("outside", "inside")
    assert Alarm.objects.count() == 1


def test_what_was_committed_since_the_last_checkpoint_is_played_again():
    _, phone = enrolled()
    streaming.follower._saved = float("inf")  # no checkpoint comes between
    send(walk(phone, (1, 6)))
    send(walk(phone, (11,), AWAY))
    assert Entry.objects.filter(kind="positions").count() == 2

    crash()
    streaming.follower._saved = float("-inf")
    send(walk(phone, (16, 21), AWAY))

    assert Alarm.objects.filter(kind="left").count() == 1
    assert not Entry.objects.exists()
    assert Watch.objects.get().heard == NOW + 21 * MINUTE


def test_a_phone_that_nobody_knows_says_nothing():
    enrolled()

    answer = send([fix("epf_somebody_elses_guess", 1, HOME)])[0]

    assert (answer.status, answer.field) == (422, "phone")
    assert not told()

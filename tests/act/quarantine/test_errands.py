"""Errands: who may be elsewhere for a while raises no alarm, and who leaves early or stays out raises one, whatever crashes."""

from datetime import UTC, date, datetime, timedelta

import pytest

from epipolis.act.quarantine import queries, services
from epipolis.act.quarantine.models import Alarm, Entry, Errand, OrderChange, Receipt, Transition, Watch
from epipolis.act.quarantine.services import OrderError, streaming
from epipolis.core.models import AuditEntry

from .factories import NOW, drafted, issued
from .fences import AWAY, enrolled, fix, walk, watched

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


def send(items, minutes):
    return services.record_positions(items, by="test", at=NOW + minutes * MINUTE)


def agree(row, begins, until, *, at=0, reason="test", **given):
    """An errand from and until so many minutes after noon."""
    span = {"begins": NOW + begins * MINUTE, "until": NOW + until * MINUTE}
    return services.agree_errand(row.id, reason=reason, **span, by="otto", at=NOW + at * MINUTE, **given)


def crash():
    streaming.follower._forget()


def left():
    return list(Alarm.objects.filter(kind="left").order_by("excursion").values_list("excursion", flat=True))


def second(minutes):
    return int((NOW + minutes * MINUTE).timestamp())


def test_who_is_out_on_an_errand_and_back_in_time_raises_no_alarm():
    row, phone = enrolled()
    agree(row, 10, 70)

    send([*walk(phone, (1, 6)), *walk(phone, range(11, 66, 5), AWAY), *walk(phone, (71, 76))], 80)
    services.look_for_silence(NOW + 81 * MINUTE)

    assert not Alarm.objects.exists()
    assert Watch.objects.get().state == "inside"


def test_who_left_early_raises_one_alarm_also_when_the_proof_comes_within_the_errand():
    row, phone = enrolled()
    agree(row, 14, 70)

    send(walk(phone, (1, 6)), 7)
    send([fix(phone, 11, AWAY)], 12)
    crash()
    for minute in range(16, 95, 5):  # still out long after it
        send([fix(phone, minute, AWAY)], minute + 1)

    assert left() == [second(11)]


def test_who_is_still_out_when_it_ends_raises_one_alarm_through_crashes_and_repeats():
    row, phone = enrolled()
    agree(row, 10, 40)
    stream = [*walk(phone, (1, 6)), *walk(phone, range(11, 90, 5), AWAY)]
    for one in stream:
        send([one], 90)
        if one is stream[4]:
            crash()
    before = list(Transition.objects.values_list("at", "before", "after", "reason"))

    crash()
    send(stream, 91)
    crash()
    for one in stream:
        send([one], 92)

    assert left() == [second(41)]
    assert list(Transition.objects.values_list("at", "before", "after", "reason")) == before


@pytest.mark.parametrize("cuts", [1, 2, 5, 50])
def test_it_is_the_same_however_the_stream_is_cut(cuts):
    row, phone = enrolled()
    agree(row, 10, 40)
    stream = [*walk(phone, (1, 6)), *walk(phone, range(11, 60, 5), AWAY), *walk(phone, (61, 66)), *walk(phone, (71, 76), AWAY)]

    for start in range(0, len(stream), cuts):
        send(stream[start : start + cuts], 90)

    assert left() == [second(41), second(71)]


def test_what_was_committed_since_the_checkpoint_is_played_again_with_the_errands_of_its_moment():
    row, phone = enrolled()
    streaming.follower._saved = float("inf")  # no checkpoint comes between
    send([*walk(phone, (1, 6)), *walk(phone, (11, 16), AWAY)], 17)
    agree(row, 18, 60, at=18)
    send(walk(phone, (21, 26), AWAY), 30)
    assert left() == [second(11)]
    memory = streaming.follower.memory
    expected = memory.packed(memory.row_of[row.id])
    assert Entry.objects.filter(kind="errand").count() == 1

    crash()
    with streaming.follower.turn(NOW + 31 * MINUTE):
        memory = streaming.follower.memory
        assert memory.packed(memory.row_of[row.id]) == expected
    streaming.follower._saved = float("-inf")


def test_errands_stand_in_the_checkpoint():
    row, phone = enrolled()
    agree(row, 10, 40)
    send(walk(phone, (1,)), 2)
    services.look_for_silence(NOW + 3 * MINUTE)
    assert not Entry.objects.exists()

    crash()
    send(walk(phone, range(11, 40, 5), AWAY), 40)

    assert not Alarm.objects.exists()


def test_an_errand_that_is_agreed_after_the_alarm_rose_closes_it_and_staying_out_raises_another():
    row, phone = enrolled()
    send([*walk(phone, (1, 6)), *walk(phone, (11, 16, 21), AWAY)], 22)
    assert left() == [second(11)]

    agree(row, 10, 60, at=25, reason="doctor")
    crash()
    one = Alarm.objects.get()
    assert (one.state, one.outcome, one.returned) == ("closed", "allowed", None)
    assert list(one.steps.values_list("kind", flat=True))[-1] == "errand"
    assert Transition.objects.filter(reason="agreed", after="uncertain").count() == 1

    send(walk(phone, (26, 31, 56), AWAY), 57)
    assert left() == [second(11)]
    send(walk(phone, (61, 66, 71), AWAY), 75)
    assert left() == [second(11), second(61)]


def test_an_alarm_that_somebody_looks_after_is_left_to_them_with_a_note():
    row, phone = enrolled()
    send([*walk(phone, (1, 6)), *walk(phone, (11, 16), AWAY)], 22)
    one = services.take_alarm(Alarm.objects.get().id, by="mira", at=NOW + 23 * MINUTE)

    agree(row, 10, 60, at=25)

    one.refresh_from_db()
    assert (one.state, one.taken_by) == ("taken", "mira")
    assert one.steps.filter(kind="errand").count() == 1


def test_who_left_before_what_was_agreed_afterwards_stays_an_alarm():
    row, phone = enrolled()
    send([*walk(phone, (1, 6)), *walk(phone, (11, 16), AWAY)], 22)

    agree(row, 20, 60, at=25)
    send(walk(phone, (26, 66, 71, 76), AWAY), 80)

    assert Alarm.objects.get().state == "new"
    assert left() == [second(11)]


def test_overlapping_errands_hold_together_and_one_that_is_taken_back_leaves_the_other():
    row, phone = enrolled()
    agree(row, 10, 40)
    second_one = agree(row, 30, 90, reason="doctor")
    assert queries.errand_spans(row.id) == [[second(10), second(90)]]
    send([*walk(phone, (1, 6)), *walk(phone, range(11, 50, 5), AWAY)], 50)
    assert not Alarm.objects.exists()

    services.end_errand(second_one.id, by="otto", at=NOW + 52 * MINUTE)
    services.end_errand(second_one.id, by="otto", at=NOW + 53 * MINUTE)
    assert queries.errand_spans(row.id) == [[second(10), second(52)]]
    send([fix(phone, 51, AWAY)], 54)
    assert not Alarm.objects.exists()
    crash()
    send(walk(phone, (56, 61), AWAY), 62)

    assert left() == [second(56)]
    assert OrderChange.objects.filter(kind="errand_off").count() == 1


def test_an_errand_that_has_not_begun_is_taken_back_altogether():
    row, phone = enrolled()
    one = agree(row, 30, 60)
    services.end_errand(one.id, by="otto", at=NOW + 5 * MINUTE)

    send([*walk(phone, (6, 11)), *walk(phone, (31, 36, 41), AWAY)], 45)

    assert queries.errand_spans(row.id) == []
    assert left() == [second(31)]


def test_silence_on_an_errand_does_not_count_and_afterwards_it_does():
    row, phone = enrolled()
    agree(row, 10, 100)
    send(walk(phone, (1, 6)), 7)

    services.look_for_silence(NOW + 60 * MINUTE)
    services.look_for_silence(NOW + 120 * MINUTE)  # half an hour to be heard again
    assert not Alarm.objects.exists()
    crash()
    services.look_for_silence(NOW + 131 * MINUTE)
    assert list(Alarm.objects.values_list("kind", flat=True)) == ["silent"]


@pytest.mark.parametrize(
    ("begins", "until", "field", "rule"),
    [
        (60, 30, "until", "after the beginning"),
        (30, 30, "until", "after the beginning"),
        (-60, -30, "until", "over already"),
        (10, 60 * 25 + 10, "until", "a day at most"),
        (60 * 24 * 30, 60 * 24 * 30 + 10, "until", "the order ends before"),
        (-60 * 24 * 20, 10, "until", "a day at most"),
    ],
)
def test_what_cannot_be_agreed_is_refused_by_field_and_nothing_is_stored(begins, until, field, rule):
    row, _ = enrolled()

    with pytest.raises(OrderError, match=rule) as refused:
        agree(row, begins, until)

    assert refused.value.field == field
    assert not Errand.objects.exists()
    assert not OrderChange.objects.filter(kind="errand").exists()


def test_an_errand_over_the_end_of_the_order_or_before_its_first_day_is_refused():
    row, _ = enrolled()
    ends = queries.ends_at(row)
    assert ends is not None
    last = (ends - NOW) / MINUTE

    with pytest.raises(OrderError, match="the order ends before"):
        agree(row, last - 10, last + 1)
    agree(row, last - 10, last)
    with pytest.raises(OrderError, match="one of the reasons"):
        agree(row, 10, 20, reason="shopping")
    with pytest.raises(OrderError, match="not in force"):
        agree(drafted(), 10, 20)


def test_agreed_twice_it_is_one_and_a_refusal_costs_no_memory():
    row, _ = enrolled()
    first = agree(row, 10, 20)
    memory = streaming.follower.memory

    assert agree(row, 10, 20).id == first.id
    with pytest.raises(OrderError):
        agree(row, 20, 10)

    assert streaming.follower.memory is memory
    assert Errand.objects.count() == 1


def test_an_errand_holds_by_the_moment_on_the_night_on_which_the_clock_changes(settings):
    settings.EPIPOLIS_ZONE = "Europe/Prague"
    row, phone = enrolled()
    begins, until = datetime(2021, 3, 28, 0, 30, tzinfo=UTC), datetime(2021, 3, 28, 1, 30, tzinfo=UTC)  # 1:30 to 3:30 there
    services.agree_errand(row.id, reason="doctor", begins=begins, until=until, by="otto", at=NOW)
    start = (begins - NOW) / MINUTE

    send([*walk(phone, (start - 10, start - 5)), *walk(phone, range(int(start) + 1, int(start) + 60, 5), AWAY)], start + 60)
    assert not Alarm.objects.exists()
    send(walk(phone, (start + 61, start + 66), AWAY), start + 67)
    assert left() == [int(until.timestamp()) + 60]
    assert queries.span_text(begins, until).endswith("01:30 – 03:30")


def test_who_is_watched_from_later_on_has_their_errands():
    row = issued()
    agree(row, 10, 60)
    row = watched(row)
    _, phone = enrolled(row)

    send(walk(phone, range(11, 60, 5), AWAY), 60)

    assert not Alarm.objects.exists()


def test_an_errand_over_a_move_and_over_the_end_of_the_order():
    row, phone = enrolled()
    agree(row, 10, 60)
    services.move_order(
        row.id, place="facility", lon=AWAY[0], lat=AWAY[1], facility="Hotel", address="2 Quay", reason="room", by="otto",
        at=NOW + 5 * MINUTE,
    )  # fmt: skip
    services.sync_watch(row.id, at=NOW + 5 * MINUTE)
    send(walk(phone, (11, 16, 21), (121.6, 25.02)), 22)
    assert not Alarm.objects.exists()

    services.lift_order(row.id, reason="mistake", by="otto", at=NOW + 23 * MINUTE)
    services.sync_watch(row.id, at=NOW + 23 * MINUTE)

    receipt = Receipt.objects.get()
    assert (receipt.fixes, receipt.evidence) == (3, 0)
    assert not Transition.objects.exists()
    assert Errand.objects.count() == 1  # why they were away stays with the order
    with pytest.raises(OrderError, match="not in force"):
        services.end_errand(Errand.objects.get().id, by="otto", at=NOW + 24 * MINUTE)


def test_statistics_count_errands_and_not_their_time():
    row, _ = enrolled()
    agree(row, 0, 60)
    agree(row, 30, 120, reason="doctor")
    services.end_errand(agree(row, 200, 300).id, by="otto", at=NOW + 210 * MINUTE)
    day = date(2021, 3, 20)

    at = NOW + timedelta(hours=4)
    assert queries.person_days(day, day, at) * 24 * 60 == pytest.approx(240 - 120 - 10)
    counted = [(one.title, one.agreed, one.taken_back) for one in queries.errand_counts(day, day)]
    assert counted == [("a test", 2, 1), ("a doctor or a hospital", 1, 0)]


def test_who_agreed_it_when_and_why_is_in_the_trail_and_the_history():
    row, _ = enrolled()
    agree(row, 10, 20, text="at the harbour")

    line = OrderChange.objects.get(kind="errand")
    assert (line.by, line.at, line.reason) == ("otto", NOW, "a test")
    assert queries.change_text(line)
    assert AuditEntry.objects.filter(action="quarantine.errand").count() == 1
    assert b"harbour" not in bytes(Errand.objects.get().text)

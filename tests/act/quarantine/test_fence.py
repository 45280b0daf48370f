"""The fence in the platform: positions in, transitions and alarms exactly once, whatever crashes or comes twice."""

from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest

from epipolis.act.quarantine import queries, services
from epipolis.act.quarantine.models import Alarm, Entry, Phone, Receipt, Transition, Watch
from epipolis.act.quarantine.services import OrderError, streaming

from .factories import NOW, drafted, issued, local
from .fences import AWAY, HOME, enrolled, fix, walk, watched

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


def test_one_phone_does_not_speak_for_another_and_an_ended_one_for_nobody():
    row, phone = enrolled()
    other, second = enrolled(watched(issued(drafted())))
    services.end_phone(other.id, by="mira", at=NOW)

    answers = send([fix(phone, 1), fix(second, 1)])

    assert [one.status for one in answers] == [201, 422]
    assert set(Transition.objects.values_list("order", flat=True)) == {row.id}


def test_a_new_phone_ends_the_former_one():
    row, stolen = enrolled()
    _phone, fresh = services.enrol_phone(row.id, kind="app", by="mira", at=NOW)

    assert [one.status for one in send([fix(stolen, 1, AWAY), fix(fresh, 2)])] == [422, 201]
    assert Phone.objects.filter(ended=None).count() == 1


def test_several_people_share_a_phone_and_each_is_followed():
    row, phone = enrolled()
    other = watched(issued(drafted()))
    services.enrol_phone(other.id, kind="app", share=phone, by="mira", at=NOW)

    send([*walk(phone, (1, 6)), *walk(phone, (11, 16, 21), AWAY)])
    services.end_phone(other.id, by="mira", at=NOW)
    send([fix(phone, 61)], 70)

    assert set(Alarm.objects.values_list("order", "kind")) == {(row.id, "left"), (other.id, "left")}
    assert Phone.objects.get().ended is None


def test_nobody_gets_a_phone_who_is_not_watched_on_a_legal_basis():
    row = issued()

    with pytest.raises(OrderError, match="legal basis"):
        services.enrol_phone(row.id, kind="app", by="mira", at=NOW)
    assert not Phone.objects.exists()


def test_bad_positions_are_refused_by_field_and_a_phone_without_a_place_is_alive():
    _, phone = enrolled()

    answers = send([fix(phone, 1), fix(phone, 600), fix(phone, 2, (0.0, 0.0)), fix(phone, 2, accuracy=9_999_999.0)])

    assert [(one.status, one.field) for one in answers] == [(201, ""), (422, "time"), (201, ""), (201, "")]
    crash()
    services.look_for_silence(NOW + 3 * MINUTE)
    assert Watch.objects.get().heard == NOW + 2 * MINUTE


def test_out_of_order_and_twice_change_nothing():
    _, phone = enrolled()
    stream = walk(phone, (1, 6, 11))
    send(stream)
    before = told()

    found = services.load_items([stream[2], stream[0], stream[1]], by="test", at=NOW + 60 * MINUTE)

    assert (found["accepted"], found["repeated"] + found["older"]) == (0, 3)
    assert told() == before


def test_impossible_speed_is_a_doubtful_fix_and_no_excursion():
    _, phone = enrolled()

    send([*walk(phone, (1, 6)), fix(phone, 7, (2.35, 48.86)), *walk(phone, (8, 13))])

    assert not Alarm.objects.exists()


def test_a_wrong_clock_is_set_right_by_what_it_says_when_it_sends():
    _, phone = enrolled()
    sent = NOW + timedelta(days=1)

    answer = send([fix(phone, 24 * 60 - 1, sent=sent)], 0)[0]

    assert answer.status == 201


def test_silence_raises_an_alarm_by_day_and_waits_for_the_morning_by_night():
    _, phone = enrolled()
    send(walk(phone, (1,)), 2)

    services.look_for_silence(NOW + 20 * MINUTE)
    assert not Alarm.objects.exists()
    services.look_for_silence(NOW + 40 * MINUTE)
    services.look_for_silence(NOW + 41 * MINUTE)
    assert list(Alarm.objects.values_list("kind", "state")) == [("silent", "new")]

    send([fix(phone, 50)], 50)
    one = Alarm.objects.get()
    assert (one.state, one.outcome) == ("closed", "heard")

    night = local(20, 23)
    services.look_for_silence(night)
    assert Alarm.objects.count() == 1
    services.look_for_silence(local(21, 7))
    assert Alarm.objects.filter(state="new").count() == 1


def test_an_empty_battery_is_told_apart_from_silence():
    _, phone = enrolled()
    send([fix(phone, 1, battery=0.03, charging=False)], 2)

    services.look_for_silence(NOW + 40 * MINUTE)

    one = Alarm.objects.get()
    assert (one.kind, one.due) == ("off", NOW + 70 * MINUTE)


def test_who_has_no_phone_yet_is_not_silent():
    watched()

    services.look_for_silence(NOW + 300 * MINUTE)

    assert not Alarm.objects.exists()


def test_when_the_order_ends_positions_go_and_a_receipt_counts_them():
    row, phone = enrolled()
    send([*walk(phone, (1, 6)), *walk(phone, (11, 16, 21), AWAY)])
    send(walk(phone, (26, 31)))  # back again: what comes after the alarm is no part of what it stands on

    services.lift_order(row.id, reason="mistake", by="otto", at=NOW + 61 * MINUTE)
    services.sync_watch(row.id, at=NOW + 61 * MINUTE)
    services.sync_watch(row.id, at=NOW + 62 * MINUTE)

    receipt = Receipt.objects.get()
    assert (receipt.fixes, receipt.phones, receipt.evidence) == (2, 1, 1)  # of seven; five the alarm stands on
    assert queries.receipts_of(row) == [(receipt, 5)]
    alarm = Alarm.objects.get()
    assert (alarm.state, alarm.outcome) == ("closed", "ended")
    assert not Entry.objects.exists()
    assert bytes(Watch.objects.get().body) == b""
    assert send([fix(phone, 62, AWAY)])[0].status == 422
    assert queries.evidence_of(alarm)

    services.forget_evidence(NOW + 62 * MINUTE, NOW + timedelta(days=30))
    assert not queries.evidence_of(Alarm.objects.get())
    assert not Transition.objects.exists()
    assert Receipt.objects.get().evidence_gone
    assert queries.receipts_of(row) == [(receipt, 0)]


def test_an_order_that_ended_raises_no_alarm_though_its_phone_goes_on():
    row, phone = enrolled()
    last = queries.ends_at(row)
    assert last is not None
    over = (last - NOW) / MINUTE

    send(walk(phone, (over - 10, over - 5)), over)
    send(walk(phone, (over + 1, over + 6, over + 11, over + 16), AWAY), over + 20)

    assert not Alarm.objects.exists()


def test_who_moves_to_a_facility_may_be_on_the_way_and_then_belongs_there():
    row, phone = enrolled()
    send(walk(phone, (1, 6)))
    at = NOW + 60 * MINUTE
    there = {"lon": AWAY[0], "lat": AWAY[1], "facility": "Harbour Hotel", "address": "2 Quay"}
    services.move_order(row.id, place="facility", **there, reason="no room", by="otto", at=at)
    services.sync_watch(row.id, at=at)
    services.sync_watch(row.id, at=at)

    send(walk(phone, (65, 70), (121.54, 25.02)), 75)
    send(walk(phone, (80, 85, 300, 305), AWAY), 310)
    assert not Alarm.objects.exists()
    crash()
    send(walk(phone, (310, 315, 320, 325)), 330)
    assert list(Alarm.objects.values_list("kind", flat=True)) == ["left"]


def test_many_at_once_by_bulk_in_any_form_and_bad_rows_by_number():
    _, phone = enrolled()
    lines = [
        {"phone": phone, "time": int(NOW.timestamp()) + n, "lon": HOME[0], "lat": HOME[1], "accuracy": 12} for n in range(3_000)
    ]
    bad = [{"phone": phone, "time": "yesterday"}, {"phone": "epf_unknown_to_us", "time": int(NOW.timestamp())}]

    body = b"\n".join(msgspec.json.encode(one) for one in [*lines[:10], *bad, *lines[10:]])
    found = services.load_positions(body, "ndjson", by="test", at=NOW + 60 * MINUTE)
    again = services.load_positions(msgspec.json.encode(lines), "json", by="test", at=NOW + 60 * MINUTE)

    assert (found["accepted"], found["rejected_rows"], [one["row"] for one in found["rejected"]]) == (3_000, 2, [11, 12])
    assert (again["accepted"], again["repeated"] + again["older"]) == (0, 3_000)
    with pytest.raises(ValueError, match="list of positions"):
        services.load_positions(b"nonsense", "json", by="test", at=NOW)


def test_the_last_day_is_as_long_as_it_is_when_the_clock_changes(settings):
    settings.EPIPOLIS_ZONE = "Europe/Prague"
    row, phone = enrolled()
    services.change_days(row.id, until=date(2021, 3, 28), reason="the clock changes", by="otto", at=NOW)
    services.sync_watch(row.id, at=NOW)
    over = datetime(2021, 3, 28, 22, 0, tzinfo=UTC)  # summer time: the day had 23 hours
    ends = (over - NOW) / MINUTE

    found = services.load_items(walk(phone, (ends - 5, ends - 1, ends + 1, ends + 30)), by="test", at=over + 40 * MINUTE)

    assert (found["accepted"], found["not_ordered"]) == (2, 2)

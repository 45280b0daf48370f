"""How long somebody is followed: the rules alone, without a database."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from epipolis.act.followup.queries import counted_from, first_and_last, next_check, plan, span_of
from epipolis.core import rules
from epipolis.core.rules import RulePack

MARCH = date(2021, 3, 1)
AT = datetime(2021, 3, 20, 4, tzinfo=UTC)  # noon in the city


def day(number: int, month: int = 3) -> date:
    return date(2021, month, number)


def pack(**content) -> RulePack:
    standard = {
        "days": 14,
        "start_offset": 1,
        "counts_first_day": True,
        "checks": {"high": {"a_day": 2}, "medium": {"a_day": 1}, "low": {"a_day": 0}},
        "first_call_hours": 24,
        "again_hours": 2,
        "extension": {"days_after_attempt": 1, "at_most": 7},
    }
    return RulePack("follow_up", "1", "WHO", MARCH, "test", standard | content)


def met(last: date | None, *, at: datetime = AT, rule: RulePack | None = None, **days):
    return span_of(last, days.get("sampled"), days.get("reported"), rule or pack(), at=at)


def planned(*spans, **facts):
    return plan(spans, **({"day": day(20), "pack": pack()} | facts))


def texts(found):
    return [text % values for text, values in found.decision.reasons]


@pytest.mark.parametrize(
    ("rule", "first", "last"),
    [
        ({}, day(1), day(14)),  # the day after is day 1
        ({"start_offset": 0}, day(28, 2), day(13)),  # the same day is day 1
        ({"start_offset": 0, "counts_first_day": False}, day(28, 2), day(14)),  # the first day is not counted
        ({"days": 10}, day(1), day(10)),
        ({"days": 5}, day(1), day(5)),
    ],
)
def test_days_are_counted_as_the_rule_says(rule, first, last):
    assert first_and_last(day(28, 2), pack(**rule)) == (first, last)


@pytest.mark.parametrize(
    ("last_contact", "sampled", "reported", "found"),
    [
        (day(3), day(1), day(9), (day(3), "last_contact")),
        (None, day(5), day(9), (day(5), "sample")),
        (None, day(9), day(5), (day(5), "report")),
        (None, None, day(5), (day(5), "report")),
        (None, day(5), None, (day(5), "sample")),
        (None, None, None, (None, "")),
    ],
)
def test_the_start_falls_back_in_order_and_says_on_what(last_contact, sampled, reported, found):
    assert counted_from(last_contact, sampled, reported) == found


def test_an_end_says_how_it_was_computed():
    found = planned(met(day(28, 2)))

    assert (found.starts, found.until) == (day(1), day(14))
    assert texts(found) == [
        "Until 2021-03-14 because the last contact was on 2021-02-28 and the rule follow_up WHO 1 says 14 days,"
        " from 2021-03-01 on."
    ]


def test_the_latest_end_of_several_exposures_wins_in_any_order():
    spans = [met(day(1)), met(day(9)), met(day(5))]

    assert planned(*spans).until == planned(*reversed(spans)).until == day(23)
    assert "The latest end of 3 exposures counts." in texts(planned(*spans))


def test_an_exposure_under_an_older_longer_rule_can_end_last():
    assert planned(met(day(1)), met(day(3), rule=pack(days=5))).until == day(15)


def test_without_any_day_there_is_no_end_and_none_is_made_up():
    found = planned(met(None))

    assert (found.starts, found.until) == (None, None)
    assert texts(found) == ["No end: the day of the last contact is not known. Ask for it."]


def test_an_earlier_end_is_never_taken_silently():
    found = planned(met(day(1)), former_until=day(20))

    assert (found.standard_until, found.until) == (day(15), day(20))
    assert "The rule would now end it earlier, on 2021-03-15" in texts(found)[-1]


def test_a_person_may_shorten_and_the_reason_is_told():
    found = planned(met(day(10)), chosen=(day(17), AT, "vaccinated"), former_until=day(24), may_shorten=True)

    assert (found.standard_until, found.until) == (day(24), day(17))
    assert texts(found)[-1] == "Set to 2021-03-17 by a person: vaccinated"


def test_a_new_exposure_wins_over_an_end_chosen_before_it():
    found = planned(met(day(1)), met(day(10), at=AT), chosen=(day(12), AT - timedelta(days=3), "tired"), former_until=day(12))

    assert found.until == day(24)


def test_an_exposure_known_before_does_not_undo_what_a_person_chose():
    before = AT - timedelta(days=1)
    assert planned(met(day(10), at=before), chosen=(day(17), AT, "vaccinated"), may_shorten=True).until == day(17)


def test_an_end_chosen_later_stays_over_a_new_exposure_that_ends_before_it():
    assert planned(met(day(10)), chosen=(day(30), AT - timedelta(days=1), "to be sure")).until == day(30)


@pytest.mark.parametrize(
    ("seen", "tried", "until"),
    [
        (None, day(14), day(15)),  # tried on the last day, in vain
        (None, day(16), day(17)),
        (None, day(13), day(14)),  # tried before the last day only
        (None, None, day(14)),
        (day(14), day(15), day(14)),  # seen on the last day
        (day(13), day(15), day(16)),  # seen before it only
        (None, date(2021, 4, 30), day(21)),  # never more than the rule allows
    ],
)
def test_somebody_not_reached_at_the_end_is_followed_a_day_longer(seen, tried, until):
    assert planned(met(day(28, 2)), last_seen=seen, last_try=tried).until == until


def due(**facts):
    values = {
        "pack": pack(),
        "risk": "medium",
        "at": AT,
        "known_at": AT - timedelta(hours=3),
        "is_told": True,
        "starts": day(16),
        "until": day(29),
    }
    return next_check(**(values | facts))


def local(number, hour=0):
    return datetime(2021, 3, number, tzinfo=UTC) - timedelta(hours=8) + timedelta(hours=hour)


def test_who_was_not_told_is_called_at_once_and_late_after_a_day():
    assert due(is_told=False) == (AT - timedelta(hours=3), AT + timedelta(hours=21))


def test_a_check_is_due_on_its_day_and_overdue_after_it():
    assert due(last_seen=day(19)) == (local(20), local(21))
    assert due(last_seen=day(17)) == (local(18), local(19))


def test_with_two_checks_a_day_the_second_follows_the_first():
    assert due(risk="high", last_seen=day(20), seen_part=0) == (local(20, 12), local(21))
    assert due(risk="high", last_seen=day(20), seen_part=1) == (local(21), local(21, 12))


def test_nobody_asks_where_the_rule_asks_nobody_or_the_last_day_is_seen():
    assert due(risk="low") == (None, None)
    assert due(last_seen=day(29)) == (None, None)


def test_who_reports_by_a_link_is_left_alone_until_the_day_is_over():
    assert due(last_seen=day(19), reports=True) == (local(21), local(21))


def test_after_a_try_in_vain_the_next_comes_later_but_is_overdue_as_before():
    assert due(last_seen=day(17), failed_at=AT) == (AT + timedelta(hours=2), local(19))


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("jurisdiction", "on", "days"),
    [("WHO", day(1), 14), ("DE", day(1), 14), ("US", date(2021, 12, 1), 14), ("US", date(2022, 1, 5), 10)],
)
def test_the_rule_depends_on_the_day_and_the_place(jurisdiction, on, days):
    assert rules.in_force("follow_up", on, jurisdiction=jurisdiction)["days"] == days


@pytest.mark.django_db
def test_every_shipped_rule_has_every_part():
    shipped = list(rules.versions("follow_up"))
    parts = {name for one in shipped for name in one.content}

    assert len(shipped) >= 5
    assert [(one.reference, parts - one.content.keys()) for one in shipped if parts - one.content.keys()] == []
    for one in shipped:
        assert first_and_last(day(1), replace(one))[1] > day(1)

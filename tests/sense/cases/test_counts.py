"""Cases counted by the day something happened and the day it became known, as believed at a moment."""

from datetime import UTC, date, datetime, timedelta

import pytest

from epipolis.sense.cases import queries, services

from .factories import AT, case

pytestmark = pytest.mark.django_db
DAY = date(2026, 3, 10)  # the local day of AT


def ago(days):
    return DAY - timedelta(days=days)


def test_a_case_counts_on_its_day_and_became_known_on_the_day_of_its_confirmation():
    case(at=AT, classification="confirmed", onset=ago(4), reported=DAY)

    assert queries.counts_as_known("onset", AT) == [(ago(4), None, DAY, 1)]
    assert queries.counts_as_known("reported", AT) == [(DAY, None, DAY, 1)]


def test_a_suspicion_counts_once_it_is_confirmed():
    made = case(at=AT, onset=ago(4), reported=ago(1))
    services.confirm_case(made.id, by="test", at=AT + timedelta(days=2))

    assert queries.counts_as_known("onset", AT + timedelta(days=1)) == []
    later = queries.counts_as_known("onset", AT + timedelta(days=2))
    assert [(happened, n) for happened, _, _, n in later] == [(ago(4), 1)]


def test_what_was_known_then_is_not_changed_by_a_later_correction():
    made = case(at=AT, classification="confirmed", onset=ago(4), reported=DAY)
    services.revise_case(made.id, {"onset": ago(7)}, by="test", at=AT + timedelta(days=3))

    assert queries.counts_as_known("onset", AT)[0][0] == ago(4)
    assert queries.counts_as_known("onset", AT + timedelta(days=3)) == [(ago(7), None, DAY, 1)]


def test_an_admission_that_is_told_later_became_known_later():
    made = case(at=AT, classification="confirmed", reported=DAY, hospitalised=None)
    services.revise_case(made.id, {"hospitalised": DAY}, by="test", at=AT + timedelta(days=9))

    assert queries.counts_as_known("hospitalised", AT + timedelta(days=10)) == [(DAY, None, DAY + timedelta(days=9), 1)]
    assert queries.counts_as_known("left_hospital", AT + timedelta(days=10)) == []


def test_an_old_line_list_taken_over_today_became_known_when_it_was_reported():
    case(at=AT, classification="confirmed", onset=ago(60), reported=ago(55))

    assert queries.counts_as_known("onset", AT) == [(ago(60), None, ago(55), 1)]


def test_days_after_the_moment_and_cases_without_the_day_are_left_out():
    case(at=AT, classification="confirmed", onset=ago(4), reported=DAY, hospitalised=ago(1), ended=DAY)
    case(at=AT, classification="confirmed", reported=DAY)
    case(at=AT, classification="not_a_case", onset=ago(4), reported=DAY)

    assert len(queries.counts_as_known("onset", AT)) == 1
    assert queries.counts_as_known("hospitalised", AT) == [(ago(1), None, DAY, 1)]
    assert queries.counts_as_known("left_hospital", AT) == [(DAY, None, DAY, 1)]
    assert queries.counts_as_known("onset", datetime(2026, 1, 1, tzinfo=UTC)) == []


def test_an_unknown_day_is_named():
    with pytest.raises(ValueError, match="nothing is counted by 'birth'"):
        queries.counts_as_known("birth", AT)

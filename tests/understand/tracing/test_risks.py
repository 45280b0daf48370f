"""What makes a contact and how great the risk is (R1), by versions of the rules."""

from datetime import date, timedelta
from uuid import uuid4

import pytest

from epipolis.core import rules
from epipolis.understand.tracing.queries import Piece, judge

from .factories import local

pytestmark = pytest.mark.django_db
DAY = date(2021, 3, 20)


def piece(day, hour, minutes, *, place=1, certain=True, companions=0):
    start = local(day, hour)
    return Piece(place, start, start + timedelta(minutes=minutes), certain, companions)


def found(pieces, kind="shop", jurisdiction="WHO", day=DAY):
    pack = rules.in_force("contact_definition", day, jurisdiction=jurisdiction)
    return judge(uuid4(), pieces, {1: kind, 2: kind}, pack, day=day)


@pytest.mark.parametrize(
    ("minutes", "kind", "certain", "risk"),
    [
        (14, "shop", True, None),
        (15, "shop", True, "medium"),
        (59, "shop", True, "medium"),
        (60, "shop", True, "high"),
        (15, "food", True, "high"),
        (600, "worship", True, "high"),
        (1_440, "shop", False, "low"),
        (1_440, "food", False, "medium"),
        (10, "food", False, None),
    ],
)
def test_the_risk_follows_minutes_place_and_certainty(minutes, kind, certain, risk):
    contact = found([piece(10, 12, minutes, certain=certain)], kind)

    assert (contact and contact.decision.outcome) == risk


def test_two_short_meetings_add_up_only_where_the_rules_say_so():
    twice = [piece(10, 9, 8), piece(10, 18, 8)]

    assert found(twice) is None
    assert found(twice, jurisdiction="US").minutes == 16
    assert found(twice, jurisdiction="US", day=date(2020, 10, 20)) is None  # the day before that rule


def test_meetings_more_than_a_day_apart_do_not_add_up():
    assert found([piece(10, 9, 8), piece(11, 18, 8)], jurisdiction="US") is None


def test_only_the_part_within_any_24_hours_counts():
    # 10 minutes at 09:00, 10 minutes the next day at 08:55: the last 5 fall out of the first's 24 hours, yet 15 remain.
    pieces = [piece(10, 9, 10), Piece(1, local(11, 8, 55), local(11, 9, 5), certain=True)]

    assert found(pieces, jurisdiction="US").minutes == 20
    late = [piece(10, 9, 10), Piece(1, local(11, 9, 6), local(11, 9, 16), certain=True)]
    assert found(late, jurisdiction="US") is None


def test_time_that_two_records_cover_counts_once():
    twice = [piece(10, 12, 40), piece(10, 12, 40, place=2), piece(10, 12, 50)]

    assert found(twice).minutes == 50


def test_a_meeting_of_which_only_the_day_is_known_stays_possible():
    contact = found([piece(10, 0, 1_440, certain=False)])

    assert (contact.certain, contact.minutes) == (False, 1_440)
    assert rules.explain(contact.decision.to_json()) == [
        "Only the day is known, not the hour: they may have met, for at most 1440 minutes."
    ]


def test_one_certain_meeting_makes_the_contact_certain_and_counts_alone():
    contact = found([piece(9, 0, 1_440, certain=False), piece(10, 12, 20)])

    assert (contact.certain, contact.minutes, len(contact.pieces)) == (True, 20, 2)


def test_companions_are_counted():
    assert found([piece(10, 12, 20, companions=1), piece(11, 12, 20, companions=3)]).companions == 3


def test_reasons_name_what_raised_the_risk():
    contact = found([piece(10, 12, 20)], "food")

    assert rules.explain(contact.decision.to_json()) == [
        "They were at the same place for 20 minutes.",
        "People are close together there (food): one step higher.",
    ]
    assert contact.decision.inputs == {"minutes": 20, "certain": True, "kinds": ["food"]}

"""What people declare of themselves is watched like any count: a cluster of it raises a signal, and shows no person."""

from datetime import timedelta
from uuid import uuid4

import numpy as np
import pytest

from epipolis.sense.declarations.models import Declaration, Household, Member
from epipolis.understand.signals.models import Signal

from .factories import TODAY, YESTERDAY, look, noon, town, usual

pytestmark = pytest.mark.django_db


def declared(area, day, count):
    """So many people of a district name a symptom for the first time on a day."""
    at = noon(day)
    for _number in range(count):
        household = Household.objects.create(
            number_hash=uuid4().hex, secret_hash=uuid4().hex, expires=at + timedelta(days=60), district=area, started=at
        )
        member = Member.objects.create(household=household, relation="self", added=at)
        Declaration.objects.create(
            member=member, day=day, symptoms={"fever": "yes"}, district=area, advice="stay", is_ill=True, decision={},
            channel="web", by="citizen", at=at, known_at=at,
        )  # fmt: skip


def test_many_who_declare_fever_on_one_day_in_one_district_raise_a_signal():
    north, south = town(2)
    rng = np.random.default_rng(4)
    for back in range(60, 1, -1):
        for area in (north, south):
            declared(area, TODAY - timedelta(days=back), rng.poisson(1.5))
    declared(north, YESTERDAY, 20)
    look()
    found = Signal.objects.get(series="declared", area="D1", day=YESTERDAY)
    assert found.value == 20
    assert found.upper < 20
    assert not Signal.objects.filter(series="declared", area="D2", day=YESTERDAY).exists()


def test_a_city_in_which_nobody_declares_is_judged_without_a_complaint():
    usual(town(2))
    assert [one for one in look().problems if one["part"] == "declared"] == []

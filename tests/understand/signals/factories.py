"""A small city whose line list grew day by day, with an outbreak in one district when asked for."""

from datetime import timedelta

import numpy as np
import pytest

from epipolis.core import clock
from epipolis.understand.signals import queries, services
from epipolis.understand.signals.models import Signal
from epipolis.understand.signals.services.looks import make_look
from tests.sense.city.factories import district, people_of
from tests.understand.forecast.factories import NOW, TODAY, add_cases, noon

__all__ = ["NOW", "TODAY", "add_cases", "cases_of", "look", "noon", "outbreak", "town", "usual"]
YESTERDAY = TODAY - timedelta(days=1)


def town(count=4, people=30_000):
    """Districts in a row, each with people."""
    areas = [district(f"D{n}", f"Part {n}", west=-20 + 0.1 * n) for n in range(1, count + 1)]
    for area in areas:
        people_of(area, people)
    return areas


def usual(areas, *, days=70, mean=2.0, until=TODAY, seed=1):
    """The same few cases a day in every district, by chance."""
    rng = np.random.default_rng(seed)
    rows = [
        (area, until - timedelta(days=back), until - timedelta(days=back + 3), None, {})
        for back in range(days, 0, -1)
        for area in areas
        for _ in range(rng.poisson(mean))
    ]
    return add_cases(rows)


def cases_of(area, day, count, *, known=None):
    return add_cases([(area, day, day - timedelta(days=3), None, {}) for _ in range(count)], known=known)


def outbreak(areas, *, count=25, day=YESTERDAY, **more):
    """The usual, and many more on one day in the first district."""
    usual(areas, **more)
    return cases_of(areas[0], day, count)


def look(at=None, kind="nightly"):
    """A look from what was known as the day began."""
    with clock.fixed(NOW):
        return make_look(at or clock.start_of(TODAY), kind=kind)


def the_signal(**which):
    return Signal.objects.get(**which)


@pytest.fixture
def raised(db):
    """One signal of an outbreak in the first district."""
    areas = town()
    outbreak(areas)
    look()
    return Signal.objects.get(series="cases", area="D1", method="regression")


def judge(signal, state, **more):
    with clock.fixed(NOW):
        return services.judge_signal(signal.id, state, by="ana", at=NOW, **more)


def spots():
    return list(queries.hot_spots())

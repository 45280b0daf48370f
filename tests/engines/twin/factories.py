"""Small cities and runs for the tests of the twin."""

from dataclasses import replace
from datetime import date

import numpy as np

from epipolis.engines.twin import load_disease
from epipolis.engines.twin.epidemics import advance, begin_epidemic
from epipolis.engines.twin.measures import FIGURES
from epipolis.engines.twin.responses import Response, respond
from epipolis.engines.twin.rules import Orders, rules_of
from epipolis.engines.twin.visits import visits_on

MONDAY = date(2026, 1, 5)
NOTHING = {name: [] for name in FIGURES}
ALL = (1.0,) * 10
NONE = (0.0,) * 10


def busy(introduced_per_100k=300, **changes):
    """COVID-19 with many introductions, so that a small city has an epidemic."""
    return replace(load_disease("covid_19_ancestral"), introduced_per_100k=introduced_per_100k, **changes)


def column(table, name):
    return np.asarray(table.column(name))


def nulls(table, name):
    return table.column(name).is_null().to_numpy()


def begun(world, disease=None, *, seed=1, introduced=None):
    """An epidemic before its first day."""
    return begin_epidemic(world, disease or busy(), seed=seed, start=MONDAY, introduced=introduced)


def today_of(epidemic, *measures, day=None):
    """What holds for everyone on a day under some measures."""
    if day is not None:
        epidemic.day = day
    return rules_of(epidemic, Orders(measures), NOTHING).today


def stays_on(epidemic, today, seed=1):
    """Everyone's stays of a day; times in seconds of the local day."""
    return visits_on(epidemic.world, epidemic.bodies, today, seed=seed, midnight=0)


def lived(world, disease, measures=(), *, days, seed=1, introduced=None, see=None):
    """Day by day: the epidemic, the day's rules and the response; the same objects each time.

    `see(epidemic, rules)` is called on each day before the city responds to it.
    """
    epidemic = begun(world, disease, seed=seed, introduced=introduced)
    orders, response = Orders(tuple(measures)), Response()
    for _ in range(days):
        rules = rules_of(epidemic, orders, NOTHING)
        advance(epidemic, rules)
        if see:
            see(epidemic, rules)
        respond(epidemic, orders, response)
        yield epidemic, rules, response

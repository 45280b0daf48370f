"""What triggers see from day to day is what the curve says at the end."""

import numpy as np
import pyarrow as pa
import pytest

from epipolis.engines.twin import Begin, IsolateCases, Masks, TraceContacts, Trigger, simulate, simulations, watches
from epipolis.engines.twin.measures import FIGURES
from epipolis.engines.twin.measures import Testing as Sampling
from tests.engines.twin.factories import busy

HARD = {"severe": (0.3,) * 10, "critical": (0.2,) * 10, "dies": (0.1,) * 10, "symptomatic": (0.6,) * 10}
ILL = {"area": [None], "age_from": [0], "age_to": [120], "days_since_infection": [9], "count": [80]}


@pytest.fixture(scope="module")
def watched(city):
    """A run whose triggers ask for every figure there is, with what they saw and its result."""
    seen = []

    def look(watch, *others):
        watches.look(watch, *others)
        seen.append(watch)

    orders = (Sampling(cost_per_unit=3.0), IsolateCases(), TraceContacts())
    asking = [Masks(effect=0.01, trigger=Trigger(name, above=1e8), title=name) for name in FIGURES]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(simulations, "look", look)
        begin = Begin(
            pa.table({name: pa.array(values, None if name != "area" else pa.string()) for name, values in ILL.items()})
        )
        result = simulate(city, busy(**HARD), (*orders, *asking), days=40, seed=2, begin=begin)
    return seen[-1].figures, result


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_that_of_the_curve(watched, name):
    figures, result = watched
    values = result.curve.column(name).to_numpy().astype(float)
    if name not in ("infectious", "in_ward", "in_icu"):
        values = np.array([values[max(0, day - 6) : day + 1].sum() for day in range(len(values))])

    assert figures[name] == pytest.approx((values * 100_000 / result.people).tolist())
    assert max(figures[name]) > 0 or name == "vaccinated"

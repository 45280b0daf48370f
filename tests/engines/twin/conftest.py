import pytest

from epipolis.engines.twin import build_city, days_of, start_run
from epipolis.engines.twin.worlds import CityWorld
from tests.engines.twin.factories import MONDAY, busy


@pytest.fixture(scope="session")
def city():
    return build_city(4_000, seed=7)


@pytest.fixture(scope="session")
def world(city):
    return CityWorld(city)


@pytest.fixture(scope="session")
def month(city):
    """A run of 35 days without measures, and its days."""
    run = start_run(city, busy(), seed=3, start=MONDAY)
    steps = list(days_of(run, 35))
    return steps[-1][0], [day for _, day in steps]

import pytest

from epipolis.core import clock
from tests.sense.cases.factories import LATER

from .remote import Remote


@pytest.fixture(autouse=True)
def at_noon():
    with clock.fixed(LATER):
        yield


@pytest.fixture
def remote():
    made = Remote()
    made.port = made.serve()
    yield made
    made.close()

import pytest

from epipolis.core import clock
from epipolis.sense.checkins import queries
from epipolis.sense.checkins.services import doors, phones

from .factories import NOW


@pytest.fixture(autouse=True)
def nothing_remembered():
    """Each test begins with a database of its own: what was remembered of another one must go."""
    doors.forget_doors()
    queries._packs.clear()
    phones._peers.clear()


@pytest.fixture
def noon():
    """The platform's clock stands at noon."""
    with clock.fixed(NOW):
        yield NOW

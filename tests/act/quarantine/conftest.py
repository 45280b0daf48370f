import pytest

from epipolis.core import clock

from .factories import NOW


@pytest.fixture(autouse=True)
def noon():
    with clock.fixed(NOW):
        yield

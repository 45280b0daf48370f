import pytest

from epipolis.engines import twin
from epipolis.engines.twin import areas, city, illness, order_checks, order_files, orders

from . import standin


@pytest.fixture(autouse=True)
def _stand_in(monkeypatch):
    for part, names in {
        areas: ("Areas",), city: ("FEWEST_PEOPLE",), illness: ("load_disease", "diseases"), order_checks: ("check_measures",),
        order_files: ("read_measures", "write_measures"), orders: ("MEASURES", "Trigger"), standin: ("Begin", "simulate_many"),
    }.items():  # fmt: skip
        for name in names:
            monkeypatch.setattr(twin, name, getattr(part, name), raising=False)

"""Example prices, so that a new scenario shows what its measures cost before a city has entered its own.

They are round numbers for a city of high income, of the order of US dollars or euros in 2021, chosen by hand: an example, not a
source. Who decides by cost must enter their own; the form and every result say so.
"""

from collections.abc import Mapping
from typing import Any

Prices = dict[str, float]
EXAMPLES: Mapping[str, Prices] = {
    "testing": {"cost_per_unit": 50.0},
    "isolate_cases": {"cost_per_person_day": 40.0},
    "quarantine_households": {"cost_per_person_day": 40.0},
    "trace_contacts": {"cost_per_unit": 15.0, "cost_per_person_day": 40.0},
    "trace_by_bluetooth": {"cost_per_unit": 0.1, "cost_per_person_day": 40.0},
    "check_fence": {"cost_per_day": 500.0},
    "masks": {"cost_per_unit": 0.2},
    "close_places": {"cost_per_person_day": 80.0},
    "limit_capacity": {"cost_per_person_day": 80.0},
    "curfew": {"cost_per_person_day": 0.5},
    "schools": {"cost_per_person_day": 20.0},
    "limit_travel": {"cost_per_person_day": 0.5},
    "fewer_outings": {"cost_per_person_day": 0.5},
    "work_from_home": {"cost_per_person_day": 5.0},
    "vaccinate": {"cost_per_unit": 30.0},
    "reduce_imports": {"cost_per_day": 2_000.0},
}
FIELDS = ("cost_per_day", "cost_per_person_day", "cost_per_unit")


def example_prices(kind: str) -> Prices:
    """What one kind of measure costs in the example."""
    return dict(EXAMPLES.get(kind, {}))


def has_example_prices(entry: Mapping[str, Any]) -> bool:
    """Whether a measure still costs what the example says."""
    own = {name: entry[name] for name in FIELDS if entry.get(name)}
    return bool(own) and own == EXAMPLES.get(str(entry.get("kind")), {})

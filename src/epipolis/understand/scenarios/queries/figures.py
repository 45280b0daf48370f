"""The figures of a comparison, from the kept tables of finished runs: medians with the range of eight in ten seeds."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np

from epipolis.understand.scenarios.models import Run
from epipolis.understand.scenarios.queries.menu import KINDS
from epipolis.understand.scenarios.queries.results import table_of

LOW, HIGH = 0.1, 0.9
CURVES = (
    "infections", "infectious", "symptoms", "tests", "cases", "in_ward", "in_icu", "deaths", "isolated", "quarantined",
    "traced", "vaccinated", "cost",
)  # fmt: skip
TOTALS = (
    "infections", "attack_rate", "cases", "deaths", "peak_day", "peak_infections", "peak_in_ward", "peak_in_icu",
    "days_isolated", "days_quarantined", "tests", "traced", "vaccinated", "cost", "r_early",
)  # fmt: skip
_OF_ANY_SIZE = ("attack_rate", "peak_day", "r_early")  # figures that do not grow with the city
Spread = tuple[float, float, float]  # low, median, high


@dataclass(frozen=True)
class Shown:
    """One scenario of a comparison: its name there, what it says, and its finished run."""

    name: str
    version: Any
    run: Run

    @property
    def content(self) -> dict[str, Any]:
        content: dict[str, Any] = self.version.content
        return content

    @property
    def people(self) -> int:
        return self.run.people or 1

    @property
    def start(self) -> date:
        return date.fromisoformat(self.content["start"])


def spread(values: Any) -> Spread:
    """Low, median and high of values over the seeds; three times zero for none."""
    numbers = np.asarray([value for value in values if value is not None], float)
    if not len(numbers):
        return 0.0, 0.0, 0.0
    low, middle, high = np.quantile(numbers, (LOW, 0.5, HIGH))
    return float(low), float(middle), float(high)


def daily(shown: Shown, what: str, window: int = 1) -> np.ndarray:
    """A column of the curve as an array of three rows (low, median, high) and one column a day.

    `window`: each day with the days before it, together so many.
    """
    curve = table_of(shown.run, "curve")
    seeds = len(set(curve.column("seed").to_pylist())) or 1
    values = np.asarray(curve.column(what).to_numpy(zero_copy_only=False), float).reshape(seeds, -1)
    if window > 1:
        sums = np.cumsum(values, axis=1)
        values = sums - np.pad(sums, ((0, 0), (window, 0)))[:, :-window]
    return np.quantile(values, (LOW, 0.5, HIGH), axis=0)


def days_of(shown: Shown) -> list[str]:
    count = daily(shown, "infections").shape[1]
    return [(shown.start + timedelta(days=n)).isoformat() for n in range(count)]


def total(shown: Shown, what: str) -> Spread:
    return spread(one.get(what) for one in shown.run.summaries)


def change(shown: Shown, first: Shown, what: str) -> Spread | None:
    """Relative difference to the first scenario, seed by seed; None where that one has nothing to compare with.

    With the same city, days and number of seeds the seeds are pairs: the same people, the same chances. Otherwise
    every seed is held against every other, and in cities of different size what happens to each person.
    """
    own = np.array([float(one.get(what) or 0) for one in shown.run.summaries])
    others = np.array([float(one.get(what) or 0) for one in first.run.summaries])
    if what not in _OF_ANY_SIZE:
        own, others = own / shown.people, others / first.people
    if not len(own) or not len(others) or not others.all():
        return None
    found = own / others - 1 if are_paired(shown, first) else (own[:, None] / others[None, :] - 1).ravel()
    return spread(found)


def are_paired(shown: Shown, first: Shown) -> bool:
    """Whether seed by seed the same city, disease, days and beginning were simulated."""
    parts = ("city", "disease", "start", "days", "seeds", "begin")
    return all(shown.content[part] == first.content[part] for part in parts)


def age_rows(shown: Shown) -> list[dict[str, Any]]:
    """For each age group: people, and infections, severe courses and deaths per 100,000 of them (medians)."""
    table = table_of(shown.run, "by_age").to_pylist()
    found = []
    for age in sorted({row["age_from"] for row in table}):
        rows = [row for row in table if row["age_from"] == age]
        people = rows[0]["people"]
        found.append({"group": age, "people": people} | _rates(rows, people, ("infections", "severe", "deaths")))
    return found


def area_rows(shown: Shown) -> list[dict[str, Any]]:
    """For each area: code, name, people, and infections and deaths per 100,000 of them (medians)."""
    by_code: dict[str, list[dict[str, Any]]] = {}
    for row in table_of(shown.run, "area_totals").to_pylist():
        by_code.setdefault(row["neighbourhood"], []).append(row)
    seeds = len(shown.run.summaries)
    found = []
    for area in table_of(shown.run, "areas").to_pylist():
        rows = by_code.get(area["code"], [])
        rows = rows + [{"infections": 0, "deaths": 0}] * (seeds - len(rows))
        rates = _rates(rows, area["people"], ("infections", "deaths"))
        found.append({"group": area["code"], "name": area["name"], "people": area["people"]} | rates)
    return found


def cost_rows(shown: Shown) -> list[dict[str, Any]]:
    """For each measure: unit, amount and cost, as medians with their range."""
    table = table_of(shown.run, "costs").to_pylist()
    names = list(dict.fromkeys((row["measure"], row["unit"]) for row in table))
    found = []
    for measure, unit in names:
        rows = [row for row in table if (row["measure"], row["unit"]) == (measure, unit)]
        low, middle, high = spread(row["cost"] for row in rows)
        amount = spread(row["amount"] for row in rows)[1]
        title = str(KINDS[measure].title) if measure in KINDS else measure
        found.append({"measure": title, "unit": unit, "amount": amount, "low": low, "cost": middle, "high": high})
    return found


def setting_rows(shown: Shown) -> list[dict[str, Any]]:
    """Where people were infected: the share of all infections, by setting (median over the seeds)."""
    table = table_of(shown.run, "by_place").to_pylist()
    everything: dict[int, int] = {}
    for row in table:
        everything[row["seed"]] = everything.get(row["seed"], 0) + row["infections"]
    found = {}
    for setting in dict.fromkeys(row["setting"] for row in table):
        rows = [row for row in table if row["setting"] == setting]
        found[setting] = spread(row["infections"] / everything[row["seed"]] for row in rows if everything[row["seed"]])[1]
    return [{"setting": name, "share": share} for name, share in sorted(found.items(), key=lambda item: -item[1]) if share]


def gap(rows: Sequence[dict[str, Any]], what: str) -> float | None:
    """How unequal a burden is: the highest rate of a group divided by the lowest that is not zero."""
    rates = sorted(row[what] for row in rows if row["people"] >= 50 and row[what])
    return rates[-1] / rates[0] if len(rates) > 1 else None


def _rates(rows: Sequence[dict[str, Any]], people: int, parts: Sequence[str]) -> dict[str, float]:
    return {part: round(spread(row.get(part) for row in rows)[1] * 100_000 / people, 1) if people else 0.0 for part in parts}

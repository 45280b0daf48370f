"""A tiny stand-in for the simulation: tables of the right shape, from the seed alone, in no time."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pyarrow as pa

COLUMNS = (
    "infectious", "symptoms", "tests", "cases", "in_ward", "in_icu", "deaths", "isolated", "quarantined", "traced",
    "vaccinated",
)  # fmt: skip


@dataclass(frozen=True)
class Begin:
    infected: pa.Table
    immune: float = 0.0


@dataclass(frozen=True)
class Result:
    curve: pa.Table
    by_area: pa.Table
    by_age: pa.Table
    by_place: pa.Table
    costs: pa.Table

    def summary(self):
        infections = self.curve.column("infections").to_numpy()
        total = int(infections.sum())
        names = ("cases", "deaths", "tests", "cost")
        return {
            "infections": total, "attack_rate": total / 20_000, "peak_day": int(infections.argmax()),
            "peak_infections": int(infections.max()), "peak_in_ward": int(self.curve.column("in_ward").to_numpy().max()),
            "peak_in_icu": int(self.curve.column("in_icu").to_numpy().max()), "days_isolated": 3 * total,
            "days_quarantined": total, "r_early": 2.5,
            **{name: float(self.curve.column(name).to_numpy().sum()) for name in names},
        }  # fmt: skip


def simulate_many(city, disease, measures=(), *, days=180, seeds=range(8), start=date(2026, 1, 5), begin=None, progress=None):
    people, done, results = len(city.homes.age), 0, []
    codes = city.neighbourhoods.column("code").to_pylist()
    for seed in seeds:
        random = np.random.default_rng(seed)
        left = 0.7 ** len(measures)
        infections = (people * 0.004 * left * np.exp(-(((np.arange(days) - days / 2) / (days / 6)) ** 2))).astype(int)
        infections = infections + random.poisson(3, days)
        curve = {"day": np.arange(days), "date": [start + timedelta(days=n) for n in range(days)], "infections": infections}
        curve |= {name: infections // (n + 1) for n, name in enumerate(COLUMNS)}
        curve["cost"] = infections * 10.0 * len(measures)
        days_of, areas = np.repeat(np.arange(days), 2), random.choice(codes, 2 * days)
        counts = np.repeat(infections // 2, 2)
        by_area = {"day": days_of, "neighbourhood": areas, "infections": counts, "cases": counts // 2, "deaths": counts // 99}
        total, ages = int(infections.sum()), list(range(0, 90, 10))
        by_age = {"age_from": ages, "people": [people // 9] * 9} | {
            name: [total // part // (n + 1) for n in range(9)]
            for name, part in (("infections", 9), ("cases", 20), ("severe", 90), ("deaths", 300))
        }
        costs = {
            "measure": [m.title or m.label for m in measures],
            "unit": ["day"] * len(measures),
            "amount": [float(days)] * len(measures),
            "cost": [10.0 * total] * len(measures),
        }
        results.append(
            Result(
                pa.table(curve),
                pa.table(by_area),
                pa.table(by_age),
                pa.table({"setting": ["household", "restaurant"], "infections": [total // 2, total - total // 2]}),
                pa.table(costs),
            )
        )
        for _day in range(days):
            done += 1
            if progress:
                progress(done, days * len(seeds))
    return results

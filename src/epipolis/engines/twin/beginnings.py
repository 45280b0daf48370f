"""Where a run may begin: from today's real state of a city."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from epipolis.engines.twin.draws import uniform
from epipolis.engines.twin.epidemics import Epidemic, bring_in


@dataclass(frozen=True, eq=False)
class Begin:
    """What is known of a city today.

    `infected`: area (code of a neighbourhood, or null: anywhere), age_from, age_to (inclusive), days_since_infection,
    count: people infected so many days ago. `immune_share`: share of all others who are protected as by an earlier
    infection.
    """

    infected: pa.Table
    immune_share: float = 0.0

    def __post_init__(self) -> None:
        missing = {"area", "age_from", "age_to", "days_since_infection", "count"} - set(self.infected.column_names)
        if missing:
            raise ValueError(f"The table of infected people lacks {', '.join(sorted(missing))}.")
        if not 0 <= self.immune_share <= 1:
            raise ValueError(f"The immune share must lie between 0 and 1, not {self.immune_share}.")
        for number, row in enumerate(self.infected.to_pylist(), start=1):
            if row["count"] < 0 or not 0 <= row["days_since_infection"] <= 60 or row["age_to"] < row["age_from"]:
                raise ValueError(f"Infected people, row {number}: count, days since infection (0 to 60) or ages cannot be.")


def begin_from(epidemic: Epidemic, begin: Begin) -> None:
    """Infect people of the right area and age in the days before the first; ValueError for an unknown area."""
    world, chosen, since = epidemic.world, [], []
    order = uniform(epidemic.seed, "begins with", np.arange(len(world.age)))
    taken = np.zeros(len(world.age), bool)
    for row in begin.infected.to_pylist():
        fits = (world.age >= row["age_from"]) & (world.age <= row["age_to"]) & ~taken
        if row["area"] is not None:
            if row["area"] not in world.area_codes:
                raise ValueError(f"The city has no area {row['area']!r}.")
            fits &= world.area == world.area_codes.index(row["area"])
        who = np.flatnonzero(fits)
        who = who[np.argsort(order[who], kind="stable")[: row["count"]]]
        taken[who] = True
        chosen.append(who)
        since.append(np.full(len(who), -row["days_since_infection"]))
    immune = ~taken & (uniform(epidemic.seed, "immune already", np.arange(len(taken))) < begin.immune_share)
    epidemic.bodies["can"][immune] = 0
    if chosen:
        who, when = np.concatenate(chosen), np.concatenate(since)
        ordered = np.argsort(who)
        bring_in(epidemic, who[ordered], when[ordered])

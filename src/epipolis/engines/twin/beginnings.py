"""Where a run may begin: from today's real state of a city."""

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from epipolis.engines.twin.disease import Immunity, Vaccine
from epipolis.engines.twin.draws import Flags, uniform
from epipolis.engines.twin.epidemics import Epidemic, bring_in

EARLIER = "earlier infection"
"""What protects the immune of a beginning: it stands among the vaccines of the run, which no measure can give."""


@dataclass(frozen=True, eq=False)
class Begin:
    """What is known of a city today.

    `infected`: area (code of a neighbourhood, or null: anywhere), age_from, age_to (inclusive), days_since_infection,
    count: people infected so many days ago. `immune_share`: share of all others who are protected as by an infection that
    has just passed: by what the disease's immunity says, which wanes by its half-life and which variants evade. Doses of
    vaccine go to the others.
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
    _protect(epidemic, immune)
    if chosen:
        who, when = np.concatenate(chosen), np.concatenate(since)
        ordered = np.argsort(who)
        bring_in(epidemic, who[ordered], when[ordered])


def _protect(epidemic: Epidemic, immune: Flags) -> None:
    """Give some the protection of an earlier infection; for life where the disease says so."""
    immunity = epidemic.disease.immunity
    if immunity.after_infection >= 1 and immunity.half_life_days is None and not epidemic.disease.variants:
        epidemic.bodies["can"][immune] = 0
        return
    vaccines = epidemic.disease.vaccines
    epidemic.disease = replace(epidemic.disease, vaccines=(*vaccines, _as_vaccine(immunity)))
    epidemic.bodies["can"][immune] = 2
    epidemic.vaccinated_on[immune], epidemic.vaccine_of[immune] = 0, len(vaccines)


def _as_vaccine(immunity: Immunity) -> Vaccine:
    return Vaccine(
        name=EARLIER,
        doses=1,
        interval_days=0,
        days_to_protect=0,
        against_infection=immunity.after_infection,
        against_severe=immunity.after_infection / 2,  # as `immunity.severity_of` has it after an infection
        half_life_days=immunity.half_life_days,
    )

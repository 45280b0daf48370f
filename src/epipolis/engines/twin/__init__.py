"""The city twin: an invented city and an epidemic on the visits of its people, with the truth known.

    city = build_city(people=50_000, seed=1)
    run = start_run(city, COVID_19_ANCESTRAL, USUAL_RESPONSE, seed=1, start=date(2026, 1, 5))
    for run, day in days_of(run, 60):
        ...  # day.visits, day.cases, day.infections; run.truth
    run, day = step(load(save(run), city=city), at_home=quarantined)

Everything is an Arrow table, follows from the seeds alone, and needs no files, clock or network.
"""

from epipolis.engines.twin.area_files import read_areas
from epipolis.engines.twin.areas import Areas
from epipolis.engines.twin.city import City, build_city
from epipolis.engines.twin.disease import COVID_19_ANCESTRAL, Disease
from epipolis.engines.twin.measures import USUAL_RESPONSE, Measure
from epipolis.engines.twin.runs import Day, Run, checked_in, curve, days_of, load, save, simulate, start_run, step

__all__ = [
    "COVID_19_ANCESTRAL",
    "USUAL_RESPONSE",
    "Areas",
    "City",
    "Day",
    "Disease",
    "Measure",
    "Run",
    "build_city",
    "checked_in",
    "curve",
    "days_of",
    "load",
    "read_areas",
    "save",
    "simulate",
    "start_run",
    "step",
]

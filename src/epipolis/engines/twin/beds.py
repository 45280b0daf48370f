"""What the hospitals report: beds, and who lies in them."""

from datetime import timedelta

import numpy as np
import pyarrow as pa

from epipolis.engines.twin.courses import CRITICAL, SEVERE
from epipolis.engines.twin.draws import Floats, Ints, uniform
from epipolis.engines.twin.places import CODES
from epipolis.engines.twin.runs import Run
from epipolis.engines.twin.visits import epoch_of

_WARD_BEDS, _ICU_BEDS = 300.0, 12.0
"""Beds per 100,000 people, of the order of a well-supplied city (OECD, Health at a Glance)."""
_USUAL_WARD, _USUAL_ICU = 0.72, 0.62
"""Share of the beds taken by people ill of something else."""
_MISSING, _LATE = 0.03, 0.06


def beds_taken(run: Run) -> pa.Table:
    """The hospitals' reports about the last day lived, in order of hospital.

    Columns: place (the hospital), date, reported_at (epoch seconds: the morning after, some a day later still), ward_beds,
    ward_taken, ward_infected, icu_beds, icu_taken, icu_infected (people; `taken` counts everybody and may pass the beds
    when there are too few). Three reports in a hundred are missing. The severely ill lie in the hospital nearest to the
    middle of their neighbourhood, the critically ill in its intensive care.
    """
    city, day, seed = run.city, run.day - 1, run.seed
    hospitals = np.flatnonzero(city.sites.kind == CODES["hospital"])
    ward, icu = _patients(run, hospitals, day)
    size = city.sites.attraction[hospitals] / city.sites.attraction[hospitals].sum() * len(city.homes.age) / 100_000
    columns: dict[str, object] = {}
    for name, infected, each, usual in (("ward", ward, _WARD_BEDS, _USUAL_WARD), ("icu", icu, _ICU_BEDS, _USUAL_ICU)):
        beds = np.maximum(np.rint(size * each), 1).astype(np.int64)
        columns[f"{name}_beds"] = beds
        columns[f"{name}_taken"] = infected + _others(seed, hospitals, beds * usual, name, day)
        columns[f"{name}_infected"] = infected
    late = uniform(seed, "late report", hospitals, day) < _LATE
    hour = 7 + 4 * uniform(seed, "hour of bed report", hospitals, day)
    morning = epoch_of(run.start, day + 1, city.utc_offset) + (hour * 3600).astype(np.int64)
    table = pa.table(
        {
            "place": hospitals.astype(np.int64),
            "date": pa.array([run.start + timedelta(days=day)] * len(hospitals), pa.date32()),
            "reported_at": morning + late * 86_400,
            **columns,
        }
    )
    return table.filter(pa.array(uniform(seed, "no bed report", hospitals, day) >= _MISSING))


def _patients(run: Run, hospitals: Ints, day: int) -> tuple[Ints, Ints]:
    """Infected people in the wards and in intensive care of each hospital."""
    rows = run.epidemic.infections
    rows = rows[(rows["course"] >= SEVERE) & (rows["severe_on"] <= day) & (day < rows["over_on"])]
    homes, sites, ground = run.city.homes, run.city.sites, run.city.ground
    away = np.linalg.norm(ground.centres[:, None] - sites.metres[hospitals][None], axis=2)
    hospital = away.argmin(axis=1)[homes.neighbourhood[rows["person"]]]
    in_icu = (rows["course"] == CRITICAL) & (rows["critical_on"] <= day)
    count = len(hospitals)
    return np.bincount(hospital[~in_icu], minlength=count), np.bincount(hospital[in_icu], minlength=count)


def _others(seed: int, hospitals: Ints, mean: Floats, name: str, day: int) -> Ints:
    """Around the usual number, with a spread of its root."""
    first, second = (np.maximum(uniform(seed, f"other patients {name} {part}", hospitals, day), 1e-12) for part in (1, 2))
    noise = np.sqrt(-2 * np.log(first)) * np.cos(2 * np.pi * second)
    return np.maximum(np.rint(mean + np.sqrt(mean) * noise), 0).astype(np.int64)

"""Hot spots in space and time: Kulldorff's scan statistic.

    clusters = scan(cases, coordinates, population, longest=28, draws=999, seed=1)

Circles about every area, of every size up to a share of the whole, times windows of days: which holds the most cases beyond
what is expected, and how often does chance give as much? Kulldorff 2001, J. R. Stat. Soc. A 164:61 (prospective, Poisson);
Kulldorff et al. 2005, PLoS Med. 2:e59 (space-time permutation, which needs no population).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from epipolis.engines.epidemic.circles import Circles, circles_of
from epipolis.engines.epidemic.counts import counts_of
from epipolis.engines.epidemic.windows import best_windows, highest_by_chance

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_MOST_WINDOWS = 20_000


def scan(
    cases: pa.Table | Floats,
    coordinates: pa.Table | Floats,
    population: pa.Table | Mapping[str, float] | Floats | None = None,
    *,
    longest: int | None = None,
    share: float = 0.5,
    radius: float | None = None,
    prospective: bool = True,
    draws: int = 999,
    seed: int = 0,
    most: int = 10,
    planar: bool = False,
    last_day: date | None = None,
    areas: Sequence[str] | None = None,
) -> pa.Table:
    """Find the clusters and say how likely chance gives one as strong.

    Args:
        cases: a series table (area, day, value: new cases of the day or week), or counts [areas, days]; missing days count as
            none, fractions are rounded.
        coordinates: a table (area, lon, lat), or [areas, 2] with longitude and latitude in degrees.
        population: people by area (a table area, population; a mapping; or [areas]). With it, cases are expected in proportion
            to people on every day. Without it, the permutation model: each area and each day keep their totals, and only a
            place and a time together stand out.
        longest: most days of a window; without it, half of all steps, at most 30.
        share: of the people (or cases) that a circle may hold at most.
        radius: of a circle at most, km.
        prospective: only windows that end on the last day (an outbreak going on); else all.
        draws: how often chance is tried, 1 to 99,999; p is never below 1 / (draws + 1).
        seed: the same number gives the same answer, on however many cores.
        most: clusters told at most; those after the first share no area with a stronger one.
        planar: coordinates are kilometres on a plane.
        last_day, areas: what to call the last day and the areas of an array.

    Returns:
        rank, centre, areas (list), lon, lat, radius (km), first_day, last_day, observed, expected, risk (observed / expected
        inside over outside), llr (log likelihood ratio), p (the rank among the draws, for all circles and windows together),
        p_gumbel (a smooth p that may be smaller than the draws allow, Abrams et al. 2010), recurrence (days in which chance
        gives one so strong once, when the scan is done daily). No row where there are fewer than two cases. `skipped_in`
        tells which areas had no coordinates or no people.

    Raises:
        ValueError: negative cases (named by area and day), shapes that do not belong together, coordinates out of range, more
            windows of time than 20,000, or an argument out of its range.
    """
    _check(share, draws, most, radius)
    names, counts, last, step = _cases(cases, areas, last_day)
    places = _coordinates(coordinates, names)
    people = _population(population, names)
    usable = np.asarray(np.isfinite(places).all(axis=1))
    if people is not None:
        usable = usable & np.isfinite(people) & (people > 0)
    skipped = [name for name, used in zip(names, usable, strict=True) if not used]
    study = _study(counts[usable], None if people is None else people[usable], longest, step, prospective)
    if study is None or not usable.any():
        return _clusters([], skipped)
    kept = [name for name, used in zip(names, usable, strict=True) if used]
    circles = circles_of(places[usable], study.weight / study.total, share=share, radius=radius, planar=planar)
    found = best_windows(study.sums, circles, study.weight, study.part, study.total)
    chance = highest_by_chance(study, circles, draws, seed)
    return _clusters(_told(found, circles, study, chance, kept, places[usable], last, step, most), skipped)


def skipped_in(clusters: pa.Table) -> list[str]:
    """The areas that the scan left out, for want of coordinates or people."""
    return list(json.loads((clusters.schema.metadata or {}).get(b"skipped", b"[]")))


def _check(share: float, draws: int, most: int, radius: float | None) -> None:
    if not 0 < share <= 1:
        raise ValueError(f"the share is {share}, but must lie between 0 and 1")
    if not 1 <= draws <= 99_999:
        raise ValueError(f"draws are {draws}, but must lie between 1 and 99,999")
    if most < 1:
        raise ValueError(f"most is {most}, but must be at least 1")
    if radius is not None and not radius >= 0:
        raise ValueError(f"the radius is {radius}, but must be at least 0 km")


def _cases(
    cases: pa.Table | Floats, areas: Sequence[str] | None, last: date | None
) -> tuple[list[str], Ints, date | None, int]:
    if isinstance(cases, pa.Table):
        told = counts_of(cases, what="cases")
        names, values, last, step = told.areas, told.values, told.last, told.step
    else:
        values, step = np.asarray(cases, float), 1
        if values.ndim != 2:
            raise ValueError(f"cases have {values.ndim} dimensions, but must be areas by days")
        names = [str(name) for name in areas] if areas is not None else [str(number) for number in range(len(values))]
        if len(names) != len(values):
            raise ValueError(f"there are {len(names)} names for {len(values)} areas")
    wrong = np.argwhere(values < 0)
    if len(wrong):
        area, day = wrong[0]
        raise ValueError(f"{names[area]} has {values[area, day]:g} cases on day {day + 1}; there cannot be fewer than none")
    return list(names), np.round(np.nan_to_num(values)).astype(np.int64), last, step


def _coordinates(coordinates: pa.Table | Floats, names: list[str]) -> Floats:
    if not isinstance(coordinates, pa.Table):
        places = np.asarray(coordinates, float)
        if places.shape != (len(names), 2):
            raise ValueError(f"coordinates have the shape {places.shape}, but must be {(len(names), 2)}")
        return places
    if missing := [name for name in ("area", "lon", "lat") if name not in coordinates.column_names]:
        raise ValueError(f"coordinates: there is no column {missing[0]!r}")
    rows = {str(row["area"]): (row["lon"], row["lat"]) for row in coordinates.select(["area", "lon", "lat"]).to_pylist()}
    told = [rows.get(name, (None, None)) for name in names]
    return np.array([[np.nan if value is None else float(value) for value in place] for place in told])


def _population(population: Any, names: list[str]) -> Floats | None:
    if population is None:
        return None
    if isinstance(population, pa.Table):
        if "area" not in population.column_names or "population" not in population.column_names:
            raise ValueError("population: the columns must be area and population")
        population = dict(zip(population["area"].to_pylist(), population["population"].to_pylist(), strict=True))
    if isinstance(population, Mapping):
        people = np.array([np.nan if population.get(name) is None else float(population[name]) for name in names])
    else:
        people = np.asarray(population, float)
    if people.shape != (len(names),):
        raise ValueError(f"population has the shape {people.shape}, but must be {(len(names),)}")
    if (people < 0).any():
        raise ValueError(f"{names[int(np.flatnonzero(people < 0)[0])]} has fewer than no people")
    return people


@dataclass(frozen=True)
class Study:
    """What is scanned.

    Attributes:
        counts: [areas, days].
        sums: counts in each window [areas, windows].
        starts, ends: first day and the day after the last of each window.
        weight: expected cases of each area over all days.
        part: share of the cases expected in each window.
        daily: share of the cases expected on each day.
        total: all cases.
        permuted: areas and days keep their totals.
    """

    counts: Ints
    sums: Ints
    starts: Ints
    ends: Ints
    weight: Floats
    part: Floats
    daily: Floats
    total: float
    permuted: bool


def _study(counts: Ints, people: Floats | None, longest: int | None, step: int, prospective: bool) -> Study | None:
    days = counts.shape[1]
    total = float(counts.sum())
    if total < 2:
        return None
    most = min(days // 2, 30) if longest is None else longest // step
    if not 1 <= most <= days:
        raise ValueError(f"the longest window is {longest} days, but the series has {days * step}")
    last = np.arange(days, days + 1) if prospective else np.arange(1, days + 1)
    pairs = [(end - length, end) for end in last for length in range(1, most + 1) if length <= end]
    if len(pairs) > _MOST_WINDOWS:
        raise ValueError(f"{len(pairs):,} windows of time are too many: a shorter longest window, or weekly counts")
    starts, ends = np.array(pairs).T
    upto = np.concatenate([np.zeros((len(counts), 1), np.int64), np.cumsum(counts, axis=1)], axis=1)
    daily = np.full(days, 1 / days) if people is not None else counts.sum(axis=0) / total
    share = np.concatenate([[0.0], np.cumsum(daily)])
    weight = counts.sum(axis=1).astype(float) if people is None else total * people / people.sum()
    sums = np.ascontiguousarray(upto[:, ends] - upto[:, starts])
    return Study(counts, sums, starts, ends, weight, share[ends] - share[starts], daily, total, people is None)


def _told(
    found: tuple[Floats, Ints, Ints],
    circles: Circles,
    study: Study,
    chance: Floats,
    names: list[str],
    places: Floats,
    last: date | None,
    step: int,
    most: int,
) -> list[dict[str, Any]]:
    """The strongest clusters of which none shares an area with a stronger one."""
    ratios, sizes, windows = found
    taken = np.zeros(len(names), bool)
    told: list[dict[str, Any]] = []
    for centre in np.argsort(-ratios, kind="stable"):
        if ratios[centre] <= 0 or len(told) == most:
            break
        members = circles.order[centre, : sizes[centre] + 1]
        if taken[members].any():
            continue
        taken[members] = True
        window = windows[centre]
        observed = float(study.sums[members, window].sum())
        expected = float(study.weight[members].sum() * study.part[window])
        outside = max(study.total - observed, 1e-9) / max(study.total - expected, 1e-9)
        p = (1 + int((chance >= ratios[centre] - 1e-9).sum())) / (len(chance) + 1)
        days = study.counts.shape[1]
        told.append(
            {
                "rank": len(told) + 1,
                "centre": names[centre],
                "areas": [names[member] for member in members],
                "lon": float(places[centre, 0]),
                "lat": float(places[centre, 1]),
                "radius": float(circles.distance[centre, sizes[centre]]),
                "first_day": _day(last, step, days - 1 - int(study.starts[window])),
                "last_day": _day(last, step, days - int(study.ends[window])),
                "first_step": int(study.starts[window]),
                "last_step": int(study.ends[window] - 1),
                "observed": observed,
                "expected": expected,
                "risk": observed / expected / outside,
                "llr": float(ratios[centre]),
                "p": p,
                "p_gumbel": _gumbel(chance, float(ratios[centre])),
                "recurrence": step / p,
            }
        )
    return told


def _day(last: date | None, step: int, before: int) -> date | None:
    return None if last is None else last - timedelta(days=step * before)


def _gumbel(chance: Floats, ratio: float) -> float:
    """The tail of a Gumbel distribution with the mean and spread of what chance gave (Abrams et al. 2010)."""
    scale = max(float(chance.std()), 1e-9) * np.sqrt(6) / np.pi
    place = float(chance.mean()) - 0.5772156649 * scale
    return float(-np.expm1(-np.exp(min(-(ratio - place) / scale, 700.0))))


def _clusters(told: list[dict[str, Any]], skipped: list[str]) -> pa.Table:
    return pa.Table.from_pylist(told, schema=_SCHEMA.with_metadata({"skipped": json.dumps(skipped, ensure_ascii=False)}))


_SCHEMA = pa.schema(
    {
        "rank": pa.int32(),
        "centre": pa.string(),
        "areas": pa.list_(pa.string()),
        "lon": pa.float64(),
        "lat": pa.float64(),
        "radius": pa.float64(),
        "first_day": pa.date32(),
        "last_day": pa.date32(),
        "first_step": pa.int32(),
        "last_step": pa.int32(),
        "observed": pa.float64(),
        "expected": pa.float64(),
        "risk": pa.float64(),
        "llr": pa.float64(),
        "p": pa.float64(),
        "p_gumbel": pa.float64(),
        "recurrence": pa.float64(),
    }
)

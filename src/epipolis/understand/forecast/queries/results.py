"""The figures of one round as plain values: quantiles, probabilities, reproduction numbers, beds."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any
from uuid import UUID

import numpy as np
from django.utils.translation import gettext as _

from epipolis.sense.city import queries as city
from epipolis.understand.forecast.models import Forecast, Passing, Reproduction, Round, Series
from epipolis.understand.forecast.queries.inputs import Known, from_bytes
from epipolis.understand.forecast.queries.rounds import content_of
from epipolis.understand.forecast.queries.targets import BEDS, CASES, CITY, ENSEMBLE, NOWCAST, OCCUPANCIES, WEEK

_SAME = 1e-6


@dataclass(frozen=True)
class Quantiles:
    """One forecast: its day, and values at the levels of its round, in the unit of its target."""

    day: date
    step: int
    horizon: int
    levels: tuple[float, ...]
    values: tuple[float | None, ...]
    marked: str = ""

    def at(self, level: float) -> float | None:
        """The value at a level; between two known levels on the line that joins them, beyond the outermost nothing."""
        for one, value in zip(self.levels, self.values, strict=False):
            if abs(one - level) < _SAME:
                return value
        pairs = [(one, value) for one, value in zip(self.levels, self.values, strict=False) if value is not None]
        if not pairs or not pairs[0][0] <= level <= pairs[-1][0]:
            return None
        levels, values = zip(*pairs, strict=True)
        return float(np.interp(level, levels, values))

    def over(self, limit: float) -> float | None:
        """The probability that more than `limit` comes; never 0 or 1, which no model knows."""
        pairs = [(value, level) for level, value in zip(self.levels, self.values, strict=False) if value is not None]
        if len(pairs) < 2:
            return None
        values, levels = zip(*pairs, strict=True)
        beyond = (levels[0] / 2, 1 - (1 - levels[-1]) / 2)
        # Of equal values the highest level counts: a limit that is only just reached is not passed.
        return round(1 - _level_of(limit, values, levels, beyond), 4)


def _level_of(limit: float, values: Sequence[float], levels: Sequence[float], beyond: tuple[float, float]) -> float:
    if limit < values[0]:
        return beyond[0]
    if limit >= values[-1]:
        return beyond[1]
    above = int(np.searchsorted(values, limit, side="right"))
    low, high = values[above - 1], values[above]
    share = (limit - low) / (high - low) if high > low else 1.0
    return float(levels[above - 1] + share * (levels[above] - levels[above - 1]))


def known_of(found: Round) -> Known | None:
    """The input of a round as it was."""
    return _known_of(found.id, found.known_at)


@lru_cache(maxsize=12)
def _known_of(round_id: UUID, known_at: Any) -> Known | None:
    found = Round.objects.filter(id=round_id).only("id").first()
    content = content_of(found) if found else None
    return from_bytes(content, known_at) if content else None


def area_names() -> dict[str, str]:
    """What areas are called; uploaded ones have no other name than their own."""
    return {CITY: _("whole city")} | dict(city.districts().values_list("code", "name"))


def quantiles_of(found: Round, rows: Sequence[Forecast]) -> list[Quantiles]:
    levels = tuple(found.levels)
    return [Quantiles(one.day, one.step, one.horizon, levels, tuple(one.values), one.marked) for one in rows]


def fan(found: Round, target: str, area: str, model: str = ENSEMBLE) -> list[Quantiles]:
    """One model's forecasts of a target in an area, the nearest first."""
    rows = Forecast.objects.filter(round=found, model=model, target=target, area=area).order_by("step", "horizon")
    return quantiles_of(found, list(rows))


def nowcast(found: Round, target: str, area: str) -> list[Quantiles]:
    """The latest days with what is still to be reported."""
    return fan(found, target, area, NOWCAST)


def fans_of(rounds: Sequence[Round], target: str, area: str, model: str) -> dict[UUID, list[Quantiles]]:
    """The same of several rounds at once."""
    by_id = {one.id: one for one in rounds}
    rows = Forecast.objects.filter(round__in=list(by_id), model=model, target=target, area=area).order_by("horizon")
    grouped: dict[UUID, list[Forecast]] = {}
    for row in rows:
        grouped.setdefault(row.round_id, []).append(row)
    return {key: quantiles_of(by_id[key], part) for key, part in grouped.items()}


def reproduction(found: Round, area: str, target: str = CASES) -> Reproduction | None:
    return Reproduction.objects.filter(round=found, target=target, area=area).first()


def reproductions(found: Round, target: str = CASES) -> list[tuple[str, Reproduction, dict[str, Any]]]:
    """Each area with its newest reproduction number."""
    rows = Reproduction.objects.filter(round=found, target=target).order_by("area")
    return [(row.area, row, row.table[-1]) for row in rows if row.table]


def targets_of(found: Round) -> list[str]:
    """The targets that a round holds, the most asked for first."""
    order = {name: place for place, name in enumerate((CASES, "onsets", "admissions", *OCCUPANCIES))}
    names = set(Forecast.objects.filter(round=found).values_list("target", flat=True).distinct())
    return sorted(names, key=lambda name: (order.get(name, len(order)), name))


def areas_of(found: Round, target: str) -> list[str]:
    """The areas of a target, the whole city first, then by name."""
    names = area_names()
    codes = set(Forecast.objects.filter(round=found, target=target).values_list("area", flat=True).distinct())
    return sorted(codes, key=lambda code: (code != CITY, names.get(code, code), code))


def first_weeks(found: Round, target: str = CASES, model: str = ENSEMBLE) -> dict[str, list[Quantiles]]:
    """Each area's forecast of the coming weeks."""
    rows = Forecast.objects.filter(round=found, target=target, model=model, step=WEEK).order_by("area", "horizon")
    grouped: dict[str, list[Forecast]] = {}
    for row in rows:
        grouped.setdefault(row.area, []).append(row)
    return {area: quantiles_of(found, part) for area, part in grouped.items()}


def beds(found: Round) -> list[dict[str, Any]]:
    """Each occupancy of each area: now, in one and two weeks, its limit and how likely it is passed."""
    known = known_of(found)
    passings = {(one.target, one.area): one for one in Passing.objects.filter(round=found)}
    names = area_names()
    grouped: dict[tuple[str, str], list[Quantiles]] = {}
    last = int(found.settings.get("bed_days", 2 * WEEK))
    shown = {1, min(WEEK, last), min(2 * WEEK, last)}
    rows = Forecast.objects.filter(round=found, model=BEDS, horizon__in=shown).order_by("target", "area", "horizon")
    for row in rows:
        grouped.setdefault((row.target, row.area), []).extend(quantiles_of(found, [row]))
    titles = dict(Series.objects.values_list("name", "title"))
    titles |= {name: str(one.title) for name, one in OCCUPANCIES.items()}
    found_rows = []
    for (target, area), days in grouped.items():
        passing = passings.get((target, area))
        found_rows.append(
            {
                "target": target,
                "title": titles.get(target, target),
                "area": area,
                "name": names.get(area, area),
                "now": known.truth(target, area, days[0].day.fromordinal(days[0].day.toordinal() - 1), 1) if known else None,
                "week": _day(days, WEEK),
                "fortnight": _day(days, 2 * WEEK),
                "passing": passing,
                "probability": passing.probabilities[-1] if passing and passing.probabilities else None,
                "likely_from": likely_from(passing),
                "marked": days[0].marked,
            }
        )
    order = {name: place for place, name in enumerate(OCCUPANCIES)}
    return sorted(
        found_rows,
        key=lambda row: (order.get(row["target"], len(order)), row["area"] != CITY, -(row["probability"] or 0), row["name"]),
    )


def likely_from(passing: Passing | None) -> date | None:
    """The first day by which the limit is more likely passed than not."""
    if passing is None:
        return None
    for after, chance in enumerate(passing.probabilities):
        if chance > 0.5:
            return passing.first_day.fromordinal(passing.first_day.toordinal() + after)
    return None


def _day(days: Sequence[Quantiles], horizon: int) -> Quantiles | None:
    return next((one for one in days if one.horizon == horizon), days[-1] if days else None)

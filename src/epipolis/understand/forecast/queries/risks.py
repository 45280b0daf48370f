"""How likely an incidence limit is passed in each area, and which limit is worth a map."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import floor, log10
from statistics import median
from typing import Any

from epipolis.understand.forecast.models import Round
from epipolis.understand.forecast.queries.inputs import Known
from epipolis.understand.forecast.queries.results import Quantiles, area_names, first_weeks, known_of
from epipolis.understand.forecast.queries.targets import CASES, CITY, WEEK

_CERTAIN, _NEARLY_ALL = 0.95, 0.8
Weeks = Mapping[str, Sequence[Quantiles]]


@dataclass(frozen=True)
class Risks:
    """The areas with their probability, the likeliest first, behind the whole city.

    `limit`: cases of seven days per 100,000 people. `of_rules`: that of the rules in force at the round. `is_level`: the
    rules' limit is as good as passed nearly everywhere, so `limit` is what the middle area had in the last seven days.
    """

    limit: float | None
    of_rules: float | None
    is_level: bool
    rows: list[dict[str, Any]]


def risks(found: Round, incidence: float | None = None) -> Risks:
    """For each area, how likely cases of seven days pass the limit in one of the next two weeks: the likelier of the two, so
    at least so likely. None where nobody counted the people. `incidence`: another limit than the one that shows most."""
    of_rules = float(found.settings.get("incidence_limit") or 0) or None
    known = known_of(found)
    if known is None:
        return Risks(incidence or of_rules, of_rules, False, [])
    weeks, limit = first_weeks(found), incidence or of_rules
    rows = _rows(known, weeks, limit)
    level = None if incidence else _level(rows)
    if level is not None and of_rules is not None and level > of_rules:
        return Risks(level, of_rules, True, _rows(known, weeks, level))
    return Risks(limit, of_rules, False, rows)


def _rows(known: Known, weeks: Weeks, incidence: float | None) -> list[dict[str, Any]]:
    names = area_names()
    rows = []
    for area, ahead in weeks.items():
        people = known.people.get(area)
        limit = people * incidence / 100_000 if people and incidence else None
        chances = [one.over(limit) for one in ahead[:2]] if limit is not None else []
        told = [chance for chance in chances if chance is not None]
        week = known.truth(CASES, area, known.last_day, WEEK)
        rows.append(
            {
                "area": area,
                "name": names.get(area, area),
                "probability": max(told) if told else None,
                "incidence": round(100_000 * week / people, 1) if people and week is not None else None,
                "cases": week,
                "next": ahead[0] if ahead else None,
                "marked": ahead[0].marked if ahead else "",
            }
        )
    return sorted(rows, key=lambda row: (row["area"] != CITY, -(row["probability"] or 0), row["name"]))


def _level(rows: Sequence[Mapping[str, Any]]) -> float | None:
    """The incidence of the middle area in two digits, where nearly all are as good as certain to pass the limit."""
    told = [row for row in rows if row["area"] != CITY and row["probability"] is not None and row["incidence"] is not None]
    if not told or sum(row["probability"] >= _CERTAIN for row in told) < _NEARLY_ALL * len(told):
        return None
    middle = median(row["incidence"] for row in told)
    if middle <= 0:
        return None
    return float(round(middle, 1 - floor(log10(middle))))

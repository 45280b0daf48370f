"""The tables of a comparison, for files and programs: English column names, plain values."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from epipolis.understand.scenarios.models import Run, Scenario
from epipolis.understand.scenarios.queries import figures
from epipolis.understand.scenarios.queries.figures import Shown
from epipolis.understand.scenarios.queries.results import table_of

COLUMNS = {
    "curves": ("scenario", "day", "date", "what", "low", "median", "high"),
    "totals": ("scenario", "what", "low", "median", "high", "change", "change_low", "change_high"),
    "equity": ("scenario", "dimension", "group", "people", "infections", "severe", "deaths"),
    "costs": ("scenario", "measure", "unit", "amount", "low", "cost", "high"),
    "settings": ("scenario", "setting", "share"),
}
EXPORTED = (
    "scenario", "version", "author", "made", "disease", "city", "people", "start", "days", "seeds", "measures", "engine",
    "digest", "finished", "infections_low", "infections", "infections_high", "deaths", "peak_in_icu", "cost", "simulated",
)  # fmt: skip


def rows(name: str, shown: Sequence[Shown]) -> list[dict[str, Any]]:
    """One table of a comparison.

    Raises:
        KeyError: there is no table of this name.
    """
    makers = {"curves": _curves, "totals": _totals, "equity": _equity, "costs": _costs, "settings": _settings}
    return [{"scenario": one.name, **row} for one in shown for row in makers[name](one, shown[0])]


def _curves(one: Shown, first: Shown) -> Iterator[dict[str, Any]]:
    dates = figures.days_of(one)
    for what in figures.CURVES:
        low, middle, high = figures.daily(one, what).round(2).tolist()
        for day, when in enumerate(dates):
            yield {"day": day, "date": when, "what": what, "low": low[day], "median": middle[day], "high": high[day]}


def _totals(one: Shown, first: Shown) -> Iterator[dict[str, Any]]:
    for what in figures.TOTALS:
        low, middle, high = (round(value, 4) for value in figures.total(one, what))
        changed = figures.change(one, first, what) or (None, None, None)
        change_low, change, change_high = (None if value is None else round(value, 4) for value in changed)
        yield {
            "what": what, "low": low, "median": middle, "high": high,
            "change": change, "change_low": change_low, "change_high": change_high,
        }  # fmt: skip


def _equity(one: Shown, first: Shown) -> Iterator[dict[str, Any]]:
    for row in figures.age_rows(one):
        yield {"dimension": "age", **row, "group": str(row["group"])}
    for row in figures.area_rows(one):
        yield {"dimension": "area", **row, "severe": None}


def _costs(one: Shown, first: Shown) -> Iterator[dict[str, Any]]:
    yield from figures.cost_rows(one)


def _settings(one: Shown, first: Shown) -> Iterator[dict[str, Any]]:
    yield from figures.setting_rows(one)


def day_values(one: Shown) -> dict[str, Any]:
    """For the map: the areas, and for each day infections of seven days per 100,000 of each area's people."""
    areas = table_of(one.run, "areas").to_pylist()
    at = {area["code"]: number for number, area in enumerate(areas)}
    days = one.content["days"]
    infected = [[0.0] * len(areas) for _day in range(days)]
    by_area = table_of(one.run, "by_area")
    for day, code, count in zip(*(by_area.column(c).to_pylist() for c in ("day", "neighbourhood", "infections")), strict=True):
        if code in at and 0 <= day < days:
            infected[day][at[code]] += count
    week, found = [0.0] * len(areas), []
    for day in range(days):
        left = infected[day - 7] if day >= 7 else [0.0] * len(areas)
        week = [w + new - gone for w, new, gone in zip(week, infected[day], left, strict=True)]
        found.append([round(100_000 * w / a["people"]) if a["people"] else None for w, a in zip(week, areas, strict=True)])
    return {"areas": areas, "days": found, "start": one.content["start"], "name": one.name}


def all_rows(at: datetime) -> Iterator[dict[str, Any]]:
    """Every finished run of a scenario that was shared, one row each."""
    found = Run.objects.filter(state=Run.State.DONE, version__scenario__shared__isnull=False)
    for run in found.select_related("version__scenario__author").order_by("finished", "id").iterator():
        scenario: Scenario = run.version.scenario
        content = run.version.content
        one = Shown(scenario.name, run.version, run)
        low, middle, high = figures.total(one, "infections")
        yield {
            "scenario": scenario.name,
            "version": run.version.number,
            "author": scenario.author.username if scenario.author else "",
            "made": run.version.made,
            "disease": content["disease"],
            "city": content["city"]["kind"],
            "people": run.people,
            **{part: content[part] for part in ("start", "days", "seeds")},
            "measures": " + ".join(entry["kind"] for entry in content["measures"]),
            "engine": run.engine,
            "digest": run.digest,
            "finished": run.finished,
            "infections_low": low,
            "infections": middle,
            "infections_high": high,
            **{part: figures.total(one, part)[1] for part in ("deaths", "peak_in_icu", "cost")},
            "simulated": True,
        }

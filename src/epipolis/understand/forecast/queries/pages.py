"""What each page shows, put together from figures, charts and sentences."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils.text import capfirst

from epipolis.core import clock
from epipolis.understand.forecast.models import COPIES, Round
from epipolis.understand.forecast.queries import charts, records, results, words
from epipolis.understand.forecast.queries.records import Record
from epipolis.understand.forecast.queries.results import Quantiles
from epipolis.understand.forecast.queries.risks import Risks
from epipolis.understand.forecast.queries.rounds import earlier_rounds, latest_round
from epipolis.understand.forecast.queries.targets import (
    BASELINE,
    BEDS,
    CASES,
    CITY,
    ENSEMBLE,
    LINE_LIST,
    WEEK,
    Target,
    model_title,
    target,
)
from epipolis.understand.forecast.settings import settings

_LISTED = 100
"""Areas of one occupancy on a page; the files hold all."""


@dataclass(frozen=True)
class Looked:
    """What somebody wants to see: a round, one of its targets and areas."""

    round: Round
    target: Target
    area: str
    area_name: str
    targets: list[Target]
    areas: list[tuple[str, str]]


def looked_at(found: Round, wanted_target: str = "", wanted_area: str = "") -> Looked:
    """The target and area that were asked for; the first ones where there are none of these names."""
    names = [name for name in results.targets_of(found) if name in LINE_LIST or not target(name).is_occupancy]
    chosen = wanted_target if wanted_target in names else next(iter(names), CASES)
    areas = results.areas_of(found, chosen)
    area = wanted_area if wanted_area in areas else next(iter(areas), CITY)
    called = results.area_names()
    return Looked(
        found,
        target(chosen),
        area,
        called.get(area, area),
        [target(name) for name in names],
        [(code, called.get(code, code)) for code in areas],
    )


def overview(looked: Looked, *, newest: Round) -> dict[str, Any]:
    """The page of a round: sentences, figures, the fan with its past, Rt, the record."""
    found, area, name = looked.round, looked.area, looked.target.name
    known, truth = results.known_of(found), results.known_of(newest)
    weeks = results.fan(found, name, area)
    latest = results.nowcast(found, name, area)
    row = results.reproduction(found, area)
    until = newest.made_on - timedelta(days=1)
    month = records.scores(name, area=area, since=until - timedelta(days=records.MONTH), until=until)
    ever = records.scores(name, area=area, until=until)
    context: dict[str, Any] = {"looked": looked, "round": found, "rt": row, "weeks": [_week(one, looked) for one in weeks]}
    if known is None or truth is None:
        return context
    is_weekly = known.is_weekly(name)
    found_records = records.records(month, teams=_teams())
    before = earlier_rounds(found)
    fans = results.fans_of(before, name, area, ENSEMBLE)
    context |= {
        "chart": charts.fan_chart(
            looked.target, area, now=found, known=known, truth=truth, weeks=weeks, latest=latest,
            earlier=[(one, fans[one.id]) for one in before if one.id in fans],
        ),
        "rt_chart": charts.rt_chart(row) if row and len(row.table) > 1 else None,
        "rt_now": row.table[-1] if row and row.table else None,
        "trend": words.trend(row.table[-1] if row and row.table else None),
        "sentences": _sentences(looked, row, weeks, ever, found_records, is_weekly=is_weekly),
        "records": found_records,
        "record_days": records.MONTH,
        "ahead": _ahead(looked, weeks, is_weekly=is_weekly),
        "is_weekly": is_weekly,
        "has_past": bool(before),
        "problems": [one for one in found.gaps if one["target"] == name],
        "copies": _copies(found, name),
    }  # fmt: skip
    return context


def _sentences(
    looked: Looked, row: Any, weeks: list[Quantiles], ever: Sequence[Any], month: list[Record], *, is_weekly: bool
) -> list[str]:
    found = [words.rt_sentence(row), words.doubling_sentence(row)] if looked.target.name in LINE_LIST else []
    found.append(words.ahead_sentence(looked.target, weeks, is_weekly=is_weekly))
    found.append(words.weakness(weeks[0].marked if weeks else ""))
    found.append(words.record_sentence(*records.hits(ever)))
    together = next((one for one in month if one.model == ENSEMBLE), None)
    found.append(words.skill_sentence(together.relative, together.count) if together else "")
    known = results.known_of(looked.round)
    recent = known.truth(looked.target.name, looked.area, known.last_day, 4 * WEEK) if known else None
    if looked.target.name in LINE_LIST:
        found.append(words.few_sentence(recent, settings.fewest_cases))
    found.append(words.made_sentence(looked.round.is_later))
    return [text for text in found if text]


def _ahead(looked: Looked, weeks: list[Quantiles], *, is_weekly: bool) -> dict[str, Any]:
    """The figures at the top: the next week and the one after."""
    return {f"week_{number}": _week(one, looked) for number, one in enumerate(weeks[:2], start=1)}


def _week(one: Quantiles, looked: Looked) -> dict[str, Any]:
    values = {name: one.at(level) for name, level in _SHOWN.items()}
    return {"day": one.day, "horizon": one.horizon + 1, "marked": one.marked} | {
        name: words.number(value, 0 if (value or 0) >= 10 else 1) for name, value in values.items()
    }


_SHOWN = {"low": 0.025, "quarter": 0.25, "median": 0.5, "three_quarters": 0.75, "high": 0.975}


def area_rows(found: Round, passes: Risks) -> list[dict[str, Any]]:
    """Every area with its Rt and what is to come, the city first."""
    weeks = results.first_weeks(found)
    risk = {row["area"]: row for row in passes.rows}
    names = results.area_names()
    rows = []
    for area, row, newest in results.reproductions(found):
        ahead = weeks.get(area, [])
        rows.append(
            {
                "area": area,
                "name": names.get(area, area),
                "rt": newest,
                "trend": words.trend(newest),
                "is_pooled": row.is_pooled,
                "marked": newest.get("marked"),
                "next": {name: words.number(ahead[0].at(level)) for name, level in _SHOWN.items()} if ahead else None,
                "probability": words.percent(risk.get(area, {}).get("probability")),
                "week": risk.get(area, {}).get("cases"),
            }
        )
    return sorted(rows, key=lambda row: (row["area"] != CITY, row["name"]))


def beds_page(found: Round, wanted: str = "") -> dict[str, Any]:
    """Occupancies with their limits, and one of them drawn."""
    rows = results.beds(found)
    known = results.known_of(found)
    shown = next((row for row in rows if f"{row['target']}:{row['area']}" == wanted), rows[0] if rows else None)
    listed, left_out = _most(rows)
    context: dict[str, Any] = {"round": found, "rows": [_bed_row(row) for row in listed], "left_out": left_out, "shown": shown}
    if shown and known:
        context["shown_key"] = f"{shown['target']}:{shown['area']}"
        limit = shown["passing"].limit if shown["passing"] else None
        fan = results.fan(found, shown["target"], shown["area"], BEDS)
        until = found.made_on
        scored = records.scores(shown["target"], area=shown["area"], until=until, step=1)
        context["chart"] = charts.beds_chart(shown["target"], shown["area"], known, fan, limit)
        context["sentence"] = words.bed_sentence(shown)
        context["weakness"] = words.weakness(shown["marked"])
        context["record"] = words.beds_record_sentence(*records.beds_hits(scored))
        context["is_derived"] = known.is_derived(shown["target"])
    return context


def _most(rows: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], int]:
    """The rows that matter most of each kind of occupancy, and how many others there are."""
    counts: dict[str, int] = {}
    kept = []
    for row in rows:
        counts[row["target"]] = counts.get(row["target"], 0) + 1
        if counts[row["target"]] <= _LISTED:
            kept.append(row)
    return kept, len(rows) - len(kept)


def _bed_row(row: dict[str, Any]) -> dict[str, Any]:
    def range_of(one: Quantiles | None) -> str:
        return f"{words.number(one.at(0.025))}–{words.number(one.at(0.975))}" if one else "–"

    return row | {
        "key": f"{row['target']}:{row['area']}",
        "week_median": words.number(row["week"].at(0.5)) if row["week"] else "–",
        "week_range": range_of(row["week"]),
        "fortnight_median": words.number(row["fortnight"].at(0.5)) if row["fortnight"] else "–",
        "fortnight_range": range_of(row["fortnight"]),
        "chance": words.percent(row["probability"]),
        "weakness": words.weakness(row["marked"]),
    }


def models_page(name: str, area: str, at: datetime, *, days: int) -> dict[str, Any]:
    """How every model did, other teams' too, over some time: in all, and by how far ahead."""
    until = clock.local_day(at) - timedelta(days=1)
    rows = records.scores(name, area=area, since=until - timedelta(days=days), until=until)
    teams = _teams()
    by_horizon: dict[int, list[Record]] = {}
    for one in records.records(rows, teams=teams, by_horizon=True):
        by_horizon.setdefault((one.horizon or 0) + 1, []).append(one)
    horizons = sorted(by_horizon)
    found = records.records(rows, teams=teams)
    cells = {(one.model, horizon): one for horizon, part in by_horizon.items() for one in part}
    return {
        "records": found,
        "horizons": horizons,
        "table": [(one, [cells.get((one.model, horizon)) for horizon in horizons]) for one in found],
        "baseline": BASELINE,
        "count": len(rows),
    }


def score_summary(name: str, area: str, at: datetime, *, days: int) -> list[Record]:
    """The record of every model over the last days: first in all, then by horizon."""
    until = clock.local_day(at) - timedelta(days=1)
    rows = records.scores(name, area=area, since=until - timedelta(days=days), until=until)
    return records.records(rows, teams=_teams()) + records.records(rows, teams=_teams(), by_horizon=True)


def rt_tile(at: datetime) -> dict[str, Any]:
    """The reproduction number on the dashboard."""
    found = latest_round(at)
    row = results.reproduction(found, CITY) if found else None
    newest = row.table[-1] if row and row.table else None
    if found is None or newest is None or newest.get("median") is None:
        return {"value": None, "note": words.rt_sentence(None)}
    note = f"{words.number(newest['low'], 2)}–{words.number(newest['high'], 2)} (95 %): {words.trend(newest)}"
    return {"value": words.number(newest["median"], 2), "note": note, "as_of": found.known_at}


def ahead_tile(at: datetime) -> dict[str, Any]:
    """The forecast of the next week on the dashboard, with how often such forecasts held."""
    found = latest_round(at)
    looked = looked_at(found, CASES, CITY) if found else None
    weeks = results.fan(looked.round, CASES, CITY) if looked else []
    if found is None or looked is None or not weeks:
        return {"value": None, "note": words.ahead_sentence(target(CASES), [], is_weekly=False)}
    first = _week(weeks[0], looked)
    held = words.record_sentence(*records.hits(records.scores(CASES, area=CITY, until=found.made_on)))
    return {"value": f"{first['low']}–{first['high']}", "note": held, "as_of": found.known_at}


def beds_tile(at: datetime) -> dict[str, Any]:
    """The city's occupied beds in two weeks on the dashboard, with the limit that is likeliest passed until then."""
    found = latest_round(at)
    rows = results.beds(found) if found else []
    if found is None or not rows:
        return {"value": None, "note": words.no_beds_sentence()}
    shown = next((row for row in rows if row["area"] == CITY), rows[0])
    told = [row for row in rows if row["area"] == CITY or (row["passing"] and not row["passing"].is_assumed)]
    tightest = max(told or rows, key=lambda row: (row["probability"] or 0, row is shown))
    return {
        "value": _bed_row(shown)["fortnight_range"],
        "note": capfirst(words.bed_sentence(tightest)),
        "as_of": found.known_at,
    }


def _copies(found: Round, name: str) -> str:
    """The models that had too little to learn from, by their titles."""
    copies = (one["why"] for one in found.problems if one["target"] == name and one["part"] == COPIES)
    return ", ".join(model_title(model) for part in copies for model in part.split(", "))


def _teams() -> set[str]:
    return set(Round.objects.exclude(team="").values_list("team", flat=True))

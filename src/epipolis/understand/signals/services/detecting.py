"""What stands out of what was known: computed without a word to the database, so that a look is kept whole or not at all."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from django.utils.translation import gettext_noop

from epipolis.engines import epidemic
from epipolis.understand.forecast.queries import CASES, CITY, Known
from epipolis.understand.signals import queries
from epipolis.understand.signals.queries import LevelRule, Problem, SpotRule, Wanted, Watch, problem
from epipolis.understand.signals.settings import settings

_log = logging.getLogger(__name__)
Course = list[list[Any]]


@dataclass(frozen=True)
class Row:
    """One judged day of one place; `course`: the days until then, only of alarms."""

    series: str
    area: str
    day: date
    method: str
    step: int
    value: float
    expected: float | None
    upper: float | None
    is_alarm: bool
    rate: float | None
    rule: str
    course: Course = field(default_factory=list)
    detail: dict[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str, date, str]:
        return self.series, self.area, self.day, self.method


@dataclass(frozen=True)
class Spot:
    """One hot spot as the scan tells it."""

    series: str
    rule: str
    rate: float
    centre: str
    facts: dict[str, Any]  # of the model HotSpot
    course: Course


@dataclass
class Found:
    """Everything that one look found. `watched`: (series, method, day) → (places, stated false alarms)."""

    rows: list[Row] = field(default_factory=list)
    spots: list[Spot] = field(default_factory=list)
    scanned: tuple[str, date] | None = None
    watched: dict[tuple[str, str, date], tuple[int, float]] = field(default_factory=dict)
    judged: dict[str, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)


def look_at(known: Known, wanted: Wanted, progress: Callable[[int, int, str], None]) -> Found:
    """Judge the latest days of everything that is watched. What fails is told and keeps nothing else from being judged."""
    found = Found(problems=list(wanted.problems))
    if known.is_empty:
        found.problems.append(problem("", gettext_noop("Nothing was known at that moment: there are no cases and no series.")))
        return found
    steps: list[tuple[str, Callable[[], None]]] = [(w.series, lambda w=w: _watch(known, w, found)) for w in wanted.watches]  # type: ignore[misc]  # -- a default binds the loop's value
    if wanted.levels:
        rule = wanted.levels
        steps.append((CASES, lambda: _levels(known, rule, found)))
    if wanted.spots:
        spots = wanted.spots
        steps.append((spots.series, lambda: _scan(known, spots, found)))
    for done, (part, step) in enumerate(steps):
        progress(done, len(steps), part)
        _guarded(part, step, found)
    progress(len(steps), len(steps), "")
    return found


def _guarded(part: str, step: Callable[[], None], found: Found) -> None:
    try:
        step()
    except ValueError as error:
        found.problems.append(problem(part, gettext_noop("Not judged: %(why)s"), why=str(error)[:300]))
    except Exception as error:  # one series' mistake must not silence all others
        _log.exception("watching %s", part)
        found.problems.append(problem(part, gettext_noop("Not judged: %(why)s"), why=type(error).__name__))


def _watch(known: Known, watch: Watch, found: Found) -> None:
    table = queries.series_table(known, watch.series)
    if not table.num_rows:
        return
    is_weekly = known.is_weekly(watch.series)
    step = 7 if is_weekly else 1
    last = max(table["day"].to_pylist())
    if (known.last_day - last).days > settings.stale_days * (2 if is_weekly else 1):
        text = gettext_noop("No value is newer than %(day)s.")
        found.problems.append(problem(watch.series, text, day=last.isoformat()))
        return
    rows = _detected(table, watch, last, step, found)
    judged_from = last - timedelta(days=settings.judge_weeks * 7 if is_weekly else settings.judge_days)
    _keep_rows(rows, watch, judged_from, step, found)


def _detected(table: pa.Table, watch: Watch, last: date, step: int, found: Found) -> list[dict[str, Any]]:
    """All places at once; where that fails, place by place, so that a bad one is told by its name."""
    since = max(min(table["day"].to_pylist()), last - timedelta(days=settings.shown_days * (3 if step == 7 else 1)))
    options: dict[str, Any] = {
        "method": watch.method,
        "false_alarms_per_year": watch.rate,
        "together": watch.together,
        "fewest": watch.fewest,
    }
    if since >= last:
        return []
    try:
        return epidemic.detect(table, since=since, step=step, **options).to_pylist()
    except ValueError:
        rows: list[dict[str, Any]] = []
        areas = sorted(set(table["area"].to_pylist()))
        if watch.together == "all":  # each place alone gets its share of the rate of all
            options |= {"false_alarms_per_year": watch.rate / len(areas), "together": "series"}
        for area in areas:
            try:
                one = table.filter(pc.equal(table["area"], area))
                rows += epidemic.detect(one, since=since, step=step, **options).to_pylist()
            except ValueError as error:
                text = gettext_noop("Not judged in %(area)s: %(why)s")
                found.problems.append(problem(watch.series, text, area=area, why=str(error)[:300]))
        return rows


def _keep_rows(rows: list[dict[str, Any]], watch: Watch, judged_from: date, step: int, found: Found) -> None:
    places: dict[date, int] = {}
    by_area: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_area.setdefault(row["area"], []).append(row)
    for area, days in by_area.items():
        days.sort(key=lambda row: row["day"])
        for n, row in enumerate(days):
            if row["day"] <= judged_from or row["value"] is None or row["score"] is None:
                continue
            places[row["day"]] = places.get(row["day"], 0) + 1
            found.rows.append(
                Row(
                    watch.series, area, row["day"], watch.method, step, row["value"], row["expected"], _upper(row),
                    bool(row["is_alarm"]), watch.rate, watch.rule,
                    course=_course(days[: n + 1]) if row["is_alarm"] else [],
                    detail={name: row[name] for name in ("marked",) if row.get(name)} | _shared(watch),
                )
            )  # fmt: skip
    for day, count in places.items():
        found.watched[watch.series, watch.method, day] = count, watch.stated(count, step)
    found.judged[watch.series] = max([found.judged.get(watch.series, 0), *places.values()], default=0)


def _shared(watch: Watch) -> dict[str, Any]:
    return {"together": True} if watch.together == "all" else {}


def _course(days: list[dict[str, Any]]) -> Course:
    return [[row["day"].isoformat(), _short(row["value"]), _short(row["expected"]), _short(_upper(row))] for row in days]


def _upper(row: dict[str, Any]) -> float | None:
    """The bound as people read it: an alarm lies above it, anything else does not. The engine's is smooth, counts are whole."""
    upper, value = row["upper"], row["value"]
    if upper is None or value is None:
        return None if upper is None else float(upper)
    if row["is_alarm"]:
        return float(min(upper, value - 1 if value == int(value) else value))
    return float(upper if row["score"] is None else max(upper, value))


def _short(value: float | None) -> float | None:
    return None if value is None else round(float(value), 2)


def _levels(known: Known, rule: LevelRule, found: Found) -> None:
    """Days on which the incidence rose to a limit that it had not reached in the week before, by enough cases."""
    daily = known.daily(CASES)
    if daily and not known.people:
        text = gettext_noop("No people are counted in the city, so no incidence can be watched.")
        found.problems.append(problem(CASES, text))
    for area, (first, _values) in daily.items():
        people = known.people.get(area)
        if not people:
            continue
        values = queries.values_of(known, CASES, [area])
        days = [known.last_day - timedelta(days=back) for back in range(settings.shown_days, -1, -1)]
        counts = {day: sum(values.get(day - timedelta(days=n), 0.0) for n in range(rule.window_days)) for day in days}
        weekly = {day: count * 7 / rule.window_days / people * 100_000 for day, count in counts.items()}
        passed = {day: {one for one in rule.levels if one <= weekly[day] and counts[day] >= rule.fewest} for day in days}
        for day in days[-settings.judge_days :]:
            before = set().union(*(passed.get(day - timedelta(days=n), set()) for n in range(1, 8)))
            reached = passed[day] - before
            upper = max(reached, default=None)
            course = [[d.isoformat(), _short(weekly[d]), None, upper] for d in days if first <= d <= day] if reached else []
            detail = {"window_days": rule.window_days, "cases": counts[day]}
            found.rows.append(
                Row(CASES, area, day, "level", 1, weekly[day], None, upper, bool(reached), None, rule.rule, course, detail)
            )


def _scan(known: Known, rule: SpotRule, found: Found) -> None:
    since = known.last_day - timedelta(days=rule.history_days - 1)
    table = queries.series_table(known, rule.series, since=since, city_too=False)
    if not table.num_rows:
        return
    days = (max(table["day"].to_pylist()) - min(table["day"].to_pylist())).days + 1
    step = 7 if known.is_weekly(rule.series) else 1
    longest = min(rule.longest_days, days // 2)
    if longest < step or days < 14:
        return  # too little past to tell a hot spot from the beginning of the counts
    centres = queries.centres()
    names = sorted(set(table["area"].to_pylist()))
    if not any(name in centres for name in names):
        found.problems.append(problem(rule.series, gettext_noop("Hot spots need the borders of districts; none are loaded.")))
        return
    clusters = epidemic.scan(
        table, _coordinates(names, centres), longest=longest, share=rule.share, draws=settings.draws, seed=settings.seed
    )
    found.skipped = [name for name in names if name not in centres and name != CITY]
    last = max(table["day"].to_pylist())
    found.scanned = rule.series, last
    usable = len(names) - len(found.skipped)
    found.watched[rule.series, "scan", last] = usable, 1 / rule.recurrence_days
    for one in clusters.to_pylist():
        is_more = one["observed"] >= rule.fewest and one["observed"] > one["expected"]
        if is_more and one["recurrence"] >= rule.recurrence_days:
            found.spots.append(_spot(known, rule, one))


def _coordinates(names: list[str], centres: dict[str, tuple[float, float]]) -> pa.Table:
    nowhere = (None, None)
    return pa.table(
        {
            "area": pa.array(names, pa.string()),
            "lon": pa.array([centres.get(name, nowhere)[0] for name in names], pa.float64()),
            "lat": pa.array([centres.get(name, nowhere)[1] for name in names], pa.float64()),
        }
    )


def _spot(known: Known, rule: SpotRule, one: dict[str, Any]) -> Spot:
    names = {"radius": "radius_km", "recurrence": "recurrence_days"}
    wanted = ("areas", "lon", "lat", "radius", "first_day", "last_day", "observed", "expected", "risk", "p", "recurrence")
    facts = {names.get(name, name): one[name] for name in wanted}
    values = queries.values_of(known, rule.series, one["areas"])
    days = [one["last_day"] - timedelta(days=back) for back in range(settings.shown_days, -1, -1)]
    course = [[day.isoformat(), _short(values[day]), None, None] for day in days if day in values]
    return Spot(rule.series, rule.rule, 365.25 / rule.recurrence_days, one["centre"], facts, course)

"""The picture: every count of the situation page from one pass over what was believed at a moment."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.db import connection

from epipolis.core import clock
from epipolis.sense.cases import queries as cases
from epipolis.sense.city import queries as city
from epipolis.understand.situation.settings import settings

AGE_BANDS = ((0, 9), (10, 19), (20, 29), (30, 39), (40, 49), (50, 59), (60, 69), (70, 79), (80, None))

_COUNTS = """
WITH facts AS (
    SELECT f.onset, f.sampled, f.district_id, f.classification, f.outcome, f.ended,
           coalesce(f.reported, f.confirmed, f.sampled, f.onset, (f.known_at AT TIME ZONE %(zone)s)::date) AS day,
           CASE WHEN f.age_from IS NULL THEN -1 WHEN f.age_from >= 80 THEN 80 ELSE f.age_from / 10 * 10 END AS age,
           f.sex, f.classification = 'confirmed' AS counted
    FROM ({facts}) AS f
)
SELECT grouping(onset, sampled, day, age, district_id, classification) AS grouped,
       onset, sampled, day, age, sex, district_id, classification,
       count(*) FILTER (WHERE counted) AS cases,
       count(*) FILTER (WHERE counted AND day > %(today)s - 7) AS week,
       count(*) FILTER (WHERE counted AND day > %(today)s - 14 AND day <= %(today)s - 7) AS week_before,
       count(*) FILTER (WHERE counted AND day = %(today)s) AS today,
       count(*) FILTER (WHERE counted AND outcome = 'died') AS died,
       count(*) FILTER (WHERE counted AND outcome NOT IN ('died', 'recovered') AND (ended IS NULL OR ended > %(today)s)
                        AND day > %(today)s - %(active_days)s) AS active,
       count(*) AS everything
FROM facts
WHERE day <= %(today)s
GROUP BY GROUPING SETS ((onset), (sampled), (day), (age, sex), (district_id), (classification), ())
"""
_KEEP = 32
_kept: dict[tuple[datetime | None, date, tuple[int, int, int]], "Picture"] = {}
_ONSET, _SAMPLED, _DAY, _AGE, _DISTRICT, _CLASS, _ALL = 31, 47, 55, 59, 61, 62, 63  # bit is 0 where a column groups


@dataclass(frozen=True)
class Area:
    """One district's figures; `people` is None where nobody counted them."""

    district: int
    name: str
    people: int | None
    cases: int
    week: int
    week_before: int
    active: int

    @property
    def incidence(self) -> float | None:
        """Cases of seven days per 100,000 people."""
        return 100_000 * self.week / self.people if self.people else None


@dataclass(frozen=True)
class Picture:
    """The epidemic as believed at a moment. Counts are of confirmed cases by the day they were reported."""

    at: datetime
    today: date
    total: int = 0
    new: int = 0
    week: int = 0
    week_before: int = 0
    active: int = 0
    died: int = 0
    people: int | None = None
    without_district: int = 0
    by_class: dict[str, int] = field(default_factory=dict)
    onset: dict[date, int] = field(default_factory=dict)
    sampled: dict[date, int] = field(default_factory=dict)
    reported: dict[date, int] = field(default_factory=dict)
    ages: dict[tuple[int, str], int] = field(default_factory=dict)
    areas: tuple[Area, ...] = ()

    @property
    def incidence(self) -> float | None:
        """Cases of seven days per 100,000 people; None where the population is not known."""
        return 100_000 * self.week / self.people if self.people else None

    @property
    def week_change(self) -> float | None:
        """By what share the seven days differ from the seven before; None when there were none."""
        return self.week / self.week_before - 1 if self.week_before else None


def picture(at: datetime | None, *, now: datetime) -> Picture:
    """The picture as known at a moment, or now (None); kept in memory until a belief changes or the day ends."""
    key = (at, clock.local_day(at or now), facts_version())
    if key not in _kept:
        while len(_kept) >= _KEEP:
            _kept.pop(next(iter(_kept)), None)
        _kept[key] = _look(at or now)
    return _kept[key]


def facts_version() -> tuple[int, int, int]:
    """Changes whenever any belief about any case, or the city's areas or people, changes."""
    return cases.latest_change(), city.districts().count(), city.total_population()


def known_days() -> tuple[date, date]:
    """The first and the last day for which the picture can be shown as it was known."""
    first = cases.first_known()
    return clock.local_day(first) if first else clock.today(), clock.today()


def _look(at: datetime) -> Picture:
    rows = _counts(at)
    today = clock.local_day(at)
    whole: dict[str, Any] = next((r for r in rows if r["grouped"] == _ALL), {})
    people = city.population()
    return Picture(
        at=at,
        today=today,
        total=whole.get("cases", 0),
        new=whole.get("today", 0),
        week=whole.get("week", 0),
        week_before=whole.get("week_before", 0),
        active=whole.get("active", 0),
        died=whole.get("died", 0),
        people=sum(people.values()) or None,
        without_district=sum(r["cases"] for r in rows if r["grouped"] == _DISTRICT and r["district_id"] is None),
        by_class={r["classification"]: r["everything"] for r in rows if r["grouped"] == _CLASS},
        onset=_series(rows, _ONSET, "onset"),
        sampled=_series(rows, _SAMPLED, "sampled"),
        reported=_series(rows, _DAY, "day"),
        ages={(r["age"], r["sex"]): r["cases"] for r in rows if r["grouped"] == _AGE and r["cases"]},
        areas=_areas(rows, people),
    )


def _counts(at: datetime) -> list[dict[str, Any]]:
    columns = ("onset", "sampled", "reported", "confirmed", "district_id", "classification", "outcome", "ended")
    facts = cases.facts_as_known(at).order_by().values(*columns, "age_from", "sex", "known_at").query
    sql, parameters = facts.sql_with_params()
    *parts, last = sql.split("%s")  # the inner query's values get names, to stand beside ours
    inner = "".join(f"{part}%(fact_{i})s" for i, part in enumerate(parts)) + last
    values = {f"fact_{i}": value for i, value in enumerate(parameters)}
    values |= {"zone": str(clock.zone()), "today": clock.local_day(at), "active_days": settings.active_days}
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS.replace("{facts}", inner), values)
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _series(rows: list[dict[str, Any]], grouped: int, column: str) -> dict[date, int]:
    found = {r[column]: r["cases"] for r in rows if r["grouped"] == grouped and r[column] and r["cases"]}
    return dict(sorted(found.items()))


def _areas(rows: list[dict[str, Any]], people: dict[int, int]) -> tuple[Area, ...]:
    counts = {r["district_id"]: r for r in rows if r["grouped"] == _DISTRICT}
    zero: dict[str, Any] = dict.fromkeys(("cases", "week", "week_before", "active"), 0)
    return tuple(
        Area(
            district=d.id,
            name=d.name,
            people=people.get(d.id),
            **{name: counts.get(d.id, zero)[name] for name in zero},
        )
        for d in city.districts()
    )

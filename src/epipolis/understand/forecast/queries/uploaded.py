"""What was uploaded before, for those who take more in."""

from collections.abc import Iterable
from datetime import date, datetime

from epipolis.sense.city import queries as city
from epipolis.understand.forecast.models import Forecast, Round, Series, SeriesValue
from epipolis.understand.forecast.queries.targets import ADMISSIONS, CASES, CITY, KNOWN

HUB_TARGETS = {
    "wk inc case": CASES,
    "inc case": CASES,
    "wk inc hosp": ADMISSIONS,
    "wk inc covid hosp": ADMISSIONS,
    "wk inc flu hosp": ADMISSIONS,
    "inc hosp": ADMISSIONS,
}
HUB_NAMES = {CASES: "wk inc case", ADMISSIONS: "wk inc hosp"}
"""What the hubs call our targets; others keep their own name."""
Told = tuple[datetime, float | None, float | None]


def area_of(text: str) -> str | None:
    """The area that a text names: a district by name or code, or the city; None where it names neither."""
    if text.casefold() in ("", CITY, "all"):
        return CITY
    found = city.district_named(text)
    return found.code if found else None


def uploaded_areas() -> set[str]:
    return set(SeriesValue.objects.order_by().values_list("area", flat=True).distinct())


def target_names() -> set[str]:
    return {*KNOWN, *Series.objects.values_list("name", flat=True)}


def series_named(names: Iterable[str]) -> dict[str, Series]:
    return {one.name: one for one in Series.objects.filter(name__in=list(names))}


def told_before(series: Iterable[Series], days: list[date]) -> dict[tuple[str, str, date], list[Told]]:
    """Every value stored for these series and days, with the moment from which it was known, the oldest first."""
    if not days:
        return {}
    rows = SeriesValue.objects.filter(series__in=list(series), day__gte=min(days), day__lte=max(days))
    found: dict[tuple[str, str, date], list[Told]] = {}
    for name, area, day, known_at, value, limit in rows.order_by("known_at", "id").values_list(
        "series__name", "area", "day", "known_at", "value", "limit"
    ):
        found.setdefault((name, area, day), []).append((known_at, value, limit))
    return found


def submission(team: str, made_on: date) -> Round | None:
    """What another team sent in for a day before."""
    return Round.objects.filter(team=team, made_on=made_on).first()


def sent_before(found: Round) -> dict[tuple[str, str, int, int], Forecast]:
    rows = Forecast.objects.filter(round=found)
    return {(one.target, one.area, one.step, one.horizon): one for one in rows}

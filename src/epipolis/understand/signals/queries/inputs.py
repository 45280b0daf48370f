"""The series as they were known at a moment, in the form that the engines take."""

from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
from shapely.geometry import shape

from epipolis.sense.city import queries as city
from epipolis.understand.forecast import queries as forecast
from epipolis.understand.forecast.queries import Known


def known_at(at: datetime) -> Known:
    """Everything that was known at a moment, and nothing that became known later."""
    return forecast.known_at(at)


@lru_cache(maxsize=4)
def known_before(at: datetime) -> Known:
    """The same for pages that ask for one moment again and again; only for moments that are over."""
    return forecast.known_at(at)


def uploaded_counts() -> list[str]:
    """The names of the uploaded series of counts."""
    return [one["series"].name for one in forecast.series_rows() if one["series"].kind == "count"]


def series_table(known: Known, series: str, *, since: date | None = None, city_too: bool = True) -> pa.Table:
    """area, day, value of one series until the last whole day; a day of the line list without a report is zero."""
    areas, days, values = [], [], []
    for area, (first, found) in known.daily(series).items():
        if not area or (area == forecast.CITY and not city_too):
            continue
        for n, value in enumerate(found):
            day = first + timedelta(days=n)
            if not np.isnan(value) and (since is None or day >= since):
                areas.append(area)
                days.append(day)
                values.append(float(value))
    return pa.table(
        {"area": pa.array(areas, pa.string()), "day": pa.array(days, pa.date32()), "value": pa.array(values, pa.float64())}
    )


def values_of(known: Known, series: str, areas: list[str]) -> dict[date, float]:
    """The values of some places together, by day."""
    found: dict[date, float] = {}
    daily = known.daily(series)
    for area in areas:
        first, values = daily.get(area, (known.last_day, np.array([])))
        for n, value in enumerate(values):
            if not np.isnan(value):
                day = first + timedelta(days=n)
                found[day] = found.get(day, 0.0) + float(value)
    return found


def centres() -> dict[str, tuple[float, float]]:
    """The middle of every district that has a border: longitude and latitude."""
    found = {}
    for feature in city.border_geojson("districts")["features"]:
        middle = shape(feature["geometry"]).centroid
        if not middle.is_empty:
            found[feature["properties"]["code"]] = (float(middle.x), float(middle.y))
    return found


def borders() -> dict[str, Any]:
    return city.border_geojson("districts")

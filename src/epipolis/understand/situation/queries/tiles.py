"""The figures that the dashboard borrows from the picture."""

from datetime import datetime
from typing import Any

from epipolis.understand.situation.queries.charts import curve_chart
from epipolis.understand.situation.queries.picture import picture


def new_cases_tile(at: datetime) -> int:
    return picture(None, now=at).new


def incidence_tile(at: datetime) -> float | None:
    found = picture(None, now=at).incidence
    return round(found, 1) if found is not None else None


def active_tile(at: datetime) -> int:
    return picture(None, now=at).active


def curve_tile(at: datetime) -> dict[str, Any]:
    return {"chart": curve_chart(picture(None, now=at))}

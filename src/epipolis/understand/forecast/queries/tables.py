"""Forecasts and scores as tables, for files and for other programs."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa

from epipolis.engines import epidemic
from epipolis.sense.city import queries as city
from epipolis.understand.forecast.models import Forecast, Reproduction, Round, Score
from epipolis.understand.forecast.queries import results, words
from epipolis.understand.forecast.queries.risks import risks
from epipolis.understand.forecast.queries.rounds import latest_round
from epipolis.understand.forecast.queries.targets import ENSEMBLE
from epipolis.understand.forecast.queries.uploaded import HUB_NAMES

FORECAST_COLUMNS = (
    *("known_at", "made_at", "model", "target", "area", "area_name", "days", "horizon", "day"),
    *("low_95", "low_50", "median", "high_50", "high_95", "marked"),
)
HUB_COLUMNS = (
    *("reference_date", "target", "horizon", "target_end_date", "location"),
    *("output_type", "output_type_id", "value"),
)
SCORE_COLUMNS = (
    *("known_at", "made_at", "model", "team", "target", "area", "days", "horizon", "day", "observed", "is_final"),
    *("truth_known_at", "wis", "spread", "over", "under", "error", "within_50", "within_95", "relative_to_baseline"),
)
RT_COLUMNS = ("area", "area_name", "day", "mean", "low", "quarter", "median", "three_quarters", "high", "is_pooled", "marked")
_LEVELS = {"low_95": 0.025, "low_50": 0.25, "median": 0.5, "high_50": 0.75, "high_95": 0.975}


def forecast_rows(found: Round, **wanted: Any) -> Iterator[dict[str, Any]]:
    """Every forecast of a round with the bounds of its 50 % and 95 % ranges."""
    names = results.area_names()
    rows = Forecast.objects.filter(round=found, **{key: value for key, value in wanted.items() if value})
    for row in rows.order_by("target", "area", "model", "step", "horizon").iterator(2_000):
        (one,) = results.quantiles_of(found, [row])
        yield {
            "known_at": found.known_at, "made_at": found.made_at, "model": row.model, "target": row.target,
            "area": row.area, "area_name": names.get(row.area, row.area), "days": row.step, "horizon": row.horizon,
            "day": row.day, **{name: one.at(level) for name, level in _LEVELS.items()}, "marked": row.marked,
        }  # fmt: skip


def latest_forecasts(at: datetime) -> Iterator[dict[str, Any]]:
    """The forecasts of the newest round."""
    found = latest_round(at)
    yield from forecast_rows(found) if found else ()


def hub_rows(found: Round, model: str = ENSEMBLE, target: str = "") -> list[dict[str, Any]]:
    """One model's forecasts of a round in the format of the forecast hubs; empty when it made none."""
    rows = Forecast.objects.filter(round=found, model=model, horizon__gte=0)
    rows = rows.filter(target=target) if target else rows
    long = [
        (
            *(model, HUB_NAMES.get(row.target, row.target), row.area, row.day - timedelta(days=row.step * row.horizon)),
            *(row.horizon, row.day, level, value),
        )
        for row in rows
        for level, value in zip(found.levels, row.values, strict=False)
        if value is not None
    ]
    if not long:
        return []
    names = ("model", "target", "area", "made_on", "horizon", "day", "level", "value")
    table = pa.table(dict(zip(names, map(pa.array, zip(*long, strict=True)), strict=True)))
    told: list[dict[str, Any]] = epidemic.to_hub(table).to_pylist()
    return told


def latest_hub(at: datetime) -> list[dict[str, Any]]:
    found = latest_round(at)
    return hub_rows(found) if found else []


def score_rows(at: datetime) -> Iterator[dict[str, Any]]:
    """Every score there is."""
    rows = Score.objects.select_related("forecast", "forecast__round").defer("forecast__round__content", "forecast__values")
    for row in rows.order_by("forecast__day", "forecast__target", "forecast__area", "id").iterator(2_000):
        one, made = row.forecast, row.forecast.round
        yield {
            "known_at": made.known_at, "made_at": made.made_at, "model": one.model, "team": made.team, "target": one.target,
            "area": one.area, "days": one.step, "horizon": one.horizon, "day": one.day,
            "relative_to_baseline": row.relative,
            **{name: getattr(row, name) for name in _SCORED},
        }  # fmt: skip


_SCORED = ("observed", "is_final", "truth_known_at", "wis", "spread", "over", "under", "error", "within_50", "within_95")


def rt_rows(found: Round, area: str = "") -> list[dict[str, Any]]:
    """The reproduction numbers of a round, day by day."""
    names = results.area_names()
    rows = Reproduction.objects.filter(round=found).order_by("area")
    return [
        {"area": row.area, "area_name": names.get(row.area, row.area), "is_pooled": row.is_pooled, **line}
        for row in (rows.filter(area=area) if area else rows)
        for line in row.table
    ]


def risk_geojson(found: Round | None, limit: float | None = None) -> dict[str, Any]:
    """District borders with the probability that the incidence limit is passed in the next two weeks."""
    borders = city.border_geojson("districts")
    passes = risks(found, limit) if found else None
    figures = {row["area"]: row for row in passes.rows} if passes else {}
    features = []
    for feature in borders["features"]:
        row = figures.get(feature["properties"]["code"])
        told: dict[str, Any] = {}
        if row and passes:
            chance = row["probability"]
            told = {
                "probability": min(max(round(100 * chance), 1), 99) if chance is not None else None,
                "limit": passes.limit,
                "incidence": row["incidence"],
                "cases_next_week": words.number(row["next"].at(0.5)) if row["next"] else None,
            }
        features.append({**feature, "properties": {**feature["properties"], **told}})
    return {**borders, "features": features}

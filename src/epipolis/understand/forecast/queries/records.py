"""How good the models were: scores of the last weeks, from what was forecast then and what was counted since."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import QuerySet

from epipolis.engines import epidemic
from epipolis.understand.forecast.models import Score
from epipolis.understand.forecast.queries.rounds import score_table
from epipolis.understand.forecast.queries.targets import BASELINE, BEDS, ENSEMBLE, NOWCAST, WEEK, model_title

MONTH = 28
"""Days over which "last month" is counted."""
_FIELDS = (
    "forecast__model", "forecast__target", "forecast__area", "forecast__round__made_on", "forecast__horizon",
    "forecast__day", "observed", "wis", "spread", "over", "under", "error", "within_50", "within_95",
)  # fmt: skip
Row = tuple[Any, ...]


@dataclass(frozen=True)
class Record:
    """How one model did: mean WIS, its skill relative to the baseline over what both forecast, and its coverage."""

    model: str
    title: str
    count: int
    wis: float
    error: float
    relative: float | None
    within_50: float | None
    within_95: float | None
    horizon: int | None = None
    is_team: bool = False


def scores(target: str, *, area: str = "", since: date | None = None, until: date | None = None, step: int = WEEK) -> list[Row]:
    """One row for each forecast, final truth before provisional; of two rounds of one day the newer counts."""
    found: QuerySet[Score] = Score.objects.filter(forecast__target=target, forecast__step=step)
    found = found.exclude(forecast__model=NOWCAST)
    if area:
        found = found.filter(forecast__area=area)
    if since:
        found = found.filter(forecast__day__gt=since)
    if until:
        found = found.filter(forecast__day__lte=until)
    newest: dict[Row, Row] = {}
    ordered = found.order_by("forecast__round__known_at", "is_final", "id")
    for *row, _team in ordered.values_list(*_FIELDS, "forecast__round__team"):
        # Whoever forecasts the same week with the same horizon did the same task, whatever day their file names.
        day, horizon = row[5], row[4]
        row[3] = day - timedelta(days=step * (horizon + 1))
        newest[tuple(row[:6])] = tuple(row)
    return list(newest.values())


def records(rows: Sequence[Row], *, teams: Iterable[str] = (), by_horizon: bool = False) -> list[Record]:
    """The record of each model, the best first; a model without a comparison comes last."""
    if not rows:
        return []
    groups: dict[tuple[str, int | None], list[Row]] = {}
    for row in rows:
        groups.setdefault((row[0], row[4] if by_horizon else None), []).append(row)
    skill = _skill(rows, by_horizon=by_horizon)
    teams = set(teams)
    found = [
        Record(
            model=model,
            title=model_title(model),
            count=len(part),
            wis=sum(row[7] for row in part) / len(part),
            error=sum(row[11] for row in part) / len(part),
            relative=skill.get((model, horizon)),
            within_50=_share(part, 12),
            within_95=_share(part, 13),
            horizon=horizon,
            is_team=model in teams,
        )
        for (model, horizon), part in groups.items()
    ]
    return sorted(found, key=lambda one: (one.horizon or 0, one.relative is None, one.relative or 0, one.wis))


def hits(rows: Sequence[Row], *, model: str = ENSEMBLE, horizon: int = 1, most: int = 8) -> tuple[int, int]:
    """(how many held what happened, of how many): the last forecasts of this horizon, a week or more apart, 95 %."""
    own = sorted((row for row in rows if row[0] == model and row[4] == horizon and row[13] is not None), key=lambda r: r[5])
    held, count, before = 0, 0, None
    for row in reversed(own):
        if before is None or row[5] <= before - timedelta(days=WEEK):
            held, count, before = held + bool(row[13]), count + 1, row[5]
        if count == most:
            break
    return held, count


def beds_hits(rows: Sequence[Row]) -> tuple[int, int]:
    """The same for occupancies, one week ahead."""
    return hits(rows, model=BEDS, horizon=WEEK)


def truths(round_id: Any, target: str, area: str, model: str = ENSEMBLE) -> dict[date, Score]:
    """What was counted for the days of one forecast, where it is known."""
    found = Score.objects.filter(
        forecast__round=round_id, forecast__target=target, forecast__area=area, forecast__model=model
    ).select_related("forecast")
    return {one.forecast.day: one for one in found.order_by("is_final")}


def _skill(rows: Sequence[Row], *, by_horizon: bool) -> dict[tuple[str, int | None], float]:
    """Relative skill by pairwise comparison, the baseline being 1."""
    table = score_table([row for row in rows if row[7] is not None])
    if BASELINE not in table.column("model").to_pylist():
        return {}
    compared = epidemic.compare_models(table, baseline=BASELINE, by=("horizon",) if by_horizon else ())
    return {
        (line["model"], line.get("horizon") if by_horizon else None): line["scaled_skill"]
        for line in compared.to_pylist()
        if line["scaled_skill"] is not None and line["scaled_skill"] == line["scaled_skill"]
    }


def _share(rows: Sequence[Row], place: int) -> float | None:
    told = [row[place] for row in rows if row[place] is not None]
    return sum(map(bool, told)) / len(told) if told else None

"""Which rounds there are, and the rows that they hold."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import pyarrow as pa
from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from epipolis.understand.forecast.models import Forecast, Round, Score
from epipolis.understand.forecast.queries.inputs import Known
from epipolis.understand.forecast.queries.targets import BASELINE, KNOWN, NOWCAST, WEEK
from epipolis.understand.forecast.settings import settings

OPEN = (Round.State.WAITING, Round.State.RUNNING)
_LOOK_BACK = 180  # days in which a truth may still arrive for a forecast
_SCORE_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("model", "target", "area")),
        ("made_on", pa.date32()),
        ("horizon", pa.int64()),
        ("day", pa.date32()),
        *((name, pa.float64()) for name in ("observed", "wis", "spread", "over", "under", "ae_median")),
        ("within_50", pa.bool_()),
        ("within_95", pa.bool_()),
    ]
)


def rounds() -> QuerySet[Round]:
    """Every round and submission, the newest data first, without their input."""
    return Round.objects.defer("content").select_related("work", "asked_by").order_by("-known_at", "-asked_at", "id")


def latest_round(at: datetime | None = None) -> Round | None:
    """Our newest finished round, or the newest from data known at a moment."""
    found = rounds().filter(state=Round.State.DONE, team="")
    return (found.filter(known_at__lte=at) if at else found).first()


def round_by_id(round_id: UUID) -> Round | None:
    return rounds().filter(id=round_id).first()


def open_round() -> Round | None:
    """The round that somebody asked for and that is not finished yet."""
    return rounds().filter(state__in=OPEN, kind=Round.Kind.ASKED).first()


def is_made(known_at: datetime, fingerprint: str) -> bool:
    """Whether there is a finished round of our own from this moment and these settings."""
    return Round.objects.filter(known_at=known_at, fingerprint=fingerprint, team="", state=Round.State.DONE).exists()


def content_of(found: Round) -> bytes | None:
    """The stored input of a round."""
    content = Round.objects.filter(id=found.id).values_list("content", flat=True).first()
    return bytes(content) if content is not None else None


def forecasts_of(found: Round, **wanted: Any) -> QuerySet[Forecast]:
    """The rows of a round by model, target, area and horizon; `wanted` narrows them down."""
    rows = Forecast.objects.filter(round=found, **{name: value for name, value in wanted.items() if value not in (None, "")})
    return rows.order_by("target", "area", "model", "step", "horizon")


def counts_of(found: Iterable[Round]) -> dict[UUID, int]:
    """How many forecasts each of these rounds holds."""
    rows = Forecast.objects.filter(round__in=list(found)).values("round").annotate(n=Count("id"))
    return dict(rows.values_list("round", "n"))


def earlier_rounds(found: Round, *, every: int = WEEK, most: int = 8) -> list[Round]:
    """Our rounds before this one, at least so many days apart, the newest first."""
    rows = Round.objects.filter(state=Round.State.DONE, team="", made_on__lt=found.made_on).defer("content")
    kept: list[Round] = []
    last = found.made_on
    for row in rows.order_by("-made_on", "-known_at")[: most * every * 4]:
        if row.made_on <= last - timedelta(days=every):
            kept.append(row)
            last = row.made_on
        if len(kept) == most:
            break
    return kept


def unscored(known: Known, *, is_final: bool) -> list[Forecast]:
    """Forecasts made before a moment whose days are over by then, without this kind of score."""
    over = known.last_day - timedelta(days=settings.final_days if is_final else 0)
    scored = Score.objects.filter(forecast=OuterRef("pk"))
    found = Forecast.objects.filter(day__lte=over, day__gte=known.last_day - timedelta(days=_LOOK_BACK))
    found = found.filter(Q(round__known_at__lt=known.at), round__state=Round.State.DONE)
    if is_final:
        found = found.filter(~Exists(scored.filter(is_final=True)))
    else:
        late = [name for name, target in KNOWN.items() if target.is_late or known.is_derived(name)]
        found = found.exclude(model=NOWCAST).exclude(target__in=late).filter(~Exists(scored))
    return list(found.select_related("round").defer("round__content"))


def baseline_scores(days: set[date]) -> list[Score]:
    """How our baseline did for these days."""
    if not days:
        return []
    found = Score.objects.filter(forecast__model=BASELINE, forecast__day__in=days, forecast__round__team="")
    return list(found.select_related("forecast__round").defer("forecast__round__content"))


def past_scores(at: datetime) -> dict[str, pa.Table]:
    """For each target, the scores of our own weekly forecasts that were known at a moment, as the engines take them."""
    found = Score.objects.filter(truth_known_at__lte=at, forecast__round__known_at__lt=at, forecast__round__team="")
    found = found.filter(forecast__step=WEEK).order_by("forecast", "-is_final").distinct("forecast")
    return {target: table for target, table in _by_target(found).items() if table.num_rows}


def _by_target(found: QuerySet[Score]) -> dict[str, pa.Table]:
    rows = found.values_list(
        "forecast__model", "forecast__target", "forecast__area", "forecast__round__made_on", "forecast__horizon",
        "forecast__day", "observed", "wis", "spread", "over", "under", "error", "within_50", "within_95",
    )  # fmt: skip
    targets: dict[str, list[tuple[Any, ...]]] = {}
    for row in rows:
        targets.setdefault(row[1], []).append(row)
    return {target: score_table(part) for target, part in targets.items()}


def score_table(rows: list[tuple[Any, ...]]) -> pa.Table:
    """Scores as the engines take them: model, target, area, made_on, horizon, day, then the figures."""
    columns = zip(*rows, strict=True) if rows else [()] * len(_SCORE_SCHEMA)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, _SCORE_SCHEMA, strict=True)]
    return pa.table(arrays, schema=_SCORE_SCHEMA)

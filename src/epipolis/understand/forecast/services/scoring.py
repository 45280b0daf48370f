"""Scores: as the truth becomes known, each forecast is told how good it was, and by which truth."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from django.db import transaction

from epipolis.engines import epidemic
from epipolis.understand.forecast import queries
from epipolis.understand.forecast.models import Forecast, Score

_SAME = 1e-6
Key = tuple[Any, ...]


@transaction.atomic
def score_what_is_due(known: queries.Known) -> int:
    """Score every forecast made before the moment whose days are over by then; return how many. Twice changes nothing.

    Counts that are whole at once are scored as known now, and once more when they are final; late ones only when final.
    """
    scores: list[Score] = []
    for is_final in (False, True):
        due = queries.unscored(known, is_final=is_final)
        scores += _scored(due, known, is_final=is_final)
    _compare(scores)
    Score.objects.bulk_create(scores, batch_size=2_000, ignore_conflicts=True)
    return len(scores)


def _scored(due: Sequence[Forecast], known: queries.Known, *, is_final: bool) -> list[Score]:
    by_levels: dict[tuple[float, ...], list[tuple[Forecast, float]]] = {}
    for one in due:
        observed = known.truth(one.target, one.area, one.day, one.step)
        if observed is not None:
            by_levels.setdefault(tuple(one.round.levels), []).append((one, observed))
    found = []
    for levels, pairs in by_levels.items():
        found += _measured(pairs, levels, known, is_final=is_final)
    return found


def _measured(
    pairs: list[tuple[Forecast, float]], levels: tuple[float, ...], known: queries.Known, *, is_final: bool
) -> list[Score]:
    observed = np.array([truth for _, truth in pairs])
    values = np.array([[np.nan if value is None else value for value in one.values] for one, _ in pairs], float)
    parts = np.array(epidemic.weighted_interval_score(observed, values, np.array(levels)))
    median = values[:, _place(levels, 0.5)] if _place(levels, 0.5) >= 0 else np.full(len(pairs), np.nan)
    found = []
    for row, (one, truth) in enumerate(pairs):
        if not np.isfinite(parts[0, row]) or not np.isfinite(median[row]):
            continue
        wis, spread, over, under = (round(float(part), 4) for part in parts[:, row])
        found.append(
            Score(
                forecast=one, is_final=is_final, truth_known_at=known.at, observed=truth,
                wis=wis, spread=spread, over=over, under=under, error=round(abs(float(median[row]) - truth), 4),
                within_50=_within(values[row], levels, truth, 0.5), within_95=_within(values[row], levels, truth, 0.95),
            )
        )  # fmt: skip
    return found


def _place(levels: Sequence[float], level: float) -> int:
    return next((place for place, one in enumerate(levels) if abs(one - level) < _SAME), -1)


def _within(values: np.ndarray, levels: Sequence[float], truth: float, width: float) -> bool | None:
    low, high = (_place(levels, (1 + sign * width) / 2) for sign in (-1, 1))
    if low < 0 or high < 0 or np.isnan(values[low]) or np.isnan(values[high]):
        return None
    return bool(values[low] <= truth <= values[high])


def _compare(scores: Sequence[Score]) -> None:
    """Each score beside that of the baseline for the same days; another team's beside our baseline's newest for them."""
    own: dict[Key, float] = {}
    any_round: dict[Key, float] = {}
    baselines = [score for score in scores if score.forecast.model == queries.BASELINE and not score.forecast.round.team]
    known = queries.baseline_scores({score.forecast.day for score in scores if score.forecast.round.team})
    for score in sorted([*known, *baselines], key=lambda score: score.forecast.round.known_at):
        own[score.forecast.round_id, *_task(score)] = score.wis
        any_round[_task(score)] = score.wis
    for score in scores:
        team = score.forecast.round.team
        beside = any_round.get(_task(score)) if team else own.get((score.forecast.round_id, *_task(score)))
        score.relative = round(score.wis / beside, 4) if beside else None


def _task(score: Score) -> Key:
    one = score.forecast
    return one.target, one.area, one.step, one.horizon, one.day, score.is_final

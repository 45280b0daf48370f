"""Thresholds that keep the stated rate of false alarms: from theory, and from how far an area's own past strayed beyond it."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
YEAR = {1: 365.25, 7: 52.18}
_LEVELS = np.array([0.9, 0.95, 0.98, 0.99])
_BLOCK = 28
_OWN = 150.0  # past scores after which an area's own past counts as much as that of all areas
_FEW = 60
_RARE = 0.08  # share of days that outbreaks may take
_FIRST = 1.15  # before there is a past to learn from
_MOST = 4.0
_OF_TAIL = 1_000.0
_MOST_STRETCH = 1.3
UNPROVEN = 0.1
"""By what part a threshold is higher where nothing so rare can have been seen yet."""


def strayed(scores: Floats, usual: Floats, step: int, *, lag: int, height: float | None = None) -> Floats:
    """By what factor upper scores of the past were wider than by theory, 1 to 4 [areas, steps]: each from days before it.

    Overdispersion, wandering means and holidays widen them. Past outbreaks, five days in a row high above what was expected,
    are left out.

    Args:
        scores: NaN where there is none.
        usual: what theory says of the levels 0.9, 0.95, 0.98, 0.99.
        lag: steps before a day that are left out.
    """
    areas, steps = scores.shape
    if step == 1:
        scores = np.where(_outbreaks(scores), np.nan, scores)
    factors = np.full((areas, steps), _FIRST)
    longest = int(YEAR[step]) * 2
    for start in range(0, steps, _BLOCK if step == 1 else 4):
        past = scores[:, max(0, start - longest) : max(0, start - lag)]
        known = ~np.isnan(past)
        count = known.sum(axis=1)
        total = int(count.sum())
        if total < _FEW:
            continue
        found = np.quantile(past[known], _LEVELS)
        common = _factor(found, usual)
        stretch = 1.0 if height is None else _stretch(found, usual, height, total)
        common = (common * total + _FIRST * _FEW) / (total + _FEW)
        own = np.full(areas, common)
        enough = count >= _FEW
        if enough.any():
            own[enough] = _factor(_row_quantiles(past[enough]), usual)
        mixed = (own * count + common * _OWN) / (count + _OWN)
        factors[:, start:] = mixed[:, None] * stretch
    return factors


def unproven(scores: Floats, chance: float, lag: int) -> Floats:
    """By how much the past of all areas is too short to hold a false alarm of this chance, 1 to 0 [steps]."""
    known = np.cumsum((~np.isnan(scores)).sum(axis=0))
    before = np.concatenate([np.zeros(lag + 1), known[: -lag - 1]])[: len(known)]
    return np.asarray(np.maximum(0.0, 1 - before * chance))


def _outbreaks(scores: Floats) -> NDArray[np.bool_]:
    """Days within five whose mean score is above 2.5; where these are many, it is no outbreak but what is usual."""
    mean = np.full_like(scores, -np.inf)
    if scores.shape[1] >= 5:
        within = np.lib.stride_tricks.sliding_window_view(np.nan_to_num(scores), 5, axis=1)
        mean[:, 2:-2] = within.mean(axis=2)
    high = mean > 2.5
    found = high.copy()
    for shift in (1, 2):
        found[:, shift:] |= high[:, :-shift]
        found[:, :-shift] |= high[:, shift:]
    seen = np.maximum(np.cumsum(~np.isnan(scores), axis=1), 1)
    found[np.cumsum(found, axis=1) > _RARE * np.maximum(seen, 180)] = False
    return found


def _row_quantiles(past: Floats) -> Floats:
    """The levels for each row [rows, levels], leaving out NaN."""
    ordered = np.sort(past, axis=1)  # NaN come last
    count = (~np.isnan(past)).sum(axis=1)
    at = _LEVELS * (count[:, None] - 1)
    low = at.astype(int)
    rows = np.arange(len(past))[:, None]
    high = np.minimum(low + 1, count[:, None] - 1)
    return np.asarray(ordered[rows, low] + (at - low) * (ordered[rows, high] - ordered[rows, low]))


def _factor(found: Floats, usual: Floats) -> Floats:
    return np.asarray(np.clip((found / usual).mean(axis=-1), 1.0, _MOST))


def _stretch(found: Floats, usual: Floats, height: float, past: int) -> float:
    """By what factor more the tail at `height` is wider than the levels that are seen: their line carried on."""
    slope, start = np.polyfit(usual, found, 1)
    further = (start + slope * height) / (height * float(_factor(found, usual)))
    part = past / (past + _OF_TAIL)
    return float(np.clip(1 + part * (further - 1), 1.0, _MOST_STRETCH))


USUAL_LEVELS = _LEVELS


def discovered(chances: Floats, share: float) -> NDArray[np.bool_]:
    """Which of the chances of one day are alarms so that at most `share` of alarms are false on average.

    Benjamini and Hochberg 1995, J. R. Stat. Soc. B 57:289. NaN are no alarms.
    """
    return np.asarray(chances <= critical(chances, share))


def critical(chances: Floats, share: float) -> Floats:
    """How small each chance must be to be discovered beside the others of its day, as `discovered` has it; NaN stay NaN.

    One that is not discovered is held against what the others would leave it if it were the smallest.
    """
    found = np.full(len(chances), np.nan)
    known = np.flatnonzero(~np.isnan(chances))
    if not len(known):
        return found
    order = known[np.argsort(chances[known], kind="stable")]
    rank = np.arange(1, len(order) + 1)
    passed = int(np.max(rank * (chances[order] <= share * rank / len(order))))
    before = np.maximum.accumulate(rank * (chances[order] <= share * (rank + 1) / len(order)))
    allowed = 1 + np.concatenate([[0], before[:-1]])
    allowed[:passed] = passed
    found[order] = share * allowed / len(order)
    return found

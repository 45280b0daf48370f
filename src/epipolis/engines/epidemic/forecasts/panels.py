"""The known past as all models see it: on the fourth-root scale, gaps closed, with what recent weeks say of the next."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from epipolis.engines.epidemic.histories import Floats, History

ADDED = 0.25
"""Added to counts before the root, so that noughts and ones differ little."""

FEATURES = (
    *("own_1", "own_1_noisy", "own_2", "own_2_noisy", "own_3", "own_4"),
    *("all_1", "all_1_noisy", "all_2", "all_3", "all_4", "all_1_level", "all_1_levels", "from_mean"),
)
_YEAR = 52
_MOST_CELLS = 1_500_000
_FEWEST_STEPS, _MOST_STEPS = 60, 260
_COUNT_NOISE = 3.0
_OTHER_NOISE = 0.02
_GROWTH_NOISE = 0.01
_ERRATIC = 6.0
_LEAST_BASE = 0.7
_STEEPEST = 1.0
_LARGEST = 1e12


def root(values: Floats) -> Floats:
    """Fourth root of counts: noise and growth are then about as large for small and for large places."""
    shifted: Floats = np.minimum(np.maximum(values, 0.0), _LARGEST) + ADDED
    return np.sqrt(np.sqrt(shifted))


def unroot(values: Floats) -> Floats:
    """Counts of fourth roots; never below zero."""
    return np.maximum(np.square(np.square(np.maximum(values, 0.0))) - ADDED, 0.0)


@dataclass(frozen=True)
class Panel:
    """Weekly series of all areas up to the newest step.

    Attributes:
        levels: [areas, steps] fourth roots, gaps closed; NaN only before an area's first value.
        seen: where a value was really known.
        base: the recent level that changes are told in parts of. noise: variance of such a part that counting brings.
        features: [areas, steps, FEATURES] what the steps up to each one say, all but the last in parts of `base`.
        trusted: [areas] whether it changes as counts of people do; others are kept out of what areas share.
        missing: [areas] how many of the newest steps are missing; all steps where nothing is known.
        signals: [areas, steps, signals] further series, standardised within each area.
        ends: the last day of each step.
        unsettled: how far the newest levels may yet be revised, in parts of the base.
    """

    levels: Floats
    seen: NDArray[np.bool_]
    base: Floats
    noise: Floats
    features: Floats
    trusted: NDArray[np.bool_]
    missing: NDArray[np.int64]
    signals: Floats
    ends: NDArray[np.datetime64]
    unsettled: float = 0.0

    def changes(self, step: int) -> Floats:
        """Change over `step` steps from each step on, in parts of `base`: [areas, steps - step], NaN where not seen."""
        if step >= self.levels.shape[1]:
            return np.empty((len(self.levels), 0))
        ahead = (self.levels[:, step:] - self.levels[:, :-step]) / self.base[:, :-step]
        known = self.seen[:, step:] & self.seen[:, :-step]
        return np.where(known, np.clip(ahead, -3, 3), np.nan)


def panel_of(history: History, revised: tuple[Floats, float] | None = None) -> Panel:
    """Make the panel of a weekly history; `revised` is how the newest roots usually change yet (`usual_changes`)."""
    steps = history.values.shape[1]
    longest = int(np.clip(_MOST_CELLS // max(1, len(history.areas)), _FEWEST_STEPS, _MOST_STEPS))
    values = history.values[:, max(0, steps - longest) :]
    seen = np.isfinite(values)
    levels = closed(np.where(seen, root(np.where(seen, values, 0.0)), np.nan))
    if revised is not None:
        for age, change in enumerate(revised[0][: levels.shape[1]]):
            levels[:, -1 - age] = np.where(seen[:, -1 - age], np.maximum(levels[:, -1 - age] * (1 + change), 0.0), np.nan)
        levels = closed(np.where(seen, levels, np.nan))
    signals = np.zeros((*values.shape, len(history.signals)))
    for number, table in enumerate(history.signals.values()):
        signals[..., number] = _standardised(table[:, max(0, steps - longest) :])
    newest = np.where(seen.any(axis=1), seen[:, ::-1].argmax(axis=1), seen.shape[1])
    base, noise = _base(levels)
    trusted = _trusted(levels, base, noise)
    features = _features(levels, base, noise, trusted)
    ends = history.days[max(0, steps - longest) :]
    return Panel(levels, seen, base, noise, features, trusted, newest, signals, ends, revised[1] if revised else 0.0)


def closed(levels: Floats) -> Floats:
    """Gaps filled along straight lines, the newest value carried on; NaN before the first one."""
    steps = np.arange(levels.shape[1])
    known = np.isfinite(levels)
    before = np.maximum.accumulate(np.where(known, steps, -1), axis=1)
    after = np.minimum.accumulate(np.where(known, steps, levels.shape[1])[:, ::-1], axis=1)[:, ::-1]
    rows = np.arange(len(levels))[:, None]
    low = levels[rows, np.maximum(before, 0)]
    high = levels[rows, np.minimum(after, levels.shape[1] - 1)]
    weight = np.clip((steps - before) / np.maximum(after - before, 1), 0, 1)
    between = low + (high - low) * weight
    filled = np.where(after == levels.shape[1], low, between)
    result: Floats = np.where(before >= 0, filled, np.nan)
    return result


def _earlier(table: Floats, steps: int) -> Floats:
    result = np.full_like(table, np.nan)
    if steps < table.shape[1]:
        result[:, steps:] = table[:, : table.shape[1] - steps]
    return result


def _base(levels: Floats) -> tuple[Floats, Floats]:
    """The recent level, and the noise of counting relative to it."""
    recent = np.stack([levels, _earlier(levels, 1), _earlier(levels, 2)])
    there = np.isfinite(recent)
    counted = np.maximum(there.sum(axis=0), 1)
    base = np.maximum(np.where(there, recent, 0.0).sum(axis=0) / counted, _LEAST_BASE)
    return base, (_COUNT_NOISE / np.square(np.square(base)) + _OTHER_NOISE) / 16


def _trusted(levels: Floats, base: Floats, noise: Floats) -> NDArray[np.bool_]:
    """Whether an area's usual change from step to step is within what counting and growth explain."""
    change = np.square(levels - _earlier(levels, 1)) / np.square(base) / (2 * noise + _GROWTH_NOISE)
    usual = np.median(np.where(np.isfinite(change), change, 0.0)[:, -_YEAR:], axis=1)
    trusted: NDArray[np.bool_] = usual < _ERRATIC
    return trusted if trusted.any() else np.ones(len(levels), bool)


def _features(levels: Floats, base: Floats, noise: Floats, trusted: NDArray[np.bool_]) -> Floats:
    part = noise * 16 - _OTHER_NOISE
    noisy = part / (part + _OTHER_NOISE)
    weight = np.where(np.isfinite(levels) & trusted[:, None], 1 / noise, 0.0)
    change = levels - _earlier(levels, 1)
    own = [np.clip(np.nan_to_num(_earlier(change, lag) / base), -_STEEPEST, _STEEPEST) for lag in range(4)]
    shared = [_shared(change_of_all, weight) for change_of_all in own]
    level, mean, span = _within_year(levels)
    columns = [
        *(own[0] * (1 - noisy), own[0] * noisy, own[1] * (1 - noisy), own[1] * noisy, own[2], own[3]),
        *(shared[0] * (1 - noisy), shared[0] * noisy, shared[1], shared[2], shared[3]),
        *(shared[0] * level, shared[0] * _shared(level, weight), (mean - levels) / base * span),
    ]
    return np.stack(columns, axis=-1)


def _shared(table: Floats, weight: Floats) -> Floats:
    """The mean over all areas at each step, without what lies far from the middle, for every area."""
    known = weight > 0
    total = np.maximum(weight.sum(axis=0), 1e-12)
    middle = np.where(known, table, 0.0)
    mean = (weight * middle).sum(axis=0) / total
    off = np.sqrt((weight * np.square(middle - mean)).sum(axis=0) / total)
    near = np.clip(middle, mean - 3 * off, mean + 3 * off)
    return np.broadcast_to((weight * near).sum(axis=0) / total, table.shape)


def _within_year(levels: Floats) -> tuple[Floats, Floats, Floats]:
    """Level relative to the highest of the last year, mean of the last year, and which part of a year is known."""
    steps = levels.shape[1]
    filled = np.nan_to_num(levels)
    highest = np.empty_like(filled)
    for step in range(steps):
        highest[:, step] = filled[:, max(0, step - _YEAR) : step + 1].max(axis=1)
    known = np.isfinite(levels)
    sums, counts = np.cumsum(filled, axis=1), np.cumsum(known, axis=1)
    total = sums - np.nan_to_num(_earlier(sums, _YEAR))
    count = counts - np.nan_to_num(_earlier(counts.astype(np.float64), _YEAR))
    span = np.minimum(np.arange(1, steps + 1), _YEAR) / _YEAR
    level = np.clip(filled / np.maximum(highest, _LEAST_BASE), 0, 1)
    return level, total / np.maximum(count, 1), np.broadcast_to(span, levels.shape)


def _standardised(table: Floats) -> Floats:
    filled = closed(table)
    known = np.isfinite(filled)
    count = np.maximum(known.sum(axis=1, keepdims=True), 1)
    plain = np.where(known, filled, 0.0)
    mean = plain.sum(axis=1, keepdims=True) / count
    spread = np.sqrt(np.where(known, np.square(plain - mean), 0.0).sum(axis=1, keepdims=True) / count)
    return np.where(known, (plain - mean) / np.maximum(spread, 1e-9), 0.0)

"""Early warning: days on which a count is higher than chance explains, with a stated rate of false alarms.

    table = detect(series, method="regression", false_alarms_per_year=2)    # area, day, value → …, is_alarm

Three methods. "regression": is this day higher than weekdays, trend and season explain (Farrington, Noufaily)? "cusum": has a
small rise lasted (negative-binomial scores, summed)? "ears": is it higher than the last week was ("C1", "C2" = "ears", "C3")?
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from epipolis.engines.epidemic import aberrations
from epipolis.engines.epidemic.counts import Counts, counts_of, date_column, long_table
from epipolis.engines.epidemic.expectations import GUARD, Expectation, expect
from epipolis.engines.epidemic.thresholds import USUAL_LEVELS, YEAR, discovered, strayed

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
METHODS = ("regression", "cusum", "ears", "C1", "C2", "C3")
TOGETHER = ("series", "all", "discoveries")
_MOST_FITS = 60_000
_SAMPLE = 300
_RECENT = {1: 28, 7: 8}
_LONGEST_SILENCE = 14
_IMPOSSIBLE = 1e-6


def detect(
    series: pa.Table,
    *,
    method: str = "regression",
    false_alarms_per_year: float = 2.0,
    together: str = "series",
    share_false: float = 0.1,
    fewest: float = 3.0,
    since: date | None = None,
    at: date | None = None,
    step: int | None = None,
) -> pa.Table:
    """Judge every day of every area by what was known before it.

    Args:
        series: area, day, value[, known_on], daily or weekly; rows in any order, missing days welcome.
        method: "regression", "cusum", "ears" (C2), "C1", "C2" or "C3".
        false_alarms_per_year: for each series; with `together="all"`, for all series together.
        together: "series", "all", or "discoveries": on each day at most `share_false` of the alarms are false on average
            (Benjamini–Hochberg; not for "cusum").
        fewest: a smaller count is never an alarm.
        since: days before it are used, but not judged. With so many areas that every past day would take minutes, only
            the last four weeks are.
        at: only what was known on this day.
        step: 1 or 7 days; without it, as the days show.

    Returns:
        area, day, value, expected, upper (counts above it are alarms), score, is_alarm, and `marked`: why a day was not
        judged or judged with care, else null.

    Raises:
        ValueError: an argument is none of these, or the series names the row.
    """
    _check(method, false_alarms_per_year, together, share_false)
    counts = counts_of(series, at=at, step=step)
    judged_from = _since(counts, since)
    cleaned = _cleaned(counts, judged_from)
    chance = false_alarms_per_year / YEAR[counts.step]
    if together == "all":
        chance /= len(counts.areas)
    method = "C2" if method == "ears" else method
    if chance >= 0.4:
        raise ValueError(f"{false_alarms_per_year:g} false alarms a year are too many to be warnings")
    judged = _by_sums(cleaned, chance) if method == "cusum" else _by_days(cleaned, method, chance)
    alarm = judged.alarm
    if together == "discoveries":
        daily = np.stack([discovered(column, share_false) for column in judged.chances.T], axis=1)
        alarm = daily & (cleaned.values >= judged.expected)
    alarm &= cleaned.values >= fewest
    return _table(counts, cleaned, judged, alarm, judged_from)


def _check(method: str, rate: float, together: str, share: float) -> None:
    if method not in METHODS:
        raise ValueError(f"there is no method {method!r}; there are {', '.join(METHODS)}")
    if not 0 < rate < 1_000:
        raise ValueError(f"false alarms per year are {rate}, but must lie between 0 and 1,000")
    if together not in TOGETHER:
        raise ValueError(f"together is {together!r}, but must be {', '.join(TOGETHER)}")
    if not 0 < share < 1:
        raise ValueError(f"the share of false alarms is {share}, but must lie between 0 and 1")
    if together == "discoveries" and method == "cusum":
        raise ValueError("a cusum has no chance of its own for each day: discoveries need regression or ears")


def _since(counts: Counts, since: date | None) -> int:
    steps = counts.values.shape[1]
    fits = counts.values.size / (7 if counts.step == 1 else 1)
    first = steps - _RECENT[counts.step] if fits > _MOST_FITS else 0
    if since is not None:
        first = max(first, -(-(since - counts.first).days // counts.step))
        if first >= steps:
            raise ValueError(f"since is {since}, but the series ends on {counts.last}")
    return max(0, first)


@dataclass(frozen=True)
class _Cleaned:
    """The series as the methods see it [areas, steps]."""

    values: Floats
    gaps: Floats  # missing steps directly before
    expected: Expectation
    negative: Flags
    silent: Flags  # zeros where none could be
    first_number: int
    step: int
    first: int  # the first step that is judged


def _cleaned(counts: Counts, first: int) -> _Cleaned:
    values = counts.values.copy()
    negative = values < 0
    values[negative] = np.nan
    expected = _expected(values, counts, first)
    silent = _silences(values, expected)
    hushed = np.flatnonzero(silent.any(axis=1))
    if len(hushed):
        values[silent] = np.nan
        again = _expected(values[hushed], counts, first)
        expected.mean[hushed], expected.variance[hushed] = again.mean, again.variance
    return _Cleaned(values, _gaps(values), expected, negative, silent, counts.first_number, counts.step, first)


def _expected(values: Floats, counts: Counts, first: int) -> Expectation:
    """Every past day when there are few areas; else the past of some and the last weeks of all."""
    areas = len(values)
    if first == 0 or areas <= _SAMPLE:
        return expect(values, counts.first_number, counts.step)
    some = np.unique(np.linspace(0, areas - 1, _SAMPLE).astype(int))
    late = expect(values, counts.first_number, counts.step, since=first)
    early = expect(values[some], counts.first_number, counts.step)
    late.mean[some], late.variance[some] = early.mean, early.variance
    return late


def _silences(values: Floats, expected: Expectation) -> Flags:
    """Zeros that chance does not give, for up to two weeks: nobody reported. A longer silence is taken for real."""
    excess = np.maximum(expected.variance / expected.mean - 1, 1e-9)
    none = np.exp(-expected.mean / excess * np.log1p(excess))
    silent = (values == 0) & (none < _IMPOSSIBLE)
    length = np.zeros(len(values), int)
    for step in range(values.shape[1]):
        length = np.where(silent[:, step] | ((values[:, step] == 0) & (length > 0)), length + 1, 0)
        silent[:, step] &= length <= _LONGEST_SILENCE
    return silent


def _gaps(values: Floats) -> Floats:
    gaps = np.zeros_like(values)
    for step in range(1, values.shape[1]):
        gaps[:, step] = np.where(np.isnan(values[:, step - 1]), gaps[:, step - 1] + 1, 0)
    known = np.maximum.accumulate(~np.isnan(values), axis=1)
    return np.where(known, np.minimum(gaps, 13), 0)


@dataclass(frozen=True)
class _Judged:
    """[areas, steps]; NaN where nothing can be said."""

    score: Floats  # 1 is the threshold
    expected: Floats
    upper: Floats
    chances: Floats
    alarm: Flags


def _held(cleaned: _Cleaned, *, middle: bool) -> Floats:
    """Normal scores; a day after missing ones may hold their counts too, and is not held against one day."""
    values, expected = cleaned.values, cleaned.expected
    own = aberrations.normal_scores(values, expected, middle=middle)
    late = cleaned.gaps > 0
    if late.any():
        several = Expectation(_over(expected.mean, cleaned.gaps), _over(expected.variance, cleaned.gaps))
        own = np.where(late, np.minimum(own, aberrations.normal_scores(values, several, middle=middle)), own)
    return own


def _over(daily: Floats, gaps: Floats) -> Floats:
    """Sums over each day and the missing days directly before it."""
    upto = np.cumsum(np.pad(np.nan_to_num(daily), ((0, 0), (1, 0))), axis=1)
    end = np.arange(1, upto.shape[1])
    start = np.maximum(end - 1 - gaps.astype(int), 0)
    sums = upto[:, 1:] - np.take_along_axis(upto, start, axis=1)
    return np.where(np.isnan(daily), np.nan, np.maximum(sums, np.nan_to_num(daily)))


def _by_days(cleaned: _Cleaned, method: str, chance: float) -> _Judged:
    """Regression and EARS: each day by itself."""
    usual = np.array([aberrations.threshold_of(method, 1 - level) for level in USUAL_LEVELS])
    threshold = aberrations.threshold_of(method, chance)
    if method == "regression":
        held, own = _held(cleaned, middle=False), _held(cleaned, middle=True)
        wide = strayed(own, usual, cleaned.step, lag=GUARD[cleaned.step])
        expected = cleaned.expected.mean
        upper = aberrations.count_at(threshold * wide, cleaned.expected)
    else:
        weekdays = (cleaned.first_number + np.arange(cleaned.values.shape[1])) % 7 if cleaned.step == 1 else None
        scores, middle, spread = aberrations.ears(cleaned.values, weekdays, lag=0 if method == "C1" else 2)
        held = aberrations.three_days(scores) if method == "C3" else scores
        wide = strayed(held, usual, cleaned.step, lag=2)
        late = (cleaned.gaps > 0) & (_held(cleaned, middle=False) < threshold)
        held = np.where(late, np.minimum(held, 0.0), held)
        expected = aberrations.counts_of_roots(middle)
        upper = aberrations.counts_of_roots(middle + threshold * wide * spread)
    score = held / (threshold * wide)
    return _Judged(score, expected, upper, _chances(held / wide, method), score > 1)


def _chances(scores: Floats, method: str) -> Floats:
    from scipy.special import stdtr  # noqa: PLC0415 -- heavy, and only alarms need it

    if method == "C3":
        heights = np.array([aberrations.threshold_of("C3", 10.0**-power) for power in np.arange(0.1, 8, 0.1)])
        powers = np.interp(scores, heights, np.arange(0.1, 8, 0.1))
        return np.where(np.isnan(scores), np.nan, 10.0**-powers)
    return np.asarray(stdtr(aberrations.FREEDOM if method == "regression" else aberrations.BASE - 1, -scores))


def _by_sums(cleaned: _Cleaned, chance: float) -> _Judged:
    """CUSUM of the negative-binomial scores, each scaled by how far its area's past strayed."""
    usual = np.array([aberrations.threshold_of("cusum", 1 - level) for level in USUAL_LEVELS])
    own = _held(cleaned, middle=True)
    wide = strayed(own, usual, cleaned.step, lag=GUARD[cleaned.step])
    weekly = strayed(aberrations.week_scores(own), usual, cleaned.step, lag=GUARD[cleaned.step])
    wide = np.sqrt(wide * np.maximum(wide, weekly))
    scaled = own / wide
    height = aberrations.cusum_threshold(1 / chance)
    sums = aberrations.cusum(scaled, aberrations.REFERENCE, height, True)
    before = np.concatenate([np.zeros((len(sums), 1)), sums[:, :-1]], axis=1)
    before[before > height] = 0.0
    missing = height - before + aberrations.REFERENCE
    upper = aberrations.count_at(missing * wide, cleaned.expected)
    score = np.where(np.isnan(scaled), np.nan, sums / height)
    return _Judged(score, cleaned.expected.mean, upper, np.full_like(score, np.nan), score > 1)


def _table(counts: Counts, cleaned: _Cleaned, judged: _Judged, alarm: Flags, first: int) -> pa.Table:
    areas, steps = counts.values.shape
    index = np.repeat(np.arange(areas), steps - first)
    days = counts.first_number + counts.step * np.tile(np.arange(first, steps), areas)

    def column(values: Floats) -> pa.Array:
        return pa.array(values[:, first:].ravel(), from_pandas=True)

    columns = {
        "day": date_column(days),
        "value": column(counts.values),
        "expected": column(judged.expected),
        "upper": column(judged.upper),
        "score": column(judged.score),
        "is_alarm": pa.array(alarm[:, first:].ravel()),
        "marked": _marks(counts, cleaned, judged, first),
    }
    return long_table(columns, counts.areas, index)


def _marks(counts: Counts, cleaned: _Cleaned, judged: _Judged, first: int) -> pa.Array:
    names = ["missing", "negative: not judged", "zero where that cannot be chance: taken as missing", "too little past", "_"]
    names[4] = "follows missing days and may hold their counts"
    part = slice(first, None)
    code = np.full(counts.values[:, part].shape, -1)
    code[(cleaned.gaps > 0)[:, part]] = 4
    code[np.isnan(judged.score)[:, part]] = 3
    code[np.isnan(counts.values)[:, part]] = 0
    code[cleaned.negative[:, part]] = 1
    code[cleaned.silent[:, part]] = 2
    flat = code.ravel()
    return pa.DictionaryArray.from_arrays(pa.array(np.where(flat < 0, 0, flat), pa.int8(), mask=flat < 0), names).cast(
        pa.string()
    )

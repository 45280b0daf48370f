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

from epipolis.engines.epidemic import aberrations, bounds
from epipolis.engines.epidemic.counts import Counts, counts_of, date_column, long_table
from epipolis.engines.epidemic.expectations import GUARD, Expectation, expect
from epipolis.engines.epidemic.thresholds import UNPROVEN, USUAL_LEVELS, YEAR, critical, strayed, unproven

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

    A day is an alarm exactly when its value is above `upper`, which follows from the days before alone (with "discoveries",
    also from the other areas of that day). `upper` is a whole number, so a fraction counts as the next whole number.

    The threshold of rare alarms comes from a negative binomial (regression, cusum) or a t distribution (EARS), widened by how
    far the past of the area and of all areas strayed beyond it, and carried on beyond the levels that the past shows. Where
    all areas together have not yet lasted long enough for one false alarm at the stated rate, it is a tenth higher, and
    marked. In waves of some percent a day that turn within weeks, regression and cusum exceed the rate: the turn is new.

    Args:
        series: area, day, value (counts)[, known_on], daily or weekly; rows in any order, missing days welcome.
        method: "regression" (Farrington et al. 1996, Noufaily et al. 2013), "cusum", "ears" (C2), "C1", "C2" or "C3"
            (Hutwagner et al. 2003).
        false_alarms_per_year: for each series; with `together="all"`, for all series together.
        together: "series", "all", or "discoveries": on each day at most `share_false` of the alarms are false on average
            (Benjamini and Hochberg 1995; not for "cusum").
        fewest: a smaller count is never an alarm.
        since: days before it are used, but not judged. With so many areas that every past day would take minutes, only
            the last four weeks are.
        at: only what was known on this day.
        step: 1 or 7 days; without it, as the days show.

    Returns:
        area, day, value, expected (a count), upper (the highest count that is no alarm; null where nothing can be said, and
        for a cusum where no count of that one day would be an alarm), score (1 is the threshold of a series by itself, before
        `fewest`), is_alarm, and `marked`: why a day was not judged or judged with care, else null.

    Raises:
        ValueError: an argument is none of these, the rate is so high that four days in ten would be alarms, `since` is after
            the last day, or the series names the row: a missing column, a day told twice, days neither daily nor weekly.
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
    share = share_false if together == "discoveries" else None
    judged = _by_sums(cleaned, chance) if method == "cusum" else _by_days(cleaned, method, chance, share)
    upper = np.where(np.isnan(judged.upper), np.nan, np.fmax(judged.upper, np.ceil(fewest) - 1))
    return _table(counts, cleaned, judged, upper, judged_from)


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
    upper: Floats  # the highest count that is no alarm; NaN also where no count of one day is one
    young: Flags  # the past of all areas is too short for so rare an alarm [steps]


def _held(cleaned: _Cleaned, *, middle: bool) -> Floats:
    """Normal scores; a day after missing ones may hold their counts too, and is not held against one day."""
    values, expected = np.ceil(cleaned.values), cleaned.expected
    own = aberrations.normal_scores(values, expected, middle=middle)
    if (cleaned.gaps > 0).any():
        several = aberrations.normal_scores(values, _of_gaps(cleaned), middle=middle)
        own = np.where(cleaned.gaps > 0, np.minimum(own, several), own)
    return own


def _quiet(cleaned: _Cleaned, limits: Floats, *, middle: bool) -> Floats:
    """The highest counts that `_held` leaves within these limits."""
    own = bounds.highest_quiet(limits, cleaned.expected, middle=middle, first=cleaned.first)
    late = cleaned.gaps > 0
    if late.any():
        several = bounds.highest_quiet(np.where(late, limits, np.nan), _of_gaps(cleaned), middle=middle, first=cleaned.first)
        own = np.where(late, np.maximum(own, several), own)
    return own


def _of_gaps(cleaned: _Cleaned) -> Expectation:
    """What is expected of each day and the missing days directly before it together."""
    return Expectation(_over(cleaned.expected.mean, cleaned.gaps), _over(cleaned.expected.variance, cleaned.gaps))


def _over(daily: Floats, gaps: Floats) -> Floats:
    """Sums over each day and the missing days directly before it."""
    upto = np.cumsum(np.pad(np.nan_to_num(daily), ((0, 0), (1, 0))), axis=1)
    end = np.arange(1, upto.shape[1])
    start = np.maximum(end - 1 - gaps.astype(int), 0)
    sums = upto[:, 1:] - np.take_along_axis(upto, start, axis=1)
    return np.where(np.isnan(daily), np.nan, np.maximum(sums, np.nan_to_num(daily)))


def _by_days(cleaned: _Cleaned, method: str, chance: float, share: float | None) -> _Judged:
    """Regression and EARS: each day by itself; with a share of false alarms, beside the other areas of its day."""
    usual = np.array([aberrations.threshold_of(method, 1 - level) for level in USUAL_LEVELS])
    threshold = aberrations.threshold_of(method, chance)
    if method == "regression":
        held, own = _held(cleaned, middle=False), _held(cleaned, middle=True)
        young = unproven(own, chance, GUARD[cleaned.step])
        wide = strayed(own, usual, cleaned.step, lag=GUARD[cleaned.step], height=threshold) * (1 + UNPROVEN * young)
        limits = wide * (threshold if share is None else _beside(held / wide, method, share))
        expected, upper = cleaned.expected.mean, _quiet(cleaned, limits, middle=False)
    else:
        weekdays = (cleaned.first_number + np.arange(cleaned.values.shape[1])) % 7 if cleaned.step == 1 else None
        scores, middle, spread = aberrations.ears(cleaned.values, weekdays, lag=0 if method == "C1" else 2)
        held = aberrations.three_days(scores) if method == "C3" else scores
        young = unproven(held, chance, 2)
        wide = strayed(held, usual, cleaned.step, lag=2, height=threshold) * (1 + UNPROVEN * young)
        late = cleaned.gaps > 0
        caught_up = late & (_held(cleaned, middle=False) <= threshold)
        held = np.where(caught_up, np.minimum(held, 0.0), held)
        limits = wide * (threshold if share is None else _beside(held / wide, method, share))
        today = aberrations.still_missing(scores, limits) if method == "C3" else limits
        expected, upper = aberrations.counts_of_roots(middle), bounds.below_roots(middle + today * spread)
        if late.any():
            several = _quiet(cleaned, np.where(late, threshold, np.nan), middle=False)
            upper = np.where(np.isnan(upper), np.nan, np.fmax(upper, several))
    if share is not None:  # fewer than expected are never a discovery
        upper = np.maximum(upper, np.ceil(expected) - 1)
    return _Judged(held / (threshold * wide), expected, upper, young > 0)


def _beside(scores: Floats, method: str, share: float) -> Floats:
    """The scores at which each area would be discovered beside the others of its day."""
    chances = aberrations.chances_of(method, scores)
    return aberrations.heights_of(method, np.stack([critical(column, share) for column in chances.T], axis=1))


def _by_sums(cleaned: _Cleaned, chance: float) -> _Judged:
    """CUSUM of the negative-binomial scores, each scaled by how far its area's past strayed."""
    usual = np.array([aberrations.threshold_of("cusum", 1 - level) for level in USUAL_LEVELS])
    own = _held(cleaned, middle=True)
    rare = aberrations.threshold_of("cusum", chance)
    wide = strayed(own, usual, cleaned.step, lag=GUARD[cleaned.step], height=rare)
    weekly = strayed(aberrations.week_scores(own), usual, cleaned.step, lag=GUARD[cleaned.step], height=rare)
    young = unproven(own, chance, GUARD[cleaned.step])
    wide = np.maximum(wide, weekly) * (1 + UNPROVEN * young)
    scaled = own / wide
    height = aberrations.cusum_threshold(1 / chance)
    sums = aberrations.cusum(scaled, aberrations.REFERENCE, height, True)
    before = np.concatenate([np.zeros((len(sums), 1)), sums[:, :-1]], axis=1)
    before[before > height] = 0.0
    missing = height - before + aberrations.REFERENCE
    reached = (missing < aberrations.HIGHEST) & (missing * wide < aberrations.HIGHEST_MIDDLE)
    upper = _quiet(cleaned, np.where(reached, missing * wide, np.inf), middle=True)
    score = np.where(np.isnan(scaled), np.nan, sums / height)
    return _Judged(score, cleaned.expected.mean, upper, young > 0)


def _table(counts: Counts, cleaned: _Cleaned, judged: _Judged, upper: Floats, first: int) -> pa.Table:
    areas, steps = counts.values.shape
    index = np.repeat(np.arange(areas), steps - first)
    days = counts.first_number + counts.step * np.tile(np.arange(first, steps), areas)

    def column(values: Floats) -> pa.Array:
        return pa.array(values[:, first:].ravel(), from_pandas=True)

    columns = {
        "day": date_column(days),
        "value": column(counts.values),
        "expected": column(judged.expected),
        "upper": column(upper),
        "score": column(judged.score),
        "is_alarm": pa.array((cleaned.values > upper)[:, first:].ravel()),
        "marked": _marks(counts, cleaned, judged, first),
    }
    return long_table(columns, counts.areas, index)


def _marks(counts: Counts, cleaned: _Cleaned, judged: _Judged, first: int) -> pa.Array:
    names = ["missing", "negative: not judged", "zero where that cannot be chance: taken as missing", "too little past"]
    names += ["follows missing days and may hold their counts", "past too short for so rare an alarm: wider"]
    part = slice(first, None)
    code = np.full(counts.values[:, part].shape, -1)
    code[:, judged.young[part]] = 5
    code[(cleaned.gaps > 0)[:, part]] = 4
    code[np.isnan(judged.score)[:, part]] = 3
    code[np.isnan(counts.values)[:, part]] = 0
    code[cleaned.negative[:, part]] = 1
    code[cleaned.silent[:, part]] = 2
    flat = code.ravel()
    return pa.DictionaryArray.from_arrays(pa.array(np.where(flat < 0, 0, flat), pa.int8(), mask=flat < 0), names).cast(
        pa.string()
    )

"""The loops of the scan statistic: every circle times every window of time, for the truth and for chance."""

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from epipolis.engines.compiled import compiled
from epipolis.engines.epidemic.circles import Circles

if TYPE_CHECKING:
    from epipolis.engines.epidemic.scans import Study

Floats = NDArray[np.float64]
Short = NDArray[np.float32]
Ints = NDArray[np.int64]
_BATCH = 50
_TOGETHER = 8
_SLACK = 1 - 1e-5  # of the bound in short numbers


def best_windows(sums: Ints, circles: Circles, weight: Floats, part: Floats, total: float) -> tuple[Floats, Ints, Ints]:
    """For each centre the highest log likelihood ratio, and the position of its outermost area and of its window."""
    return _best(sums, circles.order, circles.sizes, weight, part, total)


def highest_by_chance(study: "Study", circles: Circles, draws: int, seed: int) -> Floats:
    """The highest log likelihood ratio in each of `draws` data sets made by chance alone.

    The draws are made in batches with a generator each, so that they do not depend on how many run at a time.
    """
    seeds = np.random.SeedSequence([seed, 20_050]).spawn(-(-draws // _BATCH))
    sizes = [min(_BATCH, draws - start) for start in range(0, draws, _BATCH)]
    with ThreadPoolExecutor(min(len(sizes), os.cpu_count() or 1)) as threads:
        found = threads.map(
            lambda one: _batch(study, circles, one[0], np.random.default_rng(one[1])), zip(sizes, seeds, strict=True)
        )
        return np.concatenate(list(found))


def _batch(study: "Study", circles: Circles, draws: int, rng: np.random.Generator) -> Floats:
    areas, days = study.counts.shape
    first = int(study.starts.min())
    home = np.repeat(np.arange(areas), study.counts.sum(axis=1))
    by_day = study.counts.sum(axis=0)[first:]
    share = np.cumsum(study.weight) / study.weight.sum()
    parts = np.append(study.daily[first:], max(0.0, float(study.daily[:first].sum())))
    highest = np.empty(draws)
    upto = np.zeros((areas, days - first + 1), np.int64)
    for draw in range(draws):
        if study.permuted:
            _permuted(home, by_day, upto, rng)
        else:
            _spread(share, rng.multinomial(int(study.total), parts / parts.sum())[:-1], upto, rng)
        sums = (upto[:, study.ends - first] - upto[:, study.starts - first]).astype(np.float32)
        highest[draw] = _highest(sums, circles.order, circles.sizes, study.weight, study.part, study.total)
    return highest


@compiled()
def _permuted(home: Ints, by_day: Ints, upto: Ints, rng: np.random.Generator) -> None:
    """Give each day its number of cases, drawn without return from all; `upto` is the running sum by area."""
    upto[:] = 0
    left = len(home)
    for day in range(len(by_day)):
        for _ in range(by_day[day]):
            at = int(rng.random() * left)
            left -= 1
            home[at], home[left] = home[left], home[at]
            upto[home[left], day + 1] += 1
    for area in range(upto.shape[0]):
        for day in range(1, upto.shape[1]):
            upto[area, day] += upto[area, day - 1]


@compiled()
def _spread(share: Floats, by_day: Ints, upto: Ints, rng: np.random.Generator) -> None:
    """Give the cases of each day to areas by their share."""
    upto[:] = 0
    last = len(share) - 1
    for day in range(len(by_day)):
        for _ in range(by_day[day]):
            area = int(np.searchsorted(share, rng.random(), side="right"))
            upto[min(area, last), day + 1] += 1
    for area in range(upto.shape[0]):
        for day in range(1, upto.shape[1]):
            upto[area, day] += upto[area, day - 1]


@compiled()
def _ratio(observed: float, expected: float, total: float) -> float:
    """Kulldorff's log likelihood ratio of more cases than expected inside."""
    inside = observed * np.log(observed / expected)
    return inside if observed >= total else inside + (total - observed) * np.log((total - observed) / (total - expected))


@compiled()
def _may_pass(cases: Short, inside: float, part: Short, bound: float, total: float) -> bool:
    some = np.int32(0)
    within, least, whole = np.float32(inside), np.float32(bound * _SLACK), np.float32(total)
    for window in range(len(cases)):
        expected = within * part[window]
        more = max(cases[window] - expected, np.float32(0.0))
        some |= np.int32(more * more > least * expected * (whole - expected))
    return some != 0


@compiled()
def _highest(
    sums: Short, order: NDArray[np.int32], sizes: NDArray[np.int32], weight: Floats, part: Floats, total: float
) -> float:
    """Most circles are passed over unseen, several at a time.

    total × chi-squared bounds the ratio from above, and grows with the cases and falls with what is expected: what the
    largest of some circles holds beyond what the smallest expects bounds them all. The ratio of as many cases falls with what
    is expected: `seen` is the least for which it was taken, and only less is worth another look.
    """
    count = sums.shape[1]
    now, after, short = np.empty(count, np.float32), np.empty(count, np.float32), part.astype(np.float32)
    seen = np.arange(total + 1)
    best = 0.0
    for centre in range(len(sizes)):
        now[:] = 0.0
        inside = 0.0
        for start in range(0, sizes[centre], _TOGETHER):
            end = min(start + _TOGETHER, sizes[centre])
            after[:] = now
            for position in range(start, end):
                row = sums[order[centre, position]]
                for window in range(count):
                    after[window] += row[window]
            least = inside + weight[order[centre, start]]
            if _may_pass(after, least, short, best / total, total):
                for position in range(start, end):
                    area = order[centre, position]
                    inside += weight[area]
                    row = sums[area]
                    for window in range(count):
                        now[window] += row[window]
                    for window in range(count):
                        cases, expected = int(now[window]), inside * part[window]
                        if expected < seen[cases]:
                            best = max(best, _ratio(float(cases), expected, total))
                            seen[cases] = expected
            else:
                now[:] = after
                for position in range(start, end):
                    inside += weight[order[centre, position]]
    return best


@compiled()
def _best(
    sums: Ints, order: NDArray[np.int32], sizes: NDArray[np.int32], weight: Floats, part: Floats, total: float
) -> tuple[Floats, Ints, Ints]:
    areas, count = sums.shape
    ratios = np.zeros(areas)
    outermost, windows = np.zeros(areas, np.int64), np.zeros(areas, np.int64)
    now = np.empty(count)
    for centre in range(areas):
        now[:] = 0.0
        inside = 0.0
        for position in range(sizes[centre]):
            area = order[centre, position]
            inside += weight[area]
            for window in range(count):
                now[window] += sums[area, window]
                expected = inside * part[window]
                if now[window] > expected and expected > 0.0:
                    ratio = _ratio(now[window], expected, total)
                    if ratio > ratios[centre] + 1e-12:
                        ratios[centre], outermost[centre], windows[centre] = ratio, position, window
    return ratios, outermost, windows

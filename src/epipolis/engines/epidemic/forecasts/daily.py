"""Daily series: forecast as weeks that end on the newest day, then told by day with its weekday and its noise."""

import numpy as np

from epipolis.engines.epidemic.forecasts.panels import closed, root, unroot
from epipolis.engines.epidemic.histories import Floats, History

_WEEKS_OF_PATTERN = 8
_WEEKS_OF_PRIOR = 6.0
_FEWEST_DAYS = 4
_USUAL_NOISE = 0.12
_CENTRE = 3


def weeks_of(history: History) -> History:
    """The same series in weeks that end on the newest day: sums, from at least four known days of seven."""
    return history.in_blocks(7, fewest=_FEWEST_DAYS)


def steps_for(days: int) -> int:
    """How many weeks ahead must be forecast to tell so many days."""
    return max(1, -(-(days + _CENTRE) // 7))


def by_day(history: History, weekly: Floats, days: list[int], levels: Floats) -> Floats:
    """Quantiles of single days from those of weeks.

    Args:
        history: the daily series up to the newest day.
        weekly: [areas, weeks ahead, levels] quantiles of sums over weeks.
        days: how many days after the newest one.
        levels: probabilities.

    Returns:
        [areas, days, levels] counts.
    """
    pattern, noise = _pattern(history)
    ahead = root(weekly / 7)
    newest = closed(_roots(weeks_of(history).values / 7))[:, -1]
    newest = np.where(np.isfinite(newest), newest, ahead[:, 0, len(levels) // 2])
    levels_at = np.concatenate([np.broadcast_to(newest[:, None, None], ahead[:, :1].shape), ahead], axis=1)
    position = (np.array(days) + _CENTRE) / 7
    low = np.minimum(position.astype(np.int64), levels_at.shape[1] - 2)
    part = (position - low)[None, :, None]
    path = levels_at[:, low] * (1 - part) + levels_at[:, low + 1] * part
    day_of_week = (int(history.days[-1].astype(np.int64)) + np.array(days)) % 7
    path = path * pattern[:, day_of_week][..., None]
    middle = np.sort(path, axis=-1)[..., [len(levels) // 2]]
    spread = np.sign(levels - 0.5) * np.sqrt(np.square(path - middle) + np.square(noise[:, None, None] * _normal(levels)))
    return unroot(np.sort(middle + spread, axis=-1))


def _roots(values: Floats) -> Floats:
    return np.where(np.isfinite(values), root(np.nan_to_num(values)), np.nan)


def _pattern(history: History) -> tuple[Floats, Floats]:
    """Factor of each weekday on roots [areas, 7], and the spread of single days around it [areas]."""
    values = history.values[:, -7 * _WEEKS_OF_PATTERN :]
    numbers = history.days[-values.shape[1] :].astype(np.int64) % 7
    known = np.isfinite(values)
    roots = root(np.where(known, values, 0.0))
    smooth = _smooth(np.where(known, values, np.nan))
    known &= np.isfinite(smooth)
    ratio = np.where(known, roots / root(np.where(known, smooth, 0.0)), 1.0)
    every, own = np.ones(7), np.ones((len(values), 7))
    for day in range(7):
        columns = numbers == day
        count, total = known[:, columns].sum(axis=1), np.where(known, ratio, 0.0)[:, columns].sum(axis=1)
        every[day] = (total.sum() + _WEEKS_OF_PRIOR) / (count.sum() + _WEEKS_OF_PRIOR)
        own[:, day] = (total + _WEEKS_OF_PRIOR * every[day]) / (count + _WEEKS_OF_PRIOR)
    off = np.where(known, roots - root(np.where(known, smooth, 0.0)) * own[:, numbers], 0.0)
    noise = np.sqrt((np.square(off).sum(axis=1) + 7 * _USUAL_NOISE**2) / (known.sum(axis=1) + 7))
    return own, noise * np.sqrt(7 / 6)


def _smooth(values: Floats) -> Floats:
    """The mean of the seven days around each day."""
    filled = np.square(np.square(closed(np.sqrt(np.sqrt(values)))))
    padded = np.pad(np.nan_to_num(filled), ((0, 0), (3, 3)), mode="edge")
    sums = np.cumsum(np.pad(padded, ((0, 0), (1, 0))), axis=1)
    result: Floats = np.where(np.isfinite(filled), (sums[:, 7:] - sums[:, :-7]) / 7, np.nan)
    return result


def _normal(levels: Floats) -> Floats:
    from scipy.special import ndtri  # noqa: PLC0415 -- the statistics library loads slowly; weekly forecasts never need it

    result: Floats = np.asarray(ndtri(levels))
    return result

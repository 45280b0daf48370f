"""What theory says of an epidemic in which everyone meets everyone, and estimates from a list of infections."""

from math import lgamma

import numpy as np
import pyarrow.compute as pc


def final_share(reproduction, introduced):
    """Share infected in the end when `introduced` are at first (Kermack and McKendrick 1927)."""
    share = 0.5
    for _ in range(200):
        share = 1 - (1 - introduced) * np.exp(-reproduction * share)
    return share


def renewal(by_age_of_infection, introduced, days):
    """Share newly infected on each day; `by_age_of_infection[n]`: infections caused n days after one's own."""
    new, left = np.zeros(days), 1 - introduced
    new[0] = introduced
    for day in range(1, days):
        known = min(day, len(by_age_of_infection) - 1)
        force = by_age_of_infection[1 : known + 1] @ new[day - 1 :: -1][:known]
        new[day] = left * (1 - np.exp(-force))
        left -= new[day]
    return new


def growth_rate(by_age_of_infection):
    """The rate r a day at which 1 = sum of A(n) exp(-r n) (Euler 1760, Lotka 1911)."""
    low, high = -1.0, 2.0
    after = np.arange(len(by_age_of_infection))
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if by_age_of_infection @ np.exp(-middle * after) > 1 else (low, middle)
    return low


def rounded_lognormal(duration, longest=60):
    """Chance of 0, 1, 2, ... whole days of a lognormal span rounded to the nearest."""
    draws = np.exp(duration.log_mean + duration.log_spread * _normal_quantiles(200_000))
    counts = np.bincount(np.minimum(np.rint(draws).astype(int), longest), minlength=longest + 1)
    return counts / counts.sum()


def _normal_quantiles(count):
    edges = np.linspace(-8, 8, 40_001)
    below = np.cumsum(np.exp(-(edges**2) / 2))
    return np.interp((np.arange(count) + 0.5) / count, below / below[-1], edges)


def dispersion_of(offspring):
    """Maximum-likelihood shape k of the negative binomial with the mean of `offspring`."""
    values, counts = np.unique(offspring, return_counts=True)
    mean = offspring.mean()

    def fit(k):
        chance = [lgamma(k + x) - lgamma(k) - lgamma(x + 1) + k * np.log(k / (k + mean)) for x in values]
        return (counts * (np.array(chance) + values * np.log(mean / (k + mean)))).sum()

    shapes = np.exp(np.linspace(np.log(0.05), np.log(20), 400))
    return shapes[np.argmax([fit(k) for k in shapes])]


def column(table, name):
    """As floats; nothing becomes not-a-number."""
    return pc.cast(table.column(name), "float64").to_numpy()


def infected_by(truth, cause):
    """Position of the infection that caused each infection, -1 for those brought in. Nobody may be infected twice."""
    person, infector = column(truth, "person"), column(truth, cause)
    order = np.argsort(person)
    found = np.searchsorted(person[order], np.nan_to_num(infector, nan=0))
    return np.where(np.isnan(infector), -1, order[np.minimum(found, len(order) - 1)])

"""Invented outbreaks whose reproduction number is known, and the reference files read."""

import csv
import gzip
from pathlib import Path

import numpy as np


def grown(rng, r, interval, *, first=30.0, days_of_first=10):
    """Counts [areas, days] in which R is `r` [areas, days]; the first days are Poisson with mean `first`."""
    r = np.atleast_2d(np.asarray(r, float))
    areas, days = r.shape
    counts = np.zeros((areas, days))
    counts[:, :days_of_first] = rng.poisson(first, (areas, days_of_first))
    for day in range(days_of_first, days):
        lags = np.arange(1, min(interval.size, day + 1))
        counts[:, day] = rng.poisson(r[:, day] * (counts[:, day - lags] @ interval[lags]))
    return counts


def over_windows(values, starts, ends):
    """Means of [areas, days] over the windows."""
    return np.stack([values[:, a : b + 1].mean(axis=1) for a, b in zip(starts, ends, strict=True)], axis=1)


def rows_of(path: Path) -> list[dict[str, str]]:
    content = path.read_bytes()
    text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode()
    return list(csv.DictReader(text.splitlines()))


def numbers(rows, column):
    return np.array([float(row[column]) if row[column] not in ("", "NA") else np.nan for row in rows])

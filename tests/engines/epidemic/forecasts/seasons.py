"""Invented seasons: places that rise and fall together, each in its own size and time."""

from datetime import date, timedelta

import numpy as np
import pyarrow as pa

FIRST = date(2021, 1, 2)


def counts(areas=12, weeks=110, seed=1, largest=2_000.0):
    """Weekly counts [areas, weeks] of waves a year apart."""
    rng = np.random.default_rng(seed)
    size = np.geomspace(20, largest, areas)[:, None]
    shift = rng.normal(0, 1.5, (areas, 1))
    time = np.arange(weeks)[None, :]
    wave = np.exp(2.0 * np.cos(2 * np.pi * (time - 26 - shift) / 52) - 1)
    noise = np.exp(np.cumsum(rng.normal(0, 0.05, (areas, weeks)), axis=1))
    return rng.poisson(size * wave * noise).astype(float)


def table(values, *, step=7, first=FIRST, names=None, **further):
    """A series table of [areas, steps]; NaN is missing."""
    areas, steps = values.shape
    names = names or [f"area {number:02d}" for number in range(areas)]
    days = [first + timedelta(days=step * number) for number in range(steps)]
    columns = {
        "area": np.repeat(np.array(names, dtype=object), steps).tolist(),
        "day": pa.array(days * areas, pa.date32()),
        "value": pa.array(values.reshape(-1), from_pandas=True),
    }
    return pa.table(columns | {name: pa.array(column.reshape(-1)) for name, column in further.items()})


def rows(*given):
    """A series of rows (area, day, value[, known_on])."""
    names = ("area", "day", "value", "known_on")[: len(given[0])]
    columns = {name: [row[number] for row in given] for number, name in enumerate(names)}
    kinds = {"area": pa.string(), "day": pa.date32(), "value": pa.float64(), "known_on": pa.date32()}
    return pa.table({name: pa.array(column, kinds[name]) for name, column in columns.items()})


def day(number, *, step=7, first=FIRST):
    """The last day of a step."""
    return first + timedelta(days=step * number)


def array_of(forecast, model, areas, steps, levels=23):
    """A model's values [areas, steps, levels]."""
    names = np.array(forecast["model"].to_pylist())
    return forecast["value"].to_numpy()[names == model].reshape(areas, steps, levels)

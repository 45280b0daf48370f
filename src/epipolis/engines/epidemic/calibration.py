"""Whether intervals hold what they say: coverage, and the histogram of the probability integral transform."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from epipolis.engines.epidemic.scores import within
from epipolis.engines.epidemic.units import Floats, Ints, Units, coded, grouped, truth_for, units_of


def coverage(
    forecast: pa.Table, observed: pa.Table, widths: Sequence[float] = (0.5, 0.9, 0.95), *, by: Sequence[str] = ("model",)
) -> pa.Table:
    """The share of observed values inside each middle interval.

    Returns:
        by…, width, coverage (null where no forecast has both ends), difference (coverage - width), forecasts.

    Raises:
        ValueError: a width not between 0 and 1, an unknown column in `by`, or tables as `score` refuses them.
    """
    wrong = [width for width in widths if not 0 < width < 1]
    if wrong:
        raise ValueError(f"A width is between 0 and 1, not {wrong[0]:g}.")
    units, truth, group, names = _grouped(forecast, observed, by)
    rows = []
    for width in widths:
        held = within(truth, units.values, units.levels, width)
        for number, told in enumerate(names):
            own = held.filter(pa.array(group == number)).drop_null()
            share = pc.mean(own).as_py()
            difference = None if share is None else share - width
            rows.append({**told, "width": float(width), "coverage": share, "difference": difference, "forecasts": len(own)})
    return _table(rows, by, units, {"width": float, "coverage": float, "difference": float, "forecasts": int})


def pit(forecast: pa.Table, observed: pa.Table, *, bins: int = 10, by: Sequence[str] = ("model",)) -> pa.Table:
    """Where the observed values lie in their forecasts: a flat histogram is a calibrated forecast.

    A forecast by quantiles tells only between which levels an observed value lies, a count may lie on several at once: its
    weight is spread evenly between the highest level whose quantile is below it (else 0) and the lowest whose quantile is
    above it (else 1), the non-randomised form of Czado, Gneiting & Held 2009 (doi:10.1111/j.1541-0420.2009.01191.x).

    Returns:
        by…, low, high (of the bin), share (they add up to 1), forecasts.

    Raises:
        ValueError: fewer than one bin, an unknown column in `by`, or tables as `score` refuses them.
    """
    if bins < 1:
        raise ValueError(f"A histogram has at least one bin, not {bins}.")
    units, truth, group, names = _grouped(forecast, observed, by)
    low, high = _between(truth, units)
    counted = np.isfinite(truth) & np.isfinite(units.values).any(axis=1)
    edges = np.linspace(0, 1, bins + 1)
    rows = []
    for number, told in enumerate(names):
        own = (group == number) & counted
        below = np.clip((edges - low[own, None]) / (high - low)[own, None], 0, 1)
        shares = np.diff(below, axis=1).mean(axis=0) if own.any() else [None] * bins
        for place, share in enumerate(shares):
            found = None if share is None else float(share)
            ends = {"low": float(edges[place]), "high": float(edges[place + 1])}
            rows.append({**told, **ends, "share": found, "forecasts": int(own.sum())})
    return _table(rows, by, units, {"low": float, "high": float, "share": float, "forecasts": int})


def _grouped(forecast: pa.Table, observed: pa.Table, by: Sequence[str]) -> tuple[Units, Floats, Ints, list[dict[str, object]]]:
    units = units_of(forecast)
    unknown = [name for name in by if name not in units.keys.column_names]
    if unknown:
        raise ValueError(f"Forecasts cannot be grouped by {', '.join(unknown)}; by {', '.join(units.keys.column_names)}.")
    truth, _ = truth_for(units.keys, observed)
    codes = coded([units.keys[name] for name in by])[0] if by else np.zeros(len(truth), np.int64)
    _, group, first = grouped(codes)
    return units, truth, group, [{name: units.keys[name][int(row)].as_py() for name in by} for row in first]


def _between(truth: Floats, units: Units) -> tuple[Floats, Floats]:
    seen, values = truth[:, None], units.values
    low = np.max(np.where(values < seen, units.levels, 0.0), axis=1, initial=0.0)
    high = np.min(np.where(values > seen, units.levels, 1.0), axis=1, initial=1.0)
    crossed = low >= high  # quantiles that cross tell nothing between them
    return np.where(crossed, np.minimum(low, high) - 1e-9, low), np.where(crossed, np.maximum(low, high) + 1e-9, high)


def _table(rows: list[dict[str, object]], by: Sequence[str], units: Units, columns: dict[str, type]) -> pa.Table:
    fields = [units.keys.schema.field(name) for name in by]
    fields += [pa.field(name, pa.float64() if kind is float else pa.int64()) for name, kind in columns.items()]
    return pa.Table.from_pylist(rows, schema=pa.schema(fields))

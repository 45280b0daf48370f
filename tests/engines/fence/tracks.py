"""Short tracks around one home, written as metres to the east, and the words of their transitions."""

import math

import numpy as np
import pyarrow as pa

from epipolis.engines.fence import REASONS, STATES, FenceRule, Fences, States, follow

START = 1_700_000_000
LON, LAT = 121.5, 25.0
PER_DEGREE = 111_195.08
RULE = FenceRule()


def east(metres, lon=LON, lat=LAT):
    return lon + metres / (PER_DEGREE * math.cos(math.radians(lat)))


def table(rows, person=0, **columns):
    """Rows of (seconds after START, metres east of home, accuracy)."""
    given = {
        "person": pa.array([person] * len(rows), pa.int32()),
        "time": pa.array([START + int(row[0]) for row in rows], pa.int64()),
        "lon": pa.array([east(row[1]) for row in rows], pa.float64()),
        "lat": pa.array([LAT] * len(rows), pa.float64()),
        "accuracy": pa.array([float(row[2]) if len(row) > 2 else 20.0 for row in rows], pa.float32()),
    }
    kinds = {"source": pa.uint8(), "battery": pa.float32(), "charging": pa.bool_(), "excused": pa.bool_()}
    return pa.table(given | {name: pa.array(values, kinds[name]) for name, values in columns.items()})


def home(people=1, **columns):
    return Fences.of([LON] * people, [LAT] * people, columns.pop("radius", 100.0), **columns)


def words(transitions):
    """(seconds after START, before, after) of each, and the reason where it is not the position."""
    rows = transitions.to_pylist()
    reasons = [REASONS[row["reason"]] for row in rows]
    return [
        (row["time"] - START, STATES[row["before"]], STATES[row["after"]], *([reason] if reason != "position" else []))
        for row, reason in zip(rows, reasons, strict=True)
    ]


def walk(rows, fences=None, rule=RULE, states=None, **columns):
    fences = fences or home()
    return words(follow(states if states is not None else States.new(len(fences)), table(rows, **columns), fences, rule))


def random_positions(seed, people, rows, *, step=240):
    """A stream with everything that goes wrong in it: repeats, disorder, jumps, words without a place, wild accuracies."""
    rng = np.random.default_rng(seed)
    person = rng.integers(-1 if rows else 0, people + 1, rows)
    time = START + np.arange(rows) * step // max(people, 1) + rng.integers(-2 * step, 2 * step, rows)
    metres = rng.choice([0.0, 40.0, 120.0, 200.0, 400.0, 3_000.0, 90_000.0], rows, p=[0.3, 0.2, 0.1, 0.1, 0.2, 0.08, 0.02])
    lon = np.where(rng.random(rows) < 0.03, np.nan, east(metres))
    lat = np.where(np.isnan(lon), np.nan, LAT)
    island = rng.random(rows) < 0.02
    accuracy = rng.choice([5.0, 18.0, 70.0, 320.0, 4_000.0, np.nan, 0.0], rows)
    repeated = np.where(rng.random(rows) < 0.1, np.maximum(np.arange(rows) - 1, 0), np.arange(rows))
    columns = {
        "person": pa.array(person.astype(np.int32)),
        "time": pa.array(time),
        "lon": pa.array(np.where(island, 0.0, lon)),
        "lat": pa.array(np.where(island, 0.0, lat)),
        "accuracy": pa.array(accuracy.astype(np.float32)),
        "battery": pa.array(rng.choice([0.02, 0.5, np.nan], rows).astype(np.float32)),
        "charging": pa.array(rng.random(rows) < 0.3, mask=rng.random(rows) < 0.3),
        "source": pa.array(rng.integers(0, 4, rows).astype(np.uint8)),
        "excused": pa.array(rng.random(rows) < 0.3),
        "arrived": pa.array(time + rng.choice([5, -60, -600], rows, p=[0.9, 0.05, 0.05]), mask=rng.random(rows) < 0.1),
    }
    return pa.table(columns).take(pa.array(repeated))

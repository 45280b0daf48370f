"""What the laboratories report: every sample, also those of people who are ill of something else."""

import numpy as np
import pyarrow as pa

from epipolis.engines.twin.courses import NEVER
from epipolis.engines.twin.draws import Flags, Floats, Ints, pick, uniform
from epipolis.engines.twin.measures import Testing
from epipolis.engines.twin.runs import Run
from epipolis.engines.twin.visits import epoch_of

DEVICES = ("pcr_central", "pcr_hospital", "antigen")
_SHARES = np.array([0.65, 0.2, 0.15])
_PEAK, _RISE, _FALL, _SPREAD = 19.0, 1.9, 1.1, 3.0
_LEAST, _MOST = 12.0, 38.0


def samples_taken(run: Run) -> pa.Table:
    """The samples of the last day lived, in the order in which they were taken.

    Columns: person, sampled_at, result_at (epoch seconds; the result may come days later, so hold a row back until
    then), result (positive, negative), ct (cycles, positive samples on a PCR device; null otherwise), device.

    There are as many rows as the run counts tests. Who is not infected is never found positive. The ct is lowest on the
    day of onset, 19 on average, and rises by 1.1 a day after it and 1.9 a day before it, with a spread of 3 between
    people: values of the usual order, chosen by hand.
    """
    epidemic, seed, day = run.epidemic, run.seed, run.day - 1
    rows = epidemic.infections
    own = np.flatnonzero(rows["sampled_on"] == day)
    others = _others(run, run.response.tests - len(own), day)
    person = np.concatenate([rows["person"][own], others]).astype(np.int64)
    positive = np.concatenate([_found(run, own, day), np.zeros(len(others), bool)])
    result_on = np.concatenate([rows["result_on"][own].astype(np.int64), _result_days(run, others, day)])
    in_hospital = np.concatenate([rows["severe_on"][own] == day, np.zeros(len(others), bool)])
    device = np.where(in_hospital, 1, pick(_SHARES, uniform(seed, "device", person, day)) if len(person) else 0)
    ct = np.concatenate([_cycles(rows["onset"][own].astype(float), rows["person"][own], day, seed), np.zeros(len(others))])
    sampled_at, result_at = _moments(run, person, result_on, day)
    order = np.lexsort((person, sampled_at))
    has_ct = positive & (device != DEVICES.index("antigen"))
    return pa.table(
        {
            "person": person,
            "sampled_at": sampled_at,
            "result_at": result_at,
            "result": pa.DictionaryArray.from_arrays(pa.array(positive.astype(np.int8)), ["negative", "positive"]),
            "ct": pa.array(np.round(ct, 1).astype(np.float32), mask=~has_ct),
            "device": pa.DictionaryArray.from_arrays(pa.array(device.astype(np.int8)), list(DEVICES)),
        }
    ).take(pa.array(order))


def _found(run: Run, own: Ints, day: int) -> Flags:
    """Which samples find the virus: confirmed today already, or to be confirmed once the result is there."""
    waiting = [rows for later in run.response.results.values() for rows in later]
    found = np.isin(own, np.concatenate([np.zeros(0, np.int64), *waiting]))
    return np.asarray(found | (run.epidemic.infections["confirmed_on"][own] == day), bool)


def _others(run: Run, count: int, day: int) -> Ints:
    """People without the infection who were tested, each once."""
    if count <= 0:
        return np.zeros(0, np.int64)
    epidemic, people = run.epidemic, len(run.epidemic.bodies)
    drawn = (uniform(run.seed, "ill of something else", day, np.arange(min(2 * count + 50, 4 * people))) * people).astype(
        np.int64
    )
    latest = epidemic.last_of[drawn]
    is_free = (latest < 0) | (epidemic.infections["over_on"][np.maximum(latest, 0)] <= day) if epidemic.count else latest < 0
    kept = drawn[is_free]
    first = np.sort(np.unique(kept, return_index=True)[1])
    return np.asarray(kept[first[:count]], np.int64)


def _result_days(run: Run, people: Ints, day: int) -> Ints:
    """A Poisson distribution around the mean of the tests in force."""
    means = [m.days_to_result for m in run.measures if isinstance(m, Testing) and m.first_day <= day <= (m.last_day or NEVER)]
    days = np.arange(15)
    logs = -(mean := max(means[0] if means else 1.0, 1e-9)) + days * np.log(mean) - np.cumsum(np.log(np.maximum(days, 1)))
    return day + (pick(np.exp(logs), uniform(run.seed, "result of others", people, day)) if len(people) else people)


def _cycles(onset: Floats, person: Ints, day: int, seed: int) -> Floats:
    """Threshold cycles by the days since onset (or since it would have been)."""
    since = day - onset
    first, second = (np.maximum(uniform(seed, f"ct {part}", person, day), 1e-12) for part in (1, 2))
    noise = np.sqrt(-2 * np.log(first)) * np.cos(2 * np.pi * second)
    return np.clip(_PEAK + np.where(since < 0, -_RISE * since, _FALL * since) + _SPREAD * noise, _LEAST, _MOST)


def _moments(run: Run, person: Ints, result_on: Ints, day: int) -> tuple[Ints, Ints]:
    """Sampled between 8 and 18, or by 11 where the result is there the same day; results reach the city from 11 to 14,
    at the moment at which `cases_known` has them."""
    midnight = epoch_of(run.start, day, run.city.utc_offset)
    if not len(person):
        return person, person
    hours = np.where(result_on == day, 3.0, 10.0) * uniform(run.seed, "hour of sample", person, day)
    sampled = midnight + ((8 + hours) * 3600).astype(np.int64)
    report = ((8 + 3 * (1 + uniform(run.seed, "hour of report", person, 1))) * 3600).astype(np.int64)
    return sampled, midnight + (result_on - day) * 86_400 + report

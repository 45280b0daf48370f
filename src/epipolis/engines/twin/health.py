"""What citizens declare about their health: symptoms by day, of the ill and of those who cough for other reasons."""

import numpy as np
import pyarrow as pa

from epipolis.engines.twin.courses import MILD
from epipolis.engines.twin.draws import Flags, Floats, Ints, uniform
from epipolis.engines.twin.reporting import SYMPTOMS, listed, symptoms_of
from epipolis.engines.twin.runs import Run
from epipolis.engines.twin.visits import epoch_of

_DECLARES = 0.7
_ILL_OF_OTHERS = 0.008
"""Share of people who, at any time, are ill alike of something else."""
_OTHERS_SHARE = np.array([0.3, 0.6, 0.45, 0.4, 0.45, 0.03, 0.04])
_OTHERS_LAST = 5
_DAYS_ILL = 10


def health_declarations(run: Run, *, share: float = 0.1) -> pa.Table:
    """The declarations of the last day lived, in order of time.

    `share` of the people take part; on any day seven in ten of them declare, those with symptoms nine in ten. Columns:
    person, at (epoch seconds), symptoms (list of names; empty: well), temperature (°C, null where it was not taken).
    The symptoms of an infection are those that its case record names, from onset for ten days or until it is over.

    ValueError for a share outside 0 to 1.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"The share who declare is between 0 and 1, not {share}.")
    day, seed, epidemic = run.day - 1, run.seed, run.epidemic
    numbers = np.arange(len(epidemic.bodies))
    who = numbers[uniform(seed, "takes part in declarations", numbers) < share]
    in_hospital = epidemic.bodies["away_until"][who] >= day
    who = who[~in_hospital]
    has = _of_infection(run, who, day) | _of_others(seed, who, day)
    declares = (
        uniform(seed, "declares", who, day) < np.where(has.any(axis=1), 0.9, _DECLARES) if len(who) else np.zeros(0, bool)
    )
    who, has = who[declares], has[declares]
    at = _moments(run, who, day)
    order = np.argsort(at, kind="stable")
    who, has, at = who[order], has[order], at[order]
    temperature, is_taken = _temperatures(seed, who, has[:, 0], day)
    return pa.table(
        {
            "person": who.astype(np.int64),
            "at": at,
            "symptoms": listed(has),
            "temperature": pa.array(temperature.astype(np.float32), mask=~is_taken),
        }
    )


def _of_infection(run: Run, who: Ints, day: int) -> Flags:
    epidemic = run.epidemic
    has = np.zeros((len(who), len(SYMPTOMS)), bool)
    row = epidemic.last_of[who]
    infected = np.flatnonzero(row >= 0)
    one = epidemic.infections[row[infected]]
    is_ill = (one["course"] >= MILD) & (one["onset"] <= day) & (day < one["over_on"]) & (day < one["onset"] + _DAYS_ILL)
    has[infected[is_ill]] = symptoms_of(one[is_ill], run.seed)
    return has


def _of_others(seed: int, who: Ints, day: int) -> Flags:
    """Spells of five days."""
    if not len(who):
        return np.zeros((0, len(SYMPTOMS)), bool)
    spell = (day + who) // _OTHERS_LAST
    is_ill = uniform(seed, "ill of something else", who, spell) < _ILL_OF_OTHERS
    chance = uniform(seed, "symptom of something else", who[:, None], spell[:, None], np.arange(len(SYMPTOMS)))
    return np.asarray((chance < _OTHERS_SHARE) & is_ill[:, None], bool)


def _moments(run: Run, who: Ints, day: int) -> Ints:
    """Most in the morning, some late in the evening."""
    if not len(who):
        return who
    chance = uniform(run.seed, "hour of declaration", who, day)
    hours = np.where(chance < 0.7, 6 + 4 * chance / 0.7, 10 + 13 * (chance - 0.7) / 0.3)
    return np.asarray(epoch_of(run.start, day, run.city.utc_offset) + (hours * 3600).astype(np.int64), np.int64)


def _temperatures(seed: int, who: Ints, has_fever: Flags, day: int) -> tuple[Floats, Flags]:
    if not len(who):
        return np.zeros(0), np.zeros(0, bool)
    chance = uniform(seed, "temperature", who, day)
    degrees = np.where(has_fever, 38.0 + 1.6 * chance, 36.2 + 0.9 * chance)
    return np.round(degrees, 1), uniform(seed, "thermometer", who, day) < np.where(has_fever, 0.9, 0.4)

"""What the city sees of the infections: who is tested, what is reported and when, and how the record is revised.

A case passes through up to five revisions: suspected (a doctor reports), a result (confirmed by the laboratory, or
left probable), a later sample that confirms it all the same, the interview (onset and setting become known), and the
outcome. Most infections never appear at all.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pyarrow as pa

from epipolis.engines.twin.courses import ASYMPTOMATIC, BY_NOBODY, MILD, NEVER, SEVERE
from epipolis.engines.twin.draws import Flags, Floats, Ints, pick, uniform
from epipolis.engines.twin.epidemics import Epidemic
from epipolis.engines.twin.layout import Records
from epipolis.engines.twin.places import KINDS
from epipolis.engines.twin.visits import epoch_of

# Chosen by hand for an office of middling speed.
_REPORTED_AS_SUSPECTED = 0.65
_INTERVIEWED = 0.85
_ONSET_TOLD_AT_ONCE = 0.6
_SETTING_KNOWN = {"household": 0.75, "outside": 0.4, "abroad": 0.9}

_STAGES = (0, 1, 1, 2, 3)
"""Suspected, result, corrected result, interviewed, closed: in which order they come on one day."""
SYMPTOMS = ("fever", "cough", "fatigue", "sore_throat", "headache", "loss_of_smell", "shortness_of_breath")
_SYMPTOM_SHARE = np.array([[0.65, 0.7, 0.5, 0.35, 0.35, 0.3, 0.08], [0.9, 0.75, 0.7, 0.2, 0.3, 0.3, 0.85]])


@dataclass(frozen=True, eq=False)
class Findings:
    """One entry per infection: on which day of the run each thing becomes known, or NEVER."""

    sampled: Ints
    suspected: Ints
    result: Ints
    confirmed: Ints
    corrected: Ints
    """Found by a later sample, after one that found nothing."""
    interviewed: Ints
    closed: Ints


def findings_of(infections: Records, *, seed: int) -> Findings:
    """What the tests found, and the paper around them; the same whenever it is asked, so that nothing is remembered."""
    person = infections["person"]

    def chance(purpose: str) -> Floats:
        return uniform(seed, purpose, person)

    confirmed = infections["confirmed_on"].astype(np.int64)
    is_ill, tested = infections["course"] != ASYMPTOMATIC, infections["sampled_on"] < NEVER
    # A sample that finds nothing leaves the ill as probable cases; the others are never heard of.
    sampled = np.where(is_ill, infections["first_sampled_on"], infections["sampled_on"]).astype(np.int64)
    result = np.where(is_ill, infections["first_result_on"], np.where(confirmed < NEVER, infections["result_on"], NEVER))
    result = result.astype(np.int64)
    has_begun = is_ill & (infections["onset"] <= sampled)
    in_time = has_begun & (chance("suspected") < _REPORTED_AS_SUSPECTED) & (result > sampled)
    interviewed = result + 1 + (chance("interview after") < 0.4)
    over = infections["over_on"].astype(np.int64)
    closed = np.maximum(np.maximum(over, interviewed + 1), 0) + pick(np.array([0.5, 0.3, 0.2]), chance("closed"))
    known = tested & (result < NEVER)
    return Findings(
        sampled=np.where(tested, sampled, NEVER),
        suspected=np.where(tested & in_time, sampled, NEVER),
        result=np.where(known, result, NEVER),
        confirmed=confirmed,
        corrected=np.where(known & (confirmed > result), confirmed, NEVER),
        interviewed=np.where(known & (chance("interviewed") < _INTERVIEWED), interviewed, NEVER),
        closed=np.where(known, closed, NEVER),
    )


def cases_known(epidemic: Epidemic, *, utc_offset: timedelta, day: int) -> pa.Table:
    """Every new or revised case record that reaches the city on one day, in the order of `known_at`.

    Columns: person, revision (from 1), known_at (epoch seconds), classification (suspected, probable, confirmed),
    onset, sampled, reported (dates; onset null while unknown or without symptoms), confirmed_at (epoch seconds or
    null), hospitalised (date or null), symptoms, setting (household, abroad, a kind of place, or null),
    setting_place (or null), outcome (recovered, died or null), outcome_date. Each revision repeats all that is known
    by then.
    """
    infections, kinds, seed, start = epidemic.infections, epidemic.world.kinds, epidemic.seed, epidemic.start
    found = findings_of(infections, seed=seed)
    stages = (found.suspected, found.result, found.corrected, found.interviewed, found.closed)
    due = [np.flatnonzero(days == day) for days in stages]
    row = np.concatenate(due)
    stage = np.repeat(_STAGES, [len(rows) for rows in due])
    second = _second(infections["person"][row], stage, seed)
    order = np.lexsort((stage, infections["person"][row], second))
    row, stage, second = row[order], stage[order], second[order]
    # What is known by then, of each stage.
    reached = [(on[row] < day) | ((on[row] == day) & (own <= stage)) for on, own in zip(stages, _STAGES, strict=True)]
    revision = np.sum(reached, axis=0)
    midnight = epoch_of(start, day, utc_offset)
    confirmed_second = _second(infections["person"][row], np.ones(len(row), np.int64), seed)
    confirmed_at = midnight + (found.confirmed[row] - day) * 86_400 + confirmed_second
    is_resulted, is_interviewed, has_ended = reached[1], reached[3], reached[4]
    is_confirmed = is_resulted & ((found.confirmed[row] == found.result[row]) | reached[2])
    told = uniform(seed, "onset told", infections["person"][row]) < _ONSET_TOLD_AT_ONCE
    has_begun = infections["onset"][row] <= day
    onset_known = (infections["course"][row] != ASYMPTOMATIC) & has_begun & (told | is_interviewed)
    first_known = np.minimum(found.suspected, found.result)[row]
    setting, place = _setting(infections, kinds, row, is_interviewed, seed)
    admitted = infections["severe_on"][row]
    is_admitted = admitted <= day
    outcome = np.where(infections["dies"][row], "died", "recovered").astype(object)
    label = np.where(is_confirmed, "confirmed", np.where(is_resulted, "probable", "suspected")).astype(object)
    return pa.table(
        {
            "person": pa.array(infections["person"][row], pa.int64()),
            "revision": pa.array(revision, pa.int16()),
            "known_at": pa.array(midnight + second, pa.int64()),
            "classification": pa.array(label, pa.string()),
            "onset": dates(start, infections["onset"][row], ~onset_known),
            "sampled": dates(start, found.sampled[row]),
            "reported": dates(start, first_known),
            "confirmed_at": pa.array(confirmed_at, pa.int64(), mask=~is_confirmed),
            "hospitalised": dates(start, admitted, ~is_admitted),
            "symptoms": listed(symptoms_of(infections[row], seed) & has_begun[:, None]),
            "setting": pa.array(setting, pa.string()),
            "setting_place": pa.array(np.maximum(place, 0), pa.int64(), mask=place < 0),
            "outcome": pa.array(outcome, pa.string(), mask=~has_ended),
            "outcome_date": dates(start, infections["over_on"][row], ~has_ended),
        }
    )


def dates(start: date, days: Ints, is_null: Flags | None = None) -> pa.Array:
    since_1970 = np.asarray(days, np.int64) + (start - date(1970, 1, 1)).days
    return pa.array(since_1970.astype(np.int32), pa.int32(), mask=is_null).cast(pa.date32())


def _second(person: Ints, stage: Ints, seed: int) -> Ints:
    """Offices work from 8 to 20; a later stage on the same day comes at a later hour."""
    return ((8 + 3 * (stage + uniform(seed, "hour of report", person, stage))) * 3600).astype(np.int64)


def _setting(
    infections: Records, kinds: Ints, row: Ints, is_interviewed: Flags, seed: int
) -> tuple[np.ndarray[tuple[int], np.dtype[np.object_]], Ints]:
    names = np.array([*(kind.name for kind in KINDS), "abroad", "household"], object)
    infections = infections[row]
    place = infections["place"]
    if not len(place):
        return np.array([], object), place
    code = np.where(
        place >= 0, kinds[np.maximum(place, 0)].astype(np.int64), np.where(infections["layer"] == BY_NOBODY, -2, -1)
    )
    known = np.where(code >= 0, _SETTING_KNOWN["outside"], _SETTING_KNOWN["household"])
    known = np.where(code == -2, _SETTING_KNOWN["abroad"], known)
    is_known = is_interviewed & (uniform(seed, "setting known", infections["person"]) < known)
    setting = names[code]
    setting[~is_known] = None
    return setting, np.where(is_known & (place >= 0), place, -1)


def symptoms_of(infections: Records, seed: int) -> Flags:
    """Which of `SYMPTOMS` each infection brings once it has begun: a column for each."""
    course, person = infections["course"], infections["person"]
    has = np.empty((len(infections), len(SYMPTOMS)), bool)
    for number in range(len(SYMPTOMS)):
        share = _SYMPTOM_SHARE[(course >= SEVERE).astype(int), number]
        has[:, number] = (uniform(seed, "symptom", person, number) < share) & (course >= MILD)
    has[:, 1] |= (course >= MILD) & ~has.any(axis=1)
    return has


def listed(has: Flags) -> pa.ListArray:
    """Lists of symptoms from a column of flags for each."""
    offsets = np.concatenate([[0], np.cumsum(has.sum(axis=1))]).astype(np.int32)
    words = pa.array(SYMPTOMS).take(pa.array(np.nonzero(has)[1]))
    return pa.ListArray.from_arrays(pa.array(offsets), words)

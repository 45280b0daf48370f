"""Whether measures fit each other, the city and the run."""

from collections.abc import Collection, Iterator, Sequence
from itertools import combinations

import numpy as np

from epipolis.engines.twin.disease import Disease
from epipolis.engines.twin.draws import Floats, Ints
from epipolis.engines.twin.measures import (
    ClosePlaces,
    IsolateCases,
    LimitCapacity,
    Measure,
    QuarantineHouseholds,
    Schools,
    Testing,
    TraceByBluetooth,
    TraceContacts,
    Vaccinate,
    age_range,
)

_ONE_AT_A_TIME = (Testing, IsolateCases, QuarantineHouseholds, TraceContacts, TraceByBluetooth)


def check_measures(
    measures: Sequence[Measure], *, people: int, areas: Collection[str], days: int, disease: Disease | None = None
) -> None:
    """ValueError with one sentence for the first contradiction among `measures`.

    `people`: in the city. `areas`: codes of its areas. `days`: length of the run. `disease`: to know its vaccines; None:
    they are not checked. Measures with a trigger are not held against each other, because they need not meet.
    """
    if days < 1:
        raise ValueError(f"A run needs at least one day, not {days}.")
    if people < 1:
        raise ValueError("There is nobody in the city.")
    for sentence in _contradictions(measures, people, areas, days, disease):
        raise ValueError(sentence)


def _contradictions(
    measures: Sequence[Measure], people: int, areas: Collection[str], days: int, disease: Disease | None
) -> Iterator[str]:
    for measure in measures:
        yield from _about_people(measure, areas)
        if isinstance(measure, Vaccinate):
            yield from _about_vaccine(measure, people, days, disease)
    for one, other in combinations([measure for measure in measures if measure.trigger is None], 2):
        day = max(one.first_day, other.first_day)
        if one.is_in_force(day) and other.is_in_force(day) and day < days:
            yield from _about_pair(one, other, day)
    yield from _about_doses(measures, people, days)


def _about_people(measure: Measure, areas: Collection[str]) -> Iterator[str]:
    for code in measure.compliance_by_area:
        if code not in areas:
            yield f"{measure.label}: compliance_by_area names {code!r}, which is no area of the city."
    for one, other in combinations(measure.compliance_by_age, 2):
        (from_one, to_one), (from_other, to_other) = age_range(one), age_range(other)
        if from_one <= to_other and from_other <= to_one:
            yield f"{measure.label}: compliance_by_age gives {one!r} and {other!r}, which overlap."


def _about_vaccine(measure: Vaccinate, people: int, days: int, disease: Disease | None) -> Iterator[str]:
    doses = 2
    if disease is not None:
        vaccine = next((item for item in disease.vaccines if item.name == measure.vaccine), None)
        if vaccine is None:
            known = ", ".join(disease.vaccine_names) or "none at all"
            yield f"{measure.label}: {disease.name} has no vaccine called {measure.vaccine!r}, but {known}."
            return
        doses = vaccine.doses
    if measure.last_day is not None:
        total = measure.per_day * (min(measure.last_day, days - 1) - measure.first_day + 1)
        if total > people * doses:
            yield f"{measure.label}: {total:,} doses are more than the {people:,} people of the city can take."


def _about_doses(measures: Sequence[Measure], people: int, days: int) -> Iterator[str]:
    vaccinations = [measure for measure in measures if isinstance(measure, Vaccinate)]
    for measure in vaccinations:
        day = measure.first_day
        total = sum(item.per_day for item in vaccinations if item.is_in_force(day))
        if total > people and day < days:
            yield f"{measure.label}: {total:,} doses on day {day} are more than there are people ({people:,})."


def _about_pair(one: Measure, other: Measure, day: int) -> Iterator[str]:
    if isinstance(one, Schools) and isinstance(other, Schools) and one.mode != other.mode:
        yield f"Schools are both closed and in half classes on day {day}."
    if type(one) is type(other) and isinstance(one, _ONE_AT_A_TIME):
        yield f"{one.label} stands twice on day {day}; end the first before the second begins."
    for shut, limited in ((one, other), (other, one)):
        if isinstance(shut, ClosePlaces) and isinstance(limited, LimitCapacity):
            for kind in sorted(set(shut.places) & set(limited.places)):
                yield f"Places of the kind {kind} are both closed and limited to a share of their guests on day {day}."


def compliance_of(measure: Measure, ages: Ints, areas: Ints, codes: Sequence[str]) -> Floats:
    """Share of each person's kind who follow `measure`.

    `ages` in years and `areas` as positions in `codes`, one entry for each person. Own figures of an age group or an
    area replace the general one; where a person has both, the smaller counts.
    """
    by_age, by_area = np.full((2, len(ages)), np.nan)
    for group, share in measure.compliance_by_age.items():
        first, last = age_range(group)
        by_age[(ages >= first) & (ages <= last)] = share
    for code, share in measure.compliance_by_area.items():
        if code in codes:
            by_area[areas == list(codes).index(code)] = share
    own = np.fmin(by_age, by_area)
    return np.where(np.isnan(own), measure.compliance, own)
